"""A program for the tests: runs `rs-train` again and again without importing torch each time.

Reads lines of JSON: {"arguments": [...], "kill": signal or null, "at": step, "limit": bytes or
null}. Each is one run, in a process of its own that gets the signal once its metrics.jsonl has the
step, and can write no file larger than the limit (a full disk). Answers with a line each: {"code":
exit code, negative for a signal, "out": ..., "err": ...}.
"""

from __future__ import annotations

import json
import os
import resource
import signal
import sys
import tempfile
import time
from pathlib import Path

import open_clip  # noqa: F401 -- what takes seconds
import torch

from rs_caption.console import err, out
from rs_train import loop  # noqa: F401
from rs_train.cli import main

PATIENCE_S = 120.0


def one_run(
    arguments: list[str], kill: int | None, at: int, limit: int | None
) -> dict[str, object]:
    """Start, wait for the step, kill, wait for the end."""
    with tempfile.TemporaryFile() as said_out, tempfile.TemporaryFile() as said_err:
        child = os.fork()
        if not child:
            os.dup2(said_out.fileno(), 1)
            os.dup2(said_err.fileno(), 2)
            if limit is not None:
                resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit))
            _run(arguments)
        if kill is not None:
            _await_step(Path(arguments[arguments.index("--out") + 1]) / "metrics.jsonl", at)
            os.kill(child, kill)
        _, status = os.waitpid(child, 0)
        texts = []
        for file in (said_out, said_err):
            file.seek(0)
            texts.append(file.read().decode())
    return {"code": os.waitstatus_to_exitcode(status), "out": texts[0], "err": texts[1]}


def _run(arguments: list[str]) -> None:
    """The forked process: what the console script does."""
    code: object = 1
    try:
        sys.argv = ["rs-train", *arguments]
        out.file, err.file = sys.stdout, sys.stderr
        main()
    except SystemExit as end:
        code = end.code
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(code if isinstance(code, int) else int(code is not None))


def _await_step(metrics: Path, step: int) -> None:
    """Until a line of the step is written."""
    late = time.monotonic() + PATIENCE_S
    while time.monotonic() < late:
        lines = metrics.read_text().splitlines() if metrics.is_file() else []
        if any(line.startswith(f'{{"step": {step},') for line in lines):
            return
        time.sleep(0.002)
    raise TimeoutError(f"{metrics} has no step {step}")


if __name__ == "__main__":
    torch.set_num_threads(1)
    signal.signal(signal.SIGINT, signal.default_int_handler)
    for line in sys.stdin:
        sys.stdout.write(json.dumps(one_run(**json.loads(line))) + "\n")
        sys.stdout.flush()

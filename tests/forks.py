"""A program for the tests: runs `rs-train` again and again without importing torch each time.

Reads lines of JSON: {"arguments": [...], "kill": signal or null, "at": step, "limit": bytes or
null, "processes": number, "killed": [rank, ...]}. Each is one run, in so many processes of its own,
told who they are as torchrun does. Those that are to be killed get the signal once metrics.jsonl
has the step; none can write a file larger than the limit (a full disk). Answers with a line each:
{"codes": [exit code of each, negative for a signal], "out": ..., "err": ...}.
"""

from __future__ import annotations

import json
import os
import resource
import signal
import socket
import sys
import tempfile
import time
import traceback
from collections.abc import Callable
from pathlib import Path
from typing import Any

import open_clip  # noqa: F401 -- what takes seconds
import torch
import torch.utils.tensorboard

from rs_caption.console import err, out
from rs_train import loop  # noqa: F401
from rs_train.cli import main
from rs_train.images import compile_now

PATIENCE_S = 120.0


def one_run(job: dict[str, Any]) -> dict[str, object]:
    """Start, wait for the step, kill, wait for the end."""
    arguments, number = job["arguments"], job["processes"]
    with tempfile.TemporaryFile() as said_out, tempfile.TemporaryFile() as said_err:

        def work() -> int:
            os.dup2(said_out.fileno(), 1)
            os.dup2(said_err.fileno(), 2)
            if job["limit"] is not None:
                resource.setrlimit(resource.RLIMIT_FSIZE, (job["limit"],) * 2)
            return _run(arguments)

        children = forked(number, work)
        if job["kill"] is not None:
            _await_step(Path(arguments[arguments.index("--out") + 1]) / "metrics.jsonl", job["at"])
            for rank in job["killed"]:
                os.kill(children[rank], job["kill"])
        codes = [os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) for child in children]
        texts = []
        for file in (said_out, said_err):
            file.seek(0)
            texts.append(file.read().decode())
    return {"codes": codes, "out": texts[0], "err": texts[1]}


def forked(number: int, work: Callable[[], int]) -> list[int]:
    """Start processes that do the same work, told who each is as torchrun does; their ids."""
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        where = {"MASTER_ADDR": "127.0.0.1", "MASTER_PORT": one.getsockname()[1]}
    children = []
    for rank in range(number):
        child = os.fork()
        if child:
            children.append(child)
            continue
        who = {"RANK": rank, "LOCAL_RANK": rank, "WORLD_SIZE": number, "LOCAL_WORLD_SIZE": number}
        os.environ.update({name: str(value) for name, value in (who | where).items()})
        code = 1
        try:
            code = work()
        finally:
            if sys.exc_info()[0]:
                traceback.print_exc()
            sys.stdout.flush()
            sys.stderr.flush()
            os._exit(code)
    return children


def _run(arguments: list[str]) -> int:
    """The forked process: what the console script does."""
    sys.argv = ["rs-train", *arguments]
    out.file, err.file = sys.stdout, sys.stderr
    try:
        main()
    except SystemExit as end:
        return end.code if isinstance(end.code, int) else int(end.code is not None)
    return 0


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
    compile_now()
    signal.signal(signal.SIGINT, signal.default_int_handler)
    for line in sys.stdin:
        sys.stdout.write(json.dumps(one_run(json.loads(line))) + "\n")
        sys.stdout.flush()

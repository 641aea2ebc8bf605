"""Commands of ours as processes of their own, on the same terminal; signals reach it once.

Each is the head of a process group of its own, so that a Ctrl-C of the terminal comes to this
process alone, which hands it on as the terminal would have: to the group. A command that is told to
end has work to save, so it is waited for, however long that takes.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Sequence
from contextlib import nullcontext, suppress
from pathlib import Path
from types import FrameType
from typing import Any, Self

from rs_caption.errors import RsCaptionError

_MODULES = {"rs-caption": "rs_caption", "rs-train": "rs_train", "rs-bench": "rs_bench"}
_START = """\
import sys
from rs_caption.interrupts import ctrl_c_ends
sys.argv[0] = {0!r}
with ctrl_c_ends():
    from {1}.cli import main
main()
"""
_ENDING = ("SIGINT", "SIGTERM", "SIGHUP")
_CAN_GROUP = hasattr(os, "killpg")  # not on Windows, whose console tells all processes itself


def complaint(words: Sequence[str], folder: Path) -> str:
    """What a command says that ends with an error; empty: it ends well.

    Args:
        words: of a command that takes a second and writes nothing.
        folder: where it is run.
    """
    done = subprocess.run(  # noqa: S603 -- a command of ours
        _command(words),
        cwd=folder,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        check=False,
    )
    said = done.stderr.decode(errors="replace").strip().removeprefix(f"{words[0]}: ")
    return said or f"exit code {done.returncode}" if done.returncode else ""


def _command(words: Sequence[str]) -> list[str]:
    start = _START.format(words[0], _MODULES[words[0]])
    # -P: no module is taken from the folder, which is the user's
    return [sys.executable, "-P", "-c", start, *words[1:]]


class StoppedError(RsCaptionError):
    """The pipeline ends before its end."""

    def __init__(self, said: str, code: int) -> None:
        """What to say, and the exit code to end with."""
        super().__init__(said)
        self.code = code


class Children:
    """Runs commands, one at a time; while it is entered, signals are for the one that runs."""

    def __init__(self) -> None:
        """No signal came yet."""
        self.told: list[int] = []  # signals
        self._process: subprocess.Popen[bytes] | None = None
        self._starts = False
        self._pauses = False  # as soon as it has started
        self._before: dict[int, Any] = {}

    def __enter__(self) -> Self:
        known = [getattr(signal, name) for name in _ENDING if hasattr(signal, name)]
        # what is ignored (nohup) stays so, here and in the commands
        numbers = [one for one in known if signal.getsignal(one) is not signal.SIG_IGN]
        self._before = {number: signal.signal(number, self._came) for number in numbers}
        if _CAN_GROUP:
            self._before[signal.SIGTSTP] = signal.signal(signal.SIGTSTP, self._pause)
        return self

    def __exit__(self, *_: object) -> None:
        for number, handler in self._before.items():
            signal.signal(number, handler)

    def run(self, words: Sequence[str], folder: Path, out: Path | None = None) -> int:
        """Run a command to its end; its exit code as a shell has it.

        Args:
            words: `rs-caption`, `convert`, ...
            folder: where it is run.
            out: a file for what it prints; None: the terminal, as its progress and errors.
        """
        self._starts = True
        with out.open("wb") if out else nullcontext() as file:
            self._process = subprocess.Popen(  # noqa: S603 -- a command of ours
                _command(words),
                cwd=folder,
                stdin=subprocess.DEVNULL,
                stdout=file,
                process_group=0 if _CAN_GROUP else None,
            )
        self._starts = False
        for number in tuple(self.told):  # came while it was being started
            self._tell(number)
        if self._pauses:
            self._pause(0, None)
        code = self._process.wait()
        self._process = None
        return code if code >= 0 else 128 - code

    def _came(self, number: int, _frame: FrameType | None) -> None:
        if self._process is None and not self._starts:
            raise StoppedError("stopped; the same command goes on from there", 128 + number)
        self.told.append(number)
        self._tell(number)

    def _tell(self, number: int) -> None:
        if self._process is None or not _CAN_GROUP:
            return
        with suppress(ProcessLookupError):
            if number == signal.SIGINT:
                os.killpg(self._process.pid, number)
            else:  # a terminal that is closed is a reason to save, too
                os.kill(self._process.pid, signal.SIGTERM)

    def _pause(self, _number: int, _frame: FrameType | None) -> None:
        """Ctrl-Z stops both; `fg` lets both go on."""
        self._pauses = self._starts
        if self._starts:
            return
        process = self._process
        if process is not None:
            os.killpg(process.pid, signal.SIGSTOP)
        os.kill(os.getpid(), signal.SIGSTOP)
        if process is not None:
            os.killpg(process.pid, signal.SIGCONT)

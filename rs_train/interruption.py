"""Ctrl-C and SIGTERM (preemption): the step in work is ended and saved, then the run ends.

A second Ctrl-C ends it at once; the last checkpoint stays what it is.
"""

from __future__ import annotations

import os
import signal
import threading
from types import FrameType
from typing import Self

SIGNALS = (signal.SIGINT, signal.SIGTERM)


class Interruption:
    """While it is entered, `name` says which signal came; empty: none."""

    def __init__(self) -> None:
        """Nothing came yet."""
        self.name = ""
        self._owner = os.getpid()
        self._before: dict[signal.Signals, signal._HANDLER] = {}

    @property
    def exit_code(self) -> int:
        """What a shell expects of a process that this signal ended; 0 where none came."""
        return 128 + signal.Signals[self.name] if self.name else 0

    def __enter__(self) -> Self:
        if threading.current_thread() is threading.main_thread():
            self._before = {number: signal.signal(number, self._came) for number in SIGNALS}
        return self

    def __exit__(self, *_: object) -> None:
        for number, handler in self._before.items():
            signal.signal(number, handler)

    def _came(self, number: int, _frame: FrameType | None) -> None:
        if os.getpid() != self._owner:
            self._came_to_loader(number)
        elif number == signal.SIGINT and self.name:
            raise KeyboardInterrupt
        else:
            self.name = signal.Signals(number).name

    def _came_to_loader(self, number: int) -> None:
        """In a process that loads: Ctrl-C of a terminal goes to all; only its parent says stop."""
        if number == signal.SIGTERM:
            signal.signal(number, signal.SIG_DFL)
            signal.raise_signal(number)

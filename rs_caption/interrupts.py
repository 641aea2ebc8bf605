"""Signals at moments that cannot take them: a process being started, a callback of a compiler."""

from __future__ import annotations

import os
import signal
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager

INTERRUPTED = 130  # the exit code of programs that Ctrl-C ended
_left: list[str] = []  # libraries whose threads are still at work
_CAN_BLOCK = hasattr(signal, "pthread_sigmask")  # not on Windows


@contextmanager
def ctrl_c_ends() -> Iterator[None]:
    """While a program is imported and its options are read: Ctrl-C ends it without a traceback."""
    try:
        yield
    except KeyboardInterrupt:
        sys.exit(INTERRUPTED)


@contextmanager
def ctrl_c_held() -> Iterator[None]:
    """Keep Ctrl-C waiting until the block ends; processes started in it keep it waiting too.

    Both are needed: a started process inherits what is blocked, but not a handler; and in this one
    a library's thread may take the signal, which Python then handles here all the same.
    """
    if threading.current_thread() is not threading.main_thread():
        yield  # Python hands Ctrl-C to the main thread alone
        return
    held: list[int] = []
    try:
        with blocked(signal.SIGINT):
            handler = signal.signal(signal.SIGINT, lambda number, _: held.append(number))
            try:
                yield
            finally:
                signal.signal(signal.SIGINT, handler)
    finally:
        if held:
            signal.raise_signal(signal.SIGINT)


@contextmanager
def blocked(number: signal.Signals) -> Iterator[None]:
    """Let a signal wait until the block ends; in processes started in it, until they allow it."""
    if not _CAN_BLOCK:
        yield
        return
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {number})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def let_ctrl_c_through() -> None:
    """In a process that was started under `ctrl_c_held`: from here on it may come."""
    if _CAN_BLOCK:
        signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGINT})


def threads_are_left(library: str) -> None:
    """A library's threads go on after work was broken off; Python's own end would crash in them."""
    _left.append(library)


def leave_if_threads_are_left(code: object) -> None:
    """End the process without Python's own end, where that would crash."""
    if _left:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(code if isinstance(code, int) else int(code is not None))

"""Serving an application to the browsers of this machine, until Ctrl-C."""

from __future__ import annotations

import errno
import signal
import socket
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

import uvicorn
from starlette.types import ASGIApp

from rs_caption.errors import UserError

HOST = "127.0.0.1"
_TERMINATED = 143


@contextmanager
def bound(port: int) -> Iterator[socket.socket]:
    """A socket of this machine's own; port 0 takes any that is free.

    Raises:
        UserError: another program has the port, or it may not be used.
    """
    try:
        taken = socket.create_server((HOST, port), backlog=128)
    except OSError as error:
        if error.errno == errno.EADDRINUSE:
            raise UserError(
                f"--port {port}: another program has it; --port 0 takes any that is free"
            ) from error
        raise UserError(f"--port {port}: cannot be used ({error.strerror})") from error
    with taken:
        yield taken


def serve(app: ASGIApp, taken: socket.socket) -> None:
    """Answer until Ctrl-C (then it returns) or SIGTERM (then the program ends with 143)."""
    config = uvicorn.Config(
        app,
        log_level="warning",
        access_log=False,
        server_header=False,
        proxy_headers=False,
        lifespan="off",
        ws="none",
        timeout_graceful_shutdown=2,
    )
    signal.signal(signal.SIGTERM, _leave)  # after uvicorn's own, so that files are cleared away
    try:
        uvicorn.Server(config).run(sockets=[taken])
    except KeyboardInterrupt:
        return


def _leave(_: int, __: FrameType | None) -> None:
    sys.exit(_TERMINATED)

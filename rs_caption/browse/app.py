"""The web application: five kinds of addresses, none of which holds a path.

It answers a browser of this machine alone: requests whose Host is another name are refused (DNS
rebinding), and so are those that another site's page makes. Pages may load what this program serves
and nothing else, and run no script but ours.
"""

from __future__ import annotations

from collections.abc import Callable
from importlib import resources
from typing import Any

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.middleware.gzip import GZipMiddleware
from starlette.middleware.trustedhost import TrustedHostMiddleware
from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, PlainTextResponse, Response
from starlette.routing import Route
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from rs_caption.browse.index import NEAR_BITS
from rs_caption.browse.pages import BITS, MOST_ALIKE, Pages
from rs_caption.browse.pictures import SIDES_PX, note
from rs_caption.browse.shelf import Row, Shelf
from rs_caption.browse.wanted import Wanted, number_of
from rs_caption.errors import DataError, RsCaptionError, TableError, UserError

HOSTS = ("127.0.0.1", "localhost")
_HEADERS = {
    "Content-Security-Policy": (
        "default-src 'none'; img-src 'self'; style-src 'self'; script-src 'self'; "
        "connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
    ),
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Permissions-Policy": "camera=(), microphone=(), geolocation=()",
}
_STATIC = {
    "browse.css": "text/css",
    "browse.js": "text/javascript",
    "icon.svg": "image/svg+xml",
}


def app_of(shelf: Shelf) -> ASGIApp:
    """The application over an open table."""
    answers = _Answers(shelf)
    routes = [
        Route("/", answers.page),
        Route("/rows", answers.rows),
        Route("/row/{number}", answers.row),
        Route("/picture/{number}", answers.picture),
        Route("/left/{number}/{place}", answers.left),
        Route("/regions/{number}", answers.regions),
        Route("/static/{name}", _static),
    ]
    guards = [
        Middleware(TrustedHostMiddleware, allowed_hosts=list(HOSTS), www_redirect=False),
        Middleware(GZipMiddleware, minimum_size=1000, compresslevel=4),
    ]
    handlers = {TableError: _table_error, 400: answers.wrong}
    return _Guard(Starlette(routes=routes, middleware=guards, exception_handlers=handlers))


class _Guard:
    """Puts our headers on every answer, and refuses what other sites ask for."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        async def send_guarded(message: Message) -> None:
            if message["type"] == "http.response.start":
                own = [(name.lower().encode(), said.encode()) for name, said in _HEADERS.items()]
                message = {**message, "headers": [*message["headers"], *own]}
            await send(message)

        if scope["type"] != "http":
            return
        headers = dict(scope["headers"])
        elsewhere = headers.get(b"sec-fetch-site", b"none") not in (b"none", b"same-origin")
        if elsewhere and headers.get(b"sec-fetch-mode") != b"navigate":
            refusal = PlainTextResponse("asked for by another site", 403)
            await refusal(scope, receive, send_guarded)
            return
        await self.app(scope, receive, send_guarded)


class _Answers:
    """What each address answers; all of it is done in threads."""

    def __init__(self, shelf: Shelf) -> None:
        self.shelf = shelf
        self.pages = Pages(shelf)

    def page(self, request: Request) -> Response:
        wanted, number = _asked(request)
        return _html(self.pages.page(wanted, number))

    def rows(self, request: Request) -> Response:
        wanted, number = _asked(request)
        return _html(self.pages.rows(wanted, number))

    def row(self, request: Request) -> Response:
        wanted, _ = _asked(request)
        number, row = self._row(request)
        bits = _number(request, "bits", NEAR_BITS)
        return _html(self.pages.row(number, row, wanted, min(bits, max(BITS))))

    def picture(self, request: Request) -> Response:
        _, row = self._row(request)
        side_px = _number(request, "side", SIDES_PX[0])
        side_px = side_px if side_px in SIDES_PX else SIDES_PX[0]
        return _jpeg(lambda: self.shelf.pictures.jpeg(row, side_px))

    def left(self, request: Request) -> Response:
        _, row = self._row(request)
        place = _path_number(request, "place")
        left, _ = self.shelf.left_for(row["image_id"], MOST_ALIKE)
        known = self.shelf.row_of_id(left[place].image_id) if place < len(left) else None
        if known is None:
            raise HTTPException(404, "no such picture")
        return _jpeg(lambda: self.shelf.pictures.jpeg(known, SIDES_PX[0]))

    def regions(self, request: Request) -> Response:
        _, row = self._row(request)
        try:
            return JSONResponse(self.shelf.regions.outlines(row))
        except RsCaptionError as error:
            raise HTTPException(404, str(error)) from error

    def _row(self, request: Request) -> tuple[int, Row]:
        number = _path_number(request, "number")
        row = self.shelf.row(number)
        if row is None:
            raise HTTPException(404, "no such row")
        return number, row

    def wrong(self, request: Request, error: Any) -> Response:
        """What is wrong with an address, as a page, or as the part of one that was asked for."""
        return _html(self.pages.wrong(error.detail, part=request.url.path == "/rows"), 400)


def _asked(request: Request) -> tuple[Wanted, int]:
    """The filter and the page of an address."""
    try:
        return Wanted.of(request.query_params), _number(request, "page", 1)
    except UserError as error:
        raise HTTPException(400, str(error)) from error


def _number(request: Request, key: str, otherwise: int) -> int:
    """A number among the parameters; another where there is none."""
    try:
        found = number_of(request.query_params, key)
    except UserError as error:
        raise HTTPException(400, str(error)) from error
    return otherwise if found is None else found


def _path_number(request: Request, key: str) -> int:
    """A number in the path; what is none, or too long to be one, names nothing here."""
    try:
        found = number_of(request.path_params, key)
    except UserError:
        found = None
    if found is None:
        raise HTTPException(404, "no such row")
    return found


def _html(text: str, status: int = 200) -> Response:
    return HTMLResponse(text, status, {"Cache-Control": "no-store"})


def _jpeg(make: Callable[[], bytes]) -> Response:
    """A picture, or one that says why there is none."""
    try:
        keep = {"Cache-Control": "private, max-age=86400"}
        return Response(make(), headers=keep, media_type="image/jpeg")
    except (DataError, TableError) as error:
        gone = {"Cache-Control": "no-store"}
        return Response(note(error), 404, gone, "image/jpeg")


def _static(request: Request) -> Response:
    name = request.path_params["name"]
    if name not in _STATIC:
        raise HTTPException(404)
    content = resources.files("rs_caption.browse").joinpath("static", name).read_bytes()
    return Response(content, headers={"Cache-Control": "no-cache"}, media_type=_STATIC[name])


def _table_error(_: Request, error: Any) -> Response:
    return PlainTextResponse(str(error), 500)

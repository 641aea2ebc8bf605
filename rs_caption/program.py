"""What the three commands share: `--version`, `-h`, and errors as one line with exit code 2."""

# No `from __future__ import annotations` here: typer could not resolve names of an inner function.
import errno
import importlib.util
import os
import re
import sys
from collections.abc import Sequence
from itertools import pairwise
from typing import Annotated, Any

import typer
from typer.core import TyperGroup

from rs_caption import __version__
from rs_caption.errors import RsCaptionError, UserError
from rs_caption.interrupts import ctrl_c_ends, leave_if_threads_are_left

EXIT_USER_ERROR = 2
EXIT_SKIPPED = 3  # done, but some of what is there could not be used
_EMPTY = re.compile(r"--[\w-]+=")
_OF_PYDANTIC = "Value error, "  # by which newer typers have options checked


class _Commands(TyperGroup):
    """The commands of a program."""

    def invoke(self, ctx: Any) -> Any:
        """Run the one that was typed; what is wrong with an option is said in plain words."""
        try:
            return super().invoke(ctx)
        except typer.BadParameter as error:
            error.message = error.message.removeprefix(_OF_PYDANTIC)
            raise


def new_app(name: str, about: str, begin: str) -> typer.Typer:
    """An empty command-line program; `begin` is the command to try first."""
    app = typer.Typer(
        name=name,
        cls=_Commands,
        help=about,
        epilog=f"Begin with: {begin}",
        no_args_is_help=True,
        pretty_exceptions_enable=False,
        context_settings={"help_option_names": ["-h", "--help"]},
    )

    def show_version(value: bool) -> None:
        if value:
            typer.echo(f"{name} {__version__}")
            raise typer.Exit

    @app.callback()
    def root(
        *,
        version: Annotated[
            bool,
            typer.Option("--version", callback=show_version, is_eager=True, help="Show it."),
        ] = False,
    ) -> None:
        """Options of the program itself."""

    return app


def require(extra: str, *modules: str) -> None:
    """Say which extra is missing, before an import fails.

    Raises:
        UserError: one of the modules is not installed.
    """
    for name in modules:
        if importlib.util.find_spec(name) is None:
            raise UserError(f"{name} is not installed; pip install 'rs-caption[{extra}]'")


def run(app: typer.Typer) -> None:
    """Run a program; an error of the user's ends it with one line instead of a traceback."""
    try:
        _run(app)
    except SystemExit as end:
        _forget_what_no_terminal_takes()
        leave_if_threads_are_left(end.code)
        raise


def _forget_what_no_terminal_takes() -> None:
    """A terminal that was closed takes no more; over the rest Python would end with code 120."""
    for stream in (sys.stdout, sys.stderr):
        try:
            stream.flush()
        except OSError as error:
            if error.errno != errno.EIO:
                raise
            os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())


def _check_words(words: Sequence[str]) -> None:
    """An empty word would be the folder that the program is called in.

    Raises:
        UserError: there is one.
    """
    for before, word in pairwise(["its name", *words]):
        if not word or _EMPTY.fullmatch(word):
            found = word or f"'' after {before}"
            raise UserError(f"expected a word, found {found}; is a variable of the shell empty?")


def _run(app: typer.Typer) -> None:
    try:
        _check_words(sys.argv[1:])
        with ctrl_c_ends():  # typer sees to it only once its commands are made
            app()
    except RsCaptionError as error:
        typer.echo(f"{app.info.name}: {error}", err=True)
        sys.exit(EXIT_USER_ERROR)

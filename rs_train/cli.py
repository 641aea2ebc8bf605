"""The command line of the training side.

    rs-train run remoteclip-vit-b-32 --table tables/clean --out runs/vit-b-32
    torchrun --nproc-per-node 4 -m rs_train.cli run remoteclip-vit-b-32 --table tables/clean ...

Exit codes: 0 done; 1 what was looked at is not in order (`check`); 2 a wrong option, folder, file
or recipe (one line says what to do); 3 done, but images could not be read (`pack`); 130 and 143
ended by Ctrl-C or SIGTERM, and saved.
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from rs_caption import program
from rs_caption.engine import default_workers
from rs_caption.errors import UserError
from rs_caption.flags import TablesArgument, WorkersOption
from rs_caption.storage import typed

app = program.new_app(
    "rs-train",
    "Pretrain CLIP on caption tables: a RemoteCLIP of one's own.",
    begin="rs-train recipes, then rs-train run tiny-vit --table TABLE --out runs/tiny",
)


def _recipes() -> list[str]:
    """What the Tab key offers for RECIPE."""
    from rs_train import config  # noqa: PLC0415 -- --help must not wait

    return config.names()


Recipe = Annotated[
    str,
    typer.Argument(
        metavar="RECIPE",
        help="Name (`rs-train recipes`) or a TOML file.",
        autocompletion=_recipes,
    ),
]
OptionalTables = Annotated[
    list[Path] | None,
    typer.Argument(parser=typed, metavar="[TABLE...]", help="Folders of tables."),
]
Tables = Annotated[
    list[str] | None,
    typer.Option(
        "--table",
        metavar="DIR[=WEIGHT]",
        help="Table to train on; may be repeated. Weight 2 shows its rows twice an epoch.",
    ),
]
Pack = Annotated[
    str | None,
    typer.Option(
        "--pack",
        metavar="DIR",
        help="Folder of `rs-train pack`: take the pictures, and the rows if no table is given.",
    ),
]
RunOut = Annotated[
    str,
    typer.Option("--out", metavar="DIR", help="Folder for checkpoints and metrics."),
]
Out = Annotated[
    Path, typer.Option("--out", parser=typed, metavar="DIR", help="Folder to write it to.")
]
Sets = Annotated[
    list[str] | None,
    typer.Option(
        "--set", metavar="KEY=VALUE", help="Of the recipe: optim.lr=4e-5; may be repeated."
    ),
]
Resume = Annotated[
    bool,
    typer.Option("--resume", help="Go on from the last checkpoint in --out, if there is one."),
]
AllowUnchecked = Annotated[
    bool,
    typer.Option("--allow-unchecked", help="Take rows never compared with tests, or of tests."),
]


@app.command()
def run(
    recipe: Recipe,
    out: RunOut,
    *,
    table: Tables = None,
    pack: Pack = None,
    sets: Sets = None,
    resume: Resume = False,
    allow_unchecked: AllowUnchecked = False,
) -> None:
    """Train a model by a recipe.

    Ctrl-C and SIGTERM end it after the step in work, and what it has learned is
    saved; the same command with --resume goes on, on a CPU to the same bits. So
    it does after a crash, from the last checkpoint.

    Example: rs-train run remoteclip-vit-b-32 --table tables/clean --out runs/vit-b-32
    """
    from rs_train.commands import recipe_of, train_by  # noqa: PLC0415 -- --help must not wait

    config = recipe_of(recipe, out, sets or (), tables=table or (), pack=pack)
    raise typer.Exit(train_by(config, resume=resume, allow_unchecked=allow_unchecked))


@app.command()
def recipes(
    name: Annotated[
        str,
        typer.Argument(
            metavar="[NAME]",
            help="Of a recipe: print it; default: list them.",
            autocompletion=_recipes,
        ),
    ] = "",
) -> None:
    """List the recipes that come with this program, or print one.

    Example: rs-train recipes remoteclip-rn50 > my.toml
    """
    from rs_train.commands import list_recipes, print_recipe  # noqa: PLC0415

    if name:
        print_recipe(name)
    else:
        list_recipes()


@app.command()
def check(
    tables: OptionalTables = None,
    *,
    recipe: Annotated[
        str, typer.Option("--recipe", metavar="RECIPE", help="Say whether this recipe can be, too.")
    ] = "",
    sets: Sets = None,
) -> None:
    """Say whether tables are fit to train on: images in place, no test rows, leakage checked.

    Ends with exit code 1 where they are not.

    Example: rs-train check tables/clean --recipe my.toml --set optim.lr=4e-5
    """
    from rs_train.commands import check_and_say, check_recipe  # noqa: PLC0415

    if recipe:
        check_recipe(recipe, sets or ())
    if tables and not check_and_say(tables):
        raise typer.Exit(1)
    if not (recipe or tables):
        raise UserError("nothing to check: give folders of tables, --recipe, or both")


@app.command()
def pack(
    tables: TablesArgument,
    out: Out,
    *,
    size: Annotated[
        int, typer.Option("--size", min=1, help="Pixels a side: more than a model takes in.")
    ] = 256,
    workers: WorkersOption = default_workers(),
) -> None:
    """Decode and shrink the pictures of tables once, so that training loads many times as fast.

    Ends with exit code 3 if pictures could not be read; training then counts them as corrupt.

    Example: rs-train pack tables/clean --out packs/clean
    """
    from rs_train.commands import pack_and_say  # noqa: PLC0415

    if pack_and_say(tables, out, size, workers):
        raise typer.Exit(program.EXIT_SKIPPED)


@app.command()
def export(
    run: Annotated[
        Path, typer.Argument(metavar="RUN", help="Folder of a run, or one of its checkpoints.")
    ],
    out: Out,
    *,
    checkpoint: Annotated[
        str,
        typer.Option("--checkpoint", help="last, best (by validation) or the number of a step."),
    ] = "last",
) -> None:
    """Make of a run a model that open_clip loads, with its model card.

    Example: rs-train export runs/vit-b-32 --out models/vit-b-32
    """
    from rs_train.commands import export_and_say  # noqa: PLC0415

    export_and_say(run, out, checkpoint)


def main() -> None:
    """Entry point."""
    program.run(app)


if __name__ == "__main__":  # for torchrun
    main()

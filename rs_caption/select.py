"""Which dataset, in which version, with which defaults: from what the user typed to a request."""

from __future__ import annotations

from dataclasses import dataclass

import msgspec

from rs_caption import manifest, own
from rs_caption.b2c import CENTRAL_SHARE
from rs_caption.catalogue.overview import resolve
from rs_caption.errors import UserError
from rs_caption.facts import Frames
from rs_caption.files import check_root
from rs_caption.manifest import CAPTIONED, Manifest
from rs_caption.options import Options
from rs_caption.own.found import Wish
from rs_caption.readers.places import lacking
from rs_caption.splits import no_split

SMALLEST_TILE = 16  # pixels; of a smaller one no picture can be made out


@dataclass(frozen=True, slots=True)
class Typed:
    """Options as typed; None, or an empty text, where the dataset decides."""

    seed: int = 0
    style: str = "plain"
    rules: str = "b2c"
    central: float = CENTRAL_SHARE
    tile: int | None = None
    overlap: int | None = None
    min_visible: float = 0.5
    min_area: int = 1
    version: str = ""
    every: int | None = None
    bands: str = ""


def select(name: str, wish: Wish, typed: Typed) -> tuple[Manifest, Options]:
    """The dataset called `name`, or the user's own data in the form `name`, and the options for it.

    Args:
        name: of a manifest, or of a form of `own`.
        wish: the folder, and what the user said of it.
        typed: `version` of the annotations: empty for the first one that is there; `every`, `tile`
            and `overlap`: None for those of the manifest.

    Raises:
        UserError: there is no such dataset or version, or an option is wrong or does not go with
            it.
    """
    if name.lower() not in manifest.names():  # benchmarks have no place in the list of names
        name = resolve(name, (*(facts.name for facts in manifest.captioned()), *own.FORMS))
    name = name.lower()
    chosen, version = _select(name, wish, typed.version)
    return _asked_for(chosen, version, typed)


def check_typed(name: str, wish: Wish, typed: Typed, splits: tuple[str, ...]) -> None:
    """Whether what was typed can be, as far as that is known before a folder is looked at.

    Args:
        name: of a manifest, or of a form of `own`.
        wish: what the user said of the data.
        typed: the options.
        splits: as typed.

    Raises:
        UserError: an option is wrong or does not go with the dataset.
    """
    if name in own.FORMS:  # what its data holds, the folder says
        _options(typed, "", typed.tile or 0, typed.overlap or 0)
        return
    chosen = _packaged(name, wish)
    version = _version(chosen, typed.version) if typed.version else ""
    chosen = chosen.at(version) if version else chosen
    _asked_for(chosen, version, typed)
    check_splits(chosen, splits_of(chosen, splits))


def _asked_for(chosen: Manifest, version: str, typed: Typed) -> tuple[Manifest, Options]:
    if typed.every is not None:
        if chosen.frames is None:
            raise UserError(f"--every is for videos; {chosen.title} has images")
        if typed.every < 1:
            raise UserError(f"--every is {typed.every}; expected 1 or more frames")
        frames = Frames(source="--every", every=typed.every)
        chosen = msgspec.structs.replace(chosen, frames=frames)
    every = chosen.frames.every if chosen.frames else 0
    return chosen, _options(typed, version, *_tiles(chosen, typed), every)


def _options(typed: Typed, version: str, tile: int, overlap: int, every: int = 0) -> Options:
    return Options(
        seed=typed.seed,
        style=typed.style,
        rules=typed.rules,
        central=typed.central,
        tile=tile,
        overlap=overlap,
        min_visible=typed.min_visible,
        min_area=typed.min_area,
        version=version,
        every=every,
        bands=_bands(typed.bands),
    )


def splits_of(chosen: Manifest, typed: tuple[str, ...]) -> tuple[str, ...]:
    """The splits that are meant by those typed.

    Raises:
        UserError: there is no such split.
    """
    meant = []
    folded = {one.lower(): one for one in chosen.splits}
    for split in typed:
        if split.lower() not in folded:
            raise no_split(chosen.title, split, chosen.splits)
        meant.append(folded[split.lower()])
    return tuple(dict.fromkeys(meant))


def check_splits(chosen: Manifest, splits: tuple[str, ...]) -> None:
    """Whether a dataset has annotations for these splits.

    Raises:
        UserError: it has not, or there is no such split.
    """
    for split in splits:
        if split not in chosen.splits:
            raise no_split(chosen.title, split, chosen.splits)
        if not chosen.splits[split].annotated:
            raise UserError(f"{chosen.title} was released without annotations for split {split!r}")


def _tiles(chosen: Manifest, typed: Typed) -> tuple[int, int]:
    """Side and overlap; those of the manifest go together."""
    if typed.tile is not None and 0 < typed.tile < SMALLEST_TILE:
        raise UserError(
            f"--tile is {typed.tile}; expected 0, or {SMALLEST_TILE} pixels or more a side"
        )
    if typed.tile is None and chosen.tiles:
        overlap = chosen.tiles.overlap if typed.overlap is None else typed.overlap
        return chosen.tiles.side, overlap
    return typed.tile or 0, typed.overlap or 0


def _bands(text: str) -> tuple[int, ...]:
    try:
        return tuple(int(band) for band in text.split(",") if text)
    except ValueError as error:
        raise UserError(f"--bands is {text!r}; expected numbers such as 4,3,2") from error


def _select(name: str, wish: Wish, version: str) -> tuple[Manifest, str]:
    if name in own.FORMS:
        check_root(wish.root, f"your {name} data")
        own_data = own.manifest_of(name, wish)
        return own_data.at(version) if version else own_data, version
    chosen = _packaged(name, wish)
    check_root(wish.root, chosen.title)
    if version or chosen.versions:
        version = _version(chosen, version) if version else _detect(chosen, wish)
        chosen = chosen.at(version)
    return chosen, version


def _packaged(name: str, wish: Wish) -> Manifest:
    given = {
        "--name": wish.name,
        "--classes": wish.classes,
        "--nouns": wish.nouns,
        "--terms": wish.terms,
    }
    found = manifest.load(name)
    for option, value in given.items():
        if value:
            raise UserError(
                f"{option} is for your own data ({', '.join(own.FORMS)}), not for {name}"
            )
    if found.family not in CAPTIONED:
        raise UserError(f"{found.title} is a benchmark: no captions are made from it")
    return found


def _detect(chosen: Manifest, wish: Wish) -> str:
    """The version that lacks least, of those the first; its reader says what is missing."""
    return min(
        chosen.versions,
        key=lambda name: lacking(wish.root, chosen.at(name), with_images=wish.with_images),
    )


def _version(chosen: Manifest, typed: str) -> str:
    """The version that is meant: `1.5` and `V1.5` are v1.5; as typed if none is."""
    folded = {_folded(name): name for name in chosen.versions}
    return typed if typed in chosen.versions else folded.get(_folded(typed), typed)


def _folded(version: str) -> str:
    return version.lower().removeprefix("v")

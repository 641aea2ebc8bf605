"""The facts of a dataset, read from `data_manifests/<name>.toml` into typed, frozen structs.

A manifest holds facts, never logic; every table of it names its `source`. An unknown key or a wrong
type is an error that gives the path of the key (msgspec does the checking).
"""

from __future__ import annotations

import hashlib
import tomllib
from collections.abc import Iterator
from importlib import resources
from pathlib import Path
from typing import Literal

import msgspec

from rs_caption.errors import REASONS, ManifestError, UserError

Family = Literal["det", "seg", "ret"]


class _Facts(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    pass


class Noun(_Facts, frozen=True):
    """How English speaks of a class: `a` plane, 2 `planes`."""

    singular: str
    plural: str
    article: Literal["a", "an"]


class Class(Noun, frozen=True):
    """A class: its name as the dataset spells it, its noun, its value in a label mask."""

    name: str
    value: int | None = None


class Part(_Facts, frozen=True):
    """Where one part of the dataset lies below its root.

    `images` and `annotations` are candidates, the official place first and known repackagings after
    it; the first that exists counts. `split` is empty where the annotation file itself names it.
    """

    images: tuple[str, ...]
    annotations: tuple[str, ...]
    split: str = ""


class Layout(_Facts, frozen=True):
    """The folders of a dataset."""

    source: str
    parts: tuple[Part, ...]


class Split(_Facts, frozen=True):
    """A published split; one without annotations is never converted."""

    source: str
    images: int | None = None
    objects: int | None = None
    annotated: bool = True


class Palette(_Facts, frozen=True):
    """Values of a label mask that are no class."""

    source: str
    background: tuple[int, ...] = ()
    ignored: tuple[int, ...] = ()


class Terms(_Facts, frozen=True):
    """What the owners of the data allow."""

    source: str
    licence: str
    commercial_use: bool
    homepage: str


class Manifest(_Facts, frozen=True):
    """One dataset. `quirks` names the reasons for skipping that are normal in this release."""

    name: str
    title: str
    family: Family
    reader: str
    citation: str
    layout: Layout
    splits: dict[str, Split]
    terms: Terms
    classes: tuple[Class, ...] = ()
    classes_source: str = ""
    palette: Palette | None = None
    quirks: dict[str, str] = {}
    digest: str = ""

    @property
    def nouns(self) -> dict[str, Noun]:
        """Class name to noun."""
        return {entry.name: entry for entry in self.classes}


def parse(text: bytes, path: str) -> Manifest:
    """Read one manifest.

    Raises:
        ManifestError: not TOML, an unknown key, a wrong type, a class without its noun.
    """
    try:
        manifest = msgspec.convert(tomllib.loads(text.decode()), Manifest, strict=True)
    except (UnicodeDecodeError, tomllib.TOMLDecodeError, msgspec.ValidationError) as error:
        raise ManifestError(f"{path}: {error}") from error
    for problem in _contradictions(manifest):
        raise ManifestError(f"{path}: {problem}")
    digest = hashlib.sha256(text).hexdigest()
    return msgspec.structs.replace(manifest, digest=digest)


def _contradictions(manifest: Manifest) -> Iterator[str]:
    """What types alone cannot rule out."""
    names = [entry.name for entry in manifest.classes]
    palette = manifest.palette
    values = [entry.value for entry in manifest.classes if entry.value is not None]
    values += () if palette is None else (*palette.background, *palette.ignored)
    if len(set(names)) != len(names):
        yield "a class is listed twice in `classes`"
    if manifest.family != "ret" and not names:
        yield f"a {manifest.family} dataset needs `classes`"
    if len(set(values)) != len(values):
        yield "a mask value stands for two things in `classes` and `palette`"
    if any(value < 0 for value in values):
        yield "a mask value is negative"
    if palette is not None and any(entry.value is None for entry in manifest.classes):
        yield "with a `palette` every class needs its `value`"
    if unknown := manifest.quirks.keys() - set(REASONS):
        yield f"`quirks` names {min(unknown)!r}; reasons are: {', '.join(REASONS)}"


def names(folder: Path | None = None) -> list[str]:
    """Names of all datasets in `folder`, or of those that ship with the package, sorted."""
    files = (folder or resources.files("data_manifests")).iterdir()
    return sorted(file.name[: -len(".toml")] for file in files if file.name.endswith(".toml"))


def load(name: str, folder: Path | None = None) -> Manifest:
    """The manifest of dataset `name`, from `folder` or from the package.

    Raises:
        UserError: no such dataset; the message lists those there are.
    """
    source = (folder or resources.files("data_manifests")).joinpath(f"{name}.toml")
    if name != Path(name).name or not source.is_file():
        raise UserError(f"no dataset is called {name!r}; there are: {', '.join(names(folder))}")
    return parse(source.read_bytes(), f"{name}.toml")


def load_all() -> Iterator[Manifest]:
    """Every manifest of the package, by name."""
    return (load(name) for name in names())

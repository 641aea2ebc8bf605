"""The facts of a dataset, read from `data_manifests/<name>.toml` into typed, frozen structs.

A manifest holds facts, never logic; every table of it names its `source`. An unknown key or a wrong
type is an error that gives the path of the key (msgspec does the checking). `facts.py` has the
tables, docs/manifests.md says what each key means.
"""

from __future__ import annotations

import difflib
import hashlib
import tomllib
from collections.abc import Iterator, Sequence
from importlib import resources
from pathlib import Path

import msgspec

from rs_caption.errors import REASONS, ManifestError, UserError
from rs_caption.facts import (
    BoxForm,
    Class,
    Columns,
    Download,
    Facts,
    Family,
    Folder,
    Frames,
    Ignored,
    Layout,
    MaskValue,
    Noun,
    Palette,
    Paper,
    Split,
    Terms,
    Tiles,
    Version,
)

CAPTIONED: tuple[Family, ...] = ("det", "seg", "ret")  # the others are benchmarks
_LARGEST_COLOUR = 255


class Manifest(Facts, frozen=True, kw_only=True):
    """One dataset. `quirks` names the reasons for skipping that are normal in this release.

    `aliases` are other names that it goes by, beside `name` and `title`.
    """

    name: str
    title: str
    family: Family
    citation: str
    aliases: tuple[str, ...] = ()
    layout: Layout
    splits: dict[str, Split]
    terms: Terms
    reader: str = ""
    classes: tuple[Class, ...] = ()
    classes_source: str = ""
    ignored: tuple[Ignored, ...] = ()
    folders: tuple[Folder, ...] = ()
    versions: dict[str, Version] = msgspec.field(default_factory=dict)
    columns: Columns | None = None
    boxes: BoxForm | None = None
    palette: Palette | None = None
    tiles: Tiles | None = None
    frames: Frames | None = None
    download: Download | None = None
    paper: Paper | None = None
    quirks: dict[str, str] = msgspec.field(default_factory=dict)
    digest: str = ""

    @property
    def nouns(self) -> dict[str, Noun]:
        """Class name to noun."""
        return {entry.name: entry for entry in self.classes}

    @property
    def annotated(self) -> frozenset[str]:
        """The splits that were released with annotations."""
        return frozenset(name for name, split in self.splits.items() if split.annotated)

    def at(self, version: str) -> Manifest:
        """The manifest of one version: what belongs to others is gone.

        Raises:
            UserError: there is no such version; the message lists those there are.
        """
        if version not in self.versions:
            known = ", ".join(self.versions) or "it has only one"
            raise UserError(f"{self.title} has no version {version!r}; versions: {known}")
        chosen = self.versions[version]
        parts = tuple(part for part in self.layout.parts if part.version in {"", version})
        classes = tuple(entry for entry in self.classes if entry.version in {"", version})
        return msgspec.structs.replace(
            self,
            layout=msgspec.structs.replace(self.layout, parts=parts),
            classes=classes,
            reader=chosen.reader or self.reader,
            splits=chosen.splits or self.splits,
            versions={},
        )


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
    """What types alone cannot rule out, version by version."""
    versions = [manifest.at(name) for name in manifest.versions] or [manifest]
    for version in versions:
        yield from _contradictions_of_classes(version)
        if manifest.family in CAPTIONED and not version.reader:
            yield f"a {manifest.family} dataset needs a `reader`"
    if manifest.family in CAPTIONED and not all(p.annotations for p in manifest.layout.parts):
        yield f"a part of a {manifest.family} dataset needs `annotations`"
    used = {part.version for part in manifest.layout.parts}
    used |= {entry.version for entry in manifest.classes}
    if unknown := used - manifest.versions.keys() - {""}:
        yield f"{min(unknown)!r} is none of the `versions`"
    if unknown := manifest.quirks.keys() - set(REASONS):
        yield f"`quirks` names {min(unknown)!r}; reasons are: {', '.join(REASONS)}"


def _contradictions_of_classes(manifest: Manifest) -> Iterator[str]:
    entries: tuple[Class | Ignored, ...] = (*manifest.classes, *manifest.ignored)
    names = [entry.name for entry in entries]
    palette = manifest.palette
    values: list[MaskValue] = [entry.value for entry in entries if entry.value is not None]
    values += () if palette is None else (*palette.background, *palette.ignored)
    if len(set(names)) != len(names):
        yield "a class is listed twice in `classes`"
    if manifest.family in {"det", "seg"} and not manifest.classes:
        yield f"a {manifest.family} dataset needs `classes`"
    if len(set(values)) != len(values):
        yield "a mask value stands for two things in `classes` and `palette`"
    if any(value < 0 for value in values if isinstance(value, int)):
        yield "a mask value is negative"
    if any(not 0 <= v <= _LARGEST_COLOUR for c in values if isinstance(c, tuple) for v in c):
        yield "a colour is not of three values from 0 to 255"
    if len({type(value) for value in values}) > 1:
        yield "some mask values are indices, some colours"
    if palette is not None and any(entry.value is None for entry in manifest.classes):
        yield "with a `palette` every class needs its `value`"


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


def meant_by(name: str, known: Sequence[str]) -> str | None:
    """The one of `known` that a name most likely stands for; None: it is like none.

    Args:
        name: as typed: a dataset's title or an alias, in any case and punctuation, or misspelt.
        known: names, of datasets or of anything else.
    """
    spellings = {_bare(one): one for one in known}
    for facts in load_all():
        if facts.name in known:
            others = (facts.title, facts.title.partition("(")[0], *facts.aliases)
            spellings |= {_bare(one): facts.name for one in others if _bare(one) not in spellings}
    near = difflib.get_close_matches(_bare(name), spellings, n=1)
    return spellings[near[0]] if near else None


def _bare(text: str) -> str:
    """Its letters and digits, in lower case."""
    return "".join(letter for letter in text.casefold() if letter.isalnum())


def captioned() -> list[Manifest]:
    """The manifests of the datasets that captions are made from, by name."""
    return [manifest for manifest in load_all() if manifest.family in CAPTIONED]

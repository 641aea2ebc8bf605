"""The tables of a manifest: one struct each, in the order in which a manifest states them.

Every struct has a `source` where its facts need one. `manifest.py` puts them together, reads and
checks them.
"""

from __future__ import annotations

from typing import Literal

import msgspec

Family = Literal["det", "seg", "ret", "cls", "count"]
Colour = tuple[int, int, int]
Answer = Literal["yes", "no", "unknown"]
NO_LICENCE = "NOASSERTION"  # SPDX's word for a licence that is not known
MaskValue = int | Colour  # a pixel of a label mask: an index, or red, green and blue


class Facts(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """What every table of a manifest is."""


class Noun(Facts, frozen=True, kw_only=True):
    """How English speaks of a class: `a` plane, 2 `planes`.

    `paper` is the singular and plural of the paper's style, where RemoteCLIP does not say the raw
    class name.
    """

    singular: str
    plural: str
    article: Literal["a", "an"]
    paper: tuple[str, str] | None = None

    @property
    def words(self) -> dict[str, object]:
        """As a table of plain captions states it."""
        return {"singular": self.singular, "plural": self.plural, "article": self.article}

    @property
    def stated(self) -> dict[str, object]:
        """As a table states it, so that whoever has the table can read its captions."""
        return self.words | ({} if self.paper is None else {"paper": self.paper})


class Class(Noun, frozen=True, kw_only=True):
    """A class, and how its annotations name it.

    `name` is the dataset's spelling; files may differ from it in case, blanks, hyphens and
    underscores. `aliases` are other names or ids in files. `value` is its number (a class id) or
    the value of its pixels in a label mask. A class with a `version` belongs to that version alone.
    """

    name: str
    value: MaskValue | None = None
    aliases: tuple[str, ...] = ()
    version: str = ""


class Ignored(Facts, frozen=True, kw_only=True):
    """What is annotated but no object to speak of: never captioned, always counted."""

    name: str
    value: int | None = None
    aliases: tuple[str, ...] = ()


class Folder(Facts, frozen=True, kw_only=True):
    """A class of a classification benchmark: its folder, and the words for it.

    `also` is what a known repackaging calls the folder.
    """

    name: str
    phrase: str
    also: str = ""


class Part(Facts, frozen=True, kw_only=True):
    """Where one part of the dataset lies below its root.

    `images`, `annotations` and `instances` are candidates, the official place first and known
    repackagings after it; the first that exists counts. A candidate is a folder, whose files of one
    stem belong together, or a folder and a pattern round the stem: `5_Labels_all/{stem}_label`.
    `split` is empty where the annotation file itself names it. Which stems belong to the part is
    said by `stems`, or by a file with one stem a line (`members`, candidates), else all do.
    Benchmarks have no `annotations`: their classes are folders of `images`.
    """

    images: tuple[str, ...]
    annotations: tuple[str, ...] = ()
    instances: tuple[str, ...] = ()
    split: str = ""
    members: tuple[str, ...] = ()
    stems: tuple[str, ...] = ()
    version: str = ""


class Layout(Facts, frozen=True, kw_only=True):
    """The folders of a dataset.

    `beside_images` are patterns of other files that may lie among the images. `suffix` is that of
    its images as released, `size_wh` their size in pixels where all share one: needed where only
    the annotations are on this disk. `below` are the folders below each place, as drawn.
    """

    source: str
    parts: tuple[Part, ...]
    beside_images: tuple[str, ...] = ()
    suffix: str = ""
    size_wh: tuple[int, int] | None = None
    below: str = ""


class Split(Facts, frozen=True, kw_only=True):
    """A published split; one without annotations is never converted."""

    source: str
    images: int | None = None
    videos: int | None = None
    objects: int | None = None
    annotated: bool = True


class Version(Facts, frozen=True, kw_only=True):
    """One of several forms of the annotations, all of the same images.

    `reader` and `splits` stand here where they differ from those of the dataset.
    """

    source: str
    about: str
    reader: str = ""
    splits: dict[str, Split] = msgspec.field(default_factory=dict)


class Columns(Facts, frozen=True, kw_only=True):
    """The columns of annotations that are numbers, one object a line.

    Names: x0 y0 x1 y1 width height class, and any other for what is not read. `drop` says which
    values of a column make an object one to ignore.
    """

    source: str
    order: tuple[str, ...]
    drop: dict[str, tuple[str, ...]] = msgspec.field(default_factory=dict)


class BoxForm(Facts, frozen=True, kw_only=True):
    """How corners count pixels: from `first` (0 or 1); `inclusive` where the last pixel is named.

    Half-open boxes from 0, which is our record, have `first = 0` and `inclusive = false`.
    """

    source: str
    first: Literal[0, 1] = 0
    inclusive: bool = False


class Palette(Facts, frozen=True, kw_only=True):
    """Values of a label mask that are no class.

    A colour that is none of the palette counts as the nearest one if no channel differs by more
    than `tolerance`.
    """

    source: str
    background: tuple[MaskValue, ...] = ()
    ignored: tuple[MaskValue, ...] = ()
    tolerance: int = 0


class Tiles(Facts, frozen=True, kw_only=True):
    """The tiles that large images are cut into unless an option says otherwise, in pixels."""

    source: str
    side: int
    overlap: int = 0


class Frames(Facts, frozen=True, kw_only=True):
    """Every how many frames of a video one is taken unless an option says otherwise."""

    source: str
    every: int


class Archive(Facts, frozen=True, kw_only=True):
    """A file to download; `md5` where it is known, `url` where it is not the dataset's own.

    `annotated` is false for one of images that nobody has annotations of: it fills no gap.
    """

    name: str
    holds: str
    md5: str = ""
    url: str = ""
    annotated: bool = True


class Download(Facts, frozen=True, kw_only=True):
    """What to download, and where it goes below the root."""

    source: str
    url: str
    archives: tuple[Archive, ...] = ()
    about: str = ""


class Terms(Facts, frozen=True, kw_only=True):
    """What the owners of the data allow.

    `spdx` is an expression of SPDX identifiers; LicenseRef-... where SPDX has none, NOASSERTION
    where no licence is known. `redistribution_source` says who says so.
    """

    source: str
    licence: str
    commercial_use: Answer
    homepage: str
    spdx: str = NO_LICENCE
    redistribution: Answer = "unknown"
    redistribution_source: str = ""


class OwnTerms(Terms, frozen=True, kw_only=True):
    """The terms of data of a user's own, as the user states them, and what to cite."""

    source: str = "whoever made the table"
    licence: str = "not stated"
    commercial_use: Answer = "unknown"
    homepage: str = ""
    title: str = ""
    citation: str = ""


class Paper(Facts, frozen=True, kw_only=True):
    """The dataset in RemoteCLIP's Table I, and why our counts differ where that is known."""

    images: int
    source: str = "arXiv 2306.11029v4, Table I"
    classes: int | None = None
    boxes: int | None = None
    size: str = ""
    about: str = ""

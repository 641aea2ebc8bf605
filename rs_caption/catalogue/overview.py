"""What there is to convert: the lines of `rs-caption sources`, from the manifests alone.

Pure text from facts, and quick: nothing here opens a dataset or imports an array library.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from textwrap import wrap

from rs_caption.catalogue.outline import leaves
from rs_caption.errors import UserError, there_are
from rs_caption.facts import Family
from rs_caption.manifest import CAPTIONED, Manifest, meant_by

FAMILIES: dict[Family, str] = {
    "det": "DET: boxes",
    "seg": "SEG: label masks",
    "ret": "RET: sentences by people",
    "cls": "Benchmarks: classification",
    "count": "Benchmarks: counting",
}
OWN_FORMS = {
    "coco": "boxes in COCO JSON",
    "voc": "boxes in PASCAL VOC XML",
    "yolo": "boxes in YOLO text files, with data.yaml; oriented ones too",
    "masks": "label masks, of indices or colours, with --classes TABLE",
    "csv": "boxes in one CSV table: image_path,xmin,ymin,xmax,ymax,label",
}
_LICENCE_ENDS = (";", ",", ":")  # where the short form of a licence ends
_FIRST = 3  # places named in the list of all
_INDENT = " " * 2


def resolve(name: str, known: Sequence[str], what: str = "dataset") -> str:
    """The one of `known` that is meant, however its case is typed.

    Raises:
        UserError: none is; the message names the nearest, then all.
    """
    if name in known:
        return name
    folded = {one.lower(): one for one in known}
    if name.lower() in folded:
        return folded[name.lower()]
    said = there_are(known, meant_by(name, known) or "")
    raise UserError(f"no {what} is called {name!r}; {said}")


def images_of(facts: Manifest) -> int | None:
    """Published images: the sum of its splits; None where one does not state them."""
    return _sum(split.images for split in facts.splits.values())


def objects_of(facts: Manifest) -> int | None:
    """Published objects: the sum of its annotated splits; None where one does not state them."""
    return _sum(split.objects for split in facts.splits.values() if split.annotated)


def _sum(numbers: Iterable[int | None]) -> int | None:
    listed = list(numbers)
    stated = [number for number in listed if number is not None]
    return sum(stated) if listed and len(stated) == len(listed) else None


def licence_of(facts: Manifest) -> str:
    """The licence in a few words."""
    text = facts.terms.licence
    return text[: min((at for end in _LICENCE_ENDS if (at := text.find(end)) > 0), default=None)]


def overview(manifests: Sequence[Manifest], width: int) -> Iterator[str]:
    """Every dataset by family, the forms of own data, the benchmarks."""
    name_width = max(len(name) for name in (*OWN_FORMS, *(facts.name for facts in manifests)))
    for family, title in FAMILIES.items():
        found = [facts for facts in manifests if facts.family == family]
        if family == "cls":
            yield "Your own data"
            for form, about in OWN_FORMS.items():
                yield f"{_INDENT}{form:{name_width}}  {about}"
            yield ""
        if not found:
            continue
        yield title
        yield from _table(found, name_width, width)
        yield ""
    yield from wrap(
        "Counts are as published, all splits together; with * as in RemoteCLIP's Table I, which "
        "may be of some splits, or of tiles and frames. `rs-caption sources NAME` says all about "
        "one: what to download, where it goes, classes, terms of use.",
        width,
    )


def _table(found: Sequence[Manifest], name_width: int, width: int) -> Iterator[str]:
    title_width = min(24, max(len(facts.title) for facts in found))
    counted = "classes" if found[0].family not in CAPTIONED else "objects"
    head = f"{'name':{name_width}}  {'title':{title_width}}  {'images':>7}  {counted:>9}  licence"
    yield f"{_INDENT}{head}"
    for facts in found:
        paper = facts.paper
        images = _published(images_of(facts), paper.images if paper else None)
        second = _published(objects_of(facts), paper.boxes if paper else None)
        if facts.family not in CAPTIONED:
            second = _number(len(facts.folders) or None)
        cells = (
            f"{facts.name:{name_width}}",
            f"{_clip(facts.title, title_width):{title_width}}",
            f"{images:>7}",
            f"{second:>9}",
        )
        line = f"{_INDENT}{'  '.join(cells)}  "
        yield line + _clip(licence_of(facts), max(width - len(line), 12))
        if facts.family in CAPTIONED:
            hang = " " * (len(_INDENT) + name_width + 2)
            yield from wrap(
                f"{_archives(facts)} -> {_places(facts)}",
                width,
                initial_indent=hang,
                subsequent_indent=f"{hang}  ",
                break_on_hyphens=False,
                break_long_words=False,
            )


def _archives(facts: Manifest) -> str:
    names = [archive.name for archive in facts.download.archives] if facts.download else []
    where = facts.download.url if facts.download else facts.terms.homepage
    return _some(names, 2) if names else where


def _places(facts: Manifest) -> str:
    """The first step below the root to each place of the first version."""
    version = next(iter(facts.versions), "")
    found = [leaf.path for leaf in leaves(facts.at(version) if version else facts)]
    return _some([path.split("/")[0] + "/" * ("/" in path) for path in found])


def _some(names: Iterable[str], first: int = _FIRST) -> str:
    distinct = list(dict.fromkeys(names))
    more = len(distinct) - first
    return ", ".join(distinct[:first]) + (f" and {more} more" if more > 0 else "")


def _clip(text: str, width: int) -> str:
    return text if len(text) <= width else f"{text[: width - 1].rstrip()}\u2026"


def _published(value: int | None, papers: int | None) -> str:
    """A published count; with `*` where only the paper has one."""
    return f"{papers:,}*" if value is None and papers else _number(value)


def _number(value: int | None) -> str:
    return "-" if value is None else f"{value:,}"

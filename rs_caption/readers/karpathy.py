"""Sentences in Karpathy's JSON: an image, its split, its sentences.

    {"images": [{"filename": "airport_1.jpg", "split": "train", "sentences": [{"raw": "many planes
    ."}]}]}

Only these three fields are needed; releases add tokens and ids. Some RSICD copies are encoded as
gb18030 (ITRA's loader reads them so). Source: github.com/201528014227051/RSICD_optimal.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

import msgspec

from rs_caption.errors import DataError, UserError
from rs_caption.readers.item import Item, Source, size_of
from rs_caption.readers.pairs import images_in
from rs_caption.readers.places import find_places
from rs_caption.readers.text import is_file_name, read_text
from rs_caption.sample import Captions, Sample, Skipped

ENCODINGS = ("utf-8-sig", "gb18030")


class _Sentence(msgspec.Struct):
    raw: str


class _Image(msgspec.Struct):
    filename: str
    split: str
    sentences: list[_Sentence]


class _File(msgspec.Struct):
    images: list[_Image]


def scan(source: Source) -> Iterator[Item | Skipped]:
    """The images of the JSON that belong to the splits.

    Raises:
        UserError: the JSON cannot be read, or has another form.
    """
    for place in find_places(source):
        listed: set[str] = set()
        folder, annotation = place.images, place.annotations
        there = images_in(source.root / folder)
        for image in _parse(source.root / annotation).images:
            name, split = image.filename, image.split
            if split in source.splits:
                here = name in there or not source.with_images
                raw = [sentence.raw for sentence in image.sentences]
                yield item_of(folder, name, split, raw, annotation, here=here)
            elif split not in source.manifest.splits:
                known = ", ".join(source.manifest.splits)
                detail = f"expected a split ({known}), found {split!r}"
                yield Skipped(f"{folder}/{name}", "bad_annotation", detail)
            listed.add(name)
        for name in sorted(there - listed) if source.with_images else ():
            detail = f"not listed in {annotation}"
            yield Skipped(f"{folder}/{name}", "missing_annotation", detail)


def item_of(
    folder: str, name: str, split: str, sentences: Sequence[str], listed: str, *, here: bool
) -> Item | Skipped:
    """The item of an image that a list names, or why there is none.

    Args:
        folder: of the image, below the root.
        name: of the image, as listed.
        split: of the image.
        sentences: as they stand in the list; blanks round them go, empty ones stay to be counted.
        listed: the list, below the root.
        here: whether the image is in the folder, or need not be.
    """
    path = f"{folder}/{name}"
    if not is_file_name(name):
        found = "a path" if "/" in name else repr(name)
        return Skipped(path, "bad_annotation", f"expected a file name, found {found}")
    if not here:
        return Skipped(path, "missing_image", f"listed in {listed}, not in the folder")
    texts = tuple(sentence.strip() for sentence in sentences)
    return Item(path, listed, split, label=Captions(texts))


def _parse(path: Path) -> _File:
    try:
        return msgspec.json.decode(read_text(path, ENCODINGS), type=_File)
    except (msgspec.DecodeError, RecursionError, DataError) as error:  # of msgspec, or no text
        expected = 'expected {"images": [{"filename", "split", "sentences": [{"raw"}]}]}'
        raise UserError(f"{path}: {expected} ({error})") from error


def read(source: Source, item: Item) -> Iterator[Sample | Skipped]:
    """The sentences of one image; repeated ones stay, empty ones are dropped and counted.

    Raises:
        DataError: `no_captions`, or what `size_of` raises.
    """
    size_wh = size_of(source, item)
    said = item.label.texts if isinstance(item.label, Captions) else ()
    texts = tuple(text for text in said if text)
    for number, text in enumerate(said, start=1):
        if not text:
            yield Skipped(item.image, "empty_caption", f"sentence {number} of {len(said)}")
    if not texts:
        found = f"no sentence in {item.annotation}" + f" ({len(said)} empty ones)" * bool(said)
        raise DataError("no_captions", source.root / item.image, found)
    yield Sample(source.manifest.name, item.split, item.image, size_wh, Captions(texts))

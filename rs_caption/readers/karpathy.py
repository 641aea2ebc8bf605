"""Sentences in Karpathy's JSON: an image, its split, its sentences.

    {"images": [{"filename": "airport_1.jpg", "split": "train", "sentences": [{"raw": "many planes
    ."}]}]}

Only these three fields are needed; releases add tokens and ids. Some RSICD copies are encoded as
gb18030 (ITRA's loader reads them so). Source: github.com/201528014227051/RSICD_optimal.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path, PurePosixPath

import msgspec

from rs_caption.errors import DataError, UserError
from rs_caption.readers.item import Item, Source, size_of
from rs_caption.readers.pairs import images_in
from rs_caption.readers.places import find_places
from rs_caption.readers.text import read_text
from rs_caption.sample import Captions, Sample, Skipped


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
        there = images_in(source.root / place.images)
        for image in _parse(source.root / place.annotations).images:
            if image.split in source.splits:
                here = image.filename in there or not source.with_images
                yield _item(image, f"{place.images}/{image.filename}", place.annotations, here=here)
            elif image.split not in source.manifest.splits:
                known = ", ".join(source.manifest.splits)
                detail = f"expected a split ({known}), found {image.split!r}"
                yield Skipped(f"{place.images}/{image.filename}", "bad_annotation", detail)
            listed.add(image.filename)
        for name in sorted(there - listed):
            detail = f"not listed in {place.annotations}"
            yield Skipped(f"{place.images}/{name}", "missing_annotation", detail)


def _item(image: _Image, path: str, annotation: str, *, here: bool) -> Item | Skipped:
    if PurePosixPath(image.filename).name != image.filename:
        return Skipped(path, "bad_annotation", "expected a file name, found a path")
    if not here:
        return Skipped(path, "missing_image", f"listed in {annotation}, not in the folder")
    texts = Captions(tuple(sentence.raw.strip() for sentence in image.sentences))
    return Item(path, annotation, image.split, label=texts)


def _parse(path: Path) -> _File:
    try:
        return msgspec.json.decode(read_text(path, ("utf-8-sig", "gb18030")), type=_File)
    except (msgspec.DecodeError, DataError) as error:  # ValidationError is a DecodeError
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
        raise DataError(
            "no_captions", source.root / item.image, f"no sentence in {item.annotation}"
        )
    yield Sample(source.manifest.name, item.split, item.image, size_wh, Captions(texts))

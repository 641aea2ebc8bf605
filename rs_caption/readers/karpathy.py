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
from rs_caption.images import image_size
from rs_caption.manifest import Manifest
from rs_caption.readers.item import Item, find_places, images_in
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


def scan(root: Path, manifest: Manifest, splits: frozenset[str]) -> Iterator[Item | Skipped]:
    """The images of the JSON that belong to the splits.

    Raises:
        UserError: the JSON cannot be read, or has another form.
    """
    for place in find_places(root, manifest, splits):
        listed: set[str] = set()
        there = images_in(root / place.images)
        for image in _parse(root / place.annotations).images:
            if image.split in splits:
                yield _item(image, f"{place.images}/{image.filename}", place.annotations, there)
            elif image.split not in manifest.splits:
                known = ", ".join(manifest.splits)
                detail = f"expected a split ({known}), found {image.split!r}"
                yield Skipped(f"{place.images}/{image.filename}", "bad_annotation", detail)
            listed.add(image.filename)
        for name in sorted(there - listed):
            detail = f"not listed in {place.annotations}"
            yield Skipped(f"{place.images}/{name}", "missing_annotation", detail)


def _item(image: _Image, path: str, annotation: str, there: set[str]) -> Item | Skipped:
    if PurePosixPath(image.filename).name != image.filename:
        return Skipped(path, "bad_annotation", "expected a file name, found a path")
    if image.filename not in there:
        return Skipped(path, "missing_image", f"listed in {annotation}, not in the folder")
    return Item(path, annotation, image.split, tuple(s.raw.strip() for s in image.sentences))


def _parse(path: Path) -> _File:
    try:
        return msgspec.json.decode(read_text(path, ("utf-8-sig", "gb18030")), type=_File)
    except (msgspec.DecodeError, DataError) as error:  # ValidationError is a DecodeError
        expected = 'expected {"images": [{"filename", "split", "sentences": [{"raw"}]}]}'
        raise UserError(f"{path}: {expected} ({error})") from error


def read(root: Path, manifest: Manifest, item: Item) -> Iterator[Sample | Skipped]:
    """The sentences of one image; repeated ones stay, empty ones are dropped and counted.

    Raises:
        DataError: `no_captions`, or what `image_size` raises.
    """
    size_wh = image_size(root / item.image)
    texts = tuple(text for text in item.texts if text)
    for number, text in enumerate(item.texts, start=1):
        if not text:
            yield Skipped(item.image, "empty_caption", f"sentence {number} of {len(item.texts)}")
    if not texts:
        raise DataError("no_captions", root / item.image, f"no sentence in {item.annotation}")
    yield Sample(manifest.name, item.split, item.image, size_wh, Captions(texts))

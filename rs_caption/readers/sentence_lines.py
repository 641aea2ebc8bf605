"""Sentences as lines of text, and a second file that names their images.

    rsitmd_precomp/train_caps.txt        Two grey ships lie at the pier.
    rsitmd_precomp/train_filename.txt    boat_12.tif

Five lines of sentences belong to a line of names, in order; the lists of test splits repeat each
name, one for each sentence. An empty line is an empty sentence, so it keeps its place. Source:
github.com/xiaoyuan1996/AMFMN, AMFMN/data (the loader of VSE++ counts the same way).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from rs_caption.errors import DataError, UserError
from rs_caption.readers.item import Item, Source
from rs_caption.readers.karpathy import ENCODINGS, item_of
from rs_caption.readers.pairs import images_in
from rs_caption.readers.places import Place, find_places
from rs_caption.readers.text import read_text
from rs_caption.sample import Skipped

_SENTENCES = 5  # of an image


def scan(source: Source) -> Iterator[Item | Skipped]:
    """The images that the lists of the splits name; `karpathy.read` reads them.

    Raises:
        UserError: a list cannot be read, or the two of a split do not fit each other.
    """
    listed: dict[str, set[str]] = {}  # folder -> names
    places = find_places(source)
    for place in places:
        names = listed.setdefault(place.images, set())
        there = images_in(source.root / place.images)
        for name, sentences in _sentences(source, place):
            here = name in there or not source.with_images
            yield item_of(place.images, name, place.split, sentences, place.annotations, here=here)
            names.add(name)
    if not source.with_images or source.splits != source.manifest.annotated:
        return  # images of splits not asked for are in the folder too
    for folder, names in listed.items():
        lists = ", ".join(place.members for place in places if place.images == folder)
        for name in sorted(images_in(source.root / folder) - names):
            yield Skipped(f"{folder}/{name}", "not_listed", f"in none of {lists}")


def _sentences(source: Source, place: Place) -> Iterable[tuple[str, list[str]]]:
    """Each image of a part with its sentences."""
    sentences = _lines(source, place.annotations)
    names = [name.strip() for name in _lines(source, place.members)]
    if len(names) == len(sentences):
        said: dict[str, list[str]] = {}
        for name, sentence in zip(names, sentences, strict=True):
            said.setdefault(name, []).append(sentence)
        return said.items()
    if len(names) * _SENTENCES != len(sentences):
        found = f"{place.annotations} has {len(sentences):,} lines, {place.members} {len(names):,}"
        raise UserError(
            f"{source.root}: {found}; expected {_SENTENCES} sentences for each name, or one"
        )
    starts = range(0, len(sentences), _SENTENCES)
    return zip(names, (sentences[at : at + _SENTENCES] for at in starts), strict=True)


def _lines(source: Source, path: str) -> list[str]:
    """Lines as a loader that iterates over the file has them: only a line feed ends one."""
    try:
        text = read_text(source.root / path, ENCODINGS)
    except DataError as error:
        raise UserError(str(error)) from error
    *whole, last = text.split("\n")
    return [*whole, last] if last else whole

"""Images and annotation files that belong together by their stem."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

from rs_caption import storage
from rs_caption.pictures.images import SUFFIXES
from rs_caption.readers.item import Item, Source
from rs_caption.readers.places import Pattern, Place, find_places, first_there
from rs_caption.readers.text import read_text
from rs_caption.sample import Skipped

_FLAG = re.compile(r"(\s+-1|\s{2,}[01])$")  # after the stem in PASCAL's lists of single classes


def scan_pairs(source: Source, suffixes: tuple[str, ...]) -> Iterator[Item | Skipped]:
    """Every image with its annotation file, part by part; what has no partner is skipped by name.

    Args:
        source: the dataset.
        suffixes: of annotation files, in lower case, the preferred one first.

    Raises:
        UserError: no part of the dataset is here.
    """
    places = find_places(source)
    folders = _Folders(source, suffixes)
    for place in places:
        yield from _pairs(source, place, folders)
    yield from _unlisted(source, places, folders)
    yield from _below(source, places)


def _pairs(source: Source, place: Place, folders: _Folders) -> Iterator[Item | Skipped]:
    images, annotations = folders.of(place)
    members = members_of(source.root, place)
    stems = annotations.keys() | images.keys() if members is None else members
    for stem in sorted(stems):
        of_image, of_annotation = images.get(stem, []), annotations.get(stem, [])
        if not of_image and not of_annotation:
            detail = f"listed in {place.members or 'the manifest'}; neither image nor annotation"
            path = f"{Pattern.of(place.images).path(stem)}{_suffix(source)}"
            yield Skipped(path, "missing_image", detail)
        elif not of_image:
            detail = f"no image {Pattern.of(place.images).path(stem)}.*"
            yield Skipped(of_annotation[0], "missing_image", detail)
        elif not of_annotation:
            detail = (
                f"no annotation {Pattern.of(place.annotations).path(stem)}{folders.suffixes[0]}"
            )
            yield Skipped(of_image[0], "missing_annotation", detail)
        else:
            yield _item(source, place, stem, of_image[0], of_annotation[0])
        for found in (of_image, of_annotation):
            for other in found[1:]:
                yield Skipped(other, "duplicate_image_id", f"{found[0]} has the same stem")


def _item(source: Source, place: Place, stem: str, image: str, annotation: str) -> Item:
    instances = ""
    if place.instances:
        instances = f"{Pattern.of(place.instances).path(stem)}{Path(annotation).suffix}"
        instances = instances if (source.root / instances).exists() else ""
    return Item(image, annotation, place.split, instances)


Files = dict[str, list[str]]  # stem -> paths below the root, the preferred one first


class _Folders:
    """The files of each folder, which is listed once, however many parts share it."""

    def __init__(self, source: Source, suffixes: tuple[str, ...]) -> None:
        self.source = source
        self.suffixes = suffixes
        self._known: dict[object, Files] = {}

    def of(self, place: Place) -> tuple[Files, Files]:
        """Images and annotations; without images here, each annotation stands for one."""
        named = (place.images, place.annotations, place.instances)
        beside = self.source.manifest.layout.beside_images
        patterns = [Pattern.of(name) for name in (*named, *beside) if name]
        image, annotation = patterns[:2]
        annotations = self._listed(annotation, self.suffixes, patterns)
        if self.source.with_images:
            return self._listed(image, SUFFIXES, patterns), annotations
        if (image, annotation) not in self._known:
            suffix = _suffix(self.source)
            self._known[image, annotation] = {s: [f"{image.path(s)}{suffix}"] for s in annotations}
        return self._known[image, annotation], annotations

    def _listed(
        self, pattern: Pattern, suffixes: tuple[str, ...], others: Sequence[Pattern]
    ) -> Files:
        key = (pattern, suffixes, *_rivals(pattern, others))
        if key not in self._known:
            self._known[key] = by_stem(self.source.root, pattern, suffixes, others)
        return self._known[key]


def _suffix(source: Source) -> str:
    return source.manifest.layout.suffix or ".*"


def by_stem(
    root: Path, pattern: Pattern, suffixes: tuple[str, ...], others: Iterable[Pattern] = ()
) -> Files:
    """The files of a folder that have the pattern; nothing where no folder is.

    Args:
        root: of the dataset.
        pattern: folder and form of the names.
        suffixes: in lower case, the preferred one first.
        others: patterns that may say more of a name; such a file belongs to them.
    """
    rivals = _rivals(pattern, others)
    found: Files = {}
    start = "" if pattern.folder == "." else f"{pattern.folder}/"
    folder = root / pattern.folder
    names = sorted(storage.names(folder)) if folder.is_dir() else ()
    for name in names:
        bare, dot, ending = name.rpartition(".")
        if not bare or name[0] == "." or f"{dot}{ending.lower()}" not in suffixes:
            continue
        stem = pattern.stem(bare)
        if stem is not None and not (rivals and any(rival.stem(bare) for rival in rivals)):
            found.setdefault(stem, []).append(f"{start}{name}")
    for paths in (paths for paths in found.values() if len(paths) > 1):
        paths.sort(key=lambda path: _preference(Path(path).suffix, suffixes))
    return found


def _rivals(pattern: Pattern, others: Iterable[Pattern]) -> list[Pattern]:
    """Those that say more of a name in the same folder."""
    return [one for one in others if one.folder == pattern.folder and one.special > pattern.special]


def _preference(suffix: str, suffixes: tuple[str, ...]) -> tuple[int, bool]:
    """By the order of `suffixes`; of two spellings the one in lower case first."""
    return suffixes.index(suffix.lower()), suffix != suffix.lower()


def images_in(folder: Path) -> set[str]:
    """File names of the images in a folder; none where no folder is."""
    found = by_stem(folder.parent, Pattern(folder.name), SUFFIXES)
    return {Path(path).name for paths in found.values() for path in paths}


def members_of(root: Path, place: Place) -> list[str] | None:
    """The stems that belong to a part; None where all of its folder do."""
    if place.part.stems:
        return list(place.part.stems)
    return read_stems(root / place.members) if place.members else None


def read_stems(path: Path) -> list[str]:
    """A list with one stem a line, each once; a suffix of an image, or PASCAL's -1/0/1, is cut off.

    Raises:
        DataError: it cannot be read.
    """
    lines = (_FLAG.sub("", line.strip()) for line in read_text(path).splitlines())
    stems = (line.rsplit(".", 1)[0] if line.lower().endswith(SUFFIXES) else line for line in lines)
    return list(dict.fromkeys(stem for stem in stems if stem))


def _unlisted(source: Source, places: list[Place], folders: _Folders) -> Iterator[Skipped]:
    """What lies in the folders of a part and is in none of the lists that share one of them."""
    seen: set[str] = set()
    said: set[str] = set()  # of annotations that several folders of images share
    for place in places:
        if not (place.members or place.part.stems) or place.images in seen:
            continue
        seen.add(place.images)
        sharing = [
            part
            for part in source.manifest.layout.parts
            if place.images in part.images or place.annotations in part.annotations
        ]
        lists = [name for part in sharing if (name := first_there(source.root, part.members))]
        listed = {stem for name in lists for stem in read_stems(source.root / name)}
        listed.update(stem for part in sharing for stem in part.stems)
        images, annotations = folders.of(place)
        for stem in sorted((images.keys() | annotations.keys()) - listed):
            path = (images.get(stem) or annotations[stem])[0]
            if path not in said:
                said.add(path)
                where = ", ".join(dict.fromkeys(lists)) or "the manifest's lists"
                yield Skipped(path, "not_listed", f"in none of {where}")


def _below(source: Source, places: list[Place]) -> Iterator[Skipped]:
    """Folders of images inside a folder of images, which are not looked into."""
    known = {
        Pattern.of(name).folder
        for part in source.manifest.layout.parts
        for name in (*part.images, *part.annotations, *part.instances)
    }
    for folder in dict.fromkeys(Pattern.of(place.images).folder for place in places):
        for path in _subfolders(source.root / folder) if source.with_images else ():
            below = path.relative_to(source.root).as_posix()
            if not any(one == below or one.startswith(f"{below}/") for one in known):
                number = sum(name.lower().endswith(SUFFIXES) for name in storage.names(path))
                detail = (
                    f"a folder of {number:,} images in {folder}: move them into {folder} itself"
                )
                if number:
                    yield Skipped(below, "not_listed", detail)


def _subfolders(folder: Path) -> list[Path]:
    if not folder.is_dir():
        return []
    return [folder / name for name in storage.subfolders(folder) if name[0] != "."]

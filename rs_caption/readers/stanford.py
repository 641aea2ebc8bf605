"""Stanford Drone Dataset: tracks of a video, one box a line, regrouped by frame.

    3 604 210 641 259 1290 0 0 1 "Biker"

Blank-separated: track, xmin, ymin, xmax, ymax, frame (from 0), lost, occluded, generated, label.
Rows stand track by track. `lost` ones are out of view: dropped and counted; occluded and generated
(interpolated) ones are kept. Coordinates are pixels of `reference.jpg`, a frame beside the
annotations; boxes are scaled to frames and videos that are a smaller copy of it. Frames that the
user extracted (`frames/quad_video0_30.jpg`) go before the video
(`videos/quad/video0/video.mov`). Source: github.com/crowdbotp/OpenTraj, datasets/SDD/README.md.
"""

from __future__ import annotations

import re
from collections.abc import Container, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from rs_caption import storage
from rs_caption.console import counted
from rs_caption.errors import DataError
from rs_caption.pictures import video
from rs_caption.pictures.images import SUFFIXES, image_size
from rs_caption.readers.corners import half_open
from rs_caption.readers.item import Item, Source, size_of
from rs_caption.readers.places import Place, find_places
from rs_caption.readers.tracks import Tracks, read_tracks
from rs_caption.sample import Boxes, Sample, Skipped

_ANNOTATIONS, _REFERENCE, _VIDEO = "annotations.txt", "reference.jpg", "video.mov"
_FRAME = re.compile(r"(.+_video\d+)_(\d{1,9})")
_ROUNDED_PX = 1.5  # what rounding can make of the side of a scaled copy

Extracted = dict[str, dict[int, list[str]]]  # scene_videoN -> frame -> paths below the root
Dropped = tuple[tuple[str, int], ...]


class _View(NamedTuple):
    """Where a frame is seen: its file, or the video and its number; and its size."""

    image: str
    frame: int | None
    size_wh: tuple[int, int]


def scan(source: Source) -> Iterator[Item | Skipped]:
    """One item a video, whether its frames are extracted or not.

    Raises:
        UserError: no part of the dataset is here, or there are videos and PyAV is not installed.
    """
    for place in find_places(source):
        extracted: Extracted = {}
        if source.with_images:
            for candidate in reversed(place.part.images):
                extracted |= _extracted(source.root, candidate)
        for folder in sorted((source.root / place.annotations).glob("*/video*")):
            if folder.is_dir():
                clip = f"{folder.parent.name}/{folder.name}"
                yield _item(source, place, clip, extracted.pop(_flat(clip), {}))
        for name, frames in sorted(extracted.items()):
            detail = f"no annotations of {name}: {len(frames):,} frames"
            yield Skipped(min(frames.values())[0], "missing_annotation", detail)


def _item(
    source: Source, place: Place, clip: str, frames: Mapping[int, list[str]]
) -> Item | Skipped:
    folder = f"{place.annotations}/{clip}"
    annotation, reference = f"{folder}/{_ANNOTATIONS}", f"{folder}/{_REFERENCE}"
    if not (source.root / annotation).is_file():
        return Skipped(folder, "missing_annotation", f"no {_ANNOTATIONS}")
    if frames:
        prefix = f"{Path(min(frames.values())[0]).parent.as_posix()}/{_flat(clip)}"
        return Item(prefix, annotation, place.split, also=(reference, str(Path(prefix).parent)))
    if not source.with_images:
        image = f"{place.part.images[0]}/{clip}/{_VIDEO}"
        return Item(image, annotation, place.split, also=(reference,))
    for candidate in place.part.images:
        for suffix in video.SUFFIXES:
            image = f"{candidate}/{clip}/video{suffix}"
            if (source.root / image).is_file():
                video.require()
                return Item(image, annotation, place.split, also=(reference,))
    detail = f"no {place.part.images[0]}/{clip}/{_VIDEO}, and no frame of it extracted"
    return Skipped(annotation, "missing_image", detail)


def _flat(clip: str) -> str:
    """The name of a video in the names of its frames."""
    return clip.replace("/", "_")


def _extracted(root: Path, folder: str) -> Extracted:
    """Frames that were extracted to a folder, by video and number."""
    found: Extracted = {}
    path = root / folder
    names = sorted(storage.names(path)) if path.is_dir() else ()
    for name in names:
        stem, dot, ending = name.rpartition(".")
        match = _FRAME.fullmatch(stem)
        if match and f"{dot}{ending.lower()}" in SUFFIXES:
            frames = found.setdefault(match[1], {})
            frames.setdefault(int(match[2]), []).append(f"{folder}/{name}")
    return found


def read(source: Source, item: Item) -> Iterator[Sample | Skipped]:
    """The sampled frames of one video that have rows; the first accounts for all other frames.

    Raises:
        DataError: `bad_annotation`, `unknown_class`; `size_mismatch` where the video is not the one
            that was annotated; `missing_image`, `bad_image` where its size cannot be told.
    """
    tracks = read_tracks(source.root / item.annotation, source.class_names)
    every = source.manifest.frames.every if source.manifest.frames else 1
    rows_of = _sampled(tracks, every)
    rest = len(tracks.frame_N) - sum(map(len, rows_of.values()))
    if not rows_of:
        yield Skipped(
            item.image, "no_objects", f"{counted(rest, 'row')}, none in a frame that is sampled"
        )
    pictures = _Pictures.of(source, item, tracks)
    dropped: Dropped = ((f"in frames not sampled (1 of {every} is)", rest),) if rest else ()
    for number, rows_N in rows_of.items():
        try:
            view = pictures.view(number)
            boxes, gone = _boxes(source, tracks, rows_N)
            label = pictures.scaled(boxes, view)
        except DataError as error:
            yield Skipped(f"{item.image}, frame {number}", error.reason, error.problem)
        else:
            yield Sample(
                source.manifest.name,
                item.split,
                view.image,
                view.size_wh,
                label,
                view.frame,
                (*gone, *dropped),
            )
            dropped = ()
    yield from pictures.left_over(rows_of, every)


def _sampled(tracks: Tracks, every: int) -> dict[int, NDArray[np.intp]]:
    """Frame -> its rows in the order of the file, for frames that are sampled and have any."""
    frame_N = tracks.frame_N
    at_N = np.flatnonzero(frame_N % every == 0)
    at_N = at_N[np.argsort(frame_N[at_N], kind="stable")]
    numbers, firsts = np.unique(frame_N[at_N], return_index=True)
    groups = np.split(at_N, firsts[1:]) if len(at_N) else []
    return dict(zip(numbers.tolist(), groups, strict=True))


def _boxes(source: Source, tracks: Tracks, rows_N: NDArray[np.intp]) -> tuple[Boxes, Dropped]:
    """The objects of one frame, and how many are out of view or stand there once more."""
    seen_N = rows_N[~tracks.lost_N[rows_N]]
    _, first_N = np.unique(tracks.track_N[seen_N], return_index=True)
    kept_N = seen_N[np.sort(first_N)]
    names = tuple(tracks.classes[code] for code in tracks.class_N[kept_N].tolist())
    lost, again = len(rows_N) - len(seen_N), len(seen_N) - len(kept_N)
    account = {"lost: out of view": lost, "the same track again in a frame": again}
    dropped = tuple((why, number) for why, number in account.items() if number)
    return Boxes(names, half_open(tracks.xyxy_N4[kept_N], source.manifest.boxes)), dropped


@dataclass(frozen=True, slots=True)
class _Pictures:
    """Where the frames of a video are seen."""

    source: Source
    item: Item
    extracted: dict[int, list[str]]  # empty where the frames are those of the video
    film_wh: tuple[int, int] | None
    num_frames: int | None  # of the video, where that is known
    reference_wh: tuple[int, int] | None

    @classmethod
    def of(cls, source: Source, item: Item, tracks: Tracks) -> _Pictures:
        """What is here of a video.

        Raises:
            DataError: there is neither reference nor video to tell the size, or the video is so
                much shorter than its annotations that it must be another one.
        """
        path = source.root / Path(item.annotation).with_name(_REFERENCE)
        reference_wh = image_size(path) if path.is_file() else None
        prefix = Path(item.image)
        extracted: dict[int, list[str]] = {}
        film_wh, num_frames = None, None
        if not source.with_images:
            film_wh = size_of(source, item, reference_wh)
        elif prefix.suffix.lower() in video.SUFFIXES:
            film = video.header(source.root / item.image)
            film_wh, num_frames = film.size_wh, film.frames
            last = int(tracks.frame_N[~tracks.lost_N].max(initial=0))
            slack = source.manifest.frames.every if source.manifest.frames else 1
            if film.frames is not None and last >= film.frames + slack:
                found = f"{item.image} has {film.frames} frames, frame {last} is annotated"
                raise DataError("size_mismatch", source.root / item.annotation, found)
        else:
            extracted = _extracted(source.root, prefix.parent.as_posix()).get(prefix.name, {})
        return cls(source, item, extracted, film_wh, num_frames, reference_wh)

    def view(self, number: int) -> _View:
        """Where a frame is seen.

        Raises:
            DataError: `missing_image` where it was not extracted or the video ends before it, or
                what `image_size` raises.
        """
        if self.num_frames is not None and number >= self.num_frames:
            problem = f"the video has {self.num_frames} frames, the first is 0"
            raise DataError("missing_image", self.item.image, problem)
        if self.film_wh is not None:
            return _View(self.item.image, number, self.film_wh)
        if number not in self.extracted:
            path = f"{self.item.image}_{number}"
            raise DataError("missing_image", path, f"frame {number} is not extracted")
        image = self.extracted[number][0]
        return _View(image, None, image_size(self.source.root / image))

    def left_over(self, annotated: Container[int], every: int) -> Iterator[Skipped]:
        """Extracted frames that gave no row: without annotation, or there twice."""
        for number, (first, *others) in sorted(self.extracted.items()):
            if number % every == 0 and number not in annotated:
                detail = f"{self.item.annotation} has no row of frame {number}"
                yield Skipped(first, "no_objects", detail)
            for other in others:
                yield Skipped(other, "duplicate_image_id", f"{first} is the same frame")

    def scaled(self, boxes: Boxes, view: _View) -> Boxes:
        """Boxes in pixels of the view.

        Raises:
            DataError: `size_mismatch` where the view is no scaled copy of the reference, or without
                a reference, where a box begins outside the view.
        """
        width, height = view.size_wh
        if self.reference_wh is None:
            if (boxes.xyxy_N4[:, :2] >= (width, height)).any():
                problem = f"has {width} x {height} pixels, boxes lie outside: put {_REFERENCE} back"
                raise DataError("size_mismatch", view.image, problem)
            return boxes
        if view.size_wh == self.reference_wh:
            return boxes
        full_w, full_h = self.reference_wh
        if abs(width - full_w * height / full_h) > _ROUNDED_PX:
            problem = f"{width} x {height} pixels, {_REFERENCE} has {full_w} x {full_h}"
            raise DataError("size_mismatch", view.image, f"no scaled copy of it: {problem}")
        scale = np.array([width / full_w, height / full_h] * 2)
        return Boxes(boxes.names, boxes.xyxy_N4 * scale)

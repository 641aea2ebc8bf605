"""Frames of a video by number, through PyAV (`pip install "rs-caption[video]"`).

Frame 0 is the first one shown; numbers count frames in the order of showing, which is not that of
the file where it has B-frames. Time stamps say which decoded frame has which number, so that a jump
to a key frame gives the same picture as decoding from the start.
"""

from __future__ import annotations

import importlib.util
import sys
from bisect import bisect_right
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

from PIL import Image

from rs_caption import storage
from rs_caption.errors import DataError, UserError

SUFFIXES = (".mov", ".mp4", ".avi", ".mkv")


class Header(NamedTuple):
    """What a video says of itself; `frames` is None where it does not say."""

    size_wh: tuple[int, int]
    frames: int | None


def require() -> None:
    """Make sure that videos can be read.

    Raises:
        UserError: PyAV is not installed.
    """
    known = sys.modules["av"] if "av" in sys.modules else importlib.util.find_spec("av")
    if known is None:
        raise UserError('frames of videos are read by PyAV: pip install "rs-caption[video]"')


def header(path: Path) -> Header:
    """Size and length of a video, without decoding it.

    Raises:
        UserError: PyAV is not installed.
        DataError: `missing_image`, or `bad_image` where it is no video.
    """
    with _here(path) as file, _open(file) as (_, stream):
        return Header((stream.width, stream.height), stream.frames or None)


def frame(path: Path, number: int) -> Image.Image:
    """One frame in RGB.

    Raises:
        UserError: PyAV is not installed.
        DataError: as `frames`.
    """
    return next(image for _, image in frames(path, [number]))


def frames(path: Path, wanted: Iterable[int]) -> Iterator[tuple[int, Image.Image]]:
    """The wanted frames in RGB with their numbers, in order; the video is decoded once at most.

    Raises:
        UserError: PyAV is not installed.
        DataError: `missing_image` where there is no video, or where it is too short: after all
            frames that it has; `bad_image` where it cannot be decoded.
    """
    numbers = sorted(set(wanted))
    with _here(path) as file:
        with _open(file) as (container, stream):
            clock = _Clock.of(container, stream)
        with _open(file) as (container, stream):
            stream.thread_type = "AUTO"
            if clock is None:
                yield from _by_count(container, stream, numbers)
            else:
                yield from _by_clock(container, stream, clock, numbers)


class _Clock(NamedTuple):
    """The time stamps of a video's frames in the order of showing, and which are key frames."""

    stamps: list[int]
    keys: list[int]  # numbers of the key frames

    @classmethod
    def of(cls, container: Any, stream: Any) -> _Clock | None:
        """Read from the packets, undecoded; None where stamps are missing or not unique."""
        packets = [packet for packet in container.demux(stream) if packet.size]
        shown = [packet for packet in packets if not packet.is_discard]
        if any(packet.pts is None for packet in shown):
            return None
        stamps = sorted(packet.pts for packet in shown)
        if len(set(stamps)) != len(stamps):
            return None
        number = {stamp: at for at, stamp in enumerate(stamps)}
        return cls(stamps, sorted(number[p.pts] for p in shown if p.is_keyframe))


def _by_clock(
    container: Any, stream: Any, clock: _Clock, numbers: list[int]
) -> Iterator[tuple[int, Image.Image]]:
    """Frames found by their time stamps, from the nearest key frame on."""
    number_of = {stamp: at for at, stamp in enumerate(clock.stamps)}
    decoded: Iterator[Any] = iter(())
    reached = -1  # the number of the frame decoded last
    for number in numbers:
        if number >= len(clock.stamps):
            raise _too_short(container.name, number, len(clock.stamps))
        key = clock.keys[max(bisect_right(clock.keys, number) - 1, 0)] if clock.keys else 0
        if reached < 0 or key > reached + 1:
            if key > 0:
                container.seek(clock.stamps[key], stream=stream)
            decoded = container.decode(stream)
        for picture in decoded:
            reached = number_of.get(picture.pts, -1)
            if reached == number:
                yield number, picture.to_image()
                break
        else:
            raise DataError("bad_image", container.name, f"frame {number} cannot be decoded")


def _by_count(container: Any, stream: Any, numbers: list[int]) -> Iterator[tuple[int, Image.Image]]:
    """Frames counted from the first on, for videos without usable time stamps."""
    wanted, last, length = set(numbers), max(numbers, default=-1), 0
    for picture in container.decode(stream):
        if length in wanted:
            yield length, picture.to_image()
        length += 1
        if length > last:
            return
    raise _too_short(container.name, next(n for n in numbers if n >= length), length)


def _too_short(path: str, number: int, length: int) -> DataError:
    problem = f"there is no frame {number}: the video has {length}, counted from 0"
    return DataError("missing_image", path, problem)


@contextmanager
def _here(path: Path) -> Iterator[Path]:
    """The video on this disk; of a copy, errors name the original."""
    if not path.is_file():
        raise DataError("missing_image", path, "no such video")
    try:
        with storage.local(path) as file:
            yield file
    except DataError as error:
        raise DataError(error.reason, path, error.problem) from error


@contextmanager
def _open(path: Path) -> Iterator[tuple[Any, Any]]:
    """A container and its first video stream; what FFmpeg says of broken ones is `bad_image`."""
    require()
    import av  # noqa: PLC0415 -- an extra

    try:
        with av.open(str(path)) as container:
            if not container.streams.video:
                raise DataError("bad_image", path, "expected a video, found no pictures in it")
            yield container, container.streams.video[0]
    except av.FFmpegError as error:
        problem = f"not a video that can be decoded ({error.strerror})"
        raise DataError("bad_image", path, problem) from error

"""Which changed copies of real images each level of `rs-caption dedup` finds.

    python benchmarks/detection.py IMAGES --n 1000

Takes n images below a folder, makes a changed copy of each in every way below, and holds the copies
against the originals with the command's own code. Prints, for each change and level, the share of
copies that leave for their own original / how many leave for another image: these are listed, to be
looked at, since real sets hold duplicates.
"""

from __future__ import annotations

import argparse
import shutil
import tempfile
from collections.abc import Callable
from pathlib import Path
from random import Random

import pyarrow.parquet as pq
from PIL import Image, ImageEnhance
from rich.progress import track

from rs_caption import table
from rs_caption.console import print_table, say
from rs_caption.dedup.clean import clean
from rs_caption.dedup.request import CleanRequest
from rs_caption.engine import Work, default_workers
from rs_caption.folders import Given, folder_table
from rs_caption.looks.column import HashRequest, hash_table
from rs_caption.looks.levels import LEVELS
from rs_caption.pictures.images import SUFFIXES
from rs_caption.sample import Boxes
from rs_caption.table import Row

Change = Callable[[Image.Image, Random], Image.Image]


def resized(share: float) -> Change:
    """Both sides by a factor."""
    return lambda image, _: image.resize(
        (round(image.width * share), round(image.height * share)), Image.Resampling.BICUBIC
    )


def cropped(cut: float, *, centre: bool) -> Change:
    """A share of each side cut off, around the centre or anywhere."""

    def change(image: Image.Image, random: Random) -> Image.Image:
        width, height = round(image.width * (1 - cut)), round(image.height * (1 - cut))
        spare = image.width - width, image.height - height
        x0, y0 = (side // 2 if centre else random.randint(0, side) for side in spare)
        return image.crop((x0, y0, x0 + width, y0 + height))

    return change


def turned(transpose: Image.Transpose) -> Change:
    """Flipped or rotated."""
    return lambda image, _: image.transpose(transpose)


CHANGES: dict[str, tuple[Change, dict[str, int]]] = {
    "copy as PNG": (lambda image, _: image, {}),
    "JPEG, quality 75": (lambda image, _: image, {"quality": 75}),
    "JPEG, quality 30": (lambda image, _: image, {"quality": 30}),
    "resized to 50 %": (resized(0.5), {}),
    "resized to 150 %": (resized(1.5), {}),
    "brightness x 1.1": (lambda image, _: ImageEnhance.Brightness(image).enhance(1.1), {}),
    "contrast x 1.2": (lambda image, _: ImageEnhance.Contrast(image).enhance(1.2), {}),
    "flip left-right": (turned(Image.Transpose.FLIP_LEFT_RIGHT), {}),
    "flip top-bottom": (turned(Image.Transpose.FLIP_TOP_BOTTOM), {}),
    "rotate 90": (turned(Image.Transpose.ROTATE_90), {}),
    "rotate 180": (turned(Image.Transpose.ROTATE_180), {}),
    "rotate 270": (turned(Image.Transpose.ROTATE_270), {}),
    "transpose": (turned(Image.Transpose.TRANSPOSE), {}),
    "transverse": (turned(Image.Transpose.TRANSVERSE), {}),
    **{
        f"crop: {cut} % of each side, {where}": (cropped(cut / 100, centre=where == "centre"), {})
        for cut in (1, 5, 10, 25, 50)
        for where in ("centre", "anywhere")
    },
}


def chosen(folder: Path, number: int) -> list[Path]:
    """So many images below a folder, drawn with a fixed seed."""
    files = sorted(path for path in folder.rglob("*") if path.suffix.lower() in SUFFIXES)
    return sorted(Random(0).sample(files, min(number, len(files))))


def looked_at(folder: Path) -> Path:
    """A table, with all that any level needs of its images beside it."""
    hash_table(HashRequest(folder, level=LEVELS[-1], work=Work(default_workers())))
    return folder


def write_originals(files: list[Path], place: Path) -> Path:
    """The images as PNGs, and the table of them, as tests."""
    images = place / "images"
    images.mkdir(parents=True)
    for at, file in enumerate(track(files, "Reading images")):
        Image.open(file).convert("RGB").save(images / f"{at:05d}.png")
    folder_table(Given("originals", images), place / "table", Work())
    return looked_at(place / "table")


def write_copies(originals: Path, change: Change, how: dict[str, int], place: Path) -> Path:
    """A changed copy of every original, and the table of them."""
    rows = []
    place.mkdir()
    for path in sorted((originals.parent / "images").iterdir()):
        copy = change(Image.open(path), Random(path.name))
        name = path.with_suffix(".jpg" if how else ".png").name
        copy.save(place / name, None, **how)
        none: tuple[str, ...] = ()
        rows.append(
            Row("copies", "det", "train", name, None, None, copy.size, none, none, Boxes.of([]))
        )
    about = table.metadata({"copies": {"family": "det"}})
    table.write(place / table.TABLE_FILE, [table.to_arrow(rows)], about)
    table.write_roots(place, {"copies": place})
    return looked_at(place)


def find(copies: Path, originals: Path, level: str, threshold: int) -> tuple[int, list[str]]:
    """How many copies leave for their own original, and those that leave for another."""
    out = copies / f"found-{level}"
    work = Work(default_workers())
    request = CleanRequest((copies,), (str(originals),), out, threshold, level, work, dry_run=True)
    clean(request)
    right, wrong = 0, []
    for row in pq.read_table(out / "removed.parquet").to_pylist():
        if row["reason"] == "test":
            own = Path(row["duplicate_of"]).stem == Path(row["image_id"]).stem
            right += own
            wrong += [] if own else [f"{row['level']}: {row['image_id']} = {row['duplicate_of']}"]
    return right, wrong


def main() -> None:
    """Make the copies, look for them at every level, print the table."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("images", type=Path, help="folder of images")
    parser.add_argument("--n", type=int, default=1000)
    parser.add_argument("--threshold", type=int, default=2)
    arguments = parser.parse_args()
    files = chosen(arguments.images, arguments.n)
    lines: list[tuple[str, ...]] = []
    others: list[str] = []
    with tempfile.TemporaryDirectory() as folder:
        originals = write_originals(files, Path(folder) / "originals")
        for name, (change, how) in track(CHANGES.items(), "Looking for copies"):
            copies = write_copies(originals, change, how, Path(folder) / "copies")
            found = [find(copies, originals, level, arguments.threshold) for level in LEVELS]
            shutil.rmtree(copies)
            shares = [f"{right / len(files):.1%} / {len(wrong)}" for right, wrong in found]
            lines.append((name, *shares))
            say(" | ".join(lines[-1]))  # it takes long, and might be stopped
            others += [f"{name}: {line}" for _, wrong in found for line in wrong]
    print_table(f"{len(files):,} images of {arguments.images.name}", ("", *LEVELS), lines)
    for line in others:
        say(line)


if __name__ == "__main__":
    main()

"""Columns of numbers: one text file an image, columns in the order of the manifest."""

from pathlib import Path

from fakes.fake import Placed, Quad, Writer, place, xyxy
from rs_caption.manifest import Manifest


def _write(root: Path, manifest: Manifest, placed: Placed) -> None:
    for fake, part in placed:
        lines = [_line(manifest, name, corners) for name, corners in fake.objects]
        text = "".join(f"{line}\n" for line in lines)
        place(root, part.annotations[0], fake.stem, ".txt").write_text(text)


def _line(manifest: Manifest, name: str, corners: Quad) -> str:
    """One object; columns that nobody reads are 1, so that none of them drops it."""
    x0, y0, x1, y1 = xyxy(corners)
    first, last = (manifest.boxes.first, manifest.boxes.inclusive) if manifest.boxes else (0, False)
    values = {
        "x0": x0 + first,
        "y0": y0 + first,
        "x1": x1 + first - last,
        "y1": y1 + first - last,
        "width": x1 - x0,
        "height": y1 - y0,
        "class": next(entry.value for entry in manifest.classes if entry.name == name),
    }
    return " ".join(f"{values.get(column, 1):g}" for column in manifest.columns.order)


WRITER = Writer(_write)

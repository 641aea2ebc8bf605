"""CSV tables of boxes: one a part, an empty line for an image without objects."""

import csv
from pathlib import Path

from fakes.fake import Placed, Writer, xyxy
from rs_caption.manifest import Manifest

HEADER = ("image_path", "xmin", "ymin", "xmax", "ymax", "label", "split")


def _write(root: Path, _: Manifest, placed: Placed) -> None:
    for part in {part for _, part in placed}:
        path = root / part.annotations[0]
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.open("w", newline="", encoding="utf-8") as file:
            table = csv.writer(file)
            table.writerow(HEADER)
            for fake, own in placed:
                if own != part:
                    continue
                rows = [(*xyxy(corners), name) for name, corners in fake.objects]
                for row in rows or [("", "", "", "", "")]:
                    table.writerow((fake.name, *row, fake.split))


WRITER = Writer(_write)

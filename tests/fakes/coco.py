"""COCO: one JSON a part, boxes as x, y, width, height; ids begin at 5 and 3."""

import json
from pathlib import Path

from fakes.fake import Placed, Writer, xyxy
from rs_caption.manifest import Manifest


def _write(root: Path, manifest: Manifest, placed: Placed) -> None:
    names = [entry.name for entry in manifest.classes]
    for part in {part for _, part in placed}:
        fakes = [fake for fake, own in placed if own == part]
        images = [
            {
                "id": at,
                "file_name": fake.name,
                "width": fake.size_wh[0],
                "height": fake.size_wh[1],
            }
            for at, fake in enumerate(fakes, start=5)
        ]
        annotations = [
            annotation(at, names.index(name) + 3, *xyxy(corners))
            for at, fake in enumerate(fakes, start=5)
            for name, corners in fake.objects
        ]
        categories = [{"id": at, "name": name} for at, name in enumerate(names, start=3)]
        path = root / part.annotations[0]
        path.parent.mkdir(parents=True, exist_ok=True)
        file = {"images": images, "annotations": annotations, "categories": categories}
        path.write_text(json.dumps(file), "utf-8")


def annotation(
    image_id: int, category_id: int, x0: float, y0: float, x1: float, y1: float
) -> dict[str, object]:
    """An annotation as COCO writes it."""
    return {
        "image_id": image_id,
        "category_id": category_id,
        "bbox": [x0, y0, x1 - x0, y1 - y0],
        "segmentation": [[x0, y0, x1, y0, x1, y1]],
        "area": (x1 - x0) * (y1 - y0),
        "iscrowd": 0,
    }


WRITER = Writer(_write)

"""AU-AIR: one JSON for all frames, boxes as left, top, width, height."""

import json
from pathlib import Path

from fakes.fake import Placed, Writer, xyxy
from rs_caption.manifest import Manifest


def _write(root: Path, manifest: Manifest, placed: Placed) -> None:
    names = [entry.name for entry in manifest.classes]
    for part in {part for _, part in placed}:
        frames = [
            {
                "image_name": fake.name,
                "image_width": float(fake.size_wh[0]),
                "image_height": float(fake.size_wh[1]),
                "altitude": 19921.6,
                "bbox": [bbox(names.index(name), *xyxy(corners)) for name, corners in fake.objects],
            }
            for fake, own in placed
            if own == part
        ]
        path = root / part.annotations[0]
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps({"categories": names, "annotations": frames}), "utf-8")


def bbox(index: int, x0: float, y0: float, x1: float, y1: float) -> dict[str, float]:
    """An object as AU-AIR writes it."""
    return {"top": y0, "left": x0, "height": y1 - y0, "width": x1 - x0, "class": index}


WRITER = Writer(_write)

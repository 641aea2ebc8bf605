"""Karpathy's JSON: one file for all sentences."""

import json
from pathlib import Path

from fakes.fake import Placed, Writer
from rs_caption.manifest import Manifest


def _write(root: Path, _: Manifest, placed: Placed) -> None:
    for part in {part for _, part in placed}:
        images = [
            {
                "filename": fake.name,
                "split": fake.split,
                "sentences": [{"raw": text} for text in fake.sentences],
            }
            for fake, own in placed
            if own == part
        ]
        path = root / part.annotations[0]
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps({"images": images}), encoding="utf-8")


WRITER = Writer(_write)

"""How pictures and texts of a world are saved, and how a finished folder gets into place."""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from pathlib import Path

from PIL import Image

JPEG_QUALITY = 90


def save_png(path: Path, image: Image.Image) -> None:
    """Save a PNG, with its folder."""
    path.parent.mkdir(parents=True, exist_ok=True)
    image.save(path, compress_level=2)


def save_jpeg(path: Path, image: Image.Image, quality: int = JPEG_QUALITY) -> None:
    """Save a JPEG, with its folder."""
    path.parent.mkdir(parents=True, exist_ok=True)
    image.save(path, quality=quality)


def save_tiff(path: Path, image: Image.Image) -> None:
    """Save a TIFF without loss, with its folder."""
    path.parent.mkdir(parents=True, exist_ok=True)
    image.save(path, compression="tiff_lzw")


def save_text(path: Path, text: str) -> None:
    """Save a text as it is, without translating line ends, with its folder."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(text.encode("ascii"))


def move(draft: Path, root: Path, contents: Sequence[str]) -> None:
    """Put what is finished into place, README first: it marks the folder as ours."""
    root.mkdir(exist_ok=True)
    for name in contents:
        target = root / name
        if target.is_dir():
            shutil.rmtree(target)
        (draft / name).replace(target)
    draft.rmdir()

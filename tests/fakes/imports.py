"""Shards to import, and what a table says that was made of them."""

from __future__ import annotations

import io
import tarfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from PIL import Image

from rs_caption.table import open_table


def rows_of(table: Path) -> list[dict[str, Any]]:
    """Its rows."""
    return open_table(table).read().to_pylist()


def captions_of(table: Path) -> dict[tuple[str, str], list[str]]:
    """(split, path) -> captions."""
    return {(row["split"], row["image_path"]): row["captions"] for row in rows_of(table)}


def jpeg(seed: int = 0, size_wh: tuple[int, int] = (24, 16)) -> bytes:
    """A picture of one colour."""
    file = io.BytesIO()
    Image.new("RGB", size_wh, (20 * seed, 99, 7)).save(file, "JPEG")
    return file.getvalue()


def shard(path: Path, members: Sequence[tuple[str, bytes | str]], mode: Any = "w") -> Path:
    """A tar of (name, bytes or text)."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with tarfile.open(path, mode) as tar:
        for name, content in members:
            data = content.encode() if isinstance(content, str) else content
            info = tarfile.TarInfo(name)
            info.size = len(data)
            tar.addfile(info, io.BytesIO(data))
    return path

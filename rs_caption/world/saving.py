"""How pictures and texts of a world are saved, and how a finished folder gets into place."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from hashlib import sha256
from itertools import islice
from pathlib import Path

from PIL import Image

from rs_caption.errors import UserError
from rs_caption.files import write_text, written

JPEG_QUALITY = 90
LISTING = "files.sha256"  # what was drawn: whatever else lies in the folder is somebody else's


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


@contextmanager
def drawn(root: Path, what: str) -> Iterator[Path]:
    """A folder to draw in; when the block ends without an error, what it holds moves to `root`.

    Args:
        root: folder.
        what: may be there from before, as people call it.

    Raises:
        UserError: `root` holds a file that was not drawn, or that was changed since.
        WriteError: it cannot be made or written to.
    """
    _check_place(root, what)
    place = root.resolve()  # `.` has no name
    draft = place.with_name(f".{place.name}.partial")
    with written(root):
        shutil.rmtree(draft, ignore_errors=True)  # of an interrupted run
        draft.mkdir(parents=True)
        yield draft
        _move(draft, root)


def _check_place(root: Path, what: str) -> None:
    """Whether what was drawn may go to a folder: nothing of anybody else is there."""
    if root.exists() and not root.is_dir():
        raise UserError(f"{root}: expected a folder, found a file; choose another place")
    if others := list(islice(_others(root), 3)):
        raise UserError(
            f"{root}: expected a new or empty folder or an earlier {what}, found "
            f"{', '.join(others)}, not drawn by this program or changed since; choose another "
            "folder, nothing was written"
        )


def _move(draft: Path, root: Path) -> None:
    """Put what is finished in place of what was there, and list it.

    Interrupted, the list names both, so that the next run may replace what is left of either.
    """
    earlier, lines = _listed(root), sorted(map(partial(_line, draft), _files(draft)))
    root.mkdir(exist_ok=True)
    write_text(root / LISTING, "\n".join([*earlier, *lines, ""]))
    for line in earlier:
        (root / _named(line)).unlink(missing_ok=True)
    for name in map(_named, lines):
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.move(draft / name, root / name)  # another disk, where `root` is a mount
    write_text(root / LISTING, "\n".join([*lines, ""]))
    shutil.rmtree(draft)


def _others(root: Path) -> Iterator[str]:
    """Files and links that the list of a folder does not name as they are, but hidden ones."""
    listed = set(_listed(root))
    names = {_named(line) for line in listed}
    for name in _files(root):
        file = root / name
        if name == LISTING or file.name.startswith("."):
            continue
        if name not in names or file.is_symlink() or _line(root, name) not in listed:
            yield name


def _files(root: Path) -> Iterator[str]:
    """Paths below a folder, in order, of files and of links, which are not followed."""
    for folder, folders, files in os.walk(root):
        folders.sort()
        links = [name for name in folders if Path(folder, name).is_symlink()]
        for name in sorted([*files, *links]):
            yield Path(folder, name).relative_to(root).as_posix()


def _listed(root: Path) -> list[str]:
    file = root / LISTING
    return file.read_text("utf-8").splitlines() if file.is_file() else []


def _line(root: Path, name: str) -> str:
    """As `sha256sum` writes it."""
    return f"{sha256((root / name).read_bytes()).hexdigest()}  {name}"


def _named(line: str) -> str:
    return line.partition("  ")[2]

"""Whether a folder may be written to: what is the user's in it stays, whatever --out was typed."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from contextlib import suppress
from pathlib import Path

from rs_caption import storage
from rs_caption.errors import UserError
from rs_caption.files import PARTS_FOLDER, sweep
from rs_caption.table import ROOTS_FILE, TABLE_FILE, CaptionTable
from rs_train.pack import NOTE, PICTURES, TABLES, read_note
from rs_train.watch import METRICS

CHECKPOINTS = "checkpoints"
_BLOCK_NOTE, _CHECKPOINT = re.compile(r"\d{9,}\.json"), re.compile(r"step-\d{8,}\.pt|lock")
_PACKED_TABLE = re.compile(r"\d+-.*", re.DOTALL)
_OF_A_TABLE = {TABLE_FILE, ROOTS_FILE}
_NO_RUN = {CHECKPOINTS, METRICS, NOTE, PICTURES, TABLE_FILE}
_METRICS_BEGIN = '{"step": '


def check_pack_out(out: Path, tables: Sequence[CaptionTable]) -> None:
    """Whether a pack of tables may be made in a folder.

    Raises:
        UserError: a table that is read is there, above or below; or what is no pack's.
    """
    own = f"choose a folder of its own, such as {out / 'pack'}"
    real = out.resolve()
    local = [one.path for one in tables if not storage.is_remote(one.path)]
    for file in local:
        for folder in (file.parent.resolve(), file.resolve().parent):
            if real == folder:
                raise UserError(f"--out {out} holds a table that is read; choose another folder")
            if real in folder.parents:
                raise UserError(f"--out {out} is above {file.parent}, which is read; {own}")
            if folder in real.parents:
                said = f"--out {out} is below {file.parent}, which is read"
                raise UserError(f"{said}; choose a folder that is not in it")
    held = _held(out)
    if held and not (out / NOTE).is_file() and not _is_begun(out):
        raise UserError(f"--out {out} holds no pack but other things ({held[0]}); {own}")
    packed = packed_tables(out)
    for folder in _visible(out / TABLES):
        foreign = [folder] if folder not in packed else _foreign(folder)
        if foreign:
            said = f"--out {out} holds a pack, but {foreign[0]} is not of it"
            raise UserError(f"{said}; move that away, or choose another folder")


def packed_tables(out: Path) -> list[Path]:
    """The folders of tables that an earlier pack has written; of an unfinished one, by name."""
    note = None
    with suppress(UserError):  # another version's, or damaged
        note = read_note(out)
    return [
        one
        for one in _visible(out / TABLES)
        if one.is_dir() and not one.is_symlink()
        if (_PACKED_TABLE.fullmatch(one.name) if note is None else one.name in note.tables)
    ]


def remove_tables(folders: Iterable[Path]) -> None:
    """Remove the tables of an earlier pack, and nothing else that may be beside them."""
    for folder in folders:
        with suppress(OSError):  # something else is in it, or who writes there next says why not
            for name in _OF_A_TABLE:
                (folder / name).unlink(missing_ok=True)
            sweep(folder)
            folder.rmdir()


def check_run_out(out: Path) -> None:
    """Whether a run may write to a folder; a log of it may be there already.

    Raises:
        UserError: it is a table or a pack, has tables in it, or files by the names of a run's.
    """
    if _is_run(out):
        return
    held = [one for one in _held(out) if one in _NO_RUN or (out / one / TABLE_FILE).is_file()]
    if held:
        raise UserError(
            f"--out {out} holds no run but other things ({held[0]}); choose a folder of its own, "
            f"such as {out / 'run'}"
        )


def _is_begun(out: Path) -> bool:
    """Whether a pack was broken off there."""
    names = _names(out / PARTS_FOLDER)
    return any(name == PICTURES or _BLOCK_NOTE.fullmatch(name) for name in names)


def _is_run(out: Path) -> bool:
    """Whether checkpoints are there, or will be, or lines of a run that ended before the first."""
    folder, file = out / CHECKPOINTS, out / METRICS
    there = _names(folder)
    if any(map(_CHECKPOINT.fullmatch, there)) or (folder.is_dir() and not there):
        return True
    if not file.is_file():
        return False
    with file.open("rb") as lines:
        return lines.read(len(_METRICS_BEGIN)) in (b"", _METRICS_BEGIN.encode())


def _foreign(folder: Path) -> list[Path]:
    """What stands in the folder of a packed table beside what a pack writes."""
    return [one for one in _visible(folder) if one.name not in _OF_A_TABLE or one.is_dir()]


def _visible(folder: Path) -> list[Path]:
    return [folder / name for name in _held(folder)]


def _held(folder: Path) -> list[str]:
    """What is in a folder, sorted; hidden files are the system's, or parts of an output."""
    return [name for name in _names(folder) if not name.startswith(".")]


def _names(folder: Path) -> list[str]:
    return sorted(one.name for one in folder.iterdir()) if folder.is_dir() else []

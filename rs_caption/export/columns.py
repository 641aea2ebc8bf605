"""CSV as open_clip reads it: a line for each caption, pictures beside it as files.

    filepath<TAB>title<TAB>image_id<TAB>dataset<TAB>rule
    images/train-00000/000000012.jpg<TAB>There is 1 ship.<TAB>dota/P0012.png<TAB>dota<TAB>centre 0.5

`filepath`, `title` and the tab are what open_clip_train takes without options; it ignores the other
columns. Paths count from the folder of the export. https://github.com/mlfoundations/open_clip
"""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Iterator, Sequence

from rs_caption.export.form import IMAGES, Entry, Finish, Form, Place, Written, write_images
from rs_caption.export.lots import Lot
from rs_caption.files import whole

IMAGE, CAPTION, ID = "filepath", "title", "image_id"
HEADER = (IMAGE, CAPTION, ID, "dataset", "rule")
_LINES = "csv"


class _Tabs(csv.excel_tab):
    lineterminator = "\n"


def write(place: Place, lot: Lot, entries: Iterable[Entry]) -> Written:
    """The pictures of a lot, and a line for each caption."""
    return write_images(place, lot, entries, (_LINES,), _lines)


def _lines(entry: Entry, name: str) -> Iterator[tuple[str, str]]:
    row = entry.row
    for caption, rule in zip(entry.captions, entry.rules, strict=True):
        cells = (f"{IMAGES}/{name}", caption, row["image_id"], row["dataset"], rule)
        yield _LINES, _line(cells)


def _line(cells: Sequence[str]) -> str:
    """Quoted where it has to be; a lone carriage return ends a line for pandas, not for Python."""
    text = io.StringIO(newline="")
    if any("\r" in cell for cell in cells):
        csv.writer(text, _Tabs, quoting=csv.QUOTE_ALL).writerow(cells)
    else:
        csv.writer(text, _Tabs).writerow(cells)
    return text.getvalue()


def finish(ended: Finish) -> Iterator[str]:
    """One table a split."""
    for split in ended.splits:
        name = f"{split}.csv"
        with whole(ended.out / name) as partial, partial.open("wb") as file:
            file.write(_line(HEADER).encode())
            file.writelines(ended.lines(split, _LINES))
        yield name


FORM = Form(write, finish)

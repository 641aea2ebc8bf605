"""A small table to browse: boxes, a mask, look-alikes, and rows of somebody who means harm."""

from __future__ import annotations

import re
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pyarrow as pa
from PIL import Image

from fakes import Fake, facts_of, picture, quad, write
from rs_caption import table
from rs_caption.convert import convert
from rs_caption.options import Options
from rs_caption.request import Request
from rs_caption.sample import Boxes
from rs_caption.table import Row

SHIPS = 25  # images of one ship; of these, 0 and 1 are the same picture
SCRIPT = "<script>window.harmed = 1</script>"
HARMFUL = f'<img src="x" onerror="window.harmed = 2"> {SCRIPT} "quoted" & more'
SECRET = (11, 222, 33)  # the colour of an image that must not be served
ESCAPES = {  # image paths of the dataset `web` that lead out of its root
    "../secret.png": "lies outside its root",
    "a/../../secret.png": "lies outside its root",
    "linked.png": "a link leads out of its root",
    "linked/secret.png": "a link leads out of its root",
}


def gallery(folder: Path) -> Path:
    """Write the table and its images; returns the folder of the table.

    `dota` has a.png with a ship in the middle and five planes at the edge, and SHIPS small ones;
    `loveda` one mask: a building of 4 x 4 pixels with a hole of 2 x 2, road at two corners; `web`
    rows whose captions and paths are not to be believed.
    """
    dota, loveda = facts_of("dota"), facts_of("loveda")
    planes = [("plane", quad(x, 10, x + 4, 14.5)) for x in (0, 30, 60, 90, 120)]
    fakes = [Fake("a.png", "train", (320, 160), (("ship", quad(100, 60, 180, 100)), *planes))]
    fakes += [
        Fake(f"b{at:02}.png", "val", (20, 20), (("ship", quad(0, 0, 9, 9)),)) for at in range(SHIPS)
    ]
    images = write(folder / "dota", dota, fakes)
    shutil.copy(folder / "dota" / images[1], folder / "dota" / images[2])
    mask_HW = np.zeros((12, 12), int)
    mask_HW[4:8, 4:8] = 1  # building
    mask_HW[5:7, 5:7] = 0
    mask_HW[0, 0] = mask_HW[11, 10:] = 2  # road
    mask = tuple(tuple(map(int, row)) for row in mask_HW)
    write(folder / "loveda", loveda, [Fake("0.png", "train", (12, 12), mask=mask)])
    made = [_converted(folder, facts) for facts in (dota, loveda)]
    made.append(table.to_arrow(_hostile(folder)))
    about = [table.open_table(folder / f"{name}-table").about for name in ("dota", "loveda")]
    sources = {"web": {"family": "ret"}} | about[0]["sources"] | about[1]["sources"]
    rows = table.sorted_by_id(pa.concat_tables([one.cast(table.SCHEMA) for one in made]))
    table.write(folder / "table" / "captions.parquet", [rows], table.metadata(sources))
    roots = {name: folder / name for name in ("dota", "loveda", "web")}
    table.write_roots(folder / "table", roots)
    return folder / "table"


def _converted(folder: Path, facts) -> pa.Table:
    out = folder / f"{facts.name}-table"
    convert(Request(facts, folder / facts.name, out, Options(), hashed=True))
    return table.open_table(out).read()


def _hostile(folder: Path) -> list[Row]:
    root = folder / "web"
    root.mkdir()
    Image.new("RGB", (64, 64), SECRET).save(folder / "secret.png")
    (root / "linked.png").symlink_to(folder / "secret.png")
    (root / "linked").symlink_to(folder)
    (root / "page.html").write_text(SCRIPT)
    (root / "drawing.svg").write_text(f'<svg xmlns="http://www.w3.org/2000/svg">{SCRIPT}</svg>')
    image = Image.open(picture(root / "plain.png", (64, 48), 5))
    exif = image.getexif()
    exif[0x010E] = SCRIPT  # ImageDescription
    image.convert("RGB").save(
        root / "exif.jpg", exif=exif, comment=SCRIPT.encode(), icc_profile=SCRIPT.encode()
    )
    own = ["exif.jpg", "gone.jpg", "page.html", "drawing.svg", f"{SCRIPT}.png"]
    return [_row(path, HARMFUL if path == "exif.jpg" else "A picture.") for path in own] + [
        _row(path, "A way out.") for path in (*ESCAPES, str(folder / "secret.png"))
    ]


def _row(path: str, caption: str) -> Row:
    empty = Boxes.of([])
    return Row("web", "ret", "test", path, None, None, (64, 48), (caption,), ("human",), empty)


@contextmanager
def served(folder: Path) -> Iterator[str]:
    """`rs-caption browse` of a table, as a process of its own; the address it says."""
    command = [sys.executable, "-c", "from rs_caption.cli import main; main()", "browse"]
    with subprocess.Popen(
        [*command, str(folder), "--port", "0", "--no-open"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        try:
            said = iter(process.stdout.readline, "")
            yield next(found[0] for line in said if (found := re.search(r"http://\S+/", line)))
        finally:
            process.send_signal(signal.SIGINT)
            out, err = process.communicate(timeout=30)
    assert (process.returncode, out, err) == (0, "Ended.\n", "")


def numbers(folder: Path) -> dict[str, int]:
    """Image id -> number of its row."""
    ids = table.open_table(folder).read(["image_id"])["image_id"].to_pylist()
    return {image_id: at for at, image_id in enumerate(ids)}

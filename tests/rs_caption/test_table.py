"""The caption table as others read it: schema, bytes, metadata, and every common reader."""

import json

import datasets
import duckdb
import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from fakes import Fake, facts_of, quad, write

from rs_caption import __version__, table
from rs_caption.convert import convert
from rs_caption.errors import TableError, UserError
from rs_caption.options import Options
from rs_caption.request import Request
from rs_caption.sample import Box, Boxes, Window
from rs_caption.table import Row

DOTA = facts_of("dota")
SCHEMA = """
image_id: string not null
dataset: string not null
family: string not null
split: string not null
image_path: string not null
frame: int32
window: struct<x0: int32, y0: int32, x1: int32, y1: int32>
width: int32 not null
height: int32 not null
captions: list<element: string> not null
rules: list<element: string> not null
boxes: list<element: struct<name: string, x0: double, y0: double, x1: double, y1: double>> not null
phash: uint64
"""


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """A table of three tiles and an untiled image, and its root."""
    folder = tmp_path_factory.mktemp("made")
    harbor = ("harbor", quad(5, 5, 15, 25))
    planes = tuple(("plane", quad(x, 10, x + 4, 14)) for x in (0, 30, 60))
    fakes = [
        Fake("b.png", "val", (64, 20), (*planes, ("ship", (50, 2, 58, 6, 56, 10, 48, 6)))),
        Fake("a.png", "train", (20, 30), (harbor,)),
    ]
    write(folder / "root", DOTA, fakes)
    options = Options(seed=3, tile=32, overlap=16)
    convert(Request(DOTA, folder / "root", folder / "table", options))
    return folder


FIRST_ROW = {
    "image_id": "dota/train/images/a.png",
    "dataset": "dota",
    "family": "det",
    "split": "train",
    "image_path": "train/images/a.png",
    "frame": None,
    "window": None,
    "width": 20,
    "height": 30,
    "boxes": [{"name": "harbor", "x0": 5.0, "y0": 5.0, "x1": 15.0, "y1": 25.0}],
    "phash": None,
}


def plain(value):
    """A value without numpy and pandas: lists, dicts, None for missing."""
    if isinstance(value, dict):
        return {key: plain(one) for key, one in value.items()}
    if isinstance(value, list | tuple | np.ndarray):
        return [plain(one) for one in value]
    value = value.item() if isinstance(value, np.generic) else value
    return None if value is pd.NA or value != value else value  # noqa: PLR0124 -- NaN


def by_duckdb(file, _):
    """The first row, by SQL."""
    found = duckdb.sql(f"SELECT * FROM '{file}' LIMIT 1")  # noqa: S608
    return dict(zip(found.columns, found.fetchall()[0], strict=True))


def by_hugging_face(file, cache):
    """The first row, by `datasets`."""
    loaded = datasets.load_dataset(
        "parquet", data_files=str(file), cache_dir=str(cache), split="train"
    )
    return loaded[0]


@pytest.mark.parametrize(
    "read",
    [
        lambda file, _: pd.read_parquet(file).iloc[0].to_dict(),
        lambda file, _: pd.read_parquet(file, dtype_backend="pyarrow").iloc[0].to_dict(),
        lambda file, _: pq.read_table(file).slice(0, 1).to_pylist()[0],
        by_duckdb,
        by_hugging_face,
    ],
    ids=["pandas", "pandas with pyarrow types", "pyarrow", "duckdb", "datasets"],
)
def test_every_reader_gives_the_first_row(made, tmp_path, read):
    row = plain(read(made / "table" / "captions.parquet", tmp_path))
    captions, rules = row.pop("captions"), row.pop("rules")
    assert row == FIRST_ROW
    assert captions[0] == "A harbor in the middle of the picture."
    assert rules[0] == 'centre {"central": 0.5}'
    assert (len(captions), len(set(captions)), len(rules)) == (5, 5, 5)
    assert json.loads(rules[1].removeprefix("random "))["names"] == ["harbor"]


def test_rows_are_ordered_by_id(made):
    ids = table.open_table(made / "table").read(["image_id"])["image_id"].to_pylist()
    assert ids == [
        "dota/train/images/a.png",
        "dota/val/images/b.png#0,0,32,20",
        "dota/val/images/b.png#16,0,48,20",
        "dota/val/images/b.png#32,0,64,20",
    ]


def test_tiles_have_their_own_pixels(made):
    last = table.open_table(made / "table").read().to_pylist()[-1]
    assert last["window"] == {"x0": 32, "y0": 0, "x1": 64, "y1": 20}
    assert (last["width"], last["height"]) == (32, 20)
    assert last["boxes"] == [  # of the plane at 30 half is visible, which is enough
        {"name": "plane", "x0": 0, "y0": 10, "x1": 2, "y1": 14},
        {"name": "plane", "x0": 28, "y0": 10, "x1": 32, "y1": 14},
        {"name": "ship", "x0": 16, "y0": 2, "x1": 26, "y1": 10},
    ]


def test_schema_is_frozen(made):
    schema = pq.read_schema(made / "table" / "captions.parquet").remove_metadata()
    stored = [
        f"{field.name}: {field.type}{'' if field.nullable else ' not null'}" for field in schema
    ]
    assert stored == SCHEMA.split("\n")[1:-1]
    assert table.SCHEMA_VERSION == 2


def test_metadata(made):
    stored = pq.read_schema(made / "table" / "captions.parquet").metadata
    assert json.loads(stored[b"rs_caption"]) == {
        "schema": 2,
        "tool": f"rs-caption {__version__}",
        "sources": {
            "dota": {
                "family": "det",
                "seed": 3,
                "manifest": DOTA.digest,
                "options": {
                    "style": "plain",
                    "rules": "b2c",
                    "central": 0.5,
                    "tile": 32,
                    "overlap": 16,
                    "min_visible": 0.5,
                    "min_area": 1,
                    "version": "",
                    "every": 0,
                    "bands": [],
                },
                "nouns": {
                    name: {word: getattr(noun, word) for word in ("singular", "plural", "article")}
                    for name, noun in DOTA.nouns.items()
                },
            }
        },
    }
    assert str(made).encode() not in (made / "table" / "captions.parquet").read_bytes()


# Writing


def some_rows(number):
    """`number` rows in the order of their ids."""
    boxes = Boxes.of([Box("plane", 0, 0, 1, 1)])
    window = Window(0, 0, 8, 8)
    return table.to_arrow(
        [
            Row("d", "det", "train", f"{at:06}", at, window, (8, 8), ("x",) * (at % 3), (), boxes)
            for at in range(number)
        ]
    )


@pytest.mark.parametrize("cut", [1000, 8192, 8193, 20_000], ids=str)
def test_bytes_do_not_depend_on_the_cut(tmp_path, cut):
    rows = some_rows(8200)
    pieces = [rows.slice(at, cut) for at in range(0, 8200, cut)]
    assert table.write(tmp_path / "pieces", pieces, {"schema": 1}) == 8200
    assert table.write(tmp_path / "once", iter([rows]), {"schema": 1}) == 8200
    assert (tmp_path / "pieces").read_bytes() == (tmp_path / "once").read_bytes()
    stored = pq.ParquetFile(tmp_path / "pieces").metadata
    assert [stored.row_group(at).num_rows for at in range(stored.num_row_groups)] == [8192, 8]
    assert pq.read_table(tmp_path / "pieces").cast(table.SCHEMA).equals(rows.combine_chunks())


@pytest.mark.parametrize("pieces", [[], [some_rows(0)]], ids=["no piece", "an empty piece"])
def test_table_without_rows(tmp_path, pieces):
    assert table.write(tmp_path / "captions.parquet", pieces, {"schema": 1}) == 0
    opened = table.open_table(tmp_path)
    assert (opened.rows, opened.read().column_names) == (0, table.SCHEMA.names)


def test_an_id_that_occurs_twice(tmp_path):
    with pytest.raises(TableError, match=r"^the image id 'd/000000#f0#0,0,8,8' occurs twice"):
        table.sorted_by_id(pa.concat_tables([some_rows(2), some_rows(1)]))
    assert list(tmp_path.iterdir()) == []


# Opening


def parquet(path, columns, about):
    """A Parquet file of these columns that says this of itself."""
    rows = pa.table({name: ["x"] for name in columns})
    note = {} if about is None else {"rs_caption": json.dumps(about)}
    pq.write_table(rows.replace_schema_metadata(note), path)


def test_a_mistyped_table_is_told_with_the_one_that_is_there(tmp_path, cli):
    (tmp_path / "clean").mkdir()
    for name, said in {
        "claen": f"did you mean {tmp_path}/clean?",
        "other": "`rs-caption convert` makes one",
    }.items():
        ended = cli("stats", tmp_path / name)
        told = f"{tmp_path}/{name}: no caption table here, nor such a folder; {said}\n"
        assert (ended.code, ended.err) == (2, f"rs-caption: {told}")


@pytest.mark.parametrize(
    ("make", "said"),
    [
        (lambda _: None, "no caption table here; `rs-caption convert` makes one"),
        (lambda file: file.write_bytes(b""), "no caption table: expected a folder that"),
        (
            lambda file: file.write_text("<!DOCTYPE html>\n" * 9),
            (
                "no caption table: expected a folder that `rs-caption convert` made, or the "
                "captions.parquet in it, found a file that is no Parquet, or was cut short\n"
            ),
        ),
        (
            lambda file: parquet(file, ["image_id"], None),
            "expected a caption table, found Parquet without the metadata of one; keep",
        ),
        (
            lambda file: parquet(file, ["image_id"], {"schema": 3, "tool": "rs-caption 9.0"}),
            f"its schema is 3, written by rs-caption 9.0; rs-caption {__version__} reads schemas",
        ),
        (
            lambda file: parquet(file, table.SCHEMA.names[:-2], {"schema": 1}),
            "expected a column 'frame' of type int32",
        ),
    ],
    ids=["nothing", "empty", "a page", "another's", "another schema", "a column short"],
)
def test_what_is_no_table(tmp_path, cli, make, said):
    file = tmp_path / "captions.parquet"
    make(file)
    for command in (("show", file), ("show", tmp_path), ("dedup", tmp_path, "--out", tmp_path)):
        ended = cli(*command)
        assert ended.code == 2
        assert ended.err.startswith(f"rs-caption: {file}: {said}")
        assert ended.err.count("\n") == 1


def test_open_by_folder_or_file(made):
    folder = made / "table"
    assert table.open_table(folder) == table.open_table(folder / "captions.parquet")
    assert table.open_table(folder).rows == 4


def test_roots_are_edited_when_data_moves(made, tmp_path):
    folder = tmp_path / "table"
    folder.mkdir()
    (folder / "captions.parquet").write_bytes((made / "table/captions.parquet").read_bytes())

    with pytest.raises(TableError, match=r"roots\.json: has no folder for 'dota'; add the line"):
        table.open_table(folder).image_file("dota", "a.png")
    (folder / "roots.json").write_text('{"dota": "../moved"}')
    assert table.open_table(folder).image_file("dota", "t/a.png") == folder / "../moved/t/a.png"
    (folder / "roots.json").write_text('\ufeff{"dota": "/data/DOTA"}', encoding="utf-8")
    assert str(table.open_table(folder).image_file("dota", "a.png")) == "/data/DOTA/a.png"
    (folder / "roots.json").write_text('{"dota": 3}')
    with pytest.raises(TableError, match=r'expected \{"dataset": "folder", \.\.\.\}, found'):
        table.open_table(folder)
    (folder / "roots.json").write_text('{"dota": "/data",}')
    with pytest.raises(UserError, match=r"roots\.json: not JSON \("):
        table.open_table(folder)

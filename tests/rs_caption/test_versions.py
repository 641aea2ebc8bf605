"""A table of schema 1, as it was written then, read by the commands of today (docs/schema.md)."""

import json

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from fakes import facts_of

from rs_caption import table

DOTA = facts_of("dota")
BOX = pa.struct(
    [("name", pa.string()), *((axis, pa.float64()) for axis in ("x0", "y0", "x1", "y1"))]
)
WINDOW = pa.struct([(axis, pa.int32()) for axis in ("x0", "y0", "x1", "y1")])
COLUMNS = [
    pa.field("image_id", pa.string(), nullable=False),
    pa.field("dataset", pa.string(), nullable=False),
    pa.field("family", pa.string(), nullable=False),
    pa.field("split", pa.string(), nullable=False),
    pa.field("image_path", pa.string(), nullable=False),
    pa.field("frame", pa.int32()),
    pa.field("window", WINDOW),
    pa.field("width", pa.int32(), nullable=False),
    pa.field("height", pa.int32(), nullable=False),
    pa.field("captions", pa.list_(pa.string()), nullable=False),
    pa.field("rules", pa.list_(pa.string()), nullable=False),
    pa.field("boxes", pa.list_(BOX), nullable=False),
    pa.field("phash", pa.uint64()),
]
ROW = {
    "image_id": "dota/train/images/a.png",
    "dataset": "dota",
    "family": "det",
    "split": "train",
    "image_path": "train/images/a.png",
    "frame": None,
    "window": None,
    "width": 20,
    "height": 30,
    "captions": [
        "A harbor in the middle of the picture.",
        "A harbor is located in this remote sensing picture.",
        "A harbor can be seen in the picture.",
        "There is a harbor in this remote sensing picture.",
        "There is a harbor in the picture.",
    ],
    "rules": [
        'centre {"central": 0.5}',
        'random {"names": ["harbor"], "template": "located-remote"}',
        'random {"names": ["harbor"], "template": "seen"}',
        'random {"names": ["harbor"], "template": "there-remote"}',
        'random {"names": ["harbor"], "template": "there"}',
    ],
    "boxes": [{"name": "harbor", "x0": 5.0, "y0": 5.0, "x1": 15.0, "y1": 25.0}],
    "phash": 0x8000000000000001,
}
OPTIONS = {
    "style": "plain",
    "rules": "b2c",
    "central": 0.5,
    "tile": 0,
    "overlap": 0,
    "min_visible": 0.5,
    "min_area": 1,
}


def write_1(folder, manifest):
    """A table of schema 1: without family, nouns, and the options that came later."""
    folder.mkdir()
    sources = {"dota": {"seed": 3, "manifest": manifest, "options": OPTIONS}}
    about = {"schema": 1, "tool": "rs-caption 0.1.0", "sources": sources}
    schema = pa.schema(COLUMNS, {"rs_caption": json.dumps(about, sort_keys=True)})
    rows = pa.Table.from_pylist([ROW], schema)
    pq.write_table(rows, folder / "captions.parquet", compression="zstd", version="2.6")
    (folder / "roots.json").write_text('{"dota": "../root"}')
    return folder


def test_a_table_of_schema_1_is_read_as_one_of_schema_2(tmp_path):
    old = table.open_table(write_1(tmp_path / "old", DOTA.digest))
    assert old.read().to_pylist() == [ROW]
    nouns = old.about["sources"]["dota"].pop("nouns")
    assert old.about == {
        "schema": 2,
        "tool": "rs-caption 0.1.0",
        "sources": {
            "dota": {
                "seed": 3,
                "manifest": DOTA.digest,
                "family": "det",
                "options": {**OPTIONS, "version": "", "every": 0, "bands": []},
            }
        },
    }
    assert nouns["harbor"] == {"singular": "harbor", "plural": "harbors", "article": "a"}
    assert sorted(nouns) == sorted(DOTA.nouns)


def test_a_table_of_schema_1_can_be_verified_and_is_written_anew_as_2(tmp_path, cli):
    old, clean = write_1(tmp_path / "old", DOTA.digest), tmp_path / "clean"
    assert cli("verify", old).code == 0
    assert cli("dedup", old, "--out", clean, "--workers", 1).code == 0
    stored = pq.read_table(clean / "captions.parquet")
    note = json.loads(stored.schema.metadata[b"rs_caption"])
    assert stored.to_pylist() == [ROW]
    assert (note["schema"], note["sources"]["dota"]["family"]) == (2, "det")
    assert table.read_note(old / "captions.parquet")["schema"] == 1  # what is read stays as it was
    assert cli("verify", clean).code == 0


def test_nouns_of_another_manifest_are_not_made_up(tmp_path, cli):
    old = write_1(tmp_path / "old", "of an older manifest")
    assert "nouns" not in table.open_table(old).about["sources"]["dota"]
    ended = cli("verify", old)
    assert ended.code == 2
    assert "convert dota anew" in ended.err


@pytest.mark.parametrize("note", ["{", "[1]", '{"schema": "1"}', '{"schema": 0}'])
def test_metadata_of_another_program(tmp_path, cli, note):
    rows = pa.Table.from_pylist([ROW], pa.schema(COLUMNS, {"rs_caption": note}))
    pq.write_table(rows, tmp_path / "captions.parquet")
    ended = cli("show", tmp_path)
    assert ended.code == 2
    assert "found Parquet without the metadata of one" in ended.err

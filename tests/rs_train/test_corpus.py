"""The rows that are trained on: which, where their pictures are, and what is refused."""

from dataclasses import replace

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from fakes.corpora import row, some_rows, tile, write_table

from rs_caption.errors import TableError, UserError
from rs_caption.sample import Window
from rs_caption.table import to_arrow
from rs_train.corpus import combined, open_corpus, tolerated
from rs_train.settings import Data, TableUse


def data(*tables, **more):
    uses = [one if isinstance(one, TableUse) else TableUse(path=str(one)) for one in tables]
    return Data(tables=tuple(uses), **more)


def test_rows_of_several_tables_with_their_weights_and_captions(tmp_path):
    one = write_table(tmp_path / "one", some_rows(3))
    other = write_table(tmp_path / "other", [row("x.png", ["lone ."]), row("y.png", split="val")])
    corpus = open_corpus(data(one, TableUse(path=str(other), weight=2.5)))
    assert corpus.rows == 4
    assert corpus.ids(range(4)) == [
        "rsicd/000.png",
        "rsicd/001.png",
        "rsicd/002.png",
        "rsicd/x.png",
    ]
    assert corpus.weight_N.tolist() == [1, 1, 1, 2.5]
    assert corpus.captions(1) == [f"caption {n} of image 1 ." for n in range(3)]
    assert corpus.captions(3) == ["lone ."]
    assert corpus.place(0).file == one / "images" / "000.png"
    assert corpus.place(3).file == other / "images" / "x.png"
    assert corpus.size_wh(3) == (40, 30)


def test_windows_frames_and_bands_are_those_of_the_row(tmp_path):
    whole = row("a.png", size_wh=(40, 30))
    rows = [tile(whole, Window(8, 4, 24, 20)), replace(row("film.mov"), frame=7), row("b.png")]
    (tmp_path / "images").mkdir()
    (tmp_path / "images" / "film.mov").touch()
    sources = {"sources": {"rsicd": {"options": {"bands": [3, 2, 1]}}}}
    corpus = open_corpus(data(write_table(tmp_path, rows, **sources)))
    tiled, plain, film = (corpus.place(at) for at in range(3))
    assert (tiled.window, tiled.size_wh) == (Window(8, 4, 24, 20), (16, 16))
    assert (plain.window, plain.frame, plain.size_wh) == (None, None, (40, 30))
    assert (film.window, film.frame) == (None, 7)
    assert {place.bands for place in (tiled, plain, film)} == {(3, 2, 1)}


def test_rows_of_the_splits_asked_for(tmp_path):
    rows = [row(f"{split}.png", split=split) for split in ("train", "val", "test")]
    table = write_table(tmp_path, rows)
    assert open_corpus(data(table)).ids([0]) == ["rsicd/train.png"]
    assert open_corpus(data(table, splits=("train", "val"))).rows == 2
    with pytest.raises(UserError, match="no rows of split dev"):
        open_corpus(data(table, splits=("dev",)))


def test_content_follows_the_rows_that_are_left(tmp_path):
    rows = [
        row("a.png", split="val", objects=[("plane", 0, 0, 4, 4)]),
        row("b.png", objects=[("ship", 0, 0, 4, 4)]),
        row("c.png", objects=[("plane", 0, 0, 4, 4)]),
    ]
    table = write_table(tmp_path, rows)
    a, b, c = open_corpus(data(table, splits=("train", "val"))).content.tolist()
    assert a == c != b
    assert open_corpus(data(table)).content.tolist() == [b, c]


@pytest.mark.parametrize(
    ("about", "problem"),
    [
        ({"dedup": None}, "was never compared with test rows"),
        ({"dedup": {"threshold": 2, "tests": {}}}, "was de-duplicated without test rows"),
    ],
)
def test_tables_that_were_not_held_against_tests_are_refused(tmp_path, about, problem):
    table = write_table(tmp_path, some_rows(2), **about)
    with pytest.raises(UserError, match=f"{problem}.*--allow-unchecked"):
        open_corpus(data(table))
    assert open_corpus(data(table), allow_unchecked=True).rows == 2


@pytest.mark.parametrize("split", ["test", "test-dev"])
def test_test_rows_are_refused(tmp_path, split):
    table = write_table(tmp_path, [row("a.png", split=split)])
    with pytest.raises(UserError, match=rf"data\.splits names `{split}`"):
        open_corpus(data(table, splits=(split,)))


def test_images_that_are_gone(tmp_path):
    table = write_table(tmp_path, some_rows(4))
    for name in ("001.png", "002.png"):
        (table / "images" / name).unlink()
    with pytest.raises(UserError) as error:
        open_corpus(data(table))
    assert "not where roots.json says: 2 of 4 images, the first " in str(error.value)
    assert str(table / "images" / "001.png") in str(error.value)
    assert open_corpus(data(table, max_corrupt=0.5)).rows == 4


def test_one_process_of_a_machine_looks_for_the_images_of_all(tmp_path, monkeypatch):
    table = write_table(tmp_path, some_rows(4))
    for image in (table / "images").iterdir():
        image.unlink()
    monkeypatch.setenv("LOCAL_RANK", "1")
    assert open_corpus(data(table)).rows == 4
    monkeypatch.setenv("LOCAL_RANK", "0")
    with pytest.raises(UserError, match="4 of 4 images"):
        open_corpus(data(table))


def test_more_than_two_gibibytes_of_captions(tmp_path):
    """More than one of Arrow's arrays of texts holds; 40 chunks here are the same 56 MiB."""
    rows = [row("0.png", ["short ."]), row("1.png", ["x" * (56 << 20)], split="val")]
    chunks = pa.concat_tables([to_arrow(rows)] * 40)

    class InMemory:
        """A table of these rows."""

        path, rows = tmp_path, len(chunks)

        def read(self, columns):
            return chunks.select(columns)

    corpus = combined([InMemory()], splits=["train"])
    assert (corpus.rows, corpus.captions(39)) == (40, ["short ."])
    assert corpus.at_N.tolist() == list(range(0, 80, 2))


def test_a_dataset_without_a_root(tmp_path):
    table = write_table(tmp_path, some_rows(2))
    (table / "roots.json").write_text("{}")
    with pytest.raises(TableError, match="has no folder for 'rsicd'"):
        open_corpus(data(table))


def test_no_tables_and_no_table(tmp_path):
    with pytest.raises(UserError, match="nothing to train on"):
        open_corpus(Data())
    with pytest.raises(TableError, match="no caption table here"):
        open_corpus(data(tmp_path))


def test_how_many_unreadable_images_are_borne():
    assert [tolerated(0.001, images) for images in (10, 1000, 165_745)] == [1, 1, 165]
    assert tolerated(0, 165_745) == 0


def test_the_digest_stands_for_rows_captions_and_weights(tmp_path):
    rows = some_rows(3)
    table = write_table(tmp_path / "one", rows)
    digest = open_corpus(data(table)).digest
    same = write_table(tmp_path / "two", rows, note="made elsewhere")
    assert open_corpus(data(same)).digest == digest
    others = [
        data(TableUse(path=str(table), weight=2)),
        data(write_table(tmp_path / "three", rows[:2])),
        data(write_table(tmp_path / "four", [replace(rows[0], captions=("x .",) * 3), *rows[1:]])),
        data(write_table(tmp_path / "five", [replace(rows[0], size_wh=(41, 30)), *rows[1:]])),
    ]
    assert len({digest, *(open_corpus(one).digest for one in others)}) == 5


def test_a_table_without_the_captions_column_is_no_table(tmp_path):
    table = write_table(tmp_path, some_rows(2)) / "captions.parquet"
    pq.write_table(pq.read_table(table).drop_columns(["captions"]), table)
    with pytest.raises(TableError, match="expected a column 'captions'"):
        open_corpus(data(table))

"""Features of the images of tables: their names, tiles and frames too, and the map made of them."""

import json
from dataclasses import replace

import numpy as np
import pytest
from fakes import corpora
from fakes.corpora import tile
from trainee import SPEAKING

from rs_bench.embeddings import Seen
from rs_bench.tabled import embed, places_of
from rs_caption.errors import UserError
from rs_caption.sample import Window
from rs_caption.table import open_table

TILE = Window(8, 4, 24, 20)


@pytest.fixture
def tables(tmp_path):
    """One of ten whole images, one of an image of another dataset and its tile."""
    whole = replace(corpora.row("sub/P1.png"), dataset="ucm")
    corpora.write_table(tmp_path / "tables/ten", corpora.some_rows(10))
    corpora.write_table(tmp_path / "tables/tiled", [whole, tile(whole, TILE)])
    return [tmp_path / "tables/ten", tmp_path / "tables/tiled"]


@pytest.fixture
def model(tmp_path):
    (tmp_path / "tiny.json").write_text(json.dumps(SPEAKING))
    return tmp_path / "tiny.json"


def read(file):
    with np.load(file, allow_pickle=False) as arrays:
        return dict(arrays)


def left_edges(places):
    """Embeds a place as the left edge of its window, in batches of two; knows no 004.png."""
    for at in range(0, len(places), 2):
        some = places[at : at + 2]
        problems = tuple("cut off" * (place.file.name == "004.png") for place in some)
        edges = [[place.window.x0 if place.window else 0, 1] for place in some]
        yield Seen(np.array(edges, np.float32), problems)


def test_images_have_the_names_that_a_report_knows_them_by(tables):
    places = places_of([open_table(folder) for folder in (*tables, tables[0])])
    assert list(places) == ["rsicd", "ucm"]
    assert list(places["rsicd"]) == [f"{at:03}.png" for at in range(10)]
    assert list(places["ucm"]) == ["sub/P1.png", "sub/P1.png#8,4,24,20"]
    assert [place.window for place in places["ucm"].values()] == [None, TILE]
    heard = []
    found = embed("ucm", places["ucm"], left_edges, lambda *told: heard.append(told))
    assert found.images_ID.tolist() == [[0, 1], [8, 1]]
    assert (found.files, found.problems, heard) == (tuple(places["ucm"]), {}, [(2, 2)])


def test_images_that_cannot_be_read_are_left_out_and_named(tables):
    places = places_of([open_table(tables[0])])["rsicd"]
    found = embed("rsicd", places, left_edges, lambda *_: None)
    assert (len(found.images_ID), found.problems) == (9, {"004.png": "cut off"})
    assert found.files == tuple(name for name in places if name != "004.png")
    with pytest.raises(UserError, match=r"^rsicd: none of 1 image can be read: 004\.png \(cut off"):
        embed("rsicd", {"004.png": places["004.png"]}, left_edges, lambda *_: None)


def test_from_tables_to_the_map_of_a_report(tables, model, tmp_path, bench_cli, cli):
    out, page = tmp_path / "features", tmp_path / "report.html"
    done = bench_cli("features", *tables, "--model", model, "--out", out, "--device", "cpu")
    assert (done.code, done.err) == (0, "")
    assert f"10 images, 24 numbers each: {out / 'rsicd.npz'}" in done.out
    assert "Note: random weights" in done.out
    tiled = read(out / "ucm.npz")
    assert tiled["files"].tolist() == ["sub/P1.png", "sub/P1.png#8,4,24,20"]
    assert str(tiled["model"]) == "tiny, random"
    assert np.linalg.norm(tiled["images"], axis=1) == pytest.approx(1, abs=1e-6)
    assert np.abs(tiled["images"][0] - tiled["images"][1]).max() > 1e-3  # the tile is not the whole
    done = cli("report", *tables, "--embeddings", out, "--no-pictures", "--out", page)
    assert done.code == 0, done.err
    assert "12 rows" in page.read_text()


def test_a_broken_image_is_told_and_the_others_are_there(tables, model, tmp_path, bench_cli):
    (tables[0] / "images/004.png").write_bytes(b"no picture")
    options = ("--model", model, "--device", "cpu", "--out", tmp_path / "features")
    done = bench_cli("features", tables[0], *options)
    assert done.code == 3
    assert "NOT embedded: 1 image: 004.png (" in done.err
    assert len(read(tmp_path / "features/rsicd.npz")["files"]) == 9


def test_wrong_options(tables, model, tmp_path, bench_cli):
    (tmp_path / "file").write_text("")
    cases = {
        ("--model", model, "--out", tmp_path / "file"): "expected a folder that can be written to",
        ("--model", "RN51", "--out", tmp_path / "out"): "did you mean RN50",
    }
    for options, message in cases.items():
        done = bench_cli("features", *tables, *options)
        assert (done.code, message in done.err) == (2, True), done.err

"""`rs-caption convert` as a command: options, folders, what it writes, and that it is the same."""

import json
import os
import resource
import shutil
from pathlib import Path
from random import Random

import numpy as np
import pytest
from fakes import Fake, facts_of, picture, quad, some_of, write
from PIL import Image

from rs_caption import table
from rs_caption.convert import convert
from rs_caption.engine import Pool
from rs_caption.options import Options
from rs_caption.request import Request

DOTA, LOVEDA, RSICD = (facts_of(name) for name in ("dota", "loveda", "rsicd"))
GOOD = Fake("good.png", objects=(("plane", quad(0, 0, 10, 10)),))


@pytest.fixture(scope="module")
def roots(tmp_path_factory):
    """A folder with a small dataset of each format: DOTA, LoveDA, RSICD."""
    folder = tmp_path_factory.mktemp("roots")
    for facts in (DOTA, LOVEDA, RSICD):
        write(folder / facts.title, facts, some_of(facts))
    return folder


def files_in(folder):
    """Everything a command left, hidden files too."""
    return sorted(p.relative_to(folder).as_posix() for p in folder.rglob("*"))


@pytest.mark.parametrize("facts", [DOTA, LOVEDA, RSICD], ids=lambda facts: facts.name)
def test_root_one_level_off(roots, tmp_path, cli, facts):
    right = roots / facts.title
    below = max(p for p in right.iterdir() if p.is_dir())
    (tmp_path / "Data").symlink_to(right)
    for wrong, meant in ((below, right), (tmp_path, tmp_path / "Data")):
        ended = cli("convert", "--source", facts.name, "--root", wrong, "--out", tmp_path / "out")
        assert ended.code == 2
        assert ended.err.startswith(f"rs-caption: {wrong}: no {facts.title} here. Looked for ")
        assert ended.err.endswith(f". Did you mean --root {meant}?\n")
    assert not (tmp_path / "out").exists()


def test_root_of_something_else(tmp_path, cli):
    (tmp_path / "holiday").mkdir()
    ended = cli("convert", "--source", "dota", "--root", tmp_path, "--out", tmp_path / "out")
    looked_for = "train/images with train/labelTxt or val/images with val/labelTxt"
    assert ended.code == 2
    assert ended.err == (
        f"rs-caption: {tmp_path}: no DOTA here. Looked for {looked_for}; found holiday\n"
    )


def test_labels_that_are_a_file(tmp_path, cli):
    picture(tmp_path / "train/images/a.png", (8, 8))
    (tmp_path / "train/labelTxt").write_text("a download that went wrong")
    ended = cli("convert", "--source", "dota", "--root", tmp_path, "--out", tmp_path / "out")
    assert ended.code == 2
    assert ended.err.startswith(f"rs-caption: {tmp_path}")


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (("--root", "/no/such"), "/no/such: no such folder; --root is the folder of DOTA"),
        (("--source", "dotta"), "no dataset is called 'dotta'; "),
        (("--source", "../dota"), "no dataset is called '../dota'; "),
        (("--split", "trian"), "DOTA has no split 'trian'; its splits: train, val, test"),
        (("--split", "test"), "DOTA was released without annotations for split 'test'"),
        (("--tile", "-1"), "--tile is -1; expected 0 or pixels"),
        (("--tile", "15"), "--tile is 15; expected 0, or 16 pixels or more a side"),
        (("--overlap", "1"), "--overlap needs --tile"),
        (("--tile", "16", "--overlap", "16"), "--overlap is 16; expected 0 to less than --tile (1"),
        (("--tile", "16", "--overlap", "-1"), "--overlap is -1; expected 0 to less than --tile (1"),
        (("--min-visible", "1.01"), "--min-visible is 1.01; expected 0 to 1"),
        (("--min-visible", "-0.1"), "--min-visible is -0.1; expected 0 to 1"),
        (("--min-visible", "nan"), "--min-visible is nan; expected 0 to 1"),
        (("--central", "0"), "--central is 0.0; expected more than 0, less than 1"),
        (("--central", "1"), "--central is 1.0; expected more than 0, less than 1"),
        (("--min-area", "0"), "--min-area is 0; expected 1 or more pixels"),
        (("--style", "fancy"), "--style is 'fancy'; choose from plain, paper"),
        (("--rules", "b2c+"), "--rules is 'b2c+'; choose from b2c, all, b2c+all"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, tuple) else None,
)
def test_wrong_option(roots, tmp_path, cli, options, said):
    right = ("--source", "dota", "--root", roots / "DOTA", "--out", tmp_path / "out")
    ended = cli("convert", *right, *options)
    assert ended.code == 2
    assert ended.err.startswith(f"rs-caption: {said}")
    assert ended.err.count("\n") == 1
    assert files_in(tmp_path) == []


@pytest.mark.parametrize("option", [("--workers", "0"), ("--on-error", "ignore"), ("--seed", "x")])
def test_option_that_does_not_parse(roots, tmp_path, cli, option):
    right = ("--source", "dota", "--root", roots / "DOTA", "--out", tmp_path / "out")
    ended = cli("convert", *right, *option)
    assert ended.code == 2
    assert option[0] in ended.err
    assert files_in(tmp_path) == []


# What a conversion leaves


def test_report_and_files(tmp_path, cli):
    root, out = tmp_path / "root", tmp_path / "out"
    ship = ("ship", quad(30, 20, 50, 40))
    write(root, DOTA, [GOOD, Fake("v.png", "val", objects=(ship, ship)), Fake("w.png", "val")])
    shown = cli(
        *("convert", "--source", "dota", "--root", root, "--out", out, "--seed", 7),
        *("--split", "val", "--rules", "b2c+all", "--workers", 3),
    )
    assert (shown.code, shown.err) == (0, "")
    assert files_in(out) == ["captions.parquet", "convert.json", "roots.json", "skipped.csv"]
    report = json.loads((out / "convert.json").read_text())
    assert report.pop("seconds") >= 0
    assert report == {
        "dataset": "dota",
        "root": str(root),
        "seed": 7,
        "manifest": DOTA.digest,
        "options": {
            "style": "plain",
            "rules": "b2c+all",
            "central": 0.5,
            "tile": 0,
            "overlap": 0,
            "min_visible": 0.5,
            "min_area": 1,
            "version": "v1.0",
            "every": 0,
            "bands": [],
        },
        "with_images": True,
        "asked_for": ["val"],
        "splits": {"val": {"boxes": 2, "captions": 7, "images": 1, "rows": 1}},
        "objects": {"annotated": 2, "captioned": 2},
        "skipped": {"no_objects": 1},
        "undocumented": 0,
        "workers": 3,
    }
    assert json.loads((out / "roots.json").read_text()) == {"dota": str(root)}


def test_out_holds_another_dataset(roots, tmp_path, cli):
    out = tmp_path / "out"
    convert(Request(DOTA, roots / "DOTA", out, Options()))
    before = (out / "captions.parquet").read_bytes()
    again = ("convert", "--source", "rsicd", "--root", roots / "RSICD", "--out", out)
    said = f"rs-caption: {out}: already holds a table of dota; choose another --out\n"
    ended = cli(*again)
    assert (ended.code, ended.err) == (2, said)
    assert (out / "captions.parquet").read_bytes() == before
    assert cli("convert", "--source", "dota", "--root", roots / "DOTA", "--out", out).code == 0


def test_out_is_a_file(roots, tmp_path, cli):
    out = tmp_path / "out"
    out.write_text("not a folder")
    ended = cli("convert", "--source", "dota", "--root", roots / "DOTA", "--out", out)
    assert ended.code == 2
    assert ended.err == f"rs-caption: --out {out} is a file; choose a folder\n"
    assert out.read_text() == "not a folder"


def test_relative_folders(roots, tmp_path, cli, monkeypatch):
    shutil.copytree(roots / "DOTA", tmp_path / "DOTA")
    monkeypatch.chdir(tmp_path)
    command = ("convert", "--source", "dota", "--root", "DOTA", "--out", "tables/dota")
    assert cli(*command).code == 0
    monkeypatch.chdir("/")
    opened = table.open_table(tmp_path / "tables" / "dota")
    row = opened.read().to_pylist()[0]
    assert opened.image_file("dota", row["image_path"]).is_file()


@pytest.mark.parametrize("form", ["L", "1", "P", "RGBA", "I;16", "CMYK"])
def test_every_kind_of_image_converts(tmp_path, form):
    write(tmp_path, DOTA, [GOOD])
    path = tmp_path / "train/images/good.png"
    path.unlink()
    if form == "I;16":
        Image.fromarray(np.arange(1200, dtype=np.uint16).reshape(30, 40)).save(path)
    else:
        Image.new(form, (40, 30)).save(path.with_suffix(".tif"))
    report = convert(Request(DOTA, tmp_path, tmp_path / "out", Options()))
    assert report.splits == {"train": {"boxes": 1, "captions": 5, "images": 1, "rows": 1}}


def test_one_bit_image_of_600_million_pixels(tmp_path, cli):
    corner = ("plane", quad(29990, 19990, 30000, 20000))
    write(tmp_path, DOTA, [Fake("good.png", objects=(corner,))])
    Image.new("1", (30000, 20000)).save(tmp_path / "train/images/good.png")
    out = tmp_path / "out"
    command = ("convert", "--source", "dota", "--root", tmp_path, "--out", out, "--tile", 1000)
    assert cli(*command).code == 0
    (row,) = table.open_table(out).read().to_pylist()
    assert row["image_id"] == "dota/train/images/good.png#29000,19000,30000,20000"
    assert row["boxes"] == [{"name": "plane", "x0": 990, "y0": 990, "x1": 1000, "y1": 1000}]
    assert json.loads((out / "convert.json").read_text())["skipped"] == {"no_objects": 599}


# A full disk, by a limit on the size of files


def _place(rng):
    return rng.randrange(2000) / 100, rng.randrange(2000) / 100


@pytest.fixture(scope="module")
def many(tmp_path_factory):
    """DOTA of 300 images, which are 5 shards."""
    root = tmp_path_factory.mktemp("many")
    rng = Random(0)  # boxes that do not repeat: the table is larger than any of its parts
    lots = [("ship", quad(x, y, x + 5.25, y + 7)) for x, y in (_place(rng) for _ in range(3000))]
    plane = ("plane", quad(0, 0, 10, 10))
    fakes = [
        Fake(f"P{at:04}.png", objects=(*lots[10 * at : 10 * at + at % 10], plane))
        for at in range(300)
    ]
    write(root, DOTA, fakes)
    return root


@pytest.fixture(scope="module")
def plain(many, tmp_path_factory):
    """The folder of its conversion, by one process."""
    out = tmp_path_factory.mktemp("plain")
    convert(Request(DOTA, many, out, Options(version="v1.0")))
    return out


def under_limit(size):
    """For `preexec_fn`: no file of this process may grow beyond `size` bytes."""
    return lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (size, size))


@pytest.mark.parametrize(
    ("what", "workers"), [(".parts/", 1), (".parts/", 2), ("captions.parquet: ", 1)]
)
def test_full_disk(many, plain, tmp_path, script, what, workers):
    out = tmp_path / "out"
    command = ("convert", "--source", "dota", "--root", many, "--out", out, "--workers")
    whole = (plain / "captions.parquet").stat().st_size
    limit = 2_000 if what == ".parts/" else whole - 1

    ended = script(*command, workers, preexec_fn=under_limit(limit))

    assert ended.code == 2
    assert ended.err.startswith(f"rs-caption: {out}/{what}")
    assert "could not be written (" in ended.err
    assert "File too large" in ended.err
    assert ended.err.count("\n") == 1
    left = files_in(out)
    assert "captions.parquet" not in left
    assert [name for name in left if "partial" in name] == []
    assert sum(name.startswith(".parts/") for name in left) == (0 if what == ".parts/" else 5)

    convert(Request(DOTA, many, out, Options(version="v1.0")))
    assert (out / "captions.parquet").read_bytes() == (plain / "captions.parquet").read_bytes()
    assert files_in(out) == ["captions.parquet", "convert.json", "roots.json", "skipped.csv"]


def test_full_disk_while_compiling(roots, tmp_path, script):
    """Numba keeps what it compiles in a cache of its own."""
    out, cache = tmp_path / "out", tmp_path / "cache"
    ended = script(
        *("convert", "--source", "loveda", "--root", roots / "LoveDA", "--out", out),
        env={**os.environ, "NUMBA_CACHE_DIR": str(cache)},
        preexec_fn=under_limit(20_000),
    )
    assert ended.code == 2
    assert "could not be kept (File too large)" in ended.err
    assert "NUMBA_CACHE_DIR" in ended.err
    assert ended.err.count("\n") == 1


@pytest.mark.parametrize(("workers", "hash_seed"), [(2, "1"), (4, "0")])
def test_bytes_do_not_depend_on_workers(many, plain, tmp_path, script, workers, hash_seed):
    ended = script(
        *("convert", "--source", "dota", "--root", many, "--out", tmp_path, "--workers", workers),
        env={**os.environ, "PYTHONHASHSEED": hash_seed},
    )
    assert ended.code == 0
    for name in ("captions.parquet", "skipped.csv"):
        assert (tmp_path / name).read_bytes() == (plain / name).read_bytes()


@pytest.mark.parametrize("workers", [2, 4])
def test_a_pool_from_the_first_shard_on_gives_the_same_bytes(many, plain, tmp_path, workers):
    options = Options(version="v1.0")
    convert(Request(DOTA, many, tmp_path, options), engine=Pool(workers, alone_s=0))
    assert (tmp_path / "captions.parquet").read_bytes() == (plain / "captions.parquet").read_bytes()


def captions_of(root, out, seed) -> list[list[str]]:
    """The captions of a conversion with this seed."""
    convert(Request(DOTA, root, Path(out), Options(seed=seed)))
    return table.open_table(out).read(["captions"])["captions"].to_pylist()


def test_another_seed_gives_other_captions(many, tmp_path):
    first, again, other = (
        captions_of(many, tmp_path / name, seed) for name, seed in (("a", 0), ("b", 0), ("c", 1))
    )
    assert first == again
    assert sum(one != two for one, two in zip(first, other, strict=True)) > 250  # of 300

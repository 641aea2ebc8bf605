"""What each level of `--match` finds: copies, look-alikes, turned ones; as a user calls it."""

import json

import numpy as np
import pyarrow.parquet as pq
import pytest
from fakes import TURNS, facts_of, skipped_of
from PIL import Image, ImageEnhance

from rs_caption import table
from rs_caption.convert import convert
from rs_caption.options import Options
from rs_caption.request import Request

BACK = {"rotate-90": "rotate-270", "rotate-270": "rotate-90"}


def ground(seed, side=96):
    """A picture with structure at several scales, as ground has."""
    rng = np.random.default_rng(seed)
    layers = [
        np.asarray(
            Image.fromarray(rng.integers(0, 256, (cells, cells, 3), np.uint8)).resize(
                (side, side), Image.Resampling.BICUBIC
            ),
            np.float32,
        )
        for cells in (3, 6, 12, 24)
    ]
    return Image.fromarray(np.mean(layers, axis=0).astype(np.uint8))


def rsicd(folder, pictures):
    """A converted RSICD of these pictures: name -> (image, split)."""
    images = folder / "data/RSICD_images"
    images.mkdir(parents=True)
    entries = []
    for name, (picture, split) in pictures.items():
        picture.save(images / name, **({"quality": 95} if name.endswith("jpg") else {}))
        entries.append({"filename": name, "split": split, "sentences": [{"raw": "a field ."}]})
    facts = json.dumps({"images": entries, "dataset": "RSICD"})
    (folder / "data/dataset_rsicd.json").write_text(facts)
    convert(Request(facts_of("rsicd"), folder / "data", folder / "table", Options()))
    return folder / "table"


def removed(out):
    """(name, name of the other, level, transform) of every row that left."""
    rows = pq.read_table(out / "removed.parquet").to_pylist()
    return [
        (
            row["image_id"].rpartition("/")[2],
            row["duplicate_of"].rpartition("/")[2],
            row["level"],
            row["transform"],
        )
        for row in rows
    ]


@pytest.fixture(scope="module")
def corpus(tmp_path_factory):
    """Four grounds; of 0 a copy in another format and one a bit brighter; 1 turned; 2 alone."""
    scenes = [ground(seed) for seed in range(4)]
    turned = {f"1-{name}.png": (scenes[1].transpose(turn), "train") for name, turn in TURNS.items()}
    return rsicd(
        tmp_path_factory.mktemp("levels"),
        {
            "0.png": (scenes[0], "train"),
            "0-copy.bmp": (scenes[0], "train"),
            "0-brighter.png": (ImageEnhance.Brightness(scenes[0]).enhance(1.02), "train"),
            "1.png": (scenes[1], "test"),
            **turned,
            "2.png": (scenes[2], "train"),
        },
    )


COPY = ("0.png", "0-copy.bmp", "exact", "same")


def test_exact_finds_equal_pixels_alone(corpus, tmp_path, cli):
    assert cli("dedup", corpus, "--match", "exact", "--out", tmp_path / "out").code == 0
    assert removed(tmp_path / "out") == [COPY]


def test_near_finds_the_brighter_one_too(corpus, tmp_path, cli):
    assert cli("dedup", corpus, "--out", tmp_path / "out").code == 0
    assert removed(tmp_path / "out") == [
        ("0-copy.bmp", "0-brighter.png", "near", "same"),
        ("0.png", "0-brighter.png", "near", "same"),
    ]


def test_dihedral_finds_every_turn_and_says_how_to_undo_it(corpus, tmp_path, cli):
    ended = cli("dedup", corpus, "--match", "dihedral", "--out", tmp_path / "out")
    assert ended.code == 0
    assert "Removed by level: dihedral 7, near 2" in ended.out
    turns = [row for row in removed(tmp_path / "out") if row[1] == "1.png"]
    assert sorted(turns) == sorted(
        (f"1-{name}.png", "1.png", "dihedral", BACK.get(name, name)) for name in TURNS
    )
    kept = table.open_table(tmp_path / "out").read(["image_id"])["image_id"].to_pylist()
    assert [name.rpartition("/")[2] for name in kept] == ["0-brighter.png", "2.png"]
    stamp = table.open_table(tmp_path / "out").about["dedup"]
    assert (stamp["match"], stamp["tests"]) == ("dihedral", {"rsicd": 1})


def test_turned_look_alikes_of_each_other_keep_one(tmp_path, cli):
    scene = ground(5)
    pictures = {f"{name}.png": (scene.transpose(turn), "train") for name, turn in TURNS.items()}
    corpus = rsicd(tmp_path, pictures)
    assert cli("dedup", corpus, "--match", "dihedral", "--out", tmp_path / "out").code == 0
    left = {row[0] for row in removed(tmp_path / "out")}
    assert left == set(pictures) - {"flip-left-right.png"}


def test_exact_tells_equal_from_near_at_higher_levels(tmp_path, cli):
    scene = ground(6)
    corpus = rsicd(
        tmp_path,
        {
            "a.png": (scene, "test"),
            "b.png": (scene, "train"),
            "c.jpg": (scene, "train"),
        },
    )
    assert cli("dedup", corpus, "--match", "dihedral", "--out", tmp_path / "out").code == 0
    assert removed(tmp_path / "out") == [
        ("b.png", "a.png", "exact", "same"),
        ("c.jpg", "a.png", "near", "same"),
    ]


def test_a_dry_run_lists_and_writes_no_table(corpus, tmp_path, cli):
    out = tmp_path / "out"
    ended = cli("dedup", corpus, "--match", "dihedral", "--out", out, "--dry-run")
    assert ended.code == 0
    assert f"A dry run: no table is written. The lists are in {out}" in ended.out
    files = ("dedup.json", "groups.parquet", "removed.parquet", "skipped.csv")
    assert sorted(path.name for path in out.iterdir()) == [*files]
    listed = removed(out)
    assert json.loads((out / "dedup.json").read_text())["dry_run"] is True
    assert cli("dedup", corpus, "--match", "dihedral", "--out", out).code == 0
    assert removed(out) == listed
    ended = cli("dedup", corpus, "--out", out, "--dry-run")
    assert (ended.code, ended.err.count("\n")) == (2, 1)
    assert "holds a clean table, whose lists a dry run would replace" in ended.err


def test_test_folders(corpus, tmp_path, cli):
    tests = tmp_path / "Tests/deep"
    tests.mkdir(parents=True)
    ground(2).save(tests / "x.png")
    (tests / "readme.txt").touch()
    (tests / "broken.jpg").write_bytes(b"no image")
    command = (
        "dedup",
        corpus,
        "--against",
        f"mine={tmp_path / 'Tests'}",
        "--out",
        tmp_path / "out",
    )
    ended = cli(*command)
    assert ended.code == 3
    assert "Test rows compared with, none of them written: mine 1, rsicd 1" in ended.out
    assert "Test rows NOT compared with, no readable image: 1" in ended.out
    assert skipped_of(tmp_path / "out")[0][:2] == ["mine/deep/broken.jpg", "bad_image"]
    assert table.open_table(tmp_path / "out").about["dedup"]["tests_not_compared"] == 1
    assert ("2.png", "x.png", "near", "same") in removed(tmp_path / "out")
    assert table.open_table(tmp_path / "out").roots.keys() == {"rsicd"}


def lake(seed, side=96):
    """Smooth water with a dark corner: what there is of it to hash is noise and the corner."""
    rng = np.random.default_rng(seed)
    level = rng.uniform(40, 200)
    water = np.full((side, side, 3), level, np.float32) + rng.normal(0, 0.4, (side, side, 3))
    water[:6, :6] = 10
    return Image.fromarray(water.clip(0, 255).astype(np.uint8))


def test_crop_does_not_take_flat_images_with_one_hash_for_each_other(tmp_path, cli):
    pictures = {f"{seed}.png": (lake(seed), "train") for seed in range(6)}
    pictures["5-again.jpg"] = (lake(5), "train")
    corpus = rsicd(tmp_path, pictures)
    assert cli("dedup", corpus, "--out", tmp_path / "near").code == 0
    assert len(removed(tmp_path / "near")) == 5  # of 7: the hash sees the corner alone
    assert cli("dedup", corpus, "--match", "crop", "--out", tmp_path / "crop").code == 0
    assert removed(tmp_path / "crop") == [("5.png", "5-again.jpg", "near", "same")]


def test_crop_does_not_take_flat_images_of_one_tone_for_each_other(tmp_path, cli):
    """Two waters a grey level or two apart; in the corner one has a shore."""
    water = np.full((96, 96, 3), 60, np.uint8)
    shore = water + np.uint8(1)
    shore[:5, :12] = 70
    pictures = {
        "a.png": (Image.fromarray(water), "train"),
        "b.png": (Image.fromarray(shore), "train"),
    }
    corpus = rsicd(tmp_path, pictures | {"b-again.jpg": (Image.fromarray(shore), "train")})
    assert cli("dedup", corpus, "--match", "crop", "--out", tmp_path / "crop").code == 0
    assert removed(tmp_path / "crop") == [("b.png", "b-again.jpg", "near", "same")]


def test_crop_finds_what_the_milder_levels_find_and_confirms_it(corpus, tmp_path, cli):
    ended = cli("dedup", corpus, "--match", "crop", "--out", tmp_path / "out")
    assert ended.code == 0
    rows = pq.read_table(tmp_path / "out/removed.parquet").to_pylist()
    levels = {row["image_id"].rpartition("/")[2]: row["level"] for row in rows}
    assert levels == {
        "0-copy.bmp": "near",
        "0.png": "near",
        **{f"1-{name}.png": "dihedral" for name in TURNS},
    }
    assert min(row["score"] for row in rows) > 0.95


@pytest.mark.parametrize("where", [(10, 6), (0, 24)])
def test_crop_finds_a_crop_and_says_which_window(tmp_path, cli, where):
    whole = ground(7, 240)
    x0, y0 = where
    part = whole.crop((x0, y0, x0 + 200, y0 + 200)).resize((150, 150))
    corpus = rsicd(
        tmp_path,
        {"a.png": (part, "test"), "b.png": (whole, "train"), "c.png": (ground(8, 240), "train")},
    )
    assert cli("dedup", corpus, "--match", "crop", "--out", tmp_path / "out").code == 0
    (row,) = pq.read_table(tmp_path / "out/removed.parquet").to_pylist()
    assert (row["image_id"][-5:], row["level"], row["distance"]) == ("b.png", "crop", None)
    assert row["score"] > 0.9
    role, _, shares = row["transform"].partition(" ")
    window = [240 * float(share) for share in shares.split(",")]
    assert role == "whole"
    assert window == pytest.approx([x0, y0, x0 + 200, y0 + 200], abs=2.5)

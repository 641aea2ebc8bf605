"""Real images and annotations: what our code makes of them, against a second way of counting.

The second ways share nothing with the package: a parser of six lines and a polygon clipped by hand
for DOTA, OpenCV's connected components for LoveDA, the JSON itself for RSICD.
"""

import json
from collections import Counter

import cv2
import numpy as np
import pytest
from fakes import facts_of
from PIL import Image

from rs_caption import table
from rs_caption.convert import convert
from rs_caption.options import Options
from rs_caption.request import Request

LOVEDA_NAMES = ["building", "road", "water", "barren", "forest", "agriculture"]  # values 2 to 7


@pytest.fixture
def rsicd(shared_data, tmp_path):
    """The sample of RSICD under the names of the release."""
    root = tmp_path / "RSICD"
    root.mkdir()
    rebuilt = shared_data / "RSICD/dataset_rsicd_REBUILT.json"
    (root / "dataset_rsicd.json").symlink_to(rebuilt)
    (root / "RSICD_images").symlink_to(shared_data / "RSICD/RSICD_images")
    return root


def rows_of(name, root, out, **options):
    """Convert a sample, and give its report and its rows by image path."""
    report = convert(Request(facts_of(name), root, out, Options(**options)))
    return report, {row["image_path"]: row for row in table.open_table(out).read().to_pylist()}


def clipped(corners, width, height):
    """The hull of a polygon's part inside the image (Sutherland and Hodgman), or None."""
    for axis, side, sign in ((0, 0, 1), (0, width, -1), (1, 0, 1), (1, height, -1)):
        kept = []
        for one, two in zip(corners, corners[1:] + corners[:1], strict=True):
            in_one, in_two = (sign * (point[axis] - side) >= 0 for point in (one, two))
            if in_one:
                kept.append(one)
            if in_one != in_two:
                share = (side - one[axis]) / (two[axis] - one[axis])
                kept.append(tuple(a + share * (b - a) for a, b in zip(one, two, strict=True)))
        corners = kept
    if not corners:
        return None
    xs, ys = zip(*corners, strict=True)
    hull = (min(xs), min(ys), max(xs), max(ys))
    return hull if hull[0] < hull[2] and hull[1] < hull[3] else None


def dota_objects(label, size_wh):
    """(name, hull) of every object of a label file that is in the image."""
    lines = [line.split() for line in label.read_text().splitlines() if ":" not in line]
    quads = [[(float(a), float(b)) for a, b in zip(v[:8:2], v[1:8:2], strict=True)] for v in lines]
    hulls = [(v[8], clipped(corners, *size_wh)) for v, corners in zip(lines, quads, strict=True)]
    return [(name, hull) for name, hull in hulls if hull]


@pytest.mark.parametrize(
    ("split", "stem", "number"),
    [("train", "P0706", 536), ("train", "P1888", 64), ("val", "P0003", 55), ("val", "P0004", 107)],
)
def test_dota(shared_data, tmp_path, split, stem, number):
    _, rows = rows_of("dota", shared_data / "DOTA", tmp_path)
    row = rows[f"{split}/images/{stem}.png"]
    assert len(rows) == 4
    with Image.open(shared_data / f"DOTA/{split}/images/{stem}.png") as image:
        assert (row["width"], row["height"]) == image.size
    assert row["split"] == split
    objects = dota_objects(
        shared_data / f"DOTA/{split}/labelTxt/{stem}.txt", (row["width"], row["height"])
    )
    assert len(row["boxes"]) == len(objects) == number
    assert [box["name"] for box in row["boxes"]] == [name for name, _ in objects]
    sides = [[box[side] for side in ("x0", "y0", "x1", "y1")] for box in row["boxes"]]
    np.testing.assert_allclose(sides, [hull for _, hull in objects], rtol=0, atol=1e-9)


@pytest.mark.parametrize("stem", ["0", "1"])
def test_loveda(shared_data, tmp_path, stem):
    _, rows = rows_of("loveda", shared_data / "LoveDA", tmp_path)
    mask_HW = np.asarray(Image.open(shared_data / f"LoveDA/Train/Rural/masks_png/{stem}.png"))
    expected = []
    for value, name in enumerate(LOVEDA_NAMES, start=2):
        _, _, found, _ = cv2.connectedComponentsWithStats((mask_HW == value).astype(np.uint8))
        for x, y, width, height, _ in found[1:].tolist():
            expected.append((name, x, y, x + width, y + height))
    boxes = rows[f"Train/Rural/images_png/{stem}.png"]["boxes"]
    assert expected
    assert sorted(tuple(box.values()) for box in boxes) == sorted(expected)


def test_rsicd(rsicd, tmp_path):
    report, rows = rows_of("rsicd", rsicd, tmp_path / "out")
    listed = json.loads((rsicd / "dataset_rsicd.json").read_text())["images"]
    present = {path.name for path in (rsicd / "RSICD_images").iterdir()}
    here = [image for image in listed if image["filename"] in present]
    assert len(rows) == len(here) == len(present) == 184
    assert report.skipped["missing_image"] == len(listed) - 184
    texts = [[one["raw"].strip() for one in image["sentences"]] for image in here]
    assert report.objects == {
        "as released, less empty ones": 920,
        "of these, repeating another of their image": 920 - sum(len(set(of)) for of in texts),
    }
    assert {split: counts["rows"] for split, counts in report.splits.items()} == Counter(
        image["split"] for image in here
    )
    for image in here:
        row = rows[f"RSICD_images/{image['filename']}"]
        raw = [sentence["raw"].strip() for sentence in image["sentences"]]
        assert row["captions"] == [text for text in raw if text]
        assert row["rules"] == ["human"] * len(row["captions"])
        assert (row["split"], row["family"], row["boxes"]) == (image["split"], "ret", [])


@pytest.mark.parametrize(
    ("name", "folder", "options"),
    [
        ("dota", "DOTA", {}),
        ("dota", "DOTA", {"style": "paper", "rules": "b2c+all"}),
        ("dota", "DOTA", {"rules": "b2c+all", "central": 0.3}),
        ("dota", "DOTA", {"tile": 512, "overlap": 100}),
        ("dota", "DOTA", {"tile": 512, "rules": "b2c+all", "style": "paper", "min_visible": 0}),
        ("loveda", "LoveDA", {}),
        ("loveda", "LoveDA", {"style": "paper", "rules": "b2c+all"}),
        ("loveda", "LoveDA", {"tile": 256, "rules": "all", "min_area": 50}),
    ],
    ids=lambda value: " ".join(map(str, value.items())) if isinstance(value, dict) else None,
)
def test_every_caption_is_true(shared_data, tmp_path, cli, name, folder, options):
    report, _ = rows_of(name, shared_data / folder, tmp_path, **options)
    ended = cli("verify", tmp_path)
    assert ended.code == 0
    captions = sum(counts["captions"] for counts in report.splits.values())
    assert f"{captions:,} captions by rule, each true of its boxes" in ended.out


def test_human_captions_verify(rsicd, tmp_path, cli):
    rows_of("rsicd", rsicd, tmp_path / "out")
    assert cli("verify", tmp_path / "out").code == 0


def test_tiles_account_for_every_object(shared_data, tmp_path):
    report, _ = rows_of("dota", shared_data / "DOTA", tmp_path, tile=512)
    objects = report.objects
    assert objects.pop("annotated") == 536 + 64 + 55 + 107
    assert sum(objects.values()) == 762
    assert objects["captioned"] > 700


def test_the_whole_way_as_a_user_goes(shared_data, rsicd, tmp_path, cli):
    """The commands of the README on real files: convert, verify, dedup, show."""
    tables = tmp_path / "tables"
    for source, root, code in (("dota", shared_data / "DOTA", 0), ("rsicd", rsicd, 3)):
        ended = cli("convert", "--source", source, "--root", root, "--out", tables / source)
        assert ended.code == code
    assert cli("verify", tables / "dota").code == 0
    ended = cli(
        "dedup", tables / "dota", tables / "rsicd", "--out", tables / "clean", "--workers", 1
    )
    assert ended.code == 0
    report = json.loads((tables / "clean/dedup.json").read_text())
    tests = report["tests"]["rsicd"]
    assert report["training"] + tests == 4 + 184
    assert report["kept"] == report["training"] - report["like_tests"] - report["duplicates"]
    splits = table.open_table(tables / "clean").read(["split"])["split"].to_pylist()
    assert len(splits) == report["kept"]
    assert "test" not in splits
    drawn = ("--id", "dota/val/images/P0004.png", "--draw", tmp_path / "drawn")
    assert cli("show", tables / "clean", *drawn).code == 0
    assert (tmp_path / "drawn/dota__val__images__P0004_png.png").is_file()

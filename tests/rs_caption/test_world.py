"""The sample world: true annotations, planted duplicates and faults, the same bytes every time."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections import Counter
from itertools import combinations
from pathlib import Path

import imagehash
import numpy as np
import pytest
from PIL import Image
from scipy import ndimage

from rs_caption.errors import UserError
from rs_caption.world import WorldReport, write_world
from rs_caption.world.geometry import area, area_inside

EIGHT = np.ones((3, 3))
DOTA_CLASSES = {
    "plane", "ship", "storage-tank", "tennis-court", "basketball-court", "soccer-ball-field",
    "harbor", "bridge", "large-vehicle", "small-vehicle", "roundabout", "swimming-pool",
}  # fmt: skip


@pytest.fixture(scope="module")
def world(tmp_path_factory) -> WorldReport:
    return write_world(tmp_path_factory.mktemp("sample") / "world")


def digest(root: Path) -> dict[str, bytes]:
    files = sorted(path for path in root.rglob("*") if path.is_file())
    return {path.relative_to(root).as_posix(): path.read_bytes() for path in files}


def pixels(path: Path) -> np.ndarray:
    with Image.open(path) as image:
        return np.asarray(image)


def size_of(path: Path) -> tuple[int, int]:
    with Image.open(path) as image:
        return image.size


def label_rows(path: Path) -> list[list[str]]:
    lines = path.read_bytes().decode("ascii").splitlines()
    return [line.split(" ") for line in lines if ":" not in line]


def rsicd(root: Path) -> list[dict]:
    text = (root / "RSICD" / "dataset_rsicd.json").read_text(encoding="utf-8")
    return json.loads(text)["images"]


def planted(world: WorldReport, kind: str) -> dict[str, dict]:
    records = json.loads((world.root / "planted.json").read_text(encoding="utf-8"))
    return {record["path"]: record for record in records if record["kind"] == kind}


def mask(world: WorldReport, word: str) -> np.ndarray:
    (path,) = [p for p, r in planted(world, "feature").items() if r["detail"].startswith(word)]
    return pixels(world.root / path)


def test_anything_but_a_new_folder_or_a_world_is_refused(tmp_path) -> None:
    root = tmp_path / "world"
    root.mkdir()
    (root / "README.md").write_text("my own notes", encoding="utf-8")
    with pytest.raises(UserError, match=r"found README\.md"):
        write_world(root)
    (root / "README.md").write_text("# rs-caption sample world\n", encoding="utf-8")
    (root / "thesis.tex").write_text("precious", encoding="utf-8")
    with pytest.raises(UserError, match=r"found thesis\.tex"):
        write_world(root)
    with pytest.raises(UserError, match="found a file"):
        write_world(root / "thesis.tex")
    with pytest.raises(UserError, match="found 0"):
        write_world(root / "new", images=0)
    assert sorted(path.name for path in tmp_path.rglob("*")) == ["README.md", "thesis.tex", "world"]


def test_same_bytes_in_another_process_and_over_an_earlier_world(tmp_path) -> None:
    earlier = tmp_path / "a" / "DOTA" / "old.txt"
    earlier.parent.mkdir(parents=True)
    earlier.write_text("of an earlier world", encoding="utf-8")
    (tmp_path / "a" / "README.md").write_text("# rs-caption sample world\n", encoding="utf-8")
    write_world(tmp_path / "a", seed=3, images=1)
    code = (
        "import sys; from pathlib import Path; from rs_caption.world import write_world; "
        "write_world(Path(sys.argv[1]), seed=3, images=1)"
    )
    env = {**os.environ, "PYTHONHASHSEED": "77"}
    subprocess.run([sys.executable, "-c", code, str(tmp_path / "b")], check=True, env=env)
    first = digest(tmp_path / "a")
    assert first == digest(tmp_path / "b")
    assert len(first) > 30
    assert not earlier.exists()
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a", "b"]


def test_planted_copies_are_near_and_every_other_pair_is_far(world) -> None:
    hashes = {}
    for pattern in ("DOTA/*/images/*.png", "LoveDA/*/*/images_png/*.png", "RSICD/*/*.jpg"):
        for path in world.root.glob(pattern):
            name = path.relative_to(world.root).as_posix()
            if planted(world, "fault").get(name, {}).get("reason") != "bad_image":
                with Image.open(path) as image:
                    hashes[name] = imagehash.phash(image)
    pairs = {frozenset((p, r["of"])) for p, r in planted(world, "duplicate").items()}
    assert len(hashes) == 78
    assert len(pairs) == 4
    for a, b in combinations(hashes, 2):
        distance = hashes[a] - hashes[b]
        assert (distance <= 2) if frozenset((a, b)) in pairs else (distance > 8), (a, b)


def test_duplicates_lie_where_they_say(world) -> None:
    splits = {f"RSICD/RSICD_images/{e['filename']}": e["split"] for e in rsicd(world.root)}
    found = []
    for path, record in planted(world, "duplicate").items():
        of = record["of"]
        split = splits.get(path, path.split("/")[1])
        assert record["test"] == (split == "test")
        assert splits.get(of, of.split("/")[1]) == "train"
        same = (world.root / path).read_bytes() == (world.root / of).read_bytes()
        found.append((record["dataset"], of.split("/")[0], split, same))
    assert sorted(found) == [
        ("DOTA", "DOTA", "train", True),
        ("RSICD", "DOTA", "test", False),
        ("RSICD", "RSICD", "test", False),
        ("RSICD", "RSICD", "train", False),
    ]


def test_faults_are_what_they_are_called(world) -> None:
    faults = {
        (r["dataset"], r["reason"]): world.root / p for p, r in planted(world, "fault").items()
    }
    assert len(faults) == 6
    empty = faults["DOTA", "no_objects"]
    assert empty.read_bytes() == b""
    assert (empty.parents[1] / "images" / f"{empty.stem}.png").exists()
    orphan = faults["DOTA", "missing_image"]
    assert label_rows(orphan)
    assert not (orphan.parents[1] / "images" / f"{orphan.stem}.png").exists()
    bare = faults["DOTA", "missing_annotation"]
    assert bare.exists()
    assert not (bare.parents[1] / "labelTxt" / f"{bare.stem}.txt").exists()
    with (
        Image.open(faults["RSICD", "bad_image"]) as image,
        pytest.raises(OSError, match="truncated"),
    ):
        image.load()
    gone = faults["RSICD", "missing_image"]
    assert not gone.exists()
    entries = {entry["filename"]: entry for entry in rsicd(world.root)}
    assert gone.name in entries
    raws = [s["raw"] for s in entries[faults["RSICD", "empty_caption"].name]["sentences"]]
    assert raws.count("") == 1


def test_no_fault_but_the_planted_ones(world) -> None:
    dota = world.root / "DOTA"
    images = {path.stem for path in dota.glob("*/images/*.png")}
    labels = {path.stem: path for path in dota.glob("*/labelTxt/*.txt")}
    assert len(images ^ labels.keys()) == 2
    assert sum(not label_rows(path) for path in labels.values()) == 1
    folder = world.root / "RSICD" / "RSICD_images"
    entries = rsicd(world.root)
    names = {entry["filename"] for entry in entries}
    assert len(names) == len(entries)
    assert len(names ^ {path.name for path in folder.iterdir()}) == 1


def test_quads_are_clockwise_mostly_inside_and_some_oriented(world) -> None:
    oriented, cut, seen = 0, 0, Counter()
    for path in world.root.glob("DOTA/*/labelTxt/*.txt"):
        picture = path.parents[1] / "images" / f"{path.stem}.png"
        if not picture.exists():
            continue
        width, height = size_of(picture)
        for row in label_rows(path):
            assert len(row) == 10
            values = [float(value) for value in row[:8]]
            quad = list(zip(values[::2], values[1::2], strict=True))
            assert area(quad) > 0, path
            assert area_inside(quad, width, height) >= 0.5 * area(quad), path
            assert row[9] in {"0", "1"}
            oriented += len(set(values[::2])) == 4
            cut += min(values) < 0 or max(values[::2]) > width or max(values[1::2]) > height
            seen[row[8]] += 1
    assert set(seen) <= DOTA_CLASSES
    assert len(seen) >= 10
    assert oriented > 100
    assert cut >= 5


def test_dota_holds_the_counts_and_forms_that_matter(world) -> None:
    files = [path for path in world.root.glob("DOTA/*/labelTxt/*.txt") if path.stat().st_size]
    counts = [Counter(row[8] for row in label_rows(path)) for path in files]
    highest = {max(count.values()) for count in counts}
    assert {1, 10} <= highest
    assert max(highest) > 10
    assert sum(len(count) >= 3 for count in counts) >= 5
    texts = [path.read_bytes() for path in files]
    assert any(b"\r\n" in text for text in texts)
    assert any(b"\r" not in text for text in texts)
    assert any(text.startswith(b"imagesource:GoogleEarth") for text in texts)
    assert any(b":" not in text for text in texts)
    assert any(b".0 " in text for text in texts)
    sizes = Counter(size_of(path) for path in world.root.glob("DOTA/*/images/*.png"))
    assert sizes.pop((1536, 1024)) == 1
    assert all(320 <= side <= 640 for size in sizes for side in size)


def test_masks_hold_only_documented_values_and_fit_their_images(world) -> None:
    masks = sorted(world.root.glob("LoveDA/*/*/masks_png/*.png"))
    assert len({path.stem for path in masks}) == len(masks) == 16
    values = set()
    for path in masks:
        with Image.open(path) as image:
            assert (image.mode, image.size) == ("L", (512, 512))
            values |= set(np.unique(np.asarray(image)).tolist())
        with Image.open(path.parents[1] / "images_png" / path.name) as image:
            assert (image.mode, image.size) == ("RGB", (512, 512))
    assert values == {0, 1, 2, 3, 4, 5, 6, 7}


def test_the_hard_masks(world) -> None:
    forest = mask(world, "nested") == 6
    parts, number = ndimage.label(forest, EIGHT)
    outer = parts == parts[0, 0]
    enclosed = ndimage.binary_fill_holes(outer) & ~outer
    assert number == 2
    assert np.all(enclosed[forest & ~outer])
    assert np.all(enclosed[mask(world, "nested") == 2])
    buildings = mask(world, "corner") == 2
    assert ndimage.label(buildings, EIGHT)[1] == 1
    assert ndimage.label(buildings)[1] == 2
    strip = mask(world, "no-data") == 0
    assert strip[:, -72:].all()
    assert not strip[:, :-72].any()


def test_sentences_are_five_lower_case_and_mostly_distinct(world) -> None:
    entries = rsicd(world.root)
    assert Counter(entry["split"] for entry in entries) == {"train": 21, "val": 4, "test": 10}
    sentids = [sentid for entry in entries for sentid in entry["sentids"]]
    assert sentids == list(range(5 * len(entries)))
    distinct = []
    for entry in entries:
        raws = [sentence["raw"] for sentence in entry["sentences"]]
        assert len(raws) == 5
        assert [sentence["sentid"] for sentence in entry["sentences"]] == entry["sentids"]
        assert all(raw == raw.lower() and raw.endswith(" .") for raw in raws if raw)
        distinct.append(len(set(raws)))
    assert min(distinct) < 5
    assert distinct.count(5) > len(distinct) / 2


def test_report_equals_an_independent_count(world) -> None:
    images, objects = Counter(), Counter()
    for path in world.root.glob("DOTA/*/*/*"):
        key = ("DOTA", path.parts[-3])
        images[key] += path.suffix == ".png"
        objects[key] += len(label_rows(path)) if path.suffix == ".txt" else 0
    for path in world.root.glob("LoveDA/*/*/masks_png/*.png"):
        key = ("LoveDA", path.parts[-4])
        images[key] += 1
        objects[key] += int((np.unique(pixels(path)) > 1).sum())
    for entry in rsicd(world.root):
        key = ("RSICD", entry["split"])
        images[key] += (world.root / "RSICD" / "RSICD_images" / entry["filename"]).exists()
        objects[key] += sum(bool(sentence["raw"]) for sentence in entry["sentences"])
    reported = {(c.dataset, c.split): (c.images, c.objects) for c in world.counts}
    assert reported == {key: (images[key], objects[key]) for key in images}
    assert sum(images.values()) == 79

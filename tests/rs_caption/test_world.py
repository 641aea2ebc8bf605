"""The sample world: true annotations, planted duplicates and faults, the same bytes every time."""

from __future__ import annotations

import hashlib
import json
import os
import re
import subprocess
import sys
from collections import Counter
from itertools import combinations
from pathlib import Path

import imagehash
import numpy as np
import pytest
from PIL import Image, ImageOps
from scipy import ndimage

from rs_caption.errors import UserError
from rs_caption.world import WorldReport, write_world
from rs_caption.world.geometry import area, area_inside

EIGHT = np.ones((3, 3))
SAID = {  # folder of the pictures -> file of the sentences
    "RSICD/RSICD_images": "RSICD/dataset_rsicd.json",
    "RSITMD/images": "RSITMD/dataset_RSITMD.json",
    "UCM/imgs": "UCM/dataset.json",
}
DOTA_CLASSES = {
    "plane", "ship", "storage-tank", "tennis-court", "basketball-court", "soccer-ball-field",
    "harbor", "bridge", "large-vehicle", "small-vehicle", "roundabout", "swimming-pool",
}  # fmt: skip


@pytest.fixture
def world(sample_world) -> WorldReport:
    return sample_world


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


def said(root: Path, file: str) -> list[dict]:
    return json.loads((root / file).read_text(encoding="utf-8"))["images"]


def rsicd(root: Path) -> list[dict]:
    return said(root, "RSICD/dataset_rsicd.json")


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
    with pytest.raises(UserError, match=r"found README\.md, thesis\.tex"):
        write_world(root)
    with pytest.raises(UserError, match="found a file"):
        write_world(root / "thesis.tex")
    with pytest.raises(UserError, match="found 0"):
        write_world(root / "new", images=0)
    assert sorted(path.name for path in tmp_path.rglob("*")) == ["README.md", "thesis.tex", "world"]


def test_same_bytes_in_another_process_and_over_an_earlier_world(tmp_path) -> None:
    earlier = tmp_path / "a" / "DOTA" / "old" / "old.txt"
    earlier.parent.mkdir(parents=True)
    earlier.write_text("of an earlier world", encoding="utf-8")
    listed = hashlib.sha256(earlier.read_bytes()).hexdigest()
    (tmp_path / "a" / "files.sha256").write_text(f"{listed}  DOTA/old/old.txt\n")
    write_world(tmp_path / "a", seed=3, images=1)
    code = (
        "import sys; from pathlib import Path; from rs_caption.world import write_world\n"
        "from rs_caption.engine import Work\n"
        "if __name__ == '__main__':\n"
        "    write_world(Path(sys.argv[1]), seed=3, images=1, work=Work(2))"
    )
    env = {**os.environ, "PYTHONHASHSEED": "77"}
    subprocess.run([sys.executable, "-c", code, str(tmp_path / "b")], check=True, env=env)
    first = digest(tmp_path / "a")
    assert first == digest(tmp_path / "b")
    assert len(first) == 196
    assert not earlier.exists()
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a", "b"]


def test_what_a_world_did_not_draw_is_not_replaced(tmp_path, monkeypatch) -> None:
    root = tmp_path / "world"
    root.mkdir()
    monkeypatch.chdir(root)
    write_world(Path(), images=1)  # into the folder one stands in
    before = digest(root)
    (root / "DOTA" / ".DS_Store").write_bytes(b"")
    mine = root / "DOTA" / "train" / "images" / "mine.png"
    mine.write_bytes(b"mine")
    with pytest.raises(UserError, match=r"found DOTA/train/images/mine\.png, not drawn by"):
        write_world(root, seed=1, images=1)
    mine.unlink()
    label = min(root.glob("DOTA/train/labelTxt/*.txt"))
    drawn = label.read_bytes()
    label.write_bytes(b"corrected")
    with pytest.raises(UserError, match=f"found DOTA/train/labelTxt/{label.name}"):
        write_world(root, seed=1, images=1)
    label.write_bytes(drawn)
    (root / "DOTA").rename(tmp_path / "elsewhere")
    (root / "DOTA").symlink_to(tmp_path / "elsewhere")
    with pytest.raises(UserError, match="found DOTA, "):
        write_world(root, seed=1, images=1)
    (root / "DOTA").unlink()
    (tmp_path / "elsewhere").rename(root / "DOTA")
    (root / "README.md").unlink()  # as after an interruption
    write_world(root, images=1)
    assert digest(root) == {**before, "DOTA/.DS_Store": b""}
    assert [path.name for path in tmp_path.iterdir()] == ["world"]


def test_planted_copies_are_near_and_every_other_pair_is_far(world) -> None:
    hashes = {}
    faults = planted(world, "fault")
    for path in sorted(world.root.rglob("*")):
        name = path.relative_to(world.root).as_posix()
        is_image = path.suffix in {".png", ".jpg", ".tif"} and not re.search("masks|Labels", name)
        if is_image and faults.get(name, {}).get("reason") != "bad_image":
            with Image.open(path) as image:
                hashes[name] = imagehash.phash(image)
    pairs = {frozenset((p, r["of"])) for p, r in planted(world, "duplicate").items()}
    assert len(hashes) == 281
    assert len(pairs) == 6
    for a, b in combinations(hashes, 2):
        distance = hashes[a] - hashes[b]
        assert (distance <= 2) if frozenset((a, b)) in pairs else (distance > 8), (a, b)


def test_duplicates_lie_where_they_say(world) -> None:
    splits = {
        f"{folder}/{entry['filename']}": entry["split"]
        for folder, file in SAID.items()
        for entry in said(world.root, file)
    }
    dior = world.root / "DIOR/ImageSets/Main/train.txt"
    splits |= {f"DIOR/JPEGImages-trainval/{stem}.jpg": "train" for stem in dior.read_text().split()}
    found = []
    for kind in ("duplicate", "mirror", "crop"):
        for path, record in planted(world, kind).items():
            of = record["of"]
            split, its = (splits.get(name, name.split("/")[1]) for name in (path, of))
            assert record["test"] == (split == "test")
            same = (world.root / path).read_bytes() == (world.root / of).read_bytes()
            found.append((kind, of.split("/")[0], its, record["dataset"], split, same))
    assert sorted(found) == [
        ("crop", "RSSCN7", "fResident", "RSITMD", "train", False),
        ("duplicate", "DIOR", "train", "UCM", "test", False),
        ("duplicate", "DOTA", "train", "DOTA", "train", True),
        ("duplicate", "DOTA", "train", "RSICD", "test", False),
        ("duplicate", "RSICD", "test", "RSITMD", "train", False),
        ("duplicate", "RSICD", "train", "RSICD", "test", False),
        ("duplicate", "RSICD", "train", "RSICD", "train", False),
        ("mirror", "RSITMD", "test", "UCM", "train", False),
    ]


def test_what_is_mirrored_or_cut_out_looks_alike_once_that_is_undone(world) -> None:
    ((mirrored, record),) = planted(world, "mirror").items()
    with Image.open(world.root / mirrored) as copy, Image.open(world.root / record["of"]) as of:
        assert imagehash.phash(ImageOps.mirror(copy)) - imagehash.phash(of) <= 2
        assert imagehash.phash(copy) - imagehash.phash(of) > 8
    ((cropped, record),) = planted(world, "crop").items()
    assert Path(record["of"]).name == "f008.jpg"  # the last: RemoteCLIP tests on the last fifth
    with Image.open(world.root / cropped) as copy, Image.open(world.root / record["of"]) as of:
        middle = of.crop((25, 25, 175, 175))
        assert imagehash.phash(copy) - imagehash.phash(middle) <= 2
        assert imagehash.phash(copy) - imagehash.phash(of) > 8


def test_faults_are_what_they_are_called(world) -> None:
    faults = {
        (r["dataset"], r["reason"]): world.root / p for p, r in planted(world, "fault").items()
    }
    assert len(faults) == 8
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
    bare = faults["DIOR", "missing_annotation"]
    assert bare.exists()
    assert bare.stem in (world.root / "DIOR/ImageSets/Main/train.txt").read_text().split()
    assert not list((world.root / "DIOR").rglob(f"{bare.stem}.xml"))
    mute = faults["RSITMD", "no_captions"].name
    (entry,) = [e for e in said(world.root, SAID["RSITMD/images"]) if e["filename"] == mute]
    assert [sentence["raw"] for sentence in entry["sentences"]] == [""] * 5


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
    reported = {
        (c.dataset, c.split): (c.images, c.objects)
        for c in world.counts
        if c.dataset in {"DOTA", "LoveDA", "RSICD"}
    }
    assert reported == {key: (images[key], objects[key]) for key in images}
    assert sum(images.values()) == 79


def test_annotations_of_the_first_three_are_those_of_every_version(world) -> None:
    files = [*world.root.glob("DOTA/*/labelTxt/*.txt"), world.root / "RSICD/dataset_rsicd.json"]
    told = hashlib.sha256()
    for path in sorted(files):
        told.update(path.relative_to(world.root).as_posix().encode() + path.read_bytes())
    digest = "2dd9766f6126c35b8d13a5e89a9a623f352ad7cb0a1ac80746183b4a7c91aa91"
    assert told.hexdigest() == digest

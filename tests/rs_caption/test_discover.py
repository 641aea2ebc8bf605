"""`rs-caption convert --all`: every dataset below a folder is found, and no other folder is."""

import os

import pytest
from fakes import Fake, mask_values, picture, quad, skipped_of, some_of, write
from PIL import Image

from rs_caption import manifest, table
from rs_caption.corpus.discover import DEPTH, find

DOTA = manifest.load("dota").at("v1.0")
LOVEDA = manifest.load("loveda")
RSICD = manifest.load("rsicd").at("json")


def dota(root, name="P1.png"):
    write(root, DOTA, [Fake(name, "train", objects=(("plane", quad(1, 2, 9, 5)),))])
    return root


def names(discovery):
    return [(one.facts.name, one.root) for one in discovery.found]


def places(root, **more):
    return names(find(root, root / "out", **more))


def facts_with_version(facts):
    version = next(iter(facts.versions), "")
    return facts.at(version) if version else facts


@pytest.mark.parametrize("name", [facts.name for facts in manifest.captioned()])
def test_every_dataset_is_found_as_itself(tmp_path, name):
    facts = facts_with_version(manifest.load(name))
    write(tmp_path / "below/here", facts, some_of(facts))
    assert places(tmp_path) == [(name, tmp_path / "below/here")]


def test_at_the_root_and_below(tmp_path):
    dota(tmp_path)
    write(tmp_path / "a/b/c", RSICD, some_of(RSICD))
    write(tmp_path / "L\u00f6ve DA", LOVEDA, some_of(LOVEDA))
    assert places(tmp_path) == [
        ("dota", tmp_path),
        ("loveda", tmp_path / "L\u00f6ve DA"),
        ("rsicd", tmp_path / "a/b/c"),
    ]


def test_not_too_deep(tmp_path):
    dota(tmp_path.joinpath(*"abc"))
    assert DEPTH == 3
    assert len(places(tmp_path)) == 1
    (tmp_path / "x").mkdir()
    (tmp_path / "a").rename(tmp_path / "x/a")
    assert places(tmp_path) == []


def test_links_are_followed_and_loops_end(tmp_path):
    dota(tmp_path / "elsewhere/DOTA")
    root = tmp_path / "root"
    (root / "deep").mkdir(parents=True)
    (root / "linked").symlink_to(tmp_path / "elsewhere/DOTA")
    (root / "deep/up").symlink_to(root)
    (root / "itself").symlink_to(root / "itself")
    assert places(root) == [("dota", root / "linked")]


def test_one_folder_under_two_names_is_found_once(tmp_path):
    dota(tmp_path / "a")
    (tmp_path / "b").symlink_to(tmp_path / "a")
    found = find(tmp_path, tmp_path / "out")
    assert names(found) == [("dota", tmp_path / "a")]
    assert found.doubts == ()


def test_a_second_copy_is_left_out_by_name(tmp_path):
    dota(tmp_path / "a")
    dota(tmp_path / "b", "P2.png")
    found = find(tmp_path, tmp_path / "out")
    assert names(found) == [("dota", tmp_path / "a")]
    ((name, root, why),) = [(one.name, one.root, one.why) for one in found.doubts]
    assert (name, root, why) == ("dota", tmp_path / "b", f"{tmp_path / 'a'} is taken already")


def test_an_out_that_is_the_root_is_told_as_that(tmp_path, cli):
    ended = cli("convert", "--all", "--root", tmp_path, "--out", tmp_path)
    said = f"--out {tmp_path} is the folder of the datasets; choose another, such as all"
    assert (ended.code, ended.err) == (2, f"rs-caption: {said}\n")


def test_hidden_folders_and_out_are_not_looked_into(tmp_path):
    dota(tmp_path / ".hidden")
    dota(tmp_path / "out/copy")
    assert places(tmp_path) == []


def test_a_layout_whose_files_are_of_something_else(tmp_path):
    dota(tmp_path)
    (tmp_path / "train/labelTxt/P1.txt").write_text("1 2 9 2 9 5 1 5 spaceship 0\n")
    found = find(tmp_path, tmp_path / "out")
    assert found.found == ()
    assert "no class is called 'spaceship'" in found.doubts[0].why


def test_isaid_and_dota_share_a_folder(tmp_path):
    isaid = facts_with_version(manifest.load("isaid"))
    dota(tmp_path, "P0001.png")
    mask = ((1,) * 40,) * 30
    write(tmp_path, isaid, [Fake("P0001.png", "train", (40, 30), mask=mask)])
    assert [name for name, _ in places(tmp_path)] == ["dota", "isaid"]


def test_annotations_only(tmp_path):
    dota(tmp_path)
    for image in tmp_path.glob("train/images/*"):
        image.unlink()
    (tmp_path / "train/images").rmdir()
    assert places(tmp_path) == []


def test_annotations_whose_images_are_missing_are_left_out_by_name(tmp_path):
    hrrsd = manifest.load("hrrsd")
    write(tmp_path / "a", hrrsd, some_of(hrrsd))
    images = tmp_path / "a" / hrrsd.layout.parts[0].images[0]
    images.rename(tmp_path / "elsewhere")
    (doubt,) = find(tmp_path, tmp_path / "out").doubts
    assert (doubt.name, doubt.root) == ("hrrsd", tmp_path / "a")
    assert doubt.why == (
        "OPT2017/JPEGImages is missing (--annotations-only converts without images)"
    )
    found = find(tmp_path, tmp_path / "out", with_images=False)
    assert (names(found), found.doubts) == ([("hrrsd", tmp_path / "a")], ())


# As a user calls it


@pytest.fixture
def world(tmp_path):
    """Three small datasets below one folder."""
    root = tmp_path / "world"
    dota(root / "DOTA")
    mask = ((1, 0), (0, 2))
    write(root / "LoveDA", LOVEDA, [Fake("1.png", "val", (2, 2), mask=mask)])
    write(root / "RSICD", RSICD, [Fake("a.jpg", "train", sentences=("a plane .", "one plane ."))])
    return root


def rows(out):
    return {path.name: table.open_table(path).rows for path in sorted(out.iterdir())}


def test_each_to_a_table_of_its_own(world, tmp_path, cli):
    ended = cli("convert", "--all", "--root", world, "--out", tmp_path / "out", "--workers", 1)
    assert ended.code == 0, ended
    assert rows(tmp_path / "out") == {"dota": 1, "loveda": 1, "rsicd": 1}
    said = ended.out
    assert said.index("Found below") < said.index("Not found: ") < said.index("DOTA in ")
    assert said.index("RSICD in ") < said.index("RET: sentences by people")
    assert "All: 3 images, 3 rows, 12 captions." in said


def test_the_same_as_one_by_one(world, tmp_path, cli):
    cli("convert", "--all", "--root", world, "--out", tmp_path / "all", "--workers", 1)
    cli("convert", "--source", "dota", "--root", world / "DOTA", "--out", tmp_path / "one")
    one, other = (tmp_path / name / "captions.parquet" for name in ("all/dota", "one"))
    assert one.read_bytes() == other.read_bytes()


def test_a_failing_dataset_does_not_stop_the_others(world, tmp_path, cli):
    out = tmp_path / "out"
    out.mkdir()
    (out / "loveda").write_text("in the way")
    ended = cli("convert", "--all", "--root", world, "--out", out, "--workers", 1)
    assert ended.code == 2
    assert ended.err.startswith(f"rs-caption: not converted: loveda (--out {out / 'loveda'} is a f")
    assert (out / "dota/captions.parquet").exists()
    assert (out / "rsicd/captions.parquet").exists()
    assert "All: 2 images" in ended.out
    stopped = cli("convert", "--all", "--root", world, "--out", out, "--on-error", "stop")
    assert stopped.code == 2
    assert stopped.err.startswith(f"rs-caption: --out {out / 'loveda'} is a file")


def test_undocumented_skips_end_with_3(world, tmp_path, cli):
    picture(world / "DOTA/train/images/P2.png", (8, 8))
    ended = cli("convert", "--all", "--root", world, "--out", tmp_path / "out", "--workers", 1)
    assert ended.code == 3
    assert "skipped: 1 missing_annotation" in ended.out


def test_only_the_split_asked_for(world, tmp_path, cli):
    out = tmp_path / "out"
    ended = cli("convert", "--all", "--root", world, "--out", out, "--split", "VAL")
    assert ended.code == 2  # two have a split val, but no image of it
    assert rows(out) == {"loveda": 1}
    ended = cli("convert", "--all", "--root", world, "--out", out, "--split", "vall")
    assert ended.code == 2
    assert "none of the datasets found has annotations for split vall; their splits:" in ended.err


def test_options_reach_every_dataset(world, tmp_path, cli):
    Image.fromarray(mask_values(LOVEDA, ((1,) * 40,) * 40)).save(
        world / "LoveDA/Val/Rural/masks_png/1.png"
    )
    picture(world / "LoveDA/Val/Rural/images_png/1.png", (40, 40))
    options = ("--tile", 20, "--rules", "all")
    ended = cli("convert", "--all", "--root", world, "--out", tmp_path / "out", *options)
    assert ended.code == 0, ended
    assert rows(tmp_path / "out") == {"dota": 1, "loveda": 4, "rsicd": 1}
    assert "tiles of 20 pixels" in ended.out


def test_every_needs_a_video(world, tmp_path, cli):
    ended = cli("convert", "--all", "--root", world, "--out", tmp_path / "out", "--every", 7)
    assert ended.code == 2
    assert "--every is for videos; none of the datasets found has any" in ended.err


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ((), "which dataset? Give --source NAME"),
        (
            ("--all", "--source", "dota"),
            "--source is for one dataset; leave out either",
        ),
        (("--all", "--version", "v1.0"), "--version is for one dataset"),
        (("--all", "--name", "x"), "--name is for one dataset"),
        (("--all", "--classes", "x.csv"), "--classes is for one dataset"),
        (("--all", "--nouns", "x.csv"), "--nouns is for one dataset"),
        (("--all",), "no dataset here or in the folders below"),
        (("--all", "--root", "/no/such"), "/no/such: no such folder"),
    ],
    ids=lambda value: " ".join(value)[:20] if isinstance(value, tuple) else None,
)
def test_wrong_arguments(tmp_path, cli, options, said):
    (tmp_path / "empty").mkdir()
    ended = cli("convert", "--root", tmp_path / "empty", "--out", tmp_path / "out", *options)
    assert ended.code == 2
    assert said in ended.err


def test_nothing_below_the_root_changes(world, tmp_path, cli):
    before = {path: path.stat().st_mtime_ns for path in [world, *world.rglob("*")]}
    cli("convert", "--all", "--root", world, "--out", tmp_path / "out", "--workers", 1)
    assert {path: path.stat().st_mtime_ns for path in [world, *world.rglob("*")]} == before


@pytest.mark.skipif(os.name == "nt", reason="links")
@pytest.mark.parametrize("facts", manifest.captioned(), ids=lambda facts: facts.name)
def test_roots_of_any_name_convert_and_stay_as_they_are(tmp_path, cli, facts):
    """Read-only in effect (tests may run as root): nothing below the root changes."""
    facts = facts_with_version(facts)
    real = tmp_path / "d\u00e9p\u00f4t \u6e2f of data"
    images = write(real, facts, some_of(facts))
    (tmp_path / "link to it").symlink_to(real)
    before = {path: path.stat().st_mtime_ns for path in [real, *real.rglob("*")]}
    for path in [real, *real.rglob("*")]:
        path.chmod(0o555)
    for root in (real, tmp_path / "link to it"):
        out = tmp_path / f"out of {root.name}"
        command = ("convert", "--source", facts.name, "--root", root, "--out", out, "--workers", 1)
        ended = cli(*command)
        assert {reason for _, reason, *_ in skipped_of(out)} <= {"no_objects"}, ended
        made = table.open_table(out)
        assert set(made.read()["image_path"].to_pylist()) <= set(images)
        assert made.rows > 0
    assert {path: path.stat().st_mtime_ns for path in [real, *real.rglob("*")]} == before
    first, second = (tmp_path / f"out of {root}" for root in (real.name, "link to it"))
    assert (first / table.TABLE_FILE).read_bytes() == (second / table.TABLE_FILE).read_bytes()

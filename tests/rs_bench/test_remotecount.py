"""RemoteCount: which windows can be asked about, which are, the table, lists, and the task."""

import csv
import json
from contextlib import contextmanager
from dataclasses import replace

import numpy as np
import pyarrow.parquet as pq
import pytest
from fakes import facts_of, write
from fakes.encoders import direction
from fakes.fake import Fake, quad
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from rs_bench.counting import NUMBERS
from rs_bench.remotecount import build, listed, table
from rs_bench.remotecount.build import Plan
from rs_bench.remotecount.choose import choose
from rs_bench.remotecount.pictures import lacks_data
from rs_bench.remotecount.windows import SIDES_PX, Pick, picks
from rs_bench.tasks.remotecount import PROTOCOLS, confusion, remotecount, texts_of
from rs_caption.errors import TableError, UserError
from rs_caption.sample import Box, Boxes, Window
from rs_caption.verify.row import Judge, check_row
from rs_caption.verify.sentence import Vocabulary


def asked(size_wh, boxes, *categories):
    return list(picks("a.png", size_wh, Boxes.of(boxes), categories or ("plane",)))


def test_a_window_is_square_and_shows_each_object_whole():
    # 300 x 256: windows of the shorter side, 64 apart, the last moved back inside.
    found = asked((300, 256), [Box("plane", 10, 10, 40, 40), Box("ship", 50, 50, 90, 90)])
    assert found == [Pick("a.png", Window(0, 0, 256, 256), "plane", (0,))]
    # From 44 to 300 no plane is in sight; both windows show a ship that is not at their edge.
    found = asked((300, 256), [Box("plane", 10, 10, 40, 40), Box("ship", 50, 50, 90, 90)], "ship")
    assert [pick.window.x0 for pick in found] == [0, 44]
    # Cut at 44 it leaves the number open, in that window alone.
    found = asked((300, 256), [Box("plane", 30, 10, 60, 40)])
    assert [pick.window.x0 for pick in found] == [0]


def test_only_one_to_ten_that_can_be_seen():
    row = [Box("plane", 10 + 22 * at, 100, 30 + 22 * at, 120) for at in range(11)]
    assert [pick.objects for pick in asked((256, 256), row[:10])] == [tuple(range(10))]
    assert not asked((256, 256), row)
    # A fortieth of 256 is 6.4 pixels: 6 are too few to be counted in good conscience, 7 are not.
    small = [Box("plane", 10, 10, 16, 40)]
    assert not asked((256, 256), small)
    assert asked((256, 256), [Box("plane", 10, 10, 17, 40)])
    assert not asked((256, 256), [*small, Box("plane", 60, 60, 90, 90)])


def test_what_lies_outside_the_image_is_not_asked_for():
    # One reaches out, and counts by what is inside; one is outside altogether.
    boxes = [Box("plane", -5, -5, 20, 20), Box("plane", 300, 10, 320, 30)]
    assert [pick.objects for pick in asked((256, 256), boxes)] == [(0,)]


def test_large_images_have_windows_of_many_sides():
    found = asked((5000, 5000), [Box("plane", 2000, 2000, 2060, 2060)])
    sides = {pick.window.size_wh for pick in found}
    assert sides == {(side, side) for side in SIDES_PX}  # in 2,048 it has 60 pixels: 51 would do
    assert not asked((5000, 5000), [])


def brute_force(size_wh, boxes):
    """Window by window, object by object."""
    for side in [*(s for s in SIDES_PX if s < min(size_wh)), min(size_wh)]:
        step = side // 4
        starts = [
            sorted({*range(0, max(length - side, 0), step), max(length - side, 0)})
            for length in size_wh
        ]
        for x, y in ((x, y) for y in starts[1] for x in starts[0]):
            shown, good = [], True
            for at, (_, x0, y0, x1, y1) in enumerate(boxes):
                inside = x0 >= x and y0 >= y and x1 <= x + side and y1 <= y + side
                beside = x1 <= x or y1 <= y or x0 >= x + side or y0 >= y + side
                good &= inside or beside
                good &= beside or min(x1 - x0, y1 - y0) >= side / 40
                shown += [at] * bool(inside)
            if good and 1 <= len(shown) <= 10:
                yield Pick("a.png", Window(x, y, x + side, y + side), "plane", tuple(shown))


@given(st.integers(0, 10_000))
@settings(deadline=None, max_examples=40)
def test_windows_equal_brute_force(seed):
    rng = np.random.default_rng(seed)
    size_wh = tuple(rng.integers(200, 700, 2).tolist())
    low_N2 = rng.integers(0, 180, (int(rng.integers(1, 14)), 2))
    boxes = [
        Box("plane", *low, *(low + size))
        for low, size in zip(low_N2, rng.integers(4, 90, low_N2.shape), strict=True)
    ]
    boxes = [box for box in boxes if box.x1 <= size_wh[0] and box.y1 <= size_wh[1]]
    assert sorted(asked(size_wh, boxes)) == sorted(brute_force(size_wh, boxes))


def offer(image, name, number, first=0, x=0):
    objects = tuple(range(first, first + number))
    return Pick(image, Window(x, 0, x + 256, 256), name, objects)


def test_every_cell_has_its_share_before_any_has_more():
    offered = [offer(f"{at}.png", "plane", 1) for at in range(20)]
    offered += [offer(f"p{at}.png", "plane", 2) for at in range(3)]
    offered += [offer(f"s{at}.png", "ship", 10) for at in range(5)]
    chosen = choose(offered, 12, seed=0)
    cells = [(pick.name, len(pick.objects)) for pick in chosen]
    assert [cells.count(cell) for cell in (("plane", 1), ("plane", 2), ("ship", 10))] == [4, 3, 5]
    assert chosen == sorted(chosen)
    assert len(choose(offered, 1000, seed=0)) == 28


def test_no_object_is_counted_twice_and_high_numbers_go_first():
    # Ten planes in one window, or each in one of its own.
    ten = offer("a.png", "plane", 10)
    ones = [offer("a.png", "plane", 1, first=at, x=at) for at in range(1, 11)]
    assert choose([*ones, ten], 12, seed=0) == sorted([ten, ones[-1]])  # the eleventh plane is free
    # Of another category it is another object; but the same picture is not shown twice.
    ships = [offer("a.png", "ship", 1), offer("a.png", "ship", 1, x=99)]
    assert choose([ten, *ships], 12, seed=0) == sorted([ten, ships[1]])


def test_the_choice_depends_on_the_seed_alone():
    offered = [offer(f"{at}.png", "plane", 1) for at in range(50)]
    chosen = choose(offered, 10, seed=1)
    assert choose(offered[::-1], 10, seed=1) == chosen != choose(offered, 10, seed=2)
    # Each image once before one comes again.
    many = [offer("a.png", "plane", 1, first=at, x=at) for at in range(30)]
    few = [offer(f"{at}.png", "plane", 1) for at in range(5)]
    assert {pick.image for pick in choose(many + few, 6, seed=0)} == {
        "a.png",
        *(pick.image for pick in few),
    }
    assert choose([], 10, seed=0) == []


def dota(root, images=6):
    """DOTA's val: image n shows n planes in a row and a ship of which half is outside."""
    fakes = []
    for number in range(1, images + 1):
        planes = [("plane", quad(20 * at, 30, 20 * at + 16, 46)) for at in range(number)]
        ship = ("ship", quad(280, 100, 340, 140))
        fakes.append(Fake(f"P{number:04}.png", "val", (300, 256), (*planes, ship)))
    write(root, facts_of("dota", "v1.0"), fakes)
    return root


def test_the_table_holds_what_its_boxes_prove(tmp_path, cli):
    report = build.build(Plan(dota(tmp_path / "dota"), tmp_path / "out"))
    assert report["by_category"]["plane"] == [1, 1, 1, 1, 1, 1, 0, 0, 0, 0]
    # A ship in 44 to 300 of each image, and once more where 0 to 256 was not taken by the planes.
    assert report["by_category"]["ship"][0] == 6
    assert (report["pairs"], report["images"], report["target"]) == (12, 6, 947)
    found = table.read(tmp_path / "out")
    assert found.digest == report["digest"]
    assert sorted(zip(found.names_Q, found.counts_Q.tolist(), strict=True)) == [
        *(("plane", number) for number in range(1, 7)),
        *[("ship", 1)] * 6,
    ]
    ended = cli("verify", tmp_path / "out")
    assert "12 rows: 12 captions by rule, each true of its boxes" in ended.out
    assert ended.code == 0
    rows = pq.read_table(tmp_path / "out" / "captions.parquet").to_pylist()
    for row in rows:
        with Image.open(found.root / row["image_path"]) as picture:
            assert picture.size == (row["width"], row["height"]) == (256, 256)
    one = next(row for row in rows if row["captions"] == ["There are 2 planes in the picture."])
    x0 = 44 if "_44_" in one["image_path"] else 0
    assert [box["x0"] for box in one["boxes"]] == [0 - x0, 20 - x0]
    # A ship reaches out of the image, and its box ends where the picture does.
    assert {row["boxes"][0]["x1"] for row in rows if "ship" in row["captions"][0]} == {256}
    assert found.notes[1] == "12 pairs of the 947 aimed at"


def test_verify_finds_a_number_that_the_boxes_do_not_prove():
    noun = facts_of("dota", "v1.0").nouns["plane"]
    judge = Judge(Vocabulary.of({"plane": noun}, "plain"), "count", 0.5)
    row = {
        "image_id": "remotecount/images/a.png",
        "dataset": "remotecount",
        "image_path": "images/a.png",
        "frame": None,
        "window": None,
        "width": 64,
        "height": 64,
        "captions": ["There are 2 planes in the picture."],
        "rules": ['random {"names": ["plane"], "template": "there"}'],
        "boxes": [("plane", 1, 1, 9, 9), ("plane", 20, 20, 30, 30)],
    }
    assert check_row(row, judge) == []
    (problem,) = check_row({**row, "captions": ["There are 3 planes in the picture."]}, judge)
    assert problem.problem == "says '3 planes', but the picture has 2"
    twice = {**row, "captions": row["captions"] * 2, "rules": row["rules"] * 2}
    assert "has 2 captions instead of 1" in {found.problem for found in check_row(twice, judge)}


def test_the_same_seed_gives_the_same_benchmark(tmp_path):
    root = dota(tmp_path / "dota")
    digests = {
        build.build(Plan(root, tmp_path / out, target=8, seed=seed))["digest"]
        for out, seed in (("a", 0), ("b", 0), ("a", 0))  # the third in place of the first
    }
    assert len(digests) == 1
    assert len(list((tmp_path / "a" / "images").iterdir())) == 8
    texts = [(tmp_path / out / "remotecount.csv").read_text() for out in "ab"]
    assert texts[0] == texts[1]
    assert build.build(Plan(root, tmp_path / "c", target=8, seed=1))["digest"] not in digests


@pytest.mark.parametrize(
    ("black", "refused"),
    [
        ((0, 0, 256, 1), True),  # a margin one pixel high along an edge is seen from end to end
        ((0, 0, 7, 7), True),  # a corner: a fortieth of 256 is 6.4 pixels
        ((0, 0, 6, 6), False),
        ((100, 250, 107, 256), True),
        ((100, 100, 180, 180), False),  # a dark roof within: nothing that came from the border
    ],
)
def test_a_border_without_data(black, refused):
    image = Image.new("RGB", (300, 256), (0, 0, 1))  # nearly black is taken for seen
    image.paste((0, 0, 0), black)
    assert lacks_data(image, Window(0, 0, 256, 256)) is refused


def test_windows_with_a_border_without_data_are_refused_and_counted(tmp_path, bench_cli):
    root = dota(tmp_path / "dota", images=2)
    before = build.build(Plan(root, tmp_path / "before"))
    assert before["read"]["refused"] == {"no_data": 0}
    # The first 20 columns of one image were not taken: 0 to 256 shows them, 44 to 300 does not.
    path = next(root.rglob("P0001.png"))
    with Image.open(path) as image:
        holed = image.convert("RGB")
    holed.paste((0, 0, 0), (0, 0, 20, 256))
    holed.save(path)
    after = build.build(Plan(root, tmp_path / "after"))
    assert after["read"]["refused"] == {"no_data": 1}  # that of the plane
    assert after["read"]["offered"] == before["read"]["offered"] - 1
    windows = {one.name for one in (tmp_path / "after/images").iterdir() if "P0001" in one.name}
    assert {name.partition("P0001_")[2] for name in windows} == {"44_0_300_256.png"}
    out = ("--out", tmp_path / "said")
    said = bench_cli("build-remotecount", "--root", root, *out)
    left = after["read"]["offered"]
    assert f"chosen from {left} questions; 1 question refused: a border without data" in said.out
    for path in root.rglob("*.png"):
        Image.new("RGB", (300, 256)).save(path)
    with pytest.raises(UserError, match="questions refused: a border without data"):
        build.build(Plan(root, tmp_path / "none"))


def test_each_stage_that_opens_images_tells_how_far_it_is(tmp_path):
    heard = []

    @contextmanager
    def bars(stage):
        yield lambda done, total: heard.append((stage, done, total))

    root = dota(tmp_path / "dota", images=2)
    pairs = build.build(Plan(root, tmp_path / "out"), bars)["pairs"]
    looking, cutting = "Looking for borders without data", "Cutting pictures"
    assert heard == [
        *((looking, done, 2) for done in range(3)),
        *((cutting, done, pairs) for done in range(1, pairs + 1)),
    ]


def test_large_windows_are_shrunk_and_their_boxes_with_them(tmp_path):
    planes = [("plane", quad(20 + 240 * at, 300, 180 + 240 * at, 400)) for at in range(6)]
    fake = Fake("P1.png", "val", (1500, 1500), tuple(planes))
    write(tmp_path / "dota", facts_of("dota", "v1.0"), [fake])
    build.build(Plan(tmp_path / "dota", tmp_path / "out", target=1))
    (row,) = pq.read_table(tmp_path / "out" / "captions.parquet").to_pylist()
    assert (row["width"], row["height"], len(row["boxes"])) == (1024, 1024, 6)
    assert row["boxes"][0]["x0"] == pytest.approx(20 * 1024 / 1500)
    assert row["boxes"][5]["y1"] == pytest.approx(400 * 1024 / 1500)


def test_what_cannot_be_built(tmp_path):
    root = dota(tmp_path / "dota", images=1)
    with pytest.raises(
        UserError, match="1 to 10 whole objects of harbor; annotated there: 1 plane"
    ):
        build.build(Plan(root, tmp_path / "out", categories=("harbor",)))
    with pytest.raises(UserError, match="DOTA has no category 'car': plane, ship"):
        build.build(Plan(root, tmp_path / "out", categories=("car",)))
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "thesis.tex").touch()
    with pytest.raises(UserError, match="holds something else than RemoteCount"):
        build.build(Plan(root, tmp_path / "out"))
    with pytest.raises(TableError, match="no caption table here"):
        table.read(tmp_path / "out")


def test_a_table_of_captions_is_no_remotecount(tmp_path, cli):
    root = dota(tmp_path / "dota")
    cli("convert", "--source", "dota", "--root", root, "--split", "val", "--out", tmp_path / "t")
    with pytest.raises(TableError, match="no table of RemoteCount"):
        table.read(tmp_path / "t")


def test_dotas_own_val_samples(shared_data, tmp_path):
    # The two have none of the 13 categories; their vehicles can be counted.
    with pytest.raises(UserError, match="annotated there: 127 large-vehicle, 35 small-vehicle"):
        build.build(Plan(shared_data / "DOTA", tmp_path / "out"))
    vehicles = ("large-vehicle", "small-vehicle")
    report = build.build(Plan(shared_data / "DOTA", tmp_path / "out", categories=vehicles))
    # Both images have black margins of 17 to 42 pixels.
    assert (report["pairs"], report["read"]["refused"]) == (14, {"no_data": 92})
    assert not {one.name for one in (tmp_path / "out/images").glob("*P0004_0_0_384_384*")}
    assert report["notes"][2] == "0 of the paper's 13 categories, 2 others"


def pictures(root, *names, size_wh=(64, 64)):
    for name in names:
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        Image.new("RGB", size_wh, (20, 90, 30)).save(root / name)
    return root


def test_a_list_of_ones_own(tmp_path, cli):
    root = pictures(tmp_path / "in", "a.png", "deep/b.png")
    (tmp_path / "list.csv").write_text(
        "image,category,count,x0,y0,x1,y1\n"
        "deep/b.png,storage tank,2,,,,\n"
        "a.png,solar panel,3,0,0,32,32\n"
        "a.png,ship,1,32,0,64,32\n"
    )
    report = listed.build_listed(tmp_path / "list.csv", root, tmp_path / "out")
    assert report["pairs"] == 3
    found = table.read(tmp_path / "out")
    by_file = dict(zip(found.files, zip(found.names_Q, found.counts_Q, strict=True), strict=True))
    assert by_file == {
        "images/a_0_0_32_32.png": ("solar panel", 3),
        "images/a_32_0_64_32.png": ("ship", 1),
        "images/deep__b.png": ("storage tank", 2),
    }
    assert texts_of(found, "words")[:3] == (
        "There is one ship in the picture.",
        "There are two ships in the picture.",
        "There are three ships in the picture.",
    )
    ended = cli("verify", tmp_path / "out")  # nothing proves a user's numbers
    assert "3 human sentences, as released" in ended.out
    # What was written can be given as a list again.
    again = listed.build_listed(tmp_path / "out/remotecount.csv", tmp_path / "out", tmp_path / "b")
    assert again["by_category"] == report["by_category"]


def test_a_list_with_its_objects(tmp_path, cli):
    root = pictures(tmp_path / "in", "a.png", size_wh=(64, 48))
    entry = {"image": "a.png", "category": "ship", "count": 2, "window": [0, 8, 40, 48]}
    boxes = [[2, 10, 12, 20], [20, 20, 40, 48]]
    (tmp_path / "list.json").write_text(json.dumps([{**entry, "boxes": boxes}]))
    listed.build_listed(tmp_path / "list.json", root, tmp_path / "out")
    (row,) = pq.read_table(tmp_path / "out" / "captions.parquet").to_pylist()
    assert [tuple(box.values()) for box in row["boxes"]] == [
        ("ship", 2, 2, 12, 12),
        ("ship", 20, 12, 40, 40),
    ]
    assert "1 captions by rule, each true of its boxes" in cli("verify", tmp_path / "out").out
    whole = {**entry, "window": None, "boxes": boxes}
    (tmp_path / "list.json").write_text(json.dumps([whole]))
    listed.build_listed(tmp_path / "list.json", root, tmp_path / "whole")
    assert table.read(tmp_path / "whole").notes == (
        "of a list of the user's own",
        "1 picture not square: models see the middle alone",
    )


def test_other_pictures_of_the_same_names_have_another_digest(tmp_path):
    root = pictures(tmp_path / "in", "a.png", "b.png")
    path = tmp_path / "list.csv"
    path.write_text("image,category,count\na.png,ship,2\nb.png,ship,2\n")
    before, same = (listed.build_listed(path, root, tmp_path / out) for out in "xy")
    assert before["pixels"] == same["pixels"] == table.read(tmp_path / "y").pixels
    with Image.open(root / "a.png") as picture:
        changed = picture.copy()
    changed.putpixel((7, 3), (21, 90, 30))
    changed.save(root / "a.png")
    after = listed.build_listed(path, root, tmp_path / "z")
    assert (after["digest"] == before["digest"], after["pixels"] == before["pixels"]) == (1, 0)
    (root / "a.png").rename(root / "c.png")  # what was of a is of b now, and the other way round
    (root / "b.png").rename(root / "a.png")
    (root / "c.png").rename(root / "b.png")
    assert listed.build_listed(path, root, tmp_path / "z")["pixels"] != after["pixels"]


def test_images_of_one_stem_are_different_pictures(tmp_path):
    root = pictures(tmp_path / "in", "a.png", "a.jpg", "a/b.png", "a__b.png")
    path = tmp_path / "list.csv"
    path.write_text("image,category,count\na.png,ship,1\na.jpg,ship,2\na/b.png,ship,3\n")
    assert listed.build_listed(path, root, tmp_path / "out")["pairs"] == 3
    assert sorted(table.read(tmp_path / "out").files) == [
        "images/a.jpg.png",
        "images/a.png",
        "images/a__b.png",
    ]
    with path.open("a") as file:
        file.write("a__b.png,ship,4\n")
    with pytest.raises(
        UserError, match=r"a/b\.png and a__b\.png would both be images/a__b\.png; r"
    ):
        listed.build_listed(path, root, tmp_path / "out")


@pytest.mark.parametrize(
    ("entries", "message"),
    [
        ([], "names no image"),
        ([{"image": "a.png", "category": "ship"}], "entry 1: .*count"),
        ([{"image": "a.png", "category": "ship", "count": 11}], "count is 11; expected 1 to 10"),
        ([{"image": "no.png", "category": "ship", "count": 1}], "no.png: no such image"),
        ([{"image": "../a.png", "category": "ship", "count": 1}], "expected an image below"),
        (
            [{"image": "a.png", "category": "ship", "count": 1, "window": [0, 0, 65, 64]}],
            r"window \[0, 0, 65, 64\] is not in the image, 64 x 64",
        ),
        (
            [{"image": "a.png", "category": "ship", "count": 2, "boxes": [[0, 0, 1, 1]]}],
            "counts 2 objects but has 1 boxes",
        ),
        (
            [{"image": "a.png", "category": "ship", "count": 1, "boxes": [[60, 0, 70, 9]]}],
            "is not in what is shown",
        ),
        ([{"image": "a.png", "category": "ship", "count": 1}] * 2, "the same picture twice"),
    ],
)
def test_lists_that_are_wrong(tmp_path, entries, message):
    root = pictures(tmp_path / "in", "a.png")
    (tmp_path / "list.json").write_text(json.dumps(entries))
    with pytest.raises(UserError, match=message):
        listed.build_listed(tmp_path / "list.json", root, tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_lists_of_another_form(tmp_path):
    root = pictures(tmp_path / "in", "a.png")
    path = tmp_path / "list.csv"
    path.write_text("file,n\na.png,2\n")
    with pytest.raises(UserError, match="expected a header with image,category,count"):
        listed.build_listed(path, root, tmp_path / "out")
    path.write_text("image,category,count\na.png,ship,many\n")
    with pytest.raises(UserError, match=r"list\.csv:2: .*int"):
        listed.build_listed(path, root, tmp_path / "out")
    path = tmp_path / "list.json"
    path.write_text("{}")
    with pytest.raises(UserError, match="expected a list of objects"):
        listed.build_listed(path, root, tmp_path / "out")


@pytest.fixture(scope="module")
def questions(tmp_path_factory):
    """Every number of two categories, twice."""
    folder = tmp_path_factory.mktemp("list")
    names = [f"{name}_{n}_{at}.png" for name in ("plane", "ship") for n in NUMBERS for at in "ab"]
    root = pictures(folder / "in", *names, size_wh=(8, 8))
    with (folder / "list.csv").open("w", newline="") as file:
        lines = csv.writer(file)
        lines.writerow(("image", "category", "count"))
        lines.writerows((name, *name.split("_")[:2]) for name in names)
    listed.build_listed(folder / "list.csv", root, folder / "out")
    return table.read(folder / "out")


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_an_oracle_counts_and_chance_does_not(questions, protocol):
    texts = texts_of(questions, protocol)
    texts_TD = np.array([direction(text, 0) for text in texts])
    pairs = zip(questions.names_Q, questions.counts_Q.tolist(), strict=True)
    right_Q = [10 * ["plane", "ship"].index(name) + number - 1 for name, number in pairs]
    knowing = remotecount(texts_TD[right_Q] * 3, texts_TD, questions, protocol)
    assert knowing.result.figures["top_1"] == knowing.result.figures["top_1_of_7"] == 100
    assert knowing.result.figures["mean_error"] == 0
    assert knowing.result.n == {"pairs": 40, "categories": 2, "numbers": 10}
    assert knowing.result.digests == {"pairs": questions.digest, "pixels": questions.pixels}
    tops = np.zeros(10)
    for seed in range(40):
        images_QD = np.array([direction(f"{at}", seed + 1) for at in range(40)])
        figures = remotecount(images_QD, texts_TD, questions, protocol).result.figures
        tops += [figures[f"top_{k}"] / 40 for k in NUMBERS]
    assert tops == pytest.approx([10 * k for k in NUMBERS], abs=4)


def test_outcomes_make_the_confusion_matrix(questions):
    texts_TD = np.array([direction(text, 0) for text in texts_of(questions, "digits")])
    one_too_many_Q = np.minimum(questions.counts_Q + 1, 10)
    at_Q = [10 * (name == "ship") for name in questions.names_Q]
    scored = remotecount(texts_TD[at_Q + one_too_many_Q - 1], texts_TD, questions, "digits")
    assert scored.result.figures["top_1"] == scored.outcomes["correct"].mean() * 100 == 10
    assert scored.result.figures["mean_error"] == pytest.approx(0.9)
    confusion_CC = confusion(scored.outcomes["number"], scored.outcomes["answer"])
    expected_CC = np.eye(10, k=1)
    expected_CC[9, 9] = 1
    assert confusion_CC.tolist() == expected_CC.tolist()
    assert confusion(np.array([2, 2]), np.array([1, 2]))[:3, :2].tolist() == [
        [0, 0],
        [0.5, 0.5],
        [0, 0],
    ]


def test_each_protocol_writes_numbers_its_own_way(questions):
    for protocol, one, two in (
        ("words", "There is one plane", "There are two planes"),
        ("digits", "There is 1 plane", "There are 2 planes"),
        ("captions", "There is a plane", "There are 2 planes"),
    ):
        texts = texts_of(questions, protocol)
        assert texts[:2] == (f"{one} in the picture.", f"{two} in the picture.")
        assert texts[10] == f"{one.replace('plane', 'ship')} in the picture."
        assert len(texts) == len(set(texts)) == 20


def test_the_digest_tells_of_all_that_is_asked():
    window, xyxy_N4 = Window(0, 0, 64, 64), np.array([[1.0, 2, 9, 9]])
    pair = table.Pair("a/b.png", window, "plane", 1, xyxy_N4)
    others = (
        replace(pair, image="a/c.png"),
        replace(pair, window=Window(0, 0, 64, 63)),
        replace(pair, name="ship"),
        replace(pair, count=2),
        replace(pair, xyxy_N4=xyxy_N4 * 1.5),
        replace(pair, xyxy_N4=None),
    )
    digests = {table.digest([one]) for one in (pair, *others)}
    assert len(digests) == 7
    assert table.digest([pair, others[0]]) == table.digest([others[0], pair]) not in digests


def test_features_of_something_else(questions):
    with pytest.raises(
        UserError, match="RemoteCount, words: expected features of 40 pictures and 20"
    ):
        remotecount(np.eye(3), np.eye(3), questions, "words")
    with pytest.raises(UserError, match="no protocol is called 'roman'"):
        texts_of(questions, "roman")
    with pytest.raises(UserError, match="the features of picture 0 are not finite"):
        remotecount(np.full((40, 3), np.nan), np.ones((20, 3)), questions, "words")

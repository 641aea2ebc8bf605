"""HRSC2016: rotated boxes, class levels, files as they are found, and a real one."""

import math
from collections import Counter

import numpy as np
import pytest
from fakes import Fake, picture, quad, read_all, skipped_of, write
from fakes.hrsc import image, ship
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from rs_caption import manifest, table
from rs_caption.convert import convert
from rs_caption.errors import DataError
from rs_caption.options import Options
from rs_caption.readers import hrsc
from rs_caption.readers.item import Item, Source
from rs_caption.request import Request
from rs_caption.sample import Sample

HRSC = manifest.load("hrsc2016")
LEVELS = {level: HRSC.at(level) for level in HRSC.versions}
FAKE = Fake("100000001.bmp", size_wh=(90, 60))
NIMITZ, SHIP_OF_ANY_KIND = "100000005", "100000001"


def one(root, text, level="1", with_images=True):
    """What becomes of one listed image with this file."""
    write(root, LEVELS[level], [FAKE])
    path = root / "FullDataSet/Annotations/100000001.xml"
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    (sample,) = read_all(root, LEVELS[level], "train", with_images=with_images)
    return sample


TURNS = {  # centre 50, 30; along 40, across 10: angle -> corners from the one at -along -across on
    "none": (0, [(30, 25), (70, 25), (70, 35), (30, 35)]),
    "a quarter": (math.pi / 2, [(55, 10), (55, 50), (45, 50), (45, 10)]),
    "a quarter back": (-math.pi / 2, [(45, 50), (45, 10), (55, 10), (55, 50)]),
    "half": (math.pi, [(70, 35), (30, 35), (30, 25), (70, 25)]),
    "3-4-5": (math.atan2(3, 4), [(37, 14), (69, 38), (63, 46), (31, 22)]),
}


@pytest.mark.parametrize(("angle", "corners"), TURNS.values(), ids=TURNS)
def test_corners_of_a_rotated_box(angle, corners):
    quads_N42 = hrsc.corners(np.array([[50, 30, 40, 10, angle]], np.float64))
    np.testing.assert_allclose(quads_N42, [corners], rtol=0, atol=1e-12)


def test_a_ship_keeps_its_corners(tmp_path):
    sample = one(tmp_path, image(FAKE, [ship(NIMITZ, 50, 30, 40, 10, math.atan2(3, 4))]))
    np.testing.assert_allclose(sample.label.xyxy_N4, [[31, 14, 69, 46]], rtol=0, atol=1e-4)
    assert (sample.label.names, sample.size_wh) == (("ship",), (90, 60))


KINDS = {  # id -> its name at level 1, 2, 3
    "100000001": ("ship", "ship", "ship"),
    "100000002": ("ship", "aircraft carrier", "aircraft carrier"),
    "100000005": ("ship", "aircraft carrier", "Nimitz"),
    "100000007": ("ship", "warcraft", "Arleigh Burke"),
    "100000016": ("ship", "ship", "Tarawa"),
    "100000019": ("ship", "warcraft", "warcraft"),
    "100000020": ("ship", "merchant ship", "Car carrier"),
    "100000025": ("ship", "merchant ship", "Container"),
    "100000022": ("ship", "ship", "Hovercraft"),
    "100000027": ("ship", "submarine", "submarine"),
    "100000029": ("ship", "ship", "Medical"),
    "100000033": ("ship", "aircraft carrier", "Invincible-class"),
}


@pytest.mark.parametrize(("id_", "names"), KINDS.items(), ids=KINDS)
def test_levels(tmp_path, id_, names):
    text = image(FAKE, [ship(id_, 50, 30, 40, 10)])
    for level, name in zip("123", names, strict=True):
        assert one(tmp_path / level, text, level).label.names == (name,)


@pytest.mark.parametrize("level", "123")
def test_every_id_has_one_class_at_every_level(level):
    ids = Counter(
        alias
        for entry in LEVELS[level].classes
        for alias in entry.aliases
        if alias.startswith("1000000")
    )
    assert set(ids) == {f"1000000{n:02}" for n in range(1, 34) if n not in {21, 23}}
    assert ids.total() == 31


def test_classes_of_a_level_have_different_nouns():
    for level in LEVELS.values():
        nouns = [entry.singular for entry in level.classes]
        assert len(set(nouns)) == len(nouns)


FORMS = {
    "BOM": b"\xef\xbb\xbf" + image(FAKE, [ship(NIMITZ, 50, 30, 40, 10)]).encode(),
    "declared": "<?xml version='1.0' encoding='utf-8'?>\n"
    + image(FAKE, [ship(NIMITZ, 50, 30, 40, 10)]),
    "CRLF": image(FAKE, [ship(NIMITZ, 50, 30, 40, 10)]).replace("\n", "\r\n"),
    "blanks in elements": image(FAKE, [ship(f"\n {NIMITZ} ", 50, 30, 40, 10)]),
    "no size stated": image(FAKE, [ship(NIMITZ, 50, 30, 40, 10)])
    .replace(">90<", "><")
    .replace(">60<", "><"),
}


@pytest.mark.parametrize("text", FORMS.values(), ids=FORMS)
def test_forms_of_a_file(tmp_path, text):
    sample = one(tmp_path, text)
    assert sample.label.quads_N42.tolist() == [[[30, 25], [70, 25], [70, 35], [30, 35]]]


def test_without_images_the_stated_size_counts(tmp_path):
    sample = one(tmp_path, image(FAKE, [ship(NIMITZ, 50, 30, 40, 10)]), with_images=False)
    assert sample.size_wh == (90, 60)  # width 90 and height 60, not 90 twice


PACKINGS = [("FullDataSet", "FullDataSet"), ("Train", "Test")]


@pytest.mark.parametrize(("train", "test"), PACKINGS, ids=["FullDataSet", "Train and Test"])
def test_packings(tmp_path, cli, train, test):
    truth = {"objects": (("ship", quad(5, 5, 20, 9)),)}
    fakes = [
        Fake("1.bmp", "train", **truth),
        Fake("2.bmp", "val", **truth),
        Fake("3.bmp", "test", **truth),
    ]
    write(tmp_path / "root", LEVELS["1"], fakes)
    (tmp_path / "root/FullDataSet").rename(tmp_path / "root/all")
    for stem, folder in (("1", train), ("2", train), ("3", test)):
        for kind, suffix in (("AllImages", "bmp"), ("Annotations", "xml")):
            (tmp_path / "root" / folder / kind).mkdir(parents=True, exist_ok=True)
            name = f"{kind}/{stem}.{suffix}"
            (tmp_path / "root/all" / name).rename(tmp_path / "root" / folder / name)
    picture(tmp_path / "root" / train / "AllImages/9.bmp", (8, 8))  # in no list
    out = tmp_path / "out"
    ended = cli("convert", "--source", "hrsc2016", "--root", tmp_path / "root", "--out", out)
    assert ended.code == 0
    rows = table.open_table(out).read(["image_path", "split"]).to_pylist()
    assert {row["image_path"]: row["split"] for row in rows} == {
        f"{train}/AllImages/1.bmp": "train",
        f"{train}/AllImages/2.bmp": "val",
        f"{test}/AllImages/3.bmp": "test",
    }
    ((item, reason, _, documented),) = skipped_of(out)
    assert (item, reason, documented) == (f"{train}/AllImages/9.bmp", "not_listed", "yes")


@pytest.mark.parametrize(("annotated", "reason"), [(1, "no_objects"), (0, "missing_annotation")])
def test_pictures_without_ships_are_a_quirk(tmp_path, annotated, reason):
    other = Fake("2.bmp", size_wh=(90, 60), objects=(("ship", quad(5, 5, 20, 9)),))
    write(tmp_path, LEVELS["1"], [FAKE, other])
    path = tmp_path / "FullDataSet/Annotations/100000001.xml"
    path.write_text(image(FAKE, [], annotated))
    report = convert(Request(LEVELS["1"], tmp_path, tmp_path / "out", Options(version="1")))
    assert (report.skipped, report.undocumented) == ({reason: 1}, 0)


GOOD = image(FAKE, [ship(NIMITZ, 50, 30, 40, 10)])
BOMB = f"""<!DOCTYPE a [<!ENTITY a "{"1" * 100}">{
    "".join(f'<!ENTITY {chr(98 + n)} "{f"&{chr(97 + n)};" * 20}">' for n in range(8))
}]>"""
BAD = {  # the file, the line at fault, what is said
    "empty": ("", None, "not XML: "),
    "cut short": (GOOD[:300], None, "not XML: "),
    "another root": ("<annotation/>", None, "expected <HRSC_Image>, found <annotation>"),
    "no list": ("<HRSC_Image/>", None, "expected one <HRSC_Objects>, if only an empty one"),
    "no class": (GOOD.replace(f"<Class_ID>{NIMITZ}</Class_ID>", ""), 9, "without <Class_ID>"),
    "empty angle": (GOOD.replace("<mbox_ang>0<", "<mbox_ang><"), 9, "a ship without <mbox_ang>"),
    "a word": (GOOD.replace("<mbox_w>40<", "<mbox_w>long<"), 9, "expected pixels"),
    "not a number": (GOOD.replace("<mbox_cx>50<", "<mbox_cx>nan<"), 9, "expected pixels"),
    "huge": (GOOD.replace("<mbox_cx>50<", "<mbox_cx>1e300<"), 9, "expected pixels"),
    "negative": (GOOD.replace("<mbox_h>10<", "<mbox_h>-10<"), 9, "expected a width and height"),
    "an element in a number": (GOOD.replace(">50<", ">5<b/>0<"), 14, "text alone in <mbox_cx>"),
    "an entity in a number": (
        '<!DOCTYPE a [<!ENTITY x "9">]>' + GOOD.replace(">50<", ">5&x;0<"),
        1,
        "declares entities; expected plain XML",
    ),
    "a number twice": (
        GOOD.replace("<mbox_w>40<", "<mbox_w>4</mbox_w><mbox_w>40<"),
        16,
        "expected one <mbox_w> in a ship",
    ),
    "two lists": (GOOD.replace("</HRSC_Objects>", "</HRSC_Objects><HRSC_Objects/>"), None, "one <"),
    "unknown class": (GOOD.replace(NIMITZ, "100000021"), 9, "no class is called '100000021'"),
    "entity bomb": (BOMB + GOOD.replace(NIMITZ, "&h;"), None, ""),
    "a file as entity": (
        '<!DOCTYPE a [<!ENTITY x SYSTEM "file:///etc/passwd">]>' + GOOD.replace(NIMITZ, "&x;"),
        None,
        "",
    ),
    "deep": ("<HRSC_Image>" * 100_000, None, "not XML: "),
    "other size": (GOOD.replace(">60<", ">90<"), None, "states 90 x 90 pixels, the image has"),
}


@pytest.mark.parametrize(("text", "line", "problem"), BAD.values(), ids=BAD)
def test_a_bad_file(tmp_path, text, line, problem):
    with pytest.raises(DataError) as caught:
        one(tmp_path, text)
    reasons = {"no class": "unknown_class", "states": "size_mismatch"}
    expected = next((r for word, r in reasons.items() if problem.startswith(word)), None)
    assert caught.value.reason == (expected or "bad_annotation")
    assert caught.value.line == line or line is None
    assert problem in caught.value.problem
    assert "root:" not in caught.value.problem


def test_a_comment_in_a_number_is_not_read(tmp_path):
    text = GOOD.replace("<mbox_cx>50<", "<mbox_cx>5<!-- x -->0<?y?><")
    assert text != GOOD
    assert one(tmp_path / "a", text).label.xyxy_N4.tolist() == (
        one(tmp_path / "b", GOOD).label.xyxy_N4.tolist()
    )


# A real file


@pytest.mark.parametrize(
    ("level", "name", "noun"),
    [
        ("1", "ship", "ship"),
        ("2", "aircraft carrier", "aircraft carrier"),
        ("3", "Kuznetsov", "Kuznetsov-class aircraft carrier"),
    ],
)
def test_sample(shared_data, tmp_path, cli, level, name, noun):
    root, out = tmp_path / "root", tmp_path / "out"
    (root / "ImageSets").mkdir(parents=True)
    (root / "ImageSets/train.txt").write_text("100000006\n")
    (root / "FullDataSet").symlink_to(shared_data / "HRSC2016/FullDataSet")
    ended = cli(
        *("convert", "--source", "hrsc2016", "--version", level, "--annotations-only"),
        *("--root", root, "--out", out),
    )
    assert ended.code == 0
    (row,) = table.open_table(out).read().to_pylist()
    ((*_,),) = [row["boxes"]]
    assert (row["width"], row["height"]) == (1172, 816)
    # Half of the hull's sides: |w cos| / 2 + |h sin| / 2, by a pocket calculator's way
    cx, cy, w, h, angle = 341.2143, 443.3325, 778.4297, 178.2595, -1.122944
    half_x = (abs(w * math.cos(angle)) + abs(h * math.sin(angle))) / 2
    half_y = (abs(w * math.sin(angle)) + abs(h * math.cos(angle))) / 2
    (box,) = row["boxes"]
    assert box["name"] == name
    assert (box["x0"], box["y0"]) == pytest.approx((cx - half_x, cy - half_y))
    assert box["x1"] == pytest.approx(cx + half_x)
    assert 780 < box["y1"] <= 816 < cy + half_y  # clipped at the lower border
    assert all(noun in caption for caption in row["captions"])
    assert cli("verify", out).code == 0


# Whatever bytes there are, nothing but a sample or a named error


TEXT = image(FAKE, [ship(NIMITZ, 50, 30, 40, 10), ship(SHIP_OF_ANY_KIND, 20, 20, 9, 9)]).encode()


@settings(
    max_examples=150,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(
    st.lists(
        st.tuples(
            st.integers(0, len(TEXT) - 1),
            st.integers(0, 30),
            st.one_of(st.binary(max_size=3), st.sampled_from([b"nan", b"1e999", b"<", b"&x;"])),
        ),
        max_size=3,
    )
)
def test_mutated_files(tmp_path, edits):
    text = TEXT
    for at, cut, new in edits:
        text = text[:at] + new + text[at + cut :]
    (tmp_path / "a.xml").write_bytes(text)
    source = Source(tmp_path, LEVELS["3"], frozenset(["train"]), with_images=False)
    reasons: list[str] = []
    samples: list[Sample] = []
    try:
        samples += hrsc.read(source, Item("a.bmp", "a.xml", "train"))
    except DataError as error:
        reasons.append(error.reason)
    allowed = {"bad_annotation", "unknown_class", "missing_image", "missing_annotation"}
    assert set(reasons) <= allowed
    assert len(samples) + len(reasons) == 1
    for sample in samples:
        assert np.isfinite(sample.label.xyxy_N4).all()

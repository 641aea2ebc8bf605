"""Columns of numbers: every form they are found in, what is wrong with them, and real files."""

import csv
import time
from collections import Counter

import msgspec
import pytest
from fakes import Fake, picture, quad, read_all, skipped_of, write
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from rs_caption import manifest, table
from rs_caption.convert import convert
from rs_caption.errors import DataError, ManifestError
from rs_caption.facts import BoxForm, Columns
from rs_caption.options import Options
from rs_caption.readers import columns
from rs_caption.readers.item import Item, Source
from rs_caption.request import Request
from rs_caption.sample import Sample

VISDRONE, CARPK, LEVIR = (manifest.load(name) for name in ("visdrone", "carpk", "levir"))
CAR = "3,4,10,5,1,4,0,1"
FOLDER = "VisDrone2019-DET-train"


def visdrone(root, text, folder=FOLDER):
    """What becomes of one image with this annotation file."""
    picture(root / folder / "images/a.jpg", (40, 30))
    path = root / folder / "annotations/a.txt"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    (sample,) = read_all(root, VISDRONE)
    return sample


FORMS = {
    "as released": f"{CAR}\r\n",
    "LF": f"{CAR}\n",
    "no line end": CAR,
    "comma at the end": f"{CAR},\r\n",
    "comma and blank": "3, 4, 10, 5, 1, 4, 0, 1\n",
    "blanks": "3 4 10 5 1 4 0 1\n",
    "tabs and more blanks": "  3\t4  10 5 1\t4 0 1 \n",
    "BOM": b"\xef\xbb\xbf" + CAR.encode(),
    "blank lines": f"\n\n{CAR}\n \n",
    "floats": "3.0,4.,1e1,5.00,1.0,4.0,0,1\n",
    "class by name": "3,4,10,5,1,car,0,1\n",
    "zeros before the class": "3,4,10,5,1,04,0,1\n",
}


@pytest.mark.parametrize("text", FORMS.values(), ids=FORMS)
def test_forms_of_a_line(tmp_path, text):
    sample = visdrone(tmp_path, text)
    assert [tuple(box) for box in sample.label] == [("car", 3, 4, 13, 9)]
    assert (sample.size_wh, sample.split, sample.dropped) == ((40, 30), "train", ())


@pytest.mark.parametrize("text", ["", "\r\n", " \n\n", b"\xef\xbb\xbf"])
def test_a_file_without_objects(tmp_path, text):
    sample = visdrone(tmp_path, text)
    assert (len(sample.label), sample.label.xyxy_N4.shape) == (0, (0, 4))


@pytest.mark.parametrize("folder", VISDRONE.layout.parts[0].images)
def test_folders_of_visdrone(tmp_path, folder):
    sample = visdrone(tmp_path, CAR, folder.removesuffix("/images"))
    assert sample.image == f"{folder}/a.jpg"


def test_what_is_never_captioned_is_counted(tmp_path):
    lines = [
        "0,0,9,9,0,0,0,0",  # an ignored region: of score 0, but counted once
        "0,0,9,9,1,11,0,0",  # others
        "0,0,9,9,0,4,0,0",  # a car that the evaluation ignores
        "0,0,9,9,0.0,1,0,0",
        "5,5,9,9,1,1,1,2",  # truncated and heavily occluded: an object all the same
        "6,6,9,9,1,2,0,0",
    ]
    sample = visdrone(tmp_path, "\n".join(lines))
    assert sample.label.names == ("pedestrian", "people")
    assert sample.label.xyxy_N4.tolist() == [[5, 5, 14, 14], [6, 6, 15, 15]]
    assert Counter(dict(sample.dropped)) == {
        "ignored class: ignored-regions": 1,
        "ignored class: others": 1,
        "score 0": 2,
    }


def test_boxes_without_area_or_outside_stay_as_annotated(tmp_path):
    sample = visdrone(tmp_path, "611,158,4,0,1,4,0,0\n-3,2,10,5,1,9,1,0\n")
    assert sample.label.xyxy_N4.tolist() == [[611, 158, 615, 158], [-3, 2, 7, 7]]


BAD = {  # the file, its line at fault, what is said
    "seven columns": (f"{CAR}\n3,4,10,5,1,4,0", 2, "expected 8 columns (x0 y0 width"),
    "nine columns": (f"{CAR},7", 1, "occlusion), found '3,4,10,5,1,4,0,1,7'"),
    "one too many, one too few": ("3,4,10,5,1,4,0\n3,4,10,5,1,4,0,1,1", 1, "expected 8 columns"),
    "two commas": ("\n3,,4,10,5,1,4,0,1", 2, "expected 8 columns"),
    "an empty field": ("3,4,10,,1,4,0,1", 1, "expected 8 columns"),
    "a comma before": (f",{CAR}", 1, "expected 8 columns"),
    "two commas at the end": (f"{CAR},,", 1, "expected 8 columns"),
    "a lone comma": (f"{CAR}\n,\n", 2, "expected 8 columns"),
    "a word": (f"{CAR}\r\n3,4,ten,5,1,4,0,1", 2, "expected pixels, found '3 4 ten 5 1 4 0 1'"),
    "not a number": ("3,4,nan,5,1,4,0,1", 1, "expected pixels"),
    "infinite": ("3,4,inf,5,1,4,0,1", 1, "expected pixels"),
    "huge": (f"3,{'9' * 400},10,5,1,4,0,1", 1, "expected pixels"),
    "an underscore": ("3,4,1_0,5,1,4,0,1", 1, "expected pixels"),
    "a score that is none": ("3,4,10,5,high,4,0,1", 1, "expected pixels"),
    "unknown class": (f"{CAR}\n\n3,4,10,5,1,12,0,1", 3, "no class is called '12'"),
    "half a class": ("3,4,10,5,1,4.5,0,1", 1, "no class is called '4.5'"),
    "negative width": (f"{CAR}\n3,4,-10,5,1,4,0,1", 2, "ends before it begins: '3 4 -10 5"),
    "UTF-16": (CAR.encode("utf-16"), None, "expected text (utf-8-sig), found bytes"),
}


@pytest.mark.parametrize(("text", "line", "problem"), BAD.values(), ids=BAD)
def test_a_bad_line_costs_the_image(tmp_path, text, line, problem):
    with pytest.raises(DataError) as caught:
        visdrone(tmp_path, text)
    expected = "unknown_class" if "no class" in problem else "bad_annotation"
    assert (caught.value.reason, caught.value.line) == (expected, line)
    assert problem in caught.value.problem


def test_a_bad_file_beside_a_good_one_through_the_command(tmp_path, cli):
    truth = (("car", quad(1, 1, 9, 9)),)
    write(tmp_path / "root", VISDRONE, [Fake(f"{at}.jpg", objects=truth) for at in "ab"])
    bad = tmp_path / "root" / FOLDER / "annotations/b.txt"
    bad.write_text("1,1,8,8,1\n")
    out = tmp_path / "out"
    ended = cli("convert", "--source", "visdrone", "--root", tmp_path / "root", "--out", out)
    assert ended.code == 3
    ((item, reason, detail, documented),) = skipped_of(out)
    assert (item, reason, documented) == (f"{FOLDER}/images/b.jpg", "bad_annotation", "no")
    assert detail.startswith(f"{FOLDER}/annotations/b.txt:1: expected 8 columns")
    assert cli("verify", out).code == 0


# CARPK and LEVIR


def test_carpk_names_the_last_pixel(tmp_path):
    write(tmp_path, CARPK, [Fake("n.png", "test", (1280, 720))])
    path = tmp_path / "CARPK_devkit/data/Annotations/n.txt"
    path.write_text("0 0 0 719 1\n1271 707 1279 719 1\n")
    (sample,) = read_all(tmp_path, CARPK)
    assert sample.label.xyxy_N4.tolist() == [[0, 0, 1, 720], [1271, 707, 1280, 720]]
    assert sample.split == "test"


@pytest.mark.parametrize("above", ["", "data", "CARPK_devkit/data"])
def test_carpk_from_any_of_its_folders(tmp_path, above):
    write(tmp_path, CARPK, [Fake("n.png", objects=(("car", quad(1, 1, 9, 9)),))])
    root = tmp_path / "CARPK_devkit/data".removesuffix(above)
    (sample,) = read_all(root, CARPK)
    assert sample.image == f"{above}/Images/n.png".removeprefix("/")


LEVIR_FORMS = {
    "as released": "3 100 200 150 260\n",
    "commas": "3,100,200,150,260\n",
    "a name": "oilpot 100 200 150 260\n",
    "CRLF": "3 100 200 150 260\r\n",
}


@pytest.mark.parametrize("text", LEVIR_FORMS.values(), ids=LEVIR_FORMS)
def test_levir(tmp_path, text):
    write(tmp_path, LEVIR, [Fake("1.jpg", size_wh=(800, 600)), Fake("2.jpg", size_wh=(800, 600))])
    folder = tmp_path / "imageWithLabel"
    (folder / "1.txt").write_text(text)
    (folder / "2.txt").unlink()
    report = convert(Request(LEVIR, tmp_path, tmp_path / "out", Options()))
    (row,) = table.open_table(tmp_path / "out").read().to_pylist()
    assert row["boxes"] == [{"name": "oilpot", "x0": 100, "y0": 200, "x1": 150, "y1": 260}]
    assert any("oil tank" in caption for caption in row["captions"])
    assert (report.skipped, report.undocumented) == ({"missing_annotation": 1}, 0)


# What a manifest may say


def one(order, form=None, drop=None, classes=LEVIR.classes):
    """LEVIR with other columns."""
    return msgspec.structs.replace(
        LEVIR,
        columns=Columns(source="this test", order=tuple(order.split()), drop=drop or {}),
        boxes=form,
        classes=classes,
    )


CONVENTIONS = {  # the same box, as each convention writes it
    "half-open": ("x0 y0 x1 y1", None, "2 3 6 8"),
    "inclusive": ("x0 y0 x1 y1", (0, True), "2 3 5 7"),
    "from 1": ("x0 y0 x1 y1", (1, False), "3 4 7 9"),
    "inclusive from 1": ("x0 y0 x1 y1", (1, True), "3 4 6 8"),
    "size": ("x0 y0 width height", (0, True), "2 3 4 5"),
    "size from 1": ("x0 y0 width height", (1, True), "3 4 4 5"),
    "another order": ("id y1 x1 y0 x0", None, "77 8 6 3 2"),
}


@pytest.mark.parametrize(("order", "form", "line"), CONVENTIONS.values(), ids=CONVENTIONS)
def test_conventions_of_corners(tmp_path, order, form, line):
    boxes = form and BoxForm(source="this test", first=form[0], inclusive=form[1])
    facts = one(order, boxes, classes=LEVIR.classes[1:2])  # one class needs no column
    write(tmp_path, LEVIR, [Fake("1.jpg")])
    (tmp_path / "imageWithLabel/1.txt").write_text(line)
    (sample,) = read_all(tmp_path, facts)
    assert [tuple(box) for box in sample.label] == [("ship", 2, 3, 6, 8)]


@pytest.mark.parametrize(
    ("order", "drop", "problem"),
    [
        ("class x0 y0 x1", {}, "needs x0 y0 x1 y1, or x0 y0 width height"),
        ("x0 y0 x1 y1", {}, "needs class, since there are several"),
        ("class x0 y0 x1 y1 x0", {}, "names one twice"),
        ("class x0 y0 x1 y1", {"score": ("0",)}, "drops by another"),
        ("class x0 y0 x1 y1", {"x0": ("low",)}, "drops by something that is no number"),
    ],
)
def test_a_manifest_whose_columns_make_no_box(tmp_path, order, drop, problem):
    with pytest.raises(ManifestError, match=problem):
        read_all(tmp_path, one(order, drop=drop))


# Real files, against counts of another kind


def visdrone_truth(path):
    """Classes of captioned objects, and how many others, by the csv module."""
    names = dict(enumerate((entry.name for entry in VISDRONE.classes), start=1))
    with path.open(newline="") as file:
        rows = list(csv.reader(file))
    kept = [row for row in rows if row[4] == "1" and int(row[5]) in names]
    boxes = [[int(row[0]), int(row[1])] for row in kept]
    return len(rows), Counter(names[int(row[5])] for row in kept), boxes


@pytest.mark.parametrize(
    ("year", "stem", "lines", "kept"),
    [
        (2019, "0000002_00005_d_0000014", 88, 82),
        (2019, "0000002_00448_d_0000015", 95, 85),
        (2019, "0000003_00231_d_0000016", 57, 39),
        (2018, "0000068_00460_d_0000002", 310, 205),  # 98 boxes of score 0 show nothing at all
    ],
)
def test_visdrone_samples(shared_data, tmp_path, year, stem, lines, kept):
    name = f"VisDrone{year}-DET-train"
    (tmp_path / name).symlink_to(shared_data / "VisDrone-DET" / name)
    number, names, corners = visdrone_truth(tmp_path / name / f"annotations/{stem}.txt")
    samples = {sample.image: sample for sample in read_all(tmp_path, VISDRONE)}
    sample = samples[f"{name}/images/{stem}.jpg"]
    assert (number, names.total()) == (lines, kept)
    assert Counter(sample.label.names) == names
    assert sample.label.xyxy_N4[:, :2].tolist() == corners
    assert len(sample.label) + sum(dict(sample.dropped).values()) == lines


@pytest.mark.parametrize("options", [{}, {"style": "paper", "rules": "b2c+all"}, {"tile": 300}])
def test_visdrone_captions_are_true(shared_data, tmp_path, cli, options):
    root = shared_data / "VisDrone-DET"
    report = convert(Request(VISDRONE, root, tmp_path, Options(**options)))
    assert report.undocumented == 0
    assert report.objects["annotated"] == 88 + 95 + 57
    assert cli("verify", tmp_path).code == 0


def test_carpk_train_whole(shared_data, tmp_path, cli):
    started = time.process_time()
    ended = cli(
        *("convert", "--source", "carpk", "--root", shared_data / "CARPK", "--out", tmp_path),
        "--annotations-only",
    )
    print(f"\nCARPK train, 989 files, 42,274 boxes: {time.process_time() - started:.2f} CPU s")  # noqa: T201
    assert (ended.code, ended.err) == (0, "")
    rows = table.open_table(tmp_path).read(["image_path", "boxes", "width", "height"]).to_pylist()
    folder = shared_data / "CARPK/CARPK_devkit/data/Annotations"
    lines = {path.stem: len(path.read_text().split("\n")) - 1 for path in folder.glob("*.txt")}
    counted = {row["image_path"].split("/")[-1][:-4]: len(row["boxes"]) for row in rows}
    assert counted == lines
    assert (len(rows), sum(counted.values())) == (989, 42274)
    assert {(row["width"], row["height"]) for row in rows} == {(1280, 720)}
    ends = [(box["x1"], box["y1"]) for row in rows for box in row["boxes"]]
    assert (max(x for x, _ in ends), max(y for _, y in ends)) == (1280, 720)


# Whatever bytes there are, nothing but a sample or a named error


LINES = "".join(f"{x},{x + 1},9,9,1,{1 + x % 11},0,2\r\n" for x in range(12)).encode()


@settings(
    max_examples=150,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(
    st.lists(
        st.tuples(
            st.integers(0, len(LINES) - 1),
            st.integers(0, 3),
            st.one_of(
                st.binary(max_size=3), st.sampled_from([b"nan", b"1e999", b",,", b"\n", b"-"])
            ),
        ),
        max_size=4,
    )
)
def test_mutated_files(tmp_path, edits):
    text = LINES
    for at, cut, new in edits:
        text = text[:at] + new + text[at + cut :]
    path = tmp_path / "a.txt"
    path.write_bytes(text)
    facts = msgspec.structs.replace(
        VISDRONE, layout=msgspec.structs.replace(VISDRONE.layout, size_wh=(40, 30))
    )
    source = Source(tmp_path, facts, frozenset(["train"]), with_images=False)
    reasons: list[str] = []
    samples: list[Sample] = []
    try:
        samples += columns.read(source, Item("a.jpg", "a.txt", "train"))
    except DataError as error:
        reasons.append(error.reason)
    assert set(reasons) <= {"bad_annotation", "unknown_class"}
    assert len(samples) + len(reasons) == 1
    for sample in samples:
        rows = [line for line in text.decode("utf-8-sig").splitlines() if line.strip()]
        assert len(sample.label) + sum(dict(sample.dropped).values()) == len(rows)

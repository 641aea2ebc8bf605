"""PASCAL VOC: every form of a file, and what can be wrong with one."""

import math
import re

import pytest
from fakes import Fake, facts_of, quad, read_all, skipped_of, write
from fakes.voc import voc
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from rs_caption import table
from rs_caption.errors import DataError
from rs_caption.readers.item import Item, Source
from rs_caption.readers.voc import names_in, read
from rs_caption.sample import Sample, Skipped

DIOR, OBB, HRRSD = facts_of("dior"), facts_of("dior", "obb"), facts_of("hrrsd")
SHIP = "<name>ship</name><bndbox><xmin>2</xmin><ymin>3</ymin><xmax>9</xmax><ymax>8</ymax></bndbox>"
FOLDER = "Annotations/Horizontal Bounding Boxes"


def annotation(*objects, size="<size><width>40</width><height>30</height></size>", head=""):
    """An annotation file of these objects."""
    inner = "\n".join(f"<object>{one}</object>" for one in objects)
    return f"{head}<annotation>{size}\n{inner}\n</annotation>"


def laid_out(root, text):
    """DIOR with one image of 40 x 30 and this annotation file."""
    write(root, DIOR, [Fake("1.jpg")])
    (root / FOLDER / "1.xml").write_bytes(text if isinstance(text, bytes) else text.encode())
    return root


def boxes_of(root, text, facts=DIOR):
    """Names and hulls that the reader finds in a file."""
    (sample,) = read_all(laid_out(root, text), facts)
    return [tuple(box) for box in sample.label]


def leaf(tag, **values):
    """An element with a number in each child."""
    return f"<{tag}>{''.join(f'<{k}>{v}</{k}>' for k, v in values.items())}</{tag}>"


HULL = ("ship", 2.0, 3.0, 9.0, 8.0)
FORMS = {
    "plain": annotation(SHIP),
    "declared": annotation(SHIP, head='<?xml version="1.0" encoding="UTF-8"?>\n'),
    "BOM": "\ufeff" + annotation(SHIP),
    "UTF-16": annotation(SHIP, head='<?xml version="1.0" encoding="UTF-16"?>').encode("utf-16"),
    "GBK": annotation(
        SHIP, head='<?xml version="1.0" encoding="GBK"?>', size="<folder>\u6e2f</folder>"
    ).encode("gbk"),
    "GBK that says it is UTF-8": annotation(SHIP, size="<path>C:\\\u6e2f\u53e3</path>").encode(
        "gbk"
    ),
    "unknown encoding": annotation(SHIP, head='<?xml version="1.0" encoding="ebc"?>'),
    "CRLF": annotation(SHIP).replace("\n", "\r\n"),
    "floats and blanks": annotation(SHIP.replace(">2<", "> 2.0\n<").replace(">9<", ">9.<")),
    "no size": annotation(SHIP, size=""),
    "size 0": annotation(SHIP, size="<size><width>0</width><height>0</height></size>"),
    "size of floats": annotation(
        SHIP, size="<size><height>30.0</height><width>40.0</width></size>"
    ),
    "empty size": annotation(SHIP, size="<size><width/><height/></size>"),
    "comments": annotation(SHIP.replace(">9<", "><!-- x -->9<!-- y --><"), head="<!-- a -->"),
    "document type": annotation(SHIP, head="<!DOCTYPE annotation>"),
    "capitals": annotation(SHIP.replace("ship", " Ship ")),
    "other fields": annotation(f"<pose>x</pose><difficult>1</difficult>{SHIP}<part/><part/>"),
    "nested": annotation(SHIP)
    .replace("<object>", "<objects><object>")
    .replace("</object>", "</object></objects>"),
}


@pytest.mark.parametrize("text", FORMS.values(), ids=FORMS)
def test_forms(tmp_path, text):
    assert boxes_of(tmp_path, text) == [HULL]


@pytest.mark.parametrize("size", ["", "<size/>"])
def test_no_objects(tmp_path, size):
    assert boxes_of(tmp_path, annotation(size=size)) == []


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("Expressway-Service-area", "Expressway-Service-area"),
        ("expresswayservicearea", "Expressway-Service-area"),
        ("ground track\n field", "groundtrackfield"),
        ("storage_tank", "storagetank"),
    ],
)
def test_names(tmp_path, text, name):
    assert boxes_of(tmp_path, annotation(SHIP.replace("ship", text)))[0][0] == name


CORNERS = leaf(
    "robndbox",
    x_left_top=10, y_left_top=2, x_right_top=20.5, y_right_top=8,
    x_right_bottom=14, y_right_bottom=18, x_left_bottom=4, y_left_bottom=12,
)  # fmt: skip
ROTATED = leaf("robndbox", cx=20, cy=15, w=10, h=4, angle=math.pi / 2)
ORIENTED = {  # the box of an object -> its corners, from the left top on
    "corners": (CORNERS, (10, 2, 20.5, 8, 14, 18, 4, 12)),
    "upright": (
        leaf("robndbox", cx=20, cy=15, w=10, h=4, angle=0),
        (15, 13, 25, 13, 25, 17, 15, 17),
    ),
    "quarter turn": (ROTATED, (22, 10, 22, 20, 18, 20, 18, 10)),  # the right end comes down
    "an eighth": (
        leaf("robndbox", cx=20, cy=15, w=math.sqrt(8), h=0, angle=math.pi / 4),
        (19, 14, 21, 16, 21, 16, 19, 14),
    ),
    "oriented and not": (CORNERS + leaf("bndbox", xmin=4), (10, 2, 20.5, 8, 14, 18, 4, 12)),
}


@pytest.mark.parametrize(("box", "corners"), ORIENTED.values(), ids=ORIENTED)
def test_oriented(tmp_path, box, corners):
    (sample,) = read_all(laid_out(tmp_path, annotation(f"<name>dam</name>{box}")), DIOR)
    assert sample.label.quads_N42.ravel().tolist() == pytest.approx(corners)
    hull = min(corners[::2]), min(corners[1::2]), max(corners[::2]), max(corners[1::2])
    assert sample.label.xyxy_N4[0].tolist() == pytest.approx(hull)


def test_both_kinds_in_one_file(tmp_path):
    dam, bridge = f"<name>dam</name>{CORNERS}", f"<name>bridge</name>{ROTATED}"
    (sample,) = read_all(laid_out(tmp_path, annotation(SHIP, dam, bridge)), DIOR)
    assert sample.label.names == ("ship", "dam", "bridge")
    assert sample.label.quads_N42.reshape(3, 8)[:2].tolist() == [
        [*quad(2, 3, 9, 8)],
        [10, 2, 20.5, 8, 14, 18, 4, 12],
    ]


def test_boxes_that_count_from_1_and_name_the_last_pixel(tmp_path):
    """One pixel in the corner, and the whole image of 40 x 30."""
    fakes = [Fake("1.jpg", "train", objects=(("ship", quad(0, 0, 1, 1)),))]
    write(tmp_path, HRRSD, fakes)
    whole = leaf("bndbox", xmin=1, ymin=1, xmax=40, ymax=30)
    path = tmp_path / "OPT2017/Annotations/1.xml"
    assert "<xmin>1</xmin><ymin>1</ymin><xmax>1</xmax><ymax>1</ymax>" in path.read_text()
    path.write_text(
        path.read_text().replace("</obj", f"</object><object><name>ship</name>{whole}</obj")
    )
    (sample,) = read_all(tmp_path, HRRSD)
    assert sample.label.xyxy_N4.tolist() == [[0, 0, 1, 1], [0, 0, 40, 30]]


LAUGHS = '<!DOCTYPE a [<!ENTITY a "ship"><!ENTITY b "{}">]>'.format("&a;" * 9)
OUTSIDE = '<!DOCTYPE a [<!ENTITY x SYSTEM "file:///etc/passwd">]>'
REMOTE = '<!DOCTYPE a SYSTEM "http://127.0.0.1:9/x.dtd">'
BAD = {  # the file, the line at fault, what is said of it
    "no box": (annotation(SHIP, "<name>dam</name><pose/>"), 3, "<robndbox> in 'dam', f"),
    "no name": (annotation(SHIP[len("<name>ship</name>") :]), 2, "an object without a <name>"),
    "empty name": (annotation(SHIP.replace("ship", " ")), 2, "an object without a <name>"),
    "a side missing": (annotation(SHIP.replace("ymax", "ymxa")), 2, "in <bndbox>, found no ymax"),
    "a side empty": (annotation(SHIP.replace(">3<", "><")), 2, "in <bndbox>, found no ymin"),
    "a side twice": (annotation(SHIP.replace("<xmax>", "<xmax/><xmax>")), 2, "one of them twice"),
    "two boxes": (annotation(SHIP + leaf("bndbox", xmin=1)), 2, "expected one <bndbox> in an obj"),
    "two names": (annotation(f"<name>dam</name>{SHIP}"), 2, "expected one <name> in an object"),
    "a word": (annotation(SHIP.replace(">3<", ">three<")), 2, "pixels, found '2 three 9 8'"),
    "not a number": (annotation(SHIP, SHIP.replace(">3<", ">nan<")), 3, "found '2 nan 9 8'"),
    "infinite": (annotation(SHIP.replace(">3<", ">-inf<")), 2, "expected pixels, found '2 -inf"),
    "too large": (annotation(SHIP.replace(">9<", ">1e12<")), 2, "expected pixels, found '2 3 1e12"),
    "inside out": (annotation(SHIP.replace(">9<", ">1<")), 2, "expected xmin <= xmax and"),
    "tags in a number": (annotation(SHIP.replace(">9<", ">9<b/>9<")), 2, "found no xmax"),
    "a corner missing": (annotation(f"<name>dam</name>{CORNERS.replace('x_left', '')}"), 2, "no x"),
    "unknown class": (annotation(SHIP, SHIP.replace("ship", "cow")), 3, "no class is called 'cow'"),
    "size in words": (annotation(SHIP, size=leaf("size", width="a", height=9)), 1, "a"),
    "size of another": (annotation(SHIP, size=leaf("size", width=41, height=30)), None, "41 x 30"),
    "truncated": (annotation(SHIP)[:-30], 2, "not XML: "),
    "empty file": ("", 1, "not XML: "),
    "not XML": ("2 3 9 8 ship", 1, "not XML: "),
    "web page": ("<html><body>404</body></html>", 1, "expected <annotation>, found <html>"),
    "undefined entity": (annotation(SHIP.replace("ship", "&x;")), 2, "not XML: "),
    "billion laughs": (annotation(SHIP.replace("ship", "&b;"), head=LAUGHS), 1, "declares"),
    "external entity": (annotation(SHIP.replace("ship", "&x;"), head=OUTSIDE), 1, "declares"),
    "external types": (annotation(SHIP.replace("ship", "&x;"), head=REMOTE), 2, "without a <name>"),
    "deep": ("<annotation>" + "<a>" * 100_000, 1, "not XML: "),
    "a long number": (annotation(SHIP.replace(">9<", f">{'9' * 5000}<")), 2, "expected pixels, f"),
}  # fmt: skip


@pytest.mark.parametrize(("text", "line", "problem"), BAD.values(), ids=BAD)
def test_bad_files(tmp_path, text, line, problem):
    root = laid_out(tmp_path, text)
    with pytest.raises(DataError, match=re.escape(problem)) as error:
        read_all(root, DIOR)
    assert error.value.path == str(root / FOLDER / "1.xml")
    assert error.value.line == line
    assert "root:" not in str(error.value)  # of /etc/passwd
    assert len(str(error.value)) < 700
    expected = {"unknown class": "unknown_class", "size of another": "size_mismatch"}
    assert error.value.reason == expected.get(
        next(name for name, case in BAD.items() if case[0] == text), "bad_annotation"
    )


def test_a_bad_file_is_skipped_with_its_line(tmp_path, cli):
    good = Fake("good.jpg", objects=(("ship", quad(1, 1, 9, 9)),))
    write(tmp_path / "root", DIOR, [Fake("1.jpg"), good])
    (tmp_path / "root" / FOLDER / "1.xml").write_text(BAD["inside out"][0])
    out = tmp_path / "out"
    assert cli("convert", "--source", "dior", "--root", tmp_path / "root", "--out", out).code == 3
    ((item, reason, detail, documented),) = skipped_of(out)
    assert (item, reason, documented) == ("JPEGImages-trainval/1.jpg", "bad_annotation", "no")
    assert detail.startswith(f"{FOLDER}/1.xml:2: expected xmin <= xmax")
    assert table.open_table(out).read().num_rows == 1


@pytest.mark.parametrize("head", ["", '<?xml version="1.0" encoding="UTF-8"?>'])
def test_latin_1_that_says_it_is_utf_8(tmp_path, head):
    text = annotation(SHIP.replace("ship", "m\u00f4le"), head=head)
    path = tmp_path / "1.xml"
    path.write_bytes(text.encode("latin-1"))
    with pytest.raises(DataError, match="declares UTF-8 and is not") as error:
        names_in(path)
    assert error.value.reason == "bad_annotation"


def test_names_in_declared_chinese(tmp_path):
    head = '<?xml version="1.0" encoding="gb2312"?>'
    (tmp_path / "1.xml").write_bytes(
        annotation(SHIP.replace("ship", "\u9555"), head=head).encode("gbk")
    )
    assert names_in(tmp_path / "1.xml") == ["\u9555"]


@settings(
    max_examples=300,
    deadline=None,
    derandomize=True,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(data=st.data())
def test_whatever_the_bytes_are(tmp_path, data):
    """Flipped, cut and inserted bytes: a sample, or an error of ours."""
    head = '<?xml version="1.0" encoding="UTF-8"?>'
    text = bytearray(annotation(SHIP, f"<name>dam</name>{CORNERS}", head=head).encode())
    for _ in range(data.draw(st.integers(1, 4))):
        at = data.draw(st.integers(0, max(0, len(text) - 1)))
        match data.draw(st.sampled_from(["flip", "cut", "insert", "end"])):
            case "flip" if text:
                text[at] ^= 1 << data.draw(st.integers(0, 7))
            case "cut":
                del text[at : at + data.draw(st.integers(1, 40))]
            case "insert":
                some = [b"<", b">", b"&", b"\0", b"\xff\xfe", b"1e999", b"<object>", b"]]>", b"nan"]
                text[at:at] = data.draw(st.sampled_from(some) | st.binary(max_size=8))
            case _:
                del text[at:]
    (tmp_path / "1.xml").write_bytes(text)
    source = Source(tmp_path, DIOR, frozenset({"train"}), with_images=False)
    try:
        found = list(read(source, Item("1.jpg", "1.xml", "train")))
    except DataError as error:
        str(error).encode()  # it can be written down
        return
    assert all(isinstance(one, Sample | Skipped) for one in found)
    assert all(abs(value) <= 2e6 for box in found[0].label for value in box[1:])


def test_the_writer_of_fakes_writes_what_the_reader_reads(tmp_path):
    fake = Fake("1.jpg", objects=(("dam", (10, 2, 20.5, 8, 14, 18, 4, 12)),))
    text = voc(fake, OBB.boxes, oriented=True)
    (sample,) = read_all(laid_out(tmp_path, text), DIOR)
    assert sample.label.quads_N42.ravel().tolist() == list(fake.objects[0][1])

"""VOC files that an expression reads: it says what the XML tree says, or leaves them to it."""

import re
import time

from hypothesis import given, settings
from hypothesis import strategies as st
from lxml import etree

from rs_caption.readers.voc_plain import plain_objects

TAGS = ("xmin", "ymin", "xmax", "ymax")
ONCE = [("", "name"), ("", "bndbox"), *(("bndbox/", tag) for tag in TAGS)]
PIECES = st.sampled_from(
    [
        *("<object>", "</object>", "<name>ship</name>", "<name> ship</name>", "<name>a\tb</name>"),
        *("<bndbox>", "</bndbox>", "<xmin>3</xmin>", "<xmin>-1.5</xmin>", "<xmin> 3</xmin>"),
        *("<ymin>4</ymin>", "<xmax>9</xmax>", "<ymax>1e3</ymax>", "<ymax>8</ymax>"),
        *("<xmax>1234567</xmax>", "<pose>Left</pose>", "<pose/>", "<difficult>0</difficult>"),
        *("<size>", "</size>", "<width>64</width>", "<height>48</height>", "<height>0</height>"),
        *(
            "<part>",
            "</part>",
            "<folder>a &amp; b</folder>",
            "<!-- <object> -->",
            "\n",
            "\x0b",
            "x",
        ),
        *("<?xml version='1.0'?>", "<annotation>", "</annotation>", "]]>", "\x7f", "é", "<depth>3"),
    ]
)


@settings(deadline=None, max_examples=400)
@given(
    st.lists(
        st.tuples(
            st.sampled_from(["ship", "storage tank", "a-b_c", " ship", "ship ", "a  b"]),
            st.lists(st.integers(-9, 10**6).map(str) | st.sampled_from(["1.5", "-0", "1e2", "7 "])),
        ),
        min_size=1,
        max_size=3,
    ),
    st.lists(st.tuples(st.floats(0, 1), st.booleans(), PIECES), max_size=2),
)
def test_plain_files_say_what_their_tree_says(objects, edits):
    text = "<annotation>\n<folder>f</folder><size><width>64</width>\n<height>48</height></size>"
    for name, numbers in objects:
        sides = zip(TAGS, (numbers + ["5"] * 4)[:4], strict=True)
        box = "".join(f"<{tag}>{number}</{tag}>" for tag, number in sides)
        text += f"<object>\n<name>{name}</name><pose>x</pose>\t<bndbox>{box}</bndbox></object>\n"
    text += "</annotation>\n"
    for share, replaces, piece in edits:  # at the place of a tag, most of all
        tags = [match.span() for match in re.finditer(r"<[^<>]*>", text)] or [(0, 0)]
        first, end = tags[min(int(share * len(tags)), len(tags) - 1)]
        text = text[:first] + piece + text[end if replaces else first :]
    plain = plain_objects(text.encode())
    if not edits and not any(name != " ".join(name.split()) for name, _ in objects):
        odd = [number for _, numbers in objects for number in numbers[:4]]
        assert (plain is None) == any(number in {"1e2", "7 ", "1000000"} for number in odd)
    if plain is not None:
        root = etree.fromstring(text.encode())
        found = list(root.iter("object"))
        assert plain.names == [" ".join(one.findtext("name").split()) for one in found]
        sides = [[float(one.findtext(f"bndbox/{tag}")) for one in found] for tag in TAGS]
        assert plain.corners_4N == sides
        counts = [[len(one.findall(f"{at}{tag}")) for one in found] for at, tag in ONCE]
        assert counts == [[1] * len(found)] * len(ONCE)
        stated = {
            leaf.tag: int(leaf.text)
            for leaf in (() if root.find("size") is None else root.find("size"))
        }
        wh = stated.get("width", 0), stated.get("height", 0)
        assert plain.size_wh == (wh if min(wh) else None)


def test_plain_files_are_the_usual_ones(shared_data):
    files = sorted((shared_data / "HRRSD/OPT2017/Annotations").glob("*.xml"))
    assert len(files) == 120
    assert all(plain_objects(file.read_bytes()) for file in files)


def test_a_hostile_file_takes_no_longer():
    started = time.process_time()
    for text in ("<annotation>" + "<a>" * 300_000, "<object>" * 100_000, "<a>" + " " * 900_000):
        assert plain_objects(text.encode()) is None
    many = "<object><name>a</name>" + "<pose> </pose> " * 60_000
    assert plain_objects(many.encode()) is None
    assert time.process_time() - started < 2

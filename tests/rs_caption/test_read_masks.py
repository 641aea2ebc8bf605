"""Label masks by index and by colour, with a second mask of instances; broken ones by reason.

Classes of a toy: 1 is a house (blue), 2 a car (yellow); red is background, black is ignored.
"""

import contextlib
import io
import json
from collections import Counter

import cv2
import numpy as np
import pytest
from fakes import facts_of, picture, read_all, skipped_of
from fakes.masks import instance_colours
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from PIL import Image

from rs_caption import table
from rs_caption.convert import convert
from rs_caption.errors import DataError
from rs_caption.manifest import parse
from rs_caption.options import Options
from rs_caption.readers import mask_file
from rs_caption.readers.palette import UNKNOWN, Codes, pack
from rs_caption.request import Request

HEAD = """
name = "toy"
title = "Toy"
family = "seg"
reader = "masks"
citation = "none"
[splits]
train = { source = "-" }
[terms]
source = "-"
licence = "-"
commercial_use = "yes"
homepage = "-"
[layout]
source = "-"
"""
NOUNS = 'singular = "x", plural = "xs", article = "a"'
COLOURS = f"""
classes = [{{ name = "house", value = [0, 0, 255], {NOUNS} }},
           {{ name = "car", value = [255, 255, 0], {NOUNS} }}]
{HEAD}
[[layout.parts]]
split = "train"
images = ["img"]
annotations = ["lab"]
[palette]
source = "-"
background = [[255, 0, 0]]
ignored = [[0, 0, 0]]
"""
INDICES = COLOURS.replace("[0, 0, 255]", "1").replace("[255, 255, 0]", "2")
INDICES = INDICES.replace("[[255, 0, 0]]", "[0]").replace("[[0, 0, 0]]", "[255]")
FACTS = {
    "exact": parse(COLOURS.encode(), "toy.toml"),
    "near": parse(f"{COLOURS}tolerance = 127\n".encode(), "toy.toml"),
    "index": parse(INDICES.encode(), "toy.toml"),
}
OBJECTS = parse(
    COLOURS.replace('["lab"]', '["img/{stem}_class"]\ninstances = ["img/{stem}_id"]').encode(), ""
)
RED, BLACK, BLUE, YELLOW = (255, 0, 0), (0, 0, 0), (0, 0, 255), (255, 255, 0)
MASK = np.array([[RED, BLUE, BLUE], [BLACK, YELLOW, BLUE]], np.uint8)
TRUTH = [[0, 1, 1], [0, 2, 1]]


def laid(root, mask, facts, suffix=".png"):
    """One image with this mask (pixels, a Pillow image, or the bytes of a file); its sample."""
    picture(root / "img/a.png", (3, 2))
    path = root / f"lab/a{suffix}"
    path.parent.mkdir(parents=True, exist_ok=True)
    if isinstance(mask, bytes):
        path.write_bytes(mask)
    else:
        (mask if isinstance(mask, Image.Image) else Image.fromarray(mask)).save(path)
    return read_all(root, facts)[0]


def with_alpha(alpha):
    image = Image.fromarray(MASK).convert("RGBA")
    image.putalpha(alpha)
    return image


INDEX = np.array([[0, 1, 1], [255, 2, 1]], np.uint8)
FORMS = {
    "RGB": (MASK, "exact", ".png"),
    "RGB as TIFF": (MASK, "exact", ".tif"),
    "RGB as BMP": (MASK, "exact", ".bmp"),
    "RGBA, opaque": (with_alpha(255), "exact", ".png"),
    "a palette of the colours": (Image.fromarray(MASK).quantize(8), "exact", ".png"),
    "index": (INDEX, "index", ".png"),
    "index of 16 bits": (INDEX.astype(np.uint16), "index", ".png"),
    "index with a palette": (Image.fromarray(INDEX).convert("P"), "index", ".png"),
}


@pytest.mark.parametrize(("mask", "facts", "suffix"), FORMS.values(), ids=FORMS)
def test_forms_of_a_mask(tmp_path, mask, facts, suffix):
    sample = laid(tmp_path, mask, FACTS[facts], suffix)
    assert sample.label.classes_HW.tolist() == TRUTH
    assert (sample.size_wh, sample.pixels, sample.label.instances_HW) == ((3, 2), (), None)


def test_one_bit_is_read_where_0_and_1_are_all(tmp_path):
    one = INDICES[: INDICES.index(",\n           {")] + "]\n" + HEAD + INDICES.split(HEAD)[1]
    facts = parse(one.replace("ignored = [255]", "").encode(), "toy.toml")
    image = Image.fromarray(INDEX == 1)
    assert laid(tmp_path, image, facts).label.classes_HW.tolist() == [[0, 1, 1], [0, 0, 1]]
    with pytest.raises(DataError, match="expected a one-band mask of integers, found 1 of shape"):
        laid(tmp_path, image, FACTS["index"])


def changed(y, x, colour):
    mask = MASK.copy()
    mask[y, x] = colour
    return mask


NONE_OF_THEM = "is neither class, background nor ignored"
BROKEN = {  # the mask, whose facts, the reason, what is said
    "a colour that is none": (
        changed(1, 2, (0, 1, 255)),
        "exact",
        "unknown_mask_value",
        f"colour 0,1,255 at x=2 y=1 (1 such pixels) {NONE_OF_THEM}",
    ),
    "a colour too far": (
        changed(0, 1, (255, 0, 255)),
        "near",
        "unknown_mask_value",
        f"colour 255,0,255 at x=1 y=0 (1 such pixels) {NONE_OF_THEM}",
    ),
    "an index that is none": (
        np.full((2, 3), 7, np.uint8),
        "index",
        "unknown_mask_value",
        f"value 7 at x=0 y=0 (6 such pixels) {NONE_OF_THEM}",
    ),
    "grey, where colours are expected": (
        INDEX,
        "exact",
        "bad_annotation",
        "expected a mask in colours (RGB), found L",
    ),
    "colours, where an index is expected": (
        MASK,
        "index",
        "bad_annotation",
        "expected a one-band mask of integers, found RGB of shape (2, 3, 3)",
    ),
    "transparent": (
        with_alpha(254),
        "exact",
        "bad_annotation",
        "expected colours, found transparent pixels",
    ),
    "another size": (
        np.zeros((3, 3, 3), np.uint8),
        "exact",
        "size_mismatch",
        "the annotation states 3 x 3 pixels, the image has 3 x 2",
    ),
    "no image": (b"not an image", "exact", "bad_annotation", "not an image that can be read"),
    "empty": (b"", "index", "bad_annotation", "not an image that can be read"),
}


@pytest.mark.parametrize(("mask", "facts", "reason", "said"), BROKEN.values(), ids=BROKEN)
def test_broken_masks(tmp_path, mask, facts, reason, said):
    with pytest.raises(DataError) as error:
        laid(tmp_path, mask, FACTS[facts])
    assert (error.value.reason, error.value.problem) == (reason, said)
    assert error.value.path == str(tmp_path / "lab/a.png")


def test_colours_off_the_palette_are_the_nearest_and_are_counted(tmp_path):
    """As Potsdam's 4_12, a lossy copy, and 6_7, whose cars are 252,255,0."""
    mask = np.array(
        [[(200, 30, 100), (9, 22, 221), (0, 0, 255)], [(5, 0, 9), (252, 255, 0), (1, 1, 254)]],
        np.uint8,
    )
    sample = laid(tmp_path, mask, FACTS["near"])
    assert sample.label.classes_HW.tolist() == TRUTH
    assert sample.pixels == (("off the palette, taken for the nearest colour", 5),)
    report = convert(Request(FACTS["near"], tmp_path, tmp_path / "out", Options()))
    assert report.pixels == {"off the palette, taken for the nearest colour": 5}
    assert report.objects == {"regions of the mask, tile by tile": 2, "captioned": 2}
    stated = json.loads((tmp_path / "out/convert.json").read_text())
    assert (stated["pixels"], stated["objects"]) == (report.pixels, report.objects)


def brute(rgb, codes):
    """The nearest colour of which no channel is further off than the tolerance."""
    best = (UNKNOWN, -1)
    for colour, number in zip(codes.values, codes.classes, strict=True):
        apart = [abs(a - b) for a, b in zip(rgb, colour, strict=True)]
        square = sum(d * d for d in apart)
        if max(apart) <= codes.tolerance and (best[1] < 0 or square < best[1]):
            best = (number, square)
    return best


@settings(max_examples=150, deadline=None)
@given(st.data())
def test_colours_equal_those_found_one_by_one(data):
    colour = st.tuples(*[st.sampled_from([0, 1, 63, 127, 128, 200, 255])] * 3)
    values = data.draw(st.lists(colour, min_size=1, max_size=5, unique=True))
    tolerance = data.draw(st.sampled_from([0, 1, 60, 127, 255]))
    codes = Codes(tuple(values), tuple(range(1, len(values) + 1)), tolerance)
    pixels = data.draw(st.lists(colour, min_size=1, max_size=12))
    meaning = codes.of_colours(np.array([pixels], np.uint8))
    expected = [brute(rgb, codes) for rgb in pixels]
    assert meaning.classes_HW.tolist() == [[number for number, _ in expected]]
    assert meaning.num_unknown == sum(square < 0 for _, square in expected)
    assert meaning.num_near == sum(square > 0 for _, square in expected)


def test_pack_keeps_every_colour_apart():
    rgb = np.array([[(0, 0, 1), (0, 1, 0), (1, 0, 0), (255, 255, 255)]], np.uint8)
    assert pack(rgb).tolist() == [[1, 256, 65536, 0xFFFFFF]]


# Instances


def objects(root, ids, mask=MASK):
    """One image whose mask of instances holds these numbers; None for no such file."""
    picture(root / "img/a.png", (3, 2))
    Image.fromarray(mask).save(root / "img/a_class.png")
    if ids is not None:
        Image.fromarray(instance_colours(np.array(ids))).save(root / "img/a_id.png")
    return read_all(root, OBJECTS)[0]


def test_instances_are_told_apart_by_colour(tmp_path):
    sample = objects(tmp_path, [[0, 7, 0xFFFF00], [0, 7, 7]])
    assert sample.label.classes_HW.tolist() == TRUTH
    assert sample.label.instances_HW.tolist() == [[0, 7, 0xFFFF00], [0, 7, 7]]
    report = convert(Request(OBJECTS, tmp_path, tmp_path / "out", Options()))
    assert report.splits["train"]["boxes"] == 3
    boxes = table.open_table(tmp_path / "out").read().to_pylist()[0]["boxes"]
    assert [tuple(box.values()) for box in boxes] == [
        ("house", 1, 0, 3, 2),
        ("house", 2, 0, 3, 1),
        ("car", 1, 1, 2, 2),
    ]


def test_an_instance_without_a_class_is_no_object_but_counted(tmp_path):
    sample = objects(tmp_path, [[9, 7, 7], [9, 8, 7]])
    assert sample.label.classes_HW.tolist() == TRUTH
    assert sample.pixels == (("in an object of the second mask, but of no class", 2),)
    assert objects(tmp_path / "b", [[0, 7, 7], [0, 8, 7]]).pixels == ()


LOST = {
    "no mask of instances": (
        None,
        "missing_annotation",
        "no img/{stem}_id beside it: touching objects would be one",
    ),
    "a class without an instance": (
        [[0, 7, 7], [0, 0, 7]],
        "bad_annotation",
        "expected an object wherever a class is, black at x=1 y=1 (1 such pixels)",
    ),
    "another size": (
        [[0, 7], [0, 7]],
        "bad_annotation",
        "the mask of objects has 2 x 2 pixels, that of the classes 3 x 2",
    ),
}


@pytest.mark.parametrize(("ids", "reason", "said"), LOST.values(), ids=LOST)
def test_counts_that_cannot_be_known(tmp_path, ids, reason, said):
    with pytest.raises(DataError) as error:
        objects(tmp_path, ids)
    assert (error.value.reason, error.value.problem) == (reason, said)


def test_a_missing_mask_of_instances_skips_its_image_alone(tmp_path):
    objects(tmp_path, [[0, 7, 7], [0, 8, 7]])
    picture(tmp_path / "img/b.png", (3, 2))
    Image.fromarray(MASK).save(tmp_path / "img/b_class.png")
    report = convert(Request(OBJECTS, tmp_path, tmp_path / "out", Options()))
    assert (report.splits["train"]["rows"], report.skipped) == (1, {"missing_annotation": 1})
    assert skipped_of(tmp_path / "out")[0][0] == "img/b.png"


# Real samples, each counted a second way

PLACES = {
    "vaihingen": (
        "ISPRS_Vaihingen",
        "top/top_mosaic_09cm_area1.tif",
        ["impervious surfaces", "building", "low vegetation", "tree", "car"],
    ),
    "potsdam": (
        "ISPRS_Potsdam",
        "2_Ortho_RGB/top_potsdam_2_10_RGB.tif",
        ["impervious surfaces", "building", "low vegetation", "tree", "car"],
    ),
}


@pytest.mark.parametrize("name", PLACES)
def test_isprs_equals_components_of_the_index(shared_data, tmp_path, name):
    """The index PNG is mmsegmentation's of the same pixels; the colours were never looked at."""
    folder, image, names = PLACES[name]
    index_HW = np.asarray(Image.open(shared_data / folder / "mmseg_index_png/ann_index.png"))
    expected = []
    for value, own in enumerate(names, start=1):
        binary_HW = (index_HW[:288, :512] == value).astype(np.uint8)
        _, _, found, _ = cv2.connectedComponentsWithStats(binary_HW)
        expected += [(own, x, y, x + w, y + h) for x, y, w, h, _ in found[1:].tolist()]
    facts = facts_of(name, "noBoundary")
    report = convert(Request(facts, shared_data / folder, tmp_path, Options()))
    (row,) = table.open_table(tmp_path).read().to_pylist()
    assert row["image_path"] == image
    assert sorted(tuple(box.values()) for box in row["boxes"]) == sorted(expected)
    assert (len(expected), report.skipped["missing_image"]) == (
        15,
        len(facts.layout.parts[0].stems) - 1,
    )


def pairs(folder, stem):
    """Class colour and box of every (class colour, instance colour), by NumPy alone."""
    names = ("instance_color_RGB", "instance_id_RGB")
    bands = [np.asarray(Image.open(folder / f"{stem}_{name}.png")) for name in names]
    six_HW6 = np.concatenate(bands, axis=-1).astype(np.int64)
    codes_HW = (six_HW6 << np.arange(40, -8, -8)).sum(axis=-1)
    order = codes_HW.ravel().argsort(kind="stable")
    kinds, starts = np.unique(codes_HW.ravel()[order], return_index=True)
    boxes = {}
    for kind, pixels in zip(kinds.tolist(), np.split(order, starts[1:]), strict=True):
        *colour, _, _, _ = kind.to_bytes(6, "big")
        if any(colour):
            ys, xs = np.unravel_index(pixels, codes_HW.shape)
            box = (xs.min(), ys.min(), xs.max() + 1, ys.max() + 1)
            boxes[kind] = (tuple(colour), *map(int, box))
    return list(boxes.values())


def overlap(one, two):
    wide = max(0, min(one[2], two[2]) - max(one[0], two[0]))
    high = max(0, min(one[3], two[3]) - max(one[1], two[1]))
    areas = sum((x1 - x0) * (y1 - y0) for x0, y0, x1, y1 in (one, two))
    return wide * high / (areas - wide * high)


ISAID = {(0, 127, 127): "Large_Vehicle", (0, 0, 127): "Small_Vehicle", (0, 63, 63): "storage_tank"}


@pytest.mark.parametrize(("stem", "number", "dota"), [("P0003", 59, 55), ("P0004", 116, 107)])
def test_isaid_instances(shared_data, tmp_path, stem, number, dota):
    expected = pairs(shared_data / "iSAID/val/images", stem)
    facts = facts_of("isaid", "masks")
    convert(Request(facts, shared_data / "iSAID", tmp_path, Options()))
    rows = {row["image_path"]: row for row in table.open_table(tmp_path).read().to_pylist()}
    boxes = [tuple(box.values()) for box in rows[f"val/images/{stem}.png"]["boxes"]]
    assert len(boxes) == number
    assert sorted(boxes) == sorted((ISAID[colour], *box) for colour, *box in expected)
    lines = (shared_data / f"DOTA/val/labelTxt/{stem}.txt").read_text().splitlines()[2:]
    quads = [[float(v) for v in line.split()[:8]] for line in lines]
    hulls = [(min(q[::2]), min(q[1::2]), max(q[::2]), max(q[1::2])) for q in quads]
    near = sum(any(overlap(hull, box[1:]) > 0.5 for box in boxes) for hull in hulls)
    assert near == len(hulls) == dota  # the same objects, drawn anew by other people


def test_isaid_tiles_of_the_paper(shared_data, tmp_path, cli):
    code = cli("convert", "--source", "isaid", "--root", shared_data / "iSAID", "--out", tmp_path)
    assert code.code == 0
    rows = table.open_table(tmp_path).read().to_pylist()
    assert {(row["width"], row["height"]) for row in rows} == {(896, 896), (824, 896)}
    assert Counter(row["image_path"][-9:] for row in rows) == {"P0003.png": 4, "P0004.png": 3}
    assert cli("verify", tmp_path).code == 0


def test_isaid_masks_without_the_image(shared_data, tmp_path, cli):
    root = tmp_path / "root/train"
    root.mkdir(parents=True)
    (root / "images").symlink_to(shared_data / "iSAID/masks_without_image")
    command = ("convert", "--source", "isaid", "--root", root.parent, "--out", tmp_path / "out")
    assert cli(*command).code == 2
    assert cli(*command, "--annotations-only", "--tile", 0).code == 0
    (row,) = table.open_table(tmp_path / "out").read().to_pylist()
    assert (row["image_id"], row["width"], row["height"]) == (
        "isaid/train/images/P0002.png",
        2557,
        2086,
    )
    expected = pairs(shared_data / "iSAID/masks_without_image", "P0002")
    assert len(row["boxes"]) == len(expected) == 289


# Whatever the bytes are, they end in a sample or in a reason


def encoded(mask, form):
    buffer = io.BytesIO()
    options = {"compression": "tiff_lzw"} if form == "TIFF" else {}
    Image.fromarray(mask).save(buffer, form, **options)
    return buffer.getvalue()


FILES = {
    (form, kind): encoded(mask, form)
    for form in ("PNG", "TIFF")
    for kind, mask in (("near", MASK), ("index", INDEX))
}


@pytest.mark.filterwarnings("ignore")  # of Pillow, about the tags of a TIFF
@settings(
    max_examples=250,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(
    st.sampled_from(sorted(FILES)),
    st.lists(st.tuples(st.integers(0, 400), st.integers(0, 255)), max_size=6),
    st.integers(0, 400),
)
def test_mutated_files_end_in_a_sample_or_a_reason(tmp_path, which, changes, kept):
    data = bytearray(FILES[which])
    for at, value in changes:
        data[at % len(data)] = value
    form, kind = which
    suffix = ".png" if form == "PNG" else ".tif"
    for old in tmp_path.glob("lab/*"):
        old.unlink()
    reasons = []
    try:
        sample = laid(tmp_path, bytes(data[: kept or None]), FACTS[kind], suffix)
    except DataError as error:
        reasons.append(error.reason)
    else:
        assert sample.label.classes_HW.shape == (2, 3)
        assert sample.label.classes_HW.max() <= 2
    assert set(reasons) <= {"bad_annotation", "unknown_mask_value", "size_mismatch"}


def test_no_bit_of_a_png_can_turn_over_unseen(tmp_path):
    """Pillow by itself decodes a PNG whose checksums are wrong, to other classes."""
    mask = INDEX.repeat(9, axis=0).repeat(9, axis=1)
    good = encoded(mask, "PNG")
    path = tmp_path / "a.png"
    read = set()
    for at in range(8 * len(good)):
        data = bytearray(good)
        data[at // 8] ^= 1 << at % 8
        path.write_bytes(data)
        with contextlib.suppress(DataError):
            read.add(mask_file.indices(path).tobytes())
    assert read <= {mask.tobytes()}

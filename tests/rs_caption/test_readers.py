"""Each reader gives back what was written, in every form that its format is found in.

`test_truth_comes_back` holds for every manifest: a fake of it on disk, then scan and read.
"""

import json

import numpy as np
import pytest
from fakes import (
    WRITERS,
    Fake,
    facts_of,
    label,
    mask_values,
    picture,
    quad,
    read_all,
    some_of,
    write,
)
from PIL import Image

from rs_caption import manifest
from rs_caption.convert import convert
from rs_caption.errors import ManifestError
from rs_caption.options import Options
from rs_caption.readers import READERS
from rs_caption.request import Request
from rs_caption.sample import Skipped

DOTA, LOVEDA, RSICD = (facts_of(name) for name in ("dota", "loveda", "rsicd"))
PLANE = ("plane", (2.0, 3.0, 9.0, 4.0, 8.0, 9.0, 1.0, 8.0))
PLANE_LINE = "2 3 9 4 8 9 1 8 plane 0"


def versions_of(facts):
    """Every manifest is read in every version of its annotations."""
    yield from ((f"{facts.name} {v}", facts.at(v)) for v in facts.versions)
    if not facts.versions:
        yield facts.name, facts


EVERY = dict(case for facts in manifest.captioned() for case in versions_of(facts))


def truth_of(sample):
    """The label of a sample as a fake states it."""
    label_read = sample.label
    if hasattr(label_read, "texts"):
        return {"sentences": label_read.texts}
    if hasattr(label_read, "classes_HW"):
        return {"mask": tuple(map(tuple, label_read.classes_HW.tolist()))}
    if label_read.quads_N42 is None:
        return {"objects": tuple((name, quad(*xyxy)) for name, *xyxy in label_read)}
    quads = label_read.quads_N42.reshape(-1, 8).tolist()
    return {"objects": tuple(zip(label_read.names, map(tuple, quads), strict=True))}


@pytest.mark.parametrize("facts", EVERY.values(), ids=EVERY)
def test_truth_comes_back(tmp_path, facts):
    fakes = some_of(facts)
    images = write(tmp_path, facts, fakes)

    read = {sample.image: sample for sample in read_all(tmp_path, facts)}

    assert sorted(read) == sorted(images)
    for fake, image in zip(fakes, images, strict=True):
        sample = read[image]
        back = Fake(fake.name, sample.split, sample.size_wh, **truth_of(sample))
        assert back == fake
        assert sample.dataset == facts.name


def test_every_reader_has_a_fake():
    assert WRITERS.keys() == READERS.keys()


@pytest.mark.parametrize("facts", EVERY.values(), ids=EVERY)
def test_only_the_split_asked_for(tmp_path, facts):
    fakes = some_of(facts)
    write(tmp_path, facts, fakes)

    split = max(facts.annotated)
    read = read_all(tmp_path, facts, split)

    assert {sample.split for sample in read} == {split}
    assert len(read) == sum(fake.split == split for fake in fakes) >= 3


NEW_DATASET = """
name = "island"
title = "Island"
family = "det"
reader = "dota"
citation = "none"
classes = [{ name = "palm", singular = "palm tree", plural = "palm trees", article = "a" }]
[layout]
source = "this test"
parts = [{ split = "train", images = ["pictures"], annotations = ["labels"] }]
[splits]
train = { source = "this test" }
[terms]
source = "this test"
licence = "none"
commercial_use = "yes"
homepage = "none"
"""


def test_a_new_dataset_is_one_manifest(tmp_path):
    (tmp_path / "island.toml").write_text(NEW_DATASET)
    facts = manifest.load("island", tmp_path)
    root = tmp_path / "root"
    write(root, facts, [Fake("a.png", objects=(("palm", quad(1, 1, 5, 5)),) * 2)])
    assert (root / "pictures" / "a.png").is_file()

    report = convert(Request(facts, root, tmp_path / "out", Options()))

    assert report.splits == {"train": {"boxes": 2, "captions": 5, "images": 1, "rows": 1}}


@pytest.mark.parametrize(
    ("broken", "said"),
    [
        ('colour = "red"', "unknown field `colour`"),
        ("quirks = 3", "Expected `object`, got `int` - at `$.quirks`"),
        ("= 3", "Invalid"),
    ],
    ids=["unknown key", "wrong type", "no TOML"],
)
def test_a_broken_manifest_names_its_key(tmp_path, broken, said):
    (tmp_path / "island.toml").write_text(f"{broken}\n{NEW_DATASET}")
    with pytest.raises(ManifestError, match=r"^island\.toml: ") as error:
        manifest.load("island", tmp_path)
    assert said in str(error.value)


# DOTA: text labels


def labelled(root, text, folder="train/labelTxt", size_wh=(40, 30)):
    """One DOTA image with this label file, and what the reader makes of it."""
    picture(root / "train/images/P1.png", size_wh)
    (root / folder).mkdir(parents=True)
    (root / folder / "P1.txt").write_bytes(text if isinstance(text, bytes) else text.encode())
    (sample,) = read_all(root, DOTA)
    return truth_of(sample)["objects"]


DOTA_FILES = {
    "both headers": f"imagesource:GoogleEarth\ngsd:0.146\n{PLANE_LINE}\n",
    "no header": f"{PLANE_LINE}\n",
    "gsd alone": f"gsd:null\n{PLANE_LINE}\n",
    "source alone": f"imagesource:GF\n{PLANE_LINE}\n",
    "three headers (v2.0)": f"acquisition dates:2012-01-01\nimagesource:JL\ngsd:1\n{PLANE_LINE}\n",
    "headers in capitals": f"ImageSource:GoogleEarth\nGSD:1\n{PLANE_LINE}\n",
    "CRLF": f"imagesource:GoogleEarth\r\ngsd:0.1\r\n{PLANE_LINE}\r\n",
    "BOM and header": b"\xef\xbb\xbf" + f"imagesource:GoogleEarth\n{PLANE_LINE}\n".encode(),
    "BOM and no header": b"\xef\xbb\xbf" + f"{PLANE_LINE}\n".encode(),
    "floats": "2.0 3.0 9.0 4.0 8.0 9.0 1.0 8.0 plane 0\n",
    "floats and integers": "2 3 9.0 4 8. 9 1e0 8 plane 0\n",
    "no difficult": "2 3 9 4 8 9 1 8 plane\n",
    "cut by the devkit": "2 3 9 4 8 9 1 8 plane 2\n",
    "tabs and blanks": "  2\t3 9  4 8 9 1 8   plane\t0  \n",
    "blank lines at the end": f"{PLANE_LINE}\n\n \n\n",
    "no line end": PLANE_LINE,
}


@pytest.mark.parametrize("text", DOTA_FILES.values(), ids=DOTA_FILES)
def test_dota_lines(tmp_path, text):
    assert labelled(tmp_path, text) == (PLANE,)


@pytest.mark.parametrize("text", ["", "\n", "imagesource:GoogleEarth\ngsd:1\n", b"\xef\xbb\xbf"])
def test_dota_file_without_objects(tmp_path, text):
    assert labelled(tmp_path, text) == ()


@pytest.mark.parametrize(
    ("category", "name"),
    [
        ("storage tank 0", "storage-tank"),
        ("storage tank", "storage-tank"),
        ("storage-tank 1", "storage-tank"),
        ("ground track field 1", "ground-track-field"),
        ("helipad 0", "helipad"),
        ("Plane 0", "plane"),
        ("Storage_Tank 0", "storage-tank"),
    ],
)
def test_dota_category(tmp_path, category, name):
    assert labelled(tmp_path, f"2 3 9 4 8 9 1 8 {category}\n") == ((name, PLANE[1]),)


def test_dota_corners_outside_the_image_stay_as_annotated(tmp_path):
    assert labelled(tmp_path, "-3 0 50 0 50 9 -3 9 ship 0\n") == (
        ("ship", (-3.0, 0.0, 50.0, 0.0, 50.0, 9.0, -3.0, 9.0)),
    )


DOTA_FOLDERS = [
    (version, folder)
    for version in manifest.load("dota").versions
    for folder in facts_of("dota", version).layout.parts[0].annotations
]


@pytest.mark.parametrize(("version", "folder"), DOTA_FOLDERS, ids=map(" ".join, DOTA_FOLDERS))
def test_dota_folders_of_labels(tmp_path, cli, version, folder):
    picture(tmp_path / "root/train/images/P1.png", (40, 30))
    label_file = tmp_path / "root" / folder / "P1.txt"
    label_file.parent.mkdir(parents=True)
    label_file.write_text(f"{PLANE_LINE}\n2 3 9 4 8 9 1 8 helipad 0\n")
    out = tmp_path / "out"
    assert cli("convert", "--source", "dota", "--root", tmp_path / "root", "--out", out).code == 0
    report = json.loads((out / "convert.json").read_text())
    assert report["options"]["version"] == version
    assert report["objects"] == {"annotated": 2, "captioned": 2}


def test_dota_versions_side_by_side(tmp_path, cli):
    root, out = tmp_path / "root", tmp_path / "out"
    labelled(root, PLANE_LINE, "train/labelTxt-v1.0/labelTxt")
    for folder, lines in (("v1.5/DOTA-v1.5_train", 2), ("v2.0/DOTA-v2.0_train", 3)):
        (root / f"train/labelTxt-{folder}").mkdir(parents=True)
        (root / f"train/labelTxt-{folder}/P1.txt").write_text(f"{PLANE_LINE}\n" * lines)
    for version, objects in (("", 1), ("v1.0", 1), ("v1.5", 2), ("v2.0", 3)):
        command = ("--source", "dota", "--root", root, "--out", out)
        asked = ("--version", version) if version else ()
        assert cli("convert", *command, *asked).code == 0
        report = json.loads((out / "convert.json").read_text())
        assert (report["options"]["version"], report["objects"]["annotated"]) == (
            version or "v1.0",
            objects,
        )


def test_dota_official_folder_comes_first(tmp_path):
    label(tmp_path, DOTA.layout.parts[0], "P1.png", PLANE_LINE)
    ship = "2 3 9 4 8 9 1 8 ship 0"
    assert labelled(tmp_path, ship, "train/labelTxt-v1.0") == (PLANE,)


# LoveDA: label masks


@pytest.mark.parametrize("form", ["1-band", "palette", "16-bit", "tif"])
def test_loveda_mask(tmp_path, form):
    mask = ((0, 0, 1, 1), (6, 0, 1, 3))  # agriculture, building, water
    (image,) = write(tmp_path, LOVEDA, [Fake("7.png", "train", (4, 2), mask=mask)])
    assert image == "Train/Rural/images_png/7.png"
    path = tmp_path / "Train/Rural/masks_png/7.png"
    stored = Image.fromarray(mask_values(LOVEDA, mask))
    assert np.asarray(stored).tolist() == [[1, 0, 2, 2], [7, 1, 2, 4]]
    if form == "palette":
        stored.putpalette(list(range(24)))
    if form == "16-bit":
        stored = Image.fromarray(np.asarray(stored).astype(np.uint16))
    if form == "tif":
        path.unlink()
        path = path.with_suffix(".tif")
    stored.save(path)

    (sample,) = read_all(tmp_path, LOVEDA)

    assert sample.label.classes_HW.tolist() == [[0, 0, 1, 1], [6, 0, 1, 3]]
    assert sample.label.names[5] == "agriculture"


def test_loveda_urban_and_rural_are_one_split(tmp_path):
    fakes = [Fake(f"{at}.png", "val", (2, 1), mask=((1, 0),)) for at in (10, 11)]
    write(tmp_path, LOVEDA, fakes)
    assert [sample.image for sample in read_all(tmp_path, LOVEDA)] == [
        "Val/Rural/images_png/10.png",
        "Val/Urban/images_png/11.png",
    ]


# RSICD: Karpathy's JSON


def listed(root, images, encoding="utf-8"):
    """RSICD with this list of images, each of them in the folder."""
    for image in images:
        picture(root / "RSICD_images" / image["filename"], (6, 5))
    text = json.dumps({"images": images, "dataset": "rsicd"}, ensure_ascii=False)
    (root / "dataset_rsicd.json").write_bytes(text.encode(encoding))
    return read_all(root, RSICD)


def entry(name, split, *sentences):
    """An image as the JSON lists it."""
    return {"filename": name, "split": split, "sentences": [{"raw": raw} for raw in sentences]}


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "gb18030"])
def test_rsicd_encodings(tmp_path, encoding):
    (sample,) = listed(
        tmp_path, [entry("a.jpg", "test", "a caf\u00e9 \u6e2f near the sea .")], encoding
    )
    assert sample.label.texts == ("a caf\u00e9 \u6e2f near the sea .",)
    assert (sample.split, sample.size_wh) == ("test", (6, 5))


def test_rsicd_more_fields(tmp_path):
    image = entry("a.jpg", "train", "one plane .")
    image |= {"imgid": 0, "sentids": [0], "keywords": None}
    image["sentences"][0] |= {"tokens": ["one", "plane"], "sentid": 0}
    (sample,) = listed(tmp_path, [image])
    assert sample.label.texts == ("one plane .",)


def test_rsicd_empty_and_repeated_sentences(tmp_path):
    image = entry("a.jpg", "train", "  a  plane . ", "", "a ship .", " \n", "a ship .")
    *empty, sample = listed(tmp_path, [image])
    assert sample.label.texts == ("a  plane .", "a ship .", "a ship .")
    assert empty == [
        Skipped("RSICD_images/a.jpg", "empty_caption", "sentence 2 of 5"),
        Skipped("RSICD_images/a.jpg", "empty_caption", "sentence 4 of 5"),
    ]


def test_rsicd_unknown_split(tmp_path):
    skipped, sample = listed(tmp_path, [entry("a.jpg", "restval", "x"), entry("b.jpg", "val", "y")])
    assert skipped == Skipped(
        "RSICD_images/a.jpg",
        "bad_annotation",
        "expected a split (train, val, test), found 'restval'",
    )
    assert sample.image == "RSICD_images/b.jpg"


def test_rsicd_packed_as_the_archive(tmp_path):
    listed(tmp_path, [entry("a.jpg", "train", "x")])
    (tmp_path / "annotations_rsicd").mkdir()
    (tmp_path / "dataset_rsicd.json").rename(tmp_path / "annotations_rsicd/dataset_rsicd.json")
    (tmp_path / "RSICD_images").rename(tmp_path / "images")
    (sample,) = read_all(tmp_path, RSICD)
    assert sample.image == "images/a.jpg"

"""Each export read back by the program that it is for: as many pictures, the same captions."""

import json
import os
import subprocess
import sys
from collections import Counter
from types import SimpleNamespace

import numpy as np
import pytest
from fakes.exports import awkward_table, captions_by_id
from PIL import Image

from rs_caption.export.request import ONE, ExportRequest, How
from rs_caption.export.run import export
from rs_caption.pictures.pixels import open_pixels
from rs_caption.table import open_table

pytestmark = pytest.mark.filterwarnings("ignore")  # these readers warn of many things
PAIRS = Counter(text for texts in captions_by_id().values() for text in texts)
SPLITS = {"train": "train", "validation": "val", "test": "test"}  # as the hub calls them


@pytest.fixture(scope="module")
def table(tmp_path_factory):
    return awkward_table(tmp_path_factory.mktemp("tables") / "mixed")


@pytest.fixture(scope="module")
def out(table, tmp_path_factory):
    """A folder with an export in each form."""
    folder = tmp_path_factory.mktemp("out")
    for form in ("webdataset", "csv", "hf", "coco", "llava"):
        export(ExportRequest(table, folder / form, How(form), shard_size=4))
    return folder


def truth(table):
    """Image id -> pixels, of rows with captions."""
    opened = open_table(table)
    found = {}
    for row in opened.read().to_pylist():
        if row["captions"]:
            image = open_pixels(opened.image_file(row["dataset"], row["image_path"]))
            window = row["window"] and tuple(row["window"].values())
            found[row["image_id"]] = np.asarray(image.crop(window) if window else image, float)
    return found


def is_near(image, pixels):
    """Whether a picture is that of a row, but for what JPEG loses."""
    ours = np.asarray(image.convert("RGB"), float)
    return ours.shape == pixels.shape and np.abs(ours - pixels).mean() < 25


def test_pictures_of_different_rows_are_told_apart(table):
    pixels = list(truth(table).values())
    flat = [Image.fromarray(one.astype(np.uint8)) for one in pixels]
    assert sum(is_near(a, b) for a in flat for b in pixels) == len(pixels)


# webdataset


def test_webdataset_reads_the_shards(out, table):
    import webdataset  # noqa: PLC0415

    pixels = truth(table)
    shards = sorted(map(str, (out / "webdataset").glob("train-*.tar")))
    found = {}
    for sample in webdataset.WebDataset(shards, shardshuffle=False).decode("pil"):
        about = sample["json"]
        picture = sample["jpg"] if "jpg" in sample else sample["png"]
        assert is_near(picture, pixels[about["image_id"]])
        assert about["captions"][about["repeat"]] == sample["txt"]
        found.setdefault(about["image_id"], []).append(sample["txt"])
    assert found == captions_by_id()


def arguments(**options):
    """What open_clip_train's loaders look at."""
    usual = {
        "train_num_samples": None,
        "val_num_samples": None,
        "train_data_upsampling_factors": None,
        "val_data": None,
        "batch_size": 4,
        "world_size": 1,
        "workers": 1,
        "seed": 0,
        "distributed": False,
        "csv_img_key": "filepath",
        "csv_caption_key": "title",
        "csv_separator": "\t",
    }
    return SimpleNamespace(**usual | options)


def texts_of(batches):
    return Counter(text for _, texts in batches for text in texts)


def as_array(image):
    return np.asarray(image.convert("RGB").resize((8, 8)))


def untouched(texts):
    """In place of a tokenizer: the text itself."""
    return texts if isinstance(texts, list) else [texts]


def test_open_clip_trains_on_the_shards(out):
    from open_clip_train.data import get_dataset_size, get_wds_dataset  # noqa: PLC0415

    shards = f"{out}/webdataset/train-{{00000..00007}}.tar"
    assert get_dataset_size(shards) == (PAIRS.total(), 8)  # no --train-num-samples needed
    asked = arguments(train_data=shards, batch_size=1, workers=0)
    loader = get_wds_dataset(asked, as_array, is_train=True, tokenizer=untouched).dataloader
    assert loader.num_samples == PAIRS.total()
    assert texts_of(loader) == PAIRS


def test_open_clip_validates_on_the_shards(out):
    from open_clip_train.data import get_wds_dataset  # noqa: PLC0415

    asked = arguments(val_data=f"{out}/webdataset/val-{{00000..00001}}.tar", workers=0)
    loader = get_wds_dataset(asked, as_array, is_train=False, tokenizer=untouched).dataloader
    assert texts_of(loader) == Counter(["a beach .", "sand ."])


# CSV


def test_open_clip_reads_the_csv(out, monkeypatch):
    from open_clip_train.data import get_csv_dataset  # noqa: PLC0415

    monkeypatch.chdir(out / "csv")
    asked = arguments(train_data="train.csv", batch_size=1, workers=0)
    loader = get_csv_dataset(asked, as_array, is_train=True, tokenizer=untouched).dataloader
    assert loader.num_samples == PAIRS.total()
    dataset = loader.dataset
    texts = Counter()
    for at in range(len(dataset)):
        image, text = dataset[at]
        assert image.shape == (8, 8, 3)
        texts[text] += 1
    assert texts == PAIRS


# Hugging Face datasets


def test_datasets_loads_the_folder(out, table, tmp_path):
    from datasets import Image as ImageFeature  # noqa: PLC0415
    from datasets import load_dataset  # noqa: PLC0415

    loaded = load_dataset(str(out / "hf"), cache_dir=str(tmp_path))
    assert {name: len(rows) for name, rows in loaded.items()} == {
        "train": 6,
        "validation": 1,
        "test": 1,
    }
    assert isinstance(loaded["train"].features["image"], ImageFeature)
    pixels = truth(table)
    for name, rows in loaded.items():
        found = {}
        for row in rows:
            assert is_near(row["image"], pixels[row["image_id"]])
            assert row["image"].size == (row["width"], row["height"])
            assert row["rules"] == ["human"] * len(row["captions"])
            found[row["image_id"]] = row["captions"]
        assert found == captions_by_id(SPLITS[name])
    (port,) = [row for row in loaded["train"] if row["image_id"] == "rsicd/port_1.jpg"]
    assert port["boxes"] == [
        {"name": "ship", "x0": 4.0, "y0": 2.0, "x1": 20.0, "y1": 12.0},
        {"name": "dock", "x0": 0.0, "y0": 0.0, "x1": 40.0, "y1": 30.0},
    ]


def test_datasets_loads_the_shards_too(out, tmp_path):
    from datasets import load_dataset  # noqa: PLC0415

    files = {"train": [str(out / "webdataset/train-00001.tar")]}
    loaded = load_dataset("webdataset", data_files=files, cache_dir=str(tmp_path), split="train")
    assert sorted(row["txt"] for row in loaded) == ["the left half .", "the right half ."]


# COCO


@pytest.mark.parametrize("split", ["train", "val", "test"])
def test_pycocotools_reads_the_captions(split, out, table):
    from pycocotools.coco import COCO  # noqa: PLC0415

    coco, pixels, found = (
        COCO(str(out / f"coco/annotations/captions_{split}.json")),
        truth(table),
        {},
    )
    for image in coco.loadImgs(coco.getImgIds()):
        with Image.open(out / "coco/images" / image["file_name"]) as picture:
            assert picture.size == (image["width"], image["height"])
            assert is_near(picture, pixels[image["source_id"]])
        its = coco.loadAnns(coco.getAnnIds(imgIds=image["id"]))
        found[image["source_id"]] = [one["caption"] for one in its]
    assert found == captions_by_id(split)
    (licence,) = coco.dataset["licenses"]
    assert licence["id"] == 1
    assert licence["name"].startswith("RSICD: ")
    assert {image["license"] for image in coco.imgs.values()} == {1}


def test_ids_of_captions_are_unique_over_the_splits(out):
    every = []
    for split in ("train", "val", "test"):
        found = json.loads((out / f"coco/annotations/captions_{split}.json").read_text("utf-8"))
        every += [one["id"] for one in found["annotations"]]
    assert sorted(every) == list(range(1, 20))  # 19 captions in the table


# LLaVA, as datasets and its own loader read it


def test_conversations_load_as_json(out, tmp_path):
    from datasets import load_dataset  # noqa: PLC0415

    file = str(out / "llava/train.json")
    loaded = load_dataset("json", data_files=file, cache_dir=str(tmp_path), split="train")
    assert Counter(row["conversations"][1]["value"] for row in loaded) == PAIRS
    assert all((out / "llava/images" / row["image"]).is_file() for row in loaded)


# Croissant, of all forms


READ = """
import json, sys
import mlcroissant

def read(file, records, field):
    found = mlcroissant.Dataset(jsonld=file)
    rows = {one.id: list(found.records(one.id)) for one in found.metadata.record_sets}
    texts = [row[f"{records}/{field}"] for row in rows[records]]
    every = [one for text in texts for one in (text if isinstance(text, list) else [text])]
    said = [one.decode() if isinstance(one, bytes) else str(one) for one in every]
    pictures = sum(key.endswith("/image") and hasattr(value, "size")
        for its in rows.values() for row in its for key, value in row.items())
    return list(found.metadata.ctx.issues.errors), said, pictures

json.dump([read(*asked) for asked in json.loads(sys.argv[1])], sys.stdout)
"""
FIELDS = {  # record set and field of captions, and how many pictures there are
    "webdataset": ("captions", "caption", 19),
    "csv": ("captions", "title", 8),
    "hf": ("images", "captions", 8),
    "coco": ("captions", "caption", 8),
    "llava": ("conversations", "caption", 8),
}


@pytest.fixture(scope="module")
def croissants(out, tmp_path_factory):
    """What mlcroissant reads of each form, in a process of its own: it leaves files open."""
    asked = [[str(out / form / "croissant.json"), *its[:2]] for form, its in FIELDS.items()]
    done = subprocess.run(
        [sys.executable, "-c", READ, json.dumps(asked)],
        env={**os.environ, "CROISSANT_CACHE": str(tmp_path_factory.mktemp("cache"))},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return dict(zip(FIELDS, json.loads(done.stdout), strict=True))


@pytest.mark.parametrize("form", FIELDS)
def test_mlcroissant_validates_and_reads_all(form, croissants):
    errors, said, pictures = croissants[form]
    truth = [t for split in SPLITS.values() for its in captions_by_id(split).values() for t in its]
    assert (errors, Counter(said), pictures) == ([], Counter(truth), FIELDS[form][2])


# Resized


def test_boxes_are_of_the_resized_picture(table, tmp_path):
    from datasets import load_dataset  # noqa: PLC0415

    how = How("hf", resize_px=15, captions=ONE)
    export(ExportRequest(table, tmp_path / "out", how, splits=("train",)))
    loaded = load_dataset(str(tmp_path / "out"), cache_dir=str(tmp_path / "cache"), split="train")
    (port,) = [row for row in loaded if row["image_id"] == "rsicd/port_1.jpg"]
    assert (port["image"].size, port["width"], port["height"]) == ((20, 15), 20, 15)
    assert port["boxes"][0] == {"name": "ship", "x0": 2.0, "y0": 1.0, "x1": 10.0, "y1": 6.0}
    assert all(len(row["captions"]) == 1 for row in loaded)

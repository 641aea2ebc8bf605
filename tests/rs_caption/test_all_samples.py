"""Every real sample through `convert --all`, each table verified; real labels without images."""

import json

import msgspec
import pytest
from fakes import facts_of

from rs_caption.readers import READERS
from rs_caption.readers.item import Item, Source

ROWS = {  # dataset -> rows of its samples, with images: tiles and all
    "auair": 50,
    "dior": 1,
    "dota": 4,
    "isaid": 7,
    "loveda": 2,
    "potsdam": 1,
    "rsicd": 184,
    "ucm": 42,
    "vaihingen": 1,
    "visdrone": 3,
}
WITHOUT_IMAGES = {"carpk": 989, "stanford": 155, "auair": 50, "isaid": 7, "dior": 1}


def rows_and_verdicts(out, cli):
    """Dataset -> rows, after `verify` found nothing to say of any caption."""
    rows = {}
    for table in sorted(out.iterdir()):
        ended = cli("verify", table)
        assert (ended.code, "problems" in ended.out) == (0, False), ended.out
        splits = json.loads((table / "convert.json").read_text())["splits"]
        rows[table.name] = sum(counts["rows"] for counts in splits.values())
    return rows


@pytest.mark.parametrize("style", ["plain", "paper"])
@pytest.mark.parametrize("rules", ["b2c", "all", "b2c+all"])
def test_every_caption_of_every_sample_is_true(shared_data, tmp_path, cli, style, rules):
    options = ("--style", style, "--rules", rules, "--workers", 1)
    ended = cli("convert", "--all", "--root", shared_data, "--out", tmp_path, *options)
    assert (ended.code, ended.err) == (3, "")  # the samples of some sets are a few images of many
    assert rows_and_verdicts(tmp_path, cli) == ROWS


def test_annotations_without_their_images(shared_data, tmp_path, cli):
    command = ("convert", "--all", "--annotations-only", "--root", shared_data, "--out", tmp_path)
    cli(*command, "--workers", 1)
    rows = rows_and_verdicts(tmp_path, cli)
    assert {name: rows[name] for name in WITHOUT_IMAGES} == WITHOUT_IMAGES


@pytest.mark.parametrize(
    "file",
    [
        "DOTA/labels_without_image/labelTxt/P0770.txt",
        "DOTA/labels_without_image/labelTxt/P1088.txt",
        "DOTA/labels_without_image/labelTxt/P1234.txt",
        "DOTA/labels_without_image/labelTxt/P2598.txt",
        "DOTA/mmrotate_split_crop/labelTxt/P0004__1__0___0.txt",
        "DOTA/mmrotate_split_crop/labelTxt/P0004__1__0___1024.txt",
    ],
)
def test_labels_of_dota(shared_data, tmp_path, file):
    """Their images are not here: what a picture of any size beside them gives."""
    lines = [line.split() for line in (shared_data / file).read_text().splitlines()]
    objects = [fields for fields in lines if len(fields) == 10]
    facts = facts_of("dota")
    (tmp_path / "a.txt").symlink_to(shared_data / file)
    source = Source(tmp_path, sized(facts), facts.annotated, with_images=False)
    (sample,) = READERS["dota"].read(source, Item("a.png", "a.txt", "train"))
    assert list(sample.label.names) == [fields[8] for fields in objects]
    corners = sample.label.quads_N42
    assert corners is not None
    assert corners.reshape(-1, 8).tolist() == [[float(v) for v in f[:8]] for f in objects]


def sized(facts):
    """The manifest, as if all images of the dataset had one size."""
    layout = msgspec.structs.replace(facts.layout, size_wh=(9000, 9000))
    return msgspec.structs.replace(facts, layout=layout)

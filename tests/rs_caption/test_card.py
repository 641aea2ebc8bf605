"""The papers of an export: card and Croissant metadata, read by what reads them elsewhere."""

import hashlib
import json
import os
import re
import subprocess
import sys
import tarfile
from importlib.util import find_spec
from io import BytesIO

import pyarrow as pa
import pytest
import yaml

from rs_caption import __version__, table
from rs_caption.facts import OwnTerms
from rs_caption.sample import Boxes
from rs_caption.table import Row, open_table
from rs_caption.terms.card import Share, joined, link, plain, title_of, warnings, write_card
from rs_caption.terms.croissant import licences
from rs_caption.terms.header import header, licence_of
from rs_caption.terms.known import stated_of
from rs_caption.terms.layouts import LAYOUTS, data_files
from rs_caption.terms.origins import languages_of, origins

NASTY = "a|b <script>alert(1)</script> [x](javascript:y) *z*\n# h & `c`"
SHARES = {("dota", "train"): Share(1200, 6000), ("rsicd", "test"): Share(1, 5)}
FILES = {
    "webdataset": ["train-00000.tar", "train-00001.tar", "val-00000.tar", "sizes.json"],
    "csv": ["train.csv", "val.csv"],
    "hf": ["data/train-00000-of-00001.parquet", "data/validation-00000-of-00001.parquet"],
    "coco": ["annotations/captions_train.json", "annotations/captions_val.json"],
    "llava": ["train.json", "val.json"],
    "table": ["captions.parquet"],
}


def write_table(folder, names, **about):
    sources = {
        name: {
            "family": "ret" if name == "rsicd" else "det",
            "seed": 7,
            "options": {"style": "plain", "rules": "b2c", "tile": 512, "overlap": 64},
        }
        for name in names
    }
    rows = [
        Row(
            name, "det", "train", "1.jpg", None, None, (8, 8), ("One.",), ("r",), boxes=Boxes.of([])
        )
        for name in sorted(names)
    ]
    table.write(folder / table.TABLE_FILE, [table.to_arrow(rows)], table.metadata(sources, **about))
    return open_table(folder)


def digests(names):
    more = ["export.json", "skipped.csv"]
    return {name: hashlib.sha256(name.encode()).hexdigest() for name in [*names, *more]}


def papers(tmp_path, form, shares=SHARES, given=None, **about):
    """The card's header and text, and the metadata."""
    out = tmp_path / "out"
    names = {dataset for dataset, _ in shares}
    held = write_table(tmp_path / "table", names, **about)
    write_card(out, [held], form, digests(FILES[form]), shares, given)
    _, head, text = (out / "README.md").read_text().split("---\n", 2)
    return yaml.safe_load(head), text, json.loads((out / "croissant.json").read_text())


def test_a_card_in_full(tmp_path):
    stamp = {"tests": {"aid": 1000, "rsicd": 5}, "match": "crop", "tests_not_compared": 2}
    head, text, _ = papers(tmp_path, "webdataset", dedup=stamp)
    assert head == {
        "pretty_name": "Captions of DOTA and RSICD",
        "license": "other",
        "license_name": "terms-of-each-source",
        "language": ["en"],
        "task_categories": ["image-to-text"],
        "tags": ["remote-sensing", "image-captioning", "rs-caption"],
        "size_categories": ["1K<n<10K"],
        "configs": [
            {
                "config_name": "default",
                "data_files": [
                    {"split": "train", "path": "train-*.tar"},
                    {"split": "val", "path": "val-*.tar"},
                ],
            }
        ],
    }
    lines = text.splitlines()
    assert "1,201 remote-sensing images with 6,005 captions, of DOTA and RSICD. Made with " in text
    assert f"rs-caption {__version__}." in text
    assert "> **Do not pass this folder on.** The terms of DOTA and RSICD forbid it." in lines
    assert "> **Not for commercial use:** DOTA." in lines
    assert "> **Not known to be free for commercial use:** RSICD." in lines
    assert "| DOTA | train | 1,200 | 6,000 |" in lines
    assert "| RSICD | test | 1 | 5 |" in lines
    assert "| all | | 1,201 | 6,005 |" in lines
    terms = "academic use only; any commercial use is prohibited | not allowed | not allowed |"
    assert f"| DOTA | {terms}" in lines
    assert "<https://captain-whu.github.io/DOTA/>. Licence: captain-whu.github.io/DOTA/" in text
    rules = "rules b2c, seed 7, tiles of 512 pixels, 64 shared."
    assert f"- DOTA: by rules, from boxes, in plain English, {rules}" in lines
    assert "at level crop: aid (1,000), rsicd (5). 2 test images could not be read" in text
    assert any(line.startswith("- Lu et al., Exploring Models") for line in lines)
    assert any("arXiv 2306.11029" in line for line in lines)
    assert 'webdataset.WebDataset("train-00000.tar", shardshuffle=False)' in text


def test_a_table_that_was_compared_with_nothing_says_so(tmp_path):
    _, text, _ = papers(tmp_path, "csv")
    assert "The images were not compared with any test set" in text
    assert "removed first" not in text


@pytest.mark.parametrize("form", FILES)
def test_the_same_export_has_the_same_papers(tmp_path, form):
    for name in ("a", "b"):
        papers(tmp_path / name, form)
    for file in ("README.md", "croissant.json"):
        assert (tmp_path / "a/out" / file).read_bytes() == (tmp_path / "b/out" / file).read_bytes()


@pytest.mark.parametrize("form", FILES)
def test_the_hub_reads_the_card(tmp_path, form):
    hub = pytest.importorskip("huggingface_hub")
    head, _, _ = papers(tmp_path, form)
    data = hub.DatasetCard.load(tmp_path / "out/README.md").data.to_dict()
    assert data == head
    assert ("configs" in data) == (form in {"hf", "webdataset"})


def test_a_parquet_export_says_its_splits_and_lists(tmp_path):
    head, _, metadata = papers(tmp_path, "hf")
    assert head["configs"][0]["data_files"] == [
        {"split": "train", "path": "data/train-*.parquet"},
        {"split": "validation", "path": "data/validation-*.parquet"},
    ]
    fields = {one["name"]: one.get("repeated") for one in metadata["recordSet"][0]["field"]}
    assert (fields["captions"], fields["rules"], fields["image_id"]) == (True, True, None)


def test_names_of_a_user_are_shown_and_do_nothing(tmp_path):
    given = {"own": OwnTerms(title=NASTY, licence=NASTY, homepage="javascript:x", citation=NASTY)}
    head, text, metadata = papers(tmp_path, "csv", {("own", NASTY): Share(1, 1)}, given)
    assert head["pretty_name"] == f"Captions of {NASTY}"
    assert "<script" not in text
    assert "\n# h" not in text
    assert not re.search(r"(?<!\\)\]\(", text)
    assert "<javascript" not in text
    row = next(line for line in text.splitlines() if line.startswith("| a\\|b"))
    assert len(re.findall(r"(?<!\\)\|", row)) == 5  # four cells, whatever is in them
    assert re.fullmatch(r"[\w.-]+", metadata["name"])


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("plain, really: 4.0", "plain, really: 4.0"),
        ("a_b*c", r"a\_b\*c"),
        ("two\n lines", "two lines"),
        ("<b>&", "&lt;b&gt;&amp;"),
        (r"a\|b", r"a\\\|b"),
    ],
)
def test_plain_text_in_markdown(text, shown):
    assert plain(text) == shown


def test_links_are_of_the_web():
    assert link("https://example.org/a_b") == "<https://example.org/a_b>"
    assert link("javascript:alert(1)") == "javascript:alert(1)"
    assert link("https://x.org/><b>") == "https://x.org/&gt;&lt;b&gt;"


def test_titles_name_few_and_count_many():
    stated = [stated_of(name) for name in ("dota", "loveda", "rsicd", "ucm", "dior")]
    assert title_of(stated[:1]) == "Captions of DOTA"
    assert title_of(stated[:4]) == "Captions of DOTA, LoveDA, RSICD and UCM-captions"
    assert title_of(stated) == "Captions of 5 remote-sensing datasets"
    assert [joined(list("abc"[:n])) for n in range(4)] == ["", "a", "a and b", "a, b and c"]


def test_one_licence_is_told_to_the_hub():
    cc = {"spdx": "CC-BY-4.0"}
    own = [stated_of(name, OwnTerms(**cc)) for name in ("one", "two")]
    assert licence_of(own) == {"license": "cc-by-4.0"}
    assert licence_of([stated_of("eurosat")]) == {"license": "mit"}
    several = {"license": "other", "license_name": "terms-of-each-source"}
    for mixed in ([*own, stated_of("eurosat")], [stated_of("dota")], [stated_of("own")]):
        assert licence_of(mixed) == several


@pytest.mark.parametrize(
    ("images", "size"),
    [(0, "n<1K"), (999, "n<1K"), (1000, "1K<n<10K"), (10**6 - 1, "100K<n<1M"), (10**6, "n>1M")],
)
def test_sizes_in_words_of_the_hub(images, size):
    assert f"- {size}\n" in header("T", [stated_of("dota")], ["en"], "csv", [], images)


def test_a_language_is_stated_where_that_of_all_captions_is_known(tmp_path):
    held = write_table(tmp_path, {"dota", "rsicd"})
    assert languages_of([stated_of("dota"), stated_of("rsicd")], [held]) == ["en"]
    assert languages_of([stated_of("dota"), stated_of("own")], [held]) == []
    held.about["sources"]["rsicd"]["imported"] = "csv"
    assert languages_of([stated_of("dota"), stated_of("rsicd")], [held]) == []
    said = origins([stated_of("rsicd")], [held])
    assert said == ["RSICD: as they were found in csv; who or what wrote them is not known."]
    assert "language" not in header("T", [stated_of("dota")], [], "csv", [], 1)


def test_what_is_warned_of():
    named = [stated_of(name) for name in ("eurosat", "dota", "loveda", "ucm")]
    said = {(one.head, one.text) for one in warnings(named, "csv")}
    assert said == {
        ("Do not pass this folder on.", "The terms of DOTA forbid it."),
        (
            "Ask before you pass this folder on.",
            "Whether those of LoveDA and UCM-captions allow it is not known.",
        ),
        ("Not for commercial use:", "DOTA and LoveDA."),
        ("Not known to be free for commercial use:", "UCM-captions."),
    }
    assert warnings(named[:1], "csv") == []
    assert warnings(named[1:2], "table")[0].head == "Do not pass the pictures on."
    own = warnings([stated_of("own")], "hf")  # nobody said anything: nothing is allowed
    assert [one.head for one in own] == [
        "Ask before you pass this folder on.",
        "Not known to be free for commercial use:",
    ]


def test_licences_for_programs():
    named = [stated_of(name) for name in ("eurosat", "auair", "dota", "own", "eurosat")]
    assert licences(named) == [
        "https://spdx.org/licenses/MIT",
        "https://spdx.org/licenses/CC-BY-NC-SA-2.0",
        "https://spdx.org/licenses/CC-BY-NC-2.0",
        "DOTA: academic use only; any commercial use is prohibited",
        "own: not stated",
    ]


def test_where_captions_come_from(tmp_path):
    held = write_table(tmp_path, {"dota", "rsicd"})
    held.about["sources"]["rsicd"]["options"]["tile"] = 0
    said = origins([stated_of("rsicd"), stated_of("own")], [held])
    assert said == ["RSICD: sentences of people, as released.", "own: as they were found."]


def test_the_files_with_captions():
    files = [*FILES["webdataset"], "export.json", "skipped.csv", "b.json", "a.json"]
    assert data_files("llava", files) == ["a.json", "b.json"]
    assert data_files("csv", ["val.csv", "skipped.csv", "train.csv"]) == ["train.csv", "val.csv"]
    assert data_files("webdataset", files) == FILES["webdataset"][:3]


# What follows writes files as each form has them, by hand, and reads them through the metadata.


def jpeg():
    from PIL import Image  # noqa: PLC0415

    file = BytesIO()
    Image.new("RGB", (8, 6), "red").save(file, "JPEG")
    return file.getvalue()


def write_files(out, form):
    """Two pictures, one a split, with two captions and with one."""
    captions = {"train": ["A ship.", "Two ships."], "val": ["A pond."]}
    for at, (split, said) in enumerate(captions.items()):
        name = next(name for name in FILES[form] if split in name)  # the first of the split
        path = out / name
        path.parent.mkdir(parents=True, exist_ok=True)
        image = f"{split}-00000/00000000{at}.jpg"
        if form in {"csv", "coco", "llava"}:
            (out / "images" / image).parent.mkdir(parents=True)
            (out / "images" / image).write_bytes(jpeg())
        WRITERS[form](path, split, at, image, said)


def write_tar(path, split, at, _, said):
    with tarfile.open(path, "w") as file:
        for number, caption in enumerate(said):
            about = json.dumps({"image_id": f"dota/{at}", "split": split})
            members = {"jpg": jpeg(), "txt": caption.encode(), "json": about.encode()}
            for suffix, data in members.items():
                member = tarfile.TarInfo(f"00000000{at}-{number}.{suffix}")
                member.size = len(data)
                file.addfile(member, BytesIO(data))


def write_csv(path, _, at, image, said):
    lines = [f"images/{image}\t{one}\tdota/{at}\tdota\tr" for one in said]
    path.write_text("\n".join(["filepath\ttitle\timage_id\tdataset\trule", *lines]) + "\n")


def write_parquet(path, _, at, image, said):
    row = {
        "image": {"bytes": jpeg(), "path": image},
        "image_id": f"dota/{at}",
        "dataset": "dota",
        "width": 8,
        "height": 6,
        "captions": said,
        "rules": ["r"] * len(said),
    }
    pa.parquet.write_table(pa.Table.from_pylist([row]), path)


def write_coco(path, _, at, image, said):
    images = [
        {"id": at, "width": 8, "height": 6, "file_name": image, "source_id": "s", "dataset": "d"}
    ]
    notes = [
        {"id": 10 * at + n, "image_id": at, "caption": one, "rule": "r"}
        for n, one in enumerate(said)
    ]
    path.write_text(json.dumps({"images": images, "annotations": notes}))


def write_llava(path, _, at, image, said):
    turns = [[{"from": "human", "value": "?"}, {"from": "gpt", "value": one}] for one in said]
    path.write_text(
        json.dumps([{"id": str(at), "image": image, "conversations": one} for one in turns])
    )


WRITERS = {
    "webdataset": write_tar,
    "csv": write_csv,
    "hf": write_parquet,
    "coco": write_coco,
    "llava": write_llava,
}
SAID = {  # records -> field with the captions
    "webdataset": ("captions", "caption"),
    "csv": ("captions", "title"),
    "hf": ("images", "captions"),
    "coco": ("captions", "caption"),
    "llava": ("conversations", "caption"),
}


READ = """
import json, sys
import mlcroissant

def shown(value):
    if isinstance(value, list):
        return [shown(one) for one in value]
    return value.decode() if isinstance(value, bytes) else getattr(value, "size", value)

def read(folder):
    found = mlcroissant.Dataset(jsonld=f"{folder}/croissant.json")
    issues = found.metadata.ctx.issues
    return {
        "errors": list(issues.errors),
        "warnings": [one for one in issues.warnings if "datePublished" not in one],
        "files": {one.id: one.sha256 for one in found.metadata.file_objects},
        "cite": found.metadata.cite_as,
        "rows": {
            one.id: [
                {key.partition("/")[2]: shown(value) for key, value in row.items()}
                for row in found.records(one.id)
            ]
            for one in found.metadata.record_sets
        },
    }

json.dump([read(folder) for folder in sys.argv[1:]], sys.stdout)
"""


@pytest.fixture(scope="module")
def forms(tmp_path_factory):
    """A folder of each form, with its papers."""
    folder = tmp_path_factory.mktemp("forms")
    held = write_table(folder / "table", {"dota"})
    for form in WRITERS:
        write_files(folder / form, form)
    shares = {("dota", "train"): Share(1, 2), ("dota", "val"): Share(1, 1)}
    for form, names in FILES.items():
        there = [name for name in names if (folder / form / name).is_file()]
        sums = {name: digest(folder / form / name) for name in there}
        write_card(folder / form, [held], form, sums, shares)
    return folder


@pytest.mark.parametrize(
    ("form", "said"),
    [
        ("csv", "images/train-00000/000000000.jpg A ship."),
        ("coco", "A ship."),
        ("llava", "A ship."),
        ("table", "['One.']"),
    ],
)
def test_the_code_of_a_card_runs(form, said, forms, monkeypatch, capsys):
    text = (forms / form / "README.md").read_text()
    (code,) = re.findall(r"^```python\n(.*?)^```$", text, re.MULTILINE | re.DOTALL)
    monkeypatch.chdir(forms / form)
    exec(code, {})  # noqa: S102 -- what a reader of the card does
    assert capsys.readouterr().out == f"{said}\n"


@pytest.fixture(scope="module")
def read(forms):
    """What mlcroissant reads of each form, in a process of its own: it leaves files open."""
    if find_spec("mlcroissant") is None:
        pytest.skip("mlcroissant is not installed")
    done = subprocess.run(
        [sys.executable, "-c", READ, *(str(forms / form) for form in FILES)],
        env={**os.environ, "CROISSANT_CACHE": str(forms / "cache")},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    found = dict(zip(FILES, json.loads(done.stdout), strict=True))
    for form, its in found.items():
        assert its["files"] == {name: digest(forms / form / name) for name in its["files"]}
    return found


def digest(path):
    return hashlib.sha256(path.read_bytes()).hexdigest()


@pytest.mark.parametrize("form", FILES)
def test_croissant_validates_and_reads_all_fields(form, read):
    found = read[form]
    assert (found["errors"], found["warnings"]) == ([], [])
    assert found["files"].keys() == set(FILES[form]) - {"train-00001.tar", "sizes.json"}
    for one in LAYOUTS[form].records:
        rows = found["rows"][one.name]
        assert rows
        assert all(row.keys() == {its.name for its in one.fields} for row in rows)
        pictures = [its.name for its in one.fields if its.kind == "sc:ImageObject"]
        assert all(row[name] == [8, 6] for row in rows for name in pictures)


@pytest.mark.parametrize("form", WRITERS)
def test_croissant_reads_the_captions(form, read):
    records, field = SAID[form]
    said = [row[field] for row in read[form]["rows"][records]]
    if form == "hf":
        said = [caption for captions in said for caption in captions]
    assert sorted(said) == ["A pond.", "A ship.", "Two ships."]


def test_croissant_of_a_table(read):
    (row,) = read["table"]["rows"]["rows"]
    assert (row["image_id"], row["captions"], row["width"]) == ("dota/1.jpg", ["One."], 8)
    assert "Xia et al." in read["table"]["cite"]

"""Sentences of people: Karpathy's JSON and lines of text, whole, from small files and mutated ones.

The second way of counting is the JSON module and `str.split`.
"""

import json
from collections import Counter

import pytest
from fakes import facts_of, picture, read_all, skipped_of
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from rs_caption import table
from rs_caption.errors import DataError, UserError
from rs_caption.readers import READERS
from rs_caption.readers.item import Item, Source
from rs_caption.sample import Skipped

JSONS = {  # file in the shared samples, name of the release
    "rsicd": ("RSICD/dataset_rsicd_REBUILT.json", "dataset_rsicd.json"),
    "rsitmd": ("RSITMD/dataset_RSITMD_REBUILT.json", "dataset_RSITMD.json"),
    "ucm": ("UCM_captions/dataset.json", "dataset.json"),
}
WHOLE = {  # images of each split; sentences, empty ones, images of fewer than five distinct ones
    "rsicd": ({"train": 8734, "val": 1094, "test": 1093}, 54605, 0, 10197),
    "rsitmd": ({"train": 4291, "test": 452}, 23715, 20, 973),
    "ucm": ({"train": 1680, "val": 210, "test": 210}, 10500, 0, 456),
}


@pytest.fixture
def released(shared_data, tmp_path):
    """A folder with the JSON of a dataset under the name of the release, without its images."""

    def root(name):
        sample, own = JSONS[name]
        (tmp_path / name).mkdir()
        (tmp_path / name / own).symlink_to(shared_data / sample)
        return tmp_path / name

    return root


def items_of(root, facts):
    """Everything that the scan gives where only the annotations are here."""
    return list(READERS[facts.reader].scan(Source(root, facts, facts.annotated, with_images=False)))


@pytest.mark.parametrize("name", WHOLE)
def test_a_whole_json(released, name):
    root = released(name)
    splits, sentences, empty, repeating = WHOLE[name]
    listed = json.loads((root / JSONS[name][1]).read_text("utf-8"))["images"]
    stated = {image["filename"]: [s["raw"].strip() for s in image["sentences"]] for image in listed}

    items = items_of(root, facts_of(name))

    assert Counter(item.split for item in items) == Counter(i["split"] for i in listed) == splits
    found = {item.image.rpartition("/")[2]: list(item.label.texts) for item in items}
    assert found == stated
    assert sum(map(len, found.values())) == sentences
    assert sum(text == "" for texts in found.values() for text in texts) == empty
    assert sum(len(set(texts)) < 5 for texts in found.values()) == repeating
    published = facts_of(name).splits
    assert {split: published[split].images for split in splits} == splits


@pytest.mark.parametrize(
    ("name", "rows", "side", "skipped"),
    [("rsicd", 10921, 224, []), ("rsitmd", 4739, 256, ["no_captions"] * 4)],
)
def test_annotations_only(released, cli, name, rows, side, skipped):
    root = released(name)
    out = root.parent / "out"
    ended = cli("convert", "--source", name, "--root", root, "--out", out, "--annotations-only")
    assert ended.code == 0
    made = table.open_table(out).read(["captions", "width", "height"])
    assert made.num_rows == rows
    assert sum(map(len, made["captions"].to_pylist())) == 5 * rows
    assert {*made["width"].to_pylist(), *made["height"].to_pylist()} == {side}
    assert [line[1] for line in skipped_of(out)] == skipped
    assert all(
        line[2:] == ["no sentence in dataset_RSITMD.json (5 empty ones)", "yes"]
        for line in skipped_of(out)
    )


def test_sizes_of_ucm_are_not_stated(released, tmp_path, cli):
    command = ("--root", released("ucm"), "--out", tmp_path / "out", "--annotations-only")
    ended = cli("convert", "--source", "ucm", *command)
    assert ended.code in {2, 3}
    assert {line[1] for line in skipped_of(tmp_path / "out")} <= {"missing_image"}


def test_ucm_with_its_pictures(shared_data, tmp_path, cli):
    root = shared_data / "UCM_captions"
    present = {path.name for path in (root / "imgs").iterdir()}
    listed = json.loads((root / "dataset.json").read_text())["images"]
    here = {f"ucm/imgs/{i['filename']}": i for i in listed if i["filename"] in present}
    ended = cli("convert", "--source", "ucm", "--root", root, "--out", tmp_path / "out")
    assert ended.code == 3  # the other pictures are missing
    rows = {row["image_id"]: row for row in table.open_table(tmp_path / "out").read().to_pylist()}
    assert rows.keys() == here.keys()
    assert len(rows) == 42
    for image_id, image in here.items():
        row = rows[image_id]
        assert row["captions"] == [sentence["raw"].strip() for sentence in image["sentences"]]
        assert (row["split"], row["width"], row["height"]) == (image["split"], 256, 256)
    assert cli("verify", tmp_path / "out").code == 0


@pytest.mark.parametrize(
    ("name", "folder", "splits", "empty"),
    [
        ("rsicd", "RSICD", {"train": 9828, "test": 1093}, 0),
        ("rsitmd", "RSITMD", {"train": 4291, "test": 452}, 20),
    ],
)
def test_whole_text_files(shared_data, name, folder, splits, empty):
    """The lists of test repeat each name, those of train do not; an empty line keeps its place."""
    root, facts = shared_data / folder, facts_of(name, "txt")
    items = items_of(root, facts)
    assert Counter(item.split for item in items) == splits
    assert {split: facts.splits[split].images for split in splits} == splits
    for split in splits:
        lines = (root / f"{name}_precomp/{split}_caps.txt").read_text("utf-8").split("\n")[:-1]
        names = (root / f"{name}_precomp/{split}_filename.txt").read_text().split()
        names = names[::5] if split == "test" else names
        stated = {key: lines[5 * at : 5 * at + 5] for at, key in enumerate(names)}
        own = [item for item in items if item.split == split]
        assert {item.image.rpartition("/")[2]: [*item.label.texts] for item in own} == {
            key: [text.strip() for text in texts] for key, texts in stated.items()
        }
    assert sum(text == "" for item in items for text in item.label.texts) == empty


def test_text_files_say_what_the_json_says(shared_data, released):
    """Our RSITMD JSON was made of the text files, so the two readers must agree on all of it."""
    of_json = items_of(released("rsitmd"), facts_of("rsitmd"))
    of_text = items_of(shared_data / "RSITMD", facts_of("rsitmd", "txt"))
    both = [{(i.image, i.split, i.label.texts) for i in items} for items in (of_json, of_text)]
    assert both[0] == both[1]
    assert len(both[0]) == 4743


# Lines of text, in small

FIVE = ["a b .", "", "  c", "d ", "a b ."]
TXT = facts_of("rsicd", "txt")


def lay_out(root, caps, names, split="train", images=()):
    """RSICD as text files; each a text, or lines."""
    folder = root / "rsicd_precomp"
    folder.mkdir(parents=True, exist_ok=True)
    for what, lines in (("caps", caps), ("filename", names)):
        data = "".join(f"{x}\n" for x in lines).encode() if isinstance(lines, list) else lines
        (folder / f"{split}_{what}.txt").write_bytes(data)
    for name in images:
        picture(root / "RSICD_images" / name, (6, 5))
    return root


def said(root, split="train", facts=TXT):
    """Image name -> sentences, of one split."""
    found = items_of(root, facts)
    return {i.image.rpartition("/")[2]: i.label.texts for i in found if i.split == split}


SAID = ("a b .", "", "c", "d", "a b .")


@pytest.mark.parametrize(
    ("caps", "names"),
    [
        (FIVE * 2, ["a.jpg", "b.jpg"]),
        (FIVE * 2, ["a.jpg"] * 5 + ["b.jpg"] * 5),
        ("\n".join(FIVE * 2).encode(), b"a.jpg\nb.jpg"),
        ("\r\n".join(FIVE * 2).encode(), b"a.jpg\r\nb.jpg\r\n"),
        (b"\xef\xbb\xbf" + "\n".join(FIVE * 2).encode(), b"\xef\xbb\xbfa.jpg\nb.jpg"),
    ],
    ids=["once", "repeated", "no line feed at the end", "CRLF", "byte order mark"],
)
def test_both_forms_of_lists(tmp_path, caps, names):
    assert said(lay_out(tmp_path, caps, names)) == {"a.jpg": SAID, "b.jpg": SAID}


def test_only_a_line_feed_ends_a_sentence(tmp_path):
    odd = ["a\u2028b", "a\x0cb", "a\x85b", "a\x1eb", "a\rb"]
    assert said(lay_out(tmp_path, odd, ["a.jpg"])) == {"a.jpg": tuple(odd)}


def test_an_empty_sentence_at_the_very_end_has_its_line_feed(tmp_path):
    assert said(lay_out(tmp_path, b"a\nb\nc\nd\n\n", ["a.jpg"])) == {"a.jpg": (*"abcd", "")}


def test_chinese_encoding(tmp_path):
    root = lay_out(tmp_path, "\n".join(["\u6e2f \u2019"] * 5).encode("gb18030"), ["a.jpg"])
    assert said(root) == {"a.jpg": ("\u6e2f \u2019",) * 5}


@pytest.mark.parametrize(("lines", "names"), [(9, 2), (11, 2), (1, 2), (0, 1), (5, 0)])
def test_lists_that_do_not_fit(tmp_path, cli, lines, names):
    root = lay_out(tmp_path / "root", ["x"] * lines, ["a.jpg"] * names, images=["a.jpg"])
    ended = cli("convert", "--source", "rsicd", "--root", root, "--out", tmp_path / "out")
    assert (ended.code, ended.err.count("\n")) == (2, 1)
    assert f"rsicd_precomp/train_caps.txt has {lines} lines, rsicd_precomp/train_file" in ended.err
    assert f"{names}; expected 5 sentences for each name, or one" in ended.err


def test_what_is_no_text(tmp_path):
    root = lay_out(tmp_path, b"\xff\xfe\xff", ["a.jpg"])
    with pytest.raises(UserError, match=r"train_caps\.txt: expected text"):
        items_of(root, TXT)


def test_the_version_that_is_there(tmp_path, cli):
    root = lay_out(tmp_path / "root", FIVE, ["a.jpg"], images=["a.jpg", "t.jpg", "x.jpg"])
    lay_out(root, ["n"] * 5, ["t.jpg"] * 5, "test")
    out = tmp_path / "out"
    assert cli("convert", "--source", "rsicd", "--root", root, "--out", out).code == 3
    assert skipped_of(out) == [
        ["RSICD_images/a.jpg", "empty_caption", "sentence 2 of 5", "no"],
        [
            "RSICD_images/x.jpg",
            "not_listed",
            "in none of rsicd_precomp/train_filename.txt, rsicd_precomp/test_filename.txt",
            "no",
        ],
    ]
    rows = table.open_table(out).read(["split", "captions"]).to_pylist()
    assert [row["split"] for row in rows] == ["train", "test"]
    assert rows[0]["captions"] == ["a b .", "c", "d", "a b ."]
    only_test = ("--split", "test", "--version", "txt")
    assert cli("convert", "--source", "rsicd", "--root", root, "--out", out, *only_test).code == 0


def test_names_in_lists(tmp_path):
    names = ["../a.jpg", "..", "", "gone.jpg", "a.jpg"]
    root = lay_out(tmp_path, ["x"] * 25, names, images=["a.jpg"])
    *skipped, sample = read_all(root, TXT)
    assert sample.image == "RSICD_images/a.jpg"
    assert [skip.reason for skip in skipped] == ["bad_annotation"] * 3 + ["missing_image"]


def test_an_image_listed_twice(tmp_path, cli):
    root = lay_out(tmp_path / "root", ["x"] * 10, ["a.jpg"] * 2, images=["a.jpg"])
    assert cli("convert", "--source", "rsicd", "--root", root, "--out", tmp_path / "o").code == 3
    assert [line[1] for line in skipped_of(tmp_path / "o")] == ["duplicate_image_id"]


# Mutations: the worst that a file can do is to be refused in words

KARPATHY = b'{"images":[{"filename":"a.jpg","split":"train","x":1,"sentences":[{"raw":"a b ."}]}]}'
DEEP = [
    b"[" * 100_000,
    b'{"images":[{"x":' + b'{"a":' * 50_000,
    KARPATHY.replace(b'"x":1', b'"x":' + b"[" * 9999 + b"]" * 9999),
]


def outcomes(root, facts):
    """Read as a conversion does; errors other than ours come through."""
    source = Source(root, facts, facts.annotated, with_images=False)
    try:
        for entry in READERS[facts.reader].scan(source):
            if isinstance(entry, Item):
                entry.image.encode()
                assert (root / entry.image).resolve().is_relative_to(root.resolve())
                try:
                    yield from READERS[facts.reader].read(source, entry)
                except DataError as error:
                    yield error
            else:
                assert isinstance(entry, Skipped)
                yield entry
    except UserError as error:
        yield error


def mutations(seed):
    """Bytes of a file with some of them replaced, cut out or repeated."""
    places = st.integers(0, len(seed))
    edits = st.lists(st.tuples(places, places, st.binary(max_size=6)), min_size=1, max_size=3)

    def apply(changes):
        data = seed
        for start, stop, new in changes:
            data = data[:start] + new + data[stop:]
        return data

    return edits.map(apply)


BOUNDED = settings(
    max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)


@BOUNDED
@given(data=mutations(KARPATHY))
def test_a_mutated_json_is_read_or_refused(tmp_path, data):
    (tmp_path / "dataset_rsicd.json").write_bytes(data)
    assert all(str(outcome) for outcome in outcomes(tmp_path, facts_of("rsicd")))


@pytest.mark.parametrize("data", DEEP, ids=["lists", "objects", "closed"])
def test_a_deep_json_is_refused(tmp_path, data):
    (tmp_path / "dataset_rsicd.json").write_bytes(data)
    (error,) = outcomes(tmp_path, facts_of("rsicd"))
    assert 'expected {"images"' in str(error)


@BOUNDED
@given(caps=mutations(b"a b .\n\nc d\ne\nf\n"), names=mutations(b"a.jpg\n"))
def test_mutated_lines_are_read_or_refused(tmp_path, caps, names):
    root = lay_out(tmp_path, caps, names)
    assert all(str(outcome) for outcome in outcomes(root, TXT))


@pytest.mark.parametrize(
    "name", ["a\\u0000.jpg", "..", ".", "", "a\\n.jpg", "a/../b.jpg", "\\u202e"]
)
def test_a_name_that_is_none(tmp_path, name):
    (tmp_path / "dataset_rsicd.json").write_bytes(KARPATHY.replace(b"a.jpg", name.encode()))
    (skipped,) = outcomes(tmp_path, facts_of("rsicd"))
    assert skipped.reason == "bad_annotation"
    assert skipped.detail.startswith("expected a file name, found ")

"""Of two look-alikes one stays; nothing stays in training that looks like a test row."""

import json
from typing import NamedTuple

import numpy as np
import pyarrow.parquet as pq
import pytest
from fakes import SOURCE
from hypothesis import given, settings
from hypothesis import strategies as st

from rs_caption import table
from rs_caption.blocks import Links
from rs_caption.dedup import buckets
from rs_caption.dedup.buckets import buckets_of, holders
from rs_caption.dedup.budget import SMALLEST, bytes_of, database, limit_files, smallest
from rs_caption.dedup.clean import clean, keys_of
from rs_caption.dedup.links import Search, Seen, add_links
from rs_caption.dedup.nodes import collapse
from rs_caption.dedup.propose import InMemory
from rs_caption.dedup.request import CleanRequest
from rs_caption.dedup.views import Views
from rs_caption.engine import ALONE, Work, no_progress
from rs_caption.errors import UserError
from rs_caption.looks.looks import Looks
from rs_caption.sample import Boxes
from rs_caption.table import Row


class Given(NamedTuple):
    """A row with its hash."""

    name: str
    code: int = 0
    dataset: str = "dota"
    family: str = "det"
    split: str = "train"
    width: int = 10

    @property
    def id(self):
        return f"{self.dataset}/{self.name}"


def write(folder, rows):
    """A table of rows whose hashes are given, so that no image is needed."""
    rows = sorted(rows, key=lambda row: row.id)
    empty = (None, None), ((), ()), Boxes.of([])
    made = table.to_arrow(
        [
            Row(r.dataset, r.family, r.split, r.name, *empty[0], (r.width, 10), *empty[1], empty[2])
            for r in rows
        ]
    )
    codes = np.array([row.code for row in rows], np.uint64)
    made = made.set_column(len(table.SCHEMA) - 1, "phash", [codes])
    datasets = {row.dataset for row in rows}
    about = table.metadata(dict.fromkeys(sorted(datasets), SOURCE))
    table.write(folder / "captions.parquet", [made.cast(table.SCHEMA)], about)
    table.write_roots(folder, dict.fromkeys(datasets, folder))
    return folder


def dedup(folder, rows, threshold=2, **options):
    """The rows of `removed.parquet` for a corpus of these rows."""
    corpus = write(folder / "corpus", rows)
    clean(CleanRequest((corpus,), (), folder / "out", threshold, **options))
    return pq.read_table(folder / "out/removed.parquet").to_pylist()


def leaving(folder, rows, threshold=2):
    """Who leaves, and which row each duplicates."""
    return {row["image_id"]: row["duplicate_of"] for row in dedup(folder, rows, threshold)}


WHO_STAYS = {
    "a test row before human captions and size": (
        Given("b", split="test"),
        Given("a", family="ret", width=999),
    ),
    "human captions before boxes": (Given("b", family="ret"), Given("a")),
    "human captions before masks": (Given("b", family="ret"), Given("a", family="seg")),
    "human captions before size": (Given("b", family="ret"), Given("a", width=999)),
    "the larger": (Given("b", width=11), Given("a")),
    "val is as train: the first id": (Given("a"), Given("b", split="val")),
    "the first id, whatever the dataset": (Given("b", dataset="dior"), Given("a")),
    "boxes and masks are equal: the first id": (Given("a", family="seg"), Given("b")),
}


@pytest.mark.parametrize(("stays", "leaves"), WHO_STAYS.values(), ids=WHO_STAYS)
@pytest.mark.parametrize("code", [0, 0b11])
def test_who_stays(tmp_path, stays, leaves, code):
    rows = [stays, leaves._replace(code=code)]
    assert leaving(tmp_path, rows) == {leaves.id: stays.id}


def test_a_chain_of_links_pulls_nothing_along(tmp_path):
    rows = [Given("a", 0), Given("b", 0b11), Given("c", 0b1111), Given("d", 0b111111)]
    assert leaving(tmp_path, rows) == {"dota/b": "dota/a", "dota/d": "dota/c"}


def test_a_row_leaves_for_the_test_it_looks_like_even_where_another_row_is_nearer(tmp_path):
    rows = [Given("a", 0b1), Given("b", 0, family="ret"), Given("t", 0b111, split="test")]
    assert leaving(tmp_path, rows) == {"dota/a": "dota/t"}  # b is 3 bits from t, and stays


def test_of_several_it_leaves_for_the_nearest_then_for_the_best(tmp_path):
    rows = [
        *(Given("a", 0b11, width=50), Given("b", 0b1 << 9, width=40), Given("e", 0b1 << 20)),
        Given("x", 0, width=5),
    ]
    assert leaving(tmp_path, rows, 2) == {"dota/e": "dota/b", "dota/x": "dota/b"}


def test_what_the_lists_say(tmp_path):
    rows = [
        Given("t", 0, split="test", dataset="aid"),
        Given("u", 0, split="test", dataset="aid"),
        Given("a", 0b11),
        Given("b", 0b11, dataset="dior"),
        Given("c", 255, width=20),
        Given("d", 255),
    ]
    kept = {"distance": 0, "level": "near", "transform": "same", "score": None, "split": "train"}
    like_t = {"duplicate_of": "aid/t", "duplicate_of_dataset": "aid", "reason": "test"}
    like_t |= {"duplicate_of_split": "test", "distance": 2}
    like_c = {"duplicate_of": "dota/c", "duplicate_of_dataset": "dota", "reason": "duplicate"}
    assert dedup(tmp_path, rows) == [
        {**kept, "image_id": "dior/b", "dataset": "dior", **like_t},
        {**kept, "image_id": "dota/a", "dataset": "dota", **like_t},
        {**kept, "image_id": "dota/d", "dataset": "dota", "duplicate_of_split": "train", **like_c},
    ]
    groups = pq.read_table(tmp_path / "out/groups.parquet").to_pylist()
    assert [tuple(row.values()) for row in groups] == [
        (0, "aid/t", "aid", "test", "test"),
        (0, "dior/b", "dior", "train", "removed"),
        (0, "dota/a", "dota", "train", "removed"),
        (1, "dota/c", "dota", "train", "kept"),
        (1, "dota/d", "dota", "train", "removed"),
    ]
    report = json.loads((tmp_path / "out/dedup.json").read_text())
    assert report["removed_by"] == {
        "dior": {"aid test": 1},
        "dota": {"aid test": 1, "dota train": 1},
    }
    assert report["shared_with_tests"] == [["dior", "aid", 1, 2, 2], ["dota", "aid", 1, 2, 2]]
    assert report["removed_at"] == {"near": 3}


@pytest.mark.parametrize(("threshold", "leaves"), [(0, ""), (1, "b"), (2, "bc"), (3, "bcd")])
def test_the_threshold_is_inclusive(tmp_path, threshold, leaves):
    rows = [Given("a", 0), Given("b", 1 << 60), Given("c", 0b11 << 30), Given("d", 0b111 << 4)]
    left = leaving(tmp_path, [row._replace(width=9 - at) for at, row in enumerate(rows)], threshold)
    assert "".join(name[-1] for name in left) == leaves


def by_brute_force(rows, threshold):
    """The rule, word for word: from the best row down, a row leaves for one that stays.

    What an equal row that ranks better has left for, it leaves for too.
    """
    rank = sorted(rows, key=lambda r: (r.split != "test", r.family != "ret", -r.width, r.id))
    stays, left, gone = [], {}, {}
    for row in rank:
        if row.code in gone:
            left[row.id] = gone[row.code]
            continue
        like = [
            (other.split != "test", distance, at, other.id)
            for at, other in enumerate(stays)
            if (distance := (row.code ^ other.code).bit_count()) <= threshold
        ]
        if row.split == "test" or not like:
            stays.append(row)
        else:
            _, distance, _, other = min(like)
            left[row.id] = (other, distance)
            gone[row.code] = left[row.id]
    return left


ROWS = st.lists(
    st.tuples(
        st.sampled_from([0, 1, 0b11, 0b1111, 0b11 << 30, 0b111 << 30, (1 << 64) - 1, 1 << 63]),
        st.sampled_from(["dota", "rsicd", "aid"]),
        st.sampled_from(["det", "ret"]),
        st.sampled_from(["train", "train", "val", "test"]),
        st.integers(1, 3),
    ),
    max_size=14,
)


def test_equal_rows_leave_for_the_same_row(tmp_path):
    """Though one that stays, and ranks between the two, is nearer to the second."""
    rows = [
        Given("a", 0b11 << 30, width=2),  # stays
        Given("b", 0b11, width=2),  # 4 bits from a
        Given("c", 0b1111, width=2),  # 6 bits from a: stays; 2 bits from b and d
        Given("d", 0b11, width=1),
    ]
    assert leaving(tmp_path, rows, threshold=4) == {"dota/b": "dota/a", "dota/d": "dota/a"}


@settings(max_examples=40, deadline=None)
@given(ROWS, st.sampled_from([0, 1, 2, 4, 8, 16]))
def test_any_rows_leave_as_by_brute_force(tmp_path_factory, rows, threshold):
    rows = [Given(f"{at:02d}", *facts) for at, facts in enumerate(rows)]
    if all(row.split == "test" for row in rows):
        with pytest.raises(UserError, match=r"nothing to (train on|de-duplicate)"):
            dedup(tmp_path_factory.mktemp("any"), rows, threshold)
        return
    left = dedup(tmp_path_factory.mktemp("any"), rows, threshold)
    found = {row["image_id"]: (row["duplicate_of"], row["distance"]) for row in left}
    assert found == by_brute_force(rows, threshold)


@settings(max_examples=200, deadline=None)
@given(st.lists(st.tuples(st.integers(0, 3), st.integers(0, 2)), max_size=20))
def test_rows_with_equal_keys_are_one_node_in_the_order_of_ranks(keys):
    columns = np.array(keys, np.uint64).reshape(-1, 2).T
    nodes = collapse(*columns)
    seen = list(dict.fromkeys(keys))
    assert nodes.node_R.tolist() == [seen.index(key) for key in keys]
    assert nodes.best_C.tolist() == [keys.index(key) for key in seen]


CODE = st.sampled_from([0, 1, 0b11, 0b1111, 0b11 << 30, 0b111 << 30, 0xFF << 50, (1 << 64) - 1])
LOOKS = st.lists(
    st.tuples(st.lists(CODE, min_size=8, max_size=8), st.booleans()), min_size=1, max_size=12
)


@settings(max_examples=60, deadline=None)
@given(LOOKS, st.sampled_from([0, 2, 8]), st.sampled_from(["near", "dihedral"]))
def test_links_by_hash_are_those_of_all_with_all(tmp_path_factory, looks, threshold, level):
    looks = sorted(looks, key=lambda look: not look[1])  # tests rank first
    codes_C8 = np.array([codes for codes, _ in looks], np.uint64)
    seen = Seen(codes_C8, np.array([is_test for _, is_test in looks]), InMemory())
    with database(tmp_path_factory.mktemp("db"), SMALLEST, 1) as db:
        add_links(db, seen, Search(level, threshold, SMALLEST, ALONE, no_progress))
        found = db.execute("SELECT better, worse, min(distance) FROM links GROUP BY ALL").fetchall()
    turns = range(8 if level == "dihedral" else 1)
    expected = {}
    for worse, (codes, is_test) in enumerate(looks):
        for better, (others, both) in enumerate(looks[:worse]):
            apart = [(codes[t] ^ others[0]).bit_count() for t in turns]
            apart += [(others[t] ^ codes[0]).bit_count() for t in turns]
            near = (codes[0] ^ others[0]).bit_count()
            if min(apart) <= threshold and not (is_test and both):
                expected[better, worse] = min(apart) if near > threshold else min(*apart, near)
    assert {(better, worse): distance for better, worse, distance in found} == expected


def test_rows_of_one_hash_that_turn_into_different_ones_are_not_one_node():
    codes_N8 = np.zeros((2, 8), np.uint64)
    codes_N8[1, 5] = 0b11
    looks = Looks(np.ones(2, np.bool_), codes_N8, np.zeros((2, 2), np.uint64), None, [])
    views = Views([looks], np.zeros(1, np.int64))
    assert len(collapse(*keys_of(views, "dihedral", np.arange(2))).best_C) == 2
    assert len(collapse(*keys_of(views, "exact", np.arange(2))).best_C) == 1


def test_of_a_hash_with_many_nodes_the_best_and_all_tests_meet_the_others():
    codes_C = np.full(200, 7, np.uint64)
    is_test_C = np.arange(200) < 100
    equal = Links(np.zeros(1, np.uint32), np.zeros(1, np.uint32), np.zeros(1, np.uint8))

    def met(own):
        chunks = list(holders(equal, own, own))
        return {pair for left, right, _ in chunks for pair in zip(left, right, strict=True)}

    every = met(buckets_of(codes_C, is_test_C))
    assert {(test, row) for test in range(100) for row in range(200)} <= every
    assert (150, 199) not in every
    assert (63, 199) in met(buckets_of(codes_C, None))
    assert (64, 199) not in met(buckets_of(codes_C, None))


@pytest.mark.parametrize("most", [1, 7, 64, 1 << 20])
def test_a_hash_with_many_nodes_is_met_piece_by_piece(monkeypatch, most):
    """No chunk is larger than asked for, or than one node with all of the others."""
    own = buckets_of(np.array([7] * 90 + [8] * 20 + [9], np.uint64), np.arange(111) < 80)
    links = Links(*(np.array(column) for column in ([0, 0, 1], [0, 1, 2], np.uint8([0, 4, 1]))))
    whole = [np.concatenate(column) for column in zip(*holders(links, own, own), strict=True)]
    monkeypatch.setattr(buckets, "PAIRS_AT_ONCE", most)
    chunks = list(holders(links, own, own))
    for column, expected in zip(zip(*chunks, strict=True), whole, strict=True):
        assert np.concatenate(column).tolist() == expected.tolist()
    assert len(whole[0]) == (80 * 90 + 10 * 80) + (80 * 20 + 10 * 20) + 20
    assert max(len(left) for left, _, _ in chunks) <= most + max(most, 90)


def test_tables_of_several_datasets_are_merged_by_id(tmp_path):
    rows = [Given(f"{at:02d}", at << 40, ["b", "a", "c"][at % 3]) for at in range(30)]
    parts = [write(tmp_path / f"part{at}", rows[at::4]) for at in range(4)]
    for part in parts:
        table.write_roots(part, dict.fromkeys("abc", tmp_path))
    clean(CleanRequest(tuple(parts), (), tmp_path / "out", 0))
    merged = table.open_table(tmp_path / "out").read(["image_id", "phash"]).to_pylist()
    expected = sorted((row.id, row.code) for row in rows)
    assert [(row["image_id"], row["phash"]) for row in merged] == expected


def test_the_bytes_depend_on_neither_memory_nor_workers_nor_the_order_of_tables(tmp_path):
    rows = [
        Given(f"{at:03d}", (at * 0x9E3779B97F4A7C15) & 0xFF00FF, "ab"[at % 2]) for at in range(400)
    ]
    one, two = write(tmp_path / "one", rows[:150]), write(tmp_path / "two", rows[150:])
    for part in (one, two):
        table.write_roots(part, dict.fromkeys("ab", tmp_path))
    written = []
    for at, tables in enumerate([(one, two), (two, one)]):
        out = tmp_path / f"out{at}"
        clean(CleanRequest(tables, (), out, 4, work=Work(1 + at), memory=SMALLEST << at))
        names = ("captions.parquet", "removed.parquet", "groups.parquet")
        written.append([(out / name).read_bytes() for name in names])
    assert written[0] == written[1]


def test_a_table_out_of_order_is_refused(tmp_path):
    corpus = write(tmp_path / "corpus", [Given("a"), Given("b", 255), Given("c", 255 << 20)])
    opened = table.open_table(corpus)
    rows = opened.read().take([2, 0, 1])
    table.write(corpus / "captions.parquet", [rows], opened.about)
    with pytest.raises(UserError, match=r"captions\.parquet: its rows are not ordered by image_id"):
        clean(CleanRequest((corpus,), (), tmp_path / "out"))


SIZES = {
    "2G": 2 << 30,
    "1.5GB": 3 << 29,
    "512m": 512 << 20,
    "1 TiB": 1 << 40,
    "300000000": 3 * 10**8,
}


@pytest.mark.parametrize(("text", "size"), SIZES.items())
def test_memory(text, size):
    assert bytes_of(text) == size


@pytest.mark.parametrize("text", ["much", "-2G", "2 gigs", "1K", "0"])
def test_memory_that_cannot_be(text):
    with pytest.raises(UserError, match="--memory is"):
        bytes_of(text)


def test_memory_by_default_is_of_this_machine():
    assert SMALLEST <= bytes_of("") <= 8 << 30


def test_memory_by_default_is_what_control_groups_leave():
    assert [f"{file}" for file in limit_files("5:cpu,memory:/a/b\n1:name=systemd:/x\n0::/\n")] == [
        "/sys/fs/cgroup/memory/a/b/memory.limit_in_bytes",
        "/sys/fs/cgroup/memory/a/memory.limit_in_bytes",
        "/sys/fs/cgroup/memory/memory.limit_in_bytes",
        "/sys/fs/cgroup/memory.max",
    ]
    assert smallest(8 << 30, ["max\n", "2147483648\n", "9223372036854771712\n"]) == 2 << 30
    assert smallest(8 << 30, ["9223372036854771712\n", "max\n", ""]) == 8 << 30
    assert smallest(8 << 30, []) == 8 << 30


def test_a_table_with_damaged_pages_is_named(tmp_path):
    corpus = write(tmp_path / "corpus", [Given(f"{at:03d}", at << 20) for at in range(200)])
    file = corpus / "captions.parquet"
    content = bytearray(file.read_bytes())
    content[4:600] = bytes(596)
    file.write_bytes(content)
    with pytest.raises(UserError, match=r"captions\.parquet: its footer is good, its pages cannot"):
        clean(CleanRequest((corpus,), (), tmp_path / "out"))


def test_hashes_made_fast_are_called_so_in_the_clean_table(tmp_path):
    parts = [write(tmp_path / name, [Given(name, code)]) for name, code in (("a", 0), ("b", 255))]
    for part, mean in zip(parts, (0.5, 0.25), strict=True):
        opened = table.open_table(part)
        note = {"way": "luma", "compared": 100, "mean_bits": mean, "max_bits": int(4 * mean)}
        table.write(opened.path, [opened.read()], {**opened.about, "phash": note})
        table.write_roots(part, {"dota": tmp_path})
    clean(CleanRequest(tuple(parts), (), tmp_path / "out"))
    assert table.open_table(tmp_path / "out").about["phash"] == {
        "way": "luma",
        "compared": 200,
        "mean_bits": 0.375,
        "max_bits": 2,
    }

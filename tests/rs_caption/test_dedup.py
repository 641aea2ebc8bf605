"""Of look-alikes one row stays, and nothing that looks like a test row stays in training."""

from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rs_caption.dedup import DEFAULT_THRESHOLD, Candidate, Removal, find_removals, summary


def row(image_id, code=0, **facts):
    defaults = {"dataset": "dota", "family": "det", "split": "train", "pixels": 100}
    return Candidate(**{**defaults, "image_id": image_id, "code": code, "is_test": False, **facts})


def leaving(rows, threshold=2):
    """Who leaves, and which row each duplicates."""
    return {left.image_id: left.duplicate_of for left in find_removals(rows, threshold)}


TEST = {"is_test": True, "split": "test"}
WHO_STAYS = {
    "a test row before val": (row("b", **TEST), row("a", split="val")),
    "a test row before human captions and size": (
        row("b", **TEST),
        row("a", family="ret", pixels=999),
    ),
    "val before train": (row("b", split="val"), row("a")),
    "val before human captions and size": (
        row("b", split="val"),
        row("a", family="ret", pixels=999),
    ),
    "human captions before boxes": (row("b", family="ret"), row("a")),
    "human captions before masks": (row("b", family="ret"), row("a", family="seg")),
    "human captions before size": (row("b", family="ret"), row("a", pixels=999)),
    "the larger": (row("b", pixels=101), row("a")),
    "the first id": (row("a"), row("b")),
    "the first id, whatever the dataset": (row("a", dataset="loveda"), row("b", dataset="dior")),
    "boxes and masks are equal: the first id": (row("a", family="seg"), row("b")),
    "a split called test that is not a test row is as train": (row("a"), row("b", split="test")),
}


@pytest.mark.parametrize(("stays", "leaves"), WHO_STAYS.values(), ids=WHO_STAYS)
@pytest.mark.parametrize("code", [0, 0b11])
def test_who_stays(stays, leaves, code):
    leaves = leaves._replace(code=code)
    assert leaving([stays, leaves]) == leaving([leaves, stays]) == {leaves.image_id: stays.image_id}


def test_no_rows_and_no_look_alikes():
    assert find_removals([], 2) == []
    assert find_removals([row("a", 0), row("b", 0b111)], 2) == []


@pytest.mark.parametrize(("threshold", "leaves"), [(0, ""), (1, "b"), (2, "bc"), (3, "bcd")])
def test_the_threshold_is_inclusive(threshold, leaves):
    rows = [row("a", 0), row("b", 1 << 60), row("c", 0b11 << 30), row("d", 0b111 << 4)]
    assert "".join(leaving(rows, threshold)) == leaves


def test_the_default_is_two_bits():
    assert DEFAULT_THRESHOLD == 2


def test_test_rows_never_leave_though_they_are_alike():
    assert leaving([row("a", **TEST), row("b", **TEST), row("c", 1, **TEST)]) == {}


def test_every_training_row_of_a_group_with_a_test_row_leaves():
    rows = [row("a", split="val"), row("b"), row("t", **TEST), row("u", 0b1, **TEST)]
    assert leaving(rows) == {"a": "t", "b": "t"}


def test_a_row_duplicates_the_nearest_of_the_test_rows():
    rows = [row("t", 0b0, **TEST), row("u", 0b1110, **TEST), row("a", 0b110)]
    assert find_removals(rows, 2) == [
        Removal("a", "dota", "train", "u", "dota", "test", 1, None, "test"),
    ]


def test_test_rows_equally_near_the_first_by_rank_is_named():
    rows = [row("u", 0b01, **TEST), row("t", 0b10, **TEST), row("a", 0b00)]
    assert leaving(rows) == {"a": "t"}


def test_a_removal_says_what_why_and_how_far():
    rows = [
        row("dior/9", 0b011, dataset="dior", family="seg"),
        row("rsicd/1", 0b000, dataset="rsicd", family="ret", split="val"),
    ]
    assert find_removals(rows, 2) == [
        Removal(
            image_id="dior/9",
            dataset="dior",
            split="train",
            duplicate_of="rsicd/1",
            duplicate_of_dataset="rsicd",
            duplicate_of_split="val",
            distance=2,
            linked_by=None,
            reason="duplicate",
        )
    ]


def test_a_chain_is_one_group_and_its_far_end_names_its_link():
    """a - b - c - d, two bits from one to the next: c and d are linked to a through others."""
    rows = [row("d", 0b111111), row("b", 0b11), row("a", 0b0), row("c", 0b1111)]
    left = find_removals(rows, 2)
    assert [(r.image_id, r.duplicate_of, r.distance, r.linked_by) for r in left] == [
        ("b", "a", 2, None),
        ("c", "a", 4, "b"),  # b and d are as near: the lower hash
        ("d", "a", 6, "c"),
    ]


def test_the_link_is_the_nearest_one():
    rows = [row("a", 0b0), row("b", 0b11), row("c", 0b1111), row("d", 0b11111)]
    assert {r.image_id: r.linked_by for r in find_removals(rows, 2)} == {
        "b": None,
        "c": "d",  # one bit, where b is two bits away
        "d": "c",
    }


def test_the_link_of_equal_hashes_is_a_row_with_another_hash():
    """c and e are equal, but that links neither to a; of the two rows at b's hash b comes first."""
    rows = [row("e", 0b1111), row("z", 0b11), row("b", 0b11), row("c", 0b1111), row("a", 0b0)]
    assert {r.image_id: r.linked_by for r in find_removals(rows, 2)} == {
        "b": None,
        "c": "b",
        "e": "b",
        "z": None,
    }


def test_a_test_row_reaches_through_a_chain_of_training_rows():
    rows = [row("t", 0b0, **TEST), row("b", 0b11), row("c", 0b1111, split="val")]
    assert find_removals(rows, 2) == [
        Removal("b", "dota", "train", "t", "dota", "test", 2, None, "test"),
        Removal("c", "dota", "val", "t", "dota", "test", 4, "b", "test"),
    ]


def test_equal_hashes_are_one_group_at_distance_0():
    rows = [row(name, 2**64 - 1) for name in "dcba"]
    assert [(r.image_id, r.duplicate_of, r.distance) for r in find_removals(rows, 0)] == [
        ("b", "a", 0),
        ("c", "a", 0),
        ("d", "a", 0),
    ]


def test_groups_do_not_mix():
    rows = [row("a", 0), row("b", 2**64 - 1), row("c", 1), row("d", 2**64 - 2), row("e", 0xFF00)]
    assert leaving(rows) == {"c": "a", "d": "b"}


def test_summary_counts_by_dataset_and_by_what_it_looks_like():
    removals = [
        Removal("a", "dota", "train", "t", "rsicd", "test", 0, None, "test"),
        Removal("b", "dota", "train", "u", "rsicd", "test", 0, None, "test"),
        Removal("c", "dota", "train", "v", "rsicd", "val", 0, None, "duplicate"),
        Removal("d", "dior", "train", "e", "dior", "train", 0, None, "duplicate"),
    ]
    assert summary(removals) == {
        "dota": {"rsicd test": 2, "rsicd val": 1},
        "dior": {"dior train": 1},
    }
    assert summary([]) == {}


def bits(one, other):
    return (one.code ^ other.code).bit_count()


def preference(candidate):
    facts = candidate
    order = [facts.is_test, facts.split == "val", facts.family == "ret"]
    return [not fact for fact in order], -facts.pixels, facts.image_id


def expected_removals(rows, threshold):
    """The oracle: walk the links between all rows, and apply the rules of docs/schema.md."""
    removals, left = [], set(rows)
    while left:
        group, todo = set(), [min(left)]
        while todo:
            one = todo.pop()
            group.add(one)
            todo += [other for other in left - group if bits(one, other) <= threshold]
        left -= group
        best = sorted(group, key=preference)
        stay = [one for one in best if one.is_test] or best[:1]
        for one in sorted(group - set(stay)):
            kept = min(stay, key=lambda other, one=one: (bits(one, other), preference(other)))
            near = [o for o in group if 0 < bits(one, o) <= threshold]
            near.sort(key=lambda o, one=one: (bits(one, o), o.code, preference(o)))
            removals.append(
                Removal(
                    *(one.image_id, one.dataset, one.split),
                    *(kept.image_id, kept.dataset, kept.split),
                    bits(one, kept),
                    near[0].image_id if bits(one, kept) > threshold else None,
                    "test" if kept.is_test else "duplicate",
                )
            )
    return sorted(removals, key=lambda removal: removal.image_id)


@st.composite
def corpora(draw):
    """Up to 25 rows whose hashes are near each other, in no order."""
    rng = Random(draw(st.integers(0, 2**32)))
    used = rng.sample(range(64), draw(st.integers(3, 9)))
    rows = []
    for number in range(draw(st.integers(0, 25))):
        is_test = rng.random() < 0.15
        code = sum(1 << bit for bit in used if rng.random() < 0.5)
        split = "test" if is_test else rng.choice(["train", "train", "val"])
        facts = {"split": split, "is_test": is_test, "pixels": rng.choice([100, 200])}
        dataset, family = rng.choice([("dota", "det"), ("loveda", "seg"), ("rsicd", "ret")])
        rows.append(row(f"{dataset}/{number:02}", code, dataset=dataset, family=family, **facts))
    rng.shuffle(rows)
    return rows


@settings(max_examples=300, deadline=None)
@given(corpora(), st.sampled_from([0, 1, 2, 3]), st.randoms(use_true_random=False))
def test_removals_are_those_of_the_rules_in_whatever_order_rows_come(rows, threshold, rng):
    removals = find_removals(rows, threshold)
    assert removals == expected_removals(rows, threshold)
    rng.shuffle(rows)
    assert find_removals(rows, threshold) == removals

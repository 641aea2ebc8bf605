"""Block search misses no pair: it equals the comparison of all with all."""

from itertools import combinations, pairwise
from random import Random

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rs_caption import blocks

THRESHOLDS = [*range(11), 16]


def found(codes, threshold):
    """The pairs as {(left, right): distance}; none may come twice."""
    links = blocks.near_pairs(np.array(codes, np.uint64), threshold)
    pairs = list(zip(*(column.tolist() for column in links), strict=True))
    assert len({(left, right) for left, right, _ in pairs}) == len(pairs)
    return {(left, right): distance for left, right, distance in pairs}


def compared(codes, threshold):
    """The oracle: every pair, its different bits counted."""
    near = {}
    for (left, one), (right, other) in combinations(enumerate(codes), 2):
        distance = (one ^ other).bit_count()
        if distance <= threshold:
            near[left, right] = distance
    return near


def flipped(code, rng, bits):
    for bit in rng.sample(range(64), bits):
        code ^= 1 << bit
    return code


def shuffled(codes, rng):
    """Each code once, in any order."""
    codes = sorted(set(codes))
    rng.shuffle(codes)
    return codes


@pytest.mark.parametrize(("codes", "pairs"), [([], {}), ([7], {}), ([7, 6], {(0, 1): 1})])
def test_none_one_and_two_codes(codes, pairs):
    assert found(codes, 2) == pairs


def test_a_pair_worked_by_hand():
    """0b0110 and 0b0101 differ in two bits; the third code is three away from both."""
    codes = [0b0110, 1 << 63 | 0b1111, 0b0101]
    assert found(codes, 1) == {}
    assert found(codes, 2) == {(0, 2): 2}
    assert found(codes, 3) == {(0, 2): 2, (0, 1): 3, (1, 2): 3}


def test_complements_are_64_bits_apart_and_never_near():
    assert found([0, 2**64 - 1], 16) == {}


@pytest.mark.parametrize(
    ("threshold", "expected"),
    [
        (0, [(0, 64)]),
        (1, [(0, 32), (32, 32)]),
        (2, [(0, 21), (21, 22), (43, 21)]),
        (3, [(0, 16), (16, 16), (32, 16), (48, 16)]),
    ],
)
def test_segments_worked_by_hand(threshold, expected):
    assert blocks.segments(threshold) == expected


@pytest.mark.parametrize("threshold", range(17))
def test_segments_are_threshold_and_one_and_cover_each_bit_once(threshold):
    parts = blocks.segments(threshold)
    assert len(parts) == threshold + 1
    assert [bit for shift, bits in parts for bit in range(shift, shift + bits)] == list(range(64))
    widths = [bits for _, bits in parts]
    assert max(widths) - min(widths) <= 1


@pytest.mark.parametrize("threshold", range(17))
def test_a_pair_that_shares_only_one_segment_is_found(threshold):
    """The hardest pair there is: one different bit in every segment but one, for each of them."""
    rng = Random(threshold)
    parts = blocks.segments(threshold)
    for shared in parts:
        code = other = rng.getrandbits(64)
        for shift, bits in parts:
            if (shift, bits) != shared:
                other ^= 1 << rng.randrange(shift, shift + bits)
        assert found([code, other], threshold) == {(0, 1): threshold}
        further = other ^ 1 << shared[0]
        assert found([code, further], threshold) == {}


@pytest.mark.parametrize("threshold", THRESHOLDS)
def test_neighbours_planted_at_every_distance(threshold):
    rng = Random(threshold)
    bases = [rng.getrandbits(64) for _ in range(6)]
    codes = shuffled(
        [*bases, *(flipped(base, rng, bits) for base in bases for bits in range(1, 21))], rng
    )
    near = compared(codes, threshold)
    assert len(near) >= 6 * threshold
    assert found(codes, threshold) == near


@pytest.mark.parametrize("threshold", THRESHOLDS)
def test_heavy_buckets(threshold):
    """Three hundred codes that all share most segments, and three hundred that share one."""
    rng = Random(threshold)
    low = [rng.getrandbits(12) for _ in range(300)]
    high = [rng.getrandbits(6) << 58 | 0xABCDEF for _ in range(300)]
    codes = shuffled([*low, *high], rng)
    assert found(codes, threshold) == compared(codes, threshold)


@st.composite
def code_sets(draw):
    """Clusters: codes, codes near them, and codes near those."""
    rng = Random(draw(st.integers(0, 2**32)))
    codes = [rng.getrandbits(64) for _ in range(draw(st.integers(0, 4)))]
    for _ in range(draw(st.integers(0, 30))):
        if codes:
            codes.append(flipped(rng.choice(codes), rng, rng.randint(0, 9)))
    return shuffled(codes, rng)


@settings(max_examples=200, deadline=None)
@given(code_sets(), st.sampled_from(THRESHOLDS))
def test_near_pairs_equal_the_comparison_of_all_with_all(codes, threshold):
    assert found(codes, threshold) == compared(codes, threshold)


def grouped(codes, threshold):
    """The groups as lists of positions."""
    links = blocks.near_pairs(np.array(codes, np.uint64), threshold)
    labels = blocks.groups(len(codes), links).tolist()
    return sorted([at for at, label in enumerate(labels) if label == k] for k in set(labels))


@pytest.mark.parametrize(
    ("codes", "threshold", "groups"),
    [
        ([], 2, []),
        ([5], 2, [[0]]),
        ([0, 1], 0, [[0], [1]]),
        ([0b0, 0b1111, 0b11], 2, [[0, 1, 2]]),  # the ends of a chain are 4 bits apart
        ([0b0, 0b1111, 0b11], 1, [[0], [1], [2]]),
        ([0b0, 1 << 60, 0b1, 3 << 60], 1, [[0, 1, 2, 3]]),  # 1 << 60 is one bit from 0
        ([0b0, 7 << 60, 0b1, 15 << 60], 1, [[0, 2], [1, 3]]),
        ([0b111111, 0b1111, 0b11, 0b0], 2, [[0, 1, 2, 3]]),
    ],
)
def test_groups_reach_through_others(codes, threshold, groups):
    assert grouped(codes, threshold) == groups


@settings(max_examples=100, deadline=None)
@given(code_sets(), st.sampled_from([0, 1, 2, 4, 10]))
def test_groups_equal_those_walked_link_by_link(codes, threshold):
    links = compared(codes, threshold)
    left, groups = set(range(len(codes))), []
    while left:
        group, todo = set(), [min(left)]
        while todo:
            at = todo.pop()
            group.add(at)
            todo += [n for n in left - group if (min(at, n), max(at, n)) in links]
        left -= group
        groups.append(sorted(group))
    assert all(a < b for a, b in pairwise(groups))
    assert grouped(codes, threshold) == groups

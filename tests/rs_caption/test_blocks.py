"""Block search misses no pair: it equals the comparison of all with all."""

from random import Random

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rs_caption import blocks
from rs_caption.blocks.plan import plan_for, size_step
from rs_caption.blocks.search import Search

ROOMY, TINY = 1 << 26, 0


def pairs_in(stream):
    """The pairs as {(left, right): distance}; none may come twice."""
    links = [link for found in stream for link in zip(*(c.tolist() for c in found), strict=True)]
    pairs = {(left, right): distance for left, right, distance in links}
    assert len(pairs) == len(links)
    return pairs


def array(codes):
    return np.array(list(codes), np.uint64)


def found(codes, threshold, memory=ROOMY):
    """By the compiled search, however few the codes."""
    return pairs_in(Search([array(codes)], threshold, memory).run())


def compared(codes, threshold):
    """The oracle: every pair, its different bits counted."""
    near = compared_between(codes, codes, threshold)
    return {(left, right): bits for (left, right), bits in near.items() if left < right}


def compared_between(codes, others, threshold):
    different_MN = array(codes)[:, None] ^ array(others)[None, :]
    bytes_MN8 = different_MN[..., None].view(np.uint8)
    bits_MN = np.unpackbits(bytes_MN8, axis=-1).sum(axis=-1)
    return {
        (left, right): int(bits_MN[left, right])
        for left, right in np.argwhere(bits_MN <= threshold).tolist()
    }


def flipped(code, rng, bits):
    for bit in rng.sample(range(64), bits):
        code ^= 1 << bit
    return code


def shuffled(codes, rng):
    """Each code once, in any order."""
    codes = sorted(set(codes))
    rng.shuffle(codes)
    return codes


def random_codes(number, seed):
    """As many hashes with 32 ones each, as perceptual hashes have."""
    rng = Random(seed)
    return shuffled(
        (sum(1 << bit for bit in rng.sample(range(64), 32)) for _ in range(number)), rng
    )


@pytest.mark.parametrize(("codes", "pairs"), [([], {}), ([7], {}), ([7, 6], {(0, 1): 1})])
def test_none_one_and_two_codes(codes, pairs):
    assert found(codes, 2) == pairs_in(blocks.near_pairs(array(codes), 2)) == pairs


def test_a_pair_worked_by_hand():
    """0b0110 and 0b0101 differ in two bits; the third code is three away from both."""
    codes = [0b0110, 1 << 63 | 0b1111, 0b0101]
    assert found(codes, 1) == {}
    assert found(codes, 2) == {(0, 2): 2}
    assert found(codes, 3) == {(0, 2): 2, (0, 1): 3, (1, 2): 3}


def test_complements_are_64_bits_apart_and_never_near():
    assert found([0, 2**64 - 1], 16) == {}


def test_between_two_sides_worked_by_hand():
    """Positions are each side's own, and equal codes of two sides are a pair."""
    left, right = array([0b1111, 0b0]), array([1 << 63, 0b0111, 0b0])
    expected = {(0, 1): 1, (1, 0): 1, (1, 2): 0}
    assert pairs_in(blocks.near_between(left, right, 1)) == expected
    assert pairs_in(Search([left, right], 1, ROOMY).run()) == expected
    assert pairs_in(blocks.near_between(left, right, 0)) == {(1, 2): 0}


@pytest.mark.parametrize("threshold", range(17))
@pytest.mark.parametrize("memory", [ROOMY, TINY])
def test_neighbours_planted_at_every_distance(threshold, memory):
    rng = Random(threshold)
    bases = random_codes(30, threshold)
    near = (flipped(base, rng, bits) for base in bases for bits in range(1, 21))
    codes = shuffled([*bases, *near], rng)
    expected = compared(codes, threshold)
    assert len(expected) >= 30 * threshold
    assert found(codes, threshold, memory) == expected
    sides = [array(codes[:100]), array(codes[60:])]
    between = pairs_in(Search(sides, threshold, memory).run())
    assert between == compared_between(codes[:100], codes[60:], threshold)


@pytest.mark.parametrize("threshold", [0, 1, 2, 3, 4, 8])
def test_the_widths_a_plan_would_take_lose_no_pair_that_is_hard_to_find(threshold):
    """A few hundred codes, and for each another whose differences are spread over all bits."""
    rng = Random(threshold)
    codes = random_codes(400, 50 + threshold)
    step = 64 // max(threshold, 1)
    spread = []
    for code in codes:
        other = code
        for k in range(threshold):
            other ^= 1 << (k * step + rng.randrange(step))
        spread.append(other)
    codes = shuffled([*codes, *spread], rng)
    assert found(codes, threshold) == compared(codes, threshold)


CHAIN = [(1 << length) - 1 for length in range(64)]  # each one bit from the next


@pytest.mark.parametrize("threshold", [0, 1, 2, 4, 8, 16])
def test_a_chain_of_codes_one_bit_apart(threshold):
    pairs = found(CHAIN, threshold)
    assert len(pairs) == sum(64 - apart for apart in range(1, threshold + 1))
    assert pairs == compared(CHAIN, threshold)


@pytest.mark.parametrize("memory", [ROOMY, TINY])
@pytest.mark.parametrize("threshold", [0, 1, 2, 3, 4])
@pytest.mark.parametrize("shift", [0, 16, 48])
def test_codes_that_are_equal_in_three_of_four_segments(threshold, shift, memory):
    rng = Random(shift)
    codes = [value << shift for value in rng.sample(range(1 << 16), 700)]
    assert found(codes, threshold, memory) == compared(codes, threshold)


def search_of(codes, threshold):
    search = Search([codes], threshold, ROOMY)
    number = sum(len(links.left_P) for links in search.run())
    return search, number


def test_random_codes_cost_few_comparisons():
    """Of 200 million pairs less than one in a hundred is looked at."""
    codes = np.unique(np.random.default_rng(0).integers(0, 2**63, 20_000, np.uint64))
    search, _ = search_of(codes, 4)
    assert search.compared < 2_000_000
    assert search.moved < 20 * len(codes)


def test_a_heavy_bucket_is_cut_further():
    """All codes equal in three of four segments: 65,536 codes, 2.1 billion pairs, 16 bits."""
    codes = np.arange(1 << 16, dtype=np.uint64) << np.uint64(16)
    search, number = search_of(codes, 1)
    assert number == (1 << 16) * 16 // 2
    assert search.compared < 20_000_000
    assert search.moved < 40 * len(codes)


def test_blank_like_clusters_do_not_slow_the_rest():
    """0.5 % of the codes are a few bits from one: their pairs are few against all."""
    rng = np.random.default_rng(1)
    codes = rng.integers(0, 2**63, 40_000, np.uint64)
    one = np.uint64(1)
    blank = one << rng.integers(0, 64, 200).astype(np.uint64)
    blank |= one << rng.integers(0, 64, 200).astype(np.uint64)
    plain, _ = search_of(np.unique(codes), 4)
    search, number = search_of(np.unique(np.concatenate([codes, blank])), 4)
    assert number > 10_000
    assert search.compared < plain.compared * 1.5 + 200 * 200


def test_a_set_that_is_searched_in_blocks_is_compared_with_all_with_all():
    """As the caller has it: 40,000 codes, for 4,000 of them another at up to 6 bits."""
    rng = np.random.default_rng(5)
    codes = rng.integers(0, 1 << 64, 36_000, np.uint64)
    flips_NB = np.uint64(1) << rng.integers(0, 64, (4000, 6)).astype(np.uint64)
    flips_NB[np.arange(6) >= rng.integers(1, 7, (4000, 1))] = 0
    codes = rng.permutation(
        np.unique([*codes, *(codes[:4000] ^ np.bitwise_or.reduce(flips_NB, 1))])
    )
    assert len(codes) ** 2 > blocks.DIRECT_PAIRS
    expected = {}
    for left, code in enumerate(codes):
        bits_N = np.bitwise_count(codes[left + 1 :] ^ code)
        for later in np.flatnonzero(bits_N <= 4).tolist():
            expected[left, left + 1 + later] = int(bits_N[later])
    assert len(expected) == 2807  # of those at up to 4 bits
    assert pairs_in(blocks.near_pairs(codes, 4)) == expected


def test_memory_is_kept_and_changes_nothing():
    codes = array(random_codes(3000, 7))
    codes = np.unique(np.concatenate([codes, codes[:1500] ^ np.uint64(1 << 40 | 1 << 3)]))
    whole, small = Search([codes], 3, ROOMY), Search([codes], 3, 40_000)
    assert pairs_in(whole.run()) == pairs_in(small.run())
    assert whole.loaded == 2 * len(codes)
    assert small.loaded <= small.capacity < 2000


def test_codes_on_disk(tmp_path):
    codes = array(random_codes(2500, 3))
    codes.tofile(tmp_path / "codes")
    mapped = np.memmap(tmp_path / "codes", np.uint64, "r")
    expected = pairs_in(blocks.near_pairs(codes, 12))
    assert expected
    assert pairs_in(Search([mapped], 12, 50_000).run()) == expected


def test_pairs_are_streamed_in_chunks_that_do_not_depend_on_their_number():
    """Codes of eleven bits are all within 11 of each other: 2,096,128 pairs in 1,024 a chunk."""
    search = Search([np.arange(1 << 11, dtype=np.uint64)], 11, 75_000)
    sizes = [len(links.left_P) for links in search.run()]
    assert sum(sizes) == 2048 * 2047 // 2
    assert max(sizes) <= len(search.links.left_P) < 1100


@pytest.mark.parametrize("threshold", [0, 4, 16])
def test_a_plan_compares_small_sets_and_cuts_large_ones(threshold):
    plan = plan_for(threshold)
    assert plan.width_FTS[0, threshold, size_step(4)] == 0
    assert plan.width_FTS[0, threshold, size_step(10**8)] > 0
    cost_S = plan.cost_FTS[0, threshold, size_step(1) :]
    assert (np.diff(cost_S) > 0).all()


@st.composite
def code_sets(draw):
    """Clusters: codes, codes near them, and codes near those."""
    rng = Random(draw(st.integers(0, 2**32)))
    codes = [rng.getrandbits(64) for _ in range(draw(st.integers(0, 4)))]
    for _ in range(draw(st.integers(0, 150))):
        if codes:
            codes.append(flipped(rng.choice(codes), rng, rng.randint(0, 9)))
    return shuffled(codes, rng)


@settings(max_examples=150, deadline=None)
@given(code_sets(), st.integers(0, 16))
def test_near_pairs_equal_the_comparison_of_all_with_all(codes, threshold):
    expected = compared(codes, threshold)
    assert found(codes, threshold) == expected
    assert pairs_in(blocks.near_pairs(array(codes), threshold)) == expected


@settings(max_examples=100, deadline=None)
@given(code_sets(), st.integers(0, 16), st.integers(0, 150), st.integers(0, 150))
def test_near_between_equals_the_comparison_of_all_with_all(codes, threshold, end, start):
    sides = [codes[:end], codes[start:]]
    expected = compared_between(*sides, threshold)
    arrays = [array(side) for side in sides]
    assert pairs_in(Search(arrays, threshold, ROOMY).run()) == expected
    assert pairs_in(blocks.near_between(*arrays, threshold)) == expected

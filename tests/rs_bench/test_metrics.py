"""Recall at k by counting ranks: against clip_benchmark, the definition, and cases by hand."""

import tracemalloc
from itertools import permutations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rs_bench.metrics import Recall, cosine_scores, hits, named, recall, recall_at_k
from rs_bench.ranks import Cosines, Matrix, Positives, Ranks, count_ranks
from rs_bench.topk import both_ways, hits_as_topk

TIES = ("position", "expected", "against")


def test_hand_worked_recall():
    # Three images with two texts each; row = text, column = image.
    scores_TI = np.array(
        [
            [0.9, 0.1, 0.2],  # text 0 of image 0: its image is first
            [0.4, 0.8, 0.6],  # text 1 of image 0: third
            [0.3, 0.7, 0.1],  # text 2 of image 1: first
            [0.5, 0.2, 0.3],  # text 3 of image 1: third
            [0.1, 0.6, 0.5],  # text 4 of image 2: second
            [0.2, 0.3, 0.4],  # text 5 of image 2: first
        ]
    )
    for ties in TIES:
        found = recall_at_k(scores_TI, np.array([0, 0, 1, 1, 2, 2]), ks=(1, 2, 3), ties=ties)
        # Best own text: image 0 has 0.9, first; image 1 0.7, second to 0.8; image 2 0.5, second.
        assert found.image_to_text == pytest.approx((100 / 3, 100, 100))
        assert found.text_to_image == pytest.approx((50, 100 * 4 / 6, 100))
        assert found.mean == pytest.approx((100 / 3 + 100 + 100 + 50 + 400 / 6 + 100) / 6)


def test_ties_count_against_where_nothing_else_is_said():
    # Everything scores alike: no better than a draw, and no draw is won.
    found = recall_at_k(np.ones((4, 2)), np.array([0, 0, 1, 1]), ks=(1, 2, 3))
    assert found.image_to_text == (0, 0, 100)  # two texts of the other image stand before its own
    assert found.text_to_image == (0, 100, 100)
    # An image whose own two texts tie for the best is found at once.
    scores_TI = np.array([[0.9, 0.1], [0.9, 0.2], [0.3, 0.8], [0.2, 0.7]])
    assert recall_at_k(scores_TI, np.array([0, 0, 1, 1]), ks=(1,)).image_to_text == (100,)


def test_what_a_tie_is_worth_by_hand():
    # Texts 0 to 4 score 0.5 0.9 0.5 0.5 0.1, and 2 and 4 are the image's own: one is above, two
    # wrong ones (0 and 3) are level with text 2, one of them before it.
    ranks = Ranks(*(np.array([number], np.int32) for number in (1, 2, 1, 1)))
    scores_TI = np.array([[0.5, 0], [0.9, 0], [0.5, 1], [0.5, 0], [0.1, 1]])
    owners_T = np.array([1, 1, 0, 1, 0])
    (found, _) = count_ranks(Matrix(scores_TI), Positives.own_image(owners_T))
    assert [counts[0] for counts in vars(found).values()] == [1, 2, 1, 1]
    expected = {"position": [0, 0, 1, 1], "against": [0, 0, 0, 1], "expected": [0, 1 / 3, 2 / 3, 1]}
    for ties, of_k in expected.items():
        assert [hits(ranks, k, ties)[0] for k in (1, 2, 3, 4)] == pytest.approx(of_k)


def test_own_ones_that_tie_help_each_other():
    # Three wrong and two own level at the top: 1 - 3/5 at 1, 1 - 3/5 * 2/4 at 2, 1 - 1/10 at 3.
    ranks = Ranks(*(np.array([number], np.int32) for number in (0, 3, 0, 2)))
    assert [hits(ranks, k, "expected")[0] for k in (1, 2, 3, 4)] == pytest.approx(
        [0.4, 0.7, 0.9, 1]
    )


def drawn(num_images, num_texts, levels, seed):
    """Scores of few levels, so that they tie, and any pairs; nobody is without one."""
    rng = np.random.default_rng(seed)
    scores_TI = rng.integers(0, levels, (num_texts, num_images)).astype(float)
    pairs = {(text, int(rng.integers(num_images))) for text in range(num_texts)}
    pairs |= {(int(rng.integers(num_texts)), image) for image in range(num_images)}
    return scores_TI, pairs


def by_definition(scores_NC, positives, k, ties):
    """Per cent of the queries with a positive among the first k, over every order of what ties."""
    shares = []
    for query, scores_C in enumerate(scores_NC):
        candidates = list(range(len(scores_C)))
        orders = [candidates] if ties == "position" else permutations(candidates)
        found = [
            any((query, one) in positives for one in sorted(order, key=lambda c: -scores_C[c])[:k])
            for order in orders
        ]
        shares.append(min(found) if ties == "against" else np.mean(found))
    return 100 * np.mean(shares)


@pytest.mark.parametrize("ties", TIES)
@given(
    num_images=st.integers(1, 4),
    num_texts=st.integers(1, 5),
    levels=st.integers(1, 4),
    seed=st.integers(0, 10_000),
    k=st.integers(1, 6),
)
@settings(deadline=None, max_examples=60)
def test_equals_the_definition_with_any_positives_and_ties(
    ties, num_images, num_texts, levels, seed, k
):
    scores_TI, pairs = drawn(num_images, num_texts, levels, seed)
    positives = Positives(*np.array(sorted(pairs)).T)
    found = recall(count_ranks(Matrix(scores_TI), positives), (k,), ties)
    assert found.text_to_image[0] == pytest.approx(by_definition(scores_TI, pairs, k, ties))
    turned = {(image, text) for text, image in pairs}
    assert found.image_to_text[0] == pytest.approx(by_definition(scores_TI.T, turned, k, ties))


def clip_benchmark_hits(scores_TI, owners_T, k):
    """Hits of the images and of the texts as clip_benchmark has them."""
    torch = pytest.importorskip("torch")
    theirs = pytest.importorskip("clip_benchmark.metrics.zeroshot_retrieval")
    scores = torch.from_numpy(scores_TI)
    pairs = torch.zeros(scores.shape, dtype=torch.bool)
    pairs[torch.arange(len(scores)), torch.from_numpy(owners_T)] = True
    ways = ((scores.T, pairs.T), (scores, pairs))
    return [
        (theirs.batchify(theirs.recall_at_k, *way, 64, "cpu", k=k) > 0).float().numpy()
        for way in ways
    ]


def per_cent(hits_N):
    return pytest.approx(100 * hits_N.mean(dtype=float), abs=1e-6)


@pytest.mark.parametrize("size", [(10, 5), (53, 2), (210, 5), (120, 7)])
def test_recall_equals_clip_benchmark(size):
    num_images, texts_each = size
    rng = np.random.default_rng(num_images)
    owners_T = rng.permutation(np.repeat(np.arange(num_images), texts_each))
    scores_TI = rng.normal(size=(len(owners_T), num_images)).astype(np.float32)
    for ties in TIES:
        found = recall_at_k(scores_TI, owners_T, ties=ties)
        for at, k in enumerate((1, 5, 10)):
            images_I, texts_T = clip_benchmark_hits(scores_TI, owners_T, k)
            assert found.image_to_text[at] == per_cent(images_I)
            assert found.text_to_image[at] == per_cent(texts_T)


@pytest.mark.parametrize("levels", [1, 2, 5, 40])
@pytest.mark.parametrize("size", [(10, 5), (53, 2), (210, 5), (700, 1)])
def test_tied_scores_equal_clip_benchmark_query_by_query(size, levels):
    num_images, texts_each = size
    rng = np.random.default_rng(levels)
    owners_T = rng.permutation(np.repeat(np.arange(num_images), texts_each))
    scores_TI = rng.integers(0, levels, (len(owners_T), num_images)).astype(np.float32)
    positives = Positives.own_image(owners_T)
    both = count_ranks(Matrix(scores_TI), positives)
    for k in (1, 5, 10):
        theirs = clip_benchmark_hits(scores_TI, owners_T, k)
        tables = (scores_TI.T, scores_TI)
        for ranks, scores_NC, pairs, hits_N in zip(
            both, tables, both_ways(positives), theirs, strict=True
        ):
            assert hits_as_topk(scores_NC, ranks, pairs, k).tolist() == hits_N.tolist()
            # Whatever the order, it lies between the luckless and the lucky.
            assert (hits(ranks, k, "against") <= hits_N).all()
            assert (hits(ranks, k, "expected") > hits_N - 1).all()


@pytest.mark.parametrize("k", [1, 2])
def test_the_expected_value_is_clip_benchmarks_mean_over_all_orders(k):
    # Five texts of two images: every order of the texts, with either of the images.
    rng = np.random.default_rng(3)
    owners_T = np.array([0, 0, 1, 1, 1])
    scores_TI = rng.integers(0, 2, (5, 2)).astype(np.float32)
    shares = []
    for texts in permutations(range(5)):
        for images in ([0, 1], [1, 0]):
            shown_TI = np.ascontiguousarray(scores_TI[list(texts)][:, images])
            owners = np.argsort(images)[owners_T[list(texts)]]
            both = clip_benchmark_hits(shown_TI, owners, k)
            shares.append([100 * hits_N.mean(dtype=float) for hits_N in both])
    found = recall_at_k(scores_TI, owners_T, (k,), "expected")
    assert [found.image_to_text[0], found.text_to_image[0]] == pytest.approx(
        np.mean(shares, axis=0), abs=1e-6
    )


def test_features_block_by_block_equal_the_whole():
    # 2,500 texts and 4,200 images are more than a block each way; texts are in no order.
    rng = np.random.default_rng(0)
    owners_T = rng.permutation(np.arange(2500) % 1200)
    images_ID, texts_TD = rng.normal(size=(1200, 12)), rng.normal(size=(2500, 12))
    images_ID = np.concatenate([images_ID, rng.normal(size=(3000, 12))])
    texts_TD = np.concatenate([texts_TD, images_ID[1200:] * 7])
    owners_T = np.concatenate([owners_T, np.arange(1200, 4200)])
    cosines = Cosines(texts_TD.astype(np.float16), images_ID.astype(np.float16))
    positives = Positives.own_image(owners_T)
    told = []
    by_block = count_ranks(cosines, positives, lambda *done: told.append(done))
    at_once = count_ranks(Matrix(cosines.whole()), positives)
    for one, other in zip(by_block, at_once, strict=True):
        for name, counts_N in vars(one).items():
            assert (counts_N == vars(other)[name]).all()
    assert told == [(done, 12) for done in range(1, 13)]  # 6 blocks of texts, 2 of images
    # In single precision a text that is its image's feature is first, but for another as close.
    assert (by_block.text_to_image.above_N[2500:] == 0).all()


def test_equal_features_tie_exactly_wherever_they_stand():
    rng = np.random.default_rng(1)
    (row,) = rng.normal(size=(1, 512))
    texts_TD = rng.normal(size=(2100, 512))
    places = [0, 5, 63, 64, 1023, 1024, 1500, 2047, 2048, 2099]
    texts_TD[places] = row
    images_ID = rng.normal(size=(130, 512))
    images_ID[[0, 129]] = row
    owners_T = np.arange(2100) % 130
    both = count_ranks(Cosines(texts_TD, images_ID), Positives.own_image(owners_T))
    # Image 0 owns texts 0 and, of the others that are alike, none but every 130th.
    own = sum(place % 130 == 0 for place in places)
    assert both.image_to_text.own_N[0] == own
    assert both.image_to_text.level_N[0] == len(places) - own
    assert both.text_to_image.level_N[0] == 1  # image 129


@pytest.mark.parametrize(
    ("num_texts", "num_images", "dimensions"), [(1025, 130, 512), (1027, 33, 768), (130, 4099, 512)]
)
def test_a_block_of_few_rows_scores_as_a_full_one(num_texts, num_images, dimensions):
    # The last text, or image, is in a block that is nearly empty: computed in that shape it would
    # come out a bit in the last place apart.
    rng = np.random.default_rng(0)
    texts_TD = rng.normal(size=(num_texts, dimensions))
    images_ID = rng.normal(size=(num_images, dimensions))
    texts_TD[-1], images_ID[-1] = texts_TD[0], images_ID[0]
    scores_TI = Cosines(texts_TD, images_ID).whole()
    assert (scores_TI[-1] == scores_TI[0]).all()
    assert (scores_TI[:, -1] == scores_TI[:, 0]).all()


def test_ties_in_two_blocks_by_hand():
    # Of 4,200 images 10, 4,100 and 4,150 tie, the own one is 4,100: blocks have 4,096 of them.
    scores_TI = np.zeros((1, 4200), np.float32)
    scores_TI[0, [10, 4100, 4150]] = 0.5
    scores_TI[0, [3, 4097]] = 0.9
    own = Positives(np.array([0]), np.array([4100]))
    ranks = count_ranks(Matrix(scores_TI), own).text_to_image
    assert [counts_N.tolist() for counts_N in vars(ranks).values()] == [[2], [2], [1], [1]]
    # And turned: of 1,100 texts 10, 1,050 and 1,090 tie; blocks have 1,024 of them.
    scores_TI = np.zeros((1100, 1), np.float32)
    scores_TI[[10, 1050, 1090], 0] = 0.5
    own = Positives(np.array([1050]), np.array([0]))
    ranks = count_ranks(Matrix(scores_TI), own).image_to_text
    assert [counts_N.tolist() for counts_N in vars(ranks).values()] == [[0], [2], [1], [1]]


def test_places_across_blocks_are_those_of_a_stable_sort():
    # 40 levels in 4,200 images and 1,100 texts: every query ties in each of its blocks.
    rng = np.random.default_rng(0)
    scores_TI = rng.integers(0, 40, (1100, 4200)).astype(np.float32)
    owners_T = rng.integers(0, 4200, 1100)
    both = count_ranks(Matrix(scores_TI), Positives.own_image(owners_T))
    place_TI = np.argsort(-scores_TI, axis=1, kind="stable").argsort(axis=1, kind="stable")
    expected_T = place_TI[np.arange(1100), owners_T]
    assert ((both.text_to_image.above_N + both.text_to_image.before_N) == expected_T).all()
    images_I, first_I = np.unique(owners_T, return_index=True)  # those with a text, and it
    alone_I = np.bincount(owners_T, minlength=4200)[images_I] == 1
    images_I, text_I = images_I[alone_I], first_I[alone_I]
    order_TI = np.argsort(-scores_TI[:, images_I], axis=0, kind="stable")
    expected_I = (order_TI == text_I).argmax(axis=0)
    ranks = both.image_to_text
    assert ((ranks.above_N + ranks.before_N)[images_I] == expected_I).all()
    assert (ranks.level_N[images_I] > 10).all()
    assert len(images_I) > 700


def test_no_more_than_a_block_of_scores_exists(tmp_path):
    rng = np.random.default_rng(0)
    np.save(tmp_path / "texts.npy", rng.normal(size=(20_000, 8)).astype(np.float16))
    texts_TD = np.load(tmp_path / "texts.npy", mmap_mode="r")
    images_ID = rng.normal(size=(5000, 8)).astype(np.float32)
    owners_T = np.arange(20_000) // 4
    count_ranks(Cosines(texts_TD[:70], images_ID[:20]), Positives.own_image(np.arange(70) % 20))
    tracemalloc.start()
    try:
        count_ranks(Cosines(texts_TD, images_ID), Positives.own_image(owners_T))
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert peak < 60e6  # all scores would be 400 MB


def test_cosine_scores_ignore_length():
    texts_TD = np.array([[3.0, 4.0], [0.0, 2.0]], np.float32)
    images_ID = np.array([[0.6, 0.8], [10.0, 0.0]], np.float32)
    expected = np.array([[1.0, 0.6], [0.8, 0.0]])
    assert cosine_scores(texts_TD, images_ID) == pytest.approx(expected)
    assert Cosines(texts_TD, images_ID).whole() == pytest.approx(expected)


def test_mean_recall_is_the_mean_of_all_six():
    six = Recall((10, 20, 30), (40, 50, 60))
    assert six.mean == 35
    assert named(six, suffix="_ceiling") == {
        "image_to_text_1_ceiling": 10,
        "image_to_text_5_ceiling": 20,
        "image_to_text_10_ceiling": 30,
        "text_to_image_1_ceiling": 40,
        "text_to_image_5_ceiling": 50,
        "text_to_image_10_ceiling": 60,
        "mean_recall_ceiling": 35,
    }


def test_nothing_belongs_together():
    nobody = Positives(np.array([], np.intp), np.array([], np.intp))
    with pytest.raises(ValueError, match="one pair at least"):
        count_ranks(Matrix(np.ones((2, 2))), nobody)

"""What chance decides: weights to the row, crops as torchvision's, nothing but functions."""

import math
from collections import Counter

import numpy as np
import pytest
import torch
from scipy.stats import ks_2samp
from torchvision.transforms import RandomResizedCrop

from rs_caption.errors import UserError
from rs_train.draws import Deck, draw, epoch_length, epoch_order, other_unit
from rs_train.settings import Data


def counts(weights, epoch=0, seed=0):
    weights_N = np.array(weights, float)
    shown = Counter((epoch_order(weights_N, seed, epoch) % len(weights_N)).tolist())
    return [shown[unit] for unit in range(len(weights))]


def test_weights_say_how_often_a_row_is_shown():
    assert counts([1, 1, 1]) == [1, 1, 1]
    assert counts([2, 1, 3]) == [2, 1, 3]
    shown = counts([1.5] * 10 + [0.25] * 8 + [1] * 3)
    assert Counter(shown[:10]) == {1: 5, 2: 5}
    assert Counter(shown[10:18]) == {0: 6, 1: 2}
    assert shown[18:] == [1, 1, 1]


def test_the_extra_half_is_another_one_each_epoch_and_the_length_stays():
    weights = [1.5] * 40
    assert counts(weights, epoch=0) != counts(weights, epoch=1)
    assert counts(weights, epoch=1) == counts(weights, epoch=1)
    assert {sum(counts(weights, epoch)) for epoch in range(5)} == {60}
    assert epoch_length(np.array(weights)) == 60


def test_a_second_showing_is_another_card_of_the_same_row():
    cards = epoch_order(np.array([2.0, 2.0]), 0, 0).tolist()
    assert sorted(cards) == [0, 1, 2, 3]  # rows 0, 1, 0, 1
    first, second = (draw(0, 0, card, 5, (40, 40), Data()) for card in (0, 2))
    assert first != second


def test_the_bits_of_an_order_and_a_draw_never_change():
    assert epoch_order(np.ones(8), 1, 2).tolist() == [4, 2, 0, 6, 1, 5, 7, 3]
    one = draw(1, 2, 3, 5, (400, 300), Data())
    assert (one.caption, one.flip, one.turns) == (2, False, 3)
    assert one.crop == pytest.approx((0.00417983, 0.00569991, 0.96442866, 0.99137396), abs=1e-8)


def test_orders_differ_by_seed_and_epoch_and_show_all():
    orders = [epoch_order(np.ones(50), seed, epoch).tolist() for seed in (0, 1) for epoch in (0, 1)]
    assert all(sorted(order) == list(range(50)) for order in orders)
    assert len({tuple(order) for order in orders}) == 4


def test_every_place_in_an_epoch_is_as_likely_for_a_row():
    places = np.array(
        [epoch_order(np.ones(4), 0, epoch).tolist().index(0) for epoch in range(2000)]
    )
    assert np.bincount(places).tolist() == pytest.approx([500] * 4, rel=0.12)


def test_draws_are_spread_evenly():
    drawn = [draw(0, 0, card, 5, (400, 400), Data()) for card in range(4000)]
    assert np.bincount([one.caption for one in drawn]) == pytest.approx([800] * 5, rel=0.12)
    assert np.bincount([one.turns for one in drawn]) == pytest.approx([1000] * 4, rel=0.12)
    assert sum(one.flip for one in drawn) == pytest.approx(2000, rel=0.1)


def test_what_is_switched_off_leaves_the_rest_as_it_was():
    for card in range(20):
        both = draw(0, 0, card, 5, (400, 300), Data())
        bare = draw(0, 0, card, 5, (400, 300), Data(flip=False, rotate=False))
        assert (bare.caption, bare.crop) == (both.caption, both.crop)
        assert (bare.flip, bare.turns) == (False, 0)


@pytest.mark.parametrize("size_wh", [(400, 400), (400, 300), (1920, 1080), (300, 1000)])
@pytest.mark.parametrize("scale", [(0.9, 1.0), (0.3, 0.8)])
def test_crops_are_spread_as_torchvisions(size_wh, scale):
    width, height = size_wh
    torch.manual_seed(0)
    image = torch.empty(3, height, width)
    its = [RandomResizedCrop.get_params(image, list(scale), [3 / 4, 4 / 3]) for _ in range(1000)]
    crops = [draw(0, 0, card, 1, size_wh, Data(crop_scale=scale)).crop for card in range(1000)]
    ours = [
        (crop.y * height, crop.x * width, crop.height * height, crop.width * width)
        for crop in crops
    ]
    for one, other in zip(np.array(its).T, np.round(ours).T, strict=True):  # y, x, height, width
        assert ks_2samp(one, other).pvalue > 0.01


def test_crops_lie_within_the_image_and_are_spread_over_it():
    crops = [draw(0, 0, card, 1, (400, 300), Data()).crop for card in range(2000)]
    right = np.array([crop.x / (1 - crop.width) for crop in crops if crop.width < 1])
    down = np.array([crop.y / (1 - crop.height) for crop in crops if crop.height < 1])
    for where in (right, down):
        assert 0 <= where.min() < 0.02
        assert 0.98 < where.max() <= 1 + 1e-9
        assert where.mean() == pytest.approx(0.5, abs=0.03)
    areas = np.array([crop.width * crop.height for crop in crops])
    assert 0.9 <= areas.min() < areas.max() <= 1


def test_without_cropping_it_is_the_square_in_the_middle():
    crop = draw(0, 0, 7, 1, (400, 300), Data(crop_scale=(1.0, 1.0))).crop
    assert crop == pytest.approx((0.125, 0, 0.75, 1))


def test_a_deck_deals_full_batches_and_leaves_the_rest():
    deck = Deck(np.ones(10), batch=3, seed=0)
    assert deck.steps_per_epoch == 3
    epochs = [[deck.at(epoch * 3 + at) for at in range(3)] for epoch in range(2)]
    for epoch, steps in enumerate(epochs):
        assert [number for number, _ in steps] == [epoch] * 3
        dealt = np.concatenate([cards for _, cards in steps]).tolist()
        assert dealt == epoch_order(np.ones(10), 0, epoch).tolist()[:9]
    assert deck.at(4)[1].tolist() == Deck(np.ones(10), 3, 0).at(4)[1].tolist()  # from anywhere


def test_fewer_samples_than_a_batch():
    with pytest.raises(UserError, match=r"optim.batch is 64, but an epoch shows 10 samples"):
        Deck(np.ones(10), 64, 0)


def test_stand_ins_differ_by_attempt_and_are_spread():
    found = [other_unit(0, 0, card, attempt, 10) for card in range(200) for attempt in range(3)]
    assert np.bincount(found, minlength=10) == pytest.approx([60] * 10, rel=0.4)
    assert math.prod(np.bincount(found[::3], minlength=10)) > 0

"""Losses on features whose values are worked out by hand."""

import math

import pytest
import torch
from open_clip.loss import ClipLoss, SigLipLoss
from torch.nn import functional

from rs_train.config import Loss
from rs_train.loss import loss_of

ONE = torch.tensor(1.0)
# Three images along the axes; the first caption lies between the first two images.
IMAGES = torch.eye(3)
TEXTS = torch.tensor([[1.0, 1.0, 0.0], [0.0, 1.0, 0.0], [0.0, 0.0, 1.0]])
# logits: image 0 [1 0 0], image 1 [1 1 0], image 2 [0 0 1]; their columns are the captions'.
E = math.e


def value(name, contents, images=IMAGES, texts=TEXTS, scale=ONE, bias=None):
    return loss_of(Loss(name=name), 0, 1)(images, texts, scale, bias, torch.tensor(contents))


def features(size=6, seed=0):
    chance = torch.Generator().manual_seed(seed)
    two = torch.randn(2, size, 5, generator=chance)
    return [functional.normalize(one, dim=-1).requires_grad_() for one in two]


def test_infonce_by_hand():
    images = (math.log(E + 2) - 1) + (math.log(2 * E + 1) - 1) + (math.log(E + 2) - 1)
    texts = (math.log(2 * E + 1) - 1) + (math.log(E + 2) - 1) + (math.log(E + 2) - 1)
    assert value("infonce", [0, 1, 2]).item() == pytest.approx((images + texts) / 6, abs=1e-6)


def test_multi_positive_by_hand():
    """Rows 0 and 1 show the same: each is to spread its choice evenly over both."""
    images = [
        math.log(E + 2) - (1 + 0) / 2,
        math.log(2 * E + 1) - (1 + 1) / 2,
        math.log(E + 2) - 1,
    ]
    texts = [
        math.log(2 * E + 1) - (1 + 1) / 2,
        math.log(E + 2) - (0 + 1) / 2,
        math.log(E + 2) - 1,
    ]
    expected = (sum(images) + sum(texts)) / 6
    assert value("multi_positive", [7, 7, 9]).item() == pytest.approx(expected, abs=1e-6)


def test_multi_positive_without_equal_contents_is_infonce():
    images, texts = features()
    found = [
        value(name, range(6), images, texts, ONE * 50) for name in ("infonce", "multi_positive")
    ]
    torch.testing.assert_close(*found, rtol=0, atol=1e-6)


def test_equal_captions_have_the_gradient_of_infonce_already():
    """Why positives are by content: identical strings have identical features."""
    images, texts = features()
    with torch.no_grad():
        texts[1], images[1] = texts[0], images[0]
    gradients = [
        torch.autograd.grad(value(name, contents, images, texts, ONE * 10), [images, texts])
        for name, contents in (("infonce", range(6)), ("multi_positive", [0, 0, 2, 3, 4, 5]))
    ]
    for one, other in zip(*gradients, strict=True):
        both = one[0] + one[1], other[0] + other[1]  # they share their features
        torch.testing.assert_close(*both, rtol=0, atol=1e-6)
        torch.testing.assert_close(one[2:], other[2:], rtol=0, atol=1e-6)


def test_infonce_and_siglip_are_open_clips():
    images, texts = features()
    scale, bias = torch.tensor(20.0), torch.tensor(-5.0)
    assert value("infonce", range(6), images, texts, scale) == ClipLoss()(images, texts, scale)
    expected = SigLipLoss()(images, texts, scale, bias)
    assert value("siglip", range(6), images, texts, scale, bias) == expected

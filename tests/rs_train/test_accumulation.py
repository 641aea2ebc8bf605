"""A batch that goes through the model in parts has the loss and gradient of the whole batch."""

import pytest
import torch
from trainee import CPU, RESNET, VIT, drawn_batch, recipe

from rs_caption.errors import UserError
from rs_train.config import parse
from rs_train.loop import make_trainee
from rs_train.step import accumulated, normalised, statistics_kept, train_step

SIGLIP = {"loss": {"name": "siglip"}}
MULTI = {"loss": {"name": "multi_positive"}}
DROPS = VIT | {"vision_cfg": VIT["vision_cfg"] | {"patch_dropout": 0.5}}


def stepped(batch, accumulate, architecture=VIT, **parts):
    """Loss, gradients and length of the gradient after a step that learns nothing."""
    config = recipe(architecture, **parts | {"optim": {"accumulate": accumulate, "lr": 1e-30}})
    _, trainee = make_trainee(config, CPU)
    outcome = train_step(trainee, batch)
    gradients = {name: each.grad for name, each in trainee.core.named_parameters()}
    return outcome.loss, gradients, outcome.grad_norm


@pytest.mark.parametrize("accumulate", [2, 4, 8])
@pytest.mark.parametrize("parts", [{}, MULTI, SIGLIP], ids=["infonce", "multi_positive", "siglip"])
def test_parts_equal_the_whole(accumulate, parts):
    batch = drawn_batch(contents=[1, 1, 2, 3, 4, 4, 4, 5])
    whole, again = stepped(batch, 1, **parts), stepped(batch, accumulate, **parts)
    assert set(whole[1]) == set(again[1])
    assert whole[2] > 0.1
    torch.testing.assert_close(again, whole, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize(
    ("architecture", "locks"),
    [
        (VIT, {"lock_image": 0}),
        (VIT, {"lock_image": 1}),
        (VIT, {"lock_text": 0}),
        (VIT, {"lock_image": 0, "lock_text": 0}),  # the temperature learns alone
        (RESNET, {"lock_image": 0}),
    ],
)
def test_with_a_frozen_tower_parts_equal_the_whole(architecture, locks):
    batch = drawn_batch(model=architecture)
    whole, again = (stepped(batch, number, architecture, model=locks) for number in (1, 4))
    frozen, learning = [], []
    for name, gradient in whole[1].items():
        (frozen if gradient is None else learning).append(name)
    assert frozen
    assert "logit_scale" in learning
    torch.testing.assert_close(again, whole, rtol=1e-4, atol=1e-5)


def test_what_a_part_drops_it_drops_both_times():
    """With dropped patches no whole batch compares; the loss must be that of the second pass."""
    config = recipe(DROPS, optim={"accumulate": 2})
    _, trainee = make_trainee(config, CPU)
    batch = drawn_batch()
    seen = []
    trainee.core.visual.register_forward_hook(lambda *args: seen.append(args[-1].detach()))
    train_step(trainee, batch)
    first, second = seen[:2], seen[2:]
    torch.testing.assert_close(first, second, rtol=0, atol=0)
    assert not torch.equal(*first)


def test_running_statistics_count_every_part_once():
    config = recipe(RESNET, optim={"accumulate": 2})
    _, trainee = make_trainee(config, CPU)
    batch = drawn_batch(model=RESNET)
    train_step(trainee, batch)
    norm = trainee.core.visual.bn1
    assert norm.num_batches_tracked == 2
    assert norm.track_running_stats
    with statistics_kept(trainee.core), torch.no_grad():
        before = norm.running_mean.clone()
        trainee.core.visual(torch.randn(2, 3, 32, 32))
        assert torch.equal(norm.running_mean, before)


def test_bf16_parts_are_near_the_whole():
    batch = drawn_batch()
    whole, again = (stepped(batch, n, run={"precision": "bf16"}) for n in (1, 2))
    torch.testing.assert_close(again[0], whole[0], rtol=0, atol=0.02)


def test_fp16_is_scaled_and_unscaled():
    config = recipe(run={"precision": "fp16"}, optim={"accumulate": 2, "lr": 1e-30})
    _, trainee = make_trainee(config, CPU)
    found = [train_step(trainee, drawn_batch()) for _ in range(12)]
    *overflowed, last = [outcome.grad_norm for outcome in found]
    assert not overflowed[0].isfinite()  # the scale begins too high, and halves
    assert 1 < trainee.scaler.get_scale() < 65536
    torch.testing.assert_close(last, stepped(drawn_batch(), 1)[2], rtol=0.05, atol=0)


def test_a_batch_that_does_not_divide():
    with pytest.raises(UserError, match="batch 8 is not divisible by accumulate 3"):
        parse(
            {"model": {"name": "x"}, "optim": {"lr": 1, "batch": 8, "steps": 1, "accumulate": 3}},
            "",
        )


def test_accumulated_is_what_a_step_uses():
    _, trainee = make_trainee(recipe(optim={"accumulate": 2}), CPU)
    batch = drawn_batch()
    images = normalised(batch.images_BCHW, trainee.mean_C11, trainee.std_C11)
    loss = accumulated(trainee, images, batch.tokens_BL, batch.content_B, 0)
    assert loss == stepped(batch, 2)[0]

"""One step: its temperature, and the ways to compute it that change nothing but cost."""

import math

import pytest
import torch
from trainee import CPU, RESNET, VIT, drawn_batch, recipe

from rs_train.loop import make_trainee
from rs_train.step import train_step


def trainee_of(architecture=VIT, **parts):
    return make_trainee(recipe(architecture, **parts), CPU)[1]


@pytest.mark.parametrize(("before", "after"), [(9.0, math.log(100)), (-9.0, 0.0), (2.0, 2.0)])
def test_the_temperature_stays_between_1_and_100(before, after):
    it = trainee_of(optim={"lr": 1e-9})
    log_scale = it.core.get_parameter("logit_scale").detach()
    torch.nn.init.constant_(log_scale, before)
    outcome = train_step(it, drawn_batch())
    assert float(log_scale) == pytest.approx(after, abs=1e-6)
    assert float(outcome.scale) == pytest.approx(math.exp(before), rel=1e-6)  # of the step itself


@pytest.mark.parametrize(
    ("architecture", "block"),
    [
        (VIT, "visual.transformer.resblocks.0"),
        (VIT, "transformer.resblocks.1"),
        (RESNET, "transformer.resblocks.0"),
    ],
)
def test_activations_that_are_not_kept_are_computed_again(architecture, block):
    calls, gradients = [], []
    for checkpointing in (False, True):
        it = trainee_of(architecture, model={"grad_checkpointing": checkpointing})
        runs = []
        # Before it, since the second time it is left once it has what is needed.
        it.core.get_submodule(block).register_forward_pre_hook(lambda *_, its=runs: its.append(1))
        loss = train_step(it, drawn_batch(model=architecture)).loss
        calls.append(len(runs))
        gradients.append((loss, [each.grad for each in it.core.parameters()]))
    assert calls == [1, 2]
    torch.testing.assert_close(*gradients, rtol=1e-5, atol=1e-7)


@pytest.mark.parametrize("accumulate", [1, 2])
def test_a_compiled_model_is_called_through_torch_compile(accumulate):
    parts = {"optim": {"accumulate": accumulate}}
    plain, compiled = (
        trainee_of(**parts, model={"compile": compiling}) for compiling in (False, True)
    )
    with torch.compiler.set_stance("fail_on_recompile"):  # as it is when nothing is compiled yet
        expected = train_step(plain, drawn_batch())
        with pytest.raises(RuntimeError, match="recompile"):
            train_step(compiled, drawn_batch())
    with torch.compiler.set_stance("force_eager"):
        found = train_step(compiled, drawn_batch())
    torch.testing.assert_close(found, expected, rtol=0, atol=0)
    names = [set(it.core.state_dict()) for it in (plain, compiled)]
    assert names[0] == names[1]  # checkpoints know nothing of it

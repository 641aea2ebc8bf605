"""The same model, data, order and hyper-parameters as open_clip's own trainer: the same losses."""

from types import SimpleNamespace

import pytest
import torch
from open_clip.loss import ClipLoss
from open_clip_train.scheduler import const_lr, cosine_lr
from open_clip_train.train import train_one_epoch
from torchvision.transforms.functional import normalize
from trainee import CPU, RESNET, VIT, drawn_batch, recipe

from rs_train.loop import make_trainee
from rs_train.optimizer import lr_at, set_lr
from rs_train.step import train_step

EPOCHS, PER_EPOCH = 5, 10
STEPS = EPOCHS * PER_EPOCH


class Scalars:
    """What open_clip's trainer writes to TensorBoard."""

    def __init__(self):
        self.of = {}

    def add_scalar(self, name, value, step):
        self.of[name, step] = value


class Loader(list):
    """What it calls a data loader."""

    @property
    def num_batches(self):
        return len(self)

    @property
    def num_samples(self):
        return sum(len(images) for images, _ in self)


def its_optimizer(model, optim):
    """As open_clip_train/main.py makes it."""
    exclude = lambda n, p: (  # noqa: E731 -- its own words
        p.ndim < 2 or "bn" in n or "ln" in n or "bias" in n or "logit_scale" in n
    )
    named = list(model.named_parameters())
    groups = [
        {"params": [p for n, p in named if exclude(n, p)], "weight_decay": 0.0},
        {"params": [p for n, p in named if not exclude(n, p)], "weight_decay": optim.weight_decay},
    ]
    return torch.optim.AdamW(groups, lr=optim.lr, betas=optim.betas, eps=optim.eps)


def its_losses(config, batches, schedule, accumulate):
    """Of each update the loss, the temperature and the learning rate, by open_clip_train."""
    made, _ = make_trainee(config, CPU)
    optim = config.optim
    optimizer = its_optimizer(made.model, optim)
    args = SimpleNamespace(
        device="cpu",
        precision="fp32" if config.run.precision == "fp32" else "amp_bf16",
        distill=False,
        accum_freq=accumulate,
        skip_scheduler=False,
        horovod=False,
        grad_clip_norm=optim.clip_norm,
        log_every_n_steps=1,
        batch_size=len(batches[0].images_BCHW) // accumulate,
        rank=0,
        local_rank=0,
        world_size=1,
        log_local=False,
        wandb=False,
    )
    scheduler = schedule(optimizer, optim.lr, optim.warmup, STEPS)
    scalars = Scalars()
    for epoch in range(EPOCHS):
        loader = Loader()
        for batch in batches[epoch * PER_EPOCH :][:PER_EPOCH]:
            images = normalize(batch.images_BCHW / 255, made.mean, made.std)
            parts = zip(images.chunk(accumulate), batch.tokens_BL.chunk(accumulate), strict=True)
            loader.extend(parts)
        data = {"train": SimpleNamespace(dataloader=loader, set_epoch=lambda _: None)}
        loss = ClipLoss()
        train_one_epoch(
            made.model, data, loss, epoch, optimizer, None, scheduler, None, args, scalars
        )
    names = ("train/loss", "train/scale", "train/lr")
    return torch.tensor([[scalars.of[name, step] for name in names] for step in range(STEPS)])


def our_losses(config, batches):
    _, trainee = make_trainee(config, CPU)
    found = []
    for batch in batches:
        lr = lr_at(batch.step, config.optim, STEPS)
        set_lr(trainee.optimizer, lr)
        outcome = train_step(trainee, batch)
        found.append([outcome.loss.item(), outcome.scale.item(), lr])
    return torch.tensor(found)


@pytest.mark.parametrize(
    ("model", "optim", "schedule", "accumulate"),
    [
        (VIT, {"warmup": 7}, cosine_lr, 1),
        (VIT, {"clip_norm": 0.5, "schedule": "constant", "warmup": 3}, const_lr, 1),
        (VIT, {}, cosine_lr, 4),
        (RESNET, {"warmup": 7, "weight_decay": 0.5}, cosine_lr, 1),
    ],
    ids=["vit", "clipped, constant", "accumulated", "resnet"],
)
def test_fifty_steps_have_the_losses_of_open_clips_trainer(model, optim, schedule, accumulate):
    batches = [drawn_batch(step % 25, model=model)._replace(step=step) for step in range(STEPS)]
    theirs = its_losses(recipe(model, optim=optim), batches, schedule, accumulate)
    ours = our_losses(recipe(model, optim=optim | {"accumulate": accumulate}), batches)
    assert theirs[:25, 0].mean() > theirs[25:, 0].mean() + 0.1  # it learned something
    torch.testing.assert_close(ours, theirs, rtol=0, atol=1e-5)

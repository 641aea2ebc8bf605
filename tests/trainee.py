"""Tiny models and drawn batches for the tests of the trainer."""

from __future__ import annotations

import numpy as np
import torch
from PIL import Image

from rs_caption import table
from rs_caption.sample import Boxes
from rs_train.batches import Batch
from rs_train.config import parse
from rs_train.distributed import World

torch.set_num_threads(1)  # such small models spend their time on waking threads

VOCABULARY = 512
TEXT = {"context_length": 12, "vocab_size": VOCABULARY, "width": 32, "heads": 2, "layers": 2}
VIT = {
    "embed_dim": 24,
    "quick_gelu": True,
    "vision_cfg": {"image_size": 32, "layers": 2, "width": 32, "head_width": 16, "patch_size": 8},
    "text_cfg": TEXT,
}
RESNET = {
    "embed_dim": 24,
    "vision_cfg": {"image_size": 32, "layers": [1, 1, 1, 1], "width": 8, "patch_size": None},
    "text_cfg": TEXT,
}
SPEAKING = VIT | {"text_cfg": TEXT | {"vocab_size": 49408, "width": 8}}  # of real captions
CPU = World(0, 1, torch.device("cpu"))


def recipe(architecture=VIT, /, *, batch=8, steps=50, **parts):
    """A recipe of a tiny model; `optim={"clip_norm": 1.0}` sets what is in a part."""
    plain = {
        "model": {"name": "tiny", "config": architecture},
        "optim": {"lr": 1e-3, "batch": batch, "steps": steps},
    }
    for name, values in parts.items():
        plain[name] = plain.get(name, {}) | values
    return parse(plain, "test")


def write_rows(folder, number=16):
    """A table of pictures of noise, the second half of them held out; the folder of the table."""
    chance = np.random.default_rng(0)
    made = []
    for at in range(number):
        name = f"{at:02d}.png"
        Image.fromarray(chance.integers(0, 256, (40, 40, 3), np.uint8)).save(folder / name)
        split = "train" if at < number // 2 else "val"
        about = ("rsicd", "ret", split, name, None, None, (40, 40))
        made.append(table.Row(*about, (f"picture {at}",), ("human",), Boxes.of([])))
    (folder / "table").mkdir()
    arrow = [table.to_arrow(made)]
    table.write(folder / "table" / table.TABLE_FILE, arrow, table.metadata({}))
    table.write_roots(folder / "table", {"rsicd": folder})
    return str(folder / "table")


def drawn_batch(step=0, size=8, contents=None, model=VIT):
    """Images of noise and tokens of noise, the same for the same step."""
    chance = torch.Generator().manual_seed(step)
    side = model["vision_cfg"]["image_size"]
    length = model["text_cfg"]["context_length"]
    images = torch.randint(0, 256, (size, 3, side, side), generator=chance, dtype=torch.uint8)
    tokens = torch.randint(1, VOCABULARY - 1, (size, length), generator=chance)
    tokens[:, -1] = VOCABULARY - 1  # the end of a caption
    content = torch.arange(size) if contents is None else torch.tensor(contents)
    return Batch(images, tokens, content, torch.arange(size), 0, step, ())


def rows_of(batch, rows):
    """The batch of some of the rows."""
    parts = (part[rows] for part in batch[:4])
    return Batch(*parts, batch.epoch, batch.step, ())

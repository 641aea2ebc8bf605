"""The loader: what a step shows is a function of the step, whoever loads it and from where."""

import multiprocessing
import os
import signal
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
import torch
from fakes.corpora import row, some_rows, tile, write_table

from rs_caption.errors import UserError, WorkerError
from rs_caption.sample import Window
from rs_train.batches import batches, deck_of
from rs_train.config import Config, Data, Loss, Model, Optim, Run, TableUse
from rs_train.corpus import open_corpus
from rs_train.draws import draw
from rs_train.images import read
from rs_train.packing import pack

SIZE_PX, LENGTH = 16, 24


def letters(texts):
    """A tokenizer: the codes of the letters."""
    rows = [[ord(letter) for letter in text[:LENGTH]] for text in texts]
    return torch.tensor([row + [0] * (LENGTH - len(row)) for row in rows])


def said(tokens_BL):
    """And back."""
    return ["".join(map(chr, filter(None, row))) for row in tokens_BL.tolist()]


@dataclass(frozen=True)
class Toy:
    """All that a loader has to know of a model."""

    tokenizer: object = staticmethod(letters)
    image_size: int = SIZE_PX


def config(*tables, batch=4, seed=0, loss="infonce", **data):
    uses = [one if isinstance(one, TableUse) else TableUse(path=str(one)) for one in tables]
    return Config(
        model=Model(name="toy"),
        optim=Optim(lr=1e-3, batch=batch, epochs=1),
        data=Data(tables=tuple(uses), **{"workers": 0, **data}),
        loss=Loss(name=loss),
        run=Run(seed=seed, device="cpu"),
    )


def loaded(recipe, steps, rank=0, world=1):
    return list(batches(open_corpus(recipe.data), recipe, Toy(), steps, rank, world))


def same(one, other):
    assert len(one) == len(other) > 0
    for a, b in zip(one, other, strict=True):
        assert (a.epoch, a.step, a.corrupt) == (b.epoch, b.step, b.corrupt)
        assert all(torch.equal(x, y) for x, y in zip(a[:4], b[:4], strict=True))


@pytest.fixture(scope="module")
def table(tmp_path_factory):
    return write_table(tmp_path_factory.mktemp("table"), some_rows(22, ".jpg"))


def test_a_batch_is_what_was_drawn_for_its_rows(table):
    recipe = config(table)
    corpus = open_corpus(recipe.data)
    for batch in loaded(recipe, range(7)):
        assert batch.images_BCHW.shape == (4, 3, SIZE_PX, SIZE_PX)
        assert batch.images_BCHW.dtype == torch.uint8
        assert batch.images_BCHW.is_contiguous(memory_format=torch.channels_last)
        for at, number in enumerate(batch.rows_B.tolist()):
            chosen = draw(0, batch.epoch, number, 3, (40, 30), recipe.data)
            expected = read(corpus.place(number), chosen, SIZE_PX)
            assert np.array_equal(batch.images_BCHW[at].permute(1, 2, 0).numpy(), expected)
            assert said(batch.tokens_BL)[at] == corpus.captions(number)[chosen.caption]


def test_an_epoch_shows_each_row_once_in_another_order(table):
    recipe = config(table)
    found = loaded(recipe, range(10))
    assert [batch.epoch for batch in found] == [0] * 5 + [1] * 5
    epochs = [torch.cat([one.rows_B for one in found if one.epoch == e]).tolist() for e in (0, 1)]
    assert all(len(set(rows)) == 20 for rows in epochs)  # 2 are left over
    assert epochs[0] != epochs[1]


@pytest.mark.parametrize("captions", ["one", "flat"])
def test_the_number_of_workers_changes_nothing(table, captions):
    recipe = config(table, batch=8, captions=captions)
    alone = loaded(recipe, range(6))
    for workers in (1, 2):
        same(alone, loaded(config(table, batch=8, captions=captions, workers=workers), range(6)))


def test_a_run_goes_on_from_any_step(table):
    recipe = config(table)
    straight = loaded(recipe, range(12))
    for start in (1, 5, 7):  # within an epoch, at its end, in the next
        same(straight[start:], loaded(recipe, range(start, 12)))


def test_ranks_share_what_one_process_gets(table):
    recipe = config(table, batch=6)
    whole = loaded(recipe, range(4))
    for world in (2, 3):
        ranks = [loaded(recipe, range(4), rank, world) for rank in range(world)]
        for at, batch in enumerate(whole):
            for rank in range(world):
                mine = ranks[rank][at]
                assert torch.equal(mine.rows_B, batch.rows_B[rank::world])
                assert torch.equal(mine.images_BCHW, batch.images_BCHW[rank::world])
                assert torch.equal(mine.tokens_BL, batch.tokens_BL[rank::world])


def test_a_batch_larger_than_what_a_worker_loads_at_a_time(tmp_path):
    big = write_table(tmp_path, some_rows(150))
    one = loaded(config(big, batch=150), range(4))
    for workers in (1, 2):  # memory for fewer parts than these steps have: it is used again
        same(one, loaded(config(big, batch=150, workers=workers), range(4)))
    assert sorted(one[0].rows_B.tolist()) == list(range(150))


def test_a_seed_of_its_own(table):
    one, other = (loaded(config(table, seed=seed), range(5)) for seed in (0, -1))
    assert [b.rows_B.tolist() for b in one] != [b.rows_B.tolist() for b in other]


def test_one_caption_an_epoch_or_all_of_them(tmp_path):
    rows = [row(f"{at}.png", [f"{at}{letter}" for letter in "abc"]) for at in range(8)]
    table = write_table(tmp_path, rows)
    one = loaded(config(table), range(200))
    shown = [text for batch in one for text in said(batch.tokens_BL)]
    assert {len(set(shown[at : at + 8])) for at in range(0, len(shown), 8)} == {8}
    assert {text[0] for text in shown[:8]} == set("01234567")
    assert [shown.count(f"0{letter}") for letter in "abc"] == pytest.approx([33] * 3, abs=15)
    flat = loaded(config(table, captions="flat"), range(6))
    assert sorted(text for batch in flat for text in said(batch.tokens_BL)) == sorted(
        text for row in rows for text in row.captions
    )
    assert deck_of(open_corpus(config(table).data), config(table)).steps_per_epoch == 2
    recipe = config(table, captions="flat")
    assert deck_of(open_corpus(recipe.data), recipe).steps_per_epoch == 6


def test_weights_of_tables(tmp_path):
    one = write_table(tmp_path / "one", some_rows(8))
    other = write_table(tmp_path / "other", [row(f"x{at}.png") for at in range(4)])
    recipe = config(one, TableUse(path=str(other), weight=2.5), batch=6)
    shown = torch.cat([batch.rows_B for batch in loaded(recipe, range(3))]).tolist()
    assert len(shown) == 18  # 8 + 4 x 2.5
    assert sorted(shown)[:8] == list(range(8))
    assert sorted(shown.count(row) for row in range(8, 12)) == [2, 2, 3, 3]


def test_content_is_what_rows_show_where_the_loss_asks(tmp_path):
    plane = [("plane", 0, 0, 4, 4)]
    rows = [row(f"{at}.png", objects=plane if at % 2 else []) for at in range(6)]
    table = write_table(tmp_path, rows)
    (batch,) = loaded(config(table, batch=6, loss="multi_positive"), range(1))
    keys = dict(zip(batch.rows_B.tolist(), batch.content_B.tolist(), strict=True))
    assert batch.content_B.dtype == torch.int64
    assert keys[1] == keys[3] == keys[5]
    assert len({keys[0], keys[1], keys[2], keys[4]}) == 4


def spoiled(folder, number, broken):
    table = write_table(folder, some_rows(number))
    for at in broken:
        path = table / "images" / f"{at:03}.png"
        path.write_bytes(path.read_bytes()[:50])
    return table


@pytest.mark.parametrize("workers", [0, 2])
def test_a_row_that_cannot_be_read_is_replaced_and_counted(tmp_path, workers):
    recipe = config(spoiled(tmp_path, 12, [3, 7]), batch=12, max_corrupt=0.2, workers=workers)
    first, second = loaded(recipe, range(2))
    for batch in (first, second):
        assert {one.row for one in batch.corrupt} == {3, 7}
        assert all("003.png: cannot be decoded" in p for row, p in batch.corrupt if row == 3)
        assert not {3, 7} & set(batch.rows_B.tolist())
        assert set(range(12)) - {3, 7} == set(batch.rows_B.tolist())
    same([second], loaded(recipe, range(1, 2)))


def test_too_many_that_cannot_be_read_end_the_run(tmp_path):
    recipe = config(spoiled(tmp_path, 20, [3, 7]), max_corrupt=0.05)
    with pytest.raises(UserError) as error:
        loaded(recipe, range(5))
    assert "2 of 20 images cannot be read, more than data.max_corrupt (0.05)" in str(error.value)
    assert "cannot be decoded" in str(error.value)


def test_tiles_without_a_pack_are_said_to_be_slow(tmp_path, capsys):
    rows = [row("a.png"), *(tile(row("a.png"), Window(x, 0, x + 10, 30)) for x in (0, 10, 20))]
    recipe = config(write_table(tmp_path / "t", rows))
    loaded(recipe, range(1))
    words = "3 rows show a tile of an image, and for each the whole image is decoded, every time; "
    assert capsys.readouterr().err.startswith(words)
    loaded(recipe, range(1), rank=1, world=2)
    assert capsys.readouterr().err == ""  # the first process has said it
    pack([tmp_path / "t"], tmp_path / "pack", SIZE_PX)
    loaded(config(pack=str(tmp_path / "pack")), range(1))
    loaded(config(write_table(tmp_path / "whole", some_rows(4))), range(1))
    assert capsys.readouterr().err == ""


def test_a_pack_of_fewer_pixels_than_the_model_takes_is_told(tmp_path, capsys):
    pack([write_table(tmp_path / "t", some_rows(4))], tmp_path / "pack", SIZE_PX - 1)
    loaded(config(pack=str(tmp_path / "pack")), range(1))
    words = (
        f"pack: {SIZE_PX - 1} pixels a side, and the model takes {SIZE_PX}: pictures are enlarge"
    )
    assert words in capsys.readouterr().err


@pytest.mark.parametrize("workers", [0, 1])
def test_when_all_are_broken_it_says_so(tmp_path, workers):
    recipe = config(spoiled(tmp_path, 12, range(12)), max_corrupt=1, workers=workers)
    with pytest.raises(UserError, match="10 images one after the other cannot be read, the last"):
        loaded(recipe, range(1))


def test_what_does_not_fit(table):
    with pytest.raises(UserError, match=r"optim.batch 4 does not divide by 3 processes"):
        loaded(config(table), range(1), rank=0, world=3)
    with pytest.raises(UserError, match="an epoch shows 22 samples"):
        loaded(config(table, batch=23), range(1))


def test_a_worker_that_is_killed(table):
    recipe = config(table, workers=1)
    coming = batches(open_corpus(recipe.data), recipe, Toy(), range(10_000))
    next(coming)
    (worker,) = multiprocessing.active_children()
    os.kill(worker.pid, signal.SIGKILL)
    with pytest.raises(WorkerError, match="a process that loads images died"):
        list(coming)


def test_signals_for_the_trainer_leave_the_workers_alone(table):
    recipe = config(table, workers=2)
    others = set(multiprocessing.active_children())  # of tests before this one
    coming = batches(open_corpus(recipe.data), recipe, Toy(), range(60))
    found = [next(coming)]
    for worker in set(multiprocessing.active_children()) - others:
        os.kill(worker.pid, signal.SIGINT)
        os.kill(worker.pid, signal.SIGTERM)
    same(found + list(coming), loaded(config(table), range(60)))


def test_leaving_early_leaves_no_process(table):
    recipe = config(table, workers=2)
    others = set(multiprocessing.active_children())  # of tests before this one
    coming = batches(open_corpus(recipe.data), recipe, Toy(), range(99))
    next(coming)
    assert len(set(multiprocessing.active_children()) - others) == 2
    coming.close()
    assert set(multiprocessing.active_children()) <= others


FAILING = """
import sys
sys.path[:0] = {path!r}
from test_batches import Toy, batches, config, open_corpus
recipe = config({table!r}, workers=2)
coming = batches(open_corpus(recipe.data), recipe, Toy(), range(99))
next(coming)
raise SystemExit(7)  # with the workers at work
"""


def test_a_trainer_that_ends_over_an_error_ends_at_once(table):
    program = FAILING.format(path=sys.path, table=str(table))
    began = time.monotonic()
    done = subprocess.run(
        [sys.executable, "-c", program],
        capture_output=True,
        timeout=120,
        check=False,
        text=True,
        cwd=Path(__file__).parent,
    )
    assert (done.returncode, done.stderr) == (7, "")
    assert time.monotonic() - began < 60


def test_the_trainers_own_chance_is_left_alone(table):
    torch.manual_seed(0)
    before = torch.get_rng_state()
    loaded(config(table, workers=1), range(2))
    assert torch.equal(torch.get_rng_state(), before)

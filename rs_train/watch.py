"""What a run shows of itself: a bar or lines on the terminal, `metrics.jsonl`, TensorBoard.

    {"step": 120, "epoch": 2, "loss": 2.31, "lr": 4e-05, "scale": 100.0, "grad_norm": 1.7, ...}
    {"step": 200, "validation": {"mean_recall": 31.2}}

`step` counts the updates that are done. Lines of one run stand in the order of their steps, each
once: a run that goes on from a checkpoint removes those beyond it first. `samples_s` and
`data_wait_share` are of the steps since the line before.
"""

from __future__ import annotations

import importlib.util
import json
import math
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from datetime import timedelta
from pathlib import Path
from typing import IO, Any, NamedTuple, Self, SupportsFloat

from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn
from rich.table import Column

from rs_caption.console import err
from rs_caption.errors import WriteError
from rs_caption.files import whole

METRICS = "metrics.jsonl"
CORRUPT = "corrupt.jsonl"  # the images that could not be read
_SAY_EVERY_S = 10.0
_DRAW_EVERY_S = 0.2


class Moment(NamedTuple):
    """One step. `loss`, `scale` and `grad_norm` may lie on a device; they are fetched when due."""

    step: int  # updates that are done
    epoch: int
    loss: SupportsFloat
    lr: float
    scale: SupportsFloat
    grad_norm: SupportsFloat
    samples: int  # of the global batch
    wait_s: float  # seconds that the step waited for its batch
    corrupt: int  # how often an image could not be read so far


class Since(NamedTuple):
    """What came together since the last line."""

    began: float
    samples: int = 0
    wait_s: float = 0.0


class Watch:
    """To be entered around the loop; `folder` none: another process of the run watches."""

    def __init__(
        self,
        folder: Path | None,
        total: int,
        *,
        start: int = 0,
        log_every: int = 10,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """Watch over steps `start` to `total`.

        Entering raises WriteError where `folder` cannot be written to.
        """
        self.folder, self.total, self.start, self.log_every = folder, total, start, log_every
        self._clock = clock
        self._began = self._said = clock()
        self._since = Since(self._began)
        self._bar: Progress | None = None
        self._lines: IO[str] | None = None
        self._board: Any = None
        self._words = ""

    def __enter__(self) -> Self:
        if self.folder is not None:
            for name in (METRICS, CORRUPT):
                cut_back(self.folder / name, self.start)
            self._lines = _opened(self.folder / METRICS)
            with self._board_spared():
                self._board = _board(self.folder, self.start)
            self._bar = _bar(self.start, self.total)
        self._began = self._said = self._clock()
        self._since = Since(self._began)
        return self

    def __exit__(self, *_: object) -> None:
        if self._bar is not None:
            self._bar.stop()
        if self._board is not None:
            with self._board_spared():
                self._board.close()
        if self._lines is not None:
            self._lines.close()

    def step(self, at: Moment) -> None:
        """Take note of a step."""
        if self.folder is None:
            return
        began, samples, wait_s = self._since
        self._since = Since(began, samples + at.samples, wait_s + at.wait_s)
        if at.step % self.log_every == 0 or at.step == self.total:
            self._log(at)
        self._show(at.step)

    @contextmanager
    def paused(self) -> Iterator[None]:
        """The clock stands still: what is done is no training (a validation, a checkpoint)."""
        stopped = self._clock()
        yield
        pause_s = self._clock() - stopped
        self._began += pause_s
        self._since = self._since._replace(began=self._since.began + pause_s)

    def note(self, step: int, name: str, values: Mapping[str, float]) -> None:
        """Take note of figures that are no step's, such as those of a validation."""
        if self.folder is None:
            return
        self._write({"step": step, name: dict(values)})
        self._draw(name, values, step)
        said = ", ".join(f"{key} {value:.4g}" for key, value in values.items())
        self.say(f"step {step:,}: {name}: {said}")

    def say(self, text: str) -> None:
        """A line on the terminal that stays."""
        if self.folder is not None:
            err.print(text, soft_wrap=True)

    def _log(self, at: Moment) -> None:
        seconds = max(self._clock() - self._since.began, 1e-9)
        values = {
            "epoch": at.epoch,
            "loss": float(at.loss),
            "lr": at.lr,
            "scale": float(at.scale),
            "grad_norm": float(at.grad_norm),
            "samples_s": round(self._since.samples / seconds, 2),
            "data_wait_share": round(min(1.0, self._since.wait_s / seconds), 4),
            "corrupt": at.corrupt,
        }
        self._write({"step": at.step, **values})
        self._draw("train", values, at.step)
        speed, share = f"{values['samples_s']:,.0f}", f"{values['data_wait_share']:.0%}"
        self._words = (
            f"loss {values['loss']:.4f}, {speed}/s, {share} wait"  # has to fit beside the bar
            if self._bar is not None
            else f"epoch {at.epoch}, loss {values['loss']:.4f}, {speed} samples/s, "
            f"{share} waiting for data"
        )
        self._since = Since(self._clock())

    def _write(self, value: Mapping[str, object]) -> None:
        """A line of metrics.jsonl. A full disk costs lines, not the run."""
        if self._lines is None:
            return
        try:
            self._lines.write(json.dumps(_finite(value)) + "\n")
        except OSError as error:
            with suppress(OSError):  # what it still holds has no room either
                self._lines.close()
            self._lines = None
            self.say(
                f"{self.folder}/{METRICS}: could not be written ({error.strerror}); no more is"
            )

    def _draw(self, group: str, values: Mapping[str, float], step: int) -> None:
        """Points of TensorBoard's curves."""
        if self._board is not None:
            with self._board_spared():
                for key, value in values.items():
                    self._board.add_scalar(f"{group}/{key}", value, step)

    @contextmanager
    def _board_spared(self) -> Iterator[None]:
        """A full disk costs TensorBoard's curves, not the run."""
        try:
            yield
        except OSError as error:
            self._board = None
            where = f"{self.folder}/tensorboard"
            self.say(f"{where}: could not be written ({error.strerror}); no more is")

    def _show(self, step: int) -> None:
        now = self._clock()
        last = step == self.total
        if now - self._said < (_SAY_EVERY_S if self._bar is None else _DRAW_EVERY_S) and not last:
            return
        self._said = now
        per_step_s = (now - self._began) / max(1, step - self.start)
        left = f"{timedelta(seconds=round(per_step_s * (self.total - step)))} left"
        words = f"{self._words}, {left}" if self._words else left
        if self._bar is None:
            share = step / max(1, self.total)
            self.say(f"step {step:,} of {self.total:,} ({share:.0%}): {words}")
        else:
            task = self._bar.task_ids[0]
            self._bar.update(task, completed=step, words=words)
            self._bar.refresh()


def _opened(file: Path) -> IO[str]:
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        return file.open("a", encoding="utf-8", buffering=1)
    except OSError as error:
        raise WriteError(
            f"{file}: could not be written ({error.strerror}). Choose another folder for --out"
        ) from error


def lines_of(file: Path) -> list[dict[str, Any]]:
    """What a run wrote down, latest first; a last line that is not whole is left out."""
    text = file.read_text(encoding="utf-8") if file.is_file() else ""
    return [json.loads(line) for line in reversed(text.split("\n")[:-1])]


def unreadable(file: Path, step: float = math.inf) -> int:
    """How many images could not be read until a step; each is listed whenever it was drawn."""
    return len({one["image_id"] for one in lines_of(file) if one["step"] <= step})


def cut_back(file: Path, step: int) -> None:
    """Remove lines beyond a step, and a last one that a killed run left half written.

    Nothing is left of a run that starts again at step 0.

    Raises:
        WriteError: there is no room for the rest.
    """
    if not file.is_file():
        return
    lines = file.read_text(encoding="utf-8", errors="replace").splitlines(keepends=True)
    kept = [line for line in lines if step and 0 <= _step_of(line) <= step]
    if kept != lines:
        with whole(file) as partial:
            partial.write_text("".join(kept), encoding="utf-8")


def _step_of(line: str) -> int:
    """The step of a line; -1: it is none of ours, or not whole."""
    try:
        value = json.loads(line) if line.endswith("\n") else None
    except ValueError:
        return -1
    step = value.get("step") if isinstance(value, dict) else None
    return step if isinstance(step, int) else -1


def _finite(value: Any) -> Any:
    """JSON knows no NaN."""
    if isinstance(value, Mapping):
        return {key: _finite(one) for key, one in value.items()}
    return None if isinstance(value, float) and not math.isfinite(value) else value


def _bar(start: int, total: int) -> Progress | None:
    """A bar where there is a terminal; it has no thread, since loaders are forked beside it."""
    if not err.is_terminal:
        return None
    unbroken = Column(no_wrap=True)
    words = TextColumn("{task.fields[words]}", table_column=unbroken)
    columns = (BarColumn(10), MofNCompleteColumn(table_column=unbroken), words)
    bar = Progress(*columns, console=err, auto_refresh=False)
    bar.add_task("train", total=total, completed=start, words="")
    bar.start()
    return bar


def _board(folder: Path, start: int) -> Any:
    """TensorBoard's writer, where it is installed; what lies beyond `start` is not shown again."""
    if importlib.util.find_spec("tensorboard") is None:
        return None
    from torch.utils.tensorboard import SummaryWriter  # noqa: PLC0415 -- slow, and most have none

    return SummaryWriter(str(folder / "tensorboard"), purge_step=start + 1)

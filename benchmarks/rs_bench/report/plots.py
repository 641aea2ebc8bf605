"""Pictures of results: accuracy by shots (RemoteCLIP Fig. 9), confusions (Fig. 8), found images."""

from __future__ import annotations

import base64
import io
from collections.abc import Iterator, Mapping, Sequence
from functools import partial
from importlib.util import find_spec
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from rs_bench.published import published
from rs_bench.report.retrieved import are_there, draw_retrieved
from rs_bench.report.tables import title_of
from rs_bench.results import Result, Run
from rs_bench.tasks.remotecount import confusion
from rs_caption.console import err
from rs_caption.files import whole
from rs_caption.leaks.shots import data_url
from rs_caption.results import shots_of

Outcomes = Mapping[str, Mapping[str, NDArray[Any]]]
_ACROSS = 4  # axes in a row
_SIDE_IN = (2.9, 2.3)  # inches of one of them
_CSS_DPI = 96  # pixels of a page in an inch
_OURS, _THEIRS, _GREY = "#0b6a9e", "#a04a00", "#8a919c"
_NO_ROW = "#d9dce1"
_DARK = 0.5  # share from which numbers in a matrix are white
_PLAIN = {"svg": {"Date": None}, "png": {"Software": None}}  # the same input, the same file


class Picture(NamedTuple):
    """A picture as a page shows it."""

    url: str  # the picture itself, as a data URL
    width_px: int  # at which its letters are as they were meant


def draw(
    run: Run, outcomes: Outcomes, folder: Path, data: Path | None = None
) -> dict[str, Picture]:
    """Write each picture; without matplotlib no plots, which is said.

    Args:
        run: the figures.
        outcomes: by `Result.key`.
        folder: that the files are written to.
        data: folder that the datasets lie below; none: no images are shown.

    Returns:
        What each shows, and the picture.
    """
    drawn = dict(_plots(run, outcomes, folder))
    for one in run.results:
        its = outcomes.get(one.key, {})
        if data is not None and are_there(its, data):
            picture = draw_retrieved(its, data)
            with whole(folder / f"retrieved-{one.dataset}-{_plain(one.protocol)}.png") as partial:
                picture.save(partial, "PNG", optimize=True)
            about = f"Retrieval, {title_of(one.dataset)}, protocol {one.protocol}"
            shown = Picture(data_url(picture), picture.width)
            drawn[f"{about}: the first images for a few sentences, framed where right"] = shown
    return drawn


def remove_drawn(results: Sequence[Result], folder: Path) -> None:
    """Remove the pictures that show any of these results; `draw` draws what others they show."""
    for one in results:
        for what in (f"retrieved-{one.dataset}", one.task):
            for ending in ("png", "svg"):
                (folder / f"{what}-{_plain(one.protocol)}.{ending}").unlink(missing_ok=True)


def _plots(run: Run, outcomes: Outcomes, folder: Path) -> Iterator[tuple[str, Picture]]:
    curves = [one for one in run.results if one.task == "fewshot"]
    counts = [one for one in run.results if "number" in outcomes.get(one.key, {})]
    if not (curves or counts):
        return
    if find_spec("matplotlib") is None:
        err.print('No plots: `pip install "rs-caption[bench]"` brings matplotlib.')
        return
    for protocol in dict.fromkeys(one.protocol for one in curves):
        some = [one for one in curves if one.protocol == protocol]
        shown = _save(few_shot(some), folder / f"fewshot-{_plain(protocol)}")
        yield f"Few-shot, protocol {protocol}", shown
    for one in counts:
        its = outcomes[one.key]
        figure = confusion_matrix(confusion(its["number"], its["answer"]))
        shown = _save(figure, folder / f"remotecount-{_plain(one.protocol)}")
        yield f"RemoteCount, protocol {one.protocol}", shown


def few_shot(results: Sequence[Result]) -> Any:
    """Accuracy by shots, one axes a dataset, the deviation between draws as a band; a Figure."""
    from matplotlib.figure import Figure  # noqa: PLC0415 -- an extra

    across = min(_ACROSS, len(results))
    down = -(-len(results) // across)
    figure = Figure(figsize=(_SIDE_IN[0] * across, _SIDE_IN[1] * down), layout="constrained")
    every = list(figure.subplots(down, across, squeeze=False).flat)
    for axes in every:
        axes.set_visible(False)
    for axes, result in zip(every, results, strict=False):
        _curve(axes, result)
    handles, labels = every[0].get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside lower center", ncols=across, fontsize=8)
    return figure


def _curve(axes: Any, result: Result) -> None:
    axes.set_visible(True)
    shots = shots_of(result)
    means = np.array([result.figures[f"shots_{number}"] for number in shots])
    spread = np.array([result.figures.get(f"shots_{number}_sd", 0) for number in shots])
    axes.plot(shots, means, "o-", color=_OURS, markersize=3, label="this model")
    axes.fill_between(shots, means - spread, means + spread, color=_OURS, alpha=0.2, linewidth=0)
    known: dict[str, dict[str, float]] = {}
    for one in published("fewshot"):
        if (one.dataset, one.protocol) == (result.dataset, result.protocol):
            known.setdefault(one.model, {})[one.figure] = one.value
    for model, figures in known.items():
        points = sorted(_shots(figures))
        axes.plot(*zip(*points, strict=True), "s--", color=_THEIRS, markersize=3, label=model)
    axes.set_xscale("log", base=2)
    axes.set_xticks(shots, [str(number) for number in shots])
    axes.minorticks_off()
    axes.set_title(title_of(result.dataset), fontsize=9)
    axes.tick_params(labelsize=7)
    axes.grid(color=_GREY, alpha=0.25, linewidth=0.5)
    axes.set_xlabel("training images a class", fontsize=7)
    axes.set_ylabel("accuracy, %", fontsize=7)


def _shots(figures: Mapping[str, float]) -> Iterator[tuple[int, float]]:
    for name, value in figures.items():
        kind, _, number = name.partition("_")
        if kind == "shots" and number.isdecimal():
            yield int(number), value


def confusion_matrix(shares_CC: NDArray[np.float64]) -> Any:
    """Right numbers by answers, each row's shares; a Figure.

    A row of zeros is of a number that no picture has: it is grey, and holds no figure.
    """
    from matplotlib.figure import Figure  # noqa: PLC0415 -- an extra

    figure = Figure(figsize=(5.2, 4.6), layout="constrained")
    axes = figure.subplots()
    asked_C1 = shares_CC.any(axis=1, keepdims=True)
    picture = axes.imshow(np.where(asked_C1, shares_CC, np.nan), cmap="Blues", vmin=0, vmax=1)
    axes.set_facecolor(_NO_ROW)  # seen where there is no value
    numbers = [str(number) for number in range(1, len(shares_CC) + 1)]
    axes.set_xticks(range(len(numbers)), numbers)
    axes.set_yticks(range(len(numbers)), numbers)
    axes.set_xlabel("answer")
    axes.set_ylabel("objects there are")
    if not asked_C1.all():
        axes.set_title("grey: no picture shows so many", fontsize=8)
    for row, column in np.argwhere(np.broadcast_to(asked_C1, shares_CC.shape)).tolist():
        share = shares_CC[row, column]
        colour = "white" if share > _DARK else "black"
        say = partial(axes.text, column, row, ha="center", va="center", fontsize=7)
        say(f"{share:.2f}", color=colour)
    figure.colorbar(picture, ax=axes, shrink=0.8)
    return figure


def _plain(protocol: str) -> str:
    return "".join(letter if letter.isalnum() else "-" for letter in protocol)


def _save(figure: Any, path: Path) -> Picture:
    """Write both files; the SVG is what a page shows."""
    import matplotlib as mpl  # noqa: PLC0415 -- an extra

    made: dict[str, bytes] = {}
    with mpl.rc_context({"svg.hashsalt": path.name}):
        for form, metadata in _PLAIN.items():
            buffer = io.BytesIO()
            figure.savefig(buffer, format=form, dpi=160, metadata=metadata)
            made[form] = buffer.getvalue()
            with whole(path.with_name(f"{path.name}.{form}")) as partial_file:
                partial_file.write_bytes(made[form])
    svg = made["svg"][made["svg"].index(b"<svg") :]
    url = f"data:image/svg+xml;base64,{base64.b64encode(svg).decode()}"
    return Picture(url, round(figure.get_figwidth() * _CSS_DPI))

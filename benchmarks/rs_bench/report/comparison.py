"""Whether one run is better than another: item by item, on what both were measured on.

An item is an image (with all its captions where they are known to be its own) or a caption. Two
questions are answered of each figure: by how much B exceeds A, with an interval from resampled
items; and how often chance alone would make such a difference: for right and wrong answers
McNemar's exact test (Dietterich 1998), for everything else the resampled items.

Where training images were drawn several times, the same ones for both runs, draws are resampled
beside the items, each independently of the other (the pigeonhole bootstrap, Owen 2007). Of a single
draw, and of the images that all training parts have in common, an interval says nothing.

Legend: `_N` items, `_D` draws, `_S` resamples, `_K` kinds of items, `_P` parts, `_C` columns.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from rs_bench.results import Result

RESAMPLES = 10_000
LEVEL = 0.95
_BLOCK_CELLS = 2**22  # numbers of drawn items at a time: 32 MB
_OWNERS = "image_of_text"
_OF_MODELS = frozenset({"file"})  # digests of features, not of what was measured on
_TEXTS = "text_to_image"
_SIX = tuple(f"{way}_{k}" for way in ("image_to_text", _TEXTS) for k in (1, 5, 10))

Outcomes = Mapping[str, NDArray[Any]]


@dataclass(frozen=True)
class Difference:
    """Of one figure, in the figure's own unit.

    Attributes:
        a: of the first run.
        b: of the second.
        low: where 95 per cent of the resampled differences begin.
        high: where they end.
        p_value: that a difference as large comes of chance.
        test: mcnemar or bootstrap.
        n: items.
    """

    task: str
    dataset: str
    protocol: str
    figure: str
    a: float
    b: float
    low: float
    high: float
    p_value: float
    test: str
    n: int

    @property
    def by(self) -> float:
        """How much more B has."""
        return self.b - self.a

    def plain(self) -> dict[str, Any]:
        """For JSON."""
        return {**asdict(self), "difference": self.by}


def differences(
    a: Result, b: Result, outcomes_a: Outcomes, outcomes_b: Outcomes, seed: int = 0
) -> Iterator[Difference]:
    """Of every figure that both runs kept the items of.

    Args:
        a: a result of the first run.
        b: of the second, with the same key, measured on the same.
        outcomes_a: by the name of the figure, values of which it is the mean: (n,) or (draws, n),
            draws of the same training images as of the second run.
        outcomes_b: likewise.
        seed: of the resampling.
    """
    its_a, its_b = by_figure(outcomes_a), by_figure(outcomes_b)
    owners_T = outcomes_a.get(_OWNERS)
    for figure in a.figures:
        parts = [
            _gains(part, its_a[part], its_b[part], owners_T)
            for part in _parts(figure, its_a)
            if part in its_b and its_a[part].shape == its_b[part].shape
        ]
        if not parts or figure not in b.figures:
            continue
        resampled_S = resampled_means(parts, np.random.default_rng(seed))
        low, high = np.quantile(resampled_S, [(1 - LEVEL) / 2, (1 + LEVEL) / 2]).tolist()
        exact = _exact(figure, its_a, its_b, parts)
        yield Difference(
            a.task,
            a.dataset,
            a.protocol,
            figure,
            a.figures[figure],
            b.figures[figure],
            low,
            high,
            two_sided(resampled_S) if exact is None else exact,
            "bootstrap" if exact is None else "mcnemar",
            len(parts[0].sizes_N),
        )


class Part(NamedTuple):
    """Of each item, the sum of its values in each draw, and how many those are."""

    sums_DN: NDArray[np.float64]
    sizes_N: NDArray[np.float64]


def by_figure(outcomes: Outcomes) -> dict[str, NDArray[Any]]:
    """What each figure is the mean of: outcomes are named after figures, with a few exceptions."""
    its = {name: values for name, values in outcomes.items() if name != _OWNERS}
    if "correct" in its:
        its["accuracy"] = its["correct"]
    if "error" in its:
        its["mean_error"] = its["error"]
    if "rank" in its:
        its |= {f"top_{k}": its["rank"] < k for k in range(1, 11)}
    return its


def _parts(figure: str, its: Mapping[str, object]) -> tuple[str, ...]:
    """The outcomes whose means make the figure, by their own mean."""
    if figure == "mean_recall" and set(_SIX) <= set(its):
        return _SIX
    return (figure,) if figure in its else ()


def _gains(
    name: str, values_a: NDArray[Any], values_b: NDArray[Any], owners_T: NDArray[Any] | None
) -> Part:
    """By how much B is better at each item; captions of one image are no independent items."""
    scale = 1.0 if name == "mean_error" else 100.0
    gain_DN = np.atleast_2d(values_b.astype(np.float64) - values_a) * scale
    if owners_T is None or not name.startswith(_TEXTS):
        return Part(gain_DN, np.ones(gain_DN.shape[1]))
    sums_DN = np.stack([np.bincount(owners_T, gain_N) for gain_N in gain_DN])
    return Part(sums_DN.astype(np.float64), np.bincount(owners_T).astype(np.float64))


def _exact(figure: str, its_a: Outcomes, its_b: Outcomes, parts: Sequence[Part]) -> float | None:
    """McNemar's p, where items are independent and either right or wrong; else None."""
    if len(parts) > 1 or figure not in its_a or its_a[figure].ndim > 1:
        return None
    right_a, right_b = its_a[figure], its_b[figure]
    kinds = set(np.unique(np.concatenate([right_a, right_b])).tolist())
    if not kinds <= {0, 1} or len(parts[0].sizes_N) != len(right_a):
        return None
    return mcnemar(right_a > 0, right_b > 0)


def mcnemar(right_a_N: NDArray[np.bool_], right_b_N: NDArray[np.bool_]) -> float:
    """The exact two-sided p of McNemar's test: of the items where one alone is right, half each."""
    from scipy.stats import binomtest  # noqa: PLC0415 -- half a second

    only_a = int((right_a_N & ~right_b_N).sum())
    only_b = int((right_b_N & ~right_a_N).sum())
    if not only_a + only_b:
        return 1.0
    return float(binomtest(only_a, only_a + only_b).pvalue)


def resampled_means(
    parts: Sequence[Part], random: np.random.Generator, number: int = RESAMPLES
) -> NDArray[np.float64]:
    """Means over items and draws, both drawn with replacement, means_S.

    Items that are alike are drawn together: how many of each kind is multinomial, which is the
    same chance as drawing one by one, and quick where there are few kinds.

    Args:
        parts: the mean of their means is wanted. Parts of as many items are of the same items and
            draws, which are drawn together; others are drawn by themselves.
        random: draws.
        number: of resamples.
    """
    means_S = np.zeros(number)
    for items in dict.fromkeys(len(part.sizes_N) for part in parts):
        some = [part for part in parts if len(part.sizes_N) == items]
        columns_CN = np.concatenate([np.vstack([*part.sums_DN, part.sizes_N]) for part in some])
        kinds_KC, counts_K = np.unique(columns_CN.T, axis=0, return_counts=True)
        draws = len(some[0].sums_DN)
        rows = max(1, _BLOCK_CELLS // len(counts_K))
        for first in range(0, number, rows):
            size = min(rows, number - first)
            drawn_SK = random.multinomial(items, counts_K / items, size=size)
            drawn_SD = random.multinomial(draws, np.full(draws, 1 / draws), size=size) / draws
            totals_SPC = (drawn_SK @ kinds_KC).reshape(size, len(some), draws + 1)
            sums_SP = np.einsum("spd,sd->sp", totals_SPC[..., :-1], drawn_SD)
            means_S[first : first + size] += (sums_SP / totals_SPC[..., -1]).sum(axis=1)
    return means_S / len(parts)


def two_sided(resampled_S: NDArray[np.float64]) -> float:
    """How often resampling turns the difference round, twice; never 0, since it was not seen."""
    most = min(int((resampled_S <= 0).sum()), int((resampled_S >= 0).sum()))
    return min(1.0, 2 * (most + 1) / (len(resampled_S) + 1))


def shared(a: Sequence[Result], b: Sequence[Result]) -> Iterator[tuple[Result, Result, str]]:
    """Results with one key in both runs, and why they cannot be compared; empty: they can."""
    others = {one.key: one for one in b}
    for one in a:
        if one.key not in others:
            continue
        other = others[one.key]
        unlike = sorted(
            name
            for name in (set(one.digests) | set(other.digests)) - _OF_MODELS
            if one.digests.get(name) != other.digests.get(name)
        )
        if one.n != other.n:
            yield one, other, f"measured on {_counts(one)} and on {_counts(other)}"
        elif one.seed != other.seed:
            yield one, other, f"drawn by seed {one.seed} and by seed {other.seed}"
        elif unlike:
            yield one, other, f"measured on other {', '.join(unlike)}, by their digests"
        else:
            yield one, other, ""


def _counts(result: Result) -> str:
    return ", ".join(f"{number:,} {what}" for what, number in result.n.items())

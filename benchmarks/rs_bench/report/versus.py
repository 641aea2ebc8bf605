"""`rs-bench compare`: two runs side by side, in words."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

from rs_bench.report.comparison import LEVEL, RESAMPLES, Difference, differences, shared
from rs_bench.results import Run, read_outcomes, read_run
from rs_caption.console import counted, print_table, say
from rs_caption.errors import UserError
from rs_caption.results import label_of, title_of_task

_HEADER = ("dataset", "figure", "A", "B", "B - A", "95 % from", "to", "p")
_SURE = 1 - LEVEL
_LEAST = 1e-4  # of p that is printed
_HIDDEN = ("_expected",)  # figures that JSON alone tells of
_TOP = tuple(f"top_{k}" for k in range(2, 11))


def compare_and_say(a: Path, b: Path, seed: int, *, as_json: bool) -> None:
    """Print by how much B exceeds A on all that both were measured on.

    Raises:
        UserError: there are no such results, or none that can be compared.
    """
    first, second = read_run(a), read_run(b)
    found: list[Difference] = []
    not_compared: list[tuple[str, str]] = []
    for one, other, why in shared(first.results, second.results):
        if why:
            not_compared.append((one.key, why))
            continue
        outcomes = read_outcomes(a, one.key), read_outcomes(b, other.key)
        found += differences(one, other, *outcomes, seed=seed)
    if not found:
        raise UserError(_nothing(a, b, not_compared))
    if as_json:
        say(json.dumps(_plain(first, second, found, not_compared)))
        return
    _say(first, second, found)
    for key, why in not_compared:
        say(f"Not compared: {key}, {why}")


def _nothing(a: Path, b: Path, not_compared: Sequence[tuple[str, str]]) -> str:
    if not_compared:
        key, why = not_compared[0]
        return f"{a} and {b} cannot be compared: {key}, {why}"
    return f"{a} and {b} have no task, dataset and protocol in common"


def _say(first: Run, second: Run, found: Sequence[Difference]) -> None:
    names = [str(run.model.get("name", "?")) for run in (first, second)]
    say(f"A: {names[0]}, {first.model.get('weights', '')}")
    say(f"B: {names[1]}, {second.model.get('weights', '')}")
    say()
    shown = [one for one in found if not one.figure.endswith(_HIDDEN) and one.figure not in _TOP]
    for task, protocol in dict.fromkeys((one.task, one.protocol) for one in shown):
        own = [one for one in shown if (one.task, one.protocol) == (task, protocol)]
        print_table(f"{title_of_task(task)}, protocol {protocol}", _HEADER, _rows(own))
    sure = sum(one.p_value < _SURE for one in found)
    say(
        f"* p below {_SURE:.2f}: {sure:,} of {counted(len(found), 'figure')}; where nothing "
        f"differed, chance would make {len(found) * _SURE:.1f}."
    )
    say(
        f"95 %: {RESAMPLES:,} resamples of the images. p: McNemar's exact test of single right and "
        "wrong answers, of everything else the same resamples."
    )
    if any(one.task == "fewshot" for one in found):
        say(
            "Few-shot: draws are resampled too, the same of both; of a single draw these tell of "
            "its training images alone."
        )


def _rows(found: Sequence[Difference]) -> list[tuple[str, ...]]:
    return [
        (
            one.dataset,
            label_of(one.figure),
            f"{one.a:.2f}",
            f"{one.b:.2f}",
            f"{one.by:+.2f}",
            f"{one.low:+.2f}",
            f"{one.high:+.2f}",
            f"{_shown(one.p_value)}{'*' * (one.p_value < _SURE)}",
        )
        for one in found
    ]


def _shown(p_value: float) -> str:
    return "<0.0001" if p_value < _LEAST else f"{p_value:.4f}"


def _plain(
    first: Run,
    second: Run,
    found: Sequence[Difference],
    not_compared: Sequence[tuple[str, str]],
) -> dict[str, object]:
    return {
        "a": first.model,
        "b": second.model,
        "resamples": RESAMPLES,
        "differences": [one.plain() for one in found],
        "not_compared": [list(one) for one in not_compared],
    }

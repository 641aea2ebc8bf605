"""Which datasets may stay where only some terms will do: `--licence NAME...`, `--commercial-only`.

Rows come and go by their dataset. What nobody states is not allowed.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Mapping
from typing import NamedTuple

from rs_caption import manifest
from rs_caption.errors import UserError, nearest, there_are
from rs_caption.facts import NO_LICENCE, Terms
from rs_caption.terms.known import Stated

_BETWEEN = re.compile(r" (?:AND|OR) ")
_REF = "licenseref-"  # SPDX writes it before names of licences that it does not list
_NO_COMMERCE = {
    "no": "commercial use is not allowed",
    "unknown": "commercial use is not known to be allowed",
}


class Choice(NamedTuple):
    """The terms that will do."""

    licences: tuple[str, ...] = ()  # SPDX identifiers in any case; empty: any
    commercial_only: bool = False


class Left(NamedTuple):
    """A dataset that leaves, and why."""

    dataset: str
    reason: str


def objection(terms: Terms, choice: Choice) -> str:
    """Why rows under these terms leave; empty where they may stay.

    Of licences that hold together (AND) each has to be named, of those to choose from (OR) one.
    """
    if choice.commercial_only and terms.commercial_use != "yes":
        return _NO_COMMERCE[terms.commercial_use]
    wanted = {_folded(name) for name in choice.licences}
    if not wanted or any(
        all(_folded(one) in wanted for one in together.split(" AND "))
        for together in terms.spdx.split(" OR ")
    ):
        return ""
    if terms.spdx == NO_LICENCE:
        return "no licence is known"
    return f"licence {terms.spdx.removeprefix('LicenseRef-')}"


def _folded(name: str) -> str:
    return name.strip().lower().removeprefix(_REF)


def leaving(stated: Mapping[str, Stated], choice: Choice) -> list[Left]:
    """The datasets that may not stay, in the order of their names.

    Raises:
        UserError: no dataset is under a licence, or none of these may stay.
    """
    check_names(stated, choice)
    found = [
        Left(name, why) for name, one in stated.items() if (why := objection(one.terms, choice))
    ]
    if found and len(found) == len(stated):
        said = "; ".join(f"{why}: {', '.join(names)}" for why, names in by_reason(found).items())
        raise UserError(f"nothing is left under these terms. {said}")
    return found


def check_names(stated: Mapping[str, Stated], choice: Choice) -> None:
    """A licence that no dataset is under, here or published, is most often a slip of the pen.

    Raises:
        UserError: one is.
    """
    if not choice.licences:
        return
    every = [one.terms for one in stated.values()] + [m.terms for m in manifest.load_all()]
    known = {
        _folded(one): one.removeprefix("LicenseRef-")
        for terms in every
        for one in _BETWEEN.split(terms.spdx)
    }
    for name in choice.licences:
        if _folded(name) not in known:
            near = known.get(nearest(_folded(name), known), "")
            said = there_are(sorted(known.values()), near)
            raise UserError(f"--licence: no dataset is under {name!r}; {said}")


def by_reason(left: Iterable[Left]) -> dict[str, list[str]]:
    """Reason -> the datasets that leave for it."""
    found: dict[str, list[str]] = {}
    for dataset, reason in left:
        found.setdefault(reason, []).append(dataset)
    return found


def rows_by_reason(left: Iterable[Left], rows: Mapping[str, int]) -> dict[str, int]:
    """Reason -> how many rows leave for it; without those that no row leaves for.

    Args:
        left: datasets that leave.
        rows: dataset -> its rows.
    """
    counts: Counter[str] = Counter()
    for dataset, reason in left:
        counts[reason] += rows.get(dataset, 0)
    return {reason: number for reason, number in sorted(counts.items()) if number}

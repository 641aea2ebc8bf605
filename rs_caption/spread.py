"""Some of many, evenly spread."""

from __future__ import annotations


def evenly(number: int, of: int) -> list[int]:
    """At most so many of `of` positions, the first and the last among them."""
    number = min(number, of)
    return [at * (of - 1) // max(number - 1, 1) for at in range(number)]

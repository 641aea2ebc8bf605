"""`rs-caption check`: what a folder lacks, before a long conversion."""

from __future__ import annotations

import time
from collections.abc import Sequence
from pathlib import Path
from textwrap import wrap

from rs_caption.checking.check import Fault, Findings, SplitCount, check
from rs_caption.console import counted, out, print_table, progress_bar, say
from rs_caption.own.found import Wish
from rs_caption.request import Request
from rs_caption.select import Typed, select, splits_of

_NARROWEST = 60  # columns
_NOWHERE = Path()  # a check writes nothing


def check_folder(name: str, wish: Wish, version: str, splits: tuple[str, ...]) -> bool:
    """Check, print what was found; returns whether the folder is complete.

    Raises:
        UserError: no such dataset, version, split or folder.
    """
    started = time.monotonic()
    facts, options = select(name, wish, Typed(version=version))
    chosen = splits_of(facts, splits)
    request = Request(facts, wish.root, _NOWHERE, options, chosen, with_images=wish.with_images)
    with progress_bar(f"Checking {facts.title}") as progress:
        findings = check(request.source, progress)
    said = f"{facts.title} {options.version}".strip()
    print_findings(said, findings, time.monotonic() - started)
    return not findings.faults


def print_findings(title: str, findings: Findings, seconds: float) -> None:
    """The verdict last, above it what it rests on."""
    if findings.splits:
        _print_splits(f"{title}: annotated {findings.unit}", findings.splits)
        looked = f"{findings.looked_at:,} of {findings.items:,} items, spread over all"
        say(f"Read {looked}{_seen(findings)}")
    if findings.quirks:
        say("\nKnown of the release, and no fault:")
        for quirk in findings.quirks:
            _wrapped(f"{quirk.what}: {quirk.remedy}", "  ")
    if findings.faults:
        say("\nWhat is wrong, and what to do:")
        for number, fault in enumerate(findings.faults, start=1):
            _print_fault(number, fault)
    verdict = counted(len(findings.faults), "fault") if findings.faults else "complete"
    say(f"\n{title}: {verdict} (in {max(seconds, 0.1):.1f} s)", style="bold")


def _print_splits(title: str, splits: Sequence[SplitCount]) -> None:
    """Beside the published numbers, where any is."""
    header, width = ("split", "here", "published", "difference"), 4
    rows = [
        (
            count.split,
            count.here,
            "-" if count.published is None else count.published,
            "-" if count.published is None else -count.short,
        )
        for count in splits
    ]
    if all(count.published is None for count in splits):
        width = 2
    print_table(title, header[:width], [row[:width] for row in rows])


def _seen(findings: Findings) -> str:
    if not findings.classes:
        return ""
    return f": {findings.objects:,} boxes; classes seen: {len(findings.classes)}"


def _print_fault(number: int, fault: Fault) -> None:
    _wrapped(fault.what, f"{number:3}. ")
    for example in fault.examples:
        say(f"       {example}")
    if fault.remedy:
        _wrapped(fault.remedy, "     -> ")


def _wrapped(text: str, before: str) -> None:
    """A paragraph that hangs below its first words; paths and addresses stay whole."""
    lines = wrap(
        f"{before}{text}",
        max(out.width, _NARROWEST),
        subsequent_indent=" " * len(before),
        break_long_words=False,
        break_on_hyphens=False,
    )
    say("\n".join(lines))

"""`rs-bench build-remotecount`: make it, and say how balanced it is."""

from __future__ import annotations

from pathlib import Path

from rs_bench.remotecount.build import Plan, about_refused, build
from rs_bench.remotecount.listed import build_listed
from rs_caption.console import counted, print_table, progress_bar, say
from rs_caption.errors import UserError


def build_and_say(plan: Plan, listed: Path | None, nouns: Path | None) -> None:
    """Build by the plan, or from a list of the user's own.

    Raises:
        UserError: an option, the dataset or the list is wrong.
    """
    if nouns is not None and listed is None:
        raise UserError("--nouns is of --list; DOTA's nouns are known")
    if listed is None:
        report = build(plan, progress_bar)
    else:
        with progress_bar("Cutting pictures") as told:
            report = build_listed(listed, plan.root, plan.out, nouns, told)
    numbers = tuple(report["by_number"])
    rows = [(name, *counts, sum(counts)) for name, counts in report["by_category"].items()]
    rows.append(("all", *report["by_number"].values(), report["pairs"]))
    print_table("RemoteCount: pictures by category and number", ("", *numbers, "all"), rows)
    for note in report["notes"]:
        say(f"  {note}")
    if "read" in report:  # not of a list
        read = report["read"]
        questions = counted(read["offered"], "question")
        say(f"  chosen from {questions}{about_refused(read['refused'])}")
    pairs = counted(report["pairs"], "pair")
    say(f"{pairs} from {counted(report['images'], 'image')}: {plan.out}, digest {report['digest']}")

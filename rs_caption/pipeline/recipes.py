"""Whether the recipes of a plan can be, before the hours that their tables take."""

from __future__ import annotations

from itertools import pairwise

from rs_caption.errors import UserError
from rs_caption.pipeline.child import complaint
from rs_caption.pipeline.plan import Plan
from rs_caption.pipeline.stage import Stage
from rs_caption.pipeline.state import Ledger


def check_recipes(plan: Plan, ledger: Ledger) -> None:
    """Whether each training that is out of date has a recipe, with settings that it knows.

    Raises:
        UserError: one has not.
    """
    groups = {one.group: one for one in plan.stages if one.kind == "train" and ledger.why(one)}
    for group, stage in groups.items():  # of several seeds the last
        if said := complaint(_check(stage), plan.folder):
            raise UserError(f"{plan.file}: [{group}] {said}")


def _check(stage: Stage) -> list[str]:
    """The command that reads its recipe and nothing else."""
    sets = [word for pair in pairwise(stage.words) if pair[0] == "--set" for word in pair]
    return ["rs-train", "check", "--recipe", stage.words[2], *sets]

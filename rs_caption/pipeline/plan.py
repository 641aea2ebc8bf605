"""From a pipeline file to its stages, in the order that they run, and those of them that are meant.

All checks come first, so that faults are known within seconds; then tables, packs, models, results.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from rs_caption import storage
from rs_caption.errors import UserError
from rs_caption.pipeline.corpus import add_checks, add_conversions, add_dedups
from rs_caption.pipeline.models import add_benches, add_packs, add_trainings
from rs_caption.pipeline.read import near, read
from rs_caption.pipeline.stage import Draft, Stage
from rs_caption.program import require

PAGE = "report"  # the stage that is no command
_PARTS = (add_checks, add_conversions, add_dedups, add_packs, add_trainings, add_benches)
NEEDED = {  # extra -> what of it is imported
    "train": ("torch", "torchvision", "open_clip"),
    "bench": ("torch", "torchvision", "open_clip", "sklearn", "matplotlib"),
}
_EXTRAS = {"pack": "train", "train": "train", "export": "train", "bench": "bench"}


@dataclass(frozen=True)
class Plan:
    """The stages of a pipeline file.

    Attributes:
        file: absolute.
        work: the folder that everything is made in.
        title: of the page.
        stages: in the order that they run.
        page: whether the page is written at the end.
    """

    file: Path
    work: Path
    title: str
    stages: tuple[Stage, ...]
    page: bool = True

    @property
    def folder(self) -> Path:
        """Where commands are run: the file's."""
        return self.file.parent

    def place(self, text: str) -> Path:
        """What a path in the file means."""
        return storage.below(self.folder, text)


def plan_of(file: Path) -> Plan:
    """The stages that a file asks for; whether its paths are there is not looked at.

    Raises:
        UserError: the file cannot be read, or names what there is not.
    """
    draft = Draft(read(file.absolute()))
    work = storage.below(draft.asked.file.parent, draft.asked.work)
    storage.refuse(work, "work")
    for add in _PARTS:
        add(draft)
    made = [one.name for one in draft.stages], [one.out for one in draft.stages if one.out]
    for names in made:  # on some disks A and a are one name
        number = Counter(name.casefold() for name in names)
        if twice := next((name for name in names if number[name.casefold()] > 1), None):
            raise UserError(f"{draft.asked.file}: {twice} would be made twice; rename one of both")
    return Plan(draft.asked.file, work, draft.asked.title, tuple(draft.stages))


def chosen(plan: Plan, only: Sequence[str]) -> Plan:
    """The plan with the stages that are named, or of a table or kind that is, and what they need.

    Raises:
        UserError: there is no such stage.
    """
    if not only:
        return plan
    kinds = dict.fromkeys(one.kind for one in plan.stages)
    tables = dict.fromkeys(name for one in plan.stages for name in (one.name, one.group))
    known = [*tables, PAGE, *kinds]
    wanted: set[str] = set()
    for name in only:
        if name not in known:
            there = ", ".join(known)
            raise UserError(f"--only {name}: no such stage{near(name, known)}; there are: {there}")
        wanted |= {one.name for one in plan.stages if name in {one.kind, one.group, one.name}}
    for one in reversed(plan.stages):  # what is needed comes before what needs it
        if one.name in wanted:
            wanted |= {*one.needs, *one.after}
    stages = tuple(one for one in plan.stages if one.name in wanted)
    return Plan(plan.file, plan.work, plan.title, stages, PAGE in only)


def check_places(plan: Plan) -> None:
    """Whether all files of the user's are there, and the programs that are needed.

    Raises:
        UserError: some are not; all are named; or `work` is one of them, or above one.
    """
    _check_work(plan)
    absent: dict[str, str] = {}  # of each the first table that names it
    for one in plan.stages:
        for text in (*one.files, *one.fixed):
            if not _is_there(plan, text):
                absent.setdefault(text, f"  [{one.group}] {text}")
    if absent:
        said = "not there; paths count from the folder of the file:"
        raise UserError("\n".join([f"{plan.file}: {said}", *absent.values()]))
    for one in plan.stages:
        if one.kind in _EXTRAS:
            try:
                require(_EXTRAS[one.kind], *NEEDED[_EXTRAS[one.kind]])
            except UserError as error:
                raise UserError(f"{one.name} cannot run: {error}") from error


def _is_there(plan: Plan, text: str) -> bool:
    try:
        return plan.place(text).exists()
    except OSError as error:
        raise UserError(f"{plan.file}: {text:.200}: {error.strerror}") from error


def _check_work(plan: Plan) -> None:
    """Whether `work` is a folder of its own: what lies in it is not watched for changes."""
    work = Path(storage.real(plan.work))
    for one in plan.stages:
        for text in one.files[:1] if one.kind in {"check", "convert", "bench"} else ():
            place = plan.place(text)
            if not storage.is_remote(place) and Path(storage.real(place)).is_relative_to(work):
                said = f"[{one.group}] {text} lies in it, where changes are not seen"
                raise UserError(f"{plan.file}: work = {str(plan.work)!r}: {said}; choose another")

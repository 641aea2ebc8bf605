"""One stage of a pipeline: a command, what it reads and what it makes."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from rs_caption.errors import UserError
from rs_caption.pipeline.kinds import MACHINE, MACHINE_SETS, Keys
from rs_caption.pipeline.read import PipelineFile, Values, near

Paths = tuple[str, ...]


@dataclass(frozen=True)
class Stage:
    """A command, typed in the folder of the pipeline file; paths count from there.

    Attributes:
        kind: check, convert, dedup, pack, train, export or bench.
        name: `convert.dota`, `train.all-seed0`, `bench.all-start`.
        group: its table in the file.
        words: what is typed.
        lasting: those of them that decide what comes out.
        out: the folder that it makes; empty: it makes none.
        needs: names of stages whose outputs it reads.
        after: names of stages that run before it, whatever comes of them.
        files: of the user's, that it reads; the command copes with changes of them.
        fixed: of the user's, that make it another run or the measurement of another model.
        facts: digest of what this program knows of the dataset.
        model: of train, export, bench: the name in the file of what is trained or measured.
        seed: of the training.
    """

    kind: str
    name: str
    group: str
    words: Sequence[str]
    lasting: Sequence[str]
    out: str = ""
    needs: Paths = ()
    after: Paths = ()
    files: Paths = ()
    fixed: Paths = ()
    facts: str = ""
    model: str = ""
    seed: int | None = None


@dataclass
class Draft:
    """The stages of a file so far; later ones find earlier ones by their names in it."""

    asked: PipelineFile
    stages: list[Stage] = field(default_factory=list)

    def made_by(self, *kinds: str) -> dict[str, Stage]:
        """The stages of some kinds, by their names in the file."""
        return {one.group.partition(".")[2]: one for one in self.stages if one.kind in kinds}

    def find(self, group: str, key: str, name: str, among: Mapping[str, Stage]) -> Stage:
        """The stage that a value of a table names.

        Raises:
            UserError: there is none.
        """
        if name not in among:
            there = ", ".join(among) or "none"
            said = f"{key}: nothing here makes {name!r}{near(name, among)}; there are: {there}"
            raise self.wrong(group, said)
        return among[name]

    def out(self, *parts: str) -> str:
        """A folder below `work`, as a command is told it."""
        return Path(self.asked.work).joinpath(*parts).as_posix()

    def roots(self, stages: Iterable[Stage]) -> Paths:
        """The folders whose pictures these stages' tables rest on, each once.

        A table names pictures and does not hold them: who reads them must look at them anew.
        """
        known = {one.name: one for one in self.stages}
        found: list[str] = []
        for one in stages:
            if one.kind == "convert":
                found.append(one.files[0])
            found += self.roots(known[name] for name in one.needs)
        return tuple(dict.fromkeys(found))

    def wrong(self, group: str, problem: str) -> UserError:
        """The error that a table of the file has this problem."""
        return UserError(f"{self.asked.file}: [{group}] {problem}")


def typed(values: Values, keys: Keys, apart: Sequence[str] = ()) -> tuple[list[str], list[str]]:
    """Options as words: all, and those that decide what comes out.

    Args:
        values: of a table of the file.
        keys: those that are options of the command.
        apart: keys that are left out.
    """
    words: list[str] = []
    lasting: list[str] = []
    for key in keys:
        if key in values and key not in apart:
            option = _words(f"--{key}", values[key])
            words += option
            lasting += [] if key in MACHINE else option
    return words, lasting


def _words(option: str, value: Any) -> list[str]:
    if isinstance(value, bool):
        return [option] if value else []
    if isinstance(value, list):
        return [word for one in value for word in (option, str(one))]
    return [option, str(value)]


def sets(values: Values, seed: int) -> tuple[list[str], list[str]]:
    """The `set` of a training as words, in the same two forms."""
    words: list[str] = []
    lasting: list[str] = []
    for key, value in {**flat(values.get("set", {})), "run.seed": seed}.items():
        option = [
            "--set",
            f"{key}={value if isinstance(value, str) else json.dumps(value, default=str)}",
        ]
        words += option
        lasting += [] if key in MACHINE_SETS else option
    return words, lasting


def flat(table: Mapping[str, Any], above: str = "") -> dict[str, Any]:
    """`{"optim": {"lr": 1}}` and `{"optim.lr": 1}` as the latter, by key."""
    found: dict[str, Any] = {}
    for key, value in table.items():
        found |= flat(value, f"{above}{key}.") if isinstance(value, dict) else {above + key: value}
    return dict(sorted(found.items()))


def paths(values: Values, *keys: str) -> Paths:
    """The paths that a table gives for some keys."""
    return tuple(values[key] for key in keys if key in values)


def names(stages: Sequence[Stage]) -> Paths:
    """Their names, each once."""
    return tuple(dict.fromkeys(one.name for one in stages))

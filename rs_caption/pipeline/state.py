"""What a stage was asked when it last ran, and what it left: so whether it is up to date.

    WORK/stages/convert.dota.json
    {"asked": {"version": "0.1.0", "command": [...], "held": {...}, "files": {...}}, "code": 0,
     "started": "2026-01-31T12:00:00Z", "seconds": 8.1,
     "left": {"captions.parquet": [1024, 1700000000000000000, "9f86d081..."]}}

`code` is null while it runs, and so after it was killed.
"""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from types import MappingProxyType

import msgspec

from rs_caption import __version__, table
from rs_caption.errors import UserError
from rs_caption.files import write_json
from rs_caption.pipeline.plan import Plan
from rs_caption.pipeline.prints import GONE, Print, of_output, of_place
from rs_caption.pipeline.stage import Stage

STATES = "stages"
_OWNER = "pipeline"  # no stage: their names have a dot
_TABLE = (table.TABLE_FILE, table.ROOTS_FILE)
_REMOVED = "removed.parquet"
# Of each kind the files that count: that they are there, and whether they are still the same.
_LEFT: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {
        "check": (),
        "convert": _TABLE,
        "dedup": (*_TABLE, _REMOVED),
        "pack": ("pack.json", "index.parquet", "images.u8", f"tables/*/{table.TABLE_FILE}"),
        "train": ("checkpoints/*.pt",),
        "export": ("open_clip_config.json", "open_clip_model.safetensors"),
        "bench": ("results.json", "outcomes.npz"),
    }
)


class Asked(msgspec.Struct, frozen=True):
    """All that the output of a stage depends on.

    Attributes:
        version: of this program.
        command: what is typed, without words on how and where it is run.
        held: name -> digest of what makes it another stage: outputs of others, weights, recipes.
        files: path -> digest of the user's files, whose changes the command copes with.
    """

    version: str
    command: list[str]
    held: dict[str, str]
    files: dict[str, str]


class State(msgspec.Struct, frozen=True):
    """How a stage last ended.

    Attributes:
        foreign: files in its folder, when it began, that were not its own; of one that runs.
        made: files that it made; of one that ended.
    """

    asked: Asked
    code: int | None = None
    started: str = ""
    seconds: float = 0.0
    left: dict[str, Print] = {}
    foreign: list[str] = []
    made: list[str] = []


class Ledger:
    """The states of the stages of a plan."""

    def __init__(self, plan: Plan) -> None:
        """Nothing is read yet."""
        self.plan = plan
        self._prints: dict[str, str] = {}

    def state(self, name: str) -> State | None:
        """How a stage last ended; None where it never began, or its note is damaged.

        Raises:
            UserError: there is a note that cannot be read, perhaps of another user's run.
        """
        file = self._file(name)
        try:
            return msgspec.json.decode(file.read_bytes(), type=State)
        except (FileNotFoundError, msgspec.DecodeError):
            return None
        except OSError as error:
            raise UserError(f"{file}: could not be read ({error.strerror})") from error

    def keep(self, name: str, state: State) -> None:
        """Write down how a stage ended, or that it begins.

        Raises:
            WriteError: it cannot be written.
        """
        write_json(self._file(name), msgspec.to_builtins(state))

    def claim(self, *, write: bool) -> None:
        """Whether the work folder is that of this file; a new one is from now on.

        Raises:
            UserError: it is another file's, whose outputs would be taken for this one's.
            WriteError: it cannot be written to.
        """
        note, name, other = self._file(_OWNER), self.plan.file.name, ""
        with suppress(OSError, msgspec.DecodeError):
            other = msgspec.json.decode(note.read_bytes(), type=dict[str, str]).get("file", "")
        if other and other != name:
            raise UserError(
                f"{self.plan.work} belongs to {other}; give {name} its own `work`, or, if it is "
                f"that file renamed, delete {note}"
            )
        if write and not other:
            write_json(note, {"file": name})

    def lacking(self, stage: Stage) -> list[str]:
        """What a stage must leave, and did not."""
        out = self.plan.place(stage.out)
        return [one for one in _LEFT[stage.kind] if not any(out.glob(one))]

    def _file(self, name: str) -> Path:
        return self.plan.work / STATES / f"{name}.json"

    def asked(self, stage: Stage) -> Asked:
        """All that its output depends on, as it is now.

        Raises:
            UserError: a folder of the user's cannot be read.
        """
        held = {name: self._held(stage, name) for name in stage.needs}
        held |= {text: self._print(text) for text in stage.fixed}
        if stage.facts:
            held["what is known of the dataset"] = stage.facts
        files = {text: self._print(text) for text in stage.files}
        if stage.kind in {"check", "convert"}:  # the table's roots.json has this place
            files = {f"{self.plan.place(text)}": digest for text, digest in files.items()}
        return Asked(__version__, list(stage.lasting), held, files)

    def _held(self, stage: Stage, name: str) -> str:
        """Digests of what another stage left, but for what is of no use to this one.

        Where images lie is of use to `dedup` alone, what was removed to nobody.
        """
        state = self.state(name)
        if state is None:
            return GONE
        apart = {_REMOVED} if stage.kind == "dedup" else {_REMOVED, table.ROOTS_FILE}
        return " ".join(one[2] for file, one in sorted(state.left.items()) if file not in apart)

    def _print(self, text: str) -> str:
        if text not in self._prints:
            self._prints[text] = of_place(self.plan.place(text), self.plan.work)
        return self._prints[text]

    def left(self, stage: Stage) -> dict[str, Print]:
        """What counts of its output, as it is now."""
        state = self.state(stage.name)
        known = {} if state is None else state.left
        return of_output(self.plan.place(stage.out), _LEFT[stage.kind], known)

    def why(self, stage: Stage) -> str:
        """Why it must run; empty: it is up to date.

        Raises:
            UserError: a folder of the user's cannot be read.
        """
        state = self.state(stage.name)
        if state is None:
            return "first run"
        if state.code is None:
            return "was broken off"
        if changes := changed(state.asked, self.asked(stage)):
            return ", ".join(changes)
        now, then = digests(self.left(stage)), digests(state.left)
        different = [name for name in {**then, **now} if now.get(name) != then.get(name)]
        if not different:
            return ""
        return f"{stage.out}/{different[0]} is gone or not as it was left"


def digests(left: Mapping[str, Print]) -> dict[str, str]:
    """Of what a stage left, the content alone."""
    return {name: one[2] for name, one in left.items()}


def changed(then: Asked, now: Asked) -> list[str]:
    """What differs, in words."""
    said = [] if then.version == now.version else [f"it ran with rs-caption {then.version}"]
    said += [] if then.command == now.command else ["its options changed"]
    for before, after in ((then.held, now.held), (then.files, now.files)):
        names = dict.fromkeys((*after, *before))
        said += [f"{name} changed" for name in names if before.get(name) != after.get(name)]
    return said

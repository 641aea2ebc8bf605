"""Read a pipeline file, and refuse what it cannot say: file, table, key, what was expected."""

from __future__ import annotations

import difflib
import re
import tomllib
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any, NamedTuple, get_args

import msgspec

from rs_caption.errors import UserError
from rs_caption.pipeline.kinds import KINDS, REPORT, REQUIRED, TASKS, TOP, Keys, Kind, keys_of

Values = dict[str, Any]
REPLACED = "replaced"  # the folder of outputs that others took the place of
_FOUND = {FileNotFoundError: "no such file", IsADirectoryError: "a folder, not a pipeline file"}
_NAME = re.compile(r"[\w+-][\w .+-]*(?<! )")  # of a folder, and no option


class PipelineFile(NamedTuple):
    """A pipeline file, each of its tables by kind and name, in the order of the file."""

    file: Path
    work: str
    title: str
    tables: dict[Kind, dict[str, Values]]


def read(file: Path) -> PipelineFile:
    """The tables of a file, with values of the right types; what they name is not looked for.

    Raises:
        UserError: no such file, not TOML, an unknown or missing key, a value of the wrong type.
    """
    plain = _toml(file)
    wrong = next(_problems(plain), None)
    if wrong:
        raise UserError(f"{file}: {wrong}")
    tables: dict[Kind, dict[str, Values]] = {kind: plain.get(kind, {}) for kind in KINDS}
    if not tables["convert"] and not tables["bench"]:
        raise UserError(f"{file}: nothing to do; expected a table such as [convert.dota]")
    title = plain.get("report", {}).get("title", file.stem)
    return PipelineFile(file, plain.get("work", "work"), title, tables)


def _toml(file: Path) -> Values:
    try:
        return tomllib.loads(file.read_bytes().decode("utf-8-sig"))
    except OSError as error:
        hint = "; `rs-caption pipeline --list` names those that come with it"
        reason = f"{_FOUND[type(error)]}{hint}" if type(error) in _FOUND else error.strerror
        raise UserError(f"{file}: {reason}") from error
    except UnicodeDecodeError as error:
        raise UserError(f"{file}: not UTF-8 text ({error})") from error
    except (tomllib.TOMLDecodeError, RecursionError) as error:
        raise UserError(f"{file}: not TOML: {error}") from error


def _problems(plain: Values) -> Iterator[str]:
    """What is wrong, the first of the file first."""
    known = {**TOP, **dict.fromkeys((*KINDS, "report"), dict[str, Any])}
    yield from _of_table("", plain, known)
    work = plain.get("work", "work")
    if isinstance(work, str) and not work.strip():
        yield f"work: expected a folder, such as work, found {work!r}"
    if isinstance(work, str) and work.startswith("-"):
        yield f"work: commands would take {work!r} for an option; write ./{work}"
    yield from _of_table("[report] ", plain.get("report", {}), REPORT)
    for kind in KINDS:
        for name, values in plain.get(kind, {}).items():
            table = f"[{kind}.{name}] "
            if not isinstance(values, dict):
                yield f"[{kind}] {name}: expected tables with a name, such as [{kind}.{name}]"
            elif not _NAME.fullmatch(name):
                yield f"{table}expected a name of letters, digits, blanks, _ . + and -"
            elif name == REPLACED:
                yield f"{table}the folder {name} is for outputs of before; choose another name"
            else:
                yield from _of_stage(kind, table, values)
    for name in plain.get("train", {}):
        if name in plain.get("model", {}):
            yield f"[model.{name}] and [train.{name}] have one name; rename one of both"


def _of_stage(kind: Kind, table: str, values: Values) -> Iterator[str]:
    task = values.get("task")
    known = isinstance(task, str) and task in TASKS
    yield from _of_table(table, values, keys_of(kind, str(task) if known else "all"))
    missing = [key for key in REQUIRED[kind] if key not in values]
    if missing:
        yield f"{table}misses the key {missing[0]}"
    if str(values.get("recipe")).startswith("-"):
        yield f"{table}recipe: {values['recipe']!r} is taken for an option; write ./ before it"
    if values.get("seeds") == []:
        yield f"{table}seeds: expected at least one number, such as [0], found []"


def _of_table(table: str, values: Values, known: Keys) -> Iterator[str]:
    for key, value in values.items():
        if key not in known:
            yield f"{table}{key}: unknown key{near(key, known)}; known: {', '.join(known)}"
            continue
        if "\\x00" in repr(value):
            yield f"{table}{key}: expected text without the character NUL, found {value!r}"
        try:
            msgspec.convert(value, known[key], strict=True)
        except msgspec.ValidationError as error:
            yield f"{table}{key}: {_expected(str(error), known[key])}, found {value!r}"


def _expected(said: str, kind: Any) -> str:
    """What msgspec expected, in words of TOML."""
    of = next((one for one in (kind, *get_args(kind)) if str(one).startswith("typing.Lit")), None)
    if said.startswith("Invalid enum value") and of is not None:
        return f"expected one of {', '.join(map(str, get_args(of)))}"
    said = said.partition(", got")[0].partition(" - at")[0].replace("`", "")
    for theirs, ours in {"str": "text", "array": "a list", "object": "a table"}.items():
        said = re.sub(rf"\b{theirs}\b", ours, said)
    return said[:1].lower() + said[1:]


def near(name: str, known: Iterable[str]) -> str:
    """A hint at the name that may be meant."""
    close = difflib.get_close_matches(name, list(known), 1)
    return f" (did you mean {close[0]}?)" if close else ""

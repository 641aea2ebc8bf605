"""What is wrong with a recipe, in words: its path first, then what was expected and found."""

from __future__ import annotations

import difflib
import math
import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, get_args

import msgspec

from rs_train.settings import Config, Part

Plain = dict[str, Any]
_WORDS = {
    "float": "a number",
    "int": "a whole number",
    "str": "text",
    "bool": "true or false",
    "array": "a list",
    "object": "a table",
    "null": "none (leave it out)",
}
_TYPES = re.compile(r"`([^`]*)`")
_AT = re.compile(r"(?P<what>.*?)(?: - at `\$\.?(?P<path>.*)`)?", re.DOTALL)


def in_words(text: str, plain: Plain) -> str:
    """What msgspec says, the path of the key first, and what stands there."""
    found = _AT.fullmatch(text)
    assert found is not None
    keys = re.findall(r"\w+", found["path"] or "")
    what = found["what"].replace("Object missing required field", "misses the key")
    what = _TYPES.sub(_kinds, what[:1].lower() + what[1:])
    if what.startswith("invalid enum value"):
        what = f"expected one of {', '.join(_choices(keys))}"
    if what.startswith("expected"):
        here: Any = plain
        for key in keys:
            here = here[int(key) if isinstance(here, list | tuple) else key]
        what = f"{what.partition(', got')[0]}, found {'none' if here is None else repr(here)}"
    return f"{found['path']}: {what}" if keys else what


def _kinds(types: re.Match[str]) -> str:
    """`float | null` is a number or none."""
    return " or ".join(_WORDS.get(one, one) for one in types[1].split(" | "))


def _choices(keys: Sequence[str]) -> tuple[Any, ...]:
    """The values that a key takes, where they can be listed."""
    here: Any = Config
    for key in keys:
        here = next(one.type for one in msgspec.structs.fields(here) if one.name == key)
    return get_args(here)


def unknown_keys(plain: Plain, struct: type[Part], path: str) -> Iterator[str]:
    """Keys that a table of a recipe does not have, with the nearest that it has."""
    known = {field.name: field.type for field in msgspec.structs.fields(struct)}
    for key, value in plain.items():
        if key not in known:
            close = difflib.get_close_matches(key, known, 1) or _sections_with(key, known)
            hint = f" (did you mean {close[0]}?)" if close else ""
            yield f"{path}{key}: unknown key{hint}; known: {', '.join(known)}"
            continue
        below = _struct_in(known[key])
        inside = value if isinstance(value, list) else [value]
        for one in inside if below else ():
            if isinstance(one, Mapping):
                assert below is not None
                yield from unknown_keys(dict(one), below, f"{path}{key}.")


def _sections_with(key: str, known: Mapping[str, Any]) -> list[str]:
    """`lr` is `optim.lr`."""
    below = {name: _struct_in(kind) for name, kind in known.items()}
    return [f"{name}.{key}" for name, one in below.items() if one and key in one.__struct_fields__]


def _struct_in(annotation: Any) -> type[Part] | None:
    """Of `Model` itself, of `tuple[TableUse, ...]` TableUse."""
    inside = [annotation, *get_args(annotation)]
    return next((one for one in inside if isinstance(one, type) and issubclass(one, Part)), None)


def not_finite(value: Any, path: str) -> Iterator[str]:
    """Numbers that are none: TOML has `nan` and `inf`."""
    if isinstance(value, dict):
        for key, below in value.items():
            yield from not_finite(below, f"{path}.{key}" if path else key)
    elif isinstance(value, list | tuple):
        for below in value:
            yield from not_finite(below, path)
    elif isinstance(value, float) and not math.isfinite(value):
        yield f"{path}: expected a finite number, found {value}"

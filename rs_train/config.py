"""A recipe: everything that decides a training run, read from TOML into typed, frozen structs.

    base = "remoteclip-rn50"        # optional: start from this recipe, bundled or a file
    title = "RET-3 alone"
    [optim]
    epochs = 32

An unknown key or a wrong type is an error that gives the path of the key. Every value can be set
on the command line: `--set optim.lr=4e-5`, in the syntax of TOML; `none` takes a value away.
Paths count from the folder that the command runs in, those in `base` from the recipe's folder.
`settings.py` says what each key means.
"""

from __future__ import annotations

import difflib
import math
import tomllib
from collections.abc import Sequence
from importlib import resources
from importlib.resources.abc import Traversable
from pathlib import Path
from typing import Any

import msgspec

from rs_caption.errors import UserError
from rs_caption.files import read_toml
from rs_train.problems import in_words, not_finite, unknown_keys
from rs_train.settings import Config, Data, Loss, Model, Optim, Run, TableUse

__all__ = [
    "Config",
    "Data",
    "Loss",
    "Model",
    "Optim",
    "Run",
    "TableUse",
    "dump",
    "load",
    "names",
    "parse",
    "source",
    "table_use",
]

Plain = dict[str, Any]
_ENDING = ".toml"
_EITHER = {"optim": ("epochs", "steps")}  # one displaces the other
_PLAIN = (bool, int, float, str, list, dict)


def load(recipe: str, overrides: Sequence[str] = (), given: Plain | None = None) -> Config:
    """The recipe of this name or file, with the values that were set on top.

    Args:
        recipe: name of a bundled recipe, or a TOML file.
        overrides: each `key.path=value`.
        given: values that other options state, as plain nested tables; they win.

    Raises:
        UserError: no such recipe, not TOML, an unknown key, a value that cannot be.
    """
    plain = _resolved(_found(recipe), ())
    _check_names_model(plain, overrides)
    for override in overrides:
        plain = _merged(plain, _override(override))
    return parse(_merged(plain, given or {}), f"recipe {recipe}")


def parse(plain: Plain, where: str) -> Config:
    """A recipe from plain values, such as `dump` gives.

    Raises:
        UserError: an unknown key or a value that cannot be, with its path.
    """
    plain = _with_tables(plain)
    for problem in (*unknown_keys(plain, Config, ""), *not_finite(plain, "")):
        raise UserError(f"{where}: {problem}")
    try:
        return msgspec.convert(plain, Config)
    except msgspec.ValidationError as error:
        raise UserError(f"{where}: {in_words(str(error), plain)}") from error


def dump(config: Config) -> Plain:
    """The recipe as plain values: what checkpoints hold; `parse` reads it back."""
    plain: Plain = msgspec.to_builtins(config, builtin_types=())
    return plain


def names() -> list[str]:
    """The bundled recipes, sorted."""
    files = resources.files("rs_train").joinpath("recipes").iterdir()
    return sorted(file.name[: -len(_ENDING)] for file in files if file.name.endswith(_ENDING))


def source(recipe: str) -> str:
    """The text of a recipe as it was written.

    Raises:
        UserError: there is none.
    """
    return _text(_found(recipe))


def table_use(text: str) -> TableUse:
    """`PATH` or `PATH=WEIGHT`, as on the command line.

    Raises:
        UserError: the weight is no number above 0.
    """
    path, equals, weight = text.rpartition("=")
    if not equals or Path(text).exists():
        return TableUse(path=text)
    try:
        value = float(weight)
    except ValueError:
        value = math.nan
    if not 0 < value < math.inf:
        raise UserError(f"--table {text}: expected PATH or PATH=WEIGHT, the weight above 0")
    return TableUse(path=path, weight=value)


def _found(recipe: str) -> Traversable | Path:
    file = Path(recipe)
    if file.suffix == _ENDING or len(file.parts) > 1:
        if not file.is_file():
            raise UserError(f"{recipe}: no such recipe file")
        return file
    if recipe not in names():
        close = difflib.get_close_matches(recipe, names(), 1)
        hint = f" (did you mean {close[0]}?)" if close else ""
        raise UserError(
            f"no recipe is called {recipe!r}{hint}; there are: {', '.join(names())}; "
            "or give the path of a TOML file"
        )
    return resources.files("rs_train").joinpath("recipes", recipe + _ENDING)


def _text(file: Traversable | Path) -> str:
    try:
        return file.read_bytes().decode()
    except OSError as error:
        raise UserError(f"{file}: could not be read ({error.strerror})") from error
    except UnicodeDecodeError as error:
        raise UserError(f"{file}: not UTF-8 text ({error})") from error


def _resolved(file: Traversable | Path, above: tuple[str, ...]) -> Plain:
    """The values of a recipe on top of those of its base."""
    plain = read_toml(file)
    base = plain.pop("base", None)
    if base is None:
        return plain
    if not isinstance(base, str):
        raise UserError(f"{file}: base: expected the name or file of a recipe, found {base!r}")
    beside = Path(str(file)).parent / base
    name = str(beside) if base.endswith(_ENDING) else base
    if name in above:
        raise UserError(f"{file}: base: {base!r} is built on this recipe itself")
    return _merged(_resolved(_found(name), (*above, name)), plain)


def _merged(under: Plain, over: Plain) -> Plain:
    """`over` on top of `under`, table by table."""
    result = dict(under)
    for key, value in over.items():
        below = under.get(key)
        if isinstance(value, dict) and isinstance(below, dict):
            result[key] = _merged(_without_displaced(below, value, _EITHER.get(key, ())), value)
        else:
            result[key] = value
    return result


def _without_displaced(under: Plain, over: Plain, either: tuple[str, ...]) -> Plain:
    """`under` without `steps` where `over` sets `epochs`, and so on."""
    displaced = {key for key in either if any(over.get(one) for one in either if one != key)}
    return {key: value for key, value in under.items() if key not in displaced}


def _override(text: str) -> Plain:
    """`optim.lr=4e-5` as nested tables."""
    path, equals, value = text.partition("=")
    keys = path.strip().split(".")
    if not equals or not all(keys):
        raise UserError(f"--set {text}: expected KEY=VALUE, such as optim.lr=4e-5")
    plain: Any = _value(value.strip())
    for key in reversed(keys):
        plain = {key: plain}
    assert isinstance(plain, dict)
    return plain


def _value(text: str) -> Any:
    """A TOML value; what is none is text."""
    if text == "none":
        return None
    try:
        value = tomllib.loads(f"value = {text}")["value"]
    except tomllib.TOMLDecodeError:
        return text
    return value if isinstance(value, _PLAIN) else text  # a date is the name of a folder


def _check_names_model(plain: Plain, overrides: Sequence[str]) -> None:
    """Whether `--set model.name` would name another model than the recipe describes.

    Raises:
        UserError: it would, and the run would train the recipe's all the same.
    """
    model = plain.get("model")
    own = isinstance(model, dict) and model.get("config") is not None
    given = {text.partition("=")[0].strip(): text for text in overrides}
    if own and "model.name" in given and not any(key.startswith("model.config") for key in given):
        raise UserError(
            f"--set {given['model.name']}: the recipe describes its model in [model.config], and "
            "another name changes nothing of that. Add --set model.config=none to train "
            "open_clip's model of this name, or choose another recipe (`rs-train recipes`)"
        )


def _with_tables(plain: Plain) -> Plain:
    """Tables that are given as bare paths, spelled out."""
    data = plain.get("data")
    tables = data.get("tables") if isinstance(data, dict) else None
    if not isinstance(tables, list):
        return plain
    spelled = [{"path": one} if isinstance(one, str) else one for one in tables]
    return _merged(plain, {"data": {"tables": spelled}})

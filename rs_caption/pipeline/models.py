"""The stages that need PyTorch: pack, train, export, bench."""

from __future__ import annotations

import math
import tomllib
from collections.abc import Iterable, Iterator
from contextlib import suppress
from importlib import resources
from pathlib import Path

from rs_caption import manifest, storage
from rs_caption.pipeline.kinds import EXPORT, MEASURE, PACK, TASKS, TRAIN
from rs_caption.pipeline.read import Values, near
from rs_caption.pipeline.stage import Draft, Paths, Stage, flat, names, paths, sets, typed

_DECIDED = {  # keys of a recipe -> where this file says the same
    "run.seed": "use `seeds` of the table",
    "run.out": "decided by `work` and the table's name",
    "data.tables": "use `tables` of the table",
    "data.pack": "use `pack` of the table",
}
_PATHS = ("model.weights", "model.config", "run.validate", "data.tables", "data.pack")
_WEIGHTS = (".pt", ".pth", ".bin", ".ckpt", ".safetensors")  # others are tags


def add_packs(draft: Draft) -> None:
    """`rs-train pack` of tables."""
    tables = draft.made_by("convert", "dedup")
    for name, values in draft.asked.tables["pack"].items():
        group, out = f"pack.{name}", draft.out("packs", name)
        taken = [draft.find(group, "tables", one, tables) for one in values["tables"]]
        if not taken:
            raise draft.wrong(group, "tables: expected names of tables, found none")
        start, end = ["rs-train", "pack", *(one.out for one in taken)], ["--out", out]
        words, lasting = typed(values, PACK)
        draft.stages.append(
            Stage(
                kind="pack",
                name=group,
                group=group,
                words=[*start, *words, *end],
                lasting=[*start, *lasting, *end],
                out=out,
                needs=names(taken),
                files=draft.roots(taken),
            )
        )


def add_trainings(draft: Draft) -> None:
    """`rs-train run` and `rs-train export`, once for each seed."""
    for name, values in draft.asked.tables["train"].items():
        data, needs = _data(draft, f"train.{name}", values)
        recipes = tuple(_recipe_files(draft, f"train.{name}", values["recipe"]))
        fixed = (*recipes, *_named(draft, [values.get("set", {}), *_plain(draft, recipes)]))
        for key in flat(values.get("set", {})):
            if key in _DECIDED:
                raise draft.wrong(f"train.{name}", f"set: {key}: {_DECIDED[key]}")
        for seed in values.get("seeds", [0]):
            _add_training(draft, name, seed, (data, needs, fixed))


def _add_training(
    draft: Draft, name: str, seed: int, rests_on: tuple[list[str], list[Stage], Paths]
) -> None:
    data, needs, fixed = rests_on
    values, folder = draft.asked.tables["train"][name], f"{name}-seed{seed}"
    run, model = draft.out("runs", folder), draft.out("models", folder)
    start = ["rs-train", "run", values["recipe"], *data]
    options, _ = typed(values, TRAIN, ["pack", "set"])
    (words, lasting), end = sets(values, seed), [*options, "--out", run, "--resume"]
    training = Stage(
        kind="train",
        name=f"train.{name}-seed{seed}",
        group=f"train.{name}",
        words=[*start, *words, *end],
        lasting=[*start, *lasting, *end],
        out=run,
        needs=names(needs),
        fixed=fixed,
        model=name,
        seed=seed,
    )
    export = ["rs-train", "export", run, *typed(values, EXPORT)[0], "--out", model]
    exporting = Stage(
        kind="export",
        name=f"export.{name}-seed{seed}",
        group=f"train.{name}",
        words=export,
        lasting=export,
        out=model,
        needs=(training.name,),
        model=name,
        seed=seed,
    )
    draft.stages += [training, exporting]


def _data(draft: Draft, group: str, values: Values) -> tuple[list[str], list[Stage]]:
    """What is trained on as words, and the stages that make it.

    Raises:
        UserError: nothing is named, or what there is not.
    """
    tables, packs = draft.made_by("convert", "dedup"), draft.made_by("pack")
    words: list[str] = []
    needs: list[Stage] = []
    for text in values.get("tables", []):
        name, equals, weight = text.partition("=")
        needs.append(draft.find(group, "tables", name, tables))
        if equals and not _is_weight(weight):
            wrong = f"tables: {text!r}: expected NAME or NAME=WEIGHT, the weight above 0"
            raise draft.wrong(group, wrong)
        words += ["--table", f"{needs[-1].out}{equals}{weight}"]
    if "pack" in values:
        needs.append(draft.find(group, "pack", values["pack"], packs))
        words += ["--pack", needs[-1].out]
    if not needs:
        raise draft.wrong(group, "misses the key tables (or pack): what it is trained on")
    said = list(flat(values.get("set", {})).values())  # such as run.validate
    needs += [one for one in tables.values() if one.out in said]
    return words, needs


def _is_weight(text: str) -> bool:
    try:
        return 0 < float(text) < math.inf
    except ValueError:
        return False


def _recipe_files(draft: Draft, group: str, recipe: str) -> Iterator[str]:
    """The files of a recipe of the user's own, with those that it is based on; of others none.

    Raises:
        UserError: no bundled recipe has this name.
    """
    file = Path(recipe)
    if file.suffix != ".toml" and len(file.parts) == 1:
        folder = resources.files("rs_train").joinpath("recipes")  # of the same wheel
        known = sorted(one.name.removesuffix(".toml") for one in folder.iterdir())
        if recipe not in known:
            said = f"recipe: none is called {recipe!r}{near(recipe, known)}"
            raise draft.wrong(group, f"{said}; there are: {', '.join(known)}; or name a TOML file")
        return
    seen: set[str] = set()
    while recipe.endswith(".toml") and recipe not in seen:
        yield recipe
        seen.add(recipe)
        base = next((one.get("base") for one in _plain(draft, [recipe])), None)
        recipe = str(Path(recipe).parent / str(base))


def _plain(draft: Draft, recipes: Iterable[str]) -> Iterator[Values]:
    """What is written in recipes; of what is no TOML nothing: who reads it says what is wrong."""
    for recipe in recipes:
        with suppress(OSError, ValueError):
            text = (draft.asked.file.parent / recipe).read_text("utf-8")
            yield tomllib.loads(text)


def _named(draft: Draft, tables: Iterable[Values]) -> Iterator[str]:
    """Files and folders of the user's that settings name; what this pipeline makes is none."""
    for table in tables:
        said = flat(table)
        for key in _PATHS:
            value = said.get(key, [])
            texts = value if isinstance(value, list) else [value]
            yield from (one for one in texts if isinstance(one, str) and _is_theirs(draft, one))


def _is_theirs(draft: Draft, text: str) -> bool:
    """Whether a text, which may be a tag, is a path of something that is not made here."""
    folder = draft.asked.file.parent
    work = Path(storage.real(folder / draft.asked.work))
    with suppress(OSError, ValueError):  # too long for a name
        place = storage.below(folder, text)
        return bool(text) and place.exists() and not Path(storage.real(place)).is_relative_to(work)
    return False


def add_benches(draft: Draft) -> None:
    """`rs-bench TASK` of each model, and of each seed of those that are trained."""
    measured = draft.asked.tables["model"] | draft.asked.tables["train"]
    trained = [one for one in draft.stages if one.kind == "export"]
    for name, values in draft.asked.tables["bench"].items():
        group = f"bench.{name}"
        _check_names(draft, group, values.get("datasets", []))
        models = values.get("models", list(measured))
        if not models:
            raise draft.wrong(group, "models: expected names of [model.NAME] or [train.NAME]")
        for model in models:
            if model in draft.asked.tables["model"]:
                draft.stages.append(_bench(draft, name, model, None))
                continue
            made = [one for one in trained if one.model == model]
            if not made:
                there = ", ".join(measured) or "none"
                said = f"models: no model {model!r}{near(model, measured)}; there are: {there}"
                raise draft.wrong(group, said)
            draft.stages += [_bench(draft, name, model, one) for one in made]


def _bench(draft: Draft, name: str, model: str, made: Stage | None) -> Stage:
    values = draft.asked.tables["bench"][name]
    task = values.get("task", "all")
    fixed: Paths = ()
    if made is not None:
        folder, given = Path(made.out).name, ["--model", made.out]
    else:
        folder, told = model, draft.asked.tables["model"][model]
        given = ["--model", told["model"], *typed(told, {"weights": str})[0]]
        given_paths = paths(told, "model", "weights")
        fixed = tuple(
            one
            for one in given_paths
            if _is_theirs(draft, one) or (one != told["model"] and one.endswith(_WEIGHTS))
        )
    out = draft.out("results", name, folder)
    words, lasting = typed(values, {**MEASURE, **TASKS[task]})
    start, end = ["rs-bench", task, *given], ["--out", out]
    return Stage(
        kind="bench",
        name=f"bench.{name}-{folder}",
        group=f"bench.{name}",
        words=[*start, *words, *end],
        lasting=[*start, *lasting, *end],
        out=out,
        needs=() if made is None else (made.name,),
        files=paths(values, "data", "questions"),
        fixed=fixed,
        model=model,
        seed=None if made is None else made.seed,
    )


def _check_names(draft: Draft, group: str, datasets: list[str]) -> None:
    """Whether there are such datasets; whether the task has them, its command says."""
    known = manifest.names()
    for name in (one.strip().lower() for text in datasets for one in text.split(",")):
        if name not in known:
            raise draft.wrong(group, f"datasets: no dataset {name!r}{near(name, known)}")

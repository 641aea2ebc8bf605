"""Recipes as files: values on top of values, and every mistake named with its path."""

import pytest

from rs_caption.errors import UserError
from rs_train import config
from rs_train.config import TableUse, dump, load, parse, table_use

MINIMAL = '[model]\nname = "RN50"\n[optim]\nlr = 1e-3\nbatch = 8\nsteps = 5\n'


@pytest.fixture
def recipe(tmp_path):
    """Write a recipe file; its path as it is typed."""

    def write(text, name="my.toml"):
        file = tmp_path / name
        file.write_text(text)
        return str(file)

    return write


def test_a_minimal_recipe_has_the_defaults(recipe):
    found = load(recipe(MINIMAL))
    assert (found.model.name, found.model.weights) == ("RN50", None)
    assert (found.optim.lr, found.optim.batch, found.optim.steps) == (0.001, 8, 5)
    assert (found.optim.epochs, found.optim.clip_norm, found.optim.accumulate) == (None, None, 1)
    assert (found.data.captions, found.data.crop_scale, found.data.rotate) == (
        "one",
        (0.9, 1.0),
        True,
    )
    assert (found.loss.name, found.run.precision, found.run.keep) == ("infonce", "fp32", 3)


def test_values_that_are_set_win_in_their_order(recipe):
    found = load(
        recipe(MINIMAL + "clip_norm = 1.0\n"),
        [
            "optim.lr=4e-5",
            "optim.lr=5e-5",
            "optim.clip_norm=none",
            "data.crop_scale=[0.5, 1.0]",
            "data.flip=false",
            "run.out=runs/a b",
            "run.device=cuda:1",
            'model.weights="openai"',
            "title=2024-05-01",  # a date to TOML
            "model.config.vision_cfg.width=16",
        ],
        {"run": {"out": "elsewhere"}},
    )
    assert (found.optim.lr, found.optim.clip_norm) == (5e-5, None)
    assert (found.data.crop_scale, found.data.flip) == ((0.5, 1.0), False)
    assert (found.run.out, found.run.device) == ("elsewhere", "cuda:1")
    assert (found.model.weights, found.title) == ("openai", "2024-05-01")
    assert found.model.config == {"vision_cfg": {"width": 16}}


@pytest.mark.parametrize("name", ["RN50", "ViT-B-33"])
def test_a_name_does_not_change_the_model_that_a_recipe_describes(name):
    with pytest.raises(UserError) as error:
        load("tiny-vit", [f"model.name={name}"])
    assert str(error.value) == (
        f"--set model.name={name}: the recipe describes its model in [model.config], and another "
        "name changes nothing of that. Add --set model.config=none to train open_clip's model of "
        "this name, or choose another recipe (`rs-train recipes`)"
    )
    found = load("tiny-vit", [f"model.name={name}", "model.config=none"]).model
    assert (found.name, found.config) == (name, None)
    found = load("tiny-vit", [f"model.name={name}", "model.config.embed_dim=32"]).model
    assert (found.name, found.config["embed_dim"]) == (name, 32)
    assert load("remoteclip-rn50", [f"model.name={name}"]).model.name == name


def test_one_of_steps_and_epochs_displaces_the_other(recipe):
    found = load(recipe(MINIMAL), ["optim.epochs=2.5"])
    assert (found.optim.steps, found.optim.epochs) == (None, 2.5)


def test_tables_are_paths_with_or_without_a_weight(recipe):
    text = MINIMAL + '[data]\ntables = ["tables/a", {path = "tables/b", weight = 2}]\n'
    expected = (TableUse(path="tables/a", weight=1.0), TableUse(path="tables/b", weight=2.0))
    assert load(recipe(text)).data.tables == expected


def test_a_recipe_on_another(recipe):
    recipe(MINIMAL + "warmup = 3\n[model.config]\na = 1\nb = 2\n", "base.toml")
    recipe('base = "base.toml"\n[optim]\nlr = 2e-3\n', "middle.toml")
    top = recipe('base = "middle.toml"\n[optim]\nepochs = 1\n[model.config]\nb = 3\n')
    found = load(top)
    assert (found.optim.lr, found.optim.warmup) == (0.002, 3)
    assert (found.optim.steps, found.optim.epochs) == (None, 1.0)
    assert found.model.config == {"a": 1, "b": 3}
    bundled = load(recipe('base = "remoteclip-rn50"\n[optim]\nbatch = 64\n'))
    assert (bundled.optim.batch, bundled.optim.steps) == (64, 108_215)


def test_a_recipe_on_itself(recipe):
    recipe('base = "b.toml"\n', "a.toml")
    top = recipe('base = "a.toml"\n', "b.toml")
    with pytest.raises(UserError, match=r"base: 'a.toml' is built on this recipe itself"):
        load(top)


@pytest.mark.parametrize(
    ("override", "problem"),
    [
        ("optim.lrr=1", "optim.lrr: unknown key (did you mean lr?); known: lr, batch, epochs, "),
        ("lr=1", "lr: unknown key (did you mean optim.lr?); known: model, optim, title, "),
        (
            "optimiser.lr=1",
            "optimiser: unknown key (did you mean optim?); known: model, optim, title, ",
        ),
        ("data.tables=[{paht='a'}]", "data.tables.paht: unknown key (did you mean path?); known: "),
        ("optim.lr=fast", "optim.lr: expected a number, found 'fast'"),
        ("optim.lr=0", "optim.lr: expected a number > 0.0, found 0"),
        ("optim.lr=nan", "optim.lr: expected a finite number, found nan"),
        ("optim.lr=none", "optim.lr: expected a number, found none"),
        (
            "optim.clip_norm=one",
            "optim.clip_norm: expected a number or none (leave it out), found 'o",
        ),
        ("optim.clip_norm=0", "optim.clip_norm: expected a number > 0.0, found 0"),
        ("model.name=3", "model.name: expected text, found 3"),
        (
            "model.config=3",
            "model.config: expected text or a table or none (leave it out), found 3",
        ),
        ("data.flip=no", "data.flip: expected true or false, found 'no'"),
        ("data.crop_scale=1", "data.crop_scale: expected a list"),
        ("data.crop_scale=[1.0]", "data.crop_scale: expected a list of length 2, found [1.0]"),
        ("optim.batch=0", "optim.batch: expected a whole number >= 1, found 0"),
        ("optim.batch=2.5", "optim.batch: expected a whole number, found 2.5"),
        ("optim.betas=[0.9, 1.0]", "optim.betas[1]: expected a number < 1.0, found 1.0"),
        ("optim=3", "optim: expected a table, found 3"),
        ("optim.accumulate=3", "optim: batch 8 is not divisible by accumulate 3"),
        ("optim.steps=none", "optim: needs one of epochs and steps, and not both"),
        ("loss.name=triplet", "loss.name: expected one of infonce, multi_positive, siglip, found"),
        ("data.crop_scale=[1.0, 0.9]", "data: crop_scale: expected 0 < from <= to <= 1, found 1"),
        ("data.splits=[]", "data: splits: expected at least one"),
        ("data.tables=[3]", "data.tables[0]: expected a table, found 3"),
        ("run.seed=-1", "run.seed: expected a whole number >= 0, found -1"),
    ],
)
def test_a_value_that_cannot_be(recipe, override, problem):
    file = recipe(MINIMAL)
    with pytest.raises(UserError) as error:
        load(file, [override])
    assert str(error.value).startswith(f"recipe {file}: {problem}")


def test_no_recipe(recipe, tmp_path):
    with pytest.raises(UserError, match=r"called 'tiny-resnt' \(did you mean tiny-resnet\?\); "):
        load("tiny-resnt")
    with pytest.raises(UserError, match=r"none.toml: no such recipe file"):
        load(str(tmp_path / "none.toml"))
    with pytest.raises(UserError, match=r"my.toml: not TOML \(.*line 1"):
        load(recipe("lr : 3"))
    with pytest.raises(UserError, match=r"optim: misses the key lr"):
        load(recipe('[model]\nname = "RN50"\n[optim]\nbatch = 8\nsteps = 5\n'))
    with pytest.raises(UserError, match=r"my.toml: base: expected the name or file .* found 3"):
        load(recipe("base = 3\n"))
    (tmp_path / "binary.toml").write_bytes(b"\xff\xfe")
    with pytest.raises(UserError, match="not UTF-8"):
        load(str(tmp_path / "binary.toml"))


@pytest.mark.parametrize("text", ["optim.lr", "=3", "optim.=3", ""])
def test_an_override_without_key_or_value(recipe, text):
    with pytest.raises(UserError, match=r"expected KEY=VALUE, such as optim.lr=4e-5"):
        load(recipe(MINIMAL), [text])


def test_an_override_that_goes_below_a_value(recipe):
    with pytest.raises(UserError, match=r"optim.lr: expected a number, found"):
        load(recipe(MINIMAL), ["optim.lr.x=3"])


@pytest.mark.parametrize("name", config.names())
def test_what_is_dumped_is_read_back(name):
    found = load(name, ["data.tables=['a']", "run.seed=7"])
    assert parse(dump(found), "checkpoint") == found


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("tables/a", TableUse(path="tables/a")),
        ("tables/a=1.5", TableUse(path="tables/a", weight=1.5)),
        ("a=b=2", TableUse(path="a=b", weight=2.0)),
    ],
)
def test_a_table_on_the_command_line(text, expected):
    assert table_use(text) == expected


def test_a_table_whose_name_has_an_equals_sign(tmp_path):
    (tmp_path / "a=b").mkdir()
    assert table_use(f"{tmp_path}/a=b") == TableUse(path=f"{tmp_path}/a=b")
    with pytest.raises(UserError, match="expected PATH or PATH=WEIGHT"):
        table_use("a=heavy")
    with pytest.raises(UserError, match="the weight above 0"):
        table_use("a=0")


def test_loading_processes_share_the_cores(monkeypatch):
    from rs_caption.engine import default_workers  # noqa: PLC0415
    from rs_train.settings import Data  # noqa: PLC0415

    monkeypatch.setenv("LOCAL_WORLD_SIZE", "1")
    assert Data().workers == default_workers() - 1
    monkeypatch.setenv("LOCAL_WORLD_SIZE", str(default_workers()))
    assert Data().workers == 0

"""A run becomes a model that open_clip loads, to the bit, with a card that says what is known."""

import json
import resource
import sys

import open_clip
import pytest
import torch

from rs_caption import table
from rs_caption.errors import UserError, WriteError
from rs_caption.sample import Boxes
from rs_caption.table import Row
from rs_train import checkpoint, config
from rs_train.corpus import open_corpus
from rs_train.export import export, find
from rs_train.model import make
from rs_train.origin import origin_of

TINY = {
    "embed_dim": 16,
    "quick_gelu": True,
    "vision_cfg": {"image_size": 32, "layers": 1, "width": 16, "patch_size": 16, "head_width": 8},
    "text_cfg": {"context_length": 16, "vocab_size": 49408, "width": 16, "heads": 2, "layers": 1},
}
RECIPE = {
    "title": "A tiny CLIP",
    "model": {"name": "tiny-exported", "config": TINY},
    "optim": {"lr": 1e-3, "batch": 2, "steps": 7},
    "run": {"seed": 5, "validate": "tables/held-out"},
}
STAMP = {"match": "near", "threshold": 2, "tests": {"rsicd": 1093, "AID": 2000}}


def write_table(folder, mine=None, **about):
    """With its pictures, one of each name; `mine` is what it says of the source `mine`."""
    images = folder / "images"
    images.mkdir(parents=True)
    for number in (1, 2, 3):
        (images / f"{number}.png").touch()
    table.write_roots(folder, {"dota": images, "mine": images})
    place = ("dota", "det", "train", "1.png", None, None, (9, 9))
    rows = [
        Row(*place, ("A plane.", "Planes."), ("all",) * 2, Boxes.of([])),
        Row(
            "mine", "ret", "train", "2.png", None, None, (9, 9), ("Sea.",), ("human",), place_less()
        ),
        Row("mine", "ret", "val", "3.png", None, None, (9, 9), ("Sea.",), ("human",), place_less()),
    ]
    sources = {"dota": {}, "mine": mine or {}}
    file = folder / "captions.parquet"
    table.write(file, [table.to_arrow(rows)], table.metadata(sources, **about))
    return str(folder)


def place_less():
    return Boxes.of([])


def write_run(folder, recipe=RECIPE, steps=(7,), origin=None, **changes):
    """The folder of a run whose weights were drawn by chance, and its model."""
    settings = config.parse(recipe, "here")
    torch.manual_seed(3)
    made = make(settings.model, torch.device("cpu"), loss=settings.loss.name)
    for step in steps:
        weights = made.model.state_dict() | changes
        plain = config.dump(settings)
        more = made.about | ({} if origin is None else {"origin": origin})
        state = checkpoint.State(step, weights, {}, plain, "c0ffee" * 9, corrupt=3, more=more)
        checkpoint.save(folder, state, keep=9)
    line = {"step": 7, "validation": {"mean_recall": 31.25, "images": 800.0}}
    (folder / "metrics.jsonl").write_text(f'{{"step": 7, "loss": 1.5}}\n{json.dumps(line)}\n')
    unreadable = ((2, "mine/2.png"), (5, "mine/2.png"), (7, "dota/1.png"), (8, "dota/9.png"))
    lines = (json.dumps({"step": at, "image_id": name}) for at, name in unreadable)
    (folder / "corrupt.jsonl").write_text("\n".join(lines) + '\n{"step": 9, "im')
    return made


def features(model, tokenizer):
    model.eval()
    generator = torch.Generator().manual_seed(0)
    images = torch.randn(2, 3, 32, 32, generator=generator)
    with torch.inference_mode():
        texts = model.encode_text(tokenizer(["Three planes.", "A ship."]))
        return torch.cat([model.encode_image(images), texts])


def test_open_clip_loads_it_from_its_folder_and_by_name(tmp_path):
    made = write_run(tmp_path / "run")
    exported = export(tmp_path / "run", tmp_path / "out")
    assert (exported.name, exported.step) == ("tiny-exported", 7)
    assert exported.parameters == sum(one.numel() for one in made.model.state_dict().values())
    expected = features(made.model, made.tokenizer)

    local = f"local-dir:{tmp_path / 'out'}"
    model, _, _ = open_clip.create_model_and_transforms(local)
    assert torch.equal(features(model, open_clip.get_tokenizer(local)), expected)

    (tmp_path / "tiny-exported.json").write_text(json.dumps(TINY))
    open_clip.add_model_config(tmp_path / "tiny-exported.json")
    for file in ("open_clip_model.safetensors", "open_clip_pytorch_model.bin"):
        model, _, preprocess = open_clip.create_model_and_transforms(
            "tiny-exported", pretrained=str(tmp_path / "out" / file)
        )
        assert torch.equal(features(model, made.tokenizer), expected)
        assert preprocess.transforms[-1].mean == made.mean


def test_the_activation_and_the_preparation_of_images_travel_along(tmp_path):
    write_run(tmp_path / "run")
    export(tmp_path / "run", tmp_path / "out")
    about = json.loads((tmp_path / "out" / "open_clip_config.json").read_text())
    assert about["model_cfg"] == TINY
    assert about["preprocess_cfg"] == {
        "mean": list(open_clip.OPENAI_DATASET_MEAN),
        "std": list(open_clip.OPENAI_DATASET_STD),
        "interpolation": "bicubic",
        "resize_mode": "shortest",
    }
    plain = {**TINY, "quick_gelu": False}
    recipe = {**RECIPE, "model": {"name": "tiny-exported", "config": plain}}
    write_run(tmp_path / "gelu", recipe)
    export(tmp_path / "gelu", tmp_path / "out")  # in place of the other
    about = json.loads((tmp_path / "out" / "open_clip_config.json").read_text())
    assert about["model_cfg"]["quick_gelu"] is False


def test_a_recipe_begins_with_what_was_exported(tmp_path):
    made = write_run(tmp_path / "run")
    export(tmp_path / "run", tmp_path / "out")
    again = config.Model(name="tiny-exported", config=TINY, weights=str(tmp_path / "out"))
    loaded = make(again, torch.device("cpu"))
    assert torch.equal(
        features(loaded.model, loaded.tokenizer), features(made.model, made.tokenizer)
    )


def test_a_bias_and_scalars_that_were_vectors(tmp_path):
    recipe = {**RECIPE, "loss": {"name": "siglip"}}
    # As FSDP keeps it.
    write_run(tmp_path / "run", recipe, logit_scale=torch.tensor([2.5]))
    export(tmp_path / "run", tmp_path / "out")
    model = open_clip.create_model(f"local-dir:{tmp_path / 'out'}")
    assert model.logit_scale.item() == 2.5
    assert model.logit_bias.item() == -10


def test_which_checkpoint(tmp_path):
    write_run(tmp_path, steps=(3, 7))
    folder = tmp_path / "checkpoints"
    assert find(tmp_path) == find(tmp_path, "7") == folder / "step-00000007.pt"
    assert find(tmp_path, "3") == find(folder / "step-00000003.pt")
    with pytest.raises(UserError, match="there are: step-00000003, step-00000007; only a run that"):
        find(tmp_path, "best")
    checkpoint.mark_best(folder / "step-00000003.pt")
    assert find(tmp_path, "best") == folder / "best.pt"
    with pytest.raises(UserError, match="no checkpoint '4'"):
        find(tmp_path, "4")
    with pytest.raises(UserError, match="expected last, best or the number"):
        find(tmp_path, "latest")
    (tmp_path / "empty").mkdir()
    with pytest.raises(UserError, match="the folder holds no checkpoint"):
        find(tmp_path / "empty")
    with pytest.raises(UserError, match="nothing: no such folder; expected the --out of `rs-train"):
        find(tmp_path / "nothing")


def test_a_full_disk_leaves_no_half_export(tmp_path):
    run, out = tmp_path / "run", tmp_path / "out"
    write_run(run)
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (20_000, before[1]))
    try:
        with pytest.raises(WriteError, match=r"open_clip_model\.safetensors: could not be written"):
            export(run, out)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
    assert [file.name for file in out.iterdir()] == ["open_clip_config.json"]
    export(run, out)
    modes = {file.stat().st_mode & 0o777 for file in out.iterdir()}
    assert len(modes) == 1  # colleagues read the weights as they read the card


def test_a_folder_of_other_things_is_left_alone(tmp_path):
    write_run(tmp_path / "run")
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "thesis.tex").touch()
    with pytest.raises(UserError, match=r"holds thesis\.tex"):
        export(tmp_path / "run", tmp_path / "out")
    assert [one.name for one in (tmp_path / "out").iterdir()] == ["thesis.tex"]
    with pytest.raises(
        UserError,
        match=r"thesis\.tex/model: expected a folder that can be written to \(.*: Not a dir",
    ):
        export(tmp_path / "run", tmp_path / "out" / "thesis.tex" / "model")


def card(tmp_path, *, allow_unchecked=False, **about):
    """The card of a run on a table that is gone by now."""
    path = write_table(tmp_path / "tables", **about)
    data = {"tables": [{"path": path, "weight": 2.0}]}
    used = config.parse({**RECIPE, "data": data}, "here").data
    origin = origin_of(open_corpus(used, allow_unchecked=True), allow_unchecked=allow_unchecked)
    (tmp_path / "tables" / "captions.parquet").unlink()
    write_run(tmp_path / "run", {**RECIPE, "data": data}, origin=origin)
    return exported_card(tmp_path)


def exported_card(tmp_path):
    export(tmp_path / "run", tmp_path / "out")
    return (tmp_path / "out" / "README.md").read_text()


def test_the_card_says_what_is_known(tmp_path):
    text = card(tmp_path, dedup=STAMP)
    assert text.startswith("---\nlibrary_name: open_clip\n")
    assert "# A tiny CLIP" in text
    assert "activation, QuickGELU." in text
    terms = "academic use only; any commercial use is prohibited"
    assert f"| dota | 1 | 2 | 2 | [{terms}](https://captain-whu.github.io/DOTA/) |" in text
    assert "| mine | 1 | 1 | 2 | unknown: your own data, of which nobody stated any |" in text
    assert "removed first, at level `near`: AID (2,000), rsicd (1,093)." in text
    assert "| `optim.lr` | `0.001` |" in text
    assert "| `run.seed` | `5` |" in text
    assert (
        "`tiny-exported`, an architecture that the recipe describes (`model.config` below), "
        "trained on caption tables by\n`rs-train` for 7 steps."
    ) in text
    assert f"| `model.config` | `{json.dumps(TINY)}` |" in text
    assert "2 images could not be read, 3 times in all; others took their place." in text
    assert "--allow-unchecked" not in text
    assert "On split `val` of `tables/held-out`, retrieval by protocol `remoteclip`" in text
    assert "| `mean_recall` | 31.25 |" in text


def test_the_card_says_what_was_not_done(tmp_path):
    text = card(tmp_path, allow_unchecked=True)
    assert "**Not compared with any test set" in text
    assert "Trained with `--allow-unchecked`" in text
    write_run(tmp_path / "other", steps=(1,))
    export(tmp_path / "other", tmp_path / "out")
    text = (tmp_path / "out" / "README.md").read_text()
    assert "This checkpoint was not validated." in text
    assert "`rs-train` for 1 step." in text


def test_the_programs_of_the_card_run(tmp_path):
    text = card(tmp_path)
    program = text.partition("```python\n")[2].partition("```")[0]
    space = {}
    exec(program.replace("DIR", str(tmp_path / "out")), space)  # noqa: S102 -- our own
    assert space["tokenizer"](["A plane."]).shape == (1, 16)
    assert "torch" in sys.modules


def test_the_card_says_the_terms_that_the_table_keeps(tmp_path):
    terms = {"licence": "ours, <b>a|b</b>", "commercial_use": "no", "redistribution": "yes"}
    text = card(tmp_path, mine={"terms": terms})
    stated = "ours, &lt;b&gt;a\\|b&lt;/b&gt; (commercial use: no, passing it on: yes)"
    assert f"| mine | 1 | 1 | 2 | {stated}, says whoever made the table |" in text


BLIND = {**STAMP, "tests_not_compared": 4}


def test_the_card_says_which_tests_could_not_be_looked_at(tmp_path):
    text = card(tmp_path, dedup=BLIND)
    assert "rsicd (1,093). **4 of them had no readable image to compare with.**" in text


@pytest.mark.parametrize(
    ("model", "loss", "told"),
    [
        ({"name": "ViT-S-32-alt", "config": None}, "infonce", True),
        ({"name": "ViT-S-32-alt", "config": None, "image_size": 96}, "infonce", False),
        ({"name": "ViT-S-32-alt", "config": None}, "siglip", False),
        ({"name": "ViT-S-32-alt", "config": TINY}, "infonce", False),  # another of its name
        (RECIPE["model"] | {"name": "of-nobody"}, "infonce", False),
    ],
)
def test_the_way_by_name_is_told_only_where_it_is_right(tmp_path, model, loss, told):
    write_run(tmp_path / "run", {**RECIPE, "model": model, "loss": {"name": loss}})
    text = exported_card(tmp_path)
    assert ("Or by its registered name" in text) == told
    assert ("open_clip's `ViT-S-32-alt`" in text) == (model["config"] is None)
    assert ("`model.config`" in text) == (model["config"] is not None)
    if told:
        name, weights = model["name"], str(tmp_path / "out" / "open_clip_model.safetensors")
        _, _, preprocess = open_clip.create_model_and_transforms(name, pretrained=weights)
        assert preprocess.transforms[0].size == 224

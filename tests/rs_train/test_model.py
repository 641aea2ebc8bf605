"""Models and weights: the right ones, those of another model, none, and no network."""

import json
import socket
import urllib.request
import warnings

import open_clip
import pytest
import torch
from safetensors.torch import save_file
from trainee import RESNET, VIT, recipe

from rs_caption.errors import UserError
from rs_train import checkpoint
from rs_train.config import Model
from rs_train.model import check_name, make
from rs_train.optimizer import make_optimizer

CPU = torch.device("cpu")
WIDE = VIT | {"vision_cfg": VIT["vision_cfg"] | {"width": 48}}
FINE = VIT | {"vision_cfg": VIT["vision_cfg"] | {"image_size": 48}}


def tiny(config=VIT, **more):
    return Model(name="tiny", config=config, **more)


def made(config=VIT, **more):
    torch.manual_seed(1)
    return make(tiny(config, **more), CPU)


def same(one, other):
    theirs = other.model.state_dict()
    pairs = one.model.state_dict().items()
    return all(torch.equal(value, theirs[key]) for key, value in pairs)


@pytest.fixture
def offline(monkeypatch):
    """No name is found, as on a machine without a network."""

    def lookup(*_, **__):
        raise socket.gaierror(-2, "Name or service not known")

    monkeypatch.setattr(socket, "getaddrinfo", lookup)
    monkeypatch.setattr(urllib.request, "getproxies", dict)


def write(file, weights):
    if file.suffix == ".safetensors":
        save_file(weights, file)
    else:
        torch.save(weights, file)
    return file


class Holder(torch.nn.Module):
    """A module for weights of any name."""

    def put(self, name, value):
        first, dot, rest = name.partition(".")
        if not dot:
            self.register_buffer(first, value)
            return
        if first not in self._modules:
            self.add_module(first, Holder())
        self._modules[first].put(rest, value)

    def forward(self, x: int) -> int:
        return x


def script(file, weights):
    """OpenAI's kind of archive."""
    holder = Holder()
    for name, value in (weights | {"input_resolution": torch.tensor(32)}).items():
        holder.put(name, value)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", FutureWarning)  # it is an old kind
        torch.jit.script(holder).save(file)
    return file


def test_what_is_known_of_a_model(tmp_path):
    it = made()
    assert (it.image_size, it.quick_gelu, it.name) == (32, True, "tiny")
    assert (it.mean, it.std) == (open_clip.OPENAI_DATASET_MEAN, open_clip.OPENAI_DATASET_STD)
    assert it.tokenizer(["two planes"]).shape == (1, 12)
    assert made(RESNET).quick_gelu is False
    file = tmp_path / "tiny.json"
    file.write_text(json.dumps(VIT))
    assert same(made(str(file)), it)
    assert made(image_size=48).image_size == 48


def test_open_clips_names_are_open_clips_models(tmp_path):
    theirs = open_clip.get_model_config("RN50")
    for allowed in (tiny(), Model(name="RN50"), Model(name="RN50", config=theirs)):
        check_name(allowed)
    file = tmp_path / "mine.json"
    file.write_text(json.dumps(VIT))
    for other in (VIT, theirs | {"quick_gelu": True}, str(file)):
        with pytest.raises(
            UserError, match=r"model\.name: RN50 is a model of open_clip, and model"
        ):
            check_name(Model(name="RN50", config=other))


def test_a_model_of_the_registry():
    it = make(Model(name="RN50-quickgelu", image_size=64), CPU)
    assert (it.image_size, it.quick_gelu, it.tokenizer.context_length) == (64, True, 77)


@pytest.mark.parametrize(
    "name", ["weights.pt", "weights.safetensors", "nested.pt", "module.pt", "checkpoint"]
)
def test_weights_of_a_file(tmp_path, name):
    torch.manual_seed(2)
    other = make(tiny(), CPU)
    weights = dict(other.model.state_dict())
    file = tmp_path / name
    if name == "nested.pt":
        torch.save({"state_dict": weights, "epoch": 3}, file)
    elif name == "module.pt":
        torch.save({f"module.{key}": value for key, value in weights.items()}, file)
    elif name == "checkpoint":
        file = checkpoint.save(tmp_path, checkpoint.State(3, weights, {}, {}, ""), keep=1)
    else:
        write(file, weights)
    assert not same(made(), other)
    assert same(made(weights=str(file)), other)


def test_openais_kind_of_archive(tmp_path):
    """The weights are taken, no code is run."""
    torch.manual_seed(2)
    other = make(tiny(), CPU)
    right = script(tmp_path / "right.pt", other.model.state_dict())
    assert same(made(weights=str(right)), other)
    wrong = script(tmp_path / "wrong.pt", made(WIDE).model.state_dict())
    with pytest.raises(UserError, match=r"wrong\.pt is of another model than tiny: visual"):
        made(weights=str(wrong))


def test_a_folder_that_was_exported(tmp_path):
    other = made(FINE)
    save_file(other.model.state_dict(), tmp_path / "open_clip_model.safetensors")
    looks = {"mean": [0.1, 0.2, 0.3], "std": [0.5, 0.5, 0.5], "size": 48}
    about = {"model_cfg": FINE, "preprocess_cfg": looks}
    (tmp_path / "open_clip_config.json").write_text(json.dumps(about))
    it = made(FINE, weights=str(tmp_path))
    assert same(it, other)
    assert (it.mean, it.image_size) == ((0.1, 0.2, 0.3), 48)
    with pytest.raises(UserError, match="trained with QuickGELU, tiny has GELU; set"):
        made(FINE | {"quick_gelu": False}, weights=str(tmp_path))
    with pytest.raises(UserError, match=r"another model than tiny: visual.* is \(32,\) there"):
        made(WIDE | {"quick_gelu": False}, weights=str(tmp_path))


def test_other_image_sizes_are_interpolated(tmp_path):
    file = write(tmp_path / "weights.pt", made().model.state_dict())
    assert made(FINE, weights=str(file)).image_size == 48
    kept = checkpoint.State(3, made().model.state_dict(), {}, {}, "")
    assert made(FINE, weights=str(checkpoint.save(tmp_path, kept, keep=1))).image_size == 48


def test_weights_for_siglip_get_a_bias(tmp_path):
    file = write(tmp_path / "weights.pt", made().model.state_dict())
    assert make(tiny(weights=str(file)), CPU, loss="siglip").model.logit_bias.item() == -10
    assert make(tiny(), CPU, loss="siglip").model.logit_bias.item() == -10


def test_a_sharded_model_takes_and_gives_a_scalar(tmp_path):
    file = write(tmp_path / "weights.pt", made().model.state_dict())
    sharded = make(tiny(weights=str(file)), CPU, sharded=True)
    assert sharded.model.logit_scale.shape == (1,)
    again = write(tmp_path / "again.pt", sharded.model.state_dict())
    assert made(weights=str(again)).model.logit_scale.shape == ()


@pytest.mark.parametrize("kind", ["weights.pt", "weights.safetensors", "checkpoint"])
def test_weights_of_another_model(tmp_path, kind):
    weights = dict(made(WIDE).model.state_dict())
    if kind == "checkpoint":
        file = checkpoint.save(tmp_path, checkpoint.State(3, weights, {}, {}, ""), keep=1)
    else:
        file = write(tmp_path / kind, weights)
    with pytest.raises(UserError) as error:
        made(weights=str(file))
    expected = f"{file} is of another model than tiny: visual.class_embedding is (48,) there and"
    assert expected in str(error.value)
    assert "(32,) here; visual.positional_embedding" in str(error.value)
    assert str(error.value).endswith(" more")
    with pytest.raises(UserError, match="is missing"):
        made(RESNET, weights=str(file))


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("text.pt", b"not weights"),
        ("empty.pt", b""),
        ("empty.safetensors", b""),
        ("cut.safetensors", b"\x10\0\0\0\0\0\0\0{}"),
    ],
)
def test_files_that_hold_no_weights(tmp_path, name, content):
    file = tmp_path / name
    file.write_bytes(content)
    with pytest.raises(UserError, match=f"{name} holds no weights"):
        made(weights=str(file))
    torch.save([1, 2, 3], tmp_path / "list.pt")
    with pytest.raises(UserError, match=r"list\.pt holds no weights"):
        made(weights=str(tmp_path / "list.pt"))


@pytest.mark.usefixtures("offline")
def test_no_network_names_the_file_and_what_to_do():
    openai = Model(name="ViT-B-32-quickgelu", weights="openai")
    with pytest.raises(UserError) as error:
        make(openai, CPU)
    said = str(error.value)
    assert "'openai' of ViT-B-32-quickgelu is not on this machine and could not be fetched" in said
    assert "ViT-B-32.pt or https://huggingface.co/timm/vit_base_patch32_clip_224.openai" in said
    assert said.endswith("then give the file's path: --set model.weights=PATH")
    with pytest.raises(UserError, match=r"open_clip_model\.safetensors, open_clip_config"):
        make(Model(name="ViT-B-32", weights="hf-hub:someone/some-clip"), CPU)


def test_names_that_nobody_knows(tmp_path):
    with pytest.raises(UserError, match=r"no model 'ViT-B-23'; did you mean .*ViT-B-32"):
        make(Model(name="ViT-B-23"), CPU)
    with pytest.raises(UserError, match=r"'opnai' is neither a file nor a tag .* \(openai, "):
        make(Model(name="RN50-quickgelu", weights="opnai"), CPU)
    with pytest.raises(UserError, match="holds none of open_clip_model"):
        made(weights=str(tmp_path))
    with pytest.raises(UserError, match="expected an open_clip model configuration with"):
        made({"embed_dim": 3})


def test_towers_that_do_not_learn():
    it = made(lock_image=1, lock_text=0)
    learning = {key for key, each in it.model.named_parameters() if each.requires_grad}
    assert learning == {"visual.proj", "logit_scale"} | (learning & {"text_projection"})
    optimizer = make_optimizer(it.model, recipe().optim)
    held = sum(len(group["params"]) for group in optimizer.param_groups)
    assert held == len(learning)
    with pytest.raises(UserError, match="partial locking not currently supported"):
        made(RESNET, lock_image=2)


def test_the_layers_of_a_tower_learn_ever_slower():
    it = made()
    optimizer = make_optimizer(it.model, recipe().optim, layer_decay=0.5)
    names = {id(each): name for name, each in it.model.named_parameters()}
    scale = {
        names[id(each)]: group["lr_scale"]
        for group in optimizer.param_groups
        for each in group["params"]
    }
    assert {
        "visual.conv1.weight": 0.125,
        "visual.transformer.resblocks.0.attn.in_proj_weight": 0.25,
        "visual.transformer.resblocks.1.mlp.c_proj.bias": 0.5,
        "visual.ln_post.weight": 1.0,
        "visual.proj": 1.0,
        "token_embedding.weight": 0.125,
        "transformer.resblocks.1.ln_1.weight": 0.5,
        "text_projection": 1.0,
        "logit_scale": 1.0,
    }.items() <= scale.items()
    resnet = make_optimizer(made(RESNET).model, recipe().optim, layer_decay=0.5)
    assert sorted({group["lr_scale"] for group in resnet.param_groups}) == [
        0.5**below for below in range(5, -1, -1)
    ]


@pytest.mark.parametrize(
    ("part", "problem"),
    [
        ({"nonsense": 7}, "unexpected keyword argument 'nonsense'"),
        ({"head_width": 9}, "must be divisible by num_heads"),
        ({"layers": "many"}, "'str'"),
    ],
)
def test_an_architecture_that_cannot_be(part, problem):
    wrong = VIT | {"vision_cfg": VIT["vision_cfg"] | part}
    with pytest.raises(UserError, match=r"model\.config, .* cannot make tiny") as error:
        made(wrong)
    assert problem in str(error.value)

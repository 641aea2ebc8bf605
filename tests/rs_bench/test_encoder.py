"""A model as an encoder: what it is shown, what it gives, what it says of itself, and errors."""

import json

import numpy as np
import open_clip
import pytest
import torch
from open_clip.transform import PreprocessCfg, image_transform_v2
from PIL import Image
from safetensors.torch import save_file
from trainee import RESNET, SPEAKING, VIT

from rs_bench.encoder import key_of, open_encoder
from rs_bench.squares import read_square
from rs_caption.errors import UserError
from rs_train.shown import moved_for

TEXTS = ["a satellite photo of an airport.", "ships!", "many buildings and some green trees", ""]
LONG = SPEAKING | {"text_cfg": SPEAKING["text_cfg"] | {"context_length": 40}}


def scene(size_wh, seed=0):
    noise = np.random.default_rng(seed).integers(0, 256, (5, 7, 3), np.uint8)
    return Image.fromarray(noise).resize(size_wh, Image.Resampling.BICUBIC)


@pytest.fixture
def pictures(tmp_path):
    """Of several shapes, formats and colours."""
    folder = tmp_path / "pictures"
    folder.mkdir()
    for at, size_wh in enumerate([(64, 64), (50, 70), (33, 32), (32, 32), (20, 90)]):
        scene(size_wh, at).save(folder / f"{at}.jpg", quality=90)
        scene(size_wh, at).save(folder / f"{at}.tif")
    scene((64, 48)).convert("L").save(folder / "grey.jpg")
    scene((64, 48)).convert("L").save(folder / "grey.png")
    return sorted(folder.iterdir())


def written(folder, config, name="tiny.json"):
    file = folder / name
    file.write_text(json.dumps(config))
    return str(file)


def opened(folder, config=LONG, **options):
    return open_encoder(written(folder, config), None, device="cpu", workers=2, **options)


def all_images(encoder, paths):
    parts = list(encoder.images(paths))
    return np.concatenate([part.features_BD for part in parts])


def exported(folder, config, looks=None):
    """As `rs-train export` leaves a model; random weights."""
    out = folder / "exported"
    out.mkdir()
    weights = opened(folder, config).made.model.state_dict()
    weights = {name: value.contiguous() for name, value in weights.items()}
    save_file(weights, out / "open_clip_model.safetensors")
    about = {"model_cfg": config, "preprocess_cfg": looks or {}}
    (out / "open_clip_config.json").write_text(json.dumps(about))
    return str(out)


@pytest.mark.parametrize("config", [LONG, RESNET])
@pytest.mark.parametrize(
    "looks",
    [
        {},
        {"mean": [0.5, 0.5, 0.5], "std": [0.5, 0.5, 0.5], "interpolation": "bilinear"},
        {"resize_mode": "squash"},
        {"resize_mode": "longest"},
    ],
    ids=["openai", "inception", "squash", "longest"],
)
def test_images_are_what_open_clips_own_transform_shows(tmp_path, pictures, config, looks):
    encoder = open_encoder(exported(tmp_path, config, looks), None, "cpu", batch=3)
    assert (
        encoder.about["preprocess"].items()
        >= {
            name: value for name, value in looks.items() if name in {"resize_mode", "interpolation"}
        }.items()
    )
    model = encoder.made.model
    transform = image_transform_v2(
        PreprocessCfg(**open_clip.get_model_preprocess_cfg(model)), is_train=False
    )
    with torch.inference_mode():
        one = [transform(Image.open(path)) for path in pictures]
        expected = model.encode_image(torch.stack(one), normalize=True).numpy()
    found = all_images(encoder, pictures)
    assert found.dtype == np.float32
    assert np.abs(found - expected).max() < 1e-6


@pytest.mark.parametrize("size_px", [24, 32, 80])
def test_pixels_are_open_clips_to_the_bit(tmp_path, pictures, size_px):
    encoder = opened(tmp_path, LONG | {"vision_cfg": VIT["vision_cfg"] | {"image_size": size_px}})
    moved = moved_for(encoder.made.model, encoder.made.image_size)
    transform = open_clip.image_transform(size_px, is_train=False, mean=(0, 0, 0), std=(1, 1, 1))
    for path in pictures:
        its = (transform(Image.open(path)).permute(1, 2, 0).numpy() * 255).round()
        assert np.array_equal(read_square(path, moved), its), path.name


def test_a_text_is_the_same_whatever_it_is_batched_with(tmp_path):
    encoder = opened(tmp_path, batch=2)
    with torch.inference_mode():
        tokens = encoder.made.tokenizer(TEXTS)
        expected = encoder.made.model.encode_text(tokens, normalize=True).numpy()
    found = encoder.texts([*TEXTS, TEXTS[0]])
    assert np.abs(found[:-1] - expected).max() < 1e-6
    assert np.array_equal(found[0], found[-1])


def test_a_tower_that_sees_all_its_tokens_is_given_all(tmp_path):
    whole = LONG | {"text_cfg": LONG["text_cfg"] | {"no_causal_mask": True}}
    encoder = opened(tmp_path, whole)
    with torch.inference_mode():
        tokens = encoder.made.tokenizer(TEXTS)
        expected = encoder.made.model.encode_text(tokens, normalize=True).numpy()
    assert np.abs(encoder.texts(TEXTS) - expected).max() < 1e-6


@pytest.mark.parametrize("precision", ["bf16", "fp16"])
def test_lower_precision_is_close_and_has_a_key_of_its_own(tmp_path, pictures, precision):
    exact, mixed = opened(tmp_path), opened(tmp_path, precision=precision)
    close = (all_images(exact, pictures) * all_images(mixed, pictures)).sum(axis=1)
    assert close.min() > 0.999
    assert np.linalg.norm(mixed.texts(TEXTS), axis=1) == pytest.approx(1, abs=1e-6)
    assert exact.key != mixed.key


def test_broken_images_are_named_and_the_others_unharmed(tmp_path, pictures):
    good = opened(tmp_path, batch=2)
    expected = all_images(good, pictures)
    cut, no_image, gone = (tmp_path / name for name in ("cut.jpg", "text.png", "gone.tif"))
    cut.write_bytes(pictures[0].read_bytes()[:400])
    no_image.write_text("none")
    parts = list(good.images([cut, pictures[0], no_image, gone, *pictures[1:]]))
    problems = [problem for part in parts for problem in part.problems]
    assert [bool(problem) for problem in problems[:5]] == [True, False, True, True, False]
    assert problems[3] == "no such image"
    features = np.concatenate([part.features_BD for part in parts])
    assert np.isnan(features[[0, 2, 3]]).all()
    assert np.abs(np.delete(features, [0, 2, 3], axis=0) - expected).max() < 1e-6


def test_what_it_says_of_itself(tmp_path):
    encoder = opened(tmp_path)
    about = dict(encoder.about)
    assert len(about.pop("weights_digest")) == 64
    assert about == {
        "name": "tiny",
        "weights": "random",
        "quick_gelu": True,
        "image_size": 32,
        "preprocess": {
            "mean": open_clip.OPENAI_DATASET_MEAN,
            "std": open_clip.OPENAI_DATASET_STD,
            "interpolation": "bicubic",
            "resize_mode": "shortest",
        },
        "dtype": "float32",
        "device": "cpu",
        "notes": ("random weights: figures are those of chance",),
    }


def test_the_key_is_of_what_changes_features(tmp_path):
    one = opened(tmp_path)
    assert opened(tmp_path, batch=7).key == one.key  # random weights are the same each time
    others = [
        opened(tmp_path, LONG | {"quick_gelu": False}),
        opened(tmp_path, LONG | {"vision_cfg": LONG["vision_cfg"] | {"image_size": 64}}),
        open_encoder(exported(tmp_path, LONG, {"mean": [0.5, 0.5, 0.5]}), None),
    ]
    assert len({one.key, *(other.key for other in others)}) == 4


def test_other_pixels_of_the_same_bytes_have_another_key(tmp_path):
    one = opened(tmp_path)
    assert key_of(one.made, one.about) == one.key
    assert key_of(one.made, one.about, pixels=2) != one.key


def test_single_precision_is_not_tf32(tmp_path, pictures):
    encoder, allowed = opened(tmp_path), []
    cudnn = torch.backends.cudnn
    encoder.made.model.visual.register_forward_hook(lambda *_: allowed.append(cudnn.allow_tf32))
    before = cudnn.allow_tf32
    list(encoder.images(pictures[:1]))
    assert (allowed, cudnn.allow_tf32, cudnn.enabled) == ([False], before, True)


def test_weights_of_a_file_and_of_a_folder(tmp_path):
    """The same weights are the same encoder, whatever file they are in."""
    torch.manual_seed(5)
    weights = opened(tmp_path, LONG).made.model.state_dict()
    weights = {name: value + 0.1 for name, value in weights.items()}
    torch.save({"state_dict": weights, "epoch": 2}, tmp_path / "RemoteCLIP-tiny.pt")
    of_file = open_encoder(written(tmp_path, LONG), str(tmp_path / "RemoteCLIP-tiny.pt"))
    assert "activation QuickGELU, by the model's name" in of_file.about["notes"][0]
    folder = exported(tmp_path, LONG)
    save_file(weights, f"{folder}/open_clip_model.safetensors")
    of_folder = open_encoder(folder, None)
    assert of_folder.about["notes"] == ()
    assert of_folder.key == of_file.key
    assert of_folder.key != opened(tmp_path).key
    assert np.array_equal(of_folder.texts(TEXTS), of_file.texts(TEXTS))


def test_a_folder_keeps_its_preprocessing_with_other_weights(tmp_path, pictures):
    looks = {"mean": [0.5] * 3, "std": [0.25] * 3, "interpolation": "bilinear"}
    folder = exported(tmp_path, LONG, looks)
    own = open_encoder(folder, None)
    torch.save(own.made.model.state_dict(), tmp_path / "bare.pt")
    (tmp_path / "plain").mkdir()
    plain = exported(tmp_path / "plain", LONG, {"mean": [0.5] * 3, "std": [0.5] * 3})
    for weights, said in (
        (str(tmp_path / "bare.pt"), "images are preprocessed as --model states"),
        (plain, "as --model states, though the weights state std [0.5, 0.5, 0.5]"),
    ):
        other = open_encoder(folder, weights)
        assert (other.key, other.about["preprocess"]) == (own.key, own.about["preprocess"])
        assert (other.made.std, other.about["preprocess"]["interpolation"]) == (
            (0.25, 0.25, 0.25),
            "bilinear",
        )
        assert other.about["notes"][-1].endswith(said)
        assert np.array_equal(all_images(other, pictures), all_images(own, pictures))
    assert own.about["notes"] == ()
    assert open_encoder(f"{folder}/open_clip_config.json", plain).key == own.key


def test_a_folder_by_the_name_that_the_trainer_prints(tmp_path):
    folder = exported(tmp_path, LONG)
    plain, printed = open_encoder(folder, None), open_encoder(f"local-dir:{folder}", None)
    assert (printed.key, printed.about["name"]) == (plain.key, "exported")
    with pytest.raises(UserError, match=r"^--model local-dir:RN50: no such folder or file"):
        open_encoder("local-dir:RN50", None)


def test_a_name_of_open_clip():
    encoder = open_encoder("RN50-quickgelu", None)
    assert (encoder.about["name"], encoder.about["quick_gelu"]) == ("RN50-quickgelu", True)
    assert encoder.texts(["one"]).shape == (1, 1024)


def test_errors_speak_of_options(tmp_path):
    with pytest.raises(UserError, match=r"^--model: open_clip knows no model 'ViT-B-23'; did you"):
        open_encoder("ViT-B-23", None)
    with pytest.raises(UserError, match=r"^--weights: 'none\.pt' is neither a file nor a tag"):
        open_encoder("RN50-quickgelu", "none.pt")
    wide = VIT | {"vision_cfg": VIT["vision_cfg"] | {"width": 48}}
    torch.save(opened(tmp_path, wide).made.model.state_dict(), tmp_path / "wide.pt")
    with pytest.raises(UserError, match=r"^--weights: .*wide\.pt is of another model than tiny: "):
        open_encoder(written(tmp_path, VIT), str(tmp_path / "wide.pt"))
    empty = tmp_path / "empty"
    empty.mkdir()
    with pytest.raises(UserError, match=r"holds no open_clip_config\.json"):
        open_encoder(str(empty), None)


def test_weights_of_another_activation(tmp_path):
    folder = exported(tmp_path, LONG | {"quick_gelu": False})
    with pytest.raises(
        UserError, match=r"trained with GELU, tiny has QuickGELU; use --model tiny$"
    ):
        open_encoder(written(tmp_path, LONG), folder)


def test_devices_and_precisions_that_there_are_not(tmp_path):
    with pytest.raises(UserError, match="--precision: expected auto, fp32, fp16, bf16, found"):
        opened(tmp_path, precision="int8")
    with pytest.raises(UserError, match="--device: expected auto, cpu, cuda or cuda:1, found"):
        open_encoder(written(tmp_path, LONG), None, device="gpu")
    with pytest.raises(UserError, match="--device: no cuda:99 here"):
        open_encoder(written(tmp_path, LONG), None, device="cuda:99")


def test_features_that_are_no_numbers(tmp_path, pictures):
    encoder = opened(tmp_path)
    with torch.no_grad():
        encoder.made.model.visual.proj.fill_(float("nan"))
    with pytest.raises(UserError, match="tiny gives features that are no numbers, in float32"):
        list(encoder.images(pictures))

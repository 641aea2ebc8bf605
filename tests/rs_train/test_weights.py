"""What a file of weights may say and do: its activation, its bias, and nothing that is executed."""

import zipfile
from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file
from trainee import VIT

from rs_caption.errors import UserError
from rs_train import checkpoint
from rs_train.config import Model
from rs_train.model import make

CPU = torch.device("cpu")


def made(config=VIT, loss="infonce", **more):
    return make(Model(name="tiny", config=config, **more), CPU, loss=loss)


def kept(folder, weights, **more):
    """The file of a checkpoint."""
    return checkpoint.save(folder, checkpoint.State(3, weights, {}, {}, "", **more), keep=1)


@pytest.mark.parametrize("name", ["weights.pt", "weights.safetensors", "checkpoint"])
def test_a_bias_goes_and_comes_with_the_loss(tmp_path, name):
    """Both ways, and a bias that was learned is kept."""
    siglip = made(loss="siglip").model
    weights = siglip.state_dict() | {"logit_bias": torch.tensor(-3.0)}
    file = tmp_path / name
    if name == "checkpoint":
        file = kept(tmp_path, weights)
    elif name == "weights.pt":
        torch.save(weights, file)
    else:
        save_file(weights, file)
    assert made(weights=str(file), loss="siglip").model.logit_bias.item() == -3
    plain = made(weights=str(file)).model
    assert plain.logit_bias is None
    assert torch.equal(plain.visual.proj, siglip.visual.proj)
    again = str(kept(tmp_path, plain.state_dict()))
    assert made(weights=again, loss="siglip").model.logit_bias.item() == -10


def test_a_checkpoint_says_its_activation_and_colours(tmp_path):
    looks = {"mean": [0.1, 0.2, 0.3], "std": [0.5, 0.5, 0.5]}
    about = {"model_cfg": VIT, "preprocess_cfg": looks}
    file = str(kept(tmp_path, made().model.state_dict(), more=about))
    assert made(weights=file).mean == (0.1, 0.2, 0.3)
    with pytest.raises(UserError, match="trained with QuickGELU, tiny has GELU; set"):
        made(VIT | {"quick_gelu": False}, weights=file)


class Evil:
    """Whoever unpickles it leaves a file."""

    def __init__(self, file):
        self.file = file

    def __reduce__(self):
        return Path.touch, (self.file,)


@pytest.mark.parametrize("name", ["evil/constants.pkl", "evil/x/constants.pkl"])
def test_a_pickle_that_calls_itself_a_script_is_not_executed(tmp_path, name):
    file, mark = tmp_path / "evil.pt", tmp_path / "executed"
    torch.save({"visual.proj": Evil(mark)}, file)
    with zipfile.ZipFile(file, "a") as archive:
        archive.writestr(name, b"")
    with pytest.raises(UserError, match=r"evil\.pt holds no weights"):
        made(weights=str(file))
    assert not mark.exists()

"""`rs-bench retrieval` as a user calls it."""

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

RS_BENCH = Path(sys.executable).with_name("rs-bench")
EYE = np.eye(12, dtype=np.float32)
GOOD = {"images": EYE, "texts": np.roll(EYE, 1, axis=0), "image_of_text": np.arange(12)}


def retrieval(path, *options):
    command = [RS_BENCH, "retrieval", "--features", str(path), *options]
    return subprocess.run(command, capture_output=True, text=True, check=False)


def save(folder, **changes):
    path = folder / "features.npz"
    np.savez(path, **{**GOOD, **changes})
    return path


def test_figures_of_a_perfect_and_of_a_shifted_set(tmp_path):
    done = retrieval(save(tmp_path, texts=EYE), "--json")
    assert json.loads(done.stdout) == {
        "protocol": "remoteclip",
        "images": 12,
        "texts": 12,
        "image_to_text": [100.0, 100.0, 100.0],
        "text_to_image": [100.0, 100.0, 100.0],
        "mean": 100.0,
    }
    # Each text is the next image's; its own scores 0 as all the others do: last of twelve.
    shifted = json.loads(retrieval(save(tmp_path), "--json").stdout)
    assert shifted["text_to_image"] == [0.0, 0.0, 0.0]


def test_the_printed_table(tmp_path):
    lines = retrieval(save(tmp_path, texts=EYE)).stdout.splitlines()
    assert lines[0] == "Retrieval, 12 images, 12 texts"
    assert lines[-1] == "Mean recall 100.00, protocol remoteclip"


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"texts": EYE[:, :5]}, "expected (I, D) and (T, D) numbers, T integers"),
        ({"image_of_text": np.arange(12.0)}, "expected (I, D) and (T, D) numbers, T integers"),
        ({"image_of_text": np.zeros(12, int)}, "image 1 has no text"),
        ({"image_of_text": np.arange(1, 13)}, "image 0 has no text"),
        ({"texts": EYE.astype(str)}, "expected (I, D) and (T, D) numbers, T integers"),
        ({"texts": EYE * np.nan}, "a feature is NaN or infinite"),
    ],
)
def test_features_that_do_not_fit(tmp_path, changes, message):
    done = retrieval(save(tmp_path, **changes))
    assert done.returncode == 2
    assert message in done.stderr
    assert "Traceback" not in done.stderr


def test_files_that_are_none(tmp_path):
    missing = retrieval(tmp_path / "no.npz")
    assert (missing.returncode, missing.stderr) == (
        2,
        f"rs-bench: {tmp_path}/no.npz: no such file\n",
    )
    text = tmp_path / "text.npz"
    text.write_text("no zip")
    assert "not an .npz file of plain arrays" in retrieval(text).stderr
    (tmp_path / "empty.npz").touch()
    assert "not an .npz file of plain arrays" in retrieval(tmp_path / "empty.npz").stderr
    np.save(tmp_path / "one.npy", EYE)
    assert "not an .npz file of plain arrays" in retrieval(tmp_path / "one.npy").stderr
    np.savez(tmp_path / "half.npz", images=EYE)
    assert "expected images (I, D), texts (T, D)" in retrieval(tmp_path / "half.npz").stderr

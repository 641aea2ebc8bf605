"""`--skip-broken`: what is left out where images are broken or missing, and what is said of it."""

import numpy as np
import pytest
from fakes import benchmarks
from fakes.encoders import Oracle

from rs_bench.asked import Settings
from rs_bench.embeddings import Embeddings, Seen
from rs_bench.measure import measure
from rs_bench.source import Encoded
from rs_caption.errors import UserError

HIGHER = "make figures higher, not to be held against others"


class Reading(Oracle):
    """Cannot read an empty file."""

    def images(self, paths):
        at = iter(paths)
        for seen in super().images(paths):
            empty_B = [next(at).stat().st_size == 0 for _ in seen.problems]
            features_BD = np.where(np.array(empty_B)[:, None], np.nan, seen.features_BD)
            yield Seen(features_BD, tuple("is empty" * one for one in empty_B))


def found(data, task, *names):
    source = Encoded(Embeddings(Reading(), skip_broken=True), data)
    return measure(source, [task], Settings(data=data), names)


def breaks(folder, at):
    path = sorted(path for path in folder.rglob("*") if path.suffix in {".jpg", ".tif", ".png"})[at]
    path.write_bytes(b"")
    return path


@pytest.fixture
def rsicd(tmp_path):
    """Twelve test images."""
    return benchmarks.retrieval_set(tmp_path, "rsicd", images=12) / "RSICD_images"


def test_images_of_retrieval_leave_with_their_captions(tmp_path, rsicd):
    (rsicd / "3.jpg").write_bytes(b"")
    (rsicd / "11.jpg").unlink()
    both = [one.result for one in found(tmp_path, "retrieval", "rsicd").scored]
    assert [one.protocol for one in both] == ["remoteclip", "multi-positive"]
    for one in both:
        assert one.n == {"images": 10, "texts": 50, "pairs": 50}
        assert one.figures["text_to_image_1"] == one.figures["mean_recall"] == 100
        assert one.notes[:3] == (
            "11 images, the release has 1,093: not to be held against others",
            "1 of 12 images are missing and left out with their captions",
            f"1 image of 11 left out with its captions: fewer to choose from {HIGHER}",
        )


def test_without_the_option_they_are_an_error(tmp_path, rsicd):
    source = Encoded(Embeddings(Reading()), tmp_path)
    (rsicd / "11.jpg").unlink()
    with pytest.raises(UserError, match="1 of the 12 test images of RSICD are missing"):
        measure(source, ["retrieval"], Settings(), ["rsicd"])
    (rsicd / "11.jpg").write_bytes(b"")
    with pytest.raises(UserError, match="rsicd: 1 of 12 images cannot be read"):
        measure(source, ["retrieval"], Settings(), ["rsicd"])


def test_what_was_left_out_makes_another_test(tmp_path, rsicd):
    whole = found(tmp_path, "retrieval", "rsicd").scored[0].result
    (rsicd / "3.jpg").write_bytes(b"")
    less = found(tmp_path, "retrieval", "rsicd").scored[0].result
    assert {name for name in whole.digests if whole.digests[name] != less.digests[name]} == {
        "images",
        "set",
        "texts",
    }


def test_images_of_classes_leave_their_part_of_the_split(tmp_path):
    root = benchmarks.class_set(tmp_path, "rs2800", per_class=10)
    breaks(root / "aGrass", 0)  # of the training part
    result = found(tmp_path, "knn", "rs2800").scored[0].result
    assert (result.n["train"], result.n["test"]) == (55, 14)
    assert "1 image of 70 left out: not to be held against others" in result.notes
    assert result.figures["accuracy"] == 100


def test_pictures_of_remotecount_cannot_be_left_out(tmp_path):
    folder = benchmarks.remote_count(tmp_path)
    breaks(folder / "images", 5)
    with pytest.raises(UserError, match="1 picture of RemoteCount cannot be read, such as images"):
        found(tmp_path, "remotecount", "remotecount")

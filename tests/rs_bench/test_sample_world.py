"""The sample world is what `rs-bench` measures on: each of its sets is found there."""

from collections import Counter

import pytest

from rs_bench.remotecount import table
from rs_bench.sets import find_class_set, find_retrieval_set


@pytest.mark.parametrize(("name", "images"), [("rsitmd", 8), ("rsicd", 10), ("ucm", 5)], ids=str)
def test_three_sets_of_sentences(sample_world, name, images):
    found = find_retrieval_set(name, sample_world.root)
    assert (len(found.files), len(found.captions)) == (images, 5 * images)
    assert "" not in found.captions


def test_a_set_of_classes(sample_world):
    found = find_class_set("rs2800", sample_world.root)
    assert (len(found.classes), len(found.files)) == (7, 56)
    assert int(found.train_I.sum()) == 7 * 6


def test_the_questions_of_remotecount(sample_world):
    found = table.read(sample_world.root / "RemoteCount")
    assert found.notes == ("of drawn scenes",)
    asked = Counter(zip(found.names_Q, found.counts_Q.tolist(), strict=True))
    kinds = ("plane", "ship", "storage-tank")
    assert asked == {(name, number): 1 for name in kinds for number in range(1, 11)}

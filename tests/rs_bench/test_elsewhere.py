"""Features made elsewhere: datasets from files of arrays, and files of other datasets."""

import numpy as np
import pytest
from fakes import benchmarks

from rs_bench.asked import GIVEN, Settings
from rs_bench.elsewhere import Elsewhere
from rs_bench.measure import measure
from rs_bench.prompts import phrases
from rs_bench.sets import find_retrieval_set, train_part
from rs_bench.tasks.fewshot import own_class, pool
from rs_bench.whereabouts import NotThere
from rs_caption.errors import UserError

FOLDERS = list(phrases("eurosat"))
FILES = np.array([f"2750/{name}/{name}_{at}.jpg" for name in FOLDERS for at in (1, 2, 10, 3, 4)])
LABELS = np.repeat(np.arange(10), 5)
ROWS = np.arange(50, dtype=np.float16)[:, None] + np.array([[0, 1, 2]], np.float16)
CAPTIONS = [f"picture {number}" for number in range(630)] + ["alike"] * 420


def save(folder, name="eurosat", **arrays):
    np.savez(folder / f"{name}.npz", **arrays)
    return Elsewhere(folder)


def refused(call):
    with pytest.raises(UserError) as error:
        call()
    return str(error.value)


def test_classes_and_split_are_in_the_names_of_images(tmp_path):
    order = np.random.default_rng(0).permutation(50)
    source = save(tmp_path, images=ROWS[order], files=FILES[order], model="some clip")
    found, images_ID, digests = source.classes("eurosat")
    assert found.files == tuple(sorted(FILES.tolist()))
    assert found.classes == tuple(FOLDERS)
    assert np.array_equal(found.labels_I, LABELS)
    assert np.array_equal(found.train_I, train_part(LABELS))
    assert images_ID.dtype == np.float32
    assert np.array_equal(images_ID, ROWS[np.argsort(FILES)])
    assert source.about["name"] == "some clip"
    assert found.title == "EuroSAT (RGB)"
    assert found.notes == (
        "50 images, the release has 27,000: not to be held against others",
        "EuroSAT in RemoteCLIP's tables",
    )
    assert set(digests) == {"set", "file"}


def test_labels_stand_in_for_names(tmp_path):
    """Classes in any order, by folder or phrase, in any spelling."""
    own = phrases("eurosat")
    classes = [own[name] if at % 2 else name.lower() for at, name in enumerate(FOLDERS)][::-1]
    order = np.random.default_rng(0).permutation(50)
    source = save(tmp_path, images=ROWS[order], labels=(9 - LABELS)[order], classes=classes)
    found, images_ID, _ = source.classes("eurosat")
    assert np.array_equal(found.labels_I, LABELS)
    assert np.array_equal(np.sort(images_ID[:, 0]), ROWS[:, 0])
    assert np.array_equal(images_ID[:, 0] // 5, LABELS)
    assert found.notes[0].startswith("images have no names here")


def test_the_order_of_classes_changes_no_draw(tmp_path):
    images = np.random.default_rng(1).normal(size=(50, 8))
    drawn = []
    for classes, labels in ((FOLDERS, LABELS), (FOLDERS[::-1], 9 - LABELS)):
        source = save(tmp_path, images=images, labels=labels, classes=classes)
        found, images_ID, _ = source.classes("eurosat")
        assert np.array_equal(images_ID, images.astype(np.float32))
        labels_N = found.labels_I[found.train_I]
        drawn.append([own_class(labels_N, 2, 0, 0).tolist(), pool(labels_N, 2, 0, 0).tolist()])
    assert drawn[0] == drawn[1]
    assert [len(rows) for rows in drawn[0]] == [20, 20]


def test_texts_of_the_other_kind_are_of_a_file_with_a_wrong_name(tmp_path):
    classes = {"texts": np.eye(10, 3), "classes": FOLDERS}
    source = save(tmp_path, images=ROWS, files=FILES, protocol="remoteclip", **classes)
    assert (
        "its texts are captions, by protocol remoteclip, but the file is named after a set of"
        in (refused(lambda: source.class_texts("eurosat", GIVEN)))
    )
    source = save(tmp_path, images=ROWS, files=FILES, protocol="own", **classes)
    assert "no protocol is called 'own'; there are: paper, ensemble" in refused(
        lambda: source.class_texts("eurosat", GIVEN)
    )


def test_folders_of_a_known_repackaging(tmp_path):
    own = list(phrases("rs2800"))
    names = [name[1:] for name in own]
    files = [f"{name}/{at}.jpg" for name in names for at in range(5)]
    source = save(tmp_path, "rs2800", images=np.ones((35, 2)), files=files)
    found, _, _ = source.classes("rs2800")
    assert (found.classes, found.files) == (tuple(own), tuple(files))
    texts = np.arange(7.0)[::-1, None] * np.ones(2)
    source = save(
        tmp_path, "rs2800", images=np.ones((35, 2)), files=files, texts=texts, classes=names[::-1]
    )
    assert source.class_texts("rs2800", GIVEN).texts_PKD[0, :, 0].tolist() == [0, 1, 2, 3, 4, 5, 6]


@pytest.mark.parametrize("prompts", [0, 1, 4])
def test_texts_of_classes_come_in_the_order_of_the_set(tmp_path, prompts):
    texts = np.arange(10, dtype=np.float32)[::-1, None] * np.ones(3, np.float32)
    given = np.stack([texts] * prompts) if prompts else texts
    source = save(tmp_path, images=ROWS, files=FILES, texts=given, classes=FOLDERS[::-1])
    found, protocol = source.class_texts("eurosat", GIVEN)
    assert (found.shape, protocol) == ((prompts or 1, 10, 3), GIVEN)
    assert np.array_equal(found[-1, :, 0], np.arange(10))


@pytest.mark.parametrize(("protocol", "prompts"), [("paper", 1), ("ensemble", 3)])
def test_texts_are_by_the_protocol_that_their_file_states(tmp_path, protocol, prompts):
    arrays = {"images": ROWS, "files": FILES, "classes": FOLDERS, "protocol": protocol}
    source = save(tmp_path, **arrays, texts=np.ones((prompts, 10, 3)))
    assert source.class_texts("eurosat", GIVEN).protocol == protocol
    assert source.class_texts("eurosat", protocol).protocol == protocol
    other = {"paper": "ensemble", "ensemble": "paper"}[protocol]
    said = refused(lambda: source.class_texts("eurosat", other))
    assert said.endswith(f"its texts are of protocol {protocol}, not {other}")
    source = save(tmp_path, **arrays, texts=np.ones((2, 10, 3)))
    said = refused(lambda: source.class_texts("eurosat", GIVEN))
    assert f"2 prompts for each class; protocol {protocol} of eurosat has {prompts}" in said
    source = save(tmp_path, **{**arrays, "protocol": "mine"}, texts=np.ones((1, 10, 3)))
    said = refused(lambda: source.class_texts("eurosat", GIVEN))
    assert said.endswith("no protocol is called 'mine'; there are: paper, ensemble")


def test_what_no_file_states_is_of_no_protocol(tmp_path):
    save(tmp_path, images=ROWS, files=FILES, texts=ROWS[::5], classes=FOLDERS)
    source, _ = ucm(tmp_path)
    settings = Settings(protocols=(GIVEN,), prompts=GIVEN)
    found = measure(source, ["retrieval", "zeroshot"], settings)
    keys = [one.result.key for one in found.scored]
    assert keys == ["retrieval/ucm/given", "zeroshot/eurosat/given"]
    assert set(found.scored[0].result.digests) == {"set", "file"}
    assert found.scored[0].outcomes["image_of_text"].tolist() == np.tile(np.arange(210), 5).tolist()
    (failed,) = measure(source, ["retrieval", "zeroshot"], Settings(prompts=GIVEN)).failed[:1]
    assert failed[1].endswith("its texts are of protocol given, not remoteclip")


def ucm(folder, **changes):
    """Five captions of each of 210 images; the last two of each are alike everywhere."""
    owners = np.tile(np.arange(210), 5)
    arrays = {
        "images": np.arange(420, dtype=np.float32).reshape(210, 2),
        "texts": np.arange(2100, dtype=np.float32).reshape(1050, 2),
        "image_of_text": owners,
        "captions": np.array(CAPTIONS),
    }
    return save(folder, "ucm", **{**arrays, **changes}), arrays


def test_retrieval_with_captions(tmp_path):
    source, arrays = ucm(tmp_path, protocol="remoteclip")
    asked, images_ID, texts_TD = source.pairs("ucm", GIVEN)
    assert (asked.protocol, asked.texts[0]) == ("remoteclip", "Picture 0")
    assert np.array_equal(images_ID, arrays["images"])
    first = [*range(630), *[630] * 420]  # equal captions have the features of the first of them
    assert np.array_equal(texts_TD, arrays["texts"][first])
    given, _, texts_TD = ucm(tmp_path)[0].pairs("ucm", GIVEN)
    assert (given.protocol, given.texts) == (GIVEN, tuple(CAPTIONS))
    assert np.array_equal(texts_TD, arrays["texts"][first])
    source, _ = ucm(tmp_path, protocol="multi-positive")
    asked, _, texts_TD = source.pairs("ucm", GIVEN)
    assert len(asked.texts) == len(texts_TD) == 631
    at = asked.texts.index("a satellite image. picture 17")
    assert np.array_equal(texts_TD[at], arrays["texts"][17])
    at = asked.texts.index("a satellite image. alike")
    assert np.array_equal(texts_TD[at], arrays["texts"][630])
    assert len(asked.positives.text_P) == 630 + 210


def test_retrieval_without_captions_knows_one_protocol(tmp_path):
    _, arrays = ucm(tmp_path)
    del arrays["captions"]
    source = save(tmp_path, "ucm", **arrays)
    asked, images_ID, texts_TD = source.pairs("ucm", GIVEN)
    assert (asked.texts, len(images_ID), len(texts_TD)) == ((), 210, 1050)
    assert np.array_equal(asked.positives.image_P, arrays["image_of_text"])
    source = save(tmp_path, "ucm", **arrays, protocol="multi-positive")
    said = refused(lambda: source.pairs("ucm", GIVEN))
    assert "protocol multi-positive needs captions (T,) in the file" in said


def test_retrieval_of_another_dataset(tmp_path):
    keep = np.arange(100)
    source, _ = ucm(
        tmp_path,
        images=np.ones((100, 2)),
        texts=np.ones((100, 2)),
        image_of_text=keep,
        captions=np.array(CAPTIONS[:100]),
    )
    said = refused(lambda: source.pairs("ucm", GIVEN))
    assert "100 images; the test split of" in said
    assert "has 210: features of another dataset, or not of all its images" in said


def test_retrieval_beside_the_dataset(tmp_path):
    """Its captions are found by the names of images, in whatever order those stand."""
    benchmarks.retrieval_set(tmp_path / "data", "ucm")
    found = find_retrieval_set("ucm", tmp_path / "data")
    order = np.array([2, 0, 3, 1])
    owners = np.argsort(order)[found.image_of_text_T]
    texts = np.arange(40, dtype=np.float32).reshape(20, 2)
    files = [f"elsewhere/{found.files[at]}" for at in order]
    arrays = {"images": np.eye(4)[order, :2], "files": files, "protocol": "remoteclip"}
    rows = np.argsort(owners, kind="stable")  # texts stand as the file's images do
    arrays |= {"texts": texts[rows], "image_of_text": owners[rows]}

    def opened(**changes):
        save(tmp_path, "ucm", **{**arrays, **changes})
        return Elsewhere(tmp_path, tmp_path / "data")

    asked, images_ID, texts_TD = opened().pairs("ucm", "remoteclip")
    assert np.array_equal(images_ID, np.eye(4)[:, :2])
    assert np.array_equal(texts_TD, texts)
    assert asked.texts == tuple(text.capitalize() for text in found.captions)
    captions = np.array(found.captions)[rows]
    merged = opened(captions=np.char.upper(captions), protocol="multi-positive")
    merged = merged.pairs("ucm", "multi-positive")
    at = merged.asked.texts.index(f"a satellite image. {found.captions[0]}")
    assert np.array_equal(merged.texts_TD[at], texts[0])

    for changes, message in (
        ({"captions": captions[::-1]}, "features of another dataset, or of captions in another"),
        ({"files": ["a.tif", "b.tif", "c.tif", "d.tif"]}, "4 images, without"),
        ({"image_of_text": np.r_[owners[rows][:-1], 0]}, "20 texts; UCM"),
    ):
        other = opened(**changes)
        assert message in refused(lambda other=other: other.pairs("ucm", "remoteclip"))


@pytest.mark.parametrize(
    ("arrays", "message"),
    [
        ({"images": ROWS}, "expected files (I,), or labels (I,) and classes (K,)"),
        ({"images": ROWS, "files": FILES[:9]}, "files does not fit; found images (50, 3)"),
        ({"images": ROWS, "files": np.roll(LABELS, 1)}, "files does not fit"),
        ({"images": ROWS.ravel()}, "expected images (I, D) of numbers; found images (150,)"),
        ({"files": FILES}, "expected images (I, D) of numbers; found files (50,)"),
        ({"images": ROWS * np.nan, "files": FILES}, "a feature is NaN, infinite or above 3.4e+38"),
        (
            {"images": np.full((50, 3), 1e300), "files": FILES},
            "a feature is NaN, infinite or above 3.4e+38",
        ),
        ({"images": ROWS[:0], "files": FILES[:0]}, "no features; found images (0, 3)"),
        ({"images": ROWS[:0], "labels": LABELS[:0], "classes": FOLDERS}, "no features; found"),
        ({"images": ROWS[:, :0], "files": FILES}, "no features; found images (50, 0)"),
        ({"images": ROWS, "files": np.roll(FILES, 1)[np.zeros(50, int)]}, "is named twice"),
        (
            {"images": ROWS, "files": np.char.replace(FILES, "Forest", "Wood")},
            "2750/Wood/Wood_1.jpg lies in no class folder of EuroSAT (RGB) (AnnualCrop, Forest",
        ),
        ({"images": ROWS[:5], "files": FILES[:5]}, "no image of class Forest"),
        (
            {"images": ROWS, "labels": LABELS, "classes": ["airport", *FOLDERS[1:]]},
            "'airport' is no class of EuroSAT (RGB): features of another dataset?",
        ),
        (
            {"images": ROWS, "labels": LABELS + 1, "classes": FOLDERS},
            "labels must be from 0 to 9",
        ),
    ],
)
def test_files_that_are_not_of_this_set(tmp_path, arrays, message):
    said = refused(lambda: save(tmp_path, **arrays).classes("eurosat"))
    assert message in said
    assert said.startswith(f"{tmp_path}/eurosat.npz: ")


@pytest.mark.parametrize(
    ("arrays", "message"),
    [
        ({}, "expected texts (K, D) or (P, K, D) and classes (K,)"),
        ({"texts": ROWS[:10], "classes": FOLDERS[:9]}, "texts need classes (K,), or image_of_te"),
        ({"texts": ROWS[:10]}, "texts need classes (K,), or image_of_text (T,), that fit"),
        ({"texts": np.ones((10, 4)), "classes": FOLDERS}, "Images and texts must be of one model"),
        ({"texts": ROWS[:9], "classes": FOLDERS[:9]}, "class SeaLake has no text"),
    ],
)
def test_texts_that_do_not_fit(tmp_path, arrays, message):
    source = save(tmp_path, images=ROWS, files=FILES, **arrays)
    assert message in refused(lambda: source.class_texts("eurosat", GIVEN))


@pytest.mark.parametrize(
    ("owners", "message"),
    [
        (np.zeros(1050, int), "must name every image from 0 to I - 1; image 1 has no text"),
        (np.tile(np.arange(1, 211), 5), "image 0 has no text"),
        (np.tile(np.arange(210.0), 5), "image_of_text does not fit"),
        (np.arange(210), "image_of_text does not fit"),
    ],
)
def test_texts_of_other_images(tmp_path, owners, message):
    source, _ = ucm(tmp_path, image_of_text=owners)
    assert message in refused(lambda: source.pairs("ucm", GIVEN))


def test_files_of_two_models(tmp_path):
    source = save(tmp_path, images=ROWS, files=FILES, model="one")
    _, arrays = ucm(tmp_path)
    save(tmp_path, "ucm", **arrays, model="two")
    source.classes("eurosat")
    source.pairs("ucm", GIVEN)
    assert "several models: one (eurosat.npz), two (ucm.npz)" in refused(lambda: source.about)


def test_a_file_that_is_not_there_is_no_failure(tmp_path):
    with pytest.raises(NotThere, match=r"eurosat\.npz: no such file; it would hold the features"):
        Elsewhere(tmp_path).classes("eurosat")
    for content in (b"none", b""):
        (tmp_path / "eurosat.npz").write_bytes(content)
        assert "not an .npz file of plain arrays" in refused(
            lambda: Elsewhere(tmp_path).classes("eurosat")
        )

"""The cache of features: what is computed, what is kept, what is told."""

import json
from functools import partial

import numpy as np
import pytest

from rs_bench.embeddings import Embeddings, Seen
from rs_caption.errors import UserError

embeddings_of = partial(Embeddings, chunk=3)  # images a file
FILES = [f"class/{at:02d}.img" for at in range(10)]
TEXTS = ["one", "two", "one", "three", "four", "two"]


class Lengths:
    """Embeds a file as the direction of its first two bytes; counts what it was asked."""

    def __init__(self, key="k" * 64, stops_after=10**9):
        self.about = {"name": "hf-hub:some/lengths", "weights": "none"}
        self.key = key
        self.asked = []
        self.stops_after = stops_after

    def images(self, paths):
        for at in range(0, len(paths), 2):
            if len(self.asked) >= self.stops_after:
                raise KeyboardInterrupt
            batch = paths[at : at + 2]
            self.asked += [path.name for path in batch]
            yield Seen(np.array([direction(path) for path in batch]), tuple(map(problem, batch)))

    def texts(self, texts):
        self.asked += texts
        return np.array([[len(text), 1] for text in texts], np.float32)


def direction(path):
    if problem(path):
        return np.full(2, np.nan, np.float32)
    values = np.frombuffer(path.read_bytes()[:2], np.uint8).astype(np.float32)
    return values / np.linalg.norm(values)


def problem(path):
    if not path.is_file():
        return "no such image"
    return "" if path.read_bytes() != b"broken" else "cannot be decoded (broken)"


@pytest.fixture
def root(tmp_path):
    (tmp_path / "set/class").mkdir(parents=True)
    for at, file in enumerate(FILES):
        (tmp_path / "set" / file).write_bytes(bytes([at + 1, 7, at]))
    return tmp_path / "set"


def expected(root):
    return np.array([direction(root / file) for file in FILES])


def names(*numbers):
    return [f"{number:02d}.img" for number in numbers]


def test_images_are_embedded_once(tmp_path, root):
    first, second = Lengths(), Lengths()
    heard = []
    found = embeddings_of(first, tmp_path / "cache").images(
        "toy", root, FILES, lambda done, total: heard.append((done, total))
    )
    assert np.array_equal(found, expected(root))
    assert (len(first.asked), heard[0], heard[-1]) == (10, (0, 10), (10, 10))
    again = embeddings_of(second, tmp_path / "cache").images("toy", root, FILES)
    assert np.array_equal(again, found)
    assert second.asked == []
    (folder,) = (tmp_path / "cache").iterdir()
    assert folder.name == "hf-hub-some-lengths-kkkkkkkkkkkkkkkk"
    assert json.loads((folder / "model.json").read_text())["key"] == "k" * 64
    assert len(list((folder / "toy").iterdir())) == 4


def test_without_a_folder_they_are_kept_for_the_next_task(root):
    encoder = Lengths()
    kept = embeddings_of(encoder)
    assert kept.images("toy", root, FILES) is kept.images("toy", root, FILES)
    assert len(encoder.asked) == 10


def test_after_an_interruption_it_goes_on(tmp_path, root):
    interrupted, after = Lengths(stops_after=8), Lengths()
    with pytest.raises(KeyboardInterrupt):
        embeddings_of(interrupted, tmp_path / "cache").images("toy", root, FILES)
    heard = []
    found = embeddings_of(after, tmp_path / "cache").images(
        "toy", root, FILES, lambda *told: heard.append(told)
    )
    assert after.asked == names(6, 7, 8, 9)
    assert heard == [(6, 10), (8, 10), (10, 10)]
    assert np.array_equal(found, expected(root))


def test_what_changed_is_embedded_again(tmp_path, root):
    before = embeddings_of(Lengths(), tmp_path / "cache")
    before.images("toy", root, FILES)
    (root / FILES[4]).write_bytes(bytes([90, 1, 4]))  # of the same size
    encoder = Lengths()
    after = embeddings_of(encoder, tmp_path / "cache")
    assert np.array_equal(after.images("toy", root, FILES), expected(root))
    assert encoder.asked == names(3, 4, 5)
    assert after.digest(root, FILES) != before.digest(root, FILES)


def test_the_digest_is_of_the_images_and_their_order(root):
    encoder = Lengths()
    kept = embeddings_of(encoder)
    (root / "other").mkdir()
    (root / "other/name.img").write_bytes((root / FILES[0]).read_bytes())
    toy, turned = kept.digest(root, FILES), kept.digest(root, FILES[::-1])
    assert toy == kept.digest(root, ["other/name.img", *FILES[1:]]) != turned
    assert (len(toy), encoder.asked) == (64, [])


def test_images_are_read_once_for_their_digest_and_their_features(tmp_path, root):
    kept = embeddings_of(Lengths(), tmp_path / "cache")
    before = kept.digest(root, FILES)
    first = kept.images("toy", root, FILES)
    (root / FILES[0]).unlink()
    assert (kept.digest(root, FILES), kept.images("toy", root, FILES) is first) == (before, True)


def test_each_model_has_its_own(tmp_path, root):
    embeddings_of(Lengths(), tmp_path / "cache").images("toy", root, FILES)
    other = Lengths(key="o" * 64)
    embeddings_of(other, tmp_path / "cache").images("toy", root, FILES)
    assert len(other.asked) == 10


def test_a_folder_renamed_to_another_model(tmp_path, root):
    embeddings_of(Lengths(), tmp_path / "cache").images("toy", root, FILES)
    (folder,) = (tmp_path / "cache").iterdir()
    folder.rename(folder.with_name("hf-hub-some-lengths-oooooooooooooooo"))
    with pytest.raises(UserError, match="features of another model than hf-hub:some/lengths, tho"):
        embeddings_of(Lengths(key="o" * 64), tmp_path / "cache").images("toy", root, FILES)


@pytest.mark.parametrize("content", [b"", b"no zip", None])
def test_a_file_that_is_broken_is_written_again(tmp_path, root, content):
    embeddings_of(Lengths(), tmp_path / "cache").images("toy", root, FILES)
    file = min(tmp_path.glob("cache/*/toy/*.npz"))
    good = file.read_bytes()
    file.write_bytes(good[: len(good) // 2] if content is None else content)
    for asked in (True, False):
        encoder = Lengths()
        found = embeddings_of(encoder, tmp_path / "cache").images("toy", root, FILES)
        assert np.array_equal(found, expected(root))
        assert bool(encoder.asked) is asked


def test_broken_images_are_an_error_that_counts_and_names_them(tmp_path, root):
    for at in (1, 3, 5):
        (root / FILES[at]).write_bytes(b"broken")
    for at in (6, 8):
        (root / FILES[at]).unlink()
    kept = embeddings_of(Lengths(), tmp_path / "cache")
    with pytest.raises(UserError) as error:
        kept.images("toy", root, FILES)
    assert str(error.value) == (
        "toy: 5 of 10 images cannot be read: class/01.img (cannot be decoded (broken)); "
        "class/03.img (cannot be decoded (broken)); class/05.img (cannot be decoded (broken)); "
        "and 2 more. Put them right, or leave them out by --skip-broken"
    )
    encoder = Lengths()
    lenient = embeddings_of(encoder, tmp_path / "cache", skip_broken=True)
    found = lenient.images("toy", root, FILES)
    assert encoder.asked == names(*range(9))  # the last file holds a good one alone
    assert np.flatnonzero(np.isnan(found[:, 0])).tolist() == [1, 3, 5, 6, 8]
    assert lenient.broken["toy"] == tuple(FILES[at] for at in (1, 3, 5, 6, 8))
    (root / FILES[8]).write_bytes(b"\x01\x02")
    assert not np.isnan(
        embeddings_of(encoder, skip_broken=True).images("toy", root, FILES)[8]
    ).any()


def test_of_broken_images_every_task_hears_and_nothing_is_embedded_again(root):
    (root / FILES[4]).write_bytes(b"broken")
    encoder = Lengths()
    kept = embeddings_of(encoder)
    for _ in range(3):
        with pytest.raises(UserError, match="toy: 1 of 10 images cannot be read"):
            kept.images("toy", root, FILES)
    assert len(encoder.asked) == 10


class Stumbling(Lengths):
    """Fails to read one image, whose bytes are good."""

    def images(self, paths):
        for seen in super().images(paths):
            is_fourth_B = np.array([name == "04.img" for name in self.asked[-len(seen.problems) :]])
            features_BD = np.where(is_fourth_B[:, None], np.nan, seen.features_BD)
            yield Seen(features_BD, tuple("stale handle" * one for one in is_fourth_B.tolist()))


def test_an_image_that_could_not_be_read_once_is_tried_again(tmp_path, root):
    first = embeddings_of(Stumbling(), tmp_path / "cache", skip_broken=True)
    assert np.isnan(first.images("toy", root, FILES)[4]).all()
    after = Lengths()
    found = embeddings_of(after, tmp_path / "cache", skip_broken=True).images("toy", root, FILES)
    assert np.array_equal(found, expected(root))
    assert after.asked == names(3, 4, 5)


def test_all_broken_is_an_error_all_the_same(root):
    for file in FILES:
        (root / file).write_bytes(b"broken")
    with pytest.raises(UserError, match=r"10 of 10 .* and 7 more\. Put them right$"):
        embeddings_of(Lengths(), skip_broken=True).images("toy", root, FILES)


def test_texts_are_embedded_once(tmp_path):
    encoder = Lengths()
    found = embeddings_of(encoder, tmp_path / "cache").texts(TEXTS)
    assert encoder.asked == ["one", "two", "three", "four"]
    assert found[:, 0].tolist() == [3, 3, 3, 5, 4, 3]
    again = Lengths()
    assert np.array_equal(embeddings_of(again, tmp_path / "cache").texts(TEXTS), found)
    assert again.asked == []
    assert embeddings_of(again, tmp_path / "cache").texts(["one", "five"]).shape == (2, 2)
    assert again.asked == ["one", "five"]

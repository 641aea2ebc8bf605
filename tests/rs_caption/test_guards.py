"""What keeps a corpus honest when commands are combined in ways nobody meant."""

import json
import subprocess
import sys

import numpy as np
import pytest
from fakes import Fake, facts_of, hashed, label, quad, skipped_of, write
from PIL import Image

from rs_caption import table
from rs_caption.compiled import compiled, plainly
from rs_caption.convert import convert
from rs_caption.dedup.fates import _settle as settle
from rs_caption.errors import DataError, UserError
from rs_caption.options import Options
from rs_caption.pictures.images import image_size, to_8_bit
from rs_caption.readers.item import Item, Source
from rs_caption.request import Request
from rs_caption.shard import Job, convert_shard

DOTA, LOVEDA, RSICD = (facts_of(name) for name in ("dota", "loveda", "rsicd"))
PLANE = ("plane", quad(0, 0, 10, 10))


def test_a_table_cannot_be_its_own_test(tmp_path, cli):
    corpus = hashed(tmp_path / "corpus", ("a", "train", 0))
    ended = cli("dedup", corpus, "--against", corpus, "--out", tmp_path / "out")
    assert ended.code == 2
    assert "'d/a' is in the corpus too, as a training row" in ended.err


def test_test_rows_may_stand_on_both_sides(tmp_path, cli):
    corpus = hashed(tmp_path / "corpus", ("a", "train", 0), ("t", "test", 0))
    ended = cli("dedup", corpus, "--against", corpus, "--out", tmp_path / "out")
    assert ended.code == 0
    assert table.open_table(tmp_path / "out").rows == 0


def test_dedup_does_not_replace_a_converted_table(tmp_path, cli):
    corpus = hashed(tmp_path / "corpus", ("a", "train", 0))
    other = hashed(tmp_path / "other", ("b", "train", 1))
    before = (other / "captions.parquet").read_bytes()
    ended = cli("dedup", corpus, "--out", other)
    assert (ended.code, (other / "captions.parquet").read_bytes()) == (2, before)
    assert "already holds a table of d; choose another --out" in ended.err
    for _ in range(2):  # a clean table may be made again
        assert cli("dedup", corpus, "--out", tmp_path / "clean").code == 0


def test_convert_does_not_replace_a_clean_table(tmp_path, cli):
    write(tmp_path / "root", DOTA, [Fake("a.png", objects=(PLANE,))])
    convert(Request(DOTA, tmp_path / "root", tmp_path / "dota", Options()))
    assert cli("dedup", tmp_path / "dota", "--out", tmp_path / "clean").code == 0
    with pytest.raises(UserError, match="already holds a de-duplicated table of dota"):
        convert(Request(DOTA, tmp_path / "root", tmp_path / "clean", Options()))


def test_test_rows_without_a_readable_image_are_not_called_compared(tmp_path, cli):
    names = ("a.png", "b.png", "t.png")
    fakes = [Fake(name, "test" if name == "t.png" else "train", sentences=("x",)) for name in names]
    write(tmp_path / "root", RSICD, fakes)
    convert(Request(RSICD, tmp_path / "root", tmp_path / "rsicd", Options()))
    (tmp_path / "root/RSICD_images/t.png").unlink()
    ended = cli("dedup", tmp_path / "rsicd", "--out", tmp_path / "clean")
    assert ended.code == 3
    assert "Test rows NOT compared with, no readable image: 1" in ended.out
    stamp = table.open_table(tmp_path / "clean").about["dedup"]
    assert (stamp["tests"], stamp["tests_not_compared"]) == ({}, 1)
    assert skipped_of(tmp_path / "clean")[0][:2] == ["rsicd/RSICD_images/t.png", "missing_image"]


def test_stopping_on_errors_holds_for_sentences_and_for_parts_made_before(tmp_path):
    write(tmp_path / "root", RSICD, [Fake("a.png", sentences=("x", " "))])
    request = Request(RSICD, tmp_path / "root", tmp_path / "out", Options(), stop_on_error=True)
    with pytest.raises(DataError, match="sentence 2 of 2"):
        convert(request)
    label_root = tmp_path / "dota"
    write(label_root, DOTA, [Fake("a.png", objects=(PLANE,))])
    label(label_root, DOTA.layout.parts[0], "a.png", "broken")
    item = Item("train/images/a.png", "train/labelTxt/a.txt", "train")
    source = Source(label_root, DOTA, frozenset({"train"}))
    job = Job(tmp_path / "p.parquet", source, Options(), (item,), stop_on_error=False)
    assert [skip.reason for skip in convert_shard(job).skipped] == ["bad_annotation"]
    stopping = Job(tmp_path / "p.parquet", source, Options(), (item,), stop_on_error=True)
    with pytest.raises(DataError, match=r"a\.txt:1: expected 8 coordinates"):
        convert_shard(stopping)


def test_stopping_on_errors_passes_over_documented_quirks(tmp_path):
    write(tmp_path / "root", DOTA, [Fake("a.png", objects=(PLANE,)), Fake("b.png")])
    report = convert(
        Request(DOTA, tmp_path / "root", tmp_path / "out", Options(), stop_on_error=True)
    )
    assert report.skipped == {"no_objects": 1}


def test_a_split_asked_for_must_be_there(tmp_path):
    write(tmp_path / "root", DOTA, [Fake("a.png", objects=(PLANE,))])
    request = Request(DOTA, tmp_path / "root", tmp_path / "out", Options(), ("train", "val"))
    with pytest.raises(UserError, match="holds no annotated image of split 'val'"):
        convert(request)


def test_a_second_annotation_of_a_stem_is_listed(tmp_path):
    write(tmp_path / "root", DOTA, [Fake("a.png", objects=(PLANE,))])
    (tmp_path / "root/train/labelTxt/a.TXT").write_text("")
    convert(Request(DOTA, tmp_path / "root", tmp_path / "out", Options()))
    assert [line[:2] for line in skipped_of(tmp_path / "out")] == [
        ["train/labelTxt/a.TXT", "duplicate_image_id"]
    ]


def test_regions_of_a_tiled_mask_are_counted_as_what_they_are(tmp_path):
    # One building across both tiles: a region in each.
    mask = ((0, 1, 1, 0),) * 2
    write(tmp_path / "root", LOVEDA, [Fake("0.png", size_wh=(4, 2), mask=mask)])
    convert(Request(LOVEDA, tmp_path / "root", tmp_path / "out", Options(tile=2)))
    objects = json.loads((tmp_path / "out/convert.json").read_text())["objects"]
    assert objects == {"regions of the mask, tile by tile": 2, "captioned": 2}


def test_code_that_cannot_be_kept_is_compiled_all_the_same():
    namespace = {}
    exec(compile("def double(x):\n    return 2 * x", "<nowhere>", "exec"), namespace)  # noqa: S102
    assert compiled(namespace["double"])(21) == 42  # numba has no place to cache code of no file


@compiled
def _twice(number):
    return 2 * number


@compiled
def _four_times(number):
    return _twice(_twice(number))


def test_compiled_functions_call_each_other():
    assert _four_times(21) == 84
    assert plainly(_twice)(21) == _twice(21) == 42


def test_kept_code_is_not_used_once_what_it_calls_has_changed(tmp_path):
    """Numba looks at the file of the function alone."""
    (tmp_path / "caller.py").write_text(
        "from callee import STEP, once\nfrom rs_caption.compiled import compiled\n\n\n"
        "@compiled\ndef twice(number):\n    return once(once(number)) + STEP\n"
    )
    code = (
        f"import sys; sys.path.insert(0, {str(tmp_path)!r}); import caller; print(caller.twice(1))"
    )
    printed = []
    for step, factor in ((0, 2), (0, 3), (5, 3)):
        (tmp_path / "callee.py").write_text(
            f"from rs_caption.compiled import compiled\n\nSTEP = {step}\n\n\n"
            f"@compiled\ndef once(number):\n    return {factor} * number\n"
        )
        done = subprocess.run(
            [sys.executable, "-B", "-c", code], capture_output=True, text=True, check=True
        )
        printed.append(done.stdout.strip())
    assert printed == ["4", "9", "14"]


def test_hashing_and_a_small_search_do_without_the_compiler():
    code = (
        "import sys, numpy as np\n"
        "from rs_caption import blocks, dedup\n"
        "from rs_caption.dedup import clean\n"
        "from rs_caption.looks import column\n"
        "list(blocks.near_pairs(np.arange(5000, dtype=np.uint64), 1))\n"
        "print('numba' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "False\n"


@pytest.mark.parametrize("seed", range(5))
def test_fates_are_settled_alike_by_python_and_by_the_machine(seed):
    rng = np.random.default_rng(seed)
    pairs_2P = np.sort(rng.integers(0, 60, (2, 300)), axis=0)
    pairs_2P = np.unique(pairs_2P[:, pairs_2P[0] != pairs_2P[1]], axis=1)
    number = pairs_2P.shape[1]
    cost_P, is_test_C = rng.integers(0, 4, number), rng.random(60) < 0.3
    outcomes = []
    for run in (settle, plainly(settle)):
        found = [np.full(60, -1), np.full(60, -1), np.zeros(60, np.int64)]
        run(pairs_2P[0], pairs_2P[1], cost_P, np.arange(number), is_test_C, *found)
        outcomes.append(np.stack(found))
    assert (outcomes[0][0] >= 0).any()
    assert np.array_equal(*outcomes)


@pytest.mark.filterwarnings("ignore:Corrupt EXIF data", "ignore:Truncated File Read")
def test_a_tiff_of_jpeg_strips_is_decoded_to_be_sure(tmp_path):
    noise = np.random.default_rng(0).integers(0, 256, (64, 64, 3), np.uint8)
    Image.fromarray(noise).save(tmp_path / "a.tif", compression="jpeg")
    assert image_size(tmp_path / "a.tif") == (64, 64)
    data = (tmp_path / "a.tif").read_bytes()
    (tmp_path / "a.tif").write_bytes(data[: len(data) // 2])
    with pytest.raises(DataError):
        image_size(tmp_path / "a.tif")


@pytest.mark.parametrize(
    ("values", "expected"),
    [([[np.nan, np.nan]], [[0, 0]]), ([[np.inf, 1.0, 3.0, 2.0]], [[0, 0, 255, 128]])],
    ids=["no value at all", "an infinite one"],
)
def test_pixels_without_a_value(values, expected):
    shown = to_8_bit(Image.fromarray(np.array(values, np.float32)))
    assert np.asarray(shown).tolist() == expected


def test_paths_are_printed_as_they_are(tmp_path, cli):
    folder = tmp_path / "[red] :car: [/x]"
    write(folder, DOTA, [Fake("[a] :ship:.png", objects=(PLANE,))])
    ended = cli("convert", "--source", "dota", "--root", folder, "--out", folder / "out")
    assert (ended.code, ended.out.splitlines()[-1]) == (0, f"Table: {folder}/out/captions.parquet")
    assert "dota/train/images/[a] :ship:.png" in cli("show", folder / "out").out


def test_a_folder_is_not_mistaken_for_a_place_of_ones_own(tmp_path, cli):
    (tmp_path / "photos").mkdir()
    (tmp_path / "file").touch()
    for what, said in (
        (tmp_path, "holds file, which no demo wrote"),
        (tmp_path / "file", "a file"),
    ):
        ended = cli("demo", what)
        assert (ended.code, said in ended.err) == (2, True)
    write(tmp_path / "DOTA", DOTA, [Fake("a.png", objects=(PLANE,))])
    root = tmp_path / "DOTA"
    ended = cli("convert", "--source", "dota", "--root", root, "--out", root)
    assert (ended.code, "is the dataset's own folder" in ended.err) == (2, True)
    ended = cli("convert", "--source", "dota", "--root", tmp_path / "file", "--out", tmp_path / "o")
    assert f"{tmp_path}/file: a file, not a folder; --root is the folder of DOTA" in ended.err


def test_images_that_moved_stop_dedup_and_say_where_to_tell(tmp_path, cli):
    write(tmp_path / "DOTA", DOTA, [Fake("a.png", objects=(PLANE,))])
    convert(Request(DOTA, tmp_path / "DOTA", tmp_path / "t", Options()))
    (tmp_path / "DOTA").rename(tmp_path / "moved")
    ended = cli("dedup", tmp_path / "t", "--out", tmp_path / "clean")
    assert ended.code == 2
    assert ended.err == (
        f"rs-caption: {tmp_path}/t/roots.json: none of the images of dota (1) is below "
        f"{tmp_path}/DOTA; edit the folder there\n"
    )
    (tmp_path / "t/roots.json").write_text('{"dota": "../moved"}')
    ended = cli("dedup", tmp_path / "t", "--out", tmp_path / "clean")
    assert (ended.code, "Nothing guards against leakage yet" in ended.out) == (0, True)
    ended = cli("verify", tmp_path)
    assert f"no caption table here; there are: {tmp_path}/clean, {tmp_path}/t" in ended.err

"""An output is there whole or not at all, and its error says what to do."""

import json
from pathlib import Path

import pytest

from rs_caption.errors import UserError, WriteError
from rs_caption.files import check_folder, read_json, read_toml, whole, write_json, write_text


def inside(folder):
    return sorted(path.name for path in folder.iterdir())


def write_half(path, error):
    with whole(path) as partial:
        partial.write_text("half")
        raise error


def test_the_file_appears_when_the_block_ends(tmp_path):
    path = tmp_path / "new" / "folders" / "out.txt"
    with whole(path) as partial:
        partial.write_text("all of it")
        assert not path.exists()
        assert partial.parent == path.parent  # or the renaming could cross file systems
    assert path.read_text() == "all of it"
    assert inside(path.parent) == ["out.txt"]


def test_an_earlier_file_is_replaced_only_at_the_end(tmp_path):
    path = tmp_path / "out.txt"
    write_text(path, "old, and longer than the new one")
    with whole(path) as partial:
        partial.write_text("new")
        assert path.read_text().startswith("old")
    assert path.read_text() == "new"


def test_who_reads_the_earlier_file_reads_it_to_its_end(tmp_path):
    path = tmp_path / "out.txt"
    write_text(path, "old")
    with path.open() as reader:
        write_text(path, "new")
        assert reader.read() == "old"


@pytest.mark.parametrize("error", [KeyError("ours"), KeyboardInterrupt(), SystemExit(3)])
def test_an_error_inside_leaves_nothing_and_passes(tmp_path, error):
    path = tmp_path / "out.txt"
    with pytest.raises(type(error)) as caught:
        write_half(path, error)
    assert caught.value is error
    assert inside(tmp_path) == []


def test_an_error_inside_leaves_the_earlier_file(tmp_path):
    path = tmp_path / "out.txt"
    write_text(path, "old")
    with pytest.raises(KeyError):
        write_half(path, KeyError("ours"))
    assert inside(tmp_path) == ["out.txt"]
    assert path.read_text() == "old"


def test_a_full_disk_is_a_write_error_and_leaves_nothing(tmp_path):
    path = tmp_path / "out.txt"
    with pytest.raises(WriteError) as caught:
        write_half(path, OSError(28, "No space left on device"))
    assert str(caught.value) == (
        f"{path}: could not be written (No space left on device). Make room, then run "
        "the same command again: finished parts are kept"
    )
    assert inside(tmp_path) == []


def test_an_error_of_the_disk_without_a_number_is_told_in_its_words(tmp_path):
    path = tmp_path / "out.txt"
    with pytest.raises(WriteError, match=r"could not be written \(quota\)"):
        write_half(path, OSError("quota"))


def test_a_place_below_a_file_is_a_write_error(tmp_path):
    (tmp_path / "file").write_text("a file, no folder")
    for path in (tmp_path / "file" / "out.txt", tmp_path / "file" / "folder" / "out.txt"):
        with pytest.raises(WriteError, match="could not be written") as caught:
            write_text(path, "text")
        assert str(caught.value).startswith(f"{path}: ")
    assert inside(tmp_path) == ["file"]


def test_a_folder_for_outputs_is_looked_at_and_not_made(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for good in (tmp_path, tmp_path / "a/b", Path("a"), Path("a/b")):
        check_folder(good)
    assert not list(tmp_path.iterdir())
    (tmp_path / "file").touch()
    (tmp_path / "gone").symlink_to("nowhere")
    wrong = {"file": "Not a directory", "file/a/b": "Not a directory", "gone/a": "No such file"}
    for name, why in wrong.items():
        with pytest.raises(WriteError) as error:
            check_folder(Path(name))
        at = tmp_path / name.partition("/")[0]
        assert str(error.value).startswith(
            f"--out {name}: expected a folder that can be written to ("
        )
        assert str(error.value).endswith("); choose another")
        assert f"{at.name}: {why}" in str(error.value)


def test_a_name_too_long_for_the_disk_is_a_write_error(tmp_path):
    with pytest.raises(WriteError, match="File name too long"):
        write_text(tmp_path / ("n" * 300), "text")
    assert inside(tmp_path) == []


def test_a_folder_of_that_name_stays(tmp_path):
    (tmp_path / "out").mkdir()
    with pytest.raises(WriteError, match="Is a directory"):
        write_text(tmp_path / "out", "text")
    assert inside(tmp_path) == ["out"]


def test_a_block_that_writes_nothing_is_a_write_error(tmp_path):
    with pytest.raises(WriteError, match="No such file"), whole(tmp_path / "out"):
        pass
    assert inside(tmp_path) == []


def test_json_is_indented_utf_8_and_comes_back(tmp_path):
    value = {"name": "Düne", "counts": [1, 2.5, None]}
    write_json(tmp_path / "a.json", value)
    text = (tmp_path / "a.json").read_bytes().decode("utf-8")
    assert text == ('{\n  "name": "Düne",\n  "counts": [\n    1,\n    2.5,\n    null\n  ]\n}\n')
    assert read_json(tmp_path / "a.json") == value


def test_foreign_bytes_of_a_file_name_are_written_as_their_escape(tmp_path):
    write_text(tmp_path / "a.txt", "img\udcd6.png, Düne")
    assert (tmp_path / "a.txt").read_bytes() == b"img\\udcd6.png, D\xc3\xbcne"


def test_json_with_a_byte_order_mark_is_read(tmp_path):
    (tmp_path / "a.json").write_bytes(b"\xef\xbb\xbf" + json.dumps({"a": 1}).encode())
    assert read_json(tmp_path / "a.json") == {"a": 1}


UNREADABLE = {
    "not JSON": (b"{", "not JSON"),
    "not UTF-8": (b'"\xff"', "not JSON"),
    "too deep": (b"[" * 100_000, "not JSON"),
}


@pytest.mark.parametrize(("content", "problem"), UNREADABLE.values(), ids=UNREADABLE)
def test_what_is_no_json_says_so(tmp_path, content, problem):
    path = tmp_path / "a.json"
    path.write_bytes(content)
    with pytest.raises(UserError, match=problem) as caught:
        read_json(path)
    assert str(caught.value).startswith(f"{path}: ")


NO_TOML = {
    "not TOML": (b"a =", r"not TOML \(Invalid value"),
    "not UTF-8": (b'a = "\xff"', "not UTF-8 text"),
    "too deep": (b"a = " + b"[" * 100_000, "not TOML"),
}


@pytest.mark.parametrize(("content", "problem"), NO_TOML.values(), ids=NO_TOML)
def test_what_is_no_toml_says_so(tmp_path, content, problem):
    path = tmp_path / "a.toml"
    path.write_bytes(content)
    with pytest.raises(UserError, match=problem) as caught:
        read_toml(path)
    assert str(caught.value).startswith(f"{path}: ")
    path.write_bytes(b"\xef\xbb\xbfa = 1")
    assert read_toml(path) == {"a": 1}


def test_json_that_is_not_there_says_so(tmp_path):
    with pytest.raises(UserError, match=r"could not be read \(No such file or directory\)"):
        read_json(tmp_path / "a.json")
    with pytest.raises(UserError, match=r"could not be read \(Is a directory\)"):
        read_json(tmp_path)

"""`rs-caption import csv`: what stands in a line is taken as it is, or the line is named."""

import csv
import json

import pytest
from fakes import skipped_of
from fakes.fake import picture
from fakes.imports import captions_of, rows_of

from rs_caption.engine import no_progress
from rs_caption.errors import UserError
from rs_caption.importing.land import ImportRequest
from rs_caption.importing.paired import import_csv
from rs_caption.importing.pairs import Pair, pairs_in

NAMES = ("", "")


def pairs(path, text):
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return list(pairs_in(path, NAMES, str, no_progress))


def test_a_caption_that_the_separator_cuts_is_no_caption(tmp_path):
    text = 'filepath,title\n1.jpg,a big, white plane\n2.jpg,"a big, white plane"\n3.jpg\n'
    cut, whole, short = pairs(tmp_path / "x.csv", text)
    expected = "expected 2 columns, found 3; a caption with the separator in it needs quotes"
    assert cut == ("x.csv:2", "bad_annotation", expected)
    assert (whole, short) == (Pair("2.jpg", "a big, white plane", 3), Pair("3.jpg", "", 4))


def test_a_cut_caption_is_listed_and_ends_with_code_3(tmp_path, cli):
    for name in ("1.jpg", "2.jpg"):
        picture(tmp_path / name, (30, 20))
    source = tmp_path / "x.csv"
    source.write_text("filepath,title\n1.jpg,a big, white plane\n2.jpg,a plane\n")
    assert cli("import", "csv", source, "--out", tmp_path / "t").code == 3
    assert captions_of(tmp_path / "t") == {("train", "2.jpg"): ["a plane"]}
    assert [line[:2] for line in skipped_of(tmp_path / "t")] == [["x.csv:2", "bad_annotation"]]


@pytest.mark.parametrize(
    ("lines", "said"),
    [
        (['1.jpg,"a plane', "2.jpg,b", "3.jpg,c"], r"x.csv:2: not CSV from here on \(unexpected e"),
        (["1.jpg,a", '2.jpg,"a plane', '3.jpg,"c"'], r"x.csv:3: not CSV from .* \(',' expected a"),
        (["1.jpg,a", f"2.jpg,{'x' * (1 << 20)}x"], r"x.csv:3: not CSV .*field larger than field l"),
    ],
    ids=["to the end", "to the next quote", "too long"],
)
def test_a_quote_that_does_not_close_swallows_no_lines(lines, said, tmp_path):
    for at in (1, 2, 3):
        picture(tmp_path / f"{at}.jpg", (30, 20))
    (tmp_path / "x.csv").write_text("\n".join(["filepath,title", *lines, ""]))
    limit = csv.field_size_limit()
    with pytest.raises(UserError, match=said):
        import_csv(ImportRequest(tmp_path / "x.csv", tmp_path / "t"))
    assert csv.field_size_limit() == limit
    assert not (tmp_path / "t").exists()


def test_line_ends_marks_and_quotes_of_any_program(tmp_path):
    text = b'\xef\xbb\xbfimage;text\r\n"a.jpg";"two\r\nlines"\r\n\r\nb.jpg;6" long; \r\n'
    found = pairs(tmp_path / "x.csv", text)
    assert found[0] == Pair("a.jpg", "two\r\nlines", 2)
    assert found[1][:2] == ("x.csv:5", "bad_annotation")
    assert pairs(tmp_path / "y.csv", b"image,text\ra.jpg,old Mac\r") == [
        Pair("a.jpg", "old Mac", 2)
    ]


def test_a_file_is_read_as_it_is_asked_for(tmp_path):
    line = "a.jpg,a plane .\n"
    (tmp_path / "x.csv").write_text("filepath,title\n" + line * 30_000)
    told = []
    lines = pairs_in(tmp_path / "x.csv", NAMES, str, lambda *counts: told.append(counts))
    for _ in range(15_000):
        next(lines)
    size = (tmp_path / "x.csv").stat().st_size
    assert size == 15 + 16 * 30_000
    assert [total for _, total in told] == [size]
    assert 10_000 * 16 <= told[0][0] < 11_000 * 16  # bytes: ten thousand lines, and what is held
    assert len(list(lines)) == 15_000
    assert told[-1] == (size, size)


def test_the_import_tells_bytes_and_then_pictures(tmp_path):
    picture(tmp_path / "a.jpg", (30, 20))
    (tmp_path / "x.csv").write_text("filepath,title\na.jpg,one\n")
    told = []
    request = ImportRequest(tmp_path / "x.csv", tmp_path / "t")
    import_csv(request, lambda *counts: told.append(counts))
    assert told == [(25, 25), (0, 1), (1, 1)]


def test_a_path_is_made_a_name_once_for_lines_that_follow_each_other(tmp_path):
    asked = []

    def named(cell):
        asked.append(cell)
        return cell.upper()

    (tmp_path / "x.csv").write_text("image,text\na,1\na,2\nb,3\na,4\n")
    found = list(pairs_in(tmp_path / "x.csv", NAMES, named, no_progress))
    assert [(pair.image, pair.caption) for pair in found] == [
        ("A", "1"),
        ("A", "2"),
        ("B", "3"),
        ("A", "4"),
    ]
    assert asked == ["a", "b", "a"]


def test_empty_captions_are_counted(tmp_path, cli):
    for name in ("a.jpg", "b.jpg"):
        picture(tmp_path / name, (30, 20))
    source = tmp_path / "x.csv"
    source.write_text("filepath,title\na.jpg,one\na.jpg, \na.jpg,\nb.jpg,two\ngone.jpg,\n")
    done = cli("import", "csv", source, "--out", tmp_path / "t")
    assert "2 empty captions left out of rows that have others." in done.out
    assert json.loads((tmp_path / "t/import.json").read_text())["empty_captions"] == 2
    assert captions_of(tmp_path / "t") == {("train", "a.jpg"): ["one"], ("train", "b.jpg"): ["two"]}


def test_more_pictures_than_are_made_rows_at_once(tmp_path):
    picture(tmp_path / "0.png", (8, 8))
    for at in range(1, 1001):
        (tmp_path / f"{at}.png").hardlink_to(tmp_path / "0.png")
    lines = [f"{at}.png,caption {at}" for at in range(1001)]
    (tmp_path / "x.csv").write_text("\n".join(["filepath,title", *lines]))
    import_csv(ImportRequest(tmp_path / "x.csv", tmp_path / "t"))
    found = {row["image_path"]: row["captions"] for row in rows_of(tmp_path / "t")}
    assert found == {f"{at}.png": [f"caption {at}"] for at in range(1001)}

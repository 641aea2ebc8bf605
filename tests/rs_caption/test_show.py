"""`rs-caption show`: a known row as text and as a drawing."""

import pytest
from fakes import Fake, facts_of, quad, write
from PIL import Image

from rs_caption.convert import convert
from rs_caption.options import Options
from rs_caption.request import Request

DOTA = facts_of("dota")
YELLOW, RED = (255, 213, 0), (255, 77, 77)  # of the first and second class by name
MARGIN_PX = 18


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """A table of one image of 320 x 160 pixels, drawn at twice its size, and seven more."""
    folder = tmp_path_factory.mktemp("made")
    planes = [("plane", quad(x, 10, x + 4, 14.5)) for x in (0, 30, 60, 90, 120)]
    ship = ("ship", quad(100, 60, 180, 100))
    fakes = [Fake("a.png", "train", (320, 160), (ship, *planes))]
    fakes += [Fake(f"b{at}.png", "val", (20, 20), (("ship", quad(0, 0, 9, 9)),)) for at in range(7)]
    fakes += [Fake("thin.png", "val", (3000, 2), (("ship", quad(0, 0, 9, 2)),))]
    write(folder / "root", DOTA, fakes)
    convert(Request(DOTA, folder / "root", folder / "table", Options(rules="all")))
    return folder


def test_text_of_a_row(made, cli):
    ended = cli("show", made / "table", "--id", "dota/train/images/a.png")
    assert (ended.code, ended.err) == (0, "")
    assert ended.out == (
        "dota/train/images/a.png  320 x 160  det  train\n"
        "  all     The picture shows 5 planes and a ship.\n"
        "  layout  In the middle of the picture there is a ship, and at the edge there are "
        "5 planes.\n"
        "  boxes: plane 5, ship 1\n"
        "  ship [100, 180) x [60, 100)\n"
        "  plane [0, 4) x [10, 14.5)\n"
        "  plane [30, 34) x [10, 14.5)\n"
        "  plane [60, 64) x [10, 14.5)\n"
        "  plane [90, 94) x [10, 14.5)\n"
        "  and 1 more\n"
        "\n"
    )


@pytest.mark.parametrize(
    ("number", "shown"),
    [(1, ["a"]), (3, ["a", "b2", "b5"]), (9, ["a", *(f"b{at}" for at in range(7)), "thin"])],
)
def test_rows_are_spread_over_the_table(made, cli, number, shown):
    ended = cli("show", made / "table", "--n", number)
    heads = [line.split()[0] for line in ended.out.splitlines() if line.startswith("dota/")]
    assert [head.rpartition("/")[2].removesuffix(".png") for head in heads] == shown


def test_unknown_id_suggests_the_nearest(made, cli):
    ended = cli("show", made / "table", "--id", "dota/train/image/a.png")
    missing, nearest = "dota/train/image/a.png", "dota/train/images/a.png"
    file = made / "table/captions.parquet"
    assert ended.code == 2
    assert ended.err == (
        f"rs-caption: {file}: no image id {missing!r}; did you mean {nearest!r}?\n"
    )


def test_drawing(made, tmp_path, cli):
    file = tmp_path / "new" / "dota__train__images__a_png.png"
    ended = cli("show", made / "table", "--id", "dota/train/images/a.png", "--draw", file.parent)
    assert ended.code == 0
    assert f"  drawn: {file}\n" in ended.out
    assert [p.name for p in file.parent.iterdir()] == [file.name]
    with Image.open(file) as drawing, Image.open(made / "root/train/images/a.png") as source:
        assert (drawing.format, drawing.mode) == ("PNG", "RGB")
        # the ship is [100, 180) x [60, 100), drawn at twice its size behind the margin
        left, top, right, bottom = (MARGIN_PX + 2 * side for side in (100, 60, 180, 100))
        for x, y in ((left, top), (right, bottom), (left, bottom - 9), (right - 9, top)):
            assert drawing.getpixel((x, y)) == RED
        inside = drawing.getpixel((left + 20, top + 20))
        assert inside == source.getpixel((110, 70))
        assert drawing.getpixel((MARGIN_PX + 2 * 30, MARGIN_PX + 2 * 12)) == YELLOW


def test_drawing_of_a_thin_image(made, tmp_path, cli):
    ended = cli("show", made / "table", "--id", "dota/val/images/thin.png", "--draw", tmp_path)
    assert (ended.code, ended.err) == (0, "")
    assert (tmp_path / "dota__val__images__thin_png.png").is_file()


def test_drawing_into_a_file(made, tmp_path, cli):
    (tmp_path / "file").touch()
    ended = cli("show", made / "table", "--draw", tmp_path / "file")
    said = f"rs-caption: --draw {tmp_path}/file is a file; choose a folder\n"
    assert (ended.code, ended.out, ended.err) == (2, "", said)


def test_drawing_without_its_image(made, tmp_path, cli):
    (tmp_path / "captions.parquet").write_bytes((made / "table/captions.parquet").read_bytes())
    (tmp_path / "roots.json").write_text('{"dota": "moved"}')
    ended = cli("show", tmp_path, "--n", 1, "--draw", tmp_path / "new")
    path = tmp_path / "moved/train/images/a.png"
    assert (ended.code, ended.err) == (2, f"rs-caption: {path}: no such image\n")
    assert list((tmp_path / "new").iterdir()) == []

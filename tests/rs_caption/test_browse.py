"""`rs-caption browse`: what is found, what a caption speaks of, and what is never served."""

import http.client
import io
import json
import re
import shutil
import socket
import subprocess
import sys
from urllib.parse import quote, urlsplit

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from fakes.gallery import ESCAPES, HARMFUL, SCRIPT, SECRET, SHIPS, gallery, numbers, served
from PIL import Image

from rs_caption.browse.index import Index
from rs_caption.browse.regions import outline
from rs_caption.browse.shelf import Left, Shelf
from rs_caption.browse.spoken import spoken_of, vocabularies
from rs_caption.browse.wanted import Wanted
from rs_caption.dedup.lists import REMOVED_FILE
from rs_caption.facts import Noun
from rs_caption.table import open_table
from rs_caption.verify import Vocabulary

A, FIRST = "dota/train/images/a.png", "dota/val/images/b00.png"
MASKED = "loveda/Train/Rural/images_png/0.png"
ROWS = 1 + SHIPS + 1 + 5 + 5


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    return gallery(tmp_path_factory.mktemp("gallery"))


@pytest.fixture(scope="module")
def shelf(made, tmp_path_factory):
    table = open_table(made)
    index = Index(table, tmp_path_factory.mktemp("index"))
    yield Shelf(table, index)
    index.close()


@pytest.fixture(scope="module")
def address(made):
    with served(made) as found:
        yield found


def get(address, path, method="GET", **headers):
    """Status, headers and body of an answer; the path goes out as it is."""
    connection = http.client.HTTPConnection(urlsplit(address).netloc, timeout=30)
    connection.request(method, path, headers=headers)
    answer = connection.getresponse()
    body = answer.read()
    connection.close()
    return answer.status, answer.headers, body


# --- filters

SMALL = [f"dota/val/images/b{at:02}.png" for at in range(SHIPS)]
FOUND = {
    "": None,
    "dataset=loveda": [MASKED],
    "split=val": SMALL,
    "kind=plane": [A],
    "kind=ship": [A, *SMALL],
    "kind=ship&most=0": [],
    "kind=plane&least=5&most=5": [A],
    "kind=plane&least=6": [],
    "kind=nothing": [],
    "least=6&most=6": [A],
    "least=2": [A, MASKED],
    "dataset=dota&most=5": SMALL,
    "rule=centre": [A, MASKED],
    "rule=cent": [],
    "rule=edge&dataset=dota": [A, *SMALL],
    "words=PLANES": [A],
    'words="5 planes" middle': [A],
    'words="planes 5"': [],
    "words=planes building": [],
    "words=onerror": ["web/exif.jpg"],
    "words=%": [],
    "words='": [],
    "alike=yes": SMALL[:2],
    "alike=no&dataset=loveda": [MASKED],
    "least=-1&dataset=loveda": [MASKED],
    "least=x&dataset=loveda": [MASKED],
}


@pytest.mark.parametrize("typed", FOUND)
def test_a_filter_finds(shelf, made, typed):
    wanted = Wanted.of(dict(part.split("=", 1) for part in typed.split("&") if part))
    found = [row["image_id"] for row in shelf.rows(shelf.index.find(wanted).tolist())]
    expected = sorted(numbers(made)) if FOUND[typed] is None else FOUND[typed]
    assert found == expected


def test_mixed_order_has_every_row_once_and_is_the_same_each_time(shelf):
    one = shelf.index.find(Wanted(order="mixed")).tolist()
    shelf.index.find.cache_clear()
    two = shelf.index.find(Wanted(order="mixed")).tolist()
    assert one == two
    assert sorted(one) == list(range(ROWS))
    assert one != sorted(one)


def test_choices_with_their_numbers(shelf):
    choices = shelf.index.choices
    assert choices.datasets == [("dota", 1 + SHIPS), ("loveda", 1), ("web", 10)]
    assert choices.splits == [("test", 10), ("train", 2), ("val", SHIPS)]
    assert choices.kinds == [("building", 1), ("plane", 1), ("road", 1), ("ship", 1 + SHIPS)]
    assert choices.rules == [
        ("centre", 2), ("edge", 2 + SHIPS), ("human", 10), ("random", 2 + SHIPS)
    ]  # fmt: skip
    assert (choices.hashed, choices.alike) == (2 + SHIPS, 2)


def test_a_filter_goes_through_an_address_and_back():
    wanted = Wanted("a&b", "train", "é", 1, None, "all", '"x y" z', "yes", "mixed")
    assert Wanted.of(wanted.typed) == wanted
    assert "most" not in wanted.typed
    assert Wanted.of({"words": "w" * 1000}).words == "w" * 200


def test_look_alikes_by_their_bits(shelf, made):
    at = numbers(made)
    near, number = shelf.index.near(at[FIRST], 2, 9)
    assert (near, number) == ([(at[SMALL[1]], 0)], 1)
    codes = dict(enumerate(shelf.table.read(["phash"])["phash"].to_pylist()))
    mine = codes.pop(at[FIRST])
    bits = sorted(((mine ^ code).bit_count(), nr) for nr, code in codes.items() if code is not None)
    near, number = shelf.index.near(at[FIRST], 64, 5)
    assert number == len(bits)
    assert [(one.bits, one.at) for one in near] == bits[:5]
    assert shelf.index.near(at["web/exif.jpg"], 64, 5) == ([], 0)


# --- what a caption speaks of

NOUNS = {
    "plane": Noun(singular="plane", plural="planes", article="a"),
    "ship": Noun(singular="ship", plural="ships", article="a"),
}
WORDS = Vocabulary.of(NOUNS, "plain")
BOXES = [  # of a picture of 100 x 100: two in the middle, two at the edge
    ("ship", 40, 40, 60, 60), ("plane", 30, 30, 40, 40), ("plane", 0, 0, 9, 9),
    ("ship", 70, 70, 80, 80),
]  # fmt: skip
SPOKEN = {
    "A plane and a ship in the middle of the picture.": (
        'centre {"central": 0.5}', (0, 1), {"A plane": (1,), "a ship": (0,)}
    ),
    "A plane and a ship at the edge of the picture.": (
        'edge {"central": 0.5}', (2, 3), {"A plane": (2,), "a ship": (3,)}
    ),
    "There are 2 ships in the picture.": (
        'random {"names": ["ship"], "template": "there"}', (0, 3), {"2 ships": (0, 3)}
    ),
    "The picture shows 2 planes and 2 ships.": (
        "all", (0, 1, 2, 3), {"2 planes": (1, 2), "2 ships": (0, 3)}
    ),
    "In the middle of the picture there are a plane and a ship, and at the edge there are a "
    "plane and a ship.": ('layout {"central": 0.5}', (0, 1, 2, 3), None),
    # What is no sentence of the rules is taken by its rule alone.
    "Vessels!": ('random {"names": ["ship"]}', (0, 3), {}),
    "Somewhere in the middle": ('centre {"central": 0.9}', (0, 1, 3), {}),
    "2 ships, said someone": ("human", (), {}),
    "": ("centre not json", (0, 1), {}),
    "odd": ('random {"names": 5}', (), {}),
    "odder": ('centre {"central": "x"}', (0, 1), {}),
    "what": ("new-rule", (), {}),
}  # fmt: skip


@pytest.mark.parametrize("text", SPOKEN)
def test_a_caption_lights_what_it_speaks_of(text):
    rule, boxes, items = SPOKEN[text]
    row = {
        "captions": [text],
        "rules": [rule],
        "boxes": [dict(zip(("name", "x0", "y0", "x1", "y1"), box, strict=True)) for box in BOXES],
        "width": 100,
        "height": 100,
    }
    (spoken,) = spoken_of(row, WORDS)
    assert spoken.boxes == boxes
    assert "".join(piece.text for piece in spoken.pieces) == text
    assert spoken.rule == rule.split(" ")[0]
    if items is not None:
        found = {piece.text: piece.boxes for piece in spoken.pieces if piece.boxes is not None}
        assert found == items
    assert spoken_of(row, None)[0].boxes == boxes  # without its nouns, by the rule


def test_words_are_those_of_the_table(shelf):
    assert sorted(vocabularies(shelf.table.about)) == ["dota", "loveda"]
    assert vocabularies({"sources": {"x": {"nouns": 5, "options": {}}, "y": {}}}) == {}


# --- regions of masks


def test_regions_of_a_mask_are_outlined_by_box(shelf, made):
    row = shelf.row(numbers(made)[MASKED])
    boxes = {at: (box["name"], box["x0"], box["y0"]) for at, box in enumerate(row["boxes"])}
    outlines = shelf.regions.outlines(row)
    by_box = {boxes[at]: sorted(path[1:-1].split("ZM")) for at, path in outlines.items()}
    building = [sorted(ring.split("L")) for ring in by_box["building", 4, 4]]
    assert sorted(building) == [
        ["4 4", "4 8", "8 4", "8 8"],
        ["5 5", "5 7", "7 5", "7 7"],  # its hole
    ]
    assert sorted(by_box["road", 10, 11][0].split("L")) == ["10 11", "10 12", "12 11", "12 12"]
    assert sorted(by_box["road", 0, 0][0].split("L")) == ["0 0", "0 1", "1 0", "1 1"]
    assert shelf.regions.outlines(shelf.row(numbers(made)[A])) == {}


@pytest.mark.parametrize("step", [1, 2, 3])
def test_an_outline_stays_in_its_box(step):
    inside_HW = np.random.default_rng(0).random((7, 5)) < 0.6
    numbers_ = [int(n) for n in re.findall(r"\d+", outline(inside_HW, (10, 20), step))]
    assert set(numbers_[::2]) <= set(range(10, 16))
    assert set(numbers_[1::2]) <= set(range(20, 28))
    thin_HW = np.zeros((3, 3), np.bool_)
    thin_HW[1, 1] = True
    assert outline(thin_HW, (0, 0), 3).startswith("M")


# --- what is served


def test_every_answer_is_guarded(address):
    for path in ("/", "/rows", "/row/0", "/picture/0", "/static/browse.js", "/nowhere"):
        _, headers, _ = get(address, path)
        policy = headers["Content-Security-Policy"]
        assert "default-src 'none'" in policy
        assert "script-src 'self'" in policy
        assert "unsafe" not in policy
        assert headers["X-Content-Type-Options"] == "nosniff"
        assert headers["Cross-Origin-Resource-Policy"] == "same-origin"
        assert "Access-Control-Allow-Origin" not in headers


@pytest.mark.parametrize(
    ("host", "status"),
    [
        ("127.0.0.1", 200), ("localhost:1234", 200), ("LOCALHOST", 200),
        ("evil.example", 400), ("127.0.0.1.evil.example", 400), ("localhost.evil.example:80", 400),
        ("", 400), ("192.168.0.1", 400), ("169.254.169.254", 400),
    ],
)  # fmt: skip
def test_only_our_own_names_are_answered(address, host, status):
    for path in ("/", "/picture/0"):
        assert get(address, path, Host=host)[0] == status


def test_other_sites_get_nothing_and_nothing_is_written(address):
    for site in ("cross-site", "same-site"):
        fetch = {"Sec-Fetch-Site": site, "Sec-Fetch-Mode": "no-cors"}
        assert get(address, "/picture/0", **fetch)[0] == 403
        followed = {"Sec-Fetch-Site": site, "Sec-Fetch-Mode": "navigate"}
        assert get(address, "/", **followed)[0] == 200
    own = {"Sec-Fetch-Site": "same-origin", "Sec-Fetch-Mode": "cors"}
    assert get(address, "/rows", **own)[0] == 200
    for method in ("POST", "PUT", "DELETE"):
        assert get(address, "/", method)[0] == 405


def test_it_listens_on_the_loopback_alone(address):
    port = urlsplit(address).port
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        try:
            probe.connect(("192.0.2.1", 9))  # sends nothing; tells our address
        except OSError:
            pytest.skip("this machine has no other address")
        own = probe.getsockname()[0]
    with pytest.raises(OSError, match="refused"):
        socket.create_connection((own, port), timeout=5)


@pytest.mark.parametrize(
    "path",
    [
        "/static/../app.py", "/static/..%2fapp.py", "/static/%2e%2e/app.py", "/static//etc/passwd",
        "/static/page.html.jinja", "/../../etc/passwd", "//etc/passwd", "/picture/../../secret.png",
        "/picture/-1", f"/picture/{ROWS}", f"/picture/{'9' * 40}", "/picture/0x1", "/picture/a.png",
        "/row/1e3", f"/row/{ROWS}", f"/regions/{ROWS}", "/left/0/0", f"/left/0/{'9' * 40}",
    ],
)  # fmt: skip
def test_no_address_is_a_path(address, path):
    status, _, body = get(address, path)
    assert status == 404
    assert len(body) < 100
    assert b"root:" not in body


@pytest.mark.parametrize(
    "asked", ["page=0", "page=-5", f"page={'9' * 9}", "page=x", "words=%00%ff", "least=%C2%B2",
              "order=x&alike=x", "bits=999", f"words={quote('(' * 500)}", "kind=%27;DROP TABLE"]
)  # fmt: skip
def test_odd_questions_are_answered(address, asked):
    for path in ("/", "/rows", "/row/0"):
        assert get(address, f"{path}?{quote(asked, safe='=&%')}")[0] == 200


LONG = "9" * 5000  # Python reads no number of so many digits


@pytest.mark.parametrize("key", ["page", "least", "most"])
@pytest.mark.parametrize("digits", ["1" * 10, LONG])
def test_a_number_that_is_too_long_is_told(address, key, digits):
    said = f"{key}: expected a number of at most 9 digits, found {len(digits):,} digits"
    for path in ("/", "/rows", "/row/0"):
        status, headers, body = get(address, f"{path}?{key}={digits}")
        assert (status, headers["Content-Type"]) == (400, "text/html; charset=utf-8")
        text = body.decode()
        assert f'<p class="summary" id="problem">{said}</p>' in text
        assert ("<!DOCTYPE html>" in text) == (path != "/rows")
        assert '<a href="/">Clear the filter</a>' in text
        assert "1111111111" not in text


def test_numbers_that_are_too_long_elsewhere(address):
    assert get(address, f"/row/0?bits={LONG}")[0] == 400
    assert get(address, f"/picture/0?side={LONG}")[0] == 400
    for path in (f"/row/{LONG}", f"/picture/{LONG}", f"/regions/{LONG}", f"/left/0/{LONG}"):
        assert get(address, path)[0] == 404


def escapes(made):
    return {**ESCAPES, str(made.parent / "secret.png"): "lies outside its root"}


def test_what_lies_outside_the_roots_is_not_served(address, made):
    at = numbers(made)
    for path in escapes(made):
        for side in (320, 1600):
            status, headers, body = get(address, f"/picture/{at[f'web/{path}']}?side={side}")
            assert (status, headers["Content-Type"]) == (404, "image/jpeg")
            shown = np.asarray(Image.open(io.BytesIO(body)).convert("RGB")).astype(int)
            assert np.abs(shown - SECRET).sum(axis=-1).min() > 60


def test_the_reason_is_told(shelf, made):
    for path, problem in escapes(made).items():
        with pytest.raises(Exception, match=problem):
            shelf.pictures.file("web", path)
    assert shelf.pictures.file("web", "exif.jpg").name == "exif.jpg"


@pytest.mark.parametrize("path", ["gone.jpg", "page.html", "drawing.svg", f"{SCRIPT}.png"])
def test_what_is_no_picture_is_not_served(address, made, path):
    status, headers, body = get(address, f"/picture/{numbers(made)[f'web/{path}']}")
    assert (status, headers["Content-Type"]) == (404, "image/jpeg")
    assert b"script" not in body


def test_of_an_image_only_its_pixels_are_served(address, made):
    raw = (made.parent / "web/exif.jpg").read_bytes()
    assert raw.count(b"harmed") == 3  # EXIF, comment, profile
    status, headers, body = get(address, f"/picture/{numbers(made)['web/exif.jpg']}?side=1600")
    assert (status, headers["Content-Type"]) == (200, "image/jpeg")
    assert b"harmed" not in body
    with Image.open(io.BytesIO(body)) as image:
        assert (image.format, image.size) == ("JPEG", (64, 48))
        assert not image.getexif()
        assert "comment" not in image.info
        assert "icc_profile" not in image.info
        assert np.abs(_rgb(image) - _rgb(Image.open(io.BytesIO(raw)))).mean() < 12


def _rgb(image):
    return np.asarray(image.convert("RGB")).astype(int)


def test_large_pictures_come_small(address, made):
    status, _, body = get(address, f"/picture/{numbers(made)[A]}?side=320")
    with Image.open(io.BytesIO(body)) as image:
        assert (status, image.size) == (200, (320, 160))


def test_text_of_others_is_escaped(address, made):
    for path in ("/?dataset=web", f"/row/{numbers(made)['web/exif.jpg']}", "/rows?words=onerror"):
        status, _, body = get(address, path)
        text = body.decode()
        assert status == 200
        assert "&lt;img src=&#34;x&#34; onerror=&#34;window.harmed = 2&#34;&gt;" in text
        assert '<img src="x"' not in text
        assert "<script>window" not in text
    _, _, body = get(address, f"/?words={quote(HARMFUL)}&dataset={quote(HARMFUL)}")
    assert b"<script>window" not in body


# --- around a de-duplication


def test_rows_that_left_are_shown_beside_what_they_look_like(made, tmp_path):
    folder = tmp_path / "clean"
    shutil.copytree(made, folder)
    gone = {"dota/val/images/b01.png": A, "web/../secret.png": A, "no-such/x.png": FIRST}
    removed = pa.table(
        {
            "image_id": list(gone),
            "duplicate_of": list(gone.values()),
            "level": ["exact", "crop", "near"],
            "distance": pa.array([0, None, 2], pa.uint8()),
        }
    )
    pq.write_table(removed, folder / REMOVED_FILE)
    table = open_table(folder)
    index = Index(table, tmp_path)
    shelf = Shelf(table, index)
    left = [Left("dota/val/images/b01.png", "exact", 0), Left("web/../secret.png", "crop", None)]
    assert shelf.left_for(A, 9) == (left, 2)
    assert shelf.left_for(A, 1) == (left[:1], 2)
    assert shelf.left_for("web/exif.jpg", 9) == ([], 0)
    assert shelf.row_of_id("no-such/x.png") is None
    tile = shelf.row_of_id("dota/x#y.png#f7#1,2,3,4")
    assert (tile["image_path"], tile["frame"]) == ("x#y.png", 7)
    assert tile["window"] == {"x0": 1, "y0": 2, "x1": 3, "y1": 4}
    index.close()
    with served(folder) as address:
        at = numbers(made)
        text = get(address, f"/row/{at[A]}")[2].decode()
        assert "2 rows that dedup removed for looking like it." in text
        assert get(address, f"/left/{at[A]}/0")[0] == 200
        assert get(address, f"/left/{at[A]}/1")[0] == 404  # outside its root
        assert get(address, f"/left/{at[FIRST]}/0")[0] == 404  # of a dataset without root
        assert get(address, f"/left/{at[A]}/2")[0] == 404


# --- the command


def test_a_port_that_is_taken_is_one_line(made, cli):
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        ended = cli("browse", made, "--no-open", "--port", port)
    said = f"--port {port}: another program has it; --port 0 takes any that is free"
    assert (ended.code, ended.err) == (2, f"rs-caption: {said}\n")


def test_no_table_is_one_line(tmp_path, cli):
    ended = cli("browse", tmp_path, "--no-open", "--port", 0)
    assert (ended.code, ended.out) == (2, "")
    assert ended.err.startswith(f"rs-caption: {tmp_path}/captions.parquet: no caption table here")


WITHOUT = (
    "import importlib.util as u; found = u.find_spec\n"
    "u.find_spec = lambda name, *a: None if name == 'uvicorn' else found(name, *a)\n"
    "from rs_caption.cli import main; main()"
)


def browsed_without_the_extra(folder):
    command = [sys.executable, "-c", WITHOUT, "browse", str(folder), "--no-open"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    return done.returncode, done.stderr


def test_without_the_extra_it_is_one_line(made):
    said = "rs-caption: uvicorn is not installed; pip install 'rs-caption[browse]'\n"
    assert browsed_without_the_extra(made) == (2, said)


def test_a_folder_that_is_not_there_is_told_before_the_extra(tmp_path):
    code, said = browsed_without_the_extra(tmp_path / "nowhere")
    assert code == 2
    assert said.startswith(f"rs-caption: {tmp_path}/nowhere: no caption table here")


def test_regions_are_json_by_box(address, made):
    status, headers, body = get(address, f"/regions/{numbers(made)[MASKED]}")
    assert (status, headers["Content-Type"]) == (200, "application/json")
    assert sorted(json.loads(body)) == ["0", "1", "2"]

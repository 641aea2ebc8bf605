"""Datasets and tables in an object store: a real S3 server on this machine, asked over HTTP."""

import gc
import logging
import pickle
import shutil
import sys
import tempfile
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import unquote

import fsspec
import moto.settings
import numpy as np
import pyarrow.parquet as pq
import pytest
import rasterio
import s3fs
from affine import Affine
from fakes import Fake, facts_of, write
from fakes.film import film, number_of
from moto.core.responses import ActionAuthenticatorMixin
from moto.server import ThreadedMotoServer
from PIL import Image

from rs_caption import storage
from rs_caption.convert import convert
from rs_caption.engine import Pool
from rs_caption.errors import DataError, UserError
from rs_caption.files import remove_folder, whole, write_text
from rs_caption.looks.stored import Thumbs, fetched, open_thumbs
from rs_caption.options import Options
from rs_caption.pictures import video
from rs_caption.pictures.images import image_size
from rs_caption.pictures.pixels import open_pixels
from rs_caption.request import Request
from rs_caption.storage import listings, store

LOVEDA = facts_of("loveda")
NUMBER = 20  # images: two shards
PLACES = ("Rural/images_png", "Rural/masks_png", "Urban/images_png", "Urban/masks_png")
LARGE = "Train/Rural/images_png/00.png"  # of more bytes than are fetched to tell a size
SECRET = "s3cr3t-value"  # noqa: S105 -- of a server that asks for none


class S3:
    """A server, what it was asked, and a client of ours."""

    def __init__(self, address):
        self.address = address
        self.asked = []
        self.files = s3fs.S3FileSystem(use_listings_cache=False)

    def count(self, method, part=""):
        """Requests whose address holds `part`; LIST is a GET of names."""
        return sum(how == method and part in where for how, where, _ in self.asked)

    def names(self, folder):
        return sorted(name.removeprefix(f"{folder}/") for name in self.files.find(folder))


@pytest.fixture(scope="module")
def s3():
    """An empty server with the bucket `data`; credentials are in the environment."""
    logging.getLogger("werkzeug").setLevel("ERROR")
    server = ThreadedMotoServer("127.0.0.1", 0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    address = f"http://{host}:{port}"
    environment = {
        "AWS_ACCESS_KEY_ID": "testing",
        "AWS_SECRET_ACCESS_KEY": SECRET,
        "AWS_DEFAULT_REGION": "us-east-1",
        "AWS_ENDPOINT_URL": address,
        "AWS_EC2_METADATA_DISABLED": "true",
    }
    with pytest.MonkeyPatch.context() as patch:
        for name, value in environment.items():
            patch.setenv(name, value)
        new_clients()
        client = S3(address)
        answer = server._server.app  # noqa: SLF001 -- moto has no list of what it was asked

        def noted(environ, start_response):
            method, query = environ["REQUEST_METHOD"], unquote(environ["QUERY_STRING"])
            method = "LIST" if "list-type" in query else method
            where = query if method == "LIST" else environ["PATH_INFO"]
            client.asked.append((method, where, environ.get("HTTP_RANGE", "")))
            return answer(environ, start_response)

        server._server.app = noted  # noqa: SLF001 -- likewise
        client.files.mkdir("data")
        yield client
    new_clients()
    server.stop()


@pytest.fixture
def temporary(tmp_path, monkeypatch):
    """Where copies of objects are, and nothing else is."""
    (tmp_path / "tmp").mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "tmp"))


@pytest.fixture(autouse=True)
def listed_anew():
    storage.forget()


def new_clients():
    """Clients take credentials and endpoint from the environment when they are made."""
    s3fs.S3FileSystem.clear_instance_cache()
    storage.forget()


@contextmanager
def environment(**values):
    """Other settings for a while; None: not set."""
    with pytest.MonkeyPatch.context() as patch:
        for name, value in values.items():
            patch.delenv(name) if value is None else patch.setenv(name, value)
        new_clients()
        yield
    new_clients()


@pytest.fixture(scope="module")
def loveda(tmp_path_factory):
    """LoveDA of 20 images on this disk, the first one large, and its table."""
    root = tmp_path_factory.mktemp("loveda")
    sizes = [(150, 100), *[(40, 30)] * (NUMBER - 1)]
    fakes = [
        Fake(f"{at:02}.png", size_wh=(wide, high), mask=((at % 6 + 1,) * wide,) * high)
        for at, (wide, high) in enumerate(sizes)
    ]
    write(root, LOVEDA, fakes)
    noise = np.random.default_rng(0).integers(0, 256, (100, 150, 3), np.uint8)
    Image.fromarray(noise).save(root / LARGE)
    out = tmp_path_factory.mktemp("table")
    convert(request(root, out))
    return root, out


@pytest.fixture(scope="module")
def uploaded(s3, loveda):
    """The same in the store."""
    s3.files.put(str(loveda[0]), "data/LoveDA", recursive=True)
    return "s3://data/LoveDA"


@pytest.fixture(scope="module")
def table(uploaded):
    """Its table, converted from the store to the store."""
    convert(request(uploaded, "s3://data/tables/loveda"))
    return "s3://data/tables/loveda"


def request(root, out):
    return Request(LOVEDA, storage.place(str(root)), storage.place(str(out)), Options())


def rows_of(out):
    return storage.place(f"{out}/captions.parquet").read_bytes()


def test_from_store_to_store_by_workers(s3, loveda, uploaded):
    out = "s3://data/out/two"
    convert(request(uploaded, out), engine=Pool(2, alone_s=0))
    assert rows_of(out) == rows_of(loveda[1])
    there = ["captions.parquet", "convert.json", "roots.json", "skipped.csv"]
    assert s3.names("data/out/two") == there
    for name in there[2:]:
        text = (loveda[1] / name).read_text().replace(str(loveda[0]), uploaded)
        assert s3.files.cat(f"{out}/{name}").decode() == text


def test_requests_are_bounded(s3, uploaded):
    s3.asked.clear()
    convert(request(uploaded, "s3://data/out/counted"))
    for folder in ("", "Train/", *(f"Train/{place}/" for place in PLACES)):
        assert s3.count("LIST", f"prefix=LoveDA/{folder}&delimiter=/&encoding") == 1
    assert [s3.count("GET", f"/LoveDA/Train/{place}/") for place in PLACES] == [11, 10, 10, 10]
    ranges = [part for how, where, part in s3.asked if how == "GET" and LARGE in where]
    assert sorted(ranges) == ["bytes=-8", "bytes=0-2047"]
    assert s3.count("HEAD", "/LoveDA/Train") == 0
    assert s3.count("PUT") == 6  # two parts, the table and three files beside it
    assert len(s3.asked) <= 2 * NUMBER + 36


@pytest.mark.parametrize("from_store", [True, False])
def test_one_side_here(loveda, uploaded, tmp_path, cli, from_store):
    root = uploaded if from_store else loveda[0]
    out = tmp_path / "out" if from_store else "s3://data/out/half"
    ended = cli("convert", "--source", "loveda", "--root", root, "--out", out, "--workers", 1)
    assert ended.code == 0
    assert f"Table: {out}/captions.parquet" in ended.out.replace("\n", "")
    assert rows_of(out) == rows_of(loveda[1])
    assert f'"{root}"' in storage.place(f"{out}/roots.json").read_text()


def test_commands_on_a_table_in_a_store(s3, loveda, uploaded, table, cli):
    assert cli("verify", table).code == 0
    assert cli("stats", table, "--json", "s3://data/counts.json").code == 0
    assert b'"images": 20' in s3.files.cat("data/counts.json")
    one = "loveda/Train/Urban/images_png/01.png"
    shown = cli("show", table, "--id", one, "--draw", "s3://data/drawn")
    assert (shown.code, shown.out.startswith(one)) == (0, True)
    assert s3.names("data/drawn") == ["loveda__Train__Urban__images_png__01_png.png"]
    assert shown.out.startswith(cli("show", loveda[1], "--id", one).out.rstrip())
    checked = cli("check", "loveda", "--root", uploaded)
    assert (checked.code, "Read 20 of 20 items" in checked.out) == (1, True)  # not all of LoveDA


def test_hash_and_dedup_in_a_store(s3, loveda, uploaded, tmp_path, cli):
    shutil.copytree(loveda[1], tmp_path / "table")
    for name in ("captions.parquet", "roots.json"):
        s3.files.put_file(str(loveda[1] / name), f"data/tables/hashed/{name}")
    s3.files.pipe("data/tables/hashed/roots.json", f'{{"loveda": "{uploaded}"}}'.encode())
    s3.files.pipe("data/tests/a.png", (loveda[0] / LARGE).read_bytes())
    (tmp_path / "tests").mkdir()
    shutil.copy(loveda[0] / LARGE, tmp_path / "tests/a.png")
    there = ("s3://data/tables/hashed", "toy=s3://data/tests", "s3://data/tables/clean")
    here = (tmp_path / "table", f"toy={tmp_path / 'tests'}", tmp_path / "clean")
    for table, tests, out in (there, here):
        assert cli("hash", table, "--workers", 1).code == 0
        assert cli("dedup", table, "--against", tests, "--out", out, "--workers", 1).code == 0
    assert rows_of(there[0]) == rows_of(here[0]) != rows_of(loveda[1])
    for name in ("captions.parquet", "removed.parquet", "groups.parquet"):
        assert s3.files.cat(f"data/tables/clean/{name}") == (here[2] / name).read_bytes()
    assert pq.read_table(here[2] / "removed.parquet")["image_id"].to_pylist() == [f"loveda/{LARGE}"]
    assert not [name for name in s3.names("data/tables") if ".parts" in name]


@pytest.mark.parametrize("level", ["dihedral", "crop"])
@pytest.mark.usefixtures("temporary")
def test_looks_are_kept_on_this_disk(s3, loveda, uploaded, tmp_path, cli, level):
    """What a run gathers is not fetched again; what `hash` has left is fetched once."""
    shutil.copytree(loveda[1], tmp_path / "table")
    (tmp_path / "tests").mkdir()
    turned = Image.open(loveda[0] / LARGE).transpose(Image.Transpose.ROTATE_90)
    turned.save(tmp_path / "tests/a.png")
    s3.files.put_file(str(tmp_path / "tests/a.png"), f"data/{level}/tests/a.png")
    s3.files.put_file(str(loveda[1] / "captions.parquet"), f"data/{level}/table/captions.parquet")
    s3.files.pipe(f"data/{level}/table/roots.json", f'{{"loveda": "{uploaded}"}}'.encode())
    there, match = f"s3://data/{level}", ("--match", level, "--workers", 1)

    def dedup(folder, out):
        tests = f"toy={folder}/tests"
        assert cli("dedup", f"{folder}/table", "--against", tests, "--out", out, *match).code == 0

    dedup(tmp_path, tmp_path / "clean")
    s3.asked.clear()
    dedup(there, f"{there}/clean")
    assert s3.count("PUT", f"/{level}/clean/.parts/looks-0/looks.arrow") == 1
    assert s3.count("GET", f"/{level}/clean/.parts/looks-0/looks.arrow") == 0
    assert cli("hash", f"{there}/table", *match).code == 0
    s3.asked.clear()
    dedup(there, f"{there}/again")
    assert s3.count("GET", f"/{level}/table/looks.arrow") == 1
    for name in ("captions.parquet", "removed.parquet", "groups.parquet"):
        here = (tmp_path / "clean" / name).read_bytes()
        assert (
            s3.files.cat(f"{there}/clean/{name}") == here == s3.files.cat(f"{there}/again/{name}")
        )
    (row,) = pq.read_table(tmp_path / "clean/removed.parquet").to_pylist()
    assert (row["image_id"], row["level"]) == (f"loveda/{LARGE}", "dihedral")
    gc.collect()  # copies go with what was seen, at the latest with the process
    assert list((tmp_path / "tmp").iterdir()) == []


@pytest.mark.usefixtures("temporary")
def test_thumbnails_on_another_machine(s3, loveda, uploaded, tmp_path, cli):
    folder = storage.place("s3://data/tables/crop")
    s3.files.put_file(str(loveda[1] / "captions.parquet"), "data/tables/crop/captions.parquet")
    s3.files.pipe("data/tables/crop/roots.json", f'{{"loveda": "{uploaded}"}}'.encode())
    assert cli("hash", folder, "--match", "crop", "--workers", 1).code == 0
    file = fetched(folder / "looks.arrow")
    own, path = Thumbs(file), file.path
    s3.asked.clear()
    same = pickle.loads(pickle.dumps(own))  # noqa: S301 -- our own
    assert same[0].shape == own[0].shape == (85, 128)
    assert s3.count("GET", "looks.arrow") == 0
    path.rename(tmp_path / "elsewhere")
    open_thumbs.cache_clear()
    far = pickle.loads(pickle.dumps(own))  # noqa: S301 -- our own
    assert [thumb.tobytes() for thumb in far] == [thumb.tobytes() for thumb in own]
    assert s3.count("GET", "looks.arrow") == 1
    with pytest.raises(UserError, match=r"/gone: is not seen from this machine; the folder must"):
        open_thumbs(tmp_path / "gone", tmp_path / "gone")[0]
    del file, own, same, far
    gc.collect()  # as above
    assert list((tmp_path / "tmp").iterdir()) == []


class StoppedError(Exception):
    """The run was ended by force."""


def convert_until(request, items):
    """A run that ends when so many items are done."""

    def stop(done, _):
        if done >= items:
            raise StoppedError

    with pytest.raises(StoppedError):
        convert(request, stop)
    storage.forget()


def test_an_interrupted_run_goes_on(s3, loveda, uploaded):
    out = "s3://data/out/resumed"
    convert_until(request(uploaded, out), 16)
    assert s3.names("data/out/resumed") == [".parts/000000.arrow"]
    s3.asked.clear()
    convert(request(uploaded, out))
    assert s3.count("GET", "/LoveDA/Train/") == 2 * (NUMBER - 16)
    assert s3.count("GET", "/.parts/000000.arrow") == 2  # its key, its rows
    assert rows_of(out) == rows_of(loveda[1])
    assert ".parts/000000.arrow" not in s3.names("data/out/resumed")


def test_a_part_of_which_an_object_changed_is_made_again(s3, loveda):
    root, out = "s3://data/changing", "s3://data/out/changing"
    s3.files.put(str(loveda[0]), "data/changing", recursive=True)
    convert_until(request(root, out), NUMBER)
    masks = "data/changing/Train/Urban/masks_png"
    s3.files.pipe(f"{masks}/01.png", s3.files.cat(f"{masks}/03.png"))
    s3.asked.clear()
    convert(request(root, out))
    assert s3.count("GET", "/changing/Train/") == 2 * 16 + 1  # of the part that holds 01.png
    assert rows_of(out) != rows_of(loveda[1])


@pytest.mark.parametrize(
    ("root", "out", "said"),
    [
        ("s3://nobody/LoveDA", "{tmp}", "s3://nobody/LoveDA: no such bucket"),
        (
            "s3://data/DIOR",
            "{tmp}",
            "s3://data/DIOR: no such folder; --root is the folder of LoveDA",
        ),
        ("s3://data/LoveDA", "s3://nobody/t", "s3://nobody/t: no such bucket"),
        (
            "s3://me:pass@data/LoveDA",
            "{tmp}",
            "s3://data/LoveDA: give the password by the environment",
        ),
        ("s3://data/LoveDA?x=1", "{tmp}", "s3://data/LoveDA?x=1: expected s3://bucket/folder"),
        ("moon://data/LoveDA", "{tmp}", "moon://: no file system has this name"),
    ],
)
@pytest.mark.usefixtures("uploaded")
def test_wrong_places(tmp_path, cli, root, out, said):
    out = out.format(tmp=tmp_path / "out")
    ended = cli("convert", "--source", "loveda", "--root", root, "--out", out)
    assert (ended.code, ended.err.count("\n")) == (2, 1)
    assert ended.err.startswith(f"rs-caption: {said}")
    assert "pass@" not in ended.err
    assert not (tmp_path / "out").exists()


@contextmanager
def guarded(requests):
    """The server asks who it is, after so many requests."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(moto.settings, "INITIAL_NO_AUTH_ACTION_COUNT", requests)
        patch.setattr(ActionAuthenticatorMixin, "request_count", 0)
        yield


def test_wrong_credentials(uploaded, tmp_path, cli):
    with guarded(0), environment(AWS_ACCESS_KEY_ID="nobody"):
        ended = cli("convert", "--source", "loveda", "--root", uploaded, "--out", tmp_path / "out")
    assert (ended.code, ended.err.count("\n")) == (2, 1)
    assert ended.err.startswith(f"rs-caption: {uploaded}: access denied (")
    assert SECRET not in ended.err


def test_no_credentials(uploaded, tmp_path, cli):
    nobody = {"AWS_ACCESS_KEY_ID": None, "AWS_SECRET_ACCESS_KEY": None, "HOME": str(tmp_path)}
    with environment(**nobody):
        ended = cli("convert", "--source", "loveda", "--root", uploaded, "--out", tmp_path / "out")
    assert ended.code == 2
    assert ended.err == (
        "rs-caption: s3://data/LoveDA: no credentials found; set them in the environment "
        "(docs/object-storage.md)\n"
    )


def test_nobody_answers(uploaded, tmp_path, cli):
    with environment(AWS_ENDPOINT_URL="http://127.0.0.1:9", AWS_MAX_ATTEMPTS="1"):
        ended = cli("convert", "--source", "loveda", "--root", uploaded, "--out", tmp_path / "out")
    assert (ended.code, ended.err.count("\n")) == (2, 1)
    assert ended.err.startswith(
        "rs-caption: s3://data/LoveDA: the store cannot be used (Could not connect"
    )


def test_a_store_that_fails_midway_ends_the_run(loveda, uploaded, tmp_path):
    out = tmp_path / "out"
    with guarded(30), pytest.raises(UserError, match=r"s3://data/LoveDA/Train/.*access denied"):
        convert(request(uploaded, out))
    assert not (out / "captions.parquet").exists()
    storage.forget()
    convert(request(uploaded, out))
    assert rows_of(out) == rows_of(loveda[1])


@pytest.mark.parametrize(
    ("url", "package", "needed"),
    [
        ("s3://data/t", "fsspec", '"rs-caption[cloud]"'),
        ("s3://data/t", "s3fs", '"rs-caption[cloud]"'),
        ("gs://data/t", "gcsfs", '"rs-caption[cloud]" gcsfs'),
        ("az://data/t", "adlfs", '"rs-caption[cloud]" adlfs'),
    ],
)
def test_what_is_not_installed_is_named(cli, monkeypatch, url, package, needed):
    monkeypatch.setitem(sys.modules, package, None)
    known = sys.modules["fsspec.registry"]._registry  # noqa: SLF001 -- of those imported before
    monkeypatch.delitem(known, url[:2], raising=False)
    store._fsspec.cache_clear()  # noqa: SLF001 -- what is installed is looked up once
    ended = cli("verify", url)
    monkeypatch.undo()
    store._fsspec.cache_clear()  # noqa: SLF001 -- likewise
    assert ended.code == 2
    assert ended.err == f"rs-caption: {url[:2]}:// needs: pip install {needed}\n"


def test_an_object_is_as_good_as_a_file(s3, tmp_path, monkeypatch):
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "tmp"))
    (tmp_path / "tmp").mkdir()
    here, there = tmp_path / "here", storage.place("s3://data/files")
    here.mkdir()
    film(here / "film.mp4", 6)
    deep = np.random.default_rng(1).integers(0, 4000, (4, 20, 30), np.uint16)
    form = {"driver": "GTiff", "count": 4, "dtype": "uint16", "height": 20, "width": 30}
    with rasterio.open(here / "deep.tif", "w", **form, transform=Affine.scale(2, -2)) as raster:
        raster.write(deep)
    (here / "cut.tif").write_bytes((here / "deep.tif").read_bytes()[:-900])
    for name in ("grey.bmp", "big.tif", "odd.jpg"):
        pixels = np.random.default_rng(2).integers(0, 256, (130, 160, 3), np.uint8)
        Image.fromarray(pixels).save(here / name, dpi=(72, 72))
    (here / "empty.png").touch()
    s3.files.put(str(here), "data/files", recursive=True)
    for name in ("deep.tif", "grey.bmp", "big.tif", "odd.jpg"):
        assert image_size(there / name) == image_size(here / name)
        assert open_pixels(there / name).tobytes() == open_pixels(here / name).tobytes()
    assert video.header(there / "film.mp4") == video.header(here / "film.mp4")
    assert [number_of(shown) for _, shown in video.frames(there / "film.mp4", [1, 4])] == [1, 4]
    for name, reason in (
        *(("cut.tif", "bad_image"), ("empty.png", "bad_image"), ("gone.png", "missing_image")),
        *(("gone.tif", "missing_image"), ("gone.mp4", "missing_image")),
    ):
        problems = []
        for folder in (here, there):
            with pytest.raises(DataError) as raised:
                video.header(folder / name) if name == "gone.mp4" else image_size(folder / name)
            assert raised.value.path == str(folder / name)
            problems.append(raised.value.problem.replace(str(folder), ""))
            assert raised.value.reason == reason
        assert problems[0] == problems[1]
    assert list((tmp_path / "tmp").iterdir()) == []


def write_and_stop(path):
    with whole(path) as partial:
        partial.write_text("two")
        raise StoppedError


def test_an_object_appears_whole(s3, tmp_path, monkeypatch):
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    path = storage.place("s3://data/whole/a.txt")
    write_text(path, "one")
    with pytest.raises(StoppedError):
        write_and_stop(path)
    assert path.read_text() == "one"
    remove_folder(path.parent)
    assert s3.names("data/whole") == []
    assert list(tmp_path.iterdir()) == []


ODD = "[v1] 100% *.*?#~.txt"


@pytest.mark.parametrize("store_of", ["s3://data/odd", "memory://odd"])
@pytest.mark.usefixtures("s3")
def test_names_are_no_patterns(store_of):
    """Of two folders the one whose name, as a pattern, matches the other's."""
    other, folder = storage.place(f"{store_of}/v"), storage.place(f"{store_of}/[v1]")
    for path in (other / "a.txt", other / "b.txt", folder / "a.txt", folder / "below" / ODD):
        write_text(path, path.name)
    write_text(storage.place(f"{store_of}/[v1]x/a.txt"), "a folder with more name")
    odd = folder / "below" / ODD
    assert (odd.read_text(), odd.stat().st_size, odd.is_file()) == (ODD, len(ODD), True)
    assert storage.names(odd.parent) == [ODD]
    with storage.local(odd) as copy, odd.open("r") as file:
        assert copy.read_text() == file.read() == ODD
    write_text(odd.with_name("*"), "a name that matches all")
    odd.with_name("*").unlink()
    assert storage.names(odd.parent) == [ODD]
    remove_folder(folder)
    remove_folder(storage.place(f"{store_of}/nothing [here]"))
    assert not folder.exists()
    found = sorted(f"{at}/{name}" for at, _, names in storage.walk(other.parent) for name in names)
    assert found == [f"{store_of}/{name}" for name in ("[v1]x/a.txt", "v/a.txt", "v/b.txt")]


@pytest.fixture
def memory():
    """A small tree in a store of this process."""
    files = fsspec.filesystem("memory")
    for name in ("b/a.yaml", "b/train/images/1.png", "b/train/images/2.PNG", "b/train/x/1.txt"):
        files.pipe(f"/{name}", b"12345")
    yield storage.place("memory://b")
    files.rm("/b", recursive=True)


def test_a_url_is_a_path(memory):
    path = memory / "train" / "images/1.png"
    assert (str(path), path.name, path.suffix) == ("memory://b/train/images/1.png", "1.png", ".png")
    assert storage.place(path) == path
    assert (str(path.parent), f"{path!s:.9}") == ("memory://b/train/images", "memory://")
    assert pickle.loads(pickle.dumps(path)) == path  # noqa: S301 -- our own
    assert isinstance(path, Path)
    assert path.relative_to(memory).as_posix() == "train/images/1.png"
    assert path.absolute() == path.resolve() == path
    assert path.is_absolute()
    assert (path.is_file(), path.is_dir(), path.exists()) == (True, False, True)
    assert (path.parent.is_file(), path.parent.is_dir(), path.parent.exists()) == (
        False,
        True,
        True,
    )
    assert not (memory / "test").exists()
    assert path.stat().st_size == 5
    assert path.with_name("2.PNG").read_bytes() == b"12345"


def test_listing_a_url(memory):
    images = memory / "train/images"
    assert sorted(storage.names(images)) == ["1.png", "2.PNG"]
    assert storage.subfolders(memory / "train") == ["images", "x"]
    assert sorted(map(str, memory.glob("*/*/1.*"))) == [
        *("memory://b/train/images/1.png", "memory://b/train/x/1.txt")
    ]
    assert sorted(path.name for path in memory.rglob("1.*")) == ["1.png", "1.txt"]
    assert [path.name for path in memory.glob("*.yaml")] == ["a.yaml"]
    assert [(parent, sorted(names)) for parent, _, names in storage.walk(memory / "train")] == [
        ("memory://b/train", []),
        ("memory://b/train/images", ["1.png", "2.PNG"]),
        ("memory://b/train/x", ["1.txt"]),
    ]
    with pytest.raises(FileNotFoundError):
        storage.names(memory / "test")


def test_what_needs_a_file_of_this_disk_is_refused(memory):
    for call in (open, Image.open, Path.touch, lambda path: path.open("w")):
        with pytest.raises(UserError, match=r"memory://b/a.yaml: "):
            call(memory / "a.yaml")


def test_single_questions_end_in_a_listing(s3):
    s3.files.pipe({f"data/many/{at}.txt": b"x" for at in range(30)})
    s3.asked.clear()
    facts = [storage.file_facts(f"s3://data/many/{at}.txt") for at in range(30)]
    assert len({fact[1] for fact in facts}) == 1  # the ETag of one content
    assert (s3.count("HEAD"), s3.count("LIST")) == (9, 2)
    with listings.told({"s3://data/many/99.txt": None}):
        assert storage.file_facts("s3://data/many/99.txt") is None
    assert (s3.count("HEAD"), s3.count("LIST")) == (9, 2)


def test_roots_may_be_urls(tmp_path):
    there = storage.place("s3://data/LoveDA")
    assert storage.below(tmp_path, "s3://data/LoveDA") == there
    assert storage.below(tmp_path, "../LoveDA") == tmp_path / "../LoveDA"
    assert str(storage.below(there, "images")) == "s3://data/LoveDA/images"
    here = storage.below(there, "/data/LoveDA")
    assert (here, storage.is_remote(here)) == (Path("/data/LoveDA"), False)
    assert storage.place(f"file://{tmp_path}") == tmp_path

"""The documentation as a site: built once, without what the core lacks, then looked through.

Covers: no warning of Sphinx, every page reached from the first, every link and anchor leads
somewhere, nothing is loaded from elsewhere, and the facts of every manifest stand on its page.
"""

import os
import subprocess
import sys
from pathlib import Path
from urllib.parse import unquote, urlsplit

import lxml.html
import pytest
from once import once

from rs_caption import manifest
from rs_caption.catalogue.sections import Counts, Fact, Words, sections

ROOT = Path(__file__).resolve().parents[1]
WITHOUT_EXTRAS = """
import importlib.abc, runpy, sys

class Absent(importlib.abc.MetaPathFinder):
    def find_spec(self, name, path=None, target=None):
        if name.split(".")[0] in {"torch", "torchvision", "open_clip", "sklearn", "matplotlib",
                                  "starlette", "uvicorn", "vl_convert", "wordcloud", "rasterio",
                                  "av", "safetensors", "huggingface_hub", "ray", "daft", "pandas"}:
            raise ModuleNotFoundError(name)

sys.meta_path.insert(0, Absent())
sys.path.insert(0, "docs/site")
sys.argv = ["build.py", sys.argv[1]]
runpy.run_path("docs/site/build.py", run_name="__main__")
"""


def build(folder):
    return subprocess.run(
        [sys.executable, "-c", WITHOUT_EXTRAS, str(folder)],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    """Every page of the site, by its file."""
    folder, done = once(tmp_path_factory, "site", build)
    assert done.returncode == 0, done.stderr
    html = folder / "html"
    return html, {
        page.relative_to(html): lxml.html.parse(page).getroot() for page in html.rglob("*.html")
    }


def leads_to(page, href):
    """The file within the site and the anchor that a link means."""
    parts = urlsplit(href)
    path = Path(os.path.normpath(page.parent / unquote(parts.path))) if parts.path else page
    return path, unquote(parts.fragment)


def local_links(page, tree):
    for href in tree.xpath("//a/@href | //form/@action"):
        if not href.startswith(("http://", "https://", "mailto:")):
            yield leads_to(page, href)


def test_every_page_is_reached_from_the_first(site):
    _, pages = site
    reached, ahead = set(), [Path("index.html")]
    while ahead:
        page = ahead.pop()
        if page not in reached:
            reached.add(page)
            ahead += [to for to, _ in local_links(page, pages[page]) if to in pages]
    assert pages.keys() - reached == set()


def test_every_link_and_anchor_leads_somewhere(site):
    html, pages = site
    anchors = {page: {"", *tree.xpath("//@id")} for page, tree in pages.items()}
    wrong = [
        (page, to, anchor)
        for page, tree in pages.items()
        for to, anchor in local_links(page, tree)
        if (anchor not in anchors[to] if to in pages else not (html / to).exists())
    ]
    assert wrong == []


def test_nothing_is_loaded_from_elsewhere(site):
    html, pages = site
    for page, tree in pages.items():
        for source in tree.xpath("//@src | //link[@rel!='canonical']/@href"):
            assert not source.startswith(("http:", "https:", "//")), (page, source)
            assert source.startswith("data:") or (html / leads_to(page, source)[0]).exists()
    for style in html.rglob("*.css"):
        assert "url(http" not in style.read_text()
        assert "@import url(" not in style.read_text()


@pytest.mark.parametrize("name", manifest.names())
def test_the_page_of_a_dataset_says_what_its_manifest_says(site, name):
    _, pages = site
    text = said(pages[Path(f"datasets/{name}.html")].text_content())
    for section in sections(manifest.load(name)):
        assert said(section.title) in text
        for entry in section.entries:
            match entry:
                case Fact():
                    assert said(entry.text) in text
                case Counts(rows=rows) | Words(pairs=rows):
                    assert all(said(cell) in text for row in rows for cell in row)


def said(text):
    """Text without what a page may set otherwise: blanks, marks of code."""
    return "".join(text.replace("`", "").split())


@pytest.mark.parametrize(
    ("page", "what"),
    [
        ("api/rs_caption.html", "rs_caption.m2b.mask_to_boxes"),
        ("api/rs_caption.readers.html", "rs_caption.readers.dota.scan"),
        ("api/rs_train.html", "rs_train.loss.loss_of"),
        ("api/rs_bench.tasks.html", "rs_bench.tasks.knn.knn"),
        ("commands.html", "rs-caption-dedup"),
        ("commands.html", "rs-bench-build-remotecount"),
    ],
)
def test_functions_and_commands_have_their_place(site, page, what):
    _, pages = site
    assert pages[Path(page)].xpath("//*[@id=$what]", what=what)

"""The documentation as a site: `make docs`, or `python docs/site/build.py [FOLDER]`.

    README.md, docs/*.md, data_manifests/*.toml, docstrings  ->  FOLDER/pages  ->  FOLDER/html

The pages of docs/ are read on GitHub as they are. For the site they are laid out in a folder of
their own with their links turned (`links`), beside pages that exist nowhere else: one for each
dataset (`datasets`), the commands and the packages (`reference`). Sphinx makes HTML of them; a
warning ends the build with exit code 1. The order of the site is that of docs/README.md.
"""

from __future__ import annotations

import re
import shutil
import sys
from collections.abc import Iterator
from pathlib import Path

import datasets
import reference
from links import ROOT, turned
from sphinx.cmd.build import main as sphinx

_ROW = re.compile(r"^\| \[([^\]]+)\]\((\S+)\.md[^)]*\)", re.MULTILINE)
_APART = ("Datasets", "Documentation")  # sections of the README that the quickstart does without


def lay_out(pages: Path) -> None:
    """Every page of the site, as Markdown and reStructuredText in `pages`."""
    for page in (ROOT / "docs").glob("*.md"):
        (pages / page.name).write_text(turned(page.read_text(), f"docs/{page.name}"))
    for name in ("CONTRIBUTING.md", "CHANGELOG.md"):
        (pages / name.lower()).write_text(turned((ROOT / name).read_text(), name))
    shutil.copytree(ROOT / "docs/images", pages / "images")

    chapters = _sections((pages / "README.md").read_text())[1:]
    (pages / "README.md").unlink()
    readme = _sections((ROOT / "README.md").read_text())
    about, *quickstart = (
        turned(text, "README.md") for text in readme if not text.startswith(_APART)
    )
    index = [about, *_tables(chapters), *_contents([*chapters, reference.CHAPTER])]
    (pages / "index.md").write_text("\n".join(index))
    (pages / "quickstart.md").write_text("\n## ".join(["# Quickstart\n", *quickstart]))
    (listed,) = (text for text in readme if text.startswith("Datasets"))
    datasets.write(pages / "datasets", turned(listed, "README.md", "datasets"))
    reference.write(pages)


def _sections(text: str) -> list[str]:
    """What a page says before its first `## `, and from each of these on."""
    return ("\n" + text).split("\n## ")


def _tables(chapters: list[str]) -> Iterator[str]:
    return (f"## {chapter}" for chapter in chapters)


def _contents(chapters: list[str]) -> Iterator[str]:
    """A toctree for each chapter of the index, of the pages in its table."""
    for chapter in chapters:
        entries = (f"{title} <{page}>" for title, page in _ROW.findall(chapter))
        caption = chapter.split("\n", 1)[0]
        yield "\n".join(["```{toctree}", ":hidden:", f":caption: {caption}", *entries, "```", ""])


def main(folder: Path) -> int:
    """Build below `folder`; what was there is gone. Returns an exit code."""
    shutil.rmtree(folder, ignore_errors=True)
    pages = folder / "pages"
    pages.mkdir(parents=True)
    lay_out(pages)
    here = str(Path(__file__).parent)
    code = sphinx(["-W", "-q", "-b", "html", "-c", here, str(pages), str(folder / "html")])
    if code == 0:
        print(f"The documentation: {folder / 'html/index.html'}")  # noqa: T201 -- a program
    return code


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1] if len(sys.argv) > 1 else ROOT / "docs/_build")))

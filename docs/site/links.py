"""Links of pages that are read in the repository, turned for the site.

A link to a page that the site has leads there; one to any other file of the repository leads to
GitHub; one that leads nowhere ends the build.
"""

from __future__ import annotations

import posixpath
import re
import tomllib
from functools import partial
from pathlib import Path

ROOT = Path(__file__).parents[2]
GITHUB = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["urls"]["Source"]
# Pages that lie elsewhere than in docs/, or that the site has elsewhere, by what is linked to.
MOVED = {
    "README.md": "quickstart.md",
    "README.md#datasets": "datasets/index.md",
    "CONTRIBUTING.md": "contributing.md",
    "CHANGELOG.md": "changelog.md",
    "docs/README.md": "index.md",
}
_OF_THE_SITE = re.compile(r"docs/(\w[\w-]*\.md|images/.+)")
_LINK = re.compile(r"(?<=\]\()[^)\s]+(?=\))")
_CODE = re.compile(r"(^```.*?^```$|`[^`\n]+`)", re.MULTILINE | re.DOTALL)


def turned(text: str, page: str, place: str = "") -> str:
    """The Markdown of `page` (a path in the repository) for the folder `place` of the site.

    Raises:
        ValueError: a link leads nowhere.
    """
    parts = _CODE.split(text)  # code at the odd places
    parts[::2] = [_LINK.sub(partial(_turned, page, place), prose) for prose in parts[::2]]
    return "".join(parts)


def _turned(page: str, place: str, link: re.Match[str]) -> str:
    target, hash_, anchor = link[0].partition("#")
    if not target or ":" in target:  # of this page, or a URL
        return link[0]
    path = posixpath.normpath(posixpath.join(posixpath.dirname(page), target))
    if not (ROOT / path).exists():
        raise ValueError(f"{page}: a link leads to {target}, which is not there")
    if whole := MOVED.get(f"{path}{hash_}{anchor}"):
        return posixpath.relpath(whole, place)
    if moved := MOVED.get(path):
        return posixpath.relpath(moved, place) + hash_ + anchor
    if found := _OF_THE_SITE.fullmatch(path):
        return posixpath.relpath(found[1], place) + hash_ + anchor
    return f"{GITHUB}/{'tree' if (ROOT / path).is_dir() else 'blob'}/main/{path}{hash_}{anchor}"

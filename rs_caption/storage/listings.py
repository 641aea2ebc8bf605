"""What is known of the folders of a store in this process: each is listed once.

Below a folder that was listed nothing is asked that its listing answers: 100,000 images cost the
pages of one listing (1,000 names each on S3), not a request each.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager

from rs_caption.storage import store
from rs_caption.storage.store import Fact

Listing = dict[str, Fact]
Facts = dict[str, Fact | None]  # URL -> what it leads to

_SINGLE = 8  # questions about one folder that are asked one by one, before it is listed

_listed: dict[str, Listing | None] = {}  # URL of a folder -> what lies there
_told: Facts = {}
_asked: Counter[str] = Counter()  # URL of a folder -> single questions


def forget(url: str = "") -> None:
    """Ask anew for a URL, what it lies in and what lies below, since it has changed; or for all."""
    for folder in [one for one in _listed if not url or _is_within(url, one)]:
        del _listed[folder]
    if not url:
        _asked.clear()


def _is_within(one: str, other: str) -> bool:
    """Whether one of two URLs lies in the other, or both are the same."""
    return f"{one}/".startswith(f"{other}/") or f"{other}/".startswith(f"{one}/")


@contextmanager
def told(facts: Facts | None) -> Iterator[None]:
    """Take what another process found out for true while the block lasts."""
    _told.update(facts or {})
    try:
        yield
    finally:
        _told.clear()


def listing(url: str) -> Listing | None:
    """Name -> facts of what lies in a folder; None where there is no such folder.

    Raises:
        UserError: it cannot be listed.
    """
    if url not in _listed:
        here = known(url) if _is_known(url) else _first_asked(url)
        _listed[url] = store.list_folder(url) if here and here.is_folder else None
    return _listed[url]


def _first_asked(url: str) -> Fact | None:
    """Whether to list at all: s3fs lists the folder above one that is not there."""
    return Fact(is_folder=True) if _is_bucket(url) else store.fact(url)


def fact(url: str) -> Fact | None:
    """What a URL leads to; None where nothing is there.

    Raises:
        UserError: the store cannot say.
    """
    if _is_known(url):
        return known(url)
    above, _ = _split(url)
    if _is_bucket(url) or _asked[above] < _SINGLE:
        _asked[above] += 1
        return store.fact(url)
    listing(above)
    return known(url)


def is_folder(url: str) -> bool:
    """Whether there is a folder; if so it is listed, since that comes next.

    Raises:
        UserError: the store cannot say.
    """
    if _is_known(url):
        here = known(url)
        return here is not None and here.is_folder
    return listing(url) is not None


def _is_known(url: str) -> bool:
    """Whether what was told or listed answers; folders below a listed one are listed for it."""
    if url in _told or _listed.get(url) is not None:
        return True
    above, _ = _split(url)
    return not _is_bucket(url) and (above in _listed or _is_known(above))


def known(url: str) -> Fact | None:
    """What a URL leads to, where `is_known`."""
    if url in _told:
        return _told[url]
    if _listed.get(url) is not None:
        return Fact(is_folder=True)
    above, name = _split(url)
    return (listing(above) or {}).get(name)


def size(url: str) -> int | None:
    """The size of an object, where it is known without asking."""
    above, _ = _split(url)
    here = known(url) if url in _told or above in _listed else None
    return None if here is None or here.is_folder else here.size


def _is_bucket(url: str) -> bool:
    return _split(url)[0].endswith(":/")


def _split(url: str) -> tuple[str, str]:
    """The folder that a URL lies in, and its name there."""
    above, _, name = url.rpartition("/")
    return above, name

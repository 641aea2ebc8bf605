"""Objects fetched ahead: a store answers many requests at once in the time of one.

What a worker is about to read one by one is fetched together before: annotations whole, of images
the two ends that tell their size and whether they are complete.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

from rs_caption.storage import listings, store
from rs_caption.storage.remote import HEAD_BYTES, TAIL_BYTES, RemotePath, held, held_ends

_WHOLE = 32 * 1024  # bytes: an object up to here is fetched by one request, not by its two ends
_MOST = 256 * 2**20  # bytes fetched ahead; one object may have more


@contextmanager
def at_hand(whole: Iterable[Path] = (), ends: Iterable[Path] = ()) -> Iterator[None]:
    """While the block lasts, paths answer from memory; what is not there is left to be asked for.

    Paths on this disk cost nothing.

    Args:
        whole: to be read as a whole.
        ends: of which the first and last bytes are looked at.

    Raises:
        UserError: the store cannot be read.
    """
    texts = dict.fromkeys(str(path) for path in whole if isinstance(path, RemotePath))
    images = dict.fromkeys(str(path) for path in ends if isinstance(path, RemotePath))
    small = [url for url in images if (listings.size(url) or _WHOLE + 1) <= _WHOLE]
    fetched = _fetch_whole([url for url in (*texts, *small) if url not in held])
    sides = _fetch_ends([url for url in images if not {url} & (held.keys() | held_ends.keys())])
    try:
        yield
    finally:
        for url in fetched:
            del held[url]
        for url in sides:
            del held_ends[url]


def _fetch_whole(urls: list[str]) -> list[str]:
    asked: list[str] = []
    room = _MOST
    for url in dict.fromkeys(urls):
        size = listings.size(url) or 0
        if size <= room or not asked:
            asked.append(url)
            room -= size
    answers = store.read_many([(url, 0, None) for url in asked])
    found = {url: data for url, data in zip(asked, answers, strict=True) if data is not None}
    held.update(found)
    return list(found)


def _fetch_ends(urls: list[str]) -> list[str]:
    asked = [(url, *side) for side in ((0, HEAD_BYTES), (-TAIL_BYTES, None)) for url in urls]
    answers = store.read_many(asked)
    heads, tails = answers[: len(urls)], answers[len(urls) :]
    found = {
        url: (head, tail)
        for url, head, tail in zip(urls, heads, tails, strict=True)
        if head is not None and tail is not None
    }
    held_ends.update(found)
    return list(found)

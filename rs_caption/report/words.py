"""Words of captions: how long each caption is, and which words they are made of.

A word is a run of letters and digits, hyphens and apostrophes inside it included: `large-vehicles`
is one word, a full stop is none. Captions of one batch that are equal are taken apart once.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

_INSIDE = "'\u2019-"  # marks that may stand inside a word
_BETWEEN_WORDS = rf"[^\pL\pM\pN{_INSIDE}]+"
MOST_WORDS = 1_000_000  # kept in memory; beyond it the rarer half is forgotten
# What every rule says of any picture, beside the stop words of English.
FRAME_WORDS = frozenset(
    {"picture", "image", "remote", "sensing", "middle", "edge", "located", "seen", "shows"}
    | {"lot", "lots", "many", "number", "numerous", "quantity", "crowd", "deal"}
)
_PLURAL = re.compile(r"(.{2,}[^s])s")


def taken_apart(captions: pa.Array) -> tuple[NDArray[np.int64], Counter[str]]:
    """Words in each caption, and how often each word occurs in all of them, in lower case."""
    coded = captions.dictionary_encode()
    of_caption_C = coded.indices.to_numpy(zero_copy_only=False)
    spaced = pc.replace_substring_regex(pc.utf8_lower(coded.dictionary), _BETWEEN_WORDS, " ")
    lists = pc.utf8_split_whitespace(pc.utf8_trim_whitespace(spaced))
    tokens = pc.utf8_trim(lists.flatten(), characters=_INSIDE)
    filled = pc.not_equal(tokens, "").to_numpy(zero_copy_only=False)
    parents = pc.list_parent_indices(lists).to_numpy()[filled]
    words_D = np.bincount(parents, minlength=len(coded.dictionary))
    times_D = np.bincount(of_caption_C, minlength=len(coded.dictionary))
    coded_words = tokens.filter(pa.array(filled)).dictionary_encode()
    times_W = np.bincount(
        coded_words.indices.to_numpy(), times_D[parents], minlength=len(coded_words.dictionary)
    ).astype(np.int64)
    counted = Counter(dict(zip(coded_words.dictionary.to_pylist(), times_W.tolist(), strict=True)))
    return words_D[of_caption_C], counted


def add_words(counts: Counter[str], more: Mapping[str, int], most: int = MOST_WORDS) -> int:
    """Add to counts, within `most`; returns how many words had to be forgotten."""
    counts.update(more)
    if len(counts) <= most:
        return 0
    ordered = sorted(counts.items(), key=lambda item: (-item[1], item[0]))
    counts.clear()
    counts.update(dict(ordered[: most // 2]))
    return len(ordered) - most // 2


def keywords(counts: Mapping[str, int], most: int) -> dict[str, int]:
    """The commonest words that say something, the commonest first.

    Left out: stop words, the words of every rule, numbers, single letters. A plural in -s counts
    with its singular, where there is one, and goes by the commoner of the two.
    """
    from wordcloud import STOPWORDS  # noqa: PLC0415 -- an extra

    said = {
        word: number
        for word, number in counts.items()
        if len(word) > 1
        and word not in STOPWORDS
        and word not in FRAME_WORDS
        and any(sign.isalpha() for sign in word)
    }
    folded: dict[str, int] = {}
    for word, number in said.items():
        plural = _PLURAL.fullmatch(word)
        one = plural[1] if plural and plural[1] in said else word
        folded[one] = folded.get(one, 0) + number
    named = {
        max((one, one + "s"), key=lambda w: (said.get(w, 0), w == one)): n
        for one, n in folded.items()
    }
    return dict(sorted(named.items(), key=lambda item: (-item[1], item[0]))[:most])

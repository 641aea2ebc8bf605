"""Retrieval between the images and the sentences of a test split, by two protocols.

    remoteclip      every caption, `raw.capitalize()`; the only positive is its own image
    multi-positive  identical captions are one text, all their images its positives; every text
                    begins with "a satellite image. "

The first is RemoteCLIP's retrieval.py, the second the notebook of SkyScript, which FarSLIP follows.
Their figures are never to be mixed: where a caption stands under five images, the first finds at
most one of five by it, the second cannot miss.

Legend: `_I` images, `_T` texts, `_D` dimensions, `_G` a caption and one of its images.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from rs_bench.metrics import RECALL_AT, Recall, hits, named, per_cent
from rs_bench.ranks import BothRanks, Cosines, Matrix, Positives, Ranks, Told, count_ranks
from rs_bench.results import Result, Scored
from rs_bench.rows import check_finite
from rs_bench.tasks.retrieved import retrieved
from rs_bench.topk import both_ways, hits_as_topk, undecided
from rs_caption.console import counted
from rs_caption.errors import UserError

if TYPE_CHECKING:
    from rs_bench.sets import RetrievalSet

MULTI_POSITIVE = "multi-positive"
PROTOCOLS = ("remoteclip", MULTI_POSITIVE)
PREFIX = "a satellite image. "  # of `multi-positive`
MOST_SCORES = 1 << 27  # half a gigabyte; of more no matrix is made, and ties go by position
_WAYS = ("image_to_text", "text_to_image")


@dataclass(frozen=True, eq=False)
class Asked:
    """What a protocol asks of a test set.

    Attributes:
        dataset: as its manifest names it.
        protocol: one of `PROTOCOLS`, or `given`.
        num_images: in the order of the set's files.
        texts: what the text encoder is given; empty where only features are at hand.
        positives: which of these texts belong to which images.
        notes: what a reader of the figures must know.
        digests: of what is asked.
        files: of the images, below --data; empty where they are not at hand.
    """

    dataset: str
    protocol: str
    num_images: int
    texts: tuple[str, ...]
    positives: Positives
    notes: tuple[str, ...] = ()
    digests: dict[str, str] | None = None
    files: tuple[str, ...] = ()


def ask(found: RetrievalSet, protocol: str) -> Asked:
    """The texts and positives of a test set by one protocol.

    Raises:
        UserError: there is no such protocol.
    """
    if protocol not in PROTOCOLS:
        raise UserError(f"no protocol is called {protocol!r}; there are: {', '.join(PROTOCOLS)}")
    owners_T = found.image_of_text_T
    if protocol == "remoteclip":
        texts = tuple(text.capitalize() for text in found.captions)
        positives = Positives.own_image(owners_T)
    else:
        said = [f"{PREFIX}{text}" for text in found.captions]
        texts = tuple(sorted(set(said)))
        at = {text: number for number, text in enumerate(texts)}
        pairs = sorted({(at[text], image) for text, image in zip(said, owners_T, strict=True)})
        text_P, image_P = np.array(pairs, np.intp).reshape(-1, 2).T
        positives = Positives(text_P, image_P)
    lines = "".join(f"{text}\n" for text in texts)
    digests = {"set": found.digest, "texts": hashlib.sha256(lines.encode()).hexdigest()}
    return Asked(found.name, protocol, len(found.files), texts, positives, found.notes, digests)


def retrieval(
    images_ID: NDArray[np.floating],
    texts_TD: NDArray[np.floating],
    asked: Asked,
    told: Told | None = None,
    most_scores: int = MOST_SCORES,
) -> Scored:
    """Recall at 1, 5 and 10 both ways, and mean recall, in per cent.

    Each figure comes three times: `image_to_text_1` with ties as clip_benchmark has them,
    `image_to_text_1_expected` as the mean over all orders of the data, `image_to_text_1_ceiling`
    as what no model can exceed, since captions are shared. `outcomes` has, under the name of each
    of the first two, what its mean is the figure of: one value from 0 to 1 for each query. Where
    images are at hand they have what `tasks.retrieved` shows too.

    Args:
        images_ID: in the order of the set's files.
        texts_TD: in the order of `asked.texts`.
        asked: of `ask`.
        told: is told how many blocks of scores are done.
        most_scores: up to so many are held at once.

    Raises:
        UserError: the features are not those of the set.
    """
    _check(images_ID, texts_TD, asked)
    cosines = Cosines(texts_TD, images_ID)
    small = np.prod(cosines.shape) <= most_scores
    scores = Matrix(cosines.whole()) if small else cosines
    both = count_ranks(scores, asked.positives, told)
    outcomes, how = _outcomes(both, scores, asked.positives)
    figures = _figures(outcomes, asked)
    notes = (*asked.notes, _about_ties(both, how), *_about_ceiling(asked, figures))
    result = _result(asked, len(texts_TD), figures, notes)
    kept = {**outcomes, **retrieved(images_ID, texts_TD, asked)}
    if asked.protocol != MULTI_POSITIVE:  # so that an image is compared with all its captions
        kept["image_of_text"] = asked.positives.image_P
    return Scored(result, kept)


def _result(
    asked: Asked, num_texts: int, figures: dict[str, float], notes: tuple[str, ...]
) -> Result:
    return Result(
        task="retrieval",
        dataset=asked.dataset,
        protocol=asked.protocol,
        figures=figures,
        n={"images": asked.num_images, "texts": num_texts, "pairs": len(asked.positives[0])},
        notes=notes,
        digests=dict(asked.digests or {}),
    )


def _figures(outcomes: dict[str, NDArray[np.float64]], asked: Asked) -> dict[str, float]:
    figures = {name: per_cent(shares_N) for name, shares_N in outcomes.items()}
    for suffix in ("", "_expected"):
        figures |= _means(figures, suffix)
    if asked.texts:
        figures |= named(ceilings(asked), suffix="_ceiling")
    return figures


def _check(images_ID: NDArray[np.floating], texts_TD: NDArray[np.floating], asked: Asked) -> None:
    texts = len(asked.texts) or len(np.unique(asked.positives.text_P))
    expected, found = (asked.num_images, texts), (len(images_ID), len(texts_TD))
    if expected != found or images_ID.shape[1:] != texts_TD.shape[1:]:
        raise UserError(
            f"{asked.dataset}, {asked.protocol}: expected features of {expected[0]:,} images and "
            f"{expected[1]:,} texts, of one length; found {images_ID.shape} and {texts_TD.shape}"
        )
    check_finite(images_ID, asked.dataset, "image")
    check_finite(texts_TD, asked.dataset, "text")


def _outcomes(
    both: BothRanks, scores: Matrix | Cosines, positives: Positives
) -> tuple[dict[str, NDArray[np.float64]], str]:
    """What each query found, by the name of the figure, and how ties were broken."""
    found: dict[str, NDArray[np.float64]] = {}
    as_topk = _as_topk(scores, positives)
    how = "by position, as a stable sort does"
    queries = [(way, ranks, k) for way, ranks in zip(_WAYS, both, strict=True) for k in RECALL_AT]
    for way, ranks, k in queries:
        if as_topk and len(undecided(ranks, k)):
            shares_N, how = as_topk(way, ranks, k), "as torch.topk does on a CPU"
        else:
            shares_N = hits(ranks, k, "position")
        found[f"{way}_{k}"] = shares_N
    found |= {f"{way}_{k}_expected": hits(ranks, k, "expected") for way, ranks, k in queries}
    return found, how


_AsTopk = Callable[[str, Ranks, int], NDArray[np.float64]]


def _as_topk(scores: Matrix | Cosines, positives: Positives) -> _AsTopk | None:
    """How clip_benchmark would have it; None where that cannot be known."""
    from importlib.util import find_spec  # noqa: PLC0415

    if isinstance(scores, Cosines) or find_spec("torch") is None:
        return None
    turned = dict(zip(_WAYS, (scores.scores_TI.T, scores.scores_TI), strict=True))
    pairs = dict(zip(_WAYS, both_ways(positives), strict=True))
    return lambda way, ranks, k: hits_as_topk(turned[way], ranks, pairs[way], k)


def _means(figures: dict[str, float], suffix: str) -> dict[str, float]:
    """The mean of each direction, and of all six."""
    ways = {
        way: float(np.mean([figures[f"{way}_{k}{suffix}"] for k in RECALL_AT])) for way in _WAYS
    }
    means = {f"{way}_mean{suffix}": value for way, value in ways.items()}
    return {**means, f"mean_recall{suffix}": float(np.mean(list(ways.values())))}


def ceilings(asked: Asked, ks: Sequence[int] = RECALL_AT) -> Recall:
    """The highest recall that any model can have, since equal captions score alike.

    A caption that stands under several images brings the same k images forward each time: at most
    the k that it stands under most often are found. An image whose every caption is shared finds
    one of its own by luck: what is given is the mean over all orders of the data.
    """
    if len(set(asked.texts)) == len(asked.texts):
        return Recall((100.0,) * len(ks), (100.0,) * len(ks))
    text_T = np.unique(np.array(asked.texts), return_inverse=True)[1].reshape(-1)
    image_T = asked.positives.image_P
    group_G2, own_G = np.unique(np.stack([text_T, image_T]), axis=1, return_counts=True)
    caption_G, image_G = group_G2
    all_G = np.bincount(text_T)[caption_G]
    nothing_G = np.zeros(len(own_G), np.int32)
    level_G = (all_G - own_G).astype(np.int32)
    luck = Ranks(nothing_G, level_G, level_G, own_G.astype(np.int32))
    order_G = np.lexsort((-own_G, caption_G))  # within a caption, most often first
    first_G = np.searchsorted(caption_G[order_G], caption_G[order_G])
    place_G = np.arange(len(order_G)) - first_G
    image_to_text, text_to_image = [], []
    for k in ks:
        best_I = np.zeros(asked.num_images)
        np.maximum.at(best_I, image_G, hits(luck, k, "expected"))
        image_to_text.append(per_cent(best_I))
        text_to_image.append(float(own_G[order_G][place_G < k].sum() / len(text_T) * 100))
    return Recall(tuple(image_to_text), tuple(text_to_image))


def _about_ties(both: BothRanks, how: str) -> str:
    most = RECALL_AT[-1]
    images, texts = (int(((ranks.level_N > 0) & (ranks.above_N < most)).sum()) for ranks in both)
    if not (images or texts):
        return "no tie decides anything"
    return (
        f"ties that count within the first {most}: of {counted(images, 'image')} and "
        f"{counted(texts, 'text')}; broken {how}; *_expected is the mean over all orders"
    )


def _about_ceiling(asked: Asked, figures: dict[str, float]) -> Iterator[str]:
    """What no model can exceed; nothing where that is all."""
    first = f"{figures.get('text_to_image_1_ceiling', 100.0):.2f}"
    if first != "100.00":
        repeated = len(asked.texts) - len(set(asked.texts))
        yield (
            f"{repeated:,} of {len(asked.texts):,} captions repeat another: no model can exceed "
            f"{first} from text to image at 1"
        )

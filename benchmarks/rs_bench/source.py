"""Datasets with their features, as tasks ask for them: by an encoder.

Legend: `_I` images, `_T` texts, `_P` templates, `_K` classes, `_D` dimensions.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray

from rs_bench.embeddings import Embeddings
from rs_bench.prompts import prompts
from rs_bench.remotecount.table import NAME as REMOTE_COUNT
from rs_bench.remotecount.table import CountSet
from rs_bench.sets import ClassSet, RetrievalSet, find_class_set, find_retrieval_set
from rs_bench.tasks.retrieval import Asked as Question
from rs_bench.tasks.retrieval import ask
from rs_caption.console import counted, progress_bar

Floats = NDArray[np.float32]


class Classes(NamedTuple):
    """A set of classes with the features of its images."""

    found: ClassSet
    images_ID: Floats
    digests: dict[str, str]


class Pairs(NamedTuple):
    """What a retrieval protocol asks of a set, with features."""

    asked: Question
    images_ID: Floats
    texts_TD: Floats


class Counted(NamedTuple):
    """Features of RemoteCount's pictures, and of the captions they choose from."""

    images_QD: Floats
    texts_TD: Floats


class Source(Protocol):
    """Where features come from."""

    @property
    def about(self) -> Mapping[str, Any]:
        """The model, for results."""

    def classes(self, name: str) -> Classes:
        """A set of classes.

        Raises:
            UserError: it is not there, or its features cannot be had.
        """

    def class_texts(self, name: str, kind: str) -> Floats:
        """Features of its prompts, texts_PKD."""

    def pairs(self, name: str, protocol: str) -> Pairs:
        """A retrieval set by a protocol.

        Raises:
            UserError: it is not there, or its features cannot be had.
        """

    def counted(self, found: CountSet, texts: Sequence[str]) -> Counted:
        """RemoteCount's pictures and captions.

        Raises:
            UserError: features of them cannot be had.
        """


@dataclass(frozen=True, eq=False)
class Encoded:
    """Features by an encoder, of datasets below a folder."""

    embeddings: Embeddings
    data: Path

    @property
    def about(self) -> Mapping[str, Any]:
        """What the encoder says of itself."""
        return self.embeddings.encoder.about

    def classes(self, name: str) -> Classes:
        """A set of classes, without images that cannot be read."""
        found = find_class_set(name, self.data)
        images_ID = self._images(found)
        good_I = _readable(images_ID)
        digests = {"set": found.digest, "images": self.embeddings.digest(name)}
        if good_I.all():
            return Classes(found, images_ID, digests)
        kept = replace(
            found,
            files=tuple(np.array(found.files)[good_I].tolist()),
            labels_I=found.labels_I[good_I],
            train_I=found.train_I[good_I],
            notes=(*found.notes, _left_out(good_I)),
        )
        return Classes(kept, images_ID[good_I], digests)

    def class_texts(self, name: str, kind: str) -> Floats:
        """Features of its prompts, texts_PKD."""
        texts = prompts(name, "ensemble" if kind == "ensemble" else "paper")
        flat = self.embeddings.texts([text for row in texts for text in row])
        return flat.reshape(len(texts), len(texts[0]), -1)

    def pairs(self, name: str, protocol: str) -> Pairs:
        """A retrieval set; an image that cannot be read leaves with its captions."""
        found = find_retrieval_set(name, self.data)
        images_ID = self._images(found)
        good_I = _readable(images_ID)
        if not good_I.all():
            found, images_ID = _without(found, good_I), images_ID[good_I]
        asked = ask(found, protocol)
        digests = {**(asked.digests or {}), "images": self.embeddings.digest(name)}
        asked = replace(asked, digests=digests)
        return Pairs(asked, images_ID, self.embeddings.texts(asked.texts))

    def counted(self, found: CountSet, texts: Sequence[str]) -> Counted:
        """RemoteCount's pictures and captions; each picture must be readable."""
        with progress_bar("Embedding RemoteCount", resumes=True) as told:
            images_QD = self.embeddings.images(REMOTE_COUNT, found.root, found.files, told)
        return Counted(images_QD, self.embeddings.texts(texts))

    def _images(self, found: ClassSet | RetrievalSet) -> Floats:
        with progress_bar(f"Embedding {found.title}", resumes=True) as told:
            return self.embeddings.images(found.name, found.root, found.files, told)


def _readable(images_ID: Floats) -> NDArray[np.bool_]:
    return np.asarray(np.isfinite(images_ID).all(axis=1), np.bool_)


def _without(found: RetrievalSet, good_I: NDArray[np.bool_]) -> RetrievalSet:
    kept_T = good_I[found.image_of_text_T]
    renumbered_I = np.cumsum(good_I) - 1
    return replace(
        found,
        files=tuple(_some(found.files, good_I)),
        captions=tuple(_some(found.captions, kept_T)),
        image_of_text_T=renumbered_I[found.image_of_text_T[kept_T]],
        notes=(*found.notes, _left_out(good_I)),
    )


def _some(items: Sequence[str], kept_N: NDArray[np.bool_]) -> list[str]:
    return [item for item, kept in zip(items, kept_N, strict=True) if kept]


def _left_out(good_I: NDArray[np.bool_]) -> str:
    broken = counted(int((~good_I).sum()), "image")
    return f"{broken} of {len(good_I):,} left out: not to be held against others"

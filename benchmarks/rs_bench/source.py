"""Datasets with their features, as tasks ask for them: by an encoder.

Legend: `_I` images, `_T` texts, `_P` templates, `_K` classes, `_D` dimensions.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray

from rs_bench.embeddings import Embeddings
from rs_bench.prompts import prompts
from rs_bench.remotecount.table import NAME as REMOTE_COUNT
from rs_bench.remotecount.table import CountSet
from rs_bench.results import ALONE
from rs_bench.sets import RETRIEVAL, ClassSet, RetrievalSet, find_class_set, find_retrieval_set
from rs_bench.tasks.retrieval import Asked as Question
from rs_bench.tasks.retrieval import ask
from rs_caption.console import counted, progress_bar
from rs_caption.errors import UserError

Floats = NDArray[np.float32]


class Classes(NamedTuple):
    """A set of classes with the features of its images."""

    found: ClassSet
    images_ID: Floats
    digests: dict[str, str]


class ClassTexts(NamedTuple):
    """Features of the prompts of a set of classes, and the protocol that they are by."""

    texts_PKD: Floats
    protocol: str


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

    def digest(self, name: str, asked: CountSet | None = None) -> str:
        """Of the model and of all of a dataset that its features depend on; embeds nothing.

        Args:
            name: of the dataset.
            asked: RemoteCount's questions, where it is that.

        Raises:
            UserError: it is not there.
        """

    def classes(self, name: str) -> Classes:
        """A set of classes.

        Raises:
            UserError: it is not there, or its features cannot be had.
        """

    def class_texts(self, name: str, kind: str) -> ClassTexts:
        """Its prompts.

        Args:
            name: of the set.
            kind: paper or ensemble; of features made elsewhere also `GIVEN`.

        Raises:
            UserError: they cannot be had.
        """

    def pairs(self, name: str, protocol: str) -> Pairs:
        """A retrieval set by a protocol; of features made elsewhere also by `GIVEN`.

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
    """Features by an encoder, of datasets below a folder; each is looked for once."""

    embeddings: Embeddings
    data: Path
    _class_sets: dict[str, ClassSet] = field(default_factory=dict)
    _retrieval_sets: dict[str, RetrievalSet] = field(default_factory=dict)

    @property
    def about(self) -> Mapping[str, Any]:
        """What the encoder says of itself."""
        return self.embeddings.encoder.about

    def digest(self, name: str, asked: CountSet | None = None) -> str:
        """Of the encoder, the dataset, its images' bytes, and whether broken ones are left out."""
        own = self._retrieval_set if name in RETRIEVAL else self._class_set
        found = asked or own(name)
        its = self.embeddings
        images = its.digest(found.root, found.files)
        return "/".join((its.encoder.key, found.digest, images, str(its.skip_broken)))

    def classes(self, name: str) -> Classes:
        """A set of classes, without images that cannot be read."""
        found = self._class_set(name)
        images_ID = self._images(found)
        good_I = _readable(images_ID)
        digests = {"set": found.digest, "images": self.embeddings.digest(found.root, found.files)}
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

    def class_texts(self, name: str, kind: str) -> ClassTexts:
        """Its prompts."""
        texts = prompts(name, "ensemble" if kind == "ensemble" else "paper")
        flat = self.embeddings.texts([text for row in texts for text in row])
        return ClassTexts(flat.reshape(len(texts), len(texts[0]), -1), kind)

    def pairs(self, name: str, protocol: str) -> Pairs:
        """A retrieval set; an image that cannot be read leaves with its captions."""
        found = self._retrieval_set(name)
        images = self.embeddings.digest(found.root, found.files)
        images_ID = self._images(found)
        good_I = _readable(images_ID)
        if not good_I.all():
            found, images_ID = _without(found, good_I), images_ID[good_I]
        asked = ask(found, protocol)
        below = found.root.relative_to(self.data)
        asked = replace(
            asked,
            digests={**(asked.digests or {}), "images": images},
            files=tuple((below / file).as_posix() for file in found.files),
        )
        return Pairs(asked, images_ID, self.embeddings.texts(asked.texts))

    def counted(self, found: CountSet, texts: Sequence[str]) -> Counted:
        """RemoteCount's pictures and captions; each picture must be readable."""
        with progress_bar("Embedding RemoteCount", resumes=True) as told:
            images_QD = self.embeddings.images(REMOTE_COUNT, found.root, found.files, told)
        if broken := self.embeddings.broken[REMOTE_COUNT]:
            raise UserError(
                f"{found.root}: {counted(len(broken), 'picture')} of RemoteCount cannot be read, "
                f"such as {broken[0]}; its numbers are balanced, so that none is left out: build "
                "it again by `rs-bench build-remotecount`"
            )
        return Counted(images_QD, self.embeddings.texts(texts))

    def _class_set(self, name: str) -> ClassSet:
        if name not in self._class_sets:
            self._class_sets[name] = find_class_set(name, self.data)
        return self._class_sets[name]

    def _retrieval_set(self, name: str) -> RetrievalSet:
        if name not in self._retrieval_sets:
            skip = self.embeddings.skip_broken
            self._retrieval_sets[name] = find_retrieval_set(name, self.data, skip_missing=skip)
        return self._retrieval_sets[name]

    def _images(self, found: ClassSet | RetrievalSet) -> Floats:
        with progress_bar(f"Embedding {found.title}", resumes=True) as told:
            return self.embeddings.images(found.name, found.root, found.files, told)


def _readable(images_ID: Floats) -> NDArray[np.bool_]:
    return np.asarray(np.isfinite(images_ID).all(axis=1), np.bool_)


def _without(found: RetrievalSet, good_I: NDArray[np.bool_]) -> RetrievalSet:
    """A smaller test, and so another one: its digest says so too."""
    kept_T = good_I[found.image_of_text_T]
    renumbered_I = np.cumsum(good_I) - 1
    files = tuple(_some(found.files, good_I))
    lines = "".join(f"{file}\n" for file in (found.digest, *files))
    return replace(
        found,
        files=files,
        captions=tuple(_some(found.captions, kept_T)),
        image_of_text_T=renumbered_I[found.image_of_text_T[kept_T]],
        digest=hashlib.sha256(lines.encode()).hexdigest(),
        notes=(
            *found.notes,
            _left_out(good_I, " with its captions: fewer to choose from make figures higher,"),
        ),
    )


def _some(items: Sequence[str], kept_N: NDArray[np.bool_]) -> list[str]:
    return [item for item, kept in zip(items, kept_N, strict=True) if kept]


def _left_out(good_I: NDArray[np.bool_], how: str = ":") -> str:
    broken = counted(int((~good_I).sum()), "image")
    return f"{broken} of {len(good_I):,} left out{how} {ALONE}"

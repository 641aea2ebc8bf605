"""Datasets with features made elsewhere: DIR/NAME.npz as `rs_bench.features` says.

No image is needed. Of a set of classes the file's names of images say classes and split; of a
retrieval set the captions are the file's own, or those of the dataset.

Legend: `_I` images, `_T` captions, `_P` prompts, `_K` classes, `_D` dimensions.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, get_args

import numpy as np
from numpy.typing import NDArray

from rs_bench.asked import GIVEN
from rs_bench.class_features import bare, by_files, by_labels, labels_of, released
from rs_bench.features import SetFeatures, model_of, read_set
from rs_bench.prompts import Kind, phrases, templates
from rs_bench.ranks import Positives
from rs_bench.remotecount.table import NAME as REMOTE_COUNT
from rs_bench.remotecount.table import CountSet
from rs_bench.sets import CLASSIFICATION, RETRIEVAL, RetrievalSet, find_retrieval_set
from rs_bench.source import Classes, ClassTexts, Counted, Pairs
from rs_bench.tasks.retrieval import MULTI_POSITIVE, PREFIX, PROTOCOLS, ask
from rs_bench.tasks.retrieval import Asked as Question
from rs_bench.whereabouts import NotThere
from rs_caption.console import counted
from rs_caption.errors import UserError
from rs_caption.manifest import meant_by

_NAMES = (*CLASSIFICATION, *RETRIEVAL, REMOTE_COUNT)


@dataclass(eq=False)
class Elsewhere:
    """Features of a folder; see `rs_bench.source.Source`.

    Attributes:
        folder: of the files.
        data: where captions of datasets are; none: the files hold them.
    """

    folder: Path
    data: Path | None = None
    _read: dict[str, SetFeatures] = field(default_factory=dict)
    _found: dict[str, RetrievalSet | None] = field(default_factory=dict)

    @property
    def about(self) -> Mapping[str, Any]:
        """What the files say of their model, read or not yet.

        Raises:
            UserError: they are of several.
        """
        files = [self.folder / f"{name}.npz" for name in _NAMES]
        models = {model: file for file in files if (model := model_of(file))}
        if len(models) > 1:
            named = ", ".join(f"{model} ({path.name})" for model, path in models.items())
            raise UserError(f"{self.folder}: features of several models: {named}")
        return {
            "name": next(iter(models), self.folder.name),
            "weights": "features made elsewhere",
            "embeddings": str(self.folder),
        }

    def strange(self) -> Iterator[str]:
        """Of each file that is named after no dataset: that it is not read, and what is meant."""
        for path in sorted(self.folder.glob("*.npz")):
            if path.stem not in _NAMES:
                near = meant_by(path.stem, _NAMES)
                meant = f"did you mean {near}.npz?" if near else f"names: {', '.join(_NAMES)}"
                yield f"{path} is not read: no dataset is called {path.stem}; {meant}"

    def digest(self, name: str, asked: CountSet | None = None) -> str:
        """Of the file, and of the captions or questions that it is held against."""
        read = self._file(name)
        found = asked or (self._dataset(name, read) if name in RETRIEVAL else None)
        return "/".join((read.digest, found.digest if found else ""))

    def classes(self, name: str) -> Classes:
        """A set of classes."""
        read = self._file(name)
        found, order_I = by_files(name, read) if read.files else by_labels(name, read)
        return Classes(found, read.images_ID[order_I], {"set": found.digest, "file": read.digest})

    def class_texts(self, name: str, kind: str) -> ClassTexts:
        """Its prompts, whatever the file has."""
        read = self._file(name)
        if read.texts is None or read.classes is None:
            raise UserError(f"{read.path}: expected texts (K, D) or (P, K, D) and classes (K,)")
        own = list(phrases(name))
        at = {label: row for row, label in enumerate(labels_of(read.path, name, read.classes))}
        if len(at) < len(own):
            lacking = next(own[label] for label in range(len(own)) if label not in at)
            raise UserError(f"{read.path}: class {lacking} has no text")
        prompts = {known: len(templates(name, known)) for known in get_args(Kind)}
        protocol = _protocol(read, kind, tuple(prompts))
        if (found := len(read.texts)) != prompts.get(protocol, found):
            raise UserError(
                f"{read.path}: {counted(found, 'prompt')} for each class; protocol {protocol} of "
                f"{name} has {prompts[protocol]}"
            )
        return ClassTexts(read.texts[:, [at[label] for label in range(len(own))]], protocol)

    def pairs(self, name: str, protocol: str) -> Pairs:
        """A retrieval set by the protocol of the file."""
        read = self._file(name)
        protocol = _protocol(read, protocol, PROTOCOLS)
        if read.texts is None or read.image_of_text_T is None:
            raise UserError(f"{read.path}: expected texts (T, D) and image_of_text (T,)")
        images_ID, texts_TD = read.images_ID, read.texts
        found = self._dataset(name, read)
        if found is not None:
            images_I, texts_T = _by_captions_of(found, read)
            images_ID, texts_TD = images_ID[images_I], texts_TD[texts_T]
        else:
            _check_size(name, read)
            if read.captions is None:
                return _without_captions(name, protocol, read)
            found = _by_own_captions(name, read)
        asked = _ask(found, protocol)
        digests = {**(asked.digests or {}), "file": read.digest}
        chosen_TD = texts_TD[_rows_of(asked.texts, found.captions, protocol)]
        return Pairs(replace(asked, digests=digests), images_ID, chosen_TD)

    def counted(self, found: CountSet, texts: Sequence[str]) -> Counted:
        """RemoteCount's pictures by their names, captions by their words, which are `classes`."""
        read = self._file(REMOTE_COUNT)
        if read.files is None or read.classes is None or read.texts is None:
            raise UserError(
                f"{read.path}: expected files (I,), and texts (K, D) of captions in classes (K,)"
            )
        images = {_base(file): row for row, file in enumerate(read.files)}
        captions = {text: row for row, text in enumerate(read.classes)}
        for known, wanted in ((images, map(_base, found.files)), (captions, texts)):
            if lacking := [one for one in wanted if one not in known]:
                raise UserError(f"{read.path}: no features of {lacking[0]!r}")
        images_Q = [images[_base(file)] for file in found.files]
        return Counted(read.images_ID[images_Q], read.texts[0][[captions[one] for one in texts]])

    def _dataset(self, name: str, read: SetFeatures) -> RetrievalSet | None:
        """The dataset itself, where it is at hand and the file names its images."""
        if self.data is None or (read.files is None and read.captions is not None):
            return None
        if name not in self._found:
            try:
                self._found[name] = find_retrieval_set(name, self.data, with_images=False)
            except NotThere:
                self._found[name] = None
        return self._found[name]

    def _file(self, name: str) -> SetFeatures:
        path = self.folder / f"{name}.npz"
        if not path.is_file():
            raise NotThere(f"{path}: no such file; it would hold the features of {name}")
        if name not in self._read:
            self._read[name] = read_set(path)
        return self._read[name]


def _protocol(read: SetFeatures, asked: str, known: Sequence[str]) -> str:
    """By which a file says that its texts were made; `GIVEN`, where it does not say."""
    stated = read.protocol or GIVEN
    if stated not in {GIVEN, *known}:
        raise UserError(f"{read.path}: {_unknown(stated)}: {', '.join(known)}")
    if asked not in {GIVEN, stated}:
        raise UserError(f"{read.path}: its texts are of protocol {stated}, not {asked}")
    return stated


def _unknown(stated: str) -> str:
    """Why a file cannot be measured by the protocol that it states."""
    if stated in PROTOCOLS:
        return (
            f"its texts are captions, by protocol {stated}, but the file is named after a set of "
            "classes: features of another dataset? Protocols of classes"
        )
    if stated in get_args(Kind):
        return (
            f"its texts are prompts of classes, by protocol {stated}, but the file is named after "
            "a set of captions: features of another dataset? Protocols of captions"
        )
    return f"no protocol is called {stated!r}; there are"


def _ask(found: RetrievalSet, protocol: str) -> Question:
    """What a protocol asks; `GIVEN` as `remoteclip`, of captions as they are."""
    if protocol != GIVEN:
        return ask(found, protocol)
    asked = ask(found, "remoteclip")
    return replace(asked, protocol=GIVEN, texts=found.captions, digests={"set": found.digest})


def _rows_of(texts: Sequence[str], captions: Sequence[str], protocol: str) -> NDArray[np.intp]:
    """The row of each text that a protocol asks for; of equal texts, that of the first."""
    said = [f"{PREFIX}{text}" for text in captions] if protocol == MULTI_POSITIVE else texts
    at = {text: row for row, text in reversed(list(enumerate(said)))}
    return np.array([at[text] for text in texts], np.intp)


def _check_size(name: str, read: SetFeatures) -> None:
    """Without the dataset nothing but the number of images tells whether they are its own."""
    title, wanted = released(name)
    if wanted not in {None, len(read.images_ID)}:
        raise UserError(
            f"{read.path}: {len(read.images_ID):,} images; the test split of {title} has "
            f"{wanted:,}: features of another dataset, or not of all its images"
        )


def _by_own_captions(name: str, read: SetFeatures) -> RetrievalSet:
    """The set as a file has it."""
    assert read.captions is not None
    assert read.image_of_text_T is not None
    owners_T = read.image_of_text_T
    files = read.files or tuple(f"row {row}" for row in range(len(read.images_ID)))
    pairs = zip(owners_T.tolist(), read.captions, strict=True)
    lines = "".join(f"{files[image]}\t{text}\n" for image, text in pairs)
    digest = hashlib.sha256(lines.encode()).hexdigest()
    title, _ = released(name)
    return RetrievalSet(name, title, read.path.parent, files, read.captions, owners_T, digest)


def _by_captions_of(
    found: RetrievalSet, read: SetFeatures
) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """The rows of a file in the order of a set: of images and of captions."""
    assert read.image_of_text_T is not None
    if read.files is None:
        raise UserError(f"{read.path}: expected captions (T,), or files (I,) to find them by")
    rows = {_base(file): row for row, file in enumerate(read.files)}
    lacking = [file for file in found.files if _base(file) not in rows]
    if lacking or len(read.files) != len(found.files):
        first = f", without {lacking[0]}" if lacking else ""
        raise UserError(
            f"{read.path}: {len(read.files):,} images{first}; {found.title} has "
            f"{len(found.files):,}: features of another dataset?"
        )
    images_I = np.array([rows[_base(file)] for file in found.files], np.intp)
    place_I = np.argsort(images_I)  # of each row of the file, in the set
    owners_T = place_I[read.image_of_text_T]
    texts_T = np.argsort(owners_T, kind="stable")
    if not np.array_equal(owners_T[texts_T], found.image_of_text_T):
        raise UserError(
            f"{read.path}: {len(owners_T):,} texts; {found.title} has {len(found.captions):,}, "
            "as many of each image as image_of_text must give it"
        )
    for row, own in zip(texts_T.tolist(), found.captions, strict=True):
        if read.captions is not None and bare(read.captions[row]) != bare(own):
            raise UserError(
                f"{read.path}: caption {row} is {read.captions[row]!r}, in {found.title} {own!r}: "
                "features of another dataset, or of captions in another order?"
            )
    return images_I, texts_T


def _base(path: str) -> str:
    return path.replace("\\", "/").rpartition("/")[2]


def _without_captions(name: str, protocol: str, read: SetFeatures) -> Pairs:
    assert read.texts is not None
    assert read.image_of_text_T is not None
    if protocol == MULTI_POSITIVE:
        raise UserError(
            f"{read.path}: protocol {protocol} needs captions (T,) in the file, or the dataset's "
            "by --data DIR"
        )
    positives = Positives.own_image(read.image_of_text_T)
    asked = Question(name, protocol, len(read.images_ID), (), positives, (), {"file": read.digest})
    return Pairs(asked, read.images_ID, read.texts)

"""Features of images and texts, computed once: a cache in a folder.

    DIR/ViT-B-32-5f0c1c2f9a3b7d10/model.json         what the encoder says of itself
    DIR/ViT-B-32-5f0c1c2f9a3b7d10/eurosat/3b1f....npz   256 images
    DIR/ViT-B-32-5f0c1c2f9a3b7d10/texts/90aa....npz     256 texts

The folder is named after the model, its weights and its preprocessing, each file after the digest
of the very bytes of its images (or of its texts): what has changed is computed again, and what is
there is never wrong. Each file appears whole, so that an interrupted run goes on where it stopped.
Images that cannot be read are tried again by each run, with those of their file.

Legend: `_I` images, `_T` texts, `_B` batch, `_D` dimensions.
"""

from __future__ import annotations

import hashlib
import json
import zipfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from itertools import chain, islice
from pathlib import Path
from typing import Any, NamedTuple, Protocol, TypeVar

import numpy as np
from numpy.typing import NDArray

from rs_caption.engine.work import default_workers
from rs_caption.errors import UserError
from rs_caption.files import whole, write_json

T = TypeVar("T")

CHUNK = 256
ABOUT_FILE = "model.json"
_TEXTS = "texts"
_KEY_CHARS = 16  # of the encoder's key, in the name of its folder
_SHOWN = 3  # broken images, in a message

Floats = NDArray[np.float32]
Told = Callable[[int, int], None]


class Seen(NamedTuple):
    """Features of some images, each of length 1."""

    features_BD: Floats  # NaN where an image cannot be read
    problems: tuple[str, ...]  # of each image; empty: none


class Encoder(Protocol):
    """What embeds images and texts."""

    @property
    def about(self) -> Mapping[str, Any]:
        """What results say of it: name, weights, weights_digest, quick_gelu, image_size, ..."""

    @property
    def key(self) -> str:
        """The same for encoders that give the same features, and for no others."""

    def images(self, paths: Sequence[Path]) -> Iterator[Seen]:
        """Features of images in order, in batches of any size."""

    def texts(self, texts: Sequence[str]) -> Floats:
        """Features of texts, (T, D), each of length 1."""


def _untold(_done: int, _total: int) -> None:
    """Nobody wants to know."""


class Embeddings:
    """Features by an encoder, kept in a folder.

    Attributes:
        broken: of each dataset that was asked for, the images that could not be read.
        skip_broken: whether they are rows of NaN rather than an error.
    """

    def __init__(
        self,
        encoder: Encoder,
        folder: Path | None = None,
        *,
        skip_broken: bool = False,
        chunk: int = CHUNK,
    ) -> None:
        """Nothing is computed or written yet.

        Args:
            encoder: what computes features.
            folder: of the cache; none: nothing is kept.
            skip_broken: images that cannot be read are rows of NaN rather than an error.
            chunk: images, or texts, in a file of the cache.
        """
        self.encoder = encoder
        self.broken: dict[str, tuple[str, ...]] = {}
        self.skip_broken = skip_broken
        self._size = chunk
        self._contents: tuple[object, list[bytes]] | None = None  # of the last images, by digest
        # All tasks ask for the same images, and must not wait again to hear that some are broken.
        self._last: tuple[object, Floats, dict[str, str]] | None = None
        self._folder: Path | None = None
        if folder is not None:
            name = str(encoder.about.get("name", "model")).replace("/", "-").replace(":", "-")
            self._folder = folder / f"{name}-{encoder.key[:_KEY_CHARS]}"

    def images(self, name: str, root: Path, files: Sequence[str], told: Told = _untold) -> Floats:
        """Features of the images of a dataset, (I, D), each of length 1.

        Args:
            name: of the dataset; the cache keeps a folder for each.
            root: folder of the dataset.
            files: below it.
            told: called with the number of images that are done, and of all.

        Raises:
            UserError: images cannot be read: all of them, or some and they are not to be skipped.
        """
        asked = (name, root, tuple(files))
        if self._last is None or self._last[0] != asked:
            features_ID, problems = self._images(name, root, files, told)
            bad = {file: why for file, why in zip(files, problems, strict=True) if why}
            self._last = asked, features_ID, bad
        _, features_ID, bad = self._last
        self._judge(name, bad, len(files))
        self.broken[name] = tuple(bad)
        return features_ID

    def texts(self, texts: Sequence[str]) -> Floats:
        """Features of texts, (T, D), each of length 1; of equal texts, equal to the bit."""
        distinct = list(dict.fromkeys(texts))
        parts = []
        for chunk in self._chunks(distinct):
            kept = self._file(_TEXTS, [text.encode() for text in chunk])
            part = self._kept(kept)
            if part is None:
                part = Seen(self.encoder.texts(chunk), ("",) * len(chunk))
                self._keep(kept, part)
            parts.append(part.features_BD)
        at = {text: number for number, text in enumerate(distinct)}
        features_TD: Floats = np.concatenate(parts)[[at[text] for text in texts]]
        return features_TD

    def digest(self, root: Path, files: Sequence[str]) -> str:
        """Of the bytes of images, in their order; nothing is embedded for it."""
        return _digest(self._read(root, files))

    def _read(self, root: Path, files: Sequence[str]) -> list[bytes]:
        """The digest of each image; read once for all tasks on a dataset."""
        asked = (root, tuple(files))
        if self._contents is None or self._contents[0] != asked:
            with ThreadPoolExecutor(default_workers()) as readers:
                contents = list(readers.map(_content, [root / file for file in files]))
            self._contents = asked, contents
        return self._contents[1]

    def _images(
        self, name: str, root: Path, files: Sequence[str], told: Told
    ) -> tuple[Floats, tuple[str, ...]]:
        paths = [root / file for file in files]
        kept = [self._file(name, chunk) for chunk in self._chunks(self._read(root, files))]
        parts = [self._kept(file) for file in kept]
        missing = [at for at, part in enumerate(parts) if part is None]
        of_paths = list(self._chunks(paths))
        asked = list(chain.from_iterable(of_paths[at] for at in missing))
        done = len(paths) - len(asked)
        told(done, len(paths))
        seen = self._one_by_one(asked, lambda more: told(done + more, len(paths)))
        for at in missing:
            rows, problems = zip(*islice(seen, len(of_paths[at])), strict=True)
            part = Seen(np.stack(rows).astype(np.float32), problems)
            self._keep(kept[at], part)
            parts[at] = part
        found = [part for part in parts if part is not None]
        features_ID = np.concatenate([part.features_BD for part in found])
        return features_ID, tuple(chain.from_iterable(part.problems for part in found))

    def _one_by_one(
        self, paths: Sequence[Path], told: Callable[[int], None]
    ) -> Iterator[tuple[Floats, str]]:
        done = 0
        for seen in self.encoder.images(paths) if paths else ():
            done += len(seen.problems)
            told(done)
            yield from zip(seen.features_BD, seen.problems, strict=True)

    def _judge(self, name: str, bad: Mapping[str, str], total: int) -> None:
        if not bad or (self.skip_broken and len(bad) < total):
            return
        shown = "; ".join(f"{file} ({why})" for file, why in list(bad.items())[:_SHOWN])
        more = f"; and {len(bad) - _SHOWN:,} more" if len(bad) > _SHOWN else ""
        remedy = "" if self.skip_broken else ", or leave them out by --skip-broken"
        raise UserError(
            f"{name}: {len(bad):,} of {total:,} images cannot be read: {shown}{more}. "
            f"Put them right{remedy}"
        )

    def _chunks(self, items: Sequence[T]) -> Iterator[Sequence[T]]:
        """What goes into each file of the cache."""
        return (items[at : at + self._size] for at in range(0, len(items), self._size))

    def _file(self, kind: str, contents: Sequence[bytes]) -> Path | None:
        """Where the cache keeps a chunk."""
        return None if self._folder is None else self._folder / kind / f"{_digest(contents)}.npz"

    def _kept(self, file: Path | None) -> Seen | None:
        """A chunk of the cache; none: it is not there, or no longer what was written.

        Raises:
            UserError: it is of another model.
        """
        if file is None:
            return None
        try:
            with file.open("rb") as opened, np.load(opened, allow_pickle=False) as arrays:
                key = str(arrays["key"])
                features_BD = arrays["features"]
        except (OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile):
            return None
        if key != self.encoder.key:
            raise UserError(
                f"{file}: features of another model than {self.encoder.about.get('name')}, though "
                f"its folder has this one's name; remove {file.parent.parent}"
            )
        return Seen(features_BD, ("",) * len(features_BD))

    def _keep(self, file: Path | None, seen: Seen) -> None:
        if file is None or any(seen.problems):  # of a disk, maybe, and not of the bytes
            return
        about = file.parent.parent / ABOUT_FILE
        if not about.is_file():
            write_json(about, {**self.encoder.about, "key": self.encoder.key})
        with whole(file) as partial, partial.open("wb") as opened:
            np.savez(opened, key=np.array(self.encoder.key), features=seen.features_BD)


def _content(path: Path) -> bytes:
    """The digest of a file; of one that cannot be read, that of none."""
    try:
        return hashlib.sha256(path.read_bytes()).digest()
    except OSError:
        return b""


def _digest(contents: Sequence[bytes]) -> str:
    """Of a sequence, and of where each of its members ends."""
    return hashlib.sha256(json.dumps([one.hex() for one in contents]).encode()).hexdigest()

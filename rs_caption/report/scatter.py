"""The map: rows near each other are alike, by t-SNE (van der Maaten and Hinton 2008).

What is alike is said by features of the images (`--embeddings DIR`: DIR/NAME.npz of each dataset,
`images` (I, D) beside `files` (I,), the form that rs-bench reads), by the words of the captions
(tf-idf, 50 directions of it), or by the hashes of the images.

Legend: `_P` points, `_D` dimensions.
"""

from __future__ import annotations

import re
import zipfile
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from rs_caption.errors import UserError
from rs_caption.report.sampling import Row

FEWEST = 8  # points; fewer make no map
_DIRECTIONS = 50
_PERPLEXITY, _NEIGHBOURS = 30.0, 3  # of a point t-SNE looks at three times the perplexity
_HASH_BITS = 64
_WORD = r"\b\w\w+\b"  # a single sign says little: "a"
Floats = NDArray[np.float32]


def by_captions(rows: Sequence[Row]) -> tuple[list[Row], Floats]:
    """Rows whose captions have words, and what these say of them, (P, D) of length 1."""
    from sklearn.decomposition import TruncatedSVD  # noqa: PLC0415 -- an extra
    from sklearn.feature_extraction.text import TfidfVectorizer  # noqa: PLC0415

    said = [row for row in rows if re.search(_WORD, row["captions"])]
    if len(said) < FEWEST:
        return [], np.zeros((0, 1), np.float32)
    tfidf = TfidfVectorizer(sublinear_tf=True, dtype=np.float32, token_pattern=_WORD)
    features = tfidf.fit_transform(row["captions"] for row in said)
    most = min(features.shape) - 1
    if most > _DIRECTIONS:
        features = TruncatedSVD(_DIRECTIONS, random_state=0).fit_transform(features)
    else:
        features = features.toarray()
    return said, _of_length_1(np.asarray(features, np.float32))


def by_hashes(rows: Sequence[Row]) -> tuple[list[Row], Floats]:
    """Rows with a hash, and its bits as 1 and -1, (P, 64), of length 1."""
    hashed = [row for row in rows if row["phash"] is not None]
    codes = np.array([row["phash"] for row in hashed], np.uint64)
    bits = np.unpackbits(codes.view(np.uint8).reshape(-1, 8), axis=1).reshape(-1, _HASH_BITS)
    return hashed, _of_length_1(bits.astype(np.float32) * 2 - 1)


def by_embeddings(rows: Sequence[Row], folder: Path) -> tuple[list[Row], Floats]:
    """Rows that the features name, and these, (P, D), of length 1.

    A name is the image's path below its dataset's folder; of a tile or frame with what its image
    id has after that: `P0001.png#0,0,512,512`.

    Raises:
        UserError: no folder, a file that is none of features, or none that any row is of.
    """
    known: dict[str, tuple[dict[str, int], Floats]] = {}
    found: list[Row] = []
    features: list[Floats] = []
    for row in rows:
        name = row["dataset"]
        if name not in known:
            known[name] = _read(folder / f"{name}.npz")
        places, images_ID = known[name]
        at = places.get(row["image_id"].removeprefix(f"{name}/"))
        if at is not None:
            found.append(row)
            features.append(images_ID[at])
    if not found:
        raise UserError(
            f"--embeddings {folder}: no features of any row here; expected NAME.npz for a dataset "
            "NAME, with images (I, D) and files (I,), names below the dataset's folder"
        )
    if len({len(one) for one in features}) > 1:
        raise UserError(
            f"--embeddings {folder}: features of several lengths; use those of one model"
        )
    return found, _of_length_1(np.stack(features))


def _read(file: Path) -> tuple[dict[str, int], Floats]:
    """The place of each name, and the features (I, D); empty where there is no file."""
    if not file.is_file():
        return {}, np.zeros((0, 0), np.float32)
    try:
        with file.open("rb") as opened, np.load(opened, allow_pickle=False) as arrays:
            images_ID, files_I = arrays["images"], arrays["files"]
    except (OSError, ValueError, TypeError, KeyError, EOFError, zipfile.BadZipFile) as error:
        raise UserError(f"{file}: expected an .npz with images (I, D) and files (I,)") from error
    fits = images_ID.ndim == len("ID") and files_I.shape == images_ID.shape[:1]
    if not fits or images_ID.dtype.kind not in "fiu" or not np.isfinite(images_ID).all():
        raise UserError(
            f"{file}: expected images (I, D) of finite numbers and files (I,); found images "
            f"{images_ID.shape} {images_ID.dtype}, files {files_I.shape}"
        )
    return {str(name): at for at, name in enumerate(files_I)}, images_ID.astype(np.float32)


def _of_length_1(features_PD: Floats) -> Floats:
    norms = np.linalg.norm(features_PD, axis=1, keepdims=True)
    return np.asarray(features_PD / np.maximum(norms, 1e-12), np.float32)


def flattened(features_PD: Floats) -> Floats:
    """A place for each point, (P, 2): across from 0 to 1, down no farther.

    One thread, so that sums come out the same each time.
    """
    from sklearn.decomposition import PCA  # noqa: PLC0415 -- an extra
    from sklearn.manifold import TSNE  # noqa: PLC0415
    from threadpoolctl import threadpool_limits  # noqa: PLC0415 -- comes with scikit-learn

    perplexity = min(_PERPLEXITY, (len(features_PD) - 1) / _NEIGHBOURS)
    with threadpool_limits(1):
        shorter = features_PD
        if features_PD.shape[1] > _DIRECTIONS and len(features_PD) > _DIRECTIONS:
            shorter = PCA(_DIRECTIONS, random_state=0).fit_transform(features_PD)
        start_P2 = PCA(2, random_state=0).fit_transform(shorter)
        start_P2 = start_P2 / max(float(start_P2[:, 0].std()), 1e-12) * 1e-4
        # Points that are equal would lie on each other for ever.
        start_P2 = start_P2 + np.random.default_rng(0).normal(scale=1e-6, size=start_P2.shape)
        places_P2 = TSNE(
            perplexity=perplexity, init=start_P2.astype(np.float32), random_state=0, n_jobs=1
        ).fit_transform(shorter)
    from_0_P2 = places_P2 - places_P2.min(axis=0)
    across, down = from_0_P2.max(axis=0)
    if down > across:
        from_0_P2 = from_0_P2[:, ::-1]
    return np.asarray(from_0_P2 / max(float(across), float(down), 1e-12), np.float32)

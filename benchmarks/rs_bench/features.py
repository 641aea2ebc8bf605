"""Features made elsewhere: an .npz with `images` (I, D), `texts` (T, D), `image_of_text` (T,)."""

from __future__ import annotations

import zipfile
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from rs_caption.errors import UserError

_ARRAYS = ("images", "texts", "image_of_text")


@dataclass(frozen=True, eq=False)
class Features:
    """Image and text features of one retrieval test set."""

    images_ID: NDArray[np.float32]
    texts_TD: NDArray[np.float32]
    image_of_text_T: NDArray[np.intp]


def read_features(path: Path) -> Features:
    """Read and check an .npz.

    Raises:
        UserError: no such file, no .npz, an array is missing, shapes do not fit, a lone image.
    """
    if not path.is_file():
        raise UserError(f"{path}: no such file")
    try:
        with np.load(path, allow_pickle=False) as file:
            arrays = {name: file[name] for name in _ARRAYS}
    except (OSError, ValueError, TypeError, EOFError, zipfile.BadZipFile) as error:
        raise UserError(f"{path}: not an .npz file of plain arrays") from error
    except KeyError as error:
        expected = "expected images (I, D), texts (T, D) and image_of_text (T,)"
        raise UserError(f"{path}: {expected}; {error}") from error
    _check(path, arrays)
    return Features(
        arrays["images"].astype(np.float32),
        arrays["texts"].astype(np.float32),
        arrays["image_of_text"].astype(np.intp),
    )


def _check(path: Path, arrays: dict[str, NDArray[np.generic]]) -> None:
    images, texts, owners = (arrays[name] for name in _ARRAYS)
    shapes = f"images {images.shape}, texts {texts.shape}, image_of_text {owners.shape}"
    fits = images.ndim == texts.ndim == len("ID") and images.shape[1:] == texts.shape[1:]
    fits = fits and {images.dtype.kind, texts.dtype.kind} <= {"f", "i", "u"}
    if not fits or owners.shape != texts.shape[:1] or owners.dtype.kind not in "ui":
        raise UserError(f"{path}: expected (I, D) and (T, D) numbers, T integers; found {shapes}")
    if not (np.isfinite(images).all() and np.isfinite(texts).all()):
        raise UserError(f"{path}: a feature is NaN or infinite; such an image would match all")
    wanted, named = set(range(len(images))), set(owners.tolist())
    if wanted != named:
        first = f"; image {min(wanted - named)} has no text" if wanted - named else ""
        raise UserError(f"{path}: image_of_text must name every image from 0 to I - 1{first}")

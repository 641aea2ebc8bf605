"""Features made elsewhere: an .npz of plain arrays for each dataset.

`--embeddings DIR` without a model reads DIR/NAME.npz (`whurs19.npz`, `rsicd.npz`):

    images         (I, D)             one row an image, of any length and of half precision or more
    files          (I,) text          names below the dataset's folder: `airport/airport_01.jpg`
    labels         (I,) integers      in place of `files`, where names were not kept
    classes        (K,) text          what labels and class texts are of: class folders or phrases;
                                      of RemoteCount: captions
    texts          (K, D), (P, K, D)  of P prompts for each class; or (T, D): of captions
    image_of_text  (T,) integers      the row in `images` of each caption's image
    captions       (T,) text          the captions themselves
    protocol       text               by which the texts were made: paper or ensemble, of captions
                                      remoteclip or multi-positive; without it they are `given`
    model          text               what made them

Legend: `_I` images, `_T` captions, `_P` prompts, `_K` classes, `_D` dimensions.
"""

from __future__ import annotations

import hashlib
import zipfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from rs_caption.errors import UserError

# Axes, and kinds of numpy's numbers or text.
_MAY_HOLD = {
    "files": ("I", "U"),
    "labels": ("I", "iu"),
    "classes": ("K", "U"),
    "image_of_text": ("T", "iu"),
    "captions": ("T", "U"),
    "protocol": ("", "U"),
    "model": ("", "U"),
}
_NUMBERS = "fiu"
# What comes of files that are not of plain arrays, on the way through numpy.
_NO_ARRAYS = (OSError, ValueError, TypeError, EOFError, AttributeError, zipfile.BadZipFile)
Arrays = Mapping[str, NDArray[np.generic]]


@dataclass(frozen=True, eq=False)
class SetFeatures:
    """What a file of a dataset holds; see the module. None: it does not.

    Attributes:
        path: of the file.
        digest: of the file.
    """

    path: Path
    digest: str
    images_ID: NDArray[np.float32]
    files: tuple[str, ...] | None
    labels_I: NDArray[np.intp] | None
    classes: tuple[str, ...] | None
    texts: NDArray[np.float32] | None  # texts_PKD, or texts_TD where there is image_of_text
    image_of_text_T: NDArray[np.intp] | None
    captions: tuple[str, ...] | None
    protocol: str | None
    model: str | None


def read_set(path: Path) -> SetFeatures:
    """Read and check the features of a dataset.

    Raises:
        UserError: no such file, no .npz, an array is missing, or shapes or kinds do not fit.
    """
    arrays = _arrays_of(path)
    images = arrays.get("images")
    if images is None or images.ndim != len("ID") or images.dtype.kind not in _NUMBERS:
        raise UserError(f"{path}: expected images (I, D) of numbers; found {_said(arrays)}")
    if not images.size:
        raise UserError(f"{path}: no features; found {_said(arrays)}")
    texts = _texts_of(path, arrays)
    sizes = {"I": len(images), "T": len(texts) if texts is not None else -1}
    for name, (axes, kinds) in _MAY_HOLD.items():
        array = arrays.get(name)
        fits = array is None or (array.ndim == len(axes) and array.dtype.kind in kinds)
        if array is None or (
            fits and (not axes or sizes.setdefault(axes, len(array)) == len(array))
        ):
            continue
        raise UserError(f"{path}: {name} does not fit; found {_said(arrays)}")
    if texts is not None and "image_of_text" not in arrays and texts.shape[-2] != sizes.get("K"):
        raise UserError(
            f"{path}: texts need classes (K,), or image_of_text (T,), that fit; found "
            f"{_said(arrays)}"
        )
    return _set_of(path, arrays, images, texts)


def model_of(path: Path) -> str | None:
    """What made the features of a file; none: there is no such file, or it does not say."""
    try:
        with path.open("rb") as opened, np.load(opened, allow_pickle=False) as file:
            return str(file["model"])
    except (*_NO_ARRAYS, KeyError):
        return None


def _set_of(
    path: Path, arrays: Arrays, images: NDArray[np.generic], texts: NDArray[np.generic] | None
) -> SetFeatures:
    owners = arrays.get("image_of_text")
    if owners is not None:
        _check_owners(path, owners, len(images))
    elif texts is not None and texts.ndim == len("KD"):
        texts = texts[None]
    labels = arrays.get("labels")
    return SetFeatures(
        path,
        hashlib.sha256(path.read_bytes()).hexdigest(),
        _floats(path, images),
        _strings(arrays.get("files")),
        None if labels is None else labels.astype(np.intp),
        _strings(arrays.get("classes")),
        None if texts is None else _floats(path, texts),
        None if owners is None else owners.astype(np.intp),
        _strings(arrays.get("captions")),
        _string(arrays.get("protocol")),
        _string(arrays.get("model")),
    )


def _texts_of(path: Path, arrays: Arrays) -> NDArray[np.generic] | None:
    texts = arrays.get("texts")
    if texts is None:
        return None
    most = len("TD") if "image_of_text" in arrays else len("PKD")
    fits = texts.dtype.kind in _NUMBERS and len("KD") <= texts.ndim <= most
    if not fits or texts.shape[-1] != arrays["images"].shape[1]:
        raise UserError(
            f"{path}: texts must be (K, D), (P, K, D), or (T, D) beside image_of_text, with the D "
            f"of the images; found {_said(arrays)}. Images and texts must be of one model"
        )
    return texts


def _string(array: NDArray[np.generic] | None) -> str | None:
    return None if array is None else str(array)


def _strings(array: NDArray[np.generic] | None) -> tuple[str, ...] | None:
    return None if array is None else tuple(str(one) for one in array)


def _said(arrays: Arrays) -> str:
    shapes = (f"{name} {array.shape} {array.dtype}" for name, array in arrays.items())
    return ", ".join(shapes) or "nothing"


def _arrays_of(path: Path) -> dict[str, NDArray[np.generic]]:
    if not path.is_file():
        raise UserError(f"{path}: no such file")
    try:
        with path.open("rb") as opened, np.load(opened, allow_pickle=False) as file:
            return {name: file[name] for name in file.files}
    except _NO_ARRAYS as error:
        raise UserError(f"{path}: not an .npz file of plain arrays") from error


def _floats(path: Path, features: NDArray[np.generic]) -> NDArray[np.float32]:
    with np.errstate(over="ignore"):  # what is too large becomes infinite
        narrow = features.astype(np.float32)
    if not np.isfinite(narrow).all():
        raise UserError(
            f"{path}: a feature is NaN, infinite or above {np.finfo(np.float32).max:.1e}; such an "
            "image would match all"
        )
    return narrow


def _check_owners(path: Path, owners: NDArray[np.generic], images: int) -> None:
    wanted, named = set(range(images)), set(owners.tolist())
    if wanted != named:
        first = f"; image {min(wanted - named)} has no text" if wanted - named else ""
        raise UserError(f"{path}: image_of_text must name every image from 0 to I - 1{first}")

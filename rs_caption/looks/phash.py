"""The 64-bit perceptual hash of an image or tile: `imagehash.phash` bit for bit, as an integer.

    8 bits a channel -> grey -> 32 x 32, Lanczos -> DCT -> its 8 x 8 lowest frequencies -> which of
    them are above their median

The hashes of the image flipped and turned follow from the same frequencies: a flip changes the sign
of the odd ones of its axis, a transpose transposes them.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from rs_caption.looks.shrink import SIDE, shrink
from rs_caption.pictures.images import to_8_bit
from rs_caption.sample import Window

KEPT = 8  # frequencies of each axis
_MIDDLE = KEPT * KEPT // 2
WAVES_8S: NDArray[np.float64] = 2 * np.cos(
    np.pi * np.arange(KEPT)[:, None] * (np.arange(SIDE) + 0.5) / SIDE
)
_APART = 1e-6  # a product and a fast transform of bytes differ by less than 1e-9

_ODD = np.where(np.arange(KEPT) % 2, -1.0, 1.0)
_SIDEWAYS_88, _UPWARDS_88 = np.tile(_ODD, (KEPT, 1)), np.tile(_ODD[:, None], (1, KEPT))
_BOTH_88 = _SIDEWAYS_88 * _UPWARDS_88
_SAME_88 = np.ones((KEPT, KEPT))
_SIGNS_T88 = np.stack(  # of the block for the first four, of its transpose for the others
    [_SAME_88, _SIDEWAYS_88, _UPWARDS_88, _BOTH_88, _SAME_88, _UPWARDS_88, _SIDEWAYS_88, _BOTH_88]
)


def phash(image: Image.Image, window: Window | None = None) -> int:
    """Hash an image, or one window of it.

    Imagehash's defaults (RemoteCLIP used that library). The hash's first bit is the highest.
    """
    return code_of(block_of(part_of(image, window)))


def part_of(image: Image.Image, window: Window | None = None) -> Image.Image:
    """An image or one window of it, 8 bits a channel: deep ones are stretched as the whole is."""
    shown = to_8_bit(image)  # the image itself where it has 8 bits
    return shown if window is None else shown.crop(window)


def block_of(part: Image.Image) -> NDArray[np.float64]:
    """The lowest frequencies, (8, 8), of an image of 8 bits a channel."""
    return frequencies_of(shrink(part if part.mode == "L" else part.convert("L")))


def frequencies_of(small: Image.Image) -> NDArray[np.float64]:
    """The lowest frequencies, (8, 8), of 32 x 32 grey pixels.

    As two products, which is faster; but where two of them, or one and zero, are so close that
    rounding decides a hash, they are computed with the function that imagehash calls.
    """
    pixels_SS = np.asarray(small, np.float64)
    block_88 = WAVES_8S @ pixels_SS @ WAVES_8S.T
    sizes_F = np.sort(np.abs(block_88), axis=None)
    if sizes_F[0] < _APART or (sizes_F[1:] - sizes_F[:-1]).min() < _APART:
        return _as_imagehash(np.asarray(small))
    return block_88


def _as_imagehash(pixels_SS: NDArray[np.uint8]) -> NDArray[np.float64]:
    import scipy.fft  # noqa: PLC0415 -- as long as all other imports; few images need it

    by_column_8S = scipy.fft.dct(pixels_SS, axis=0)[:KEPT]
    return np.asarray(scipy.fft.dct(by_column_8S, axis=1)[:, :KEPT], np.float64)


def code_of(block_88: NDArray[np.float64]) -> int:
    """The hash of the image that has these frequencies."""
    return int(_codes(block_88[None])[0])


def codes_of(block_88: NDArray[np.float64]) -> tuple[int, ...]:
    """The hashes of the image that has these frequencies after each of `levels.TRANSFORMS`.

    They are those of the flipped and turned 32 x 32 pixels, but for frequencies that equal the
    median, where rounding decides.
    """
    turned_T88 = np.concatenate(
        [np.broadcast_to(one, (4, KEPT, KEPT)) for one in (block_88, block_88.T)]
    )
    return tuple(_codes(turned_T88 * _SIGNS_T88).tolist())


def _codes(blocks_N88: NDArray[np.float64]) -> NDArray[np.uint64]:
    """Which frequencies are above the median, the mean of the two in the middle."""
    values_NF = blocks_N88.reshape(len(blocks_N88), KEPT * KEPT)
    sorted_NF = np.sort(values_NF, axis=1)
    median_N = (sorted_NF[:, _MIDDLE - 1] + sorted_NF[:, _MIDDLE]) / 2
    bits_NB = np.packbits(values_NF > median_N[:, None], axis=1)
    return bits_NB.view(">u8")[:, 0].astype(np.uint64)

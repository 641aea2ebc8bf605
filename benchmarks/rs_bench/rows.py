"""Rows of features: made equally long, and refused where they are no numbers.

Legend: `_N` rows of any kind, `_D` dimensions.
"""

from __future__ import annotations

from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from rs_caption.errors import UserError

F = TypeVar("F", np.float32, np.float64)


def unit(rows_ND: NDArray[np.floating], kind: type[F]) -> NDArray[F]:
    """Rows of length 1, computed in this kind of numbers; one of zeros stays as it is."""
    wide_ND = np.asarray(rows_ND, kind)
    lengths_N1 = np.linalg.norm(wide_ND, axis=-1, keepdims=True)
    return np.asarray(wide_ND / np.maximum(lengths_N1, np.finfo(kind).tiny), kind)


def check_finite(rows_ND: NDArray[np.floating], of: str, what: str) -> None:
    """Features must be numbers.

    Args:
        rows_ND: of images or of texts.
        of: the dataset, for the message.
        what: a row is of: image, text.

    Raises:
        UserError: a row holds NaN or an infinity.
    """
    finite_N = np.isfinite(rows_ND).all(axis=1)
    if not finite_N.all():
        raise UserError(
            f"{of}: the features of {what} {int(finite_N.argmin())} are not finite "
            f"({int((~finite_N).sum()):,} such); it would match all or none"
        )

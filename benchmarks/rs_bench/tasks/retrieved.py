"""Which images a model brings forward for a few sentences of a test set: to look at, not to count.

    retrieved_text    (6,)    sentences, evenly spread over the set
    retrieved_own     (6,)    of each, the file of an image that it is said of
    retrieved_file    (6, 5)  the first five images, the best first
    retrieved_is_own  (6, 5)  whether it is said of them

Legend: `_I` images, `_T` texts, `_D` dimensions, `_S` shown texts, `_F` first images.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from rs_bench.ranks import Cosines

if TYPE_CHECKING:
    from rs_bench.tasks.retrieval import Asked

TEXTS, FIRST = 6, 5


def retrieved(
    images_ID: NDArray[np.floating], texts_TD: NDArray[np.floating], asked: Asked
) -> dict[str, NDArray[Any]]:
    """Outcomes as above; none where images or sentences have no names.

    Of images that score alike the first in the data's order goes first.

    Args:
        images_ID: in the order of `asked.files`.
        texts_TD: in the order of `asked.texts`.
        asked: of the protocol.
    """
    if not (asked.files and asked.texts):
        return {}
    number = min(TEXTS, len(asked.texts))
    shown_S = np.array([at * len(asked.texts) // number for at in range(number)])
    scores_SI = Cosines(texts_TD[shown_S], images_ID).whole()
    first_SF = np.argsort(-scores_SI, axis=1, kind="stable")[:, :FIRST]
    text_P, image_P = asked.positives
    own = [image_P[text_P == text] for text in shown_S]
    files_I = np.array(asked.files)
    return {
        "retrieved_text": np.array([asked.texts[text] for text in shown_S]),
        "retrieved_own": files_I[[its[0] for its in own]],
        "retrieved_file": files_I[first_SF],
        "retrieved_is_own": np.array(
            [np.isin(first_F, its) for first_F, its in zip(first_SF, own, strict=True)]
        ),
    }

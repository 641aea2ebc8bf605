"""What a run is trained on: counted when it starts, kept in its checkpoints, said by the card.

    {"allow_unchecked": false, "dedup": [{"tests": {"rsicd": 1093}, ...}], "datasets": [
      {"name": "dota", "images": 1411, "captions": 7055, "weight": 1.0},
      {"name": "mine", ..., "terms": {"licence": "CC BY 4.0", "commercial_use": "yes", ...}}]}

`dedup` has the stamp of each table (`rs-caption dedup`), null where there is none; `terms` are
those that the table keeps of a user's own data (`rs-caption terms --keep`). By the time of an
export the tables may hold other rows.
"""

from __future__ import annotations

from typing import Any

import msgspec
import numpy as np

from rs_caption.table import CaptionTable
from rs_caption.terms.known import NOBODY, stated_by
from rs_train.config import Plain
from rs_train.corpus import Corpus

ORIGIN = "origin"  # its place in a checkpoint's `more`


def origin_of(corpus: Corpus, *, allow_unchecked: bool) -> Plain:
    """Of each table and dataset the images (rows) and captions; as plain values.

    Args:
        corpus: the rows that are trained on.
        allow_unchecked: whether tables were taken that were never compared with test rows.

    Raises:
        TableError: the terms that a table keeps are none.
    """
    captions_N = np.diff(corpus.offsets_N1)
    found = []
    for table, opened in enumerate(corpus.tables):
        terms = _own_terms(opened)
        for dataset, name in enumerate(corpus.datasets):
            its_N = (corpus.table_N == table) & (corpus.dataset_N == dataset)
            if its_N.any():
                images, captions = int(its_N.sum()), int(captions_N[its_N].sum())
                weight = float(corpus.weight_N[its_N][0])
                counts = {"images": images, "captions": captions, "weight": weight}
                found.append({"name": name, **counts, **terms.get(name, {})})
    stamps = [table.about.get("dedup") for table in corpus.tables]
    return {"allow_unchecked": allow_unchecked, "dedup": stamps, "datasets": found}


def _own_terms(table: CaptionTable) -> dict[str, dict[str, Any]]:
    """Dataset of a user's own -> its terms, where the table keeps any."""
    return {
        name: {"terms": msgspec.to_builtins(one.terms)}
        for name, one in stated_by([table]).items()
        if one.is_own and one.terms != NOBODY
    }

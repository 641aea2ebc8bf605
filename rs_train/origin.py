"""What a run is trained on: counted when it starts, kept in its checkpoints, said by the card.

    {"allow_unchecked": false, "dedup": [{"tests": {"rsicd": 1093}, ...}], "datasets": [
      {"name": "dota", "images": 1411, "captions": 7055, "weight": 1.0}]}

`dedup` has the stamp of each table (`rs-caption dedup`), null where there is none. By the time of
an export the tables may hold other rows.
"""

from __future__ import annotations

import numpy as np

from rs_train.config import Plain
from rs_train.corpus import Corpus

ORIGIN = "origin"  # its place in a checkpoint's `more`


def origin_of(corpus: Corpus, *, allow_unchecked: bool) -> Plain:
    """Of each table and dataset the images (rows) and captions; as plain values.

    Args:
        corpus: the rows that are trained on.
        allow_unchecked: whether tables were taken that were never compared with test rows.
    """
    captions_N = np.diff(corpus.offsets_N1)
    found = []
    for table in range(len(corpus.tables)):
        for dataset, name in enumerate(corpus.datasets):
            its_N = (corpus.table_N == table) & (corpus.dataset_N == dataset)
            if its_N.any():
                images, captions = int(its_N.sum()), int(captions_N[its_N].sum())
                weight = float(corpus.weight_N[its_N][0])
                counts = {"images": images, "captions": captions, "weight": weight}
                found.append({"name": name, **counts})
    stamps = [table.about.get("dedup") for table in corpus.tables]
    return {"allow_unchecked": allow_unchecked, "dedup": stamps, "datasets": found}

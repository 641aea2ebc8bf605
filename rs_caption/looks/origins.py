"""Which image files the looks of a table are of: what tells that one was changed, or is gone."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from itertools import islice
from typing import NamedTuple

from rs_caption import storage
from rs_caption.pictures.pixels import bands_of
from rs_caption.table import CaptionTable

Digests = dict[str, str]  # dataset -> digest of the sizes and times of its image files


class Origins(NamedTuple):
    """The image files of a table as they are now."""

    digests: list[Digests]  # of each range of rows
    there: set[str]  # datasets of which at least one image is there

    def are_gone(self, at: int) -> bool:
        """Whether the datasets of a range have no image any more; what was seen outlives them."""
        return not self.there & self.digests[at].keys()

    def are_still(self, at: int, before: Digests) -> bool:
        """Whether the images of a range are those of before, or gone with all of their dataset."""
        now = self.digests[at]
        return all(before.get(name) == now[name] for name in self.there & now.keys())


def origins_of(table: CaptionTable, cuts: Sequence[range]) -> Origins:
    """Ask for every image file of a table; `cuts` are ranges that cover its rows, in order."""
    files = (
        file
        for batch in table.batches(["dataset", "image_path"])
        for file in zip(batch["dataset"].to_pylist(), batch["image_path"].to_pylist(), strict=True)
    )
    there: set[str] = set()
    digests: list[Digests] = []
    for rows in cuts:
        seen: dict[str, hashlib._Hash] = {}
        for dataset, image_path in dict.fromkeys(islice(files, len(rows))):
            root = table.roots.get(dataset)
            facts = None if root is None else storage.file_facts(root / image_path)
            if facts is not None:
                there.add(dataset)
            about = (image_path, bands_of(table.about, dataset), facts)
            seen.setdefault(dataset, hashlib.sha256()).update(repr(about).encode())
        digests.append({dataset: digest.hexdigest() for dataset, digest in seen.items()})
    return Origins(digests, there)

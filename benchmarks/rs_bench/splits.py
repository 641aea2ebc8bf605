"""The paper's splits as lists of images, so that two people can see that they measure the same.

rs2800-test.txt      aGrass/a321.jpg
"""

from __future__ import annotations

import hashlib
from pathlib import Path

import numpy as np

from rs_bench.sets import TRAIN_SHARE, ClassSet
from rs_caption.errors import UserError
from rs_caption.files import read_json, write_json, write_text

DIGESTS_FILE = "digests.json"


def write_split(found: ClassSet, folder: Path) -> dict[str, str]:
    """Write the split of a set as NAME-train.txt and NAME-test.txt, one class/image a line.

    The lists say what images are called in the release, also where groups of classes lie between.
    `digests.json` tells of every set that was written to the folder; SHA-256 of the lists.

    Returns:
        {"train": digest, "test": digest}

    Raises:
        WriteError: the folder cannot be written to.
        UserError: `digests.json` is none of ours.
    """
    entry: dict[str, object] = {
        "split": f"per class, by file name: first int({TRAIN_SHARE} n) train, others test",
        "images": found.digest,
    }
    digests: dict[str, str] = {}
    released = found.released
    for part, chosen_I in (("train", found.train_I), ("test", ~found.train_I)):
        text = "".join(f"{released[at]}\n" for at in np.flatnonzero(chosen_I))
        write_text(folder / f"{found.name}-{part}.txt", text)
        digests[part] = hashlib.sha256(text.encode()).hexdigest()
        entry[part] = {"images": int(chosen_I.sum()), "sha256": digests[part]}
    path = folder / DIGESTS_FILE
    known = read_json(path) if path.exists() else {}
    if not isinstance(known, dict):
        raise UserError(f"{path}: expected an object of sets; choose another folder")
    write_json(path, dict(sorted({**known, found.name: entry}.items())))
    return digests

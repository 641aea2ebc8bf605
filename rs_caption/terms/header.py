"""The YAML header of a dataset card, which hubs read: licence, language, size, splits.

    ---
    pretty_name: Captions of DOTA
    license: other
    ---

Keys and words are those of https://huggingface.co/docs/hub/datasets-cards
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from pathlib import PurePosixPath
from typing import Any

import yaml

from rs_caption.terms.known import Stated
from rs_caption.terms.layouts import data_files

_HUB_LICENCES = {  # SPDX's identifiers, which the hub writes in lower case, that it knows
    *("CC-BY-2.0", "CC-BY-3.0", "CC-BY-4.0", "CC-BY-SA-3.0", "CC-BY-SA-4.0", "CC0-1.0"),
    *("CC-BY-NC-2.0", "CC-BY-NC-3.0", "CC-BY-NC-4.0", "CC-BY-NC-SA-2.0", "CC-BY-NC-SA-3.0"),
    *("CC-BY-NC-SA-4.0", "CC-BY-ND-4.0", "CC-BY-NC-ND-4.0", "MIT", "Apache-2.0"),
}
_SHARDED = {"hf", "webdataset"}  # forms whose files the hub shows split by split
_SHARD = re.compile(r"(?P<split>\w+?)-\d+")
_SIZES = {1_000: "n<1K", 10_000: "1K<n<10K", 100_000: "10K<n<100K", 1_000_000: "100K<n<1M"}
_MOST = "n>1M"


def header(
    title: str,
    stated: Sequence[Stated],
    languages: Sequence[str],
    form: str,
    files: Sequence[str],
    images: int,
) -> str:
    """The header, with its lines of three hyphens.

    Args:
        title: of the whole.
        stated: the datasets in it.
        languages: of all captions, as ISO 639 writes them; empty: not known.
        form: of the export.
        files: paths below its folder.
        images: in all.
    """
    entries: dict[str, Any] = {
        "pretty_name": title,
        **licence_of(stated),
        **({"language": list(languages)} if languages else {}),
        "task_categories": ["image-to-text"],
        "tags": ["remote-sensing", "image-captioning", "rs-caption"],
        "size_categories": [next((word for most, word in _SIZES.items() if images < most), _MOST)],
    }
    if form in _SHARDED:
        entries["configs"] = [
            {"config_name": "default", "data_files": _shards(data_files(form, files))}
        ]
    text: str = yaml.safe_dump(entries, sort_keys=False, allow_unicode=True, width=1000)
    return f"---\n{text}---\n"


def licence_of(stated: Sequence[Stated]) -> dict[str, str]:
    """The one licence of all datasets, where the hub knows it; else that there are several."""
    names = {one.terms.spdx for one in stated}
    if len(names) == 1 and names <= _HUB_LICENCES:
        return {"license": names.pop().lower()}
    return {"license": "other", "license_name": "terms-of-each-source"}


def _shards(names: Sequence[str]) -> list[Mapping[str, str]]:
    """Which files a split has: `train` -> data/train-*.parquet."""
    found: dict[str, str] = {}
    for name in names:
        path = PurePosixPath(name)
        if match := _SHARD.match(path.name):
            split = match["split"]
            found[split] = path.with_name(f"{split}-*{path.suffix}").as_posix()
    return [{"split": split, "path": found[split]} for split in sorted(found)]

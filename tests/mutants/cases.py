"""Datasets to break: every captioned manifest in every version, and a user's own in every form."""

from __future__ import annotations

from functools import partial
from pathlib import Path

from fakes import Fake, some_of, write

from mutants.trial import Describe, Laid, laid
from rs_caption import manifest as manifests
from rs_caption import own
from rs_caption.manifest import Manifest
from rs_caption.own.found import Wish

_COAST = """
name = "coast"
title = "Coast"
family = "{family}"
reader = "{reader}"
citation = "-"
classes = [
  {{ name = "ship", value = 0, singular = "ship", plural = "ships", article = "a" }},
  {{ name = "storage tank", value = 1, singular = "tank", plural = "tanks", article = "a" }},
  {{ name = "bus", value = 2, singular = "bus", plural = "buses", article = "a" }},
]
[layout]
source = "-"
parts = [{parts}]
[splits]
train = {{ source = "-" }}
val = {{ source = "-" }}
[terms]
source = "-"
licence = "-"
commercial_use = "yes"
homepage = "-"
{more}
"""
_FIRST = '[boxes]\nsource = "-"\nfirst = 1\ninclusive = true'
_OWN = {  # form -> annotations of the two splits, further files, what the manifest needs more
    "coco": ("images", "annotations/SPLIT.json", {}, ""),
    "csv": ("images", "SPLIT.csv", {}, ""),
    "masks": (
        "SPLIT/images",
        "SPLIT/masks",
        {"classes.csv": "name,value\nbackground,3\nship,0\nstorage tank,1\nbus,2\n"},
        '[palette]\nsource = "-"\nbackground = [3]',
    ),
    "voc": ("SPLIT/images", "SPLIT/annotations", {}, _FIRST),
    "yolo": (
        "images/SPLIT",
        "labels/SPLIT",
        {"data.yaml": "train: images/train\nval: images/val\nnames: [ship, storage tank, bus]\n"},
        "",
    ),
}


def every() -> dict[str, Manifest | str]:
    """Name of a case -> a manifest, or the form of own data."""
    cases: dict[str, Manifest | str] = {f"own {form}": form for form in _OWN}
    for facts in manifests.captioned():
        if facts.versions:
            cases |= {f"{facts.name} {name}": facts.at(name) for name in facts.versions}
        else:
            cases[facts.name] = facts
    return cases


def lay(root: Path, case: Manifest | str) -> Laid:
    """Lay the dataset of a case out."""
    if isinstance(case, str):
        return laid(root, _own(root, case))
    write(root, case, _few(case))
    return laid(root, lambda _: case)


def _few(facts: Manifest) -> list[Fake]:
    """Two images of each split."""
    fakes = some_of(facts)
    return [one for split in facts.splits for one in [f for f in fakes if f.split == split][:2]]


def _own(root: Path, form: str) -> Describe:
    images, annotations, files, more = _OWN[form]
    family = "seg" if form == "masks" else "det"
    parts = [
        f'{{ split = "{split}", images = ["{images}"], annotations = ["{annotations}"] }}'.replace(
            "SPLIT", split
        )
        for split in ("train", "val")
    ]
    text = _COAST.format(family=family, reader=form, more=more, parts=", ".join(parts))
    facts = manifests.parse(text.encode(), form)
    write(root, facts, _few(facts))
    for name, content in files.items():
        (root / name).write_text(content)
    return partial(_described, form)


def _described(form: str, root: Path) -> Manifest:
    return own.manifest_of(form, Wish(root))

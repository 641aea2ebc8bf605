"""A user's own data: what lies in a folder of a common form, put into a manifest.

From there on it is a dataset like any other. Each form is a module with `describe(root, wish)`,
which looks at names and lists, and at annotations for the classes in them, but opens no image.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable

import msgspec

from rs_caption.errors import UserError
from rs_caption.facts import Class, Layout, Noun, Split
from rs_caption.manifest import Manifest, names
from rs_caption.own import coco, masks, table_csv, voc, yolo
from rs_caption.own.found import Found, Known, Wish
from rs_caption.own.nouns import nouns_of
from rs_caption.terms.known import own_terms

FORMS: dict[str, Callable[[Wish], Found]] = {
    "coco": coco.describe,
    "csv": table_csv.describe,
    "masks": masks.describe,
    "voc": voc.describe,
    "yolo": yolo.describe,
}

_YOURS = "the folder as it is"


def manifest_of(form: str, wish: Wish) -> Manifest:
    """The manifest of the data below `wish.root`, named after its form unless `wish` names it.

    Raises:
        UserError: the folder has not this form, a file given for classes, nouns or terms is no
            such, or the name is not fit.
    """
    _check_name(wish.name)
    found = FORMS[form](wish)
    nouns = nouns_of([known.name for known in found.classes], wish.nouns)
    classes = tuple(_class(known, nouns[known.name]) for known in found.classes)
    terms = own_terms(wish.terms, wish.name or form)
    splits = {part.split for part in found.parts if part.split} | set(found.splits)
    manifest = Manifest(
        name=wish.name or form,
        title=terms.title or wish.name or f"{form} data",
        family=found.family,
        reader=found.reader,
        citation=terms.citation,
        layout=Layout(source=_YOURS, parts=found.parts, suffix=found.suffix),
        splits={split: Split(source=_YOURS) for split in sorted(splits)},
        terms=terms,
        classes=classes,
        classes_source=_YOURS,
        boxes=found.boxes,
        palette=found.palette,
        quirks={"no_objects": "images without objects are normal"},
    )
    digest = hashlib.sha256(msgspec.json.encode(manifest, order="deterministic")).hexdigest()
    return msgspec.structs.replace(manifest, digest=digest)


def _check_name(name: str) -> None:
    """A name begins each `image_id`: `/` ends it there, and `#` begins the number of a tile.

    Raises:
        UserError: it has one of them, is blank, or is that of a published dataset.
    """
    if name and (not name.strip() or not name.isprintable()):
        raise UserError(f"--name: expected a name, found {name!r}")
    if "/" in name or "#" in name:
        raise UserError(f"--name: expected a name without / and #, found {name!r}")
    if name in names():
        raise UserError(
            f"--name: {name} is the name of a published dataset; give your own data another one"
        )


def _class(known: Known, noun: Noun) -> Class:
    return Class(
        name=known.name,
        value=known.value,
        singular=noun.singular,
        plural=noun.plural,
        article=noun.article,
    )

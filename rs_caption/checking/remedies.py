"""What to say of each reason for skipping: what is wrong, what to do about it."""

from __future__ import annotations

from rs_caption.errors import Reason

_LEFT_OUT = "convert leaves them out"

# in place of that of `missing_image` where no image is wanted
SIZELESS = (
    "annotations that do not state the size of their image",
    "they need the images: leave out --annotations-only",
)
REMEDIES: dict[Reason, tuple[str, str]] = {
    "no_objects": ("images without any object", "they give no row"),
    "missing_image": (
        "annotations or list entries without their image",
        "unpack the images again; to convert without any image: --annotations-only",
    ),
    "missing_annotation": (
        "images without an annotation",
        f"unpack the annotations again; {_LEFT_OUT}",
    ),
    "bad_image": ("images that cannot be read", f"unpack or download them again; {_LEFT_OUT}"),
    "bad_annotation": (
        "annotations that cannot be read",
        f"unpack them again, or mend the line; {_LEFT_OUT}",
    ),
    "unknown_class": (
        "annotations with a class that the dataset does not have",
        f"they may be of another version or dataset; {_LEFT_OUT}",
    ),
    "size_mismatch": (
        "annotations of an image of another size",
        f"images and annotations are not of one release; {_LEFT_OUT}",
    ),
    "unknown_mask_value": (
        "masks with a value that is no class",
        f"they may be of another release, or recoloured; {_LEFT_OUT}",
    ),
    "duplicate_image_id": ("images that are there twice", "keep one of each"),
    "empty_caption": ("empty sentences", _LEFT_OUT),
    "no_captions": ("images without a sentence", _LEFT_OUT),
    "not_listed": ("files that are in none of the lists", _LEFT_OUT),
}

"""DOTA: one text file an image."""

from pathlib import Path

from fakes.fake import Placed, Writer, place
from rs_caption.facts import Part
from rs_caption.manifest import Manifest


def _write(root: Path, _: Manifest, placed: Placed) -> None:
    for fake, part in placed:
        lines = [
            f"{' '.join(f'{v:g}' for v in corners)} {name} 0" for name, corners in fake.objects
        ]
        label(root, part, fake.name, "\n".join(["imagesource:GoogleEarth", "gsd:0.1", *lines, ""]))


def label(root: Path, part: Part, image: str, text: str | bytes) -> Path:
    """One DOTA label file, in the part's official folder."""
    path = place(root, part.annotations[0], Path(image).stem, ".txt")
    path.write_bytes(text.encode() if isinstance(text, str) else text)
    return path


WRITER = Writer(_write, oriented=True)

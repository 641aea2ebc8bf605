"""YOLO: one text file an image, corners as shares of it; read without class values, ids count."""

from pathlib import Path

from fakes.fake import Placed, Writer, place
from rs_caption.manifest import Manifest


def _write(root: Path, manifest: Manifest, placed: Placed) -> None:
    ids = {entry.name: entry.value for entry in manifest.classes}
    for fake, part in placed:
        width, height = fake.size_wh
        lines = []
        for name, corners in fake.objects:
            shares = [v / (height if at % 2 else width) for at, v in enumerate(corners)]
            lines.append(" ".join(map(repr, [ids[name], *shares])))
        path = place(root, part.annotations[0], fake.stem, ".txt")
        path.write_text("".join(f"{line}\n" for line in lines))


WRITER = Writer(_write, oriented=True)

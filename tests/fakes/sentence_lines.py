"""Sentences as lines, and the name of the image of each line."""

from pathlib import Path

from fakes.fake import Placed, Writer
from rs_caption.manifest import Manifest


def _write(root: Path, _: Manifest, placed: Placed) -> None:
    for part in {part for _, part in placed}:
        own = [(fake.name, text) for fake, of in placed if of == part for text in fake.sentences]
        for column, candidates in enumerate((part.members, part.annotations)):
            path = root / candidates[0]
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text("".join(f"{line[column]}\n" for line in own), encoding="utf-8")


WRITER = Writer(_write)

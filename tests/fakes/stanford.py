"""Stanford Drone: one text file a video; each fake is an extracted frame."""

from collections import defaultdict
from pathlib import Path

from fakes.fake import Fake, Placed, Writer, xyxy
from rs_caption.facts import Part
from rs_caption.manifest import Manifest

# Three tracks in the frames 0 to 4, some of them lost, occluded or generated.
TRACKS = """\
0 10 10 20 20 0 0 0 0 "Pedestrian"
0 12 10 22 20 1 0 0 1 "Pedestrian"
0 14 10 24 20 2 1 0 1 "Pedestrian"
1 40 20 60 30 0 0 1 1 "Biker"
1 42 20 62 30 2 0 1 1 "Biker"
2 70 30 90 50 0 1 0 1 "Cart"
2 70 30 90 50 4 1 0 1 "Cart"
"""


def _write(root: Path, _: Manifest, placed: Placed) -> None:
    videos: dict[str, list[str]] = defaultdict(list)
    folders: dict[str, Part] = {}
    for fake, part in placed:
        scene, video, frame = fake.stem.split("_")
        folders[f"{scene}/{video}"] = part
        videos[f"{scene}/{video}"] += _rows(fake, int(frame), 100 * len(videos))
    for name, rows in videos.items():
        track_file(root, name, "".join(rows), folders[name].annotations[0])


def _rows(fake: Fake, frame: int, track: int) -> list[str]:
    rows = []
    for at, (name, corners) in enumerate(fake.objects, start=track):
        box = " ".join(f"{side:g}" for side in xyxy(corners))
        rows.append(f'{at} {box} {frame} 0 0 1 "{name}"\n')
    return rows


def track_file(root: Path, video: str, text: str | bytes, folder: str = "annotations") -> Path:
    """The annotations of a video such as `quad/video0`."""
    path = root / folder / video / "annotations.txt"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(text.encode() if isinstance(text, str) else text)
    return path


def _stem(_: str, at: int) -> str:
    return f"quad_video{at % 2}_{30 * at}"


WRITER = Writer(_write, stem=_stem)

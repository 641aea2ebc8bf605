"""Videos whose frames say their number, so that an off-by-one shows."""

from fractions import Fraction
from pathlib import Path

import av
import numpy as np
from PIL import Image

BITS, BLOCK_PX = 8, 16


def numbered(number: int, size_wh: tuple[int, int] = (BITS * BLOCK_PX, 64)) -> Image.Image:
    """A picture with its number in black and white blocks, the lowest bit first."""
    blocks = [255 * (number >> bit & 1) for bit in range(BITS)]
    row = np.array([blocks, [255 - value for value in blocks]], np.uint8)
    return Image.fromarray(row).resize(size_wh, Image.Resampling.NEAREST).convert("RGB")


def number_of(image: Image.Image) -> int:
    """The number that a picture shows, whatever compression made of it."""
    small = np.asarray(image.convert("L").resize((BITS, 2), Image.Resampling.BOX))
    return sum(1 << bit for bit in range(BITS) if small[0, bit] > 127)


def film(
    path: Path,
    frames: int,
    *,
    codec: str = "libx264",
    gop: int = 12,
    b_frames: int = 2,
    size_wh: tuple[int, int] = (BITS * BLOCK_PX, 64),
) -> Path:
    """A video of numbered frames; B-frames are stored in another order than they are shown in."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with av.open(str(path), "w") as container:
        stream = container.add_stream(codec, rate=Fraction(30000, 1001))
        stream.width, stream.height = size_wh
        stream.pix_fmt = "yuv420p"
        stream.gop_size = gop
        stream.max_b_frames = b_frames
        for number in range(frames):
            picture = av.VideoFrame.from_image(numbered(number, size_wh))
            container.mux(stream.encode(picture))
        container.mux(stream.encode(None))
    return path


def has_b_frames(path: Path) -> bool:
    """Whether packets stand in another order than their pictures are shown in."""
    with av.open(str(path)) as container:
        shown = [packet.pts for packet in container.demux(video=0) if packet.size]
    return shown != sorted(shown)

"""PASCAL VOC: one XML an image; `robndbox` in a folder of oriented boxes."""

from pathlib import Path

from fakes.fake import Fake, Placed, Quad, Writer, place, xyxy
from rs_caption.facts import BoxForm
from rs_caption.manifest import Manifest

_SIDES = ("xmin", "ymin", "xmax", "ymax")
_CORNERS = ("left_top", "right_top", "right_bottom", "left_bottom")


def _write(root: Path, manifest: Manifest, placed: Placed) -> None:
    for fake, part in placed:
        folder = part.annotations[0]
        text = voc(fake, manifest.boxes, oriented="Oriented" in folder)
        place(root, folder, fake.stem, ".xml").write_text(text, encoding="utf-8")


def voc(fake: Fake, form: BoxForm | None = None, *, oriented: bool = False) -> str:
    """The XML of one image."""
    width, height = fake.size_wh
    objects = "".join(
        f"<object><name>{name}</name>{_box(corners, form, oriented=oriented)}</object>\n"
        for name, corners in fake.objects
    )
    size = f"<size><width>{width}</width><height>{height}</height><depth>3</depth></size>"
    return f"<annotation>\n<filename>{fake.name}</filename>\n{size}\n{objects}</annotation>\n"


def _box(corners: Quad, form: BoxForm | None, *, oriented: bool) -> str:
    first, last = (form.first, 1 if form.inclusive else 0) if form else (0, 0)
    if oriented:
        names = [f"{axis}_{corner}" for corner in _CORNERS for axis in "xy"]
        return _tag("robndbox", names, [value + first for value in corners])
    x0, y0, x1, y1 = xyxy(corners)
    values = [x0 + first, y0 + first, x1 + first - last, y1 + first - last]
    return _tag("bndbox", _SIDES, values)


def _tag(tag: str, names: list[str] | tuple[str, ...], values: list[float]) -> str:
    leaves = "".join(
        f"<{name}>{value:g}</{name}>" for name, value in zip(names, values, strict=True)
    )
    return f"<{tag}>{leaves}</{tag}>"


WRITER = Writer(_write)

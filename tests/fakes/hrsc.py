"""HRSC2016: one XML an image, boxes by centre, size and angle (here 0)."""

from pathlib import Path

from fakes.fake import Fake, Placed, Writer, place, xyxy
from rs_caption.manifest import Manifest

SHIP = """
    <HRSC_Object>
      <Object_ID>100000001</Object_ID>
      <Class_ID>{id}</Class_ID>
      <truncated>0</truncated>
      <difficult>0</difficult>
      <mbox_cx>{cx:g}</mbox_cx>
      <mbox_cy>{cy:g}</mbox_cy>
      <mbox_w>{w:g}</mbox_w>
      <mbox_h>{h:g}</mbox_h>
      <mbox_ang>{angle:g}</mbox_ang>
      <seg_color>
      </seg_color>
    </HRSC_Object>"""

IMAGE = """<HRSC_Image>
  <Img_FileName>{stem}</Img_FileName>
  <Img_Des>
  </Img_Des>
  <Img_SizeWidth>{width}</Img_SizeWidth>
  <Img_SizeHeight>{height}</Img_SizeHeight>
  <Annotated>{annotated}</Annotated>
  <HRSC_Objects>{ships}
  </HRSC_Objects>
</HRSC_Image>
"""


def _write(root: Path, manifest: Manifest, placed: Placed) -> None:
    ids = {entry.name: entry.aliases[0] for entry in manifest.classes}
    for fake, part in placed:
        ships = [
            ship(ids[name], (x0 + x1) / 2, (y0 + y1) / 2, x1 - x0, y1 - y0)
            for name, corners in fake.objects
            for x0, y0, x1, y1 in [xyxy(corners)]
        ]
        place(root, part.annotations[0], fake.stem, ".xml").write_text(image(fake, ships))


def ship(id_: str, cx: float, cy: float, w: float, h: float, angle: float = 0) -> str:
    """One object; the angle is in radians."""
    return SHIP.format(id=id_, cx=cx, cy=cy, w=w, h=h, angle=angle)


def image(fake: Fake, ships: list[str], annotated: int = 1) -> str:
    """The file of one image."""
    width, height = fake.size_wh
    return IMAGE.format(
        stem=fake.stem, width=width, height=height, annotated=annotated, ships="".join(ships)
    )


WRITER = Writer(_write)

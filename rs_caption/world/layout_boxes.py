"""The on-disk layouts of datasets of boxes, as their releases have them.

* DOTA v1.0: ``{train,val}/images/P0011.png`` and ``{train,val}/labelTxt/P0011.txt``, lines such as
  ``184.0 37.0 201.0 39.0 197.0 80.0 180.0 78.0 ship 0`` under an optional header.
* DIOR: ``JPEGImages-{trainval,test}/00001.jpg``, ``Annotations/Horizontal Bounding
  Boxes/00001.xml`` in PASCAL's form, and the splits in ``ImageSets/Main/{train,val,test}.txt``.
* VisDrone: ``VisDrone2019-DET-train/{images,annotations}/0000001_00000_d_0000001.{jpg,txt}``, rows
  ``left,top,width,height,score,category,truncation,occlusion``.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from pathlib import Path
from random import Random

from PIL import Image

from rs_caption.world.geometry import area, area_inside, box_inside
from rs_caption.world.jobs import Job
from rs_caption.world.ledger import Ledger, Written
from rs_caption.world.saving import save_jpeg, save_png, save_text
from rs_caption.world.scene import Scene
from rs_caption.world.sprite import Placed

DIOR_NAMES = {
    "plane": "airplane", "ship": "ship", "storage-tank": "storagetank", "bridge": "bridge",
    "tennis-court": "tenniscourt", "basketball-court": "basketballcourt", "harbor": "harbor",
    "small-vehicle": "vehicle", "large-vehicle": "vehicle",
}  # fmt: skip
DIOR_PLACES = {"airport": "airport"}  # kinds of scenes that are an object of DIOR as a whole
VISDRONE_CODES = {"small-vehicle": 4, "large-vehicle": 6}  # car, truck
CUT = 0.85  # of an object less than this is inside: it counts as cut by the border


def dota_paths(root: Path, split: str, stem: str) -> tuple[Path, Path]:
    """Return the image and label path of a DOTA picture."""
    folder = root / "DOTA" / split
    return folder / "images" / f"{stem}.png", folder / "labelTxt" / f"{stem}.txt"


def dota_label(scene: Scene, rng: Random) -> str:
    """Return a DOTA label file; header, line ends and number form vary as in the release."""
    end = "\r\n" if rng.random() < 0.3 else "\n"
    suffix = ".0" if rng.random() < 0.3 else ""
    lines = []
    if rng.random() > 0.15:
        gsd = "null" if rng.random() < 0.1 else f"{scene.gsd:.12f}"
        lines += ["imagesource:GoogleEarth", f"gsd:{gsd}"]
    for placed in scene.objects:
        corners = " ".join(f"{round(value)}{suffix}" for point in placed.quad for value in point)
        lines.append(f"{corners} {placed.name} {int(_is_cut(placed, scene))}")
    return "".join(line + end for line in lines)


def write_dota(root: Path, job: Job) -> Written:
    """Write an image and its oriented boxes."""
    scene = job.draw()
    image, label = dota_paths(root, job.split, job.name)
    save_png(image, Image.fromarray(scene.pixels))
    save_text(label, dota_label(scene, Random(f"{job.key}/label")))
    return Written(job, len(scene.objects))


def dior_paths(root: Path, split: str, stem: str) -> tuple[Path, Path]:
    """Return the image and annotation path of a DIOR picture."""
    images = f"JPEGImages-{'test' if split == 'test' else 'trainval'}"
    boxes = root / "DIOR" / "Annotations" / "Horizontal Bounding Boxes"
    return root / "DIOR" / images / f"{stem}.jpg", boxes / f"{stem}.xml"


def write_dior(root: Path, job: Job) -> Written:
    """Write an image and the hulls of the objects that DIOR has a class for."""
    scene = job.draw()
    width, height = job.size_wh
    objects = [
        (DIOR_NAMES[placed.name], _box(placed, scene))
        for placed in scene.objects
        if placed.name in DIOR_NAMES
    ]
    if job.kind in DIOR_PLACES:
        objects.append((DIOR_PLACES[job.kind], (0, 0, width, height)))
    image, annotation = dior_paths(root, job.split, job.name)
    save_jpeg(image, Image.fromarray(scene.pixels))
    save_text(annotation, _voc(f"{job.name}.jpg", job.size_wh, objects))
    return Written(job, len(objects))


def write_dior_lists(ledger: Ledger) -> None:
    """Write the lists of stems that are DIOR's splits."""
    stems = defaultdict(list)
    for job in ledger.jobs["DIOR"]:
        stems[job.split].append(f"{job.name}\n")
    for split, lines in stems.items():
        path = ledger.root / "DIOR" / "ImageSets" / "Main" / f"{split}.txt"
        save_text(path, "".join(lines))


def write_visdrone(root: Path, job: Job) -> Written:
    """Write an image and the rows of its vehicles."""
    scene = job.draw()
    rows = []
    for placed in scene.objects:
        if placed.name in VISDRONE_CODES:
            x0, y0, x1, y1 = _box(placed, scene)
            code, cut = VISDRONE_CODES[placed.name], int(_is_cut(placed, scene))
            rows.append(f"{x0},{y0},{x1 - x0},{y1 - y0},1,{code},{cut},0\r\n")
    folder = root / "VisDrone" / f"VisDrone2019-DET-{job.split}"
    save_jpeg(folder / "images" / f"{job.name}.jpg", Image.fromarray(scene.pixels))
    save_text(folder / "annotations" / f"{job.name}.txt", "".join(rows))
    return Written(job, len(rows))


def _is_cut(placed: Placed, scene: Scene) -> bool:
    """Whether the image border cuts an object markedly."""
    height, width = scene.pixels.shape[:2]
    return area_inside(placed.quad, width, height) < CUT * area(placed.quad)


def _box(placed: Placed, scene: Scene) -> tuple[int, int, int, int]:
    """The hull of what is inside the picture, to whole pixels."""
    height, width = scene.pixels.shape[:2]
    x0, y0, x1, y1 = (round(value) for value in box_inside(placed.quad, width, height))
    return x0, y0, x1, y1


def _voc(
    filename: str, size_wh: tuple[int, int], objects: Sequence[tuple[str, Sequence[int]]]
) -> str:
    """An annotation file in PASCAL VOC's form."""
    lines = [
        "<annotation>",
        f"\t<filename>{filename}</filename>",
        "\t<source><database>DIOR</database></source>",
        f"\t<size><width>{size_wh[0]}</width><height>{size_wh[1]}</height><depth>3</depth></size>",
        "\t<segmented>0</segmented>",
    ]
    for name, box in objects:
        axes = zip(("xmin", "ymin", "xmax", "ymax"), box, strict=True)
        corners = "".join(f"<{axis}>{value}</{axis}>" for axis, value in axes)
        lines += [
            f"\t<object>\n\t\t<name>{name}</name>",
            "\t\t<pose>Unspecified</pose>",
            f"\t\t<bndbox>{corners}</bndbox>\n\t</object>",
        ]
    return "\n".join([*lines, "</annotation>", ""])

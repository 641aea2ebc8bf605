"""What is measured of one program on one set, in a process of its own: `convert.py` starts it.

    python benchmarks/speed/convert_peers.py PROGRAM SET ROOT OUT

Prints a line of JSON: CPU and wall seconds of the conversion, without the start of the program;
peak memory; images and boxes as they are found in what it wrote or holds. Peers are led to COCO, or
to what they have in memory where they write none; rs-caption to captions, five an image. A peer
that is not installed, or does not read the format, says so.
"""

from __future__ import annotations

import json
import resource
import sys
import time
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import NamedTuple

from apart import CannotRunError, need

VOC = "Annotations/Horizontal Bounding Boxes"


class Counted(NamedTuple):
    """What a conversion accounts for."""

    images: int
    boxes: int


Run = Callable[[], Callable[[], Counted]]  # converts; what it gives counts, and is not timed


def rs_caption(dataset: str, root: Path, out: Path) -> Run:
    """The conversion of `rs-caption convert --workers 1`: parse, caption, write Parquet."""
    need("rs_caption")
    from rs_caption.convert import convert  # noqa: PLC0415 -- peers do without it
    from rs_caption.own.found import Wish  # noqa: PLC0415
    from rs_caption.request import Request  # noqa: PLC0415
    from rs_caption.select import Typed, select  # noqa: PLC0415

    dataset, _, without = dataset.partition(" ")
    with_images = not without
    facts, options = select(dataset, Wish(root, with_images=with_images), Typed())
    request = Request(facts, root, out, options, with_images=with_images)

    def run() -> Callable[[], Counted]:
        report = convert(request)
        images = sum(split["images"] for split in report.splits.values())
        boxes = sum(n for what, n in report.objects.items() if what == "annotated")
        return lambda: Counted(images + sum(report.skipped.values()), boxes)

    return run


def _in_coco(files: Iterable[Path]) -> Counted:
    """What is in the COCO files that a program has written."""
    made = [json.loads(file.read_bytes()) for file in files]
    boxes = sum(len(one["annotations"]) for one in made)
    return Counted(sum(len(one["images"]) for one in made), boxes)


def datumaro(dataset: str, root: Path, out: Path) -> Run:
    """Import, and export to COCO."""
    library = need("datumaro")
    name = _format(dataset, {"dota": "dota", "dior": "voc"})
    if name == "voc":  # it reads PASCAL's own folders: made for it of links
        root = _as_pascal(root, out / "voc")

    def run() -> Callable[[], Counted]:
        read = library.Dataset.import_from(str(root), format=name)
        read.export(str(out / "coco"), "coco_instances", save_media=False)
        return lambda: _in_coco(out.rglob("instances_*.json"))

    return run


def _as_pascal(root: Path, view: Path) -> Path:
    view.mkdir()
    (view / "Annotations").symlink_to(root / VOC)
    (view / "ImageSets").symlink_to(root / "ImageSets")
    (view / "JPEGImages").mkdir()
    for folder in ("JPEGImages-trainval", "JPEGImages-test"):
        for image in (root / folder).iterdir():
            (view / "JPEGImages" / image.name).symlink_to(image)
    return view


def globox(dataset: str, root: Path, out: Path) -> Run:
    """VOC to COCO."""
    library = need("globox")
    folder = root / _format(dataset, {"dior": VOC})
    file = out / "coco.json"

    def run() -> Callable[[], Counted]:
        library.AnnotationSet.from_pascal_voc(folder).save_coco(file, auto_ids=True)
        return lambda: _in_coco([file])

    return run


def supervision(dataset: str, root: Path, out: Path) -> Run:
    """VOC to COCO, train and val: its reader wants the images in one folder."""
    library = need("supervision")
    folder = root / _format(dataset, {"dior": VOC})
    file = out / "coco.json"

    def run() -> Callable[[], Counted]:
        images = root / "JPEGImages-trainval"
        read = library.DetectionDataset.from_pascal_voc(str(images), str(folder))
        read.as_coco(annotations_path=str(file))
        return lambda: _in_coco([file])

    return run


def pylabel(dataset: str, root: Path, out: Path) -> Run:
    """VOC to COCO."""
    importer = need("pylabel.importer")
    folder = root / _format(dataset, {"dior": VOC})
    file = out / "coco.json"

    def run() -> Callable[[], Counted]:
        read = importer.ImportVOC(path=str(folder))
        read.export.ExportToCoco(output_path=str(file))
        return lambda: _in_coco([file])

    return run


def plain_python(dataset: str, root: Path, out: Path) -> Run:
    """No peer reads VisDrone; this stands in: the shortest parser there is, to COCO."""
    _format(dataset, {"visdrone": ""})

    def run() -> Callable[[], Counted]:
        images, annotations = [], []
        for file in sorted(root.glob("*/annotations/*.txt")):
            images.append({"id": len(images), "file_name": f"{file.stem}.jpg"})
            for line in file.read_text().splitlines():
                x, y, w, h, _, category, *_ = map(int, line.split(","))
                annotations.append(
                    {
                        "id": len(annotations),
                        "image_id": len(images) - 1,
                        "category_id": category,
                        "bbox": [x, y, w, h],
                        "area": w * h,
                        "iscrowd": 0,
                    }
                )
        made = {"images": images, "annotations": annotations}
        (out / "coco.json").write_text(json.dumps(made))
        return lambda: Counted(len(images), len(annotations))

    return run


PROGRAMS = {
    "rs-caption": rs_caption,
    "Datumaro": datumaro,
    "globox": globox,
    "supervision": supervision,
    "pylabel": pylabel,
    "plain Python": plain_python,
}


def _format(dataset: str, known: dict[str, str]) -> str:
    name = dataset.partition(" ")[0]
    if name not in known:
        raise CannotRunError("does not read it")
    return known[name]


def _cpu_s() -> float:
    usages = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(usage.ru_utime + usage.ru_stime for usage in usages)


def main(program: str, dataset: str, root: Path, out: Path) -> dict[str, object]:
    """Measure; what cannot run says why."""
    try:
        run = PROGRAMS[program](dataset, root, out)
    except CannotRunError as error:
        return {"problem": str(error)}
    cpu_s, started = _cpu_s(), time.monotonic()
    count = run()
    cpu_s, wall_s = _cpu_s() - cpu_s, time.monotonic() - started
    peak_mb = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    return {"cpu_s": cpu_s, "wall_s": wall_s, "peak_mb": peak_mb, **count()._asdict()}


if __name__ == "__main__":
    measured = main(sys.argv[1], sys.argv[2], *map(Path, sys.argv[3:]))
    sys.stdout.write(f"\n{json.dumps(measured)}\n")

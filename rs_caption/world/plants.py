"""What is planted in a world so that cleaning has something true to find: duplicates and faults."""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from random import Random

from PIL import Image

from rs_caption.looks.phash import phash
from rs_caption.world.jobs import Job, dota_stem
from rs_caption.world.layout_boxes import dota_label, dota_paths
from rs_caption.world.layout_texts import said_path
from rs_caption.world.ledger import Entry, Ledger
from rs_caption.world.saving import save_jpeg, save_png, save_text
from rs_caption.world.sentences import describe

NEAR = 2  # Hamming distance within which a re-encoded copy must stay
QUALITIES = (55, 65, 75, 85, 95)  # coarsest first: the first that stays near is taken


@dataclass(frozen=True)
class Planted:
    """One planted item; paths are relative to the world's root."""

    kind: str  # duplicate, mirror, crop, fault or feature
    dataset: str
    path: str
    detail: str
    test: bool  # the item lies in a test split
    of: str = ""  # duplicates, mirrors, crops: the original
    reason: str = ""  # faults: the name the converter counts it under

    def as_json(self) -> dict[str, str | bool]:
        """Return the item for ``planted.json``, without empty fields."""
        return {key: value for key, value in vars(self).items() if value != ""}


def plant(ledger: Ledger, seed: int) -> list[Planted]:
    """Add every duplicate and fault to a freshly written world, and name the special masks."""
    train = [entry for entry in ledger.said["RSICD"] if entry.split == "train"]
    copied = _reencoded(ledger, train, "train", seed)
    taken = {copied.of.rsplit("/", 1)[1]}
    leaked = _reencoded(ledger, [e for e in train if e.filename not in taken], "test", seed)
    return [
        _copied_scene(ledger),
        copied,
        leaked,
        _scene_as_picture(ledger, seed),
        *_dota_faults(ledger, seed),
        *_rsicd_faults(ledger, seed),
        *_features(),
    ]


def _copied_scene(ledger: Ledger) -> Planted:
    """Copy a DOTA training image and its label, byte for byte, to another name."""
    job = ledger.train("DOTA")[4]
    sources = dota_paths(ledger.root, "train", job.name)
    targets = dota_paths(ledger.root, "train", _next_stem(ledger, job))
    for source, target in zip(sources, targets, strict=True):
        shutil.copyfile(source, target)
    rows = sum(" " in line for line in sources[1].read_text(encoding="ascii").splitlines())
    ledger.add("DOTA", "train", 1, rows)
    detail = "training image and label copied byte for byte"
    return _duplicate(ledger, "DOTA", (sources[0], targets[0]), detail, test=False)


def _reencoded(ledger: Ledger, sources: Sequence[Entry], split: str, seed: int) -> Planted:
    """Save one of the training pictures again, coarser, under a new name in ``split``."""
    order = Random(f"{seed}/RSICD/reencoded/{split}").sample(list(sources), len(sources))
    for entry in order:
        source = said_path(ledger.root, "RSICD", entry.filename)
        target = said_path(ledger.root, "RSICD", _next_name(ledger, entry.filename))
        with Image.open(source) as image:
            quality = save_near(image.convert("RGB"), target)
        if quality:
            ledger.say("RSICD", Entry(target.name, split, list(entry.sentences)))
            detail = f"training picture saved again at JPEG quality {quality}, split {split}"
            return _duplicate(ledger, "RSICD", (source, target), detail, test=split == "test")
    raise AssertionError("no picture survives JPEG at quality 95")


def _scene_as_picture(ledger: Ledger, seed: int) -> Planted:
    """Resize a whole DOTA training scene to RSICD's size and put it into RSICD's test split."""
    jobs = [job for job in ledger.train("DOTA") if job.kind in {"airport", "tank_farm", "port"}]
    for job in [j for j in jobs if j is not ledger.train("DOTA")[4]] + jobs:
        source = dota_paths(ledger.root, "train", job.name)[0]
        owner = {"airport": "airport", "tank_farm": "storagetanks", "port": "port"}[job.kind]
        target = said_path(ledger.root, "RSICD", _next_name(ledger, f"{owner}_0.jpg"))
        with Image.open(source) as image:
            picture = image.convert("RGB").resize((224, 224), Image.Resampling.LANCZOS)
            quality = save_near(picture, target, QUALITIES[2:], phash(image))
        if quality:
            sentences = describe(job.draw(), Random(f"{seed}/RSICD/{target.stem}/sentences"))
            ledger.say("RSICD", Entry(target.name, "test", sentences))
            detail = f"whole DOTA training scene resized to 224, JPEG quality {quality}, split test"
            return _duplicate(ledger, "RSICD", (source, target), detail, test=True)
    raise AssertionError("no scene survives resizing")


def _dota_faults(ledger: Ledger, seed: int) -> list[Planted]:
    """Plant an empty label file, a label without image, and an image without label."""
    faults = []
    for kind, count, reason, detail in (
        ("lake", 0, "no_objects", "empty label file: the scene has no object"),
        ("depot", 4, "missing_image", "label without its image"),
        ("marina", 5, "missing_annotation", "image without its label"),
    ):
        stem = _next_stem(ledger, Job("DOTA", "train", "", kind, (448, 448), count, seed))
        job = ledger.jobs["DOTA"][-1]
        image, label = dota_paths(ledger.root, "train", stem)
        scene = job.draw()
        if reason != "missing_image":
            save_png(image, Image.fromarray(scene.pixels))
        if reason != "missing_annotation":
            save_text(label, dota_label(scene, Random(job.key)) if scene.objects else "")
        labelled = reason == "missing_image"
        ledger.add("DOTA", "train", int(not labelled), len(scene.objects) if labelled else 0)
        at = image if reason == "missing_annotation" else label
        faults.append(fault(ledger, "DOTA", at, reason, detail))
    return faults


def _rsicd_faults(ledger: Ledger, seed: int) -> list[Planted]:
    """Plant a truncated picture, an entry without picture, and an empty sentence."""
    faults = []
    for kind, owner, reason, detail in (
        ("farmland", "farmland", "bad_image", "JPEG cut off after half of its bytes"),
        ("beach", "beach", "missing_image", "entry of the JSON file whose picture is missing"),
    ):
        path = said_path(ledger.root, "RSICD", _next_name(ledger, f"{owner}_0.jpg"))
        job = Job("RSICD", "train", path.stem, kind, (224, 224), 3, seed)
        scene = job.draw()
        if reason == "bad_image":
            save_jpeg(path, Image.fromarray(scene.pixels))
            path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
        sentences = describe(scene, Random(f"{job.key}/sentences"))
        ledger.said["RSICD"].append(Entry(path.name, "train", sentences))
        ledger.add("RSICD", "train", int(reason == "bad_image"), len(sentences))
        faults.append(fault(ledger, "RSICD", path, reason, detail))
    entry = ledger.said["RSICD"][2]
    entry.sentences[3] = ""
    ledger.add("RSICD", entry.split, 0, -1)
    path = said_path(ledger.root, "RSICD", entry.filename)
    detail = "the fourth of the five sentences is empty"
    return [*faults, fault(ledger, "RSICD", path, "empty_caption", detail)]


def _features() -> list[Planted]:
    """Name the masks that are hard to turn into boxes."""
    folder = "LoveDA/Train"
    return [
        Planted(
            "feature",
            "LoveDA",
            f"{folder}/Rural/masks_png/0.png",
            "nested: a tree and a house stand in a clearing, a hole of the forest",
            test=False,
        ),
        Planted(
            "feature",
            "LoveDA",
            f"{folder}/Urban/masks_png/1.png",
            "corner: two buildings touch in one corner, one component of 8 neighbours, two of 4",
            test=False,
        ),
        Planted(
            "feature",
            "LoveDA",
            f"{folder}/Rural/masks_png/2.png",
            "no-data: the right 72 columns are black, mask value 0",
            test=False,
        ),
    ]


def save_near(
    image: Image.Image,
    target: Path,
    qualities: Sequence[int] = QUALITIES,
    reference: int | None = None,
) -> int:
    """Save at the first quality that keeps the perceptual hash near; return it, or 0."""
    reference = phash(image) if reference is None else reference
    for quality in qualities:
        save_jpeg(target, image, quality)
        with Image.open(target) as copy:
            if (phash(copy) ^ reference).bit_count() <= NEAR:
                return quality
    target.unlink()
    return 0


def _next_stem(ledger: Ledger, job: Job) -> str:
    """Claim the next free DOTA number for a job; return its file stem."""
    stem = dota_stem(len(ledger.jobs["DOTA"]))
    ledger.jobs["DOTA"].append(
        Job("DOTA", job.split, stem, job.kind, job.size_wh, job.count, job.seed)
    )
    return stem


def _next_name(ledger: Ledger, filename: str) -> str:
    """Return the next free RSICD file name of the same class."""
    owner = filename.rsplit("_", 1)[0]
    numbers = [
        int(entry.filename.rsplit("_", 1)[1].removesuffix(".jpg"))
        for entry in ledger.said["RSICD"]
        if entry.filename.startswith(f"{owner}_")
    ]
    return f"{owner}_{max(numbers, default=0) + 1}.jpg"


def _duplicate(
    ledger: Ledger, dataset: str, pair: tuple[Path, Path], detail: str, *, test: bool
) -> Planted:
    """Return the record of a duplicate, given (original, copy)."""
    of, path = (item.relative_to(ledger.root).as_posix() for item in pair)
    return Planted("duplicate", dataset, path, detail, test, of=of)


def fault(ledger: Ledger, dataset: str, path: Path, reason: str, detail: str) -> Planted:
    """Return the record of a fault in a training split."""
    relative = path.relative_to(ledger.root).as_posix()
    return Planted("fault", dataset, relative, detail, test=False, reason=reason)

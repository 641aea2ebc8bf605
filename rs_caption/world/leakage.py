"""What is planted across datasets: test images that stand in the training data of another.

* a DIOR training scene is, smaller, a test picture of UCM-captions;
* a test picture of RSICD is, larger, a training picture of RSITMD;
* a test picture of RSITMD is, mirrored, a training picture of UCM-captions;
* the middle of a test image of RSSCN7 is a training picture of RSITMD, as RSICD's real pictures are
  the middles of AID's images.

And two faults: an image of DIOR without annotation, and a picture of RSITMD whose five sentences
are empty, as four of the release are.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from random import Random

from PIL import Image, ImageOps

from rs_caption.looks.phash import phash
from rs_caption.world.jobs import SERIES, Job, series_job
from rs_caption.world.layout_boxes import dior_paths
from rs_caption.world.layout_texts import FORMS, rsscn7_path, said_path
from rs_caption.world.ledger import Entry, Ledger, Written
from rs_caption.world.plants import NEAR, Planted, fault
from rs_caption.world.saving import save_jpeg, save_tiff
from rs_caption.world.sentences import describe

SIZE_WH = (256, 256)  # of RSITMD and UCM
CROPPED = 0.75  # the side of a crop, of that of its image
CROPPED_KIND = "residential"


def plant_across(ledger: Ledger, seed: int) -> list[Planted]:
    """Add the leaks between datasets, and the faults, to a world whose other plants are there."""
    return [
        _scene_in_test(ledger, seed),
        _test_in_training(ledger),
        _mirrored(ledger),
        _cropped(ledger),
        _without_annotation(ledger, seed),
        _without_words(ledger),
    ]


def _scene_in_test(ledger: Ledger, seed: int) -> Planted:
    """Put a whole DIOR training scene, made smaller, into the test split of UCM."""
    for job in ledger.train("DIOR"):
        source = dior_paths(ledger.root, job.split, job.name)[0]
        picture = _shown(source)
        if _is_near(picture, source):
            sentences = describe(job.draw(), Random(f"{seed}/UCM/planted/sentences"))
            target = _say(ledger, "UCM", ("test", job.kind, sentences), picture)
            detail = "whole DIOR training scene resized to 256, split test"
            return _leak(ledger, "duplicate", (source, target), detail, test=True)
    raise AssertionError("no scene survives resizing")


def _test_in_training(ledger: Ledger) -> Planted:
    """Put a test picture of RSICD, made larger, into the training split of RSITMD."""
    for job, source, sentences in _tests(ledger, "RSICD"):
        picture = _shown(source)
        if _is_near(picture, source):
            target = _say(ledger, "RSITMD", ("train", job.kind, sentences), picture)
            detail = "test picture of RSICD resized to 256, split train"
            return _leak(ledger, "duplicate", (source, target), detail, test=False)
    raise AssertionError("no picture survives resizing")


def _mirrored(ledger: Ledger) -> Planted:
    """Put the mirror image of a test picture of RSITMD into the training split of UCM."""
    job, source, sentences = next(_tests(ledger, "RSITMD"))
    target = _say(ledger, "UCM", ("train", job.kind, sentences), ImageOps.mirror(_shown(source)))
    detail = "test picture of RSITMD mirrored, split train; --match dihedral finds it"
    return _leak(ledger, "mirror", (source, target), detail, test=False)


def _cropped(ledger: Ledger) -> Planted:
    """Put the middle of a test image of RSSCN7 into the training split of RSITMD.

    Its one sentence, five times over as in many of RSICD's, speaks of what the middle shows too.
    """
    job = [job for job in ledger.jobs["RSSCN7"] if job.kind == CROPPED_KIND][-1]
    source = rsscn7_path(ledger.root, job.name)
    with Image.open(source) as image:
        cut = round(image.width * (1 - CROPPED) / 2)
        picture = ImageOps.crop(image, cut).resize(SIZE_WH, Image.Resampling.LANCZOS)
    sentences = [f"{job.draw().view.ground} ."] * 5
    target = _say(ledger, "RSITMD", ("train", job.kind, sentences), picture)
    detail = (
        f"the middle of a test image of RSSCN7, {CROPPED:.0%} of its side, split train; "
        "--match crop finds it"
    )
    return _leak(ledger, "crop", (source, target), detail, test=False)


def _without_annotation(ledger: Ledger, seed: int) -> Planted:
    """Add an image to DIOR's training split that has no annotation."""
    job = series_job("DIOR", "train", len(ledger.jobs["DIOR"]), "port", seed)
    image = dior_paths(ledger.root, job.split, job.name)[0]
    save_jpeg(image, Image.fromarray(job.draw().pixels))
    ledger.take(Written(job, 0))
    detail = "image of the list of training images without its annotation"
    return fault(ledger, "DIOR", image, "missing_annotation", detail)


def _without_words(ledger: Ledger) -> Planted:
    """Empty all sentences of a training picture of RSITMD."""
    entry = ledger.said["RSITMD"][1]
    ledger.add("RSITMD", entry.split, 0, -len(entry.sentences))
    entry.sentences[:] = [""] * len(entry.sentences)
    path = said_path(ledger.root, "RSITMD", entry.filename)
    detail = "all five sentences are empty, as of four pictures of the release"
    return fault(ledger, "RSITMD", path, "no_captions", detail)


def _tests(ledger: Ledger, dataset: str) -> Iterator[tuple[Job, Path, list[str]]]:
    """Yield the test pictures of a dataset of sentences that are no planted copies."""
    suffix = FORMS[dataset].suffix
    said = {entry.filename: entry.sentences for entry in ledger.said[dataset]}
    for job in ledger.jobs[dataset]:
        if job.split == "test":
            filename = f"{job.name}{suffix}"
            yield job, said_path(ledger.root, dataset, filename), said[filename]


def _shown(source: Path) -> Image.Image:
    """Return an image at the size of the datasets that get it."""
    with Image.open(source) as image:
        return image.convert("RGB").resize(SIZE_WH, Image.Resampling.LANCZOS)


def _is_near(picture: Image.Image, source: Path) -> bool:
    """Return whether the perceptual hash of a picture stays near that of its source."""
    with Image.open(source) as image:
        return (phash(picture) ^ phash(image)).bit_count() <= NEAR


def _say(
    ledger: Ledger, dataset: str, about: tuple[str, str, list[str]], picture: Image.Image
) -> Path:
    """Add a picture to a dataset of sentences, given (split, kind, sentences); return its path."""
    split, kind, sentences = about
    name = SERIES[dataset].name(len(ledger.said[dataset]), kind)
    target = said_path(ledger.root, dataset, f"{name}{FORMS[dataset].suffix}")
    save_tiff(target, picture)
    ledger.say(dataset, Entry(target.name, split, list(sentences)))
    return target


def _leak(
    ledger: Ledger, kind: str, pair: tuple[Path, Path], detail: str, *, test: bool
) -> Planted:
    """Return the record of a leak, given (original, copy)."""
    of, path = (item.relative_to(ledger.root).as_posix() for item in pair)
    return Planted(kind, path.split("/", 1)[0], path, detail, test, of=of)

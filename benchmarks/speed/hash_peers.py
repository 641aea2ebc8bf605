"""What is measured of one program on the images of a list, in a process of its own (`hash.py`).

    python benchmarks/speed/hash_peers.py PROGRAM LIST OUT

LIST holds paths, one a line. Prints a line of JSON: CPU and wall seconds without the start of the
program, peak memory. Hashes are left in OUT as text, one a line, groups as lines of two file names.
A program that is not installed says so.
"""

from __future__ import annotations

import json
import os
import resource
import shutil
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path

from apart import CannotRunError, need

THRESHOLD = 4  # bits, of the search for groups

Lines = list[str]
Run = Callable[[], Lines]


def exact(paths: Sequence[Path]) -> Run:
    """rs-caption, as it hashes by default."""
    open_pixels = need("rs_caption.pictures.pixels").open_pixels
    phash = need("rs_caption.looks.phash").phash
    return lambda: [f"{phash(open_pixels(path)):016x}" for path in paths]


def fast(paths: Sequence[Path]) -> Run:
    """rs-caption with --fast, without the comparison with exact hashes."""
    looks = need("rs_caption.looks.fast")
    return lambda: [f"{looks.fast_phash(looks.open_grey(path)):016x}" for path in paths]


def dihedral(paths: Sequence[Path]) -> Run:
    """rs-caption with --match dihedral: eight hashes and a digest of the pixels."""
    open_pixels = need("rs_caption.pictures.pixels").open_pixels
    look_of = need("rs_caption.looks.look").look_of
    looks = lambda path: look_of(open_pixels(path), None, "dihedral")  # noqa: E731 -- one line
    return lambda: [f"{looks(path).codes_8[0]:016x}" for path in paths]


def imagehash(paths: Sequence[Path]) -> Run:
    """The reference."""
    library, image = need("imagehash"), need("PIL.Image")
    return lambda: [str(library.phash(image.open(path))) for path in paths]


def imagededup(paths: Sequence[Path]) -> Run:
    """Its PHash, image by image."""
    hasher = need("imagededup.methods").PHash(verbose=False)
    return lambda: [hasher.encode_image(image_file=str(path)) for path in paths]


def daft(paths: Sequence[Path]) -> Run:
    """Its expression for perceptual hashes."""
    library = need("daft")
    functions = need("daft.functions")

    def run() -> Lines:
        frame = library.from_pydict({"path": [str(path) for path in paths]})
        image = functions.decode_image(functions.download(library.col("path")))
        hashed = frame.select(functions.image_hash(image, method="phash").alias("code"))
        return [bytes(code).hex() for code in hashed.to_pydict()["code"]]

    return run


def decode_colour(paths: Sequence[Path]) -> Run:
    """The floor of exact hashes: Pillow decodes, nothing else."""
    image = need("PIL.Image")
    return lambda: [str(image.open(path).convert("RGB").size) for path in paths]


def decode_grey(paths: Sequence[Path]) -> Run:
    """The floor of fast hashes: Pillow decodes the brightness alone."""
    image = need("PIL.Image")

    def decoded(path: Path) -> str:
        opened = image.open(path)
        opened.draft("L", None)
        opened.load()
        return str(opened.size)

    return lambda: [decoded(path) for path in paths]


def groups(paths: Sequence[Path], *, quick: bool = False) -> Run:
    """rs-caption: a folder to a table, its hashes, all pairs within the threshold."""
    folders, engine = need("rs_caption.folders"), need("rs_caption.engine")
    column, table = need("rs_caption.looks.column"), need("rs_caption.table")
    near_pairs = need("rs_caption.blocks").near_pairs
    numpy = need("numpy")

    def run() -> Lines:
        source = folders.Given("folder", paths[0].parent)
        with tempfile.TemporaryDirectory() as out:
            made = folders.folder_table(source, Path(out), engine.ALONE)
            column.hash_table(column.HashRequest(made.path, fast=quick))
            rows = table.open_table(made.path).read(["image_path", "phash"])
        names, codes_N = rows["image_path"].to_pylist(), rows["phash"].to_numpy()
        codes_D, code_N = numpy.unique(codes_N, return_inverse=True)
        of_code: list[Lines] = [[] for _ in codes_D]
        for name, at in zip(names, code_N.tolist(), strict=True):
            of_code[at].append(name)
        found = [f"{one} {other}" for its in of_code for one in its for other in its if one < other]
        for links in near_pairs(codes_D, THRESHOLD):
            for left, right in zip(links[0].tolist(), links[1].tolist(), strict=True):
                found += [f"{a} {b}" for a in of_code[left] for b in of_code[right]]
        return [" ".join(sorted(pair.split())) for pair in found]

    return run


def fast_groups(paths: Sequence[Path]) -> Run:
    """The same by fast hashes, the comparison with exact ones included."""
    return groups(paths, quick=True)


def imagededup_groups(paths: Sequence[Path]) -> Run:
    """The search of imagededup over a folder."""
    hasher = need("imagededup.methods").PHash(verbose=False)

    def run() -> Lines:
        found = hasher.find_duplicates(
            image_dir=str(paths[0].parent), max_distance_threshold=THRESHOLD
        )
        return [f"{one} {other}" for one in found for other in found[one] if one < other]

    return run


PROGRAMS: dict[str, Callable[[Sequence[Path]], Run]] = {
    "imagehash": imagehash,
    "rs-caption": exact,
    "rs-caption --fast": fast,
    "rs-caption --match dihedral": dihedral,
    "imagededup": imagededup,
    "daft image_hash": daft,
    "floor: decode": decode_colour,
    "floor: decode brightness": decode_grey,
}
SEARCHES: dict[str, Callable[[Sequence[Path]], Run]] = {
    "rs-caption": groups,
    "rs-caption --fast": fast_groups,
    "imagededup": imagededup_groups,
}


def main() -> None:
    """Measure, print."""
    kind, program, listed, out = sys.argv[1:]
    paths = [Path(line) for line in Path(listed).read_text().splitlines()]
    try:
        programs = {"hash": PROGRAMS, "search": SEARCHES}[kind]
        run = programs[program](paths)
        with tempfile.TemporaryDirectory() as few:  # what is imported late is imported now
            programs[program]([Path(shutil.copy(path, few)) for path in paths[:2]])()
    except CannotRunError as error:
        sys.stdout.write(json.dumps({"problem": str(error)}))
        return
    began, before = time.monotonic(), os.times()
    lines = run()
    after, wall_s = os.times(), time.monotonic() - began
    Path(out).write_text("\n".join(lines))
    peak_kb = sum(
        resource.getrusage(who).ru_maxrss
        for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)
    )
    # The processes that a program starts count as its own.
    cpu_s = sum(after[:4]) - sum(before[:4])
    sys.stdout.write(json.dumps({"cpu_s": cpu_s, "wall_s": wall_s, "peak_mb": peak_kb / 1024}))


if __name__ == "__main__":
    main()

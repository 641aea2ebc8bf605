"""What a comparison found, in sentences; the page, the terminal and the tests share them."""

from __future__ import annotations

from collections.abc import Sequence

from rs_caption.console import counted
from rs_caption.leaks.findings import Cell, Comparison, Pair
from rs_caption.looks.levels import LEVELS

LEVELS_EXPLAINED = {
    "exact": "the same pixels, one by one",
    "near": "the same picture by its perceptual hash: other size, compression, brightness",
    "dihedral": "the same picture, mirrored or rotated",
    "crop": "one shows a part of the other; confirmed on pixels",
}
_TRANSFORMS = {
    "flip-left-right": "mirrored left to right",
    "flip-top-bottom": "mirrored top to bottom",
    "rotate-180": "rotated by 180°",
    "transpose": "mirrored about its main diagonal",
    "rotate-90": "rotated by 90° counter-clockwise",
    "rotate-270": "rotated by 90° clockwise",
    "transverse": "mirrored about its other diagonal",
}
_LISTED = 4  # datasets that a sentence names


def headline(found: Comparison) -> str:
    """The answer in one sentence."""
    unread = counted(len(found.unread_tests), "test image")
    if not found.tests:
        return f"Nothing was compared: none of {unread} could be read."
    more = f" {unread} could not be read." if found.unread_tests else ""
    touched, tests = sum(found.touched.values()), sum(found.tests.values())
    if not touched:
        return (
            f"None of {counted(tests, 'test image')} has a look-alike in the training rows.{more}"
        )
    return f"{_touched(touched, tests)} in the training rows.{more}"


def by_test(found: Comparison) -> list[str]:
    """A sentence for each test set, the most touched first."""
    order = sorted(found.tests, key=lambda name: (-_share(found, name), name))
    return [_of_test(found, name) for name in order]


def _share(found: Comparison, name: str) -> float:
    return found.touched.get(name, 0) / max(found.tests[name], 1)


def _of_test(found: Comparison, name: str) -> str:
    tests, touched = found.tests[name], found.touched.get(name, 0)
    if not touched:
        return (
            f"{name}: none of {counted(tests, 'test image')} has a look-alike in the training rows."
        )
    holders = [one.train for one in found.shared if one.test == name and one.test_rows]
    return f"{name}: {_touched(touched, tests)} in the training rows of {listed(holders)}."


def _touched(touched: int, tests: int) -> str:
    alike = "has a look-alike" if touched == 1 else "have look-alikes"
    return f"{touched:,} of {counted(tests, 'test image')} ({percent(touched, tests)}) {alike}"


def looked_for(found: Comparison) -> str:
    """What was compared, and what a look of this depth would not have found."""
    rows = sum(found.training.values())
    depth = LEVELS.index(found.level)
    reach = {
        "exact": "Compared by their pixels",
        "near": f"Compared by perceptual hash, up to {counted(found.threshold, 'bit')} apart",
    }
    upright = reach["exact" if depth == 0 else "near"]
    turned_too = ", upright, mirrored and rotated"
    more = {"dihedral": turned_too, "crop": f"{turned_too}, and as parts of each other"}
    said = f"{upright}{more.get(found.level, '')}: {counted(rows, 'training row')}"
    said += f" of {listed(list(found.training))}" if found.training else ""
    said += f" with {counted(sum(found.tests.values()), 'test image')}"
    said += f" of {listed(list(found.tests))}." if found.tests else "."
    beyond = {"exact": "Other sizes, flips and crops", "near": "Flips, rotations and crops"}
    beyond |= {"dihedral": "Crops"}
    if found.level in beyond:
        said += f" {beyond[found.level]} of an image were not looked for; --match crop does."
    return said


def shown(cell: Cell) -> str:
    """Which of its pairs are shown."""
    held = sum(cell.levels.values())
    if not held:
        return "No pairs are shown: these rows look even more like images of another test set."
    if not cell.pairs:
        return f"{counted(held, 'pair')}, none of them shown."
    how = "each training row with the test image it looks like most"
    if held == 1:
        return f"1 pair; {how}."
    if len(cell.pairs) == held:
        return f"All {counted(held, 'pair')}, the surest first; {how}."
    return (
        f"{len(cell.pairs):,} of {counted(held, 'pair')}: of every level from the surest to the "
        f"least sure, spread evenly; {how}."
    )


def remedy(found: Comparison) -> str:
    """What there is to do."""
    if not found.leaving:
        return "Nothing has to leave the training rows."
    said = f"{counted(found.leaving, 'training row')} of {sum(found.training.values()):,}"
    if found.leaving == 1:
        return f"{said} looks like a test image. This command writes tables without it:"
    return f"{said} look like test images. This command writes tables without them:"


def caption_of(pair: Pair) -> str:
    """How alike a pair is, and by what measure."""
    if pair.level == "exact":
        return "the same pixels"
    measure = "" if pair.distance is None else f"{counted(pair.distance, 'bit')} of 64 apart"
    measure = measure if pair.score is None else f"correlation {pair.score:.3f}"
    how = turned(pair) if pair.level == "dihedral" else ""
    if pair.turn.window:
        how = f"the {'test' if pair.turn.whole_is_test else 'training'} image shows more"
    if pair.distance == 0:
        measure = "the same hash"
    return ", ".join(text for text in (how, measure) if text)


def turned(pair: Pair) -> str:
    """What is done to the training image."""
    return _TRANSFORMS.get(pair.turn.transform, pair.turn.transform)


def percent(part: int, whole: int) -> str:
    """To a tenth; what is not all is not called 100 %, what is not none is not called 0 %."""
    if not whole or part in {0, whole}:
        return "100 %" if part else "0 %"
    tenths = min(max(round(1000 * part / whole), 1), 999)
    return f"{tenths / 10:.1f} %"


def listed(names: Sequence[str]) -> str:
    """`a, b and c`; of many the first ones."""
    if len(names) > _LISTED:
        names = [*names[: _LISTED - 1], f"{len(names) - _LISTED + 1} more"]
    return " and ".join([", ".join(names[:-1]), names[-1]] if len(names) > 1 else names)

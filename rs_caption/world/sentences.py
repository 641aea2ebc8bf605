"""Five sentences a scene, the way a person would describe a picture: lower case, ending in " .".

Each pattern is a function from the facts to a sentence or to nothing where it doesn't apply, so
every sentence is true: numbers are the annotated ones, everything else comes from the notes.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from random import Random

from rs_caption.world.scene import Scene, View

NOUNS: dict[str, tuple[tuple[str, str], ...]] = {
    "plane": (("plane", "planes"), ("airplane", "airplanes"), ("aircraft", "aircraft")),
    "ship": (("ship", "ships"), ("boat", "boats"), ("vessel", "vessels")),
    "storage-tank": (("storage tank", "storage tanks"), ("round tank", "round tanks")),
    "small-vehicle": (("car", "cars"), ("car", "cars"), ("small vehicle", "small vehicles")),
    "large-vehicle": (("truck", "trucks"), ("lorry", "lorries")),
    "tennis-court": (("tennis court", "tennis courts"),),
    "basketball-court": (("basketball court", "basketball courts"),),
    "soccer-ball-field": (("football field", "football fields"),),
    "swimming-pool": (("swimming pool", "swimming pools"), ("blue pool", "blue pools")),
    "roundabout": (("roundabout", "roundabouts"), ("traffic circle", "traffic circles")),
    "harbor": (("pier", "piers"), ("jetty", "jetties")),
    "bridge": (("bridge", "bridges"),),
}
NUMBERS = ("no", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten")
MANY = ("many", "a lot of", "lots of", "a large number of")
REPEATED = 0.15  # share of the scenes where a sentence is used more than once, as in RSICD


@dataclass(frozen=True)
class Facts:
    """What the patterns may use of one scene."""

    view: View
    counts: Counter[str]

    @property
    def others(self) -> list[str]:
        """Classes that occur beside the main one, and aren't the place itself."""
        return [
            n for n in self.counts if n != self.view.main and NOUNS[n][0][0] not in self.view.place
        ]


def describe(scene: Scene, rng: Random) -> list[str]:
    """Return five sentences about a scene; now and then some of them are equal."""
    facts = Facts(scene.view, Counter(placed.name for placed in scene.objects))
    counted = rng.choice((_main_doing, _main_place)) if facts.view.main else _place_notes
    pool = {f"{counted(facts, rng)} .": None}
    for _ in range(6):  # the patterns choose their words anew every time
        for pattern in rng.sample(PATTERNS, len(PATTERNS)):
            if text := pattern(facts, rng):
                pool[f"{text} ."] = None
    texts = list(pool)[:5]
    if rng.random() < REPEATED or len(texts) < 5:
        kept = min(len(texts), rng.randint(1, 3))
        return [texts[min(i, kept - 1)] for i in range(5)]
    rng.shuffle(texts)
    return texts


def amount(name: str, number: int, rng: Random) -> str:
    """Return "three planes", exact up to ten and a word for many above."""
    singular, plural = rng.choice(NOUNS[name])
    if number == 1:
        return f"{rng.choice(('one', 'a', 'one', 'a single'))} {singular}".replace(
            "a air", "an air"
        )
    return f"{NUMBERS[number] if number <= 10 else rng.choice(MANY)} {plural}"


def _be(number: int) -> str:
    return "is" if number == 1 else "are"


def _join(items: list[str]) -> str:
    return items[0] if len(items) == 1 else f"{' , '.join(items[:-1])} and {items[-1]}"


def _main_doing(facts: Facts, rng: Random) -> str:
    """Three planes are parked on the apron."""
    main, number = facts.view.main, facts.counts[facts.view.main]
    return f"{amount(main, number, rng)} {_be(number)} {facts.view.doing}" if number else ""


def _main_place(facts: Facts, rng: Random) -> str:
    """There are three planes in an airport."""
    main, number = facts.view.main, facts.counts[facts.view.main]
    if not number:
        return ""
    opening = rng.choice((f"there {_be(number)} ", "we can see ", ""))
    ending = "" if opening else f" {_be(number)} seen from above"
    return f"{opening}{amount(main, number, rng)}{ending} {facts.view.where}"


def _main_others(facts: Facts, rng: Random) -> str:
    """Three planes and two trucks can be seen in the airport."""
    main, others = facts.view.main, facts.others
    if not others or not facts.counts[main]:
        return ""
    names = [main, *rng.sample(others, min(len(others), rng.choice((1, 2))))]
    parts = [amount(name, facts.counts[name], rng) for name in names]
    ending = rng.choice(
        ("can be seen in this picture", "are visible from the air", "share the scene")
    )
    return f"{_join(parts)} {ending}"


def _others_only(facts: Facts, rng: Random) -> str:
    """The picture also shows two trucks."""
    if not facts.others:
        return ""
    name = rng.choice(facts.others)
    number = facts.counts[name]
    text = amount(name, number, rng)
    return rng.choice((f"the picture also shows {text}", f"besides , there {_be(number)} {text}"))


def _place_notes(facts: Facts, rng: Random) -> str:
    """An airport with a straight runway and a long terminal building."""
    notes = list(facts.view.notes)
    if not notes:
        return ""
    some = rng.sample(notes, min(len(notes), rng.choice((1, 2, 3))))
    opening = rng.choice(("this is ", "here we find ", "")) + facts.view.place
    return f"{opening} with {_join(some)}"


def _note_near(facts: Facts, rng: Random) -> str:
    """There is a straight runway not far from the planes."""
    notes, number = facts.view.notes, facts.counts[facts.view.main]
    if not notes or not number:
        return ""
    noun = NOUNS[facts.view.main][0][number > 1]
    where = rng.choice((f"not far from the {noun}", f"in the same picture as the {noun}"))
    return f"we see {rng.choice(notes)} {where}"


def _ground(facts: Facts, rng: Random) -> str:
    """The apron is paved with concrete; from above or not."""
    return facts.view.ground + rng.choice(("", "", " in this picture"))


def _vague(facts: Facts, rng: Random) -> str:
    """Some planes are parked on the apron near a runway."""
    main, number = facts.view.main, facts.counts[facts.view.main]
    if number < 2 or not facts.view.notes:
        return ""
    some = "some" if number < 4 else rng.choice(("some", "several")) if number <= 10 else "many"
    plural = rng.choice(NOUNS[main])[1]
    return f"{some} {plural} are {facts.view.doing} , with {rng.choice(facts.view.notes)} nearby"


PATTERNS = (
    _main_doing,
    _main_place,
    _main_others,
    _others_only,
    _place_notes,
    _note_near,
    _ground,
    _vague,
)

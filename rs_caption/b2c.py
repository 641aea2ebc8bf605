"""Box-to-Caption (RemoteCLIP III-B.1): true sentences from boxes, each from a named rule.

docs/rules.md is the specification; `rs_caption.verify` checks it by code that shares nothing with
this.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cached_property
from itertools import compress
from random import Random
from typing import NamedTuple

from rs_caption.facts import Noun
from rs_caption.sample import Boxes
from rs_caption.wording import (
    EXACT_UP_TO,
    PAIR_TEMPLATE,
    STYLES,
    be,
    be_first,
    ordered,
    phrase,
    sentence,
)

CENTRAL_SHARE = 0.5  # of width and height; the paper gives none, three re-implementations use this
_as_json = json.JSONEncoder(ensure_ascii=False).encode
B2C_CAPTIONS = 5  # as COCO, Flickr30k and RET-3 have


class Caption(NamedTuple):
    """A sentence, and the rule that wrote it with its parameters (docs/rules.md)."""

    text: str
    rule: str


@dataclass(frozen=True)
class Scene:
    """The counts that captions speak of, and the means to put them into words."""

    whole: Counter[str]
    middle: Counter[str]
    edge: Counter[str]
    nouns: Mapping[str, Noun]
    style_name: str
    central: float
    rng: Random

    @cached_property
    def categories(self) -> list[str]:
        """What there is, by name: the order that chance draws from."""
        return sorted(self.whole)

    def words(self, counts: Mapping[str, int]) -> str:
        """The list that names `counts`."""
        return phrase(counts, self.nouns, STYLES[self.style_name], self.rng)

    def caption(self, text: str, rule: str, **parameters: object) -> Caption:
        """A finished caption."""
        note = f"{rule} {_as_json(parameters)}" if parameters else rule
        return Caption(sentence(text, STYLES[self.style_name]), note)


def boxes_to_captions(scene: Scene, rules: str) -> list[Caption]:
    """The captions of one image; it must hold at least one object.

    Args:
        scene: from `look`.
        rules: names of rule sets joined by `+`, each of `RULE_SETS`.
    """
    return [caption for name in rules.split("+") for caption in RULE_SETS[name](scene)]


def look(
    boxes: Boxes,
    size_wh: tuple[int, int],
    nouns: Mapping[str, Noun],
    *,
    style: str = "plain",
    central: float = CENTRAL_SHARE,
    rng: Random,
) -> Scene:
    """Count objects in the middle and at the edge, by the place of their box centre."""
    low, high = (1 - central) / 2, (1 + central) / 2
    width, height = size_wh
    x0, y0, x1, y1 = boxes.xyxy_N4.T
    x, y = (x0 + x1) / 2, (y0 + y1) / 2
    across_N = (low * width <= x) & (x < high * width)
    down_N = (low * height <= y) & (y < high * height)
    in_middle_N = across_N & down_N
    middle = Counter(compress(boxes.names, in_middle_N.tolist()))
    edge = Counter(compress(boxes.names, (~in_middle_N).tolist()))
    return Scene(middle + edge, middle, edge, nouns, style, central, rng)


def _b2c(scene: Scene) -> list[Caption]:
    captions: list[Caption] = []
    if scene.middle:
        text = f"{scene.words(scene.middle)} in the middle of the picture"
        captions.append(scene.caption(text, "centre", central=scene.central))
    if scene.edge:
        text = f"{scene.words(scene.edge)} at the edge of the picture"
        captions.append(scene.caption(text, "edge", central=scene.central))
    said = {caption.text for caption in captions}
    while (
        len(captions) < B2C_CAPTIONS
    ):  # ends: one category has five sentences and more, four are asked
        caption = _random(scene)
        if caption.text not in said:
            said.add(caption.text)
            captions.append(caption)
    return captions


def _random(scene: Scene) -> Caption:
    """Some of the image's categories, as many as chance says, in one of the style's sentences."""
    some = scene.rng.sample(scene.categories, scene.rng.randint(1, len(scene.whole)))
    counts = {name: scene.whole[name] for name in some}
    templates = STYLES[scene.style_name].templates
    countable_pair = len(counts) == len("AB") and max(counts.values()) <= EXACT_UP_TO
    fitting = [key for key in templates if key != PAIR_TEMPLATE or countable_pair]
    template = scene.rng.choice(fitting)
    words = scene.words(counts)
    text = templates[template].format(list=words, be=be(counts), be_first=be_first(counts))
    return scene.caption(text, "random", names=ordered(counts), template=template)


def _all(scene: Scene) -> list[Caption]:
    whole = scene.caption(f"the picture shows {scene.words(scene.whole)}", "all")
    places = {"in the middle": scene.middle, "at the edge": scene.edge}
    parts = [
        (place, f"there {be_first(counts)} {scene.words(counts)}")
        for place, counts in places.items()
        if counts
    ]
    (place, objects), *rest = parts
    text = f"{place} of the picture {objects}"
    text += "".join(f", and {other} {more}" for other, more in rest)
    return [whole, scene.caption(text, "layout", central=scene.central)]


RULE_SETS: Mapping[str, Callable[[Scene], list[Caption]]] = {"b2c": _b2c, "all": _all}
RULES = ("b2c", "all", "b2c+all")

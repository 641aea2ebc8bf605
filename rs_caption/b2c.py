"""Box-to-Caption (RemoteCLIP III-B.1): true sentences from boxes, each from a named rule.

docs/rules.md is the specification; `rs_caption.verify` checks it by code that shares nothing with
this.
"""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from random import Random
from typing import NamedTuple

from rs_caption.facts import Noun
from rs_caption.sample import Boxes
from rs_caption.wording import (
    EXACT_UP_TO,
    PAIR_TEMPLATE,
    Frame,
    Ranked,
    Words,
    be_first,
    ordered,
    pick,
    sentence,
)

CENTRAL_SHARE = 0.5  # of width and height; the paper gives none, three re-implementations use this
B2C_CAPTIONS = 5  # as COCO, Flickr30k and RET-3 have


class Caption(NamedTuple):
    """A sentence, and the rule that wrote it with its parameters (docs/rules.md)."""

    text: str
    rule: str


class Speaker(Words):
    """Everything that the captions of a conversion share: words, sentences, rule sets."""

    def __init__(
        self,
        classes: Mapping[str, Noun],
        style_name: str = "plain",
        rules: str = "b2c",
        central: float = CENTRAL_SHARE,
    ) -> None:
        """Finish what does not depend on the image.

        Args:
            classes: the nouns of the manifest.
            style_name: of `STYLES`.
            rules: names of rule sets joined by `+`, each of `RULE_SETS`.
            central: share of width and height that is the middle.
        """
        super().__init__(classes, style_name)
        self.rules = [RULE_SETS[name] for name in rules.split("+")]
        self.central = central
        self.note = json.dumps({"central": central})
        self.as_json = {name: json.dumps(name, ensure_ascii=False) for name in classes}
        frames = {key: Frame(text, self.style) for key, text in self.style.templates.items()}
        self.frames = list(frames.items())
        self.unpaired = [(key, frame) for key, frame in self.frames if key != PAIR_TEMPLATE]
        self.centre = Frame("{list} in the middle of the picture", self.style)
        self.edge = Frame("{list} at the edge of the picture", self.style)
        self.whole = Frame("the picture shows {list}", self.style)

    def say(self, frame: Frame, ranked: Ranked, rng: Random) -> str:
        """A sentence about some categories."""
        return frame.about(ranked, self.phrase(ranked, rng))


class Scene(NamedTuple):
    """What the captions of one image speak of: counts by class, and chance."""

    middle: Mapping[str, int]
    edge: Mapping[str, int]
    whole: Mapping[str, int]
    ranked: Ranked  # the categories of the whole image, in the order of sentences
    rng: Random


def boxes_to_captions(scene: Scene, speaker: Speaker) -> list[Caption]:
    """The captions of one image; it must hold at least one object."""
    return [caption for rule_set in speaker.rules for caption in rule_set(scene, speaker)]


def look(boxes: Boxes, size_wh: tuple[int, int], central: float, rng: Random) -> Scene:
    """Count objects in the middle and at the edge, by the place of their box centre.

    Most images have few objects: for them plain numbers are several times as fast as arrays, and
    for thousands no slower than to read them was.
    """
    low, high = (1 - central) / 2, (1 + central) / 2
    width, height = size_wh
    left, right, top, bottom = low * width, high * width, low * height, high * height
    middle: dict[str, int] = defaultdict(int)
    edge: dict[str, int] = defaultdict(int)
    for name, x0, y0, x1, y1 in zip(boxes.names, *boxes.xyxy_N4.T.tolist(), strict=True):
        inside = left <= (x0 + x1) / 2 < right and top <= (y0 + y1) / 2 < bottom
        (middle if inside else edge)[name] += 1
    whole = edge if not middle else dict(middle)
    for name, count in edge.items() if middle else ():
        whole[name] = whole.get(name, 0) + count
    return Scene(middle, edge, whole, ordered(whole), rng)


def _b2c(scene: Scene, speaker: Speaker) -> list[Caption]:
    rng, captions = scene.rng, []
    if scene.middle:
        text = speaker.say(speaker.centre, ordered(scene.middle), rng)
        captions.append(Caption(text, f"centre {speaker.note}"))
    if scene.edge:
        text = speaker.say(speaker.edge, ordered(scene.edge), rng)
        captions.append(Caption(text, f"edge {speaker.note}"))
    said = {caption.text for caption in captions}
    while (
        len(captions) < B2C_CAPTIONS
    ):  # ends: one category has five sentences and more, four are asked
        caption = _random(scene, speaker)
        if caption.text not in said:
            said.add(caption.text)
            captions.append(caption)
    return captions


def _random(scene: Scene, speaker: Speaker) -> Caption:
    """Some of the image's categories, as many as chance says, in one of the style's sentences."""
    some = _some(scene.ranked, scene.rng)
    countable_pair = len(some) == len("AB") and some[0][1] <= EXACT_UP_TO  # the first has most
    key, frame = pick(speaker.frames if countable_pair else speaker.unpaired, scene.rng)
    names = ", ".join([speaker.as_json[name] for name, _ in some])
    rule = f'random {{"names": [{names}], "template": "{key}"}}'
    return Caption(speaker.say(frame, some, scene.rng), rule)


def _some(ranked: Ranked, rng: Random) -> Ranked:
    """1 to all of the categories: each number as likely, and of that number each choice."""
    number = 1 + int(rng.random() * len(ranked)) if len(ranked) > 1 else 1
    if number == len(ranked):
        return ranked
    left = list(range(len(ranked)))
    taken = [left.pop(int(rng.random() * len(left))) for _ in range(number)]
    return [ranked[at] for at in sorted(taken)]


def _all(scene: Scene, speaker: Speaker) -> list[Caption]:
    whole = speaker.say(speaker.whole, scene.ranked, scene.rng)
    parts = [
        (place, f"there {be_first(ranked)} {speaker.phrase(ranked, scene.rng)}")
        for place, ranked in (
            ("in the middle", ordered(scene.middle)),
            ("at the edge", ordered(scene.edge)),
        )
        if ranked
    ]
    (place, objects), *rest = parts
    text = f"{place} of the picture {objects}"
    text += "".join(f", and {other} {more}" for other, more in rest)
    return [
        Caption(whole, "all"),
        Caption(sentence(text, speaker.style), f"layout {speaker.note}"),
    ]


RULE_SETS: Mapping[str, Callable[[Scene, Speaker], Sequence[Caption]]] = {"b2c": _b2c, "all": _all}
RULES = ("b2c", "all", "b2c+all")

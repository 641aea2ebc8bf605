"""Judging one row: what its boxes say against what its captions say.

A row is a mapping of the columns in docs/schema.md, its boxes as (name, x0, y0, x1, y1). Nothing in
a row raises: whatever is wrong with it is a `Problem`.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Literal, NamedTuple

from rs_caption.console import counted
from rs_caption.verify.sentence import Part, Region, Sentence, UnreadableError, Vocabulary

RuleSet = Literal["b2c", "all", "b2c+all", "count", "human", "none"]
Row = Mapping[str, Any]
Counts = dict[str, int]
Evidence = dict[Region, Counts]

NUM_B2C = 5
# The regions of which a rule must name every category; `random` may choose.
_COMPLETE: dict[str, tuple[Region, ...]] = {
    "centre": ("middle",),
    "edge": ("edge",),
    "random": (),
    "all": ("picture",),
    "layout": ("middle", "edge"),
}


class Problem(NamedTuple):
    """A flaw of one caption, or (`caption` is then empty) of the row itself."""

    image_id: str
    caption: str
    problem: str


@dataclass(frozen=True, slots=True)
class Judge:
    """What the rows of one dataset are held to.

    A RET dataset has the rule set `human`; a benchmark that counts `count`, one `random` a row; one
    of which there are only images, `none`.
    """

    vocabulary: Vocabulary
    rule_set: RuleSet
    central: float


def check_row(row: Row, judge: Judge) -> list[Problem]:
    """Everything wrong with one row: its identity, its boxes, its rules, its captions."""
    evidence = count(row["boxes"], (row["width"], row["height"]), judge.central)
    captions = [text or "" for text in row["captions"]]
    rules = [rule or "" for rule in row["rules"]]
    found = [("", flaw) for flaw in _check_identity(row)]
    found += [("", flaw) for flaw in _check_boxes(row, judge)]
    found += [("", flaw) for flaw in _check_rules(captions, rules, evidence, judge)]
    for at, text in enumerate(captions if judge.rule_set != "none" else ()):
        rule = rules[at] if at < len(rules) else ""
        if not text.strip():
            found.append((text, "is empty"))
        elif judge.rule_set == "human":
            found += [(text, flaw) for flaw in _check_human(text, rule)]
        else:
            found += [(text, flaw) for flaw in _check_caption(text, rule, evidence, judge)]
            found += [(text, "repeats an earlier caption")] if text in captions[:at] else []
    return [Problem(row["image_id"], text, flaw) for text, flaw in found]


def count(
    boxes: Iterable[tuple[str, float, float, float, float]],
    size_wh: tuple[int, int],
    central: float,
) -> Evidence:
    """Objects by region and class; the central rectangle has its low sides, not its high ones."""
    width, height = size_wh
    low, high = (1 - central) / 2, (1 + central) / 2
    left, right, top, bottom = low * width, high * width, low * height, high * height
    middle: Counts = {}
    edge: Counts = {}
    for name, x0, y0, x1, y1 in boxes:
        inside = left <= (x0 + x1) / 2 < right and top <= (y0 + y1) / 2 < bottom
        region = middle if inside else edge
        region[name] = region.get(name, 0) + 1
    picture = dict(middle)
    for name, number in edge.items():
        picture[name] = picture.get(name, 0) + number
    return {"middle": middle, "edge": edge, "picture": picture}


def _check_identity(row: Row) -> Iterator[str]:
    frame, window = row["frame"], row["window"]
    image_id = f"{row['dataset']}/{row['image_path']}"
    if frame is not None:
        image_id += f"#f{frame}"
    if window is not None:
        image_id += "#{x0},{y0},{x1},{y1}".format_map(window)
        size = (window["x1"] - window["x0"], window["y1"] - window["y0"])
        if size != (row["width"], row["height"]):
            yield f"is {row['width']}x{row['height']}, but its window {size[0]}x{size[1]}"
    if row["image_id"] != image_id:
        yield f"image_id must be {image_id!r}"


def _check_boxes(row: Row, judge: Judge) -> Iterator[str]:
    width, height = row["width"], row["height"]
    known = judge.vocabulary.articles
    if not row["boxes"] and judge.rule_set not in {"human", "none"}:
        yield "has no boxes"
    for at, (name, x0, y0, x1, y1) in enumerate(row["boxes"]):
        if not (x0 < x1 and y0 < y1):  # so written, NaN fails too
            yield f"box {at} ({name}) is empty"
        elif x0 < 0 or y0 < 0 or x1 > width or y1 > height:
            yield f"box {at} ({name}) reaches outside the image of {width}x{height}"
        if name not in known:
            yield f"box {at}: the manifest has no class {name!r}"


def _check_rules(
    captions: list[str], rules: list[str], evidence: Evidence, judge: Judge
) -> Iterator[str]:
    """As many as the rule set wants, and in its order."""
    if len(rules) != len(captions):
        yield f"has {counted(len(captions), 'caption')}, but {counted(len(rules), 'rule')}"
    names = [rule.partition(" ")[0] for rule in rules]
    order = _order(judge.rule_set, evidence, max(1, len(captions)))
    if len(captions) != len(order):
        yield f"has {counted(len(captions), 'caption')} instead of {len(order)}"
    elif len(names) == len(captions) and names != order:
        yield f"its rules are {', '.join(names)} instead of {', '.join(order)}"


def _order(rule_set: RuleSet, evidence: Evidence, num_human: int) -> list[str]:
    """The rules of a row in their order; a region without objects leaves a `random` at the end."""
    if rule_set in {"human", "none"}:
        return ["human"] * (num_human if rule_set == "human" else 0)
    if rule_set == "count":
        return ["random"]
    whole = ["all", "layout"] * (rule_set != "b2c")
    if rule_set == "all":
        return whole
    places = ["centre"] * bool(evidence["middle"]) + ["edge"] * bool(evidence["edge"])
    return places + ["random"] * (NUM_B2C - len(places)) + whole


def _check_human(text: str, rule: str) -> Iterator[str]:
    if text != text.strip():
        yield "has blanks at its ends"
    if rule != "human":
        yield f"its rule is {rule!r} instead of 'human'"


def _check_caption(text: str, rule: str, evidence: Evidence, judge: Judge) -> Iterator[str]:
    """A sentence of the rules: its form, its rule, and whether it is true."""
    vocabulary = judge.vocabulary
    yield from vocabulary.surface(text)
    try:
        sentence = vocabulary.read(text)
    except UnreadableError as error:
        yield str(error)
        return
    yield from sentence.flaws(vocabulary.style)
    stated, parameters = _read_rule(rule)
    stated_names = _strings(parameters.get("names"))
    named: dict[Region, list[str]] = {}
    for part in sentence.parts:
        counts = evidence[part.region]
        named[part.region] = _classes(part, counts, vocabulary, stated_names)
        yield from _check_part(part, named[part.region], counts, vocabulary)
    for region in _COMPLETE[sentence.rule]:
        missing = evidence[region].keys() - set(named.get(region, ()))
        for name in sorted(missing, key=str):
            yield f"leaves out {name!r}: the {region} has {evidence[region][name]}"
    expected = _parameters(sentence, named, judge.central)
    if (stated, parameters) != (sentence.rule, expected):
        right = sentence.rule + (f" {json.dumps(expected)}" if expected else "")
        yield f"its rule is {rule!r}, but the sentence says {right!r}"


def _check_part(
    part: Part, names: list[str], counts: Counts, vocabulary: Vocabulary
) -> Iterator[str]:
    """The items of one list: their words, their truth, their order."""
    true = True
    for item, name in zip(part.items, names, strict=True):
        yield from vocabulary.flaws(item, name)
        number = counts.get(name, 0)
        if not item.fits(number):
            true = False
            yield f"says '{item}', but the {part.region} has {number}"
    if len(set(names)) < len(names):
        yield f"names a category twice: {', '.join(names)}"
    order = sorted(names, key=lambda name: (-counts.get(name, 0), name))
    if true and names != order:  # the order of what is not there would be noise
        yield f"lists {', '.join(names)} instead of {', '.join(order)}"


def _classes(
    part: Part, counts: Counts, vocabulary: Vocabulary, stated: Collection[str]
) -> list[str]:
    """The class each item means: where classes share a noun, the reading that is true."""
    names: list[str] = []
    for item in part.items:
        classes = vocabulary.classes(item)
        if len(classes) > 1:
            free = [name for name in classes if name not in names] or list(classes)
            free.sort(key=lambda name: (name not in stated, not item.fits(counts.get(name, 0))))
            classes = (free[0],)
        names.append(classes[0])
    return names


def _parameters(
    sentence: Sentence, named: dict[Region, list[str]], central: float
) -> dict[str, object]:
    """What the rule of this sentence has to state."""
    if sentence.rule == "random":
        return {"names": named["picture"], "template": sentence.template}
    return {} if sentence.rule == "all" else {"central": central}


@lru_cache(maxsize=4096)  # most rows have the same few
def _read_rule(rule: str) -> tuple[str, dict[str, object]]:
    """Its name and parameters; what is not JSON stands under a name no rule has."""
    name, _, text = rule.partition(" ")
    try:
        parameters = json.loads(text) if text else {}
    except (ValueError, RecursionError):
        return rule, {}
    return (name, parameters) if isinstance(parameters, dict) else (rule, {})


def _strings(value: object) -> list[str]:
    return [item for item in value if isinstance(item, str)] if isinstance(value, list) else []

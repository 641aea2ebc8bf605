"""How a style puts counts into words; docs/rules.md shows the words in sentences."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from random import Random
from typing import Literal, NamedTuple, TypeVar

from rs_caption.facts import Noun

T = TypeVar("T")
Ranked = Sequence[tuple[str, int]]  # categories with their counts, in the order of a sentence

EXACT_UP_TO = 10  # "exceeds ten": RemoteCLIP III-B.1


@dataclass(frozen=True)
class Style:
    """The words of one style: quantifiers above ten, templates of `random`, end of the sentence.

    In a template `{list}` is the list of items; `{be}` and `{be_first}` are "is" or "are".
    """

    quantifiers: tuple[str, ...]
    templates: Mapping[str, str]
    stop: str
    raw_names: bool


_SHARED = {
    "there": "There {be_first} {list} in the picture",
    "there-remote": "There {be_first} {list} in this remote sensing picture",
    "located": "{list} {be} located in the picture",
    "located-remote": "{list} {be} located in this remote sensing picture",
    "both": "There are both {list} in the picture",
}
PAIR_TEMPLATE = (
    "both"  # for two categories, neither above ten ("both many ships and" is no English)
)

STYLES: Mapping[str, Style] = {
    "plain": Style(
        quantifiers=("many", "a lot of", "lots of", "a large number of", "numerous"),
        templates={
            **_SHARED,
            "seen": "{list} can be seen in the picture",
            "seen-remote": "{list} can be seen in this remote sensing picture",
        },
        stop=".",
        raw_names=False,
    ),
    "paper": Style(
        quantifiers=(
            "many",
            "a lot of",
            "lots of",
            "a quantity of",
            "a crowd of",
            "a large deal of",
        ),
        templates={**_SHARED, "ground": "There {be_first} {list} on the ground"},
        stop=" .",
        raw_names=True,
    ),
}


def nouns_for(classes: Mapping[str, Noun], style_name: str) -> Mapping[str, Noun]:
    """The nouns a style uses: the manifest's, or raw class names."""
    if STYLES[style_name].raw_names:
        return {name: paper_noun(name, noun.paper) for name, noun in classes.items()}
    return classes


def paper_noun(name: str, words: tuple[str, str] | None = None) -> Noun:
    """The noun of the `paper` style: the raw class name, `an` before a vowel, naive plural.

    `words` are singular and plural where the manifest states the paper's.
    """
    singular, plural = words or (name, f"{name}s")
    article: Literal["a", "an"] = "an" if singular[:1].lower() in tuple("aeiou") else "a"
    return Noun(singular=singular, plural=plural, article=article)


def ordered(counts: Mapping[str, int]) -> Ranked:
    """Categories in the order a sentence names them: most numerous first, then by name."""
    if len(counts) == 1:
        return list(counts.items())
    return [(name, -less) for less, name in sorted([(-n, name) for name, n in counts.items()])]


def pick(choices: Sequence[T], rng: Random) -> T:
    """One of `choices`, each as likely: the share of [0, 1) that a draw falls into.

    A third of the time of `rng.choice`; it favours a choice by less than one part in 10^14.
    """
    return choices[int(rng.random() * len(choices))]


class Form(NamedTuple):
    """A finished sentence round its list."""

    before: str
    after: str


class Frame:
    """A template in one style, finished for every agreement of its verbs."""

    def __init__(self, template: str, style: Style) -> None:
        """Finish `template`, which holds `{list}`, and `{be}` or `{be_first}` if it likes."""
        self._forms: dict[tuple[bool, bool], Form] = {}
        for one, first_one in ((True, True), (False, True), (False, False)):
            verbs = {"be": _be(one=one), "be_first": _be(one=first_one)}
            text = template.format(list="{list}", **verbs)
            before, _, after = sentence(text, style).partition("{list}")
            self._forms[one, first_one] = Form(before, after)

    def about(self, ranked: Ranked, words: str) -> str:
        """The sentence about some categories, whose list is `words`."""
        before, after = self._forms[is_one(ranked), ranked[0][1] == 1]
        return f"{before}{words}{after}" if before else f"{words[0].upper()}{words[1:]}{after}"


class Words:
    """How one style speaks of the classes of a dataset; what it has said once it remembers."""

    def __init__(self, classes: Mapping[str, Noun], style_name: str) -> None:
        """Take the nouns of a manifest, of which the style may use other forms."""
        self.style = STYLES[style_name]
        self._nouns = nouns_for(classes, style_name)
        self._few: dict[tuple[str, int], str] = {}
        self._many: dict[str, list[str]] = {}

    def item(self, name: str, count: int, rng: Random) -> str:
        """A class by its count: `a plane`, `3 planes`, `many planes`."""
        if count > EXACT_UP_TO:
            if name not in self._many:
                plural = self._nouns[name].plural
                self._many[name] = [f"{much} {plural}" for much in self.style.quantifiers]
            return pick(self._many[name], rng)
        text = self._few.get((name, count))
        if text is None:
            noun = self._nouns[name]
            text = f"{noun.article} {noun.singular}" if count == 1 else f"{count} {noun.plural}"
            self._few[name, count] = text
        return text

    def phrase(self, ranked: Ranked, rng: Random) -> str:
        """A list of items: `3 planes, 2 ships and a harbor`."""
        items = [self.item(name, count, rng) for name, count in ranked]
        last = items.pop()
        return f"{', '.join(items)} and {last}" if items else last


def is_one(ranked: Ranked) -> bool:
    """Whether a list is of one object alone."""
    return len(ranked) == 1 and ranked[0][1] == 1


def be_first(ranked: Ranked) -> str:
    """The verb of "there ...": it agrees with the first item."""
    return _be(one=ranked[0][1] == 1)


def _be(*, one: bool) -> str:
    return "is" if one else "are"


def sentence(text: str, style: Style) -> str:
    """Capital at the start, the style's full stop at the end."""
    return f"{text[0].upper()}{text[1:]}{style.stop}"

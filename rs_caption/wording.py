"""How a style puts counts into words; docs/rules.md shows the words in sentences."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from random import Random
from typing import Literal

from rs_caption.facts import Noun

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


def ordered(counts: Mapping[str, int]) -> list[str]:
    """The categories in the order a sentence names them: most numerous first, then by name."""
    return sorted(counts, key=lambda name: (-counts[name], name))


def phrase(counts: Mapping[str, int], nouns: Mapping[str, Noun], style: Style, rng: Random) -> str:
    """A list of items: `3 planes, 2 ships and a harbor`."""
    items = [_item(counts[name], nouns[name], style, rng) for name in ordered(counts)]
    return items[0] if len(items) == 1 else f"{', '.join(items[:-1])} and {items[-1]}"


def _item(count: int, noun: Noun, style: Style, rng: Random) -> str:
    if count == 1:
        return f"{noun.article} {noun.singular}"
    if count <= EXACT_UP_TO:
        return f"{count} {noun.plural}"
    return f"{rng.choice(style.quantifiers)} {noun.plural}"


def be(counts: Mapping[str, int]) -> str:
    """The verb after a list: singular for one object alone."""
    return "is" if sum(counts.values()) == 1 else "are"


def be_first(counts: Mapping[str, int]) -> str:
    """The verb of "there ...": it agrees with the first item."""
    return "is" if max(counts.values()) == 1 else "are"


def sentence(text: str, style: Style) -> str:
    """Capital at the start, the style's full stop at the end."""
    return f"{text[0].upper()}{text[1:]}{style.stop}"

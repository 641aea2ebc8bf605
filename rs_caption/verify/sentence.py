"""Reading a caption back: sentence -> frame, region, verb, and the items of its list.

    There are 3 planes, 2 storage tanks and a ship in the picture.

is read as the template `there` with the verb `are` and the items (3, planes), (2, storage tanks)
and (a, ship). The grammar is that of docs/rules.md; nothing here is shared with the code that
writes captions, so that a mistake there cannot excuse itself here.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Literal, NamedTuple, get_args

from rs_caption.facts import Noun

Style = Literal["plain", "paper"]
Region = Literal["middle", "edge", "picture"]

MOST_EXACT = 10  # "exceeds ten" is the paper's word for quantifiers: ten itself is still a number
QUANTIFIERS: dict[Style, tuple[str, ...]] = {
    "plain": ("many", "a lot of", "lots of", "a large number of", "numerous"),
    "paper": ("many", "a lot of", "lots of", "a quantity of", "a crowd of", "a large deal of"),
}
NUM_BOTH = 2
ONLY_PLAIN = ("seen", "seen-remote")
ONLY_PAPER = ("ground",)


class UnreadableError(Exception):
    """The text is no sentence of the rules; the message says from where on."""


class Item(NamedTuple):
    """One category as it is said: `3` and `planes`, `a` and `ship`, `a lot of` and `cars`."""

    word: str
    noun: str

    @property
    def number(self) -> int | None:
        """How many that is; None for a quantifier."""
        if self.word in ("a", "an"):
            return 1
        return int(self.word) if self.word.isdigit() else None

    def fits(self, count: int) -> bool:
        """Whether `count` objects may be spoken of with this number or quantifier."""
        number = self.number
        return count > MOST_EXACT if number is None else count == number

    def __str__(self) -> str:
        return f"{self.word} {self.noun}"


class Part(NamedTuple):
    """What a sentence says of one region; `verb` is empty where none needs to agree."""

    region: Region
    verb: str
    items: tuple[Item, ...]


class Sentence(NamedTuple):
    """A caption that could be read; `template` is empty but for the rule `random`."""

    rule: str
    template: str
    parts: tuple[Part, ...]

    def flaws(self, style: Style) -> Iterator[str]:
        """What is wrong with its template and its verbs."""
        if self.template in (ONLY_PAPER if style == "plain" else ONLY_PLAIN):
            yield f"the {style} style has no template {self.template!r}"
        if self.template == "both" and len(self.parts[0].items) != NUM_BOTH:
            yield "says 'both' of other than two categories"
        # 'there is' looks at the first item of its list, these look at the whole list
        whole_list = self.template in ("both", "located", "located-remote")
        for part in self.parts:
            first_decides = not whole_list or len(part.items) == 1
            verb = "is" if first_decides and part.items[0].number == 1 else "are"
            if part.verb not in ("", verb):
                yield f"says {part.verb!r} instead of {verb!r}"


class _Frame(NamedTuple):
    rule: str
    template: str
    regions: tuple[Region, ...]
    pattern: re.Pattern[str]


def _frame(regions: str, rule: str, text: str) -> _Frame:
    """A sentence with VERB and LIST in it: a LIST for each region, with its VERB if it has one."""
    name, _, template = rule.partition(" ")
    pattern = text.replace("VERB", "(is|are)").replace("LIST", "(.+)")
    spoken_of = tuple(region for region in get_args(Region) if region in regions.split())
    return _Frame(name, template, spoken_of, re.compile(pattern))


# The first that matches counts, so a special case stands before the general one.
_FRAMES = (
    _frame("middle", "centre", "LIST in the middle of the picture"),
    _frame("edge", "edge", "LIST at the edge of the picture"),
    _frame("picture", "random both", "there VERB both LIST in the picture"),
    _frame("picture", "random there", "there VERB LIST in the picture"),
    _frame("picture", "random there-remote", "there VERB LIST in this remote sensing picture"),
    _frame("picture", "random ground", "there VERB LIST on the ground"),
    _frame("picture", "random located", "LIST VERB located in the picture"),
    _frame("picture", "random located-remote", "LIST VERB located in this remote sensing picture"),
    _frame("picture", "random seen", "LIST can be seen in the picture"),
    _frame("picture", "random seen-remote", "LIST can be seen in this remote sensing picture"),
    _frame("picture", "all", "the picture shows LIST"),
    _frame(
        "middle edge",
        "layout",
        "in the middle of the picture there VERB LIST, and at the edge there VERB LIST",
    ),
    _frame("middle", "layout", "in the middle of the picture there VERB LIST"),
    _frame("edge", "layout", "at the edge of the picture there VERB LIST"),
)


@dataclass(frozen=True, slots=True)
class Vocabulary:
    """How one style speaks of one dataset's classes, turned round: from the words to the classes.

    Two classes may share a noun, hence the tuples (sorted by class name).
    """

    style: Style
    articles: dict[str, str]  # by class
    singulars: dict[str, tuple[str, ...]]
    plurals: dict[str, tuple[str, ...]]
    item: re.Pattern[str]

    @classmethod
    def of(cls, nouns: Mapping[str, Noun], style: Style) -> Vocabulary:
        """The words of `style` for the classes of a manifest; compiled once a dataset."""
        articles: dict[str, str] = {}
        singulars: dict[str, tuple[str, ...]] = {}
        plurals: dict[str, tuple[str, ...]] = {}
        for name in sorted(nouns):
            noun = nouns[name]
            if style == "paper":
                one, many = noun.paper or (name, f"{name}s")
                article: Literal["a", "an"] = "an" if one[:1].lower() in tuple("aeiou") else "a"
                noun = Noun(singular=one, plural=many, article=article)
            articles[name] = noun.article
            singulars[noun.singular] = (*singulars.get(noun.singular, ()), name)
            plurals[noun.plural] = (*plurals.get(noun.plural, ()), name)
        longest_first = sorted({*singulars, *plurals}, key=len, reverse=True)
        words = sorted({word for words in QUANTIFIERS.values() for word in words}, reverse=True)
        # A noun ends at a comma, an "and" or the end: "field" is not read out of "field of corn".
        # Nine digits are plenty, and int() refuses thousands of them.
        item = re.compile(
            rf"({'|'.join(map(re.escape, words))}|[0-9]{{1,9}}|an?) "
            rf"({'|'.join(map(re.escape, longest_first))})(?=, | and |\Z)"
        )
        return cls(style, articles, singulars, plurals, item)

    def classes(self, item: Item) -> tuple[str, ...]:
        """The classes an item may mean; those whose noun has the right number come first."""
        right, wrong = self.singulars, self.plurals
        if item.number != 1:
            right, wrong = wrong, right
        return right.get(item.noun) or wrong[item.noun]

    def flaws(self, item: Item, name: str) -> Iterator[str]:
        """What is wrong with the words of an item that speaks of class `name`."""
        number, quoted = item.number, repr(str(item))
        if number is None and item.word not in QUANTIFIERS[self.style]:
            yield f"the {self.style} style has no quantifier {item.word!r}"
        if number is not None and number > MOST_EXACT:
            yield f"says {quoted} in digits; above {MOST_EXACT} stands a quantifier"
        if item.word == "1" or item.word.startswith("0"):
            yield f"says {quoted}; digits stand for 2 to {MOST_EXACT} only"
        if number == 1 and item.noun not in self.singulars:
            yield f"says {quoted}; the noun must be singular"
        if number != 1 and item.noun not in self.plurals:
            yield f"says {quoted}; the noun must be plural"
        if item.word in ("a", "an") and item.word != self.articles[name]:
            yield f"says {quoted}; the article must be {self.articles[name]!r}"

    def surface(self, text: str) -> Iterator[str]:
        """What is wrong with the first and the last character of a caption."""
        if text[:1].islower():
            yield "does not start with a capital"
        blank, stop = text[-2:-1] == " ", text[-1:] == "."
        if not stop:
            yield "does not end with a full stop"
        elif blank and self.style == "plain":
            yield "has a blank before the full stop"
        elif not blank and self.style == "paper":
            yield "has no blank before the full stop"

    def read(self, text: str) -> Sentence:
        """Read a caption; its capital and its ending are left to `surface`.

        Raises:
            UnreadableError: no frame of the rules, or a list that is none.
        """
        body = text.removesuffix(".").removesuffix(" ")
        body = body[:1].lower() + body[1:]  # never part of a noun: a count word comes before it
        for frame in _FRAMES:
            if found := frame.pattern.fullmatch(body):
                return self._sentence(frame, found.groups())
        raise UnreadableError("is no sentence of the rules")

    def _sentence(self, frame: _Frame, groups: tuple[str, ...]) -> Sentence:
        verbs = [group for group in groups if group in ("is", "are")] or [""] * len(frame.regions)
        lists = [group for group in groups if group not in ("is", "are")]
        if not len(verbs) == len(lists) == len(frame.regions):
            raise UnreadableError("has a verb where a list belongs")
        parts = zip(frame.regions, verbs, map(self._list, lists), strict=True)
        return Sentence(frame.rule, frame.template, tuple(Part(*part) for part in parts))

    def _list(self, text: str) -> tuple[Item, ...]:
        """`3 planes, 2 ships and a bridge` -> its items."""
        items: list[Item] = []
        joints: list[str] = []
        at = 0
        while found := self.item.match(text, at):
            items.append(Item(*found.groups()))
            if found.end() == len(text):
                if joints != [", "] * (len(items) - 2) + [" and "] * (len(items) > 1):
                    raise UnreadableError(f"does not join its list like 'x, y and z': {text!r}")
                return tuple(items)
            joints.append(" and " if text.startswith(" and ", found.end()) else ", ")
            at = found.end() + len(joints[-1])
        raise UnreadableError(f"cannot be read from {text[at:]!r} on")

"""What rows a reader wants to see: the filter, as it stands in the address of a page."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import NamedTuple

from rs_caption.errors import UserError

PAGE_ROWS = 24
MIXED = "mixed"  # an order by chance, the same one each time
_LONGEST = 200  # characters of what is typed
_MOST_DIGITS = 9  # of a number: more rows, and more objects in one, than any table has
_LARGEST = 10**_MOST_DIGITS
_TERM = re.compile(r'"([^"]+)"|([^\s"]+)')


class Clause(NamedTuple):
    """A condition on `rows` of the index, and the values for its question marks."""

    text: str
    values: tuple[object, ...] = ()


@dataclass(frozen=True, slots=True)
class Wanted:
    """A filter; what is empty (or None) does not filter.

    `least` and `most` count the objects of class `kind`, or all where none is named.
    """

    dataset: str = ""
    split: str = ""
    kind: str = ""
    least: int | None = None
    most: int | None = None
    rule: str = ""
    words: str = ""
    alike: str = ""
    order: str = ""

    @classmethod
    def of(cls, typed: Mapping[str, str]) -> Wanted:
        """From the parameters of an address; what means nothing is left out.

        Raises:
            UserError: a number has too many digits.
        """
        texts = {key: typed.get(key, "")[:_LONGEST] for key in _TEXTS}
        return cls(
            **texts,
            least=number_of(typed, "least"),
            most=number_of(typed, "most"),
            alike="yes" if typed.get("alike") == "yes" else "",
            order=MIXED if typed.get("order") == MIXED else "",
        )

    @property
    def typed(self) -> dict[str, str]:
        """As the parameters of an address; what does not filter is left out."""
        return {key: str(said) for key, said in asdict(self).items() if said not in {"", None}}

    @property
    def terms(self) -> tuple[str, ...]:
        """What the captions must hold, in lower case: words, and phrases in quotes."""
        return tuple(phrase or word for phrase, word in _TERM.findall(self.words.lower()))

    @property
    def clauses(self) -> list[Clause]:
        """The conditions, all of which must hold."""
        clauses = [
            Clause(f"{column} = ?", (value,))
            for column, value in (("dataset", self.dataset), ("split", self.split))
            if value
        ]
        clauses += self._counts()
        if self.rule:
            clauses.append(Clause("contains(rules, ?)", (f" {self.rule} ",)))
        clauses += [Clause("contains(said, ?)", (term,)) for term in self.terms]
        if self.alike:
            clauses.append(Clause("nr IN (SELECT nr FROM alike)"))
        return clauses

    def _counts(self) -> list[Clause]:
        if self.kind:
            least = max(self.least or 0, 1)
            between = (self.kind, least, _LARGEST if self.most is None else self.most)
            query = "nr IN (SELECT nr FROM objects WHERE kind = ? AND number BETWEEN ? AND ?)"
            return [Clause(query, between)]
        limits = (("boxes >= ?", self.least), ("boxes <= ?", self.most))
        return [Clause(text, (limit,)) for text, limit in limits if limit is not None]


_TEXTS = ("dataset", "split", "kind", "rule", "words")


def number_of(typed: Mapping[str, str], key: str) -> int | None:
    """A number among the parameters of an address, 0 or more; None where there is none.

    Raises:
        UserError: it has too many digits (Python itself refuses to read some thousands of them).
    """
    text = typed.get(key, "")
    if not (text.isascii() and text.isdecimal()):
        return None
    if len(text) > _MOST_DIGITS:
        raise UserError(
            f"{key}: expected a number of at most {_MOST_DIGITS} digits, found {len(text):,} digits"
        )
    return int(text)

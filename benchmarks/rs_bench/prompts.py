"""What a class is called for a model: its phrase, put into a template.

    phrases("rsc11")["stroagetanks"]   "storage tanks"
    templates("rsc11", "paper")        ("a satellite photo of {}.",)

Phrases are in the manifests, templates in prompts.toml, both as RemoteCLIP's authors have them.
"""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Literal

import msgspec

from rs_caption import manifest
from rs_caption.errors import UserError

Kind = Literal["paper", "ensemble"]
_FILE = Path(__file__).with_name("prompts.toml")


class _Templates(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    templates: tuple[str, ...]
    source: str = ""


class _Ensembles(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    source: str
    eurosat: _Templates
    resisc45: _Templates
    others: _Templates


class _Prompts(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    paper: _Templates
    ensembles: _Ensembles


def phrases(name: str) -> dict[str, str]:
    """Class folder to phrase, in the order of a `ClassSet`'s classes.

    Raises:
        UserError: no dataset has this name, or it has no classes.
    """
    facts = manifest.load(name)
    if facts.family != "cls":
        raise UserError(f"{facts.title} has no classes to choose from")
    return {entry.name: entry.phrase for entry in facts.folders}


def templates(name: str, kind: Kind) -> tuple[str, ...]:
    """The templates of a set, each with {} for the phrase: the paper's one, or its authors' many.

    Raises:
        UserError: as `phrases`.
    """
    phrases(name)
    prompts = _prompts()
    chosen: _Templates = (
        prompts.paper
        if kind == "paper"
        else getattr(prompts.ensembles, name, prompts.ensembles.others)
    )
    return chosen.templates


def prompts(name: str, kind: Kind) -> tuple[tuple[str, ...], ...]:
    """The texts of a set: for each template one for each class, in the order of its classes.

    Raises:
        UserError: as `phrases`.
    """
    said = phrases(name).values()
    return tuple(
        tuple(template.format(phrase) for phrase in said) for template in templates(name, kind)
    )


@cache
def _prompts() -> _Prompts:
    return msgspec.toml.decode(_FILE.read_bytes(), type=_Prompts)

"""What the Tab key offers in place of a name: datasets, forms, styles, rules.

Commands, options and their fixed choices typer completes by itself, files and tables the shell. The
functions here are run by the Tab key alone, so they import what they need when they are called.
"""

from __future__ import annotations

Offers = list[tuple[str, str]]  # each with what it is, which zsh and fish show


def datasets() -> Offers:
    """All datasets that there is a manifest of, and the forms of own data."""
    from rs_caption import manifest  # noqa: PLC0415 -- --help must not wait
    from rs_caption.catalogue.overview import OWN_FORMS  # noqa: PLC0415

    return [*((facts.name, facts.title) for facts in manifest.load_all()), *OWN_FORMS.items()]


def sources() -> Offers:
    """What can be converted: of `datasets`, those that are no benchmarks."""
    from rs_caption import manifest  # noqa: PLC0415
    from rs_caption.catalogue.overview import OWN_FORMS  # noqa: PLC0415

    return [*((facts.name, facts.title) for facts in manifest.captioned()), *OWN_FORMS.items()]


def styles() -> list[str]:
    """Of captions."""
    from rs_caption.wording import STYLES  # noqa: PLC0415

    return list(STYLES)


def rule_sets() -> list[str]:
    """Of captions."""
    from rs_caption.b2c import RULES  # noqa: PLC0415

    return list(RULES)

"""`rs-caption sources`: from the manifests alone, so that it answers at once."""

from __future__ import annotations

from rs_caption import manifest
from rs_caption.catalogue.overview import OWN_FORMS, overview, resolve
from rs_caption.catalogue.portrait import portrait
from rs_caption.console import out, say

_WIDEST = 110  # columns; longer lines are hard to read
_NARROWEST = 72


def print_sources(name: str) -> None:
    """All datasets, or everything about one.

    Raises:
        UserError: there is no such dataset.
    """
    width = max(_NARROWEST, min(out.width, _WIDEST))
    if not name:
        for line in overview(list(manifest.load_all()), width):
            say(line)
        return
    meant = resolve(name, (*manifest.names(), *OWN_FORMS))
    if meant in OWN_FORMS:
        say(f"{meant}: data of your own, {OWN_FORMS[meant]}")
        say(f"rs-caption convert --source {meant} --root DIR --out TABLE --name NAME")
        return
    for line in portrait(manifest.load(meant), width):
        say(line)

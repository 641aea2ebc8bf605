"""What our HTML pages share: one look (`base.css`), pieces of pages, and a way to fill a template.

A page is one file that loads nothing. Everything put into a template is escaped, and its policy
lets no script run but the page's own, by digest.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from importlib import resources


def fill(package: str, template: str, values: Mapping[str, object]) -> str:
    """The text of a page; the same input gives the same text.

    Args:
        package: where the template lies, such as `rs_caption.leaks`.
        template: its file.
        values: what it names; `base` is the shared style sheet. Other files of this package it
            includes and imports by their names.
    """
    import jinja2  # noqa: PLC0415 -- only here
    from markupsafe import Markup  # noqa: PLC0415 -- comes with jinja2

    environment = jinja2.Environment(
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        loader=jinja2.FunctionLoader(partial(read, "rs_caption.pages")),
    )
    source = environment.from_string(read(package, template))
    base = Markup(read("rs_caption.pages", "base.css"))  # noqa: S704 -- ours
    return source.render(base=base, **values).rstrip() + "\n"


def read(package: str, name: str) -> str:
    """A file of ours."""
    return resources.files(package).joinpath(name).read_text("utf-8")

"""What Sphinx makes of the pages that build.py has laid out."""

from __future__ import annotations

from pathlib import Path

from docstrings import passed_over, read, say_whose
from sphinx.application import Sphinx

import rs_caption

project = "rs-caption"
version = release = rs_caption.__version__
html_title = project
extensions = ["myst_parser", "sphinx.ext.autodoc", "sphinx.ext.napoleon"]
smartquotes = False  # of `--all` they would make a dash
html_theme = "furo"
html_static_path = [str(Path(__file__).parent / "static")]
html_css_files = ["site.css"]
html_copy_source = False
html_show_copyright = False
myst_heading_anchors = 4  # links to headings are written as GitHub has them
napoleon_numpy_docstring = False
napoleon_use_ivar = True
autodoc_member_order = "bysource"
autodoc_use_type_comments = False
autodoc_typehints_format = "short"
autodoc_default_options = {"members": True, "ignore-module-all": True}
toc_object_entries = False
python_maximum_signature_line_length = 80
# Extras: the pages are built with the core alone.
autodoc_mock_imports = [
    "av",
    "huggingface_hub",
    "matplotlib",
    "open_clip",
    "rasterio",
    "safetensors",
    "sklearn",
    "starlette",
    "torch",
    "torchvision",
    "uvicorn",
    "vl_convert",
    "wordcloud",
]


def setup(app: Sphinx) -> None:
    """Read docstrings as we write them, before Napoleon reads its sections."""
    app.connect("autodoc-skip-member", passed_over)
    app.connect("autodoc-process-docstring", read, priority=400)
    app.connect("doctree-read", say_whose)

"""The word cloud, as SVG with its letters in it: the same words give the same cloud."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from html import escape
from typing import Any

from rs_caption.report.charts import font

_SIZE_WH = (680, 320)
_MOST = 120
_COLOURS = ("#2f74b5", "#2e8b57", "#c8681a", "#8b5fb0", "#3b7f8c", "#a34a5c")


def word_cloud(words: Mapping[str, int]) -> str:
    """Words as large as they are common, as SVG.

    The letters are drawn as DejaVu Sans would set them, the font that matplotlib brings, so that
    none falls over another in whichever font the reader has.
    """
    from wordcloud import WordCloud  # noqa: PLC0415 -- an extra

    width, height = _SIZE_WH
    cloud = WordCloud(
        width=width,
        height=height,
        font_path=str(font()),
        max_words=_MOST,
        random_state=0,
        prefer_horizontal=1.0,
        relative_scaling=0.4,
        max_font_size=84,
        min_font_size=9,
        margin=3,
        collocations=False,
    ).generate_from_frequencies(dict(words))
    texts = "".join(map(partial(_text, words=words), enumerate(cloud.layout_)))
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" class="chart cloud" role="img" '
        f'aria-label="Word cloud" width="{width}" height="{height}" '
        f'viewBox="0 0 {width} {height}">{texts}</svg>'
    )


def _text(numbered: tuple[int, Any], words: Mapping[str, int]) -> str:
    """One word at its place, stretched to the width it was given."""
    from PIL import ImageFont  # noqa: PLC0415

    at, ((word, _), size, (y, x), _, _) = numbered
    letters = ImageFont.truetype(str(font()), size)
    left, top, right, _ = letters.getbbox(word)
    down = letters.getmetrics()[0] - top + y
    tip = f"{word}: {words[word]:,} times"
    return (
        f'<text x="{x - left:.0f}" y="{down:.0f}" font-size="{size}" '
        f'textLength="{right - left:.0f}" lengthAdjust="spacingAndGlyphs" '
        f'font-family="DejaVu Sans, Verdana, sans-serif" fill="{_COLOURS[at % len(_COLOURS)]}" '
        f'aria-label="{escape(tip)}">{escape(word)}</text>'
    )

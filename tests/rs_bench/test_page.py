"""The page of results as a browser shows it: nothing is clipped, and what scrolls says so."""

import pytest

from rs_bench.report.page import page
from rs_bench.report.plots import Picture
from rs_bench.results import Result, Run
from rs_bench.sets import CLASSIFICATION

_BOXES = """() => {
  const box = document.querySelector('.scroll'), row = box.querySelector('tbody tr');
  const [name, , ours] = [...row.children].map(cell => cell.getBoundingClientRect());
  const around = box.getBoundingClientRect();
  return {
    page: document.documentElement.scrollWidth, box: around.right, table: box.scrollWidth,
    name: name.left - around.left, ours: ours.right,
    hint: getComputedStyle(document.querySelector('.hint')).display,
  };
}"""


@pytest.mark.parametrize("width", [400, 1280])
def test_a_wide_table_scrolls_in_its_box(chromium, tmp_path, width):
    figures = [Result("zeroshot", name, "paper", {"accuracy": 61.2}, {}) for name in CLASSIFICATION]
    run = Run({"name": "ViT-B-32"}, {}, tuple(figures))
    (tmp_path / "results.html").write_text(page(run, {}))
    shown = chromium.new_page(viewport={"width": width, "height": 900})
    shown.goto((tmp_path / "results.html").as_uri())
    before = shown.evaluate(_BOXES)
    assert before["page"] == width  # the page itself does not scroll sideways
    assert before["ours"] < before["box"] < width < before["table"]
    assert (before["hint"], before["name"]) == ("block", 1)
    assert "beside 10 published" in shown.inner_text(".hint")
    shown.evaluate("document.querySelector('.scroll').scrollLeft = 150")
    after = shown.evaluate(_BOXES)
    assert after["ours"] == before["ours"] - 150
    assert after["name"] == 1  # names of datasets stay in sight
    shown.close()


@pytest.mark.parametrize(("width", "shown_px", "hint"), [(400, 920, "block"), (1280, 1130, "none")])
def test_a_picture_with_letters_scrolls_in_its_box(chromium, tmp_path, width, shown_px, hint):
    svg = "data:image/svg+xml,%3Csvg xmlns='http://www.w3.org/2000/svg' width='{0}' height='99'/%3E"
    pictures = {"sentences": Picture(svg.format(1124), 1124), "plot": Picture(svg.format(499), 499)}
    (tmp_path / "results.html").write_text(page(Run({"name": "ViT-B-32"}, {}, ()), pictures))
    shown = chromium.new_page(viewport={"width": width, "height": 900})
    shown.goto((tmp_path / "results.html").as_uri())
    wide, narrow = shown.locator("figure img").all()
    assert wide.bounding_box()["width"] == shown_px
    assert narrow.bounding_box()["width"] <= width - 24  # as wide as the page at most
    assert shown.evaluate("document.documentElement.scrollWidth") == width
    assert shown.evaluate("getComputedStyle(document.querySelector('.hint')).display") == hint
    shown.emulate_media(media="print")
    assert wide.bounding_box()["width"] <= width
    shown.close()

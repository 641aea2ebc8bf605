"""The pages of `rs-caption browse` in a real browser: typed in, hovered, clicked, photographed."""

import io
import re

import pytest
from fakes.gallery import HARMFUL, SHIPS, gallery, numbers, served
from PIL import Image

sync_api = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")

A, MASKED = "dota/train/images/a.png", "loveda/Train/Rural/images_png/0.png"
ROWS = 37
PAGE_ROWS = 24
expect = sync_api.expect


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    return gallery(tmp_path_factory.mktemp("gallery"))


@pytest.fixture(scope="module")
def address(made):
    with served(made) as found:
        yield found.rstrip("/")


@pytest.fixture
def wrong():
    """What scripts and the policy complained of."""
    return []


@pytest.fixture
def page(chromium, address, wrong):
    """A page of 1280 x 900; no script may fail, and the policy may forbid nothing of ours."""
    context = chromium.new_context(viewport={"width": 1280, "height": 900}, base_url=address)
    opened = context.new_page()
    opened.on("pageerror", lambda error: wrong.append(str(error)))
    opened.on("dialog", lambda dialog: wrong.append(dialog.message))
    opened.on(
        "console",
        lambda said: wrong.append(said.text) if "Content Security Policy" in said.text else None,
    )
    yield opened
    assert opened.evaluate("window.harmed") is None
    context.close()
    assert wrong == []


def lit(page):
    """Numbers of the boxes that are lit."""
    marks = page.locator("#boxes .box.lit").evaluate_all("all => all.map(one => one.dataset.box)")
    return sorted(map(int, marks))


def test_a_page_shows_pictures_with_their_boxes(page):
    page.goto("/")
    expect(page.locator(".card")).to_have_count(PAGE_ROWS)
    expect(page.locator("#found")).to_have_text(str(ROWS))
    card = page.locator(".card").first
    expect(card.locator("p.id")).to_have_text(A)
    expect(card.locator("rect.box")).to_have_count(6)
    loaded = "one => one.complete && one.naturalWidth"
    card.locator("img").scroll_into_view_if_needed()
    page.wait_for_load_state("networkidle")
    assert card.locator("img").evaluate(loaded) == 320
    # The boxes lie over the picture: the ship is [100, 180) x [60, 100) of 320 x 160.
    image, ship = card.locator("img").bounding_box(), card.locator("rect").first.bounding_box()
    scale = image["width"] / 320
    top = image["y"] + (image["height"] - 160 * scale) / 2
    assert ship["x"] == pytest.approx(image["x"] + 100 * scale, abs=2)
    assert ship["y"] == pytest.approx(top + 60 * scale, abs=2)
    assert ship["width"] == pytest.approx(80 * scale, abs=3)
    page.get_by_role("link", name="Next").first.click()
    expect(page.locator(".card")).to_have_count(ROWS - PAGE_ROWS)


def test_a_filter_answers_while_one_types(page):
    page.goto("/")
    page.get_by_label("Words in the captions").press_sequentially('"5 planes"')
    expect(page.locator("#found")).to_have_text("1")
    expect(page.locator(".card")).to_have_count(1)
    assert page.url.endswith("/?words=%225+planes%22")
    expect(page.locator(".card .caption")).to_have_text("5 planes at the edge of the picture.")
    page.get_by_label("Words in the captions").fill("")
    expect(page.locator("#found")).to_have_text(str(ROWS))
    page.get_by_label("Class").select_option("ship")
    expect(page.locator("#found")).to_have_text(str(1 + SHIPS))
    expect(page.locator("legend .of")).to_have_text("of this class")
    page.get_by_label("Split").select_option("train")
    expect(page.locator("#found")).to_have_text("1")
    page.get_by_label("at least").fill("2")
    expect(page.locator(".nothing")).to_be_visible()
    page.reload()  # the filter stands in the address
    expect(page.locator(".nothing")).to_be_visible()
    assert page.get_by_label("Class").input_value() == "ship"
    page.get_by_role("link", name="Clear", exact=True).click()
    page.get_by_label("has look-alikes").check()
    expect(page.locator("#found")).to_have_text("2")


def test_a_number_that_is_too_long_is_told_while_one_types(page):
    page.goto("/?words=planes")
    expect(page.locator("#found")).to_have_text("1")
    page.get_by_label("at least").fill("9" * 12)
    said = "least: expected a number of at most 9 digits, found 12 digits"
    expect(page.locator("#problem")).to_have_text(said)
    assert page.url.endswith("/?words=planes")
    page.get_by_label("at least").fill("2")
    expect(page.locator("#found")).to_have_text("1")
    page.goto(f"/?least={'9' * 5000}")
    expect(page.locator("h1")).to_have_text("This address is not understood")
    page.get_by_role("link", name="Clear the filter").click()
    expect(page.locator("#found")).to_have_text(str(ROWS))


def test_a_caption_lights_its_boxes(page, made):
    page.goto(f"/row/{numbers(made)[A]}")
    expect(page.locator(".captions li")).to_have_count(5)
    rules = page.locator(".captions .rule b").all_text_contents()
    assert rules == ["centre", "edge", "random", "random", "random"]
    centre, edge = page.locator(".captions li").nth(0), page.locator(".captions li").nth(1)
    centre.locator(".rule").hover()
    assert lit(page) == [0]
    edge.locator(".rule").hover()
    assert lit(page) == [1, 2, 3, 4, 5]
    expect(edge).to_have_class("hot")
    page.locator("h1").hover()
    assert lit(page) == []
    page.locator(".kinds li", has_text="ship").hover()
    assert lit(page) == [0]
    edge.locator(".item").hover()
    assert lit(page) == [1, 2, 3, 4, 5]
    edge.locator(".rule").click()  # keeps it lit
    page.locator("h1").hover()
    assert lit(page) == [1, 2, 3, 4, 5]
    edge.locator(".rule").click()
    page.locator("h1").hover()
    assert lit(page) == []
    centre.focus()
    assert lit(page) == [0]
    page.locator("#boxes .box").first.hover()
    assert page.locator(".kinds .hot").all_text_contents() == ["ship 1"]


def test_every_caption_lights_just_the_classes_it_names(page, made):
    page.goto(f"/row/{numbers(made)[A]}")
    for caption in page.locator(".captions li").all():
        caption.locator(".rule").hover()
        text = caption.locator(".text").inner_text()
        assert lit(page) == [0] * ("ship" in text) + [1, 2, 3, 4, 5] * ("planes" in text)


def test_regions_of_a_mask_are_drawn(page, made):
    page.goto(f"/row/{numbers(made)[MASKED]}")
    expect(page.locator("#regions path")).to_have_count(3)
    building = page.locator(".kinds li", has_text="building")
    building.hover()
    expect(page.locator("#regions path.lit")).to_have_count(1)
    page.get_by_label("regions of the mask").uncheck()
    expect(page.locator("#regions")).to_be_hidden()
    page.get_by_label("boxes").uncheck()
    expect(page.locator("#boxes")).to_be_hidden()


def press(page, key):
    page.wait_for_load_state()  # keys are heard from then on
    page.keyboard.press(key)


def test_keys_and_links_lead_through_what_was_found(page):
    page.goto("/?split=val")
    page.locator(".card .shot").nth(1).click()
    expect(page.locator("h1")).to_have_text("dota/val/images/b01.png")
    expect(page.locator(".bar .where")).to_have_text(f"2 of {SHIPS}")
    expect(page.locator("#near-count")).to_have_text("1:")
    expect(page.locator(".alikes small")).to_have_text("dota/val/images/b00.png")
    press(page, "ArrowRight")
    expect(page.locator("h1")).to_have_text("dota/val/images/b02.png")
    expect(page.locator("#near-count")).to_have_text("None in this table.")
    press(page, "ArrowLeft")
    expect(page.locator("h1")).to_have_text("dota/val/images/b01.png")
    page.locator(".alikes a").click()
    expect(page.locator("h1")).to_have_text("dota/val/images/b00.png")
    press(page, "Escape")
    expect(page.locator("#found")).to_have_text(str(SHIPS))


def test_hashes_further_apart_are_shown_when_asked_for(page, made):
    page.goto(f"/row/{numbers(made)[A]}?split=train")
    page.locator("select[name=bits]").select_option("12")
    page.wait_for_url(re.compile(r"bits=12"))
    assert "split=train" in page.url
    assert page.locator("select[name=bits]").input_value() == "12"


def test_a_picture_can_be_enlarged(page, made):
    page.goto(f"/row/{numbers(made)[A]}")
    picture = page.locator("#picture")
    assert picture.get_attribute("viewBox") == "0 0 320 160"
    page.get_by_role("button", name="Zoom in").click()
    assert picture.get_attribute("viewBox") == "60 30 200 100"
    page.get_by_role("button", name="Fit").click()
    assert picture.get_attribute("viewBox") == "0 0 320 160"
    picture.hover()
    page.mouse.wheel(0, -400)
    expect(picture).not_to_have_attribute("viewBox", "0 0 320 160")


def test_text_of_others_does_nothing(page, made, wrong):
    at = numbers(made)
    page.goto(f"/row/{at['web/exif.jpg']}")
    expect(page.locator(".captions .text")).to_have_text(HARMFUL)
    expect(page.locator(".captions img, .captions script")).to_have_count(0)
    page.goto("/?dataset=web")
    expect(page.locator(".card .caption").first).to_be_visible()
    page.get_by_label("Words in the captions").fill(HARMFUL.split(" ")[0])
    expect(page.locator("#found")).to_have_text("1")
    expect(page.locator(".card .caption")).to_have_text(HARMFUL)
    # Even what got into the page could not run.
    with page.expect_console_message(lambda said: "inline event handler violates" in said.text):
        page.evaluate("document.body.innerHTML += '<img src=/x onerror=\"window.harmed = 3\">'")
    assert len(wrong) == 1
    wrong.clear()


@pytest.mark.parametrize("width", [1280, 400])
def test_pages_fit_the_window_and_can_be_photographed(page, made, width):
    page.set_viewport_size({"width": width, "height": 800})
    at = numbers(made)
    for path in ("/", f"/row/{at[A]}", f"/row/{at['web/exif.jpg']}", f"/row/{at[MASKED]}"):
        page.goto(path)
        page.wait_for_load_state("networkidle")
        assert page.evaluate("document.documentElement.scrollWidth") <= width
        shot = Image.open(io.BytesIO(page.screenshot()))
        assert shot.size == (width, 800)
        assert len(shot.convert("RGB").quantize(64).getcolors()) > 20


def test_without_scripts_the_filter_is_a_form(chromium, address):
    context = chromium.new_context(java_script_enabled=False, base_url=address)
    page = context.new_page()
    page.goto("/")
    page.get_by_label("Words in the captions").fill("planes")
    page.get_by_role("button", name="Filter").click()
    expect(page.locator("#found")).to_have_text("1")
    context.close()

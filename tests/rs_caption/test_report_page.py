"""The page of `rs-caption report` as a reader has it: opened from disk in a browser."""

import io
from dataclasses import replace

import pytest
from fakes import corpora
from fakes.corpora import row
from PIL import Image

EVIL = "<img src=x onerror=window.evil=1></script><script>window.evil=1</script>"


@pytest.fixture(scope="module")
def report(tmp_path_factory):
    """The page of 24 sentences of people and of 10 rows with hostile names and captions."""
    from rs_caption.commands.report import Wanted, report_tables  # noqa: PLC0415
    from rs_caption.report.findings import ReportRequest  # noqa: PLC0415

    folder = tmp_path_factory.mktemp("report")
    said = ["red roofs", "a river", "green trees", "parked cars", "sand", "ponds", "roads", "snow"]
    people = [row(f"{at:03}.png", [text, f"{text} again", "more"]) for at, text in enumerate(said)]
    corpora.write_table(folder / "people", people)
    evil = [
        replace(
            row(
                f"{EVIL[:12]}{at}.png", [EVIL, f"{at} ships"], objects=[(EVIL, 1.0, 1.0, 9.0, 9.0)]
            ),
            dataset="evil<b>",
            family="det",
            rules=("random", "random"),
        )
        for at in range(10)
    ]
    corpora.write_table(folder / "evil", evil)
    (folder / "evil/skipped.csv").write_text(f"item,reason,detail,documented\na,bad,{EVIL},no\n")
    tables = (folder / "people", folder / "evil")
    report_tables(ReportRequest(tables), Wanted(folder / "report.html"))
    return folder / "report.html"


@pytest.fixture
def opened(chromium, report):
    """Open the page at a width; what it asked for and complained of is kept on it."""
    pages = []

    def open_at(width, **options):
        page = chromium.new_page(viewport={"width": width, "height": 900}, **options)
        page.asked, page.said = [], []
        page.on("request", lambda request: page.asked.append(request.url))
        page.on("console", lambda message: page.said.append(message.text))
        page.on("pageerror", lambda error: page.said.append(str(error)))
        page.goto(report.as_uri())
        pages.append(page)
        return page

    yield open_at
    for page in pages:
        page.close()


@pytest.mark.parametrize("width", [1280, 400])
def test_the_page_is_whole_loads_nothing_and_fits(opened, report, width):
    page = opened(width)
    assert [url for url in page.asked if not url.startswith("data:")] == [report.as_uri()]
    assert page.said == []
    assert page.locator("h1").inner_text() == "44 captions of 18 rows from 2 datasets"
    assert page.locator("tr[data-dataset]").count() == 2
    assert page.locator("section").count() == 9
    assert page.locator("#lengths svg.chart").count() == 3
    assert page.locator("#classes svg.chart").count() == 1
    assert page.locator("#objects svg.chart").count() == 3
    assert page.locator("#map path[data-set]").count() == 2
    assert page.evaluate("document.documentElement.scrollWidth") == width
    shown = Image.open(io.BytesIO(page.screenshot(full_page=True)))
    assert len(shown.convert("RGB").getcolors(1 << 24)) > 100


def test_the_wide_table_says_that_it_scrolls(opened):
    page = opened(400)
    box, hint = page.locator("#datasets .scroll").first, page.locator("#datasets .hint")
    assert box.evaluate("one => one.scrollWidth > one.clientWidth")
    assert hint.is_visible()
    assert hint.inner_text().endswith("the table scrolls sideways →")
    assert "gradient" in box.evaluate("one => getComputedStyle(one).backgroundImage")
    page.emulate_media(media="print")
    assert hint.is_hidden()
    page = opened(1280)
    assert page.locator("#datasets .scroll").first.evaluate("o => o.scrollWidth == o.clientWidth")
    assert page.locator("#datasets .hint").is_hidden()


def test_what_was_left_out_is_read_without_scrolling(opened):
    left = "one => [...one.querySelectorAll('tbody tr')].map(row => row.scrollWidth)"
    page = opened(400)
    assert all(width <= 372 for width in page.locator("table.left").evaluate(left))
    assert page.locator("table.left thead").is_hidden()
    reason, example = page.locator("table.left td").nth(2), page.locator("table.left td").nth(3)
    assert reason.bounding_box()["y"] < example.bounding_box()["y"]
    assert example.bounding_box()["x"] + example.bounding_box()["width"] <= 386
    page = opened(1280)
    assert page.locator("table.left thead").is_visible()


def test_the_page_is_printed_with_margins_and_headings_stay_with_what_they_head(opened):
    page = opened(1280)
    rules = page.evaluate(
        """[...document.styleSheets[0].cssRules].filter(one => one instanceof CSSPageRule)
            .map(one => one.style.margin)"""
    )
    assert rules == ["14mm 12mm"]
    page.emulate_media(media="print")
    style = "one => [getComputedStyle(one).breakAfter, getComputedStyle(one).breakInside]"
    assert page.locator("#likeness h2").evaluate(style)[0] == "avoid"
    assert page.locator("#likeness h2 + p").evaluate(style) == ["avoid", "avoid"]
    assert page.locator("#likeness .map").evaluate(style)[1] == "avoid"
    # 150 mm: map, heading and legend are on one page of A4 together with what stands before them.
    assert page.locator("#map").evaluate("one => getComputedStyle(one).maxHeight") == "566.929px"
    assert page.pdf().count(b"/Type /Page\n") >= 3


def test_every_chart_stays_in_its_frame(opened):
    for width in (1280, 400):
        page = opened(width)
        beyond = page.evaluate(
            """[...document.querySelectorAll("figure")].flatMap(figure => {
                const frame = figure.getBoundingClientRect();
                return [...figure.querySelectorAll("text")].filter(text => {
                    const box = text.getBoundingClientRect();
                    return box.left < frame.left || box.right > frame.right;
                }).map(text => figure.id + ": " + text.textContent);
            })"""
        )
        assert [one for one in beyond if "onerror" not in one] == []


def test_hostile_names_and_captions_are_text(opened):
    page = opened(1280)
    page.wait_for_timeout(100)
    assert page.evaluate("window.evil") is None
    assert page.locator("section img").count() == 0
    assert page.locator("script").count() == 2
    assert "evil<b>" in page.locator("#datasets").inner_text()
    assert EVIL in page.locator("#left").inner_text()


def test_no_script_but_the_page_s_own_may_run(opened):
    page = opened(1280)
    page.evaluate(
        """() => {
            const script = document.createElement("script");
            script.textContent = "window.evil = 1";
            document.body.append(script);
            const image = document.createElement("img");
            image.setAttribute("onerror", "window.evil = 1");
            image.src = "data:image/png;base64,";
            document.body.append(image);
        }"""
    )
    page.wait_for_timeout(100)
    assert page.evaluate("window.evil") is None


def test_a_mark_says_what_it_is(opened):
    page = opened(1280)
    tip = page.locator(".tip")
    assert tip.is_hidden()
    page.locator('#figure-rows [aria-label^="rsicd:"]').hover()
    assert tip.inner_text() == "rsicd: 8 rows, 24 captions"
    page.locator("h1").hover()
    assert tip.is_hidden()


def point(page, name):
    """Where a row stands on the screen."""
    page.locator("#map").scroll_into_view_if_needed()
    # The page hides what it says once it hears of the scrolling, which is a frame later.
    return page.evaluate(
        """async name => {
            for (let frame = 0; frame < 2; frame++) await new Promise(requestAnimationFrame);
            const data = JSON.parse(document.getElementById("map-data").textContent);
            const map = document.getElementById("map");
            const [x, y] = data.at[data.id.indexOf(name)];
            const place = new DOMPoint(x, y).matrixTransform(map.getScreenCTM());
            return [place.x, place.y];
        }""",
        name,
    )


@pytest.mark.parametrize("width", [1280, 400])
def test_a_dot_of_the_map_shows_its_row(opened, width):
    page = opened(width)
    page.mouse.move(*point(page, "rsicd/003.png"))
    tip = page.locator(".tip")
    assert tip.locator("b").inner_text() == "rsicd/003.png"
    assert "parked cars" in tip.inner_text()
    assert (
        tip.locator(".shot").evaluate("one => one.style.backgroundImage").startswith('url("data:')
    )
    box = tip.bounding_box()
    assert 0 <= box["x"] <= width - box["width"]


def test_a_dot_with_a_hostile_caption_shows_it(opened):
    page = opened(1280)
    name = page.evaluate(
        'JSON.parse(document.getElementById("map-data").textContent).id.find(id => id[0] == "e")'
    )
    page.mouse.move(*point(page, name))
    assert EVIL in page.locator(".tip").inner_text()
    assert page.evaluate("window.evil") is None


def test_a_name_hides_its_dataset(opened):
    page = opened(1280)
    button = page.locator("#map-sets button", has_text="rsicd")
    at = int(button.get_attribute("data-set"))
    dots = page.locator(f'#map path[data-set="{at}"]')
    button.click()
    assert button.get_attribute("aria-pressed") == "false"
    assert dots.is_hidden()
    page.mouse.move(*point(page, "rsicd/003.png"))
    assert "rsicd/003.png" not in page.locator(".tip").inner_text()
    button.click()
    assert dots.is_visible()


def test_without_scripts_all_is_there(opened):
    page = opened(1280, java_script_enabled=False)
    assert page.locator("#map path[data-set]").first.is_visible()
    assert page.locator("#map-sets button").first.is_disabled()
    assert page.locator(".tip").count() == 0


def test_in_print_it_is_black_on_white_and_nothing_is_cut(opened):
    page = opened(718, color_scheme="dark")
    page.emulate_media(media="print")
    assert page.evaluate("getComputedStyle(document.body).backgroundColor") == "rgb(255, 255, 255)"
    assert page.locator("nav").is_hidden()
    assert page.evaluate("document.documentElement.scrollWidth") <= 718
    cells = page.locator("#datasets table.numbers td")
    assert cells.first.evaluate("one => getComputedStyle(one).fontSize") == "10px"
    assert page.pdf(format="A4").startswith(b"%PDF")

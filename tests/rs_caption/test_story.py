"""The page of a pipeline: its numbers, worked by hand, and what it does with what is not there."""

import json
import re
import subprocess
import sys
from dataclasses import replace
from struct import pack
from zlib import crc32

import numpy as np
import pytest
from fakes import corpora, picture
from fakes.corpora import row
from fakes.tags import Page
from PIL import Image

from rs_caption import story
from rs_caption.dedup.clean import clean
from rs_caption.dedup.request import CleanRequest
from rs_caption.errors import TableError, UserError
from rs_caption.pipeline.told import Told, ToldStage
from rs_caption.story import training
from rs_caption.story.corpus import most_categories
from rs_caption.story.results import Result, chance, measured
from rs_caption.story.scores import boards_of, score
from rs_caption.table import open_table

EVIL = "<img src=x onerror=window.evil=1></script><script>window.evil=1</script>"


def stage(name, out=None, command="", **more):
    """A stage that has run."""
    kind, _, rest = name.partition(".")
    fields = {"state": "done", "seconds": 1.0, "started": "2026-01-01T00:00:00+00:00"}
    fields |= {"model": "", "seed": None, "trained": False, "group": f"{kind}.{rest}"}
    return ToldStage(name=name, kind=kind, command=command, out=out, **{**fields, **more})


def told(folder, *stages):
    return Told("A <b> story", folder / "a.toml", folder, stages)


def bench(work, model, seed=None, name="all", state="done"):
    folder = model if seed is None else f"{model}-seed{seed}"
    out = work / "results" / name / folder
    about = {"group": f"bench.{name}", "model": model, "seed": seed, "trained": seed is not None}
    return stage(f"bench.{name}-{folder}", out, state=state, **about)


def write_results(one, *results, published=()):
    one.out.mkdir(parents=True)
    said = {"model": {"name": one.model}, "versions": {}, "results": results}
    (one.out / "results.json").write_text(json.dumps({**said, "published": published}))
    return one


def knn(dataset, accuracy, notes=(), test=30):
    figures = {"accuracy": accuracy}
    about = {"task": "knn", "dataset": dataset, "protocol": "weighted"}
    return {**about, "figures": figures, "n": {"classes": 5, "test": test}, "notes": notes}


def written(work, one):
    story.write(work, one)
    return (work / "index.html").read_text(), (work / "results.md").read_text()


def cards(html):
    """The tiles at the top: value and what it is."""
    return re.findall(r"<div><b>(.*?)</b><span>(.*?)</span></div>", html)


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """Tables of people and of rules, where pictures 0 and 1 of the latter are those of the former,
    cleaned against a folder with picture 2.
    """
    folder = tmp_path_factory.mktemp("story")
    tables = folder / "work/tables"
    people = [row(f"{at}.png", [f"a field {at} .", "sand ."]) for at in range(4)]
    corpora.write_table(tables / "people", people, sources={"rsicd": {}})
    objects = [("ship", 1.0, 1.0, 9.0, 9.0), ("ship", 20.0, 9.0, 30.0, 20.0), (EVIL, 5, 5, 30, 25)]
    evil = [
        replace(
            row(f"{at}.png", [EVIL, "2 ships"], objects=objects[at:]),
            dataset="evil",
            family="det",
            rules=("centre", "random 3"),
        )
        for at in range(2)
    ]
    corpora.write_table(tables / "ruled", evil, sources={"evil": {}})
    (tables / "ruled/skipped.csv").write_text(
        f"item,reason,detail,documented\na,bad_image,{EVIL},no\nb,bad_image,cut,no\n"
    )
    picture(folder / "tests/x.png", (80, 60), seed=2)
    both = (tables / "people", tables / "ruled")
    clean(CleanRequest(both, (str(folder / "tests"),), tables / "clean"))
    return folder


@pytest.fixture(scope="module")
def corpus(made):
    tables = made / "work/tables"
    return told(
        made,
        stage("check.ruled", command="rs-caption check x", state="faults"),
        stage("convert.people", tables / "people"),
        stage("convert.ruled", tables / "ruled", state="skipped"),
        stage("dedup.clean", tables / "clean", "rs-caption dedup a --against tests --out c"),
        stage("train.all-seed0", made / "work/runs/all-seed0", state="not run", model="all"),
    )


def test_the_deviation_is_that_of_a_sample():
    assert score([8.0]) == (8.0, None, 1)
    found = score([10.0, 12.0, 17.0])
    assert (found.mean, found.seeds) == (13.0, 3)
    assert found.deviation == pytest.approx(13**0.5)  # (9 + 1 + 16) / 2


@pytest.fixture
def seeds(tmp_path):
    """A model that is not trained here, and one of three seeds."""
    note = "30 images, the release has 90: not to be held against others"
    theirs = {"key": "knn/aid/weighted", "figure": "accuracy", "model": "CLIP RN50"}
    theirs |= {"value": 79.5, "comparable": False, "source": "Somebody, Table IV"}
    start = knn("aid", 8.0, [note, "k = 20"]), knn("rsc11", 30.0)
    stages = [write_results(bench(tmp_path, "start"), *start, published=[theirs])]
    for seed, (aid, rsc11) in enumerate([(10.0, 20.0), (12.0, 22.0), (17.0, 24.0)]):
        results = knn("aid", aid, [note, f"k = {seed}"]), knn("rsc11", rsc11)
        stages.append(write_results(bench(tmp_path, "all", seed), *results))
    return told(tmp_path, *stages)


def test_means_and_deviations_over_seeds(tmp_path, seeds):
    html, text = written(tmp_path, seeds)
    lines = [line for line in text.splitlines() if line.startswith("| k-NN")]
    assert lines == [
        ("| k-NN | weighted | AID | accuracy | 8.00 | 13.00 ± 3.61 | 20.00 | CLIP RN50 79.50\\* |"),
        "| k-NN | weighted | RSC11 | accuracy | 30.00 | 22.00 ± 2.00 | 20.00 |  |",
        "| k-NN | weighted | average | accuracy | 19.00 | 17.50 ± 2.78 | 20.00 |  |",
    ]
    assert "| task | protocol | dataset | figure | start | all, 3 seeds | chance |" in text
    assert (
        "Notes:\n\n- k-NN weighted: 30 images, the release has 90: not to be held against others "
        "(AID)\n\nPublished:\n\n- Somebody, Table IV\n"
    ) in text  # of the notes on k each model has its own
    shown = Page(html)
    assert all(part in shown.spaced for part in ("13.00 ± 3.61 +5.00", "22.00 ± 2.00 -8.00"))
    assert "k-NN, accuracy, average: 19.00 start, 17.50 all, of 60 test images." in shown.spaced
    said = "k-NN, weighted: accuracy, average; start → all, chance 20.0; 60 test images"
    assert cards(html) == [("19.0 → 17.5", said)]
    assert [one["class"] for one in shown.all("small") if "class" in one][:3] == [
        "more",
        "less",
        "less",
    ]


def test_nothing_in_a_name_is_markdown(tmp_path):
    one = write_results(bench(tmp_path, "a_model_"), knn("aid", 1.0))
    title = "[free](http://x) ![p](q) &lt; # ~~no~~ <b> \\ | *a* `c`"
    _, text = written(tmp_path, Told(title, tmp_path / "a.toml", tmp_path, (one,)))
    assert text.splitlines()[0] == (
        r"# \[free\](http://x) !\[p\](q) \&lt; \# \~\~no\~\~ \<b\> \\ \| \*a\* \`c\`"
    )
    assert r"| a\_model\_ |" in text


def test_an_error_is_better_where_it_is_less(tmp_path):
    about = {"task": "remotecount", "dataset": "remotecount", "protocol": "words"}
    stages = [
        write_results(
            bench(tmp_path, model),
            {**about, "figures": {"top_1": 10.0, "mean_error": error}, "n": {"numbers": 10}},
        )
        for model, error in (("before", 4.0), ("after", 3.0))
    ]
    html, text = written(tmp_path, told(tmp_path, *stages))
    assert '<small class="more">-1.00</small>' in html
    assert '<small class="level">0.00</small>' in html
    assert "| top-1 | 10.00 | 10.00 | 10.00 |  |" in text


def test_what_stands_at_the_top_says_by_which_rules_and_of_how_many_images(tmp_path):
    about = {"task": "remotecount", "dataset": "remotecount", "n": {"pairs": 30, "numbers": 10}}
    counting = [
        {**about, "protocol": protocol, "figures": {"top_1": top_1}}
        for protocol, top_1 in (("words", 20.0), ("digits", 56.0), ("captions", 53.0))
    ]
    one = write_results(bench(tmp_path, "a"), *counting, knn("aid", 71.0, test=19))
    html, _ = written(tmp_path, told(tmp_path, one))
    assert cards(html) == [
        ("20.0", "RemoteCount, words: top-1; a, chance 10.0; 30 test images"),
        ("53.0", "RemoteCount, captions: top-1; a, chance 10.0; 30 test images"),
    ]  # of 19 images of k-NN one is more than 5 points
    assert "AID 19 images accuracy 71.00" in " ".join(Page(html).spaced.split())


def test_few_shot_names_no_more_shots_than_a_class_has_images(tmp_path):
    figures = {f"shots_{number}": 60.0 + number for number in (1, 4, 8, 32)}
    about = {"task": "fewshot", "dataset": "rs2800", "protocol": "fixed", "figures": figures}
    counts = {"train": 42, "test": 14, "classes": 7}
    one = write_results(bench(tmp_path, "a"), {**about, "n": counts})
    two = write_results(bench(tmp_path, "a", name="more"), {**about, "n": {**counts, "train": 224}})
    few, more = boards_of(measured(told(tmp_path, one, two)))
    assert [row.label for row in few.rows] == ["1 shot", "4 shots"]
    assert [row.label for row in more.rows] == ["1 shot", "32 shots"]
    assert [row.label for row in more.heads] == ["32 shots"]


def test_chance():
    pairs = {"images": 2, "texts": 4, "pairs": 4}
    both = Result("retrieval", "rsicd", "remoteclip", {}, pairs)
    # One of two images; of two of four texts one at least is own with 1 - 2/4.
    assert chance(both, "text_to_image_1") == chance(both, "image_to_text_1") == 50
    assert chance(both, "mean_recall") == pytest.approx((50 + 50 + 4 * 100) / 6)
    many = Result("retrieval", "rsicd", "remoteclip", {}, {"images": 100, "texts": 500})
    assert chance(many, "text_to_image_5") == 5
    # None of ten texts is one of the five: 495/500 * 494/499 * ... * 486/491
    none = np.prod([(495 - at) / (500 - at) for at in range(10)])
    assert chance(many, "image_to_text_10") == pytest.approx(100 * (1 - none))
    uneven = Result("retrieval", "rsicd", "remoteclip", {}, {"images": 2, "texts": 5})
    assert chance(uneven, "mean_recall") is None
    assert chance(Result("retrieval", "rsicd", "multi-positive", {}, pairs), "mean_recall") is None
    assert chance(Result("remotecount", "r", "words", {}, {"numbers": 10}), "top_1") == 10
    assert chance(Result("fewshot", "aid", "fixed", {}, {"classes": 30}), "shots_4") == 100 / 30


def test_stages_that_have_not_ended_are_no_results(tmp_path):
    half = write_results(bench(tmp_path, "a", 0, state="not run"), knn("aid", 1.0))
    whole = write_results(bench(tmp_path, "a", 1), knn("aid", 2.0))
    absent = bench(tmp_path, "a", 2)
    (board,) = boards_of(measured(told(tmp_path, half, whole, absent)))
    assert (board.models, board.before, board.after) == ({"a": 1}, "", "a")
    assert board.rows[0].scores["a"].mean == 2.0


def test_damaged_results_are_named(tmp_path):
    one = write_results(bench(tmp_path, "a", 0), knn("aid", 2.0))
    (one.out / "results.json").write_text('{"results": 3}')
    with pytest.raises(UserError, match=r"results\.json: expected results of rs-bench"):
        story.write(tmp_path, told(tmp_path, one))


def test_what_is_told_of_tables(made, corpus):
    html, text = written(made / "work", corpus)
    assert text == "# A \\<b\\> story\n\nNothing has been measured.\n"
    shown = Page(html)
    said = " ".join(shown.spaced.split())
    assert "12 captions for 6 images of 2 datasets." in said
    assert (
        "De-duplication clean: 3 of 6 rows (50.0 %) removed, 1 like test images, 2 like other "
        "training rows."
    ) in said
    assert "1 of 5 stages has not run: train.all-seed0." in said
    assert "like a test image rsicd tests 1 1" in said
    assert "like another training row" in said
    assert "3 of 3 rows that left" in said
    assert "check.ruled found faults; to see them: rs-caption check x" in said
    assert "ruled 2 left out bad_image" in said
    assert "# stage what came of it took command 1 check.ruled faults found" in said
    assert "faults found started 2026-01-01 00:00:00 UTC 1.0 s rs-caption check x" in said
    roles = [text for text in ("test", "kept") if f'<p class="role">{text}</p>' in html]
    assert roles == ["test", "kept"]
    assert html.count('<p class="role">kept</p>') == 2
    # A scene of each of two datasets, two pictures for each of three rows that left.
    assert len(shown.all("img")) == 2 + 2 * 3
    assert "no picture" not in html


def test_the_same_files_give_the_same_text(made, corpus):
    assert written(made / "work", corpus) == written(made / "work", corpus)


def test_hostile_text_is_text(made, corpus):
    html, _ = written(made / "work", corpus)
    shown = Page(html)
    assert EVIL in shown.spaced
    assert not {"script", "link", "iframe", "b"} & {
        tag for tag, attributes in shown.tags if tag != "b" or attributes
    }
    assert all(one["src"].startswith("data:image/") for one in shown.all("img"))
    assert not [name for _, attributes in shown.tags for name in attributes if name[:2] == "on"]
    assert "://" not in html
    assert any(one.get("content", "").startswith("default-src 'none'") for one in shown.all("meta"))


def test_images_that_are_gone_are_said_to_be(made, corpus, tmp_path):
    tables = made / "work/tables"
    roots = (tables / "ruled/roots.json").read_text(), (tables / "clean/roots.json").read_text()
    (tables / "ruled/roots.json").write_text(json.dumps({"evil": str(tmp_path / "gone")}))
    (tables / "clean/roots.json").write_text("{}")
    try:
        html, _ = written(made / "work", corpus)
    finally:
        (tables / "ruled/roots.json").write_text(roots[0])
        (tables / "clean/roots.json").write_text(roots[1])
    shown = " ".join(Page(html).spaced.split())
    assert "no picture: no such image" in shown
    assert "has no folder for 'rsicd'" in shown
    assert "12 captions for 6 images of 2 datasets." in shown


def test_a_scene_is_of_the_row_with_the_most_categories(tmp_path):
    kinds = {"a": 1, "b": 3, "c": 3, "d": 2}
    rows = [
        row(f"{name}.png", objects=[(f"class {at}", 0, 0, 5, 5) for at in range(n)] * 2)
        for name, n in kinds.items()
    ]
    more = [replace(one, dataset="other") for one in rows[:1]]
    table = open_table(corpora.write_table(tmp_path, [*rows, *more]))
    assert most_categories(table) == {"rsicd": 3, "other": 0}  # `other/a.png` comes first
    assert table.rows_at([3])[0]["image_id"] == "rsicd/c.png"


def test_damaged_lists_are_named(made, corpus, tmp_path):
    file = made / "work/tables/clean/removed.parquet"
    whole = file.read_bytes()
    file.write_bytes(b"no parquet")
    try:
        with pytest.raises(TableError, match=r"removed\.parquet: not as `rs-caption dedup` leaves"):
            story.write(tmp_path, corpus)
    finally:
        file.write_bytes(whole)


@pytest.fixture
def runs(tmp_path):
    """A run of two seeds; the second was killed in the middle of a line."""
    stages = []
    for seed in range(2):
        out = tmp_path / f"runs/all-seed{seed}"
        out.mkdir(parents=True)
        lines = [{"step": at * 10, "loss": 4 - at * 0.5 - seed} for at in range(1, 4)]
        lines += [{"step": 20, "validation": {"mean_recall": 31.5, "images": 9.0}}] * (seed == 0)
        lines += [{"step": 30, "validation": {"mean_recall": 30.0, "counting": 12.5}}]
        text = "".join(f"{json.dumps(line)}\n" for line in lines)
        (out / "metrics.jsonl").write_text(text + '{"step": 40, "lo' * seed)
        about = {"group": "train.all", "model": "all", "seed": seed, "state": "not run"}
        stages.append(stage(f"train.all-seed{seed}", out, **about))
    return told(tmp_path, *stages)


def test_curves(tmp_path, runs):
    html, _ = written(tmp_path, runs)
    said = " ".join(Page(html).spaced.split())
    assert "all, seed 0 30 3.500 2.500 31.50 at step 20" in said
    assert "all, seed 1 30 2.500 1.500 30.00 at step 30" in said
    found = training.runs_of(runs)
    assert found[1].scores == {"mean_recall": [(30.0, 30.0)], "counting": [(30.0, 12.5)]}
    pytest.importorskip("vl_convert")
    headings = [one.heading for one in training.curves(found)]
    assert headings == [
        "Loss of training",
        "Mean recall on held-out rows",
        "Counting on held-out rows",
    ]
    assert html.count('class="chart"') == 3


def test_a_long_curve_keeps_its_ends():
    points = [(float(at), 0.0) for at in range(100_000)]
    thinned = training._thinned(points)  # noqa: SLF001
    assert (len(thinned), thinned[0], thinned[-1]) == (240, points[0], points[-1])
    assert training._thinned(points[:1]) == points[:1]  # noqa: SLF001


def test_a_damaged_line_is_named(tmp_path, runs):
    (tmp_path / "runs/all-seed0/metrics.jsonl").write_text('{"step": 1, "loss": 3}\nno\n')
    with pytest.raises(UserError, match=r"metrics\.jsonl:2: expected a line of `rs-train run`"):
        story.write(tmp_path, runs)


def test_pictures_of_the_models_that_are_compared(tmp_path):
    stages = []
    for model in ("start", "middle", "last"):
        one = write_results(bench(tmp_path, model), knn("aid", 1.0))
        asked = [f"remotecount-{name}" for name in ("digits", "words", "captions")]
        for name in (*asked, "fewshot-fixed", "retrieved-ucm-x", "retrieved-rsicd-remoteclip"):
            Image.new("RGB", (30, 20), "red").save(one.out / f"{name}.png")
        (one.out / "results.html").write_text("")
        stages.append(one)
    (stages[-1].out / "fewshot-fixed.png").write_bytes(b"cut")
    whole = (stages[-1].out / "retrieved-rsicd-remoteclip.png").read_bytes()
    head, data = whole.split(b"\0\0\0!IDAT")
    first = b"IDAT" + data[:9]  # then a chunk of no name: Pillow raises a SyntaxError
    broken = head + pack(">I", 9) + first + pack(">I", crc32(first)) + pack(">I", 9) + bytes(20)
    (stages[-1].out / "fewshot-other.png").write_bytes(broken)
    with pytest.raises(SyntaxError), Image.open(stages[-1].out / "fewshot-other.png") as image:
        image.load()
    html, _ = written(tmp_path, told(tmp_path, *stages))
    assert [one["alt"] for one in Page(html).all("img")] == [
        "RSICD, protocol remoteclip; last: the first images for a few sentences",
        "RemoteCount, protocol words; start: objects there are, and its answer",
        "RemoteCount, protocol captions; start: objects there are, and its answer",
        "RemoteCount, protocol words; last: objects there are, and its answer",
        "RemoteCount, protocol captions; last: objects there are, and its answer",
    ]
    assert 'href="results/all/middle/results.html"' in html


def test_nothing_has_run(tmp_path):
    waiting = stage("convert.a", tmp_path / "a", state="not run", command="rs-caption convert <x>")
    html, text = written(tmp_path, told(tmp_path, waiting))
    assert "1 of 1 stage has not run: convert.a." in html
    assert "<code>rs-caption convert &lt;x&gt;</code>" in html
    assert "Nothing has been measured." in text


def test_neither_torch_nor_the_benchmarks_are_loaded(tmp_path):
    code = (
        "import sys; from pathlib import Path; from rs_caption import story; "
        "from rs_caption.pipeline.told import Told; here = Path(sys.argv[1]); "
        "story.write(here, Told('t', here / 'a.toml', here, ())); "
        "print({'torch', 'rs_bench', 'rs_train', 'open_clip'} & {*sys.modules})"
    )
    command = [sys.executable, "-c", code, str(tmp_path)]
    found = subprocess.run(command, capture_output=True, text=True, check=True)
    assert found.stdout == "set()\n"


@pytest.mark.parametrize("width", [400, 1280])
def test_in_a_browser(chromium, made, corpus, seeds, width):
    stages = (*corpus.stages, *seeds.stages)
    for one in seeds.stages:
        for name in ("retrieved-ucm-x", "fewshot-fixed"):
            Image.new("RGB", (1124, 90), "red").save(one.out / f"{name}.png")
    written(made / "work", corpus._replace(stages=stages))
    page = chromium.new_page(viewport={"width": width, "height": 900})
    asked, said = [], []
    page.on("request", lambda request: asked.append(request.url))
    page.on("console", lambda message: said.append(message.text))
    page.goto((made / "work/index.html").as_uri())
    assert page.evaluate("document.documentElement.scrollWidth") == width
    assert page.evaluate("window.evil") is None
    assert [url for url in asked if not url.startswith("data:")] == [page.url]
    assert said == []
    sizes = page.evaluate("[...document.images].map(one => one.naturalWidth)")
    assert len(sizes) == 10
    assert all(sizes)
    assert page.locator("#retrieved img").first.bounding_box()["width"] >= 920
    assert page.locator("#retrieved .hint").first.is_visible() == (width == 400)
    assert page.locator("#benchmarks .hint").is_visible() == (width == 400)
    links = page.evaluate("[...document.querySelectorAll('nav a')].map(one => one.hash)")
    assert links == page.evaluate("[...document.querySelectorAll('section')].map(s => '#' + s.id)")
    assert "#fewshot" in links
    page.close()

"""Plots: what stands in them."""

import numpy as np
import pytest
from matplotlib.colors import to_rgb

from rs_bench.report.plots import confusion_matrix, few_shot
from rs_bench.results import Result
from rs_bench.tasks.remotecount import confusion


def test_a_number_that_no_picture_has_is_grey_and_without_figures():
    shares_CC = confusion(np.array([1, 3, 3, 3, 3]), np.array([1, 3, 3, 3, 4]))
    axes = confusion_matrix(shares_CC).axes[0]
    figures = {text.get_position(): text.get_text() for text in axes.texts}
    assert {row for _, row in figures} == {0, 2}
    assert len(figures) == 20
    assert [figures[column, 2] for column in range(5)] == ["0.00", "0.00", "0.75", "0.25", "0.00"]
    drawn_CC = axes.images[0].get_array()
    assert drawn_CC[0].tolist() == shares_CC[0].tolist()
    empty = [row for row in range(10) if np.ma.getmaskarray(drawn_CC)[row].all()]
    assert empty == [1, *range(3, 10)]
    red, green, blue, *_ = axes.get_facecolor()
    assert (red, green, blue) == pytest.approx(to_rgb("#d9dce1"))
    assert axes.get_title() == "grey: no picture shows so many"


def test_where_every_number_occurs_nothing_is_grey():
    numbers = np.arange(1, 11)
    axes = confusion_matrix(confusion(numbers, numbers)).axes[0]
    assert (len(axes.texts), axes.get_title()) == (100, "")


def test_few_shot_ends_where_a_class_has_no_more_images():
    figures = {"shots_1": 65.0, "shots_4": 80.0, "shots_8": 78.0, "shots_32": 78.0}
    counts = {"train": 42, "test": 14, "classes": 7}  # six images a class
    axes = few_shot([Result("fewshot", "rs2800", "fixed", figures, counts)]).axes[0]
    assert [line.get_xydata().tolist() for line in axes.lines] == [[[1, 65], [4, 80]]]
    assert axes.get_title() == "RSSCN7"

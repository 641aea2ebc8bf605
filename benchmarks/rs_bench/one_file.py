"""Retrieval of one file of features, whatever dataset they are of."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path

from rs_bench.features import read_features
from rs_bench.metrics import RECALL_AT, cosine_scores, recall_at_k
from rs_caption.console import counted, print_table, say


def retrieval_of_file(features: Path, *, as_json: bool) -> None:
    """Print recall at 1, 5 and 10 both ways, and mean recall; protocol `remoteclip`.

    Raises:
        UserError: the file is not one of features.
    """
    read = read_features(features)
    recall = recall_at_k(cosine_scores(read.texts_TD, read.images_ID), read.image_of_text_T)
    size = {"images": len(read.images_ID), "texts": len(read.texts_TD)}
    if as_json:
        say(json.dumps({"protocol": "remoteclip", **size, **asdict(recall), "mean": recall.mean}))
        return
    header = ("direction", *(f"R@{k}" for k in RECALL_AT))
    rows = [
        ("image to text", *(round(value, 2) for value in recall.image_to_text)),
        ("text to image", *(round(value, 2) for value in recall.text_to_image)),
    ]
    title = f"Retrieval, {counted(size['images'], 'image')}, {counted(size['texts'], 'text')}"
    print_table(title, header, rows)
    say(f"Mean recall {recall.mean:.2f}, protocol remoteclip")

"""The command line of the benchmarks."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer

from rs_caption.program import new_app, run

app = new_app("rs-bench", "Measure what a corpus was worth: retrieval, of features made elsewhere.")


@app.command()
def retrieval(
    features: Annotated[
        Path,
        typer.Option(
            "--features", help="An .npz: images (I, D), texts (T, D), image_of_text (T,)."
        ),
    ],
    *,
    as_json: Annotated[bool, typer.Option("--json", help="For programs.")] = False,
) -> None:
    """Recall at 1, 5 and 10 both ways, and mean recall, of features made elsewhere.

    Protocol `remoteclip`: the only positive of a text is its own image.

    Example: rs-bench retrieval --features rsicd.npz
    """
    from rs_bench.features import read_features  # noqa: PLC0415 -- --help must not wait for numpy
    from rs_bench.metrics import RECALL_AT, cosine_scores, recall_at_k  # noqa: PLC0415
    from rs_caption.console import print_table, say  # noqa: PLC0415

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
    print_table(f"Retrieval, {size['images']:,} images, {size['texts']:,} texts", header, rows)
    say(f"Mean recall {recall.mean:.2f}, protocol remoteclip")


def main() -> None:
    """Entry point."""
    run(app)

"""The program that the commands are added to."""

from __future__ import annotations

from rs_caption.program import new_app

app = new_app(
    "rs-bench",
    "Measure what a corpus was worth: the six tasks of RemoteCLIP on its 16 datasets.",
    begin="rs-bench all --model RN50-quickgelu --weights RemoteCLIP-RN50.pt --data DIR",
)

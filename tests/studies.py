"""A pipeline of two tiny datasets, and how tests run it: as a process, as users do."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import numpy as np
from PIL import Image

SCRIPT = Path(sys.executable).with_name("rs-caption")
FILE = """
work = "my work"
[convert.one]
source = "csv"
root = "my data/one"
name = "one"
workers = 1
[convert.two]
source = "csv"
root = "my data/two"
name = "two"
check = false
workers = 1
[dedup.clean]
workers = 1
"""
ALL = ["check.one", "convert.one", "convert.two", "dedup.clean"]


def write_dataset(folder, seed, number=6):
    """Pictures of noise with two boxes each."""
    chance = np.random.default_rng(seed)
    folder.mkdir(parents=True)
    lines = ["image_path,xmin,ymin,xmax,ymax,label"]
    for at in range(number):
        noise = chance.integers(0, 256, (8, 8, 3), np.uint8)
        Image.fromarray(noise).resize((64, 64)).save(folder / f"{at}.png")
        lines += [f"{at}.png,2,2,12,12,ship", f"{at}.png,20,20,{40 + at},44,plane"]
    (folder / "boxes.csv").write_text("\n".join(lines) + "\n")


def write_study(folder, text=FILE):
    """The datasets and the file below a folder; the path of the file."""
    write_dataset(folder / "my data/one", 1)
    write_dataset(folder / "my data/two", 2)
    file = folder / "study.toml"
    file.write_text(text)
    return file


def run(*arguments, cwd=None, **more):
    """`rs-caption pipeline ARGUMENTS`, ended; without a traceback."""
    done = subprocess.run(
        [SCRIPT, "pipeline", *map(str, arguments)],
        capture_output=True,
        text=True,
        check=False,
        cwd=cwd,
        timeout=300,
        env={**os.environ, "OMP_NUM_THREADS": "1", **more},
    )
    assert "Traceback" not in done.stderr, done.stderr
    return done


def ran(done):
    """The stages that a run says it starts: `NAME: why`, then the command."""
    return re.findall(r"^(\w+\.[\w.-]+): .*\n(?:The output of .*\n)?\$ ", done.stdout, re.MULTILINE)

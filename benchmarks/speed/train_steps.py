"""Training end to end beside open_clip's own trainer: same images, model, batch and workers.

    python benchmarks/speed/train_steps.py                                    # a CPU, a tiny model
    python benchmarks/speed/train_steps.py --device cuda --model ViT-B-32-quickgelu --batch 1024
    python benchmarks/speed/train_steps.py --device cuda --model ViT-L-14-quickgelu --batch 128

Each program in a process of its own, one after the other. `step` trains on one batch in memory: the
model, the loss and the optimiser alone. `disk` trains on drawn JPEGs: `data wait` is the share of
the time that the loop stood and waited for them (on a GPU our loop is a step ahead of the device,
so that a short wait costs nothing). MFU: 3 x the model's forward FLOPs (`flops_of`; attention and
matrix products) x samples a second, over the GPU's dense bf16 peak. No model weights are needed.
"""

from __future__ import annotations

import argparse
import csv
import io
import json
import sys
import tarfile
import tempfile
from concurrent.futures import ProcessPoolExecutor
from dataclasses import asdict
from pathlib import Path
from typing import Any

from apart import said_by
from drawn import draw
from rich.console import Console
from rich.table import Table
from train_steps_peers import PROGRAMS, Settings

from rs_caption import table as tables
from rs_caption.sample import Boxes

MEASURE = Path(__file__).with_name("train_steps_peers.py")
PEAK_FLOPS = {"H100": 989e12, "H200": 989e12, "A100": 312e12}  # dense bf16, by the makers' sheets
TINY = {  # a model that costs next to nothing, so that the data are what is measured
    "embed_dim": 64,
    "vision_cfg": {"image_size": 224, "layers": 1, "width": 64, "patch_size": 32},
    "text_cfg": {"context_length": 77, "vocab_size": 49408, "width": 64, "heads": 2, "layers": 1},
}
CAPTIONS = ("There are three planes in the picture.", "Many ships lie at the edge.")


def flops_of(model: dict[str, Any]) -> float:
    """FLOPs of a forward pass of a pair through two transformers, two for a multiply-add.

    0 where the image tower is none.
    """
    see, say = model["vision_cfg"], model["text_cfg"]
    if not isinstance(see["layers"], int):
        return 0.0
    patches = (see["image_size"] // see["patch_size"]) ** 2
    patch_flops = 2 * patches * see["width"] * 3 * see["patch_size"] ** 2
    towers = ((patches + 1, see["width"], see["layers"]), (77, say["width"], say["layers"]))
    return patch_flops + sum(
        layers * (24 * tokens * width**2 + 4 * tokens**2 * width)
        for tokens, width, layers in towers
    )


def prepare(folder: Path, number: int, side: int, samples: int) -> str:
    """Images, a caption table, a pack of it, and open_clip's CSV and tar files; names the tars."""
    from rs_train.packing import pack  # noqa: PLC0415 -- brings torch

    (folder / "images").mkdir()
    files = [folder / "images" / f"{at:06d}.jpg" for at in range(number)]
    with ProcessPoolExecutor() as pool:
        list(pool.map(draw, files, [side] * number, range(number), chunksize=16))
    about = ("ret", "train")
    rows = [
        tables.Row(
            "drawn",
            *about,
            file.name,
            None,
            None,
            (side, side),
            CAPTIONS,
            ("human",) * 2,
            Boxes.of([]),
        )
        for file in files
    ]
    (folder / "table").mkdir()
    noted = tables.metadata({})
    tables.write(folder / "table" / tables.TABLE_FILE, [tables.to_arrow(rows)], noted)
    tables.write_roots(folder / "table", {"drawn": folder / "images"})
    pack([folder / "table"], folder / "pack")
    with (folder / "pairs.csv").open("w", newline="") as file:
        writer = csv.writer(file, delimiter="\t")
        writer.writerow(("filepath", "title"))
        writer.writerows((files[at % number], CAPTIONS[0]) for at in range(samples))
    return tar_up(folder, files, samples)


def tar_up(folder: Path, files: list[Path], samples: int, shards: int = 32) -> str:
    """The images in as many tar files as open_clip needs for its workers, `samples` in all."""
    each = -(-samples // shards)
    for shard in range(shards):
        with tarfile.open(folder / f"shard-{shard:02d}.tar", "w") as tar:
            for at in range(each):
                file = files[(shard * each + at) % len(files)]
                for ending, content in (("jpg", file.read_bytes()), ("txt", CAPTIONS[0].encode())):
                    info = tarfile.TarInfo(f"{at:06d}.{ending}")
                    info.size = len(content)
                    tar.addfile(info, io.BytesIO(content))
    return f"shard-{{00..{shards - 1:02d}}}.tar"


def measure(program: str, settings: Path) -> dict[str, Any]:
    """What one program comes to, or `problem`."""
    return said_by([sys.executable, str(MEASURE), program, str(settings)])


def peak_of(device: str) -> float:
    """The GPU's peak; 0 where it is not known."""
    if device != "cuda":
        return 0.0
    import torch  # noqa: PLC0415 -- slow, and only here

    name = torch.cuda.get_device_name()
    return next((peak for key, peak in PEAK_FLOPS.items() if key in name), 0.0)


def show(console: Console, args: argparse.Namespace, settings: Path, flops: float) -> None:
    """Run all programs, print the table."""
    it = json.loads(settings.read_text())
    title = (
        f"{Path(it['model']).stem}, batch {it['batch']}, {it['workers']} workers, {it['precision']}"
    )
    columns = ("program", "samples/s", "samples/CPU s", "data wait", "MFU", "GPU GB", "x open_clip")
    shown = Table(*columns, title=title)
    first: dict[str, float] = {}
    for program in PROGRAMS:
        kind = program.split(":")[0]
        if args.only not in program or ("compiled" in program and args.device == "cpu"):
            continue
        result = measure(program, settings)
        if "problem" in result:
            shown.add_row(program, result["problem"])
            continue
        speed = result["samples_s"]
        first.setdefault(kind, speed)
        peak = peak_of(args.device)
        mfu = f"{3 * flops * speed / peak:.1%}" if peak and flops else ""
        per_cpu_s = (it["warm"] + it["steps"]) * it["batch"] / result["cpu_s"]
        waited, memory = f"{result['wait']:.1%}", f"{result['gpu_gb']:.1f}"
        ratio = f"{speed / first[kind]:.2f}"
        shown.add_row(program, f"{speed:,.0f}", f"{per_cpu_s:,.0f}", waited, mfu, memory, ratio)
        console.print(f"{program}: {json.dumps(result)}")  # kept, should a later program hang
    console.print(shown)


def main() -> None:
    """Draw, run, print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--device", choices=("cpu", "cuda"), default="cpu")
    parser.add_argument("--model", default="", help="of open_clip; default: a tiny one")
    parser.add_argument("--batch", type=int, default=64)
    parser.add_argument("--steps", type=int, default=20, help="measured, a multiple of --warm")
    parser.add_argument("--warm", type=int, default=10, help="steps before them")
    parser.add_argument("--workers", type=int, default=1)
    parser.add_argument("--images", type=int, default=512, help="JPEGs, shown again and again")
    parser.add_argument("--side", type=int, default=512, help="their pixels a side")
    parser.add_argument("--precision", choices=("fp32", "bf16"))
    parser.add_argument("--only", default="", help="programs with this in their name")
    args = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        shards = prepare(folder, args.images, args.side, (args.warm + args.steps) * args.batch)
        (folder / "tiny.json").write_text(json.dumps(TINY))
        architecture = TINY
        if args.model:
            import open_clip  # noqa: PLC0415 -- slow, and only here

            architecture = open_clip.get_model_config(args.model)
        precision = args.precision or ("bf16" if args.device == "cuda" else "fp32")
        it = Settings(
            args.model or str(folder / "tiny.json"),
            args.batch,
            args.steps,
            args.warm,
            args.workers,
            args.device,
            precision,
            str(folder),
            shards,
        )
        settings = folder / "settings.json"
        settings.write_text(json.dumps(asdict(it)))
        show(Console(width=120), args, settings, flops_of(architecture))


if __name__ == "__main__":
    main()

"""One program's search for near codes, measured: what `dedup.py` runs in a process of its own.

    python benchmarks/speed/dedup_peers.py PROGRAM CODES.npy THRESHOLD

Prints JSON: CPU and wall seconds of the search, peak memory of the process, pairs, and a sum over
the pairs that does not depend on their order. Imports are not measured, of nobody, nor is loading
our compiled code (a second, once a process); building an index is.
"""

from __future__ import annotations

import json
import resource
import sys
import time
from collections.abc import Callable, Iterator
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

BITS = 64
WARM_UP = {"rs-caption": 1 << 14}  # codes: fewer are compared without compiled code
QUERIES = 1 << 14  # codes that are looked up at a time: results of all would not fit
Pairs = tuple[NDArray[Any], NDArray[Any]]
Program = Callable[[NDArray[np.uint64], int], Iterator[Pairs]]


def ours(codes_N: NDArray[np.uint64], threshold: int) -> Iterator[Pairs]:
    """Block search."""
    from rs_caption import blocks  # noqa: PLC0415 -- the peers' environment lacks it

    for links in blocks.near_pairs(codes_N, threshold):
        yield links.left_P, links.right_P


def _by_faiss(index: Any, codes_N: NDArray[np.uint64], threshold: int) -> Iterator[Pairs]:
    import faiss  # noqa: PLC0415 -- peers are only where they were installed

    faiss.omp_set_num_threads(1)
    bytes_N8 = codes_N.view(np.uint8).reshape(-1, 8)
    index.add(bytes_N8)
    for low in range(0, len(codes_N), QUERIES):
        ends, _, right_P = index.range_search(bytes_N8[low : low + QUERIES], threshold + 1)
        left_P = np.repeat(np.arange(low, low + len(ends) - 1), np.diff(ends.astype(np.int64)))
        once_P = left_P < right_P
        yield left_P[once_P], right_P[once_P]


def faiss_flat(codes_N: NDArray[np.uint64], threshold: int) -> Iterator[Pairs]:
    """All with all."""
    import faiss  # noqa: PLC0415

    return _by_faiss(faiss.IndexBinaryFlat(BITS), codes_N, threshold)


def faiss_multi_hash(codes_N: NDArray[np.uint64], threshold: int) -> Iterator[Pairs]:
    """Threshold + 1 segments: exact."""
    import faiss  # noqa: PLC0415

    segments = min(threshold + 1, BITS // max(int(np.log2(len(codes_N))), 8))
    index = faiss.IndexBinaryMultiHash(BITS, segments, BITS // segments)
    index.nflip = threshold // segments  # in some segment no more bits differ
    return _by_faiss(index, codes_N, threshold)


def faiss_hash(codes_N: NDArray[np.uint64], threshold: int) -> Iterator[Pairs]:
    """One prefix, with every flip of up to `threshold` of its bits looked up: exact."""
    import faiss  # noqa: PLC0415

    index = faiss.IndexBinaryHash(BITS, max(int(np.log2(len(codes_N))), 8))
    index.nflip = threshold
    return _by_faiss(index, codes_N, threshold)


def duckdb_join(codes_N: NDArray[np.uint64], threshold: int) -> Iterator[Pairs]:
    """A join for each of threshold + 1 segments."""
    import duckdb  # noqa: PLC0415
    import pyarrow as pa  # noqa: PLC0415

    session = duckdb.connect(config={"threads": 1})
    session.register("codes", pa.table({"code": codes_N, "at": np.arange(len(codes_N))}))
    edges = np.linspace(0, BITS, threshold + 2).round().astype(int)
    joins = " UNION ".join(
        f"SELECT a.at l, b.at r FROM codes a JOIN codes b ON "  # noqa: S608 -- numbers of our own
        f"(a.code >> {low}) & {(1 << high - low) - 1} = (b.code >> {low}) & {(1 << high - low) - 1}"
        f" AND a.at < b.at AND bit_count(xor(a.code, b.code)) <= {threshold}"
        for low, high in pairwise(edges)
    )
    found = session.execute(joins).fetchnumpy()
    yield found["l"], found["r"]


def polars_join(codes_N: NDArray[np.uint64], threshold: int) -> Iterator[Pairs]:
    """A join for each of threshold + 1 segments."""
    import polars as pl  # noqa: PLC0415

    edges = np.linspace(0, BITS, threshold + 2).round().astype(int)
    found = []
    for low, high in pairwise(edges):
        key_N = codes_N >> np.uint64(low) & np.uint64((1 << high - low) - 1)
        frame = pl.LazyFrame({"key": key_N, "code": codes_N, "at": np.arange(len(codes_N))})
        near = (pl.col("code") ^ pl.col("code_right")).bitwise_count_ones() <= threshold
        joined = frame.join(frame, on="key").filter(pl.col("at") < pl.col("at_right"), near)
        found.append(joined.select("at", "at_right"))
    pairs = pl.concat(found).unique().collect()
    yield pairs["at"].to_numpy(), pairs["at_right"].to_numpy()


def sklearn_ball_tree(codes_N: NDArray[np.uint64], threshold: int) -> Iterator[Pairs]:
    """A ball tree over 64 numbers a code."""
    from sklearn.neighbors import BallTree  # noqa: PLC0415

    bits_NB = np.unpackbits(codes_N.view(np.uint8).reshape(-1, 8), axis=1)
    near = BallTree(bits_NB, metric="manhattan").query_radius(bits_NB, threshold + 0.5)
    left_P = np.repeat(np.arange(len(codes_N)), [len(row) for row in near])
    right_P = np.concatenate(near)
    yield left_P[left_P < right_P], right_P[left_P < right_P]


def imagededup_search(codes_N: NDArray[np.uint64], threshold: int) -> Iterator[Pairs]:
    """Its search over hashes as text, in its compiled form, one process."""
    from imagededup.handlers.search.retrieval import HashEval  # noqa: PLC0415
    from imagededup.methods import PHash  # noqa: PLC0415

    hashes = {str(at): f"{code:016x}" for at, code in enumerate(codes_N.tolist())}
    search = HashEval(
        test=hashes,
        queries=hashes,
        distance_function=PHash.hamming_distance,
        verbose=False,
        threshold=threshold,
        search_method="brute_force_cython",
        num_dist_workers=0,
    )
    near = search.retrieve_results(scores=False)
    pairs = [(int(a), int(b)) for a, found in near.items() for b in found if int(a) < int(b)]
    found_P2 = np.array(pairs, np.int64).reshape(-1, 2)
    yield found_P2[:, 0], found_P2[:, 1]


PROGRAMS: dict[str, Program] = {
    "rs-caption": ours,
    "faiss Flat": faiss_flat,
    "faiss MultiHash": faiss_multi_hash,
    "faiss Hash": faiss_hash,
    "duckdb join": duckdb_join,
    "polars join": polars_join,
    "sklearn BallTree": sklearn_ball_tree,
    "imagededup": imagededup_search,
}


def main() -> None:
    """Run one program."""
    program, path, threshold = PROGRAMS[sys.argv[1]], sys.argv[2], int(sys.argv[3])
    codes_N = np.load(path)
    for _ in program(codes_N[: WARM_UP.get(sys.argv[1], 4096)].copy(), threshold):
        pass  # imports; ours loads or makes its compiled code
    started, wall = time.process_time(), time.perf_counter()
    pairs, total = 0, 0
    for left_P, right_P in program(codes_N, threshold):
        pairs += len(left_P)
        keys_P = left_P.astype(np.uint64) * np.uint64(len(codes_N)) + right_P.astype(np.uint64)
        total += int((keys_P * np.uint64(0x9E3779B97F4A7C15)).sum(dtype=np.uint64))
    result = {
        "cpu_s": time.process_time() - started,
        "wall_s": time.perf_counter() - wall,
        "peak_mb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024,
        "pairs": pairs,
        "total": total % 2**64,
    }
    sys.stdout.write(json.dumps(result) + "\n")


if __name__ == "__main__":
    main()

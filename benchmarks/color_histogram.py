"""How far colors alone go in each rendered layout: chance, and a color histogram's Rank-1 and mAP.

Run with `python benchmarks/color_histogram.py`. Each layout is rendered at `bench` scale and read back
with its own reader. Text layouts compare the color words of the caption with the image's palette.
The floor to keep: a histogram answers fewer than half of the queries of the occluded layout at once.
"""

from __future__ import annotations

import argparse
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from glimpse.baselines import color_histogram, color_palette, color_words
from glimpse.datasets import read
from glimpse.evaluation import evaluate
from glimpse.evaluation.metrics import chance
from glimpse.pixels import decode, resize
from glimpse.progress import terminal_bar
from glimpse.records import TEXT, Records
from glimpse.world.export import SCALES, WRITERS, export_world

SIZE = (128, 64)
LIMITED, LIMIT = "occluded_duke", 0.5


def vectors_of(records: Records, *, against_text: bool) -> NDArray[np.float32]:
    """A vector for each row, [N, D]."""
    if len(records) and records.modality[0] == TEXT:
        return color_words(records.caption.tolist())
    images = np.stack([resize(decode(path), SIZE) for path in records.path])
    return color_palette(images) if against_text else color_histogram(images)


def rows(layout: str, folder: Path) -> Iterator[tuple[str, tuple[float, float], tuple[float, float], int]]:
    """For each protocol: its name, chance, the baseline's Rank-1 and mAP, and how many queries were asked."""
    for name, protocol in read(layout, folder).protocols.items():
        if name == "val":
            continue
        text = bool(len(protocol.query)) and protocol.query.modality[0] == TEXT
        query = vectors_of(protocol.query, against_text=text)
        gallery = vectors_of(protocol.gallery, against_text=text)
        result = evaluate(query @ gallery.T, protocol)
        yield name, chance(protocol), (result.rank_k(1), result.mean_ap), int(result.valid.sum())


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--layouts", nargs="*", default=list(WRITERS))
    parser.add_argument("--scale", choices=SCALES, default="bench")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--hardness", type=float, default=0.5)
    chosen = parser.parse_args()
    print(f"scale {chosen.scale}, seed {chosen.seed}, hardness {chosen.hardness:g}, {SIZE[0]}x{SIZE[1]}\n")
    print("| layout | protocol | queries | chance Rank-1 | chance mAP | colors Rank-1 | colors mAP |")
    print("|---|---|---:|---:|---:|---:|---:|")
    for layout in chosen.layouts:
        with tempfile.TemporaryDirectory() as folder:
            started = time.perf_counter()
            options = export_world(
                layout,
                folder,
                scale=chosen.scale,
                seed=chosen.seed,
                hardness=chosen.hardness,
                progress=terminal_bar,
            )
            seconds = time.perf_counter() - started
            for name, random, colors, asked in rows(layout, Path(folder)):
                figures = " | ".join(f"{100 * value:.1f}" for value in (*random, *colors))
                print(f"| {layout} | {name} | {asked:,} | {figures} |", flush=True)
                if layout == LIMITED and colors[0] >= LIMIT:
                    raise SystemExit(f"{layout}: colors alone reach {100 * colors[0]:.1f} %, too easy")
            print(
                f"<!-- {options.people} people x {options.images_per_person}, written in {seconds:.0f} s -->",
                flush=True,
            )


if __name__ == "__main__":
    main()

"""How far part sources agree with a rendered world's own parts, and how fast they are.

Run with `python -m benchmarks.part_maps WORLD SOURCE...`, as in docs/part-maps.md; the world is a layout that
`glimpse world make` wrote with whole and occluded people. Both are merged into `common`; intersections and
unions of a part are summed over all images of a kind.
"""

from __future__ import annotations

import argparse
import time
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from glimpse.pixels.decode import image_shape
from glimpse.records import Records
from glimpse.runtime import hardware
from glimpse.segmentation import PartSource, world_parts
from glimpse.segmentation.sources import named_parts


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("world", type=Path)
    parser.add_argument("sources", nargs="+", metavar="WORD:PLACE")
    parser.add_argument("--whole", type=int, default=200, help="images")
    parser.add_argument("--occluded", type=int, default=100, help="images")
    options = parser.parse_args()
    rows = Records.load(options.world / "ground_truth" / "records.csv")
    kinds = rows.kind
    truth = world_parts(options.world, "common")
    print(f"parts as {', '.join(truth.names[1:])}; on {hardware()}")
    for named in options.sources:
        source = named_parts(named, "common")
        for kind, most in (("whole", options.whole), ("occluded", options.occluded)):
            paths = [str(options.world / path) for path in np.unique(rows.path[kinds == kind])[:most]]
            compare(named, source, truth, kind, paths)


def compare(named: str, source: PartSource, truth: PartSource, kind: str, paths: list[str]) -> None:
    """Print the agreement of a source with the truth on some images."""
    size = image_shape(paths[0])
    source.parts(paths[:1], size)  # kernels are compiled
    begun, spent = time.perf_counter(), time.process_time()
    maps = source.parts(paths, size)
    begun, spent = time.perf_counter() - begun, time.process_time() - spent
    overlap = overlaps(maps, source.names, truth.parts(paths, size), truth.names)
    shown = ", ".join(f"{name} {value:.2f}" for name, value in overlap.items())
    parts = [value for name, value in overlap.items() if name in source.names[1:]]
    nobody = sum(not one.any() for one in maps)
    print(
        f"{named}, {len(paths)} {kind} images: {shown}; mean of the parts {np.mean(parts):.2f}; "
        f"nobody in {nobody}; {len(paths) / begun:.1f} images/s, "
        f"{len(paths) / spent:.1f} per processor second"
    )


def overlaps(
    maps: NDArray[np.uint8], names: tuple[str, ...], truth: NDArray[np.uint8], wanted: tuple[str, ...]
) -> dict[str, float]:
    """Intersection over union by the parts of the truth, over all images; 0 for what the source lacks."""
    found = {}
    for part, name in enumerate(wanted):
        one = maps == names.index(name) if name in names else np.zeros(maps.shape, bool)
        other = truth == part
        found[name] = float((one & other).sum() / max(1, (one | other).sum()))
    return found


if __name__ == "__main__":
    main()

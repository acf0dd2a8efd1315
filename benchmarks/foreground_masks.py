"""How fast persons are cut out of training images (S0): all cores against one, and from kept cuts.

Run with `python -m benchmarks.foreground_masks`. The images are of the rendered world, 256x128 as the masks
are made at; every run has a folder of its own, so that nothing is kept from another. Runs on one core and on
all alternate, and the fastest of each counts, as other work on the machine only slows.
"""

from __future__ import annotations

import argparse
import tempfile
import time
from pathlib import Path

import numpy as np
from numpy.typing import ArrayLike, NDArray

from benchmarks.measure import MIB, measured
from glimpse.progress import silent
from glimpse.runtime import cores
from glimpse.segmentation import GrabCutMasks
from glimpse.world.frame import HEAD
from glimpse.world.world import World

MARKET = 13_000  # training images of Market-1501, about


class Held:
    """Pixels in memory."""

    def __init__(self, images: NDArray[np.uint8]) -> None:
        self.images = images

    def __len__(self) -> int:
        return len(self.images)

    def read(self, rows: ArrayLike) -> NDArray[np.uint8]:
        """Some rows."""
        return self.images[np.asarray(rows)]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--people", type=int, default=16)
    parser.add_argument("--rounds", type=int, default=3)
    options = parser.parse_args()
    world = World(5, people=options.people, cameras=6)
    shots = world.plan(kinds=("whole", "occluded"))
    frames = world.render(shots, size=(256, 128))
    pixels, persons = Held(frames.images), np.array([shot.person for shot in shots])
    count, workers = len(shots), cores()
    print(f"{count} images of 256x128, of {options.people} persons, {workers} cores")
    seconds: dict[str, list[NDArray[np.float64]]] = {"one worker": [], "all cores": [], "kept masks": []}
    first: NDArray[np.bool_] | None = None
    for _ in range(options.rounds):
        for name, number in (("one worker", 1), ("all cores", workers)):
            with tempfile.TemporaryDirectory() as folder:
                source = GrabCutMasks(Path(folder), workers=number, progress=silent)
                masks = timed(source, pixels, persons, seconds[name])
                timed(source, pixels, persons, seconds["kept masks"])
            assert first is None or np.array_equal(masks, first)
            first = masks
    assert first is not None
    one, _ = np.min(seconds["one worker"], axis=0)
    for name, found in seconds.items():
        spent, processor = np.min(found, axis=0)
        print(
            f"{name}: {count / spent:.1f} images/s, {one / spent:.2f} times one worker, "
            f"{MARKET:,} images in {MARKET / count * spent / 60:.1f} min; "
            f"{count / processor:.1f} images per processor second"
        )
    print("the masks are the same")
    with tempfile.TemporaryDirectory() as folder:
        source = GrabCutMasks(Path(folder), progress=silent)
        _, memory = measured(lambda: source.masks(pixels, persons))
    print(f"memory {memory.memory / MIB:.0f} MiB, of which the masks {first.nbytes / MIB:.0f} MiB")
    truth = frames.parts >= HEAD
    shown = first.any((1, 2))
    overlap = (first & truth).sum((1, 2)) / np.maximum((first | truth).sum((1, 2)), 1)
    print(
        f"trusted masks of {shown.mean():.0%} of the images; their overlap with the truth is "
        f"{overlap[shown].mean():.2f} (intersection over union)"
    )


def timed(
    source: GrabCutMasks, pixels: Held, persons: NDArray[np.int64], seconds: list[NDArray[np.float64]]
) -> NDArray[np.bool_]:
    """The masks; how long they took is appended, on the clock and of all cores."""
    begun = np.array([time.perf_counter(), time.process_time()])
    masks = source.masks(pixels, persons)
    seconds.append(np.array([time.perf_counter(), time.process_time()]) - begun)
    return masks


if __name__ == "__main__":
    main()

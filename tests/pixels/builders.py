"""A user's script that builds a cache in a process of its own, and slow images for it."""

import os
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
from images import encoded, noise
from PIL import Image

from glimpse.pixels import workers as workers

SIZE = (64, 32)


NAME = "64x32-bicubic"


# A user's script, without any guard against being imported by workers.
SCRIPT = """
import sys
from pathlib import Path
from glimpse.pixels import PixelCache, silent
folder, listing, workers = sys.argv[1:]
paths = Path(listing).read_text().splitlines()
cache = PixelCache.build(paths, folder, size=(64, 32), workers=int(workers), progress=silent)
print(cache.report.decoded, cache.report.reused, flush=True)
"""


def start(tmp_path, cache, paths, *, workers=2):
    listing = tmp_path / "paths.txt"
    listing.write_text("\n".join(paths))
    # a test that a shell runs in the background inherits that Ctrl-C is ignored
    heeding = "import signal; signal.signal(signal.SIGINT, signal.default_int_handler)\n"
    return subprocess.Popen(
        [sys.executable, "-c", heeding + SCRIPT, str(cache), str(listing), str(workers)],
        env=os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)},
        stdout=subprocess.PIPE,
        text=True,
    )


def done(cache):
    """How many slots are marked."""
    try:
        return int(np.count_nonzero(np.fromfile(cache / NAME / "states.bin", np.uint64)))
    except FileNotFoundError:
        return 0


def wait_until(condition, *, seconds=60):
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "it did not happen in time"
        time.sleep(0.002)


def slow_images(folder, count):
    """Images of which each takes a few milliseconds: few contents, many files."""
    folder.mkdir()
    contents = [encoded(Image.fromarray(noise(400, 300, seed)), "PNG") for seed in range(4)]
    paths = [str(folder / f"{row:04d}.png") for row in range(count)]
    for row, path in enumerate(paths):
        Path(path).write_bytes(contents[row % 4])
    return paths

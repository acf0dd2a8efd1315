"""The fast renderer against a slow twin: the same sources run by the interpreter, without culling."""

import os
import subprocess
import sys
from pathlib import Path

import numpy as np

import glimpse

SLOW = """
import sys
import numpy as np
from glimpse.world import intersect as w, trace
from glimpse.world.world import World

def list_all(work, count, grid, tiles_x, tiles_y, counts, lists):
    work[:, w.NEAR] = 0.0
    work[:, [w.LEFT, w.BOTTOM]] = -1e9
    work[:, [w.RIGHT, w.TOP]] = 1e9
    counts[:] = count
    lists[:] = np.arange(count)

trace.list_tiles = list_all
world = World(11, people=12, cameras=4, hardness=0.6)
shots = [world.shot(1, 0, 0), world.shot(2, 1, 0, "occluded"), world.shot(4, 2, 0, "partial")]
frames = world.render(shots, size=(32, 16), samples=2, threads=1)
np.savez(sys.argv[1], images=frames.images, parts=frames.parts, keypoints=frames.keypoints)
"""


def test_compiled_and_culled_is_interpreted_and_complete(tmp_path, world):
    paths = os.pathsep.join([str(Path(glimpse.__file__).parents[1]), *filter(None, sys.path)])
    environment = {**os.environ, "NUMBA_DISABLE_JIT": "1", "PYTHONPATH": paths}
    command = [sys.executable, "-c", SLOW, str(tmp_path / "slow.npz")]
    subprocess.run(command, env=environment, check=True, timeout=200)
    shots = [world.shot(1, 0, 0), world.shot(2, 1, 0, "occluded"), world.shot(4, 2, 0, "partial")]
    fast = world.render(shots, size=(32, 16), samples=2)
    with np.load(tmp_path / "slow.npz") as slow:
        assert np.array_equal(fast.parts, slow["parts"])
        assert np.allclose(fast.keypoints, slow["keypoints"], atol=1e-3)
        assert np.abs(fast.images.astype(int) - slow["images"]).max() <= 1

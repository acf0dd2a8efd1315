"""SAP's teachers on a rendered world."""

import numpy as np
import pytest

from benchmarks.partial_and_parts.teachers import CELL, NoisyParts, teacher
from glimpse.segmentation.sources import StripeParts
from glimpse.world.export import export_world


@pytest.mark.parametrize("share", [0.0, 0.1, 0.5])
def test_a_share_of_the_squares_is_wrong(share):
    clean, noisy = StripeParts(4), NoisyParts(StripeParts(4), share)
    paths = [f"train/{n}.jpg" for n in range(200)]
    one, other = clean.parts(paths, (64, 32)), noisy.parts(paths, (64, 32))
    wrong = one != other
    squares = wrong.reshape(200, CELL, 8, CELL // 2, 8)
    assert (squares.all((2, 4)) == squares.any((2, 4))).all()
    assert wrong.mean() == pytest.approx(share, abs=0.02)
    assert set(np.unique(other)) <= set(range(5))
    assert (noisy.parts(paths[3:5], (64, 32)) == other[3:5]).all()
    assert noisy.key(paths) != clean.key(paths)


def test_pose_and_truth_agree_about_people(tmp_path):
    world = tmp_path / "world"
    export_world("occluded_duke", world, people=6, images_per_person=4, seed=3)
    paths = sorted(map(str, (world / "bounding_box_train").glob("*.jpg")))
    truth, pose = (teacher(name, world) for name in ("truth", "pose"))
    assert truth.names[:4] == ("background", "head", "torso", "arms")
    seen, drawn = (source.parts(paths, (64, 32)) > 0 for source in (truth, pose))
    overlap = (seen & drawn).sum() / (seen | drawn).sum()
    assert overlap > 0.4
    assert teacher("0.3", world).truth.endswith("30% of 8 x 4 squares labelled at random")

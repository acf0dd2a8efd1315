"""Rays against the definition of each solid, a step at a time."""

import math

import numpy as np
import pytest

from glimpse.world import intersect


def rays(count):
    rng = np.random.default_rng(3)
    for _ in range(count):
        origin = rng.normal(size=3)
        origin *= 6.0 / np.linalg.norm(origin)
        yield origin, rng.uniform(-1.2, 1.2, 3) - origin


def first_entry(origin, direction, inside):
    """The first of many steps along the ray at which a point lies inside."""
    steps = np.linspace(0.0, 2.0, 4001)
    within = inside(origin + steps[:, None] * direction)
    return steps[within.argmax()] if within.any() else intersect.MISS


@pytest.mark.parametrize(("start", "end"), [(0.5, 0.5), (0.6, 0.3), (0.3, 0.7)])
def test_a_rounded_cone_is_the_hull_of_a_rolling_ball(start, end):
    length = 1.1
    along = np.linspace(0.0, 1.0, 401)

    def depth(points):
        """How far outside of the nearest of many balls."""
        middle = np.stack([0 * along, 0 * along, length * along], 1)
        away = np.linalg.norm(points[:, None] - middle, axis=2)
        return (away - start - (end - start) * along).min(1)

    hits = 0
    for origin, direction in rays(120):
        t = intersect._hit_cone.py_func(length, start, end, *origin, *direction)
        hit = t < intersect.MISS
        before = np.linspace(0.0, t if hit else 2.0, 60, endpoint=False)
        assert (depth(origin + before[:, None] * direction) > -1e-4).all()
        if hit:
            hits += 1
            assert depth((origin + t * direction)[None])[0] == pytest.approx(0.0, abs=1e-4)
    assert 20 < hits < 120


def test_a_slab_is_a_cube():
    hits = 0
    for origin, direction in rays(80):
        t = intersect._hit_slab.py_func(*origin, *direction)
        expected = first_entry(origin, direction, lambda points: (np.abs(points) <= 1.0).all(1))
        assert (t < intersect.MISS) == (expected < intersect.MISS)
        if t < intersect.MISS:
            hits += 1
            assert t == pytest.approx(expected, abs=1e-3)
    assert hits > 40


def test_a_ball_keeps_the_side_of_its_plane():
    work = np.zeros((1, intersect.WORK))
    work[0, intersect.SIZES : intersect.SIZES + 4] = (0.0, 0.0, 1.0, -0.2)
    down = intersect._hit_ball.py_func(work, 0, 0.0, 0.0, 5.0, 0.0, 0.0, -1.0)
    up = intersect._hit_ball.py_func(work, 0, 0.0, 0.0, -5.0, 0.0, 0.0, 1.0)
    assert down == pytest.approx(4.0)
    assert up == pytest.approx(6.0)  # through the missing half to the shell's inside
    assert intersect._hit_ball.py_func(work, 0, 5.0, 0.0, 0.0, -1.0, 0.0, 0.0) == intersect.MISS


def test_a_tube_is_open_and_may_have_a_slit():
    work = np.zeros((1, intersect.WORK))
    work[0, intersect.SIZES : intersect.SIZES + 4] = (2.0, 1.0, 2.0, 0.0)
    at = intersect._hit_tube.py_func
    assert at(work, 0, 0.0, 5.0, 1.0, 0.0, -1.0, 0.0) == pytest.approx(3.5)
    assert at(work, 0, 0.1, 0.1, 5.0, 0.0, 0.0, -1.0) == intersect.MISS
    work[0, intersect.SIZES + 3] = 0.3
    assert at(work, 0, 0.0, 5.0, 1.0, 0.0, -1.0, 0.0) == pytest.approx(6.5)
    assert at(work, 0, 1.0, 5.0, 1.0, 0.0, -1.0, 0.0) == pytest.approx(5.0 - math.sqrt(1.25))

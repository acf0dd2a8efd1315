"""Drawing poses: walking, standing, and what carried things make of the arms."""

import numpy as np

from glimpse.world.frame import Pose
from glimpse.world.person import Person


def draw_pose(person: Person, rng: np.random.Generator) -> Pose:
    """Two of three people walk, the others stand; arms hang, are bent, or hold what the person carries."""
    walks = bool(rng.random() < 0.67)
    stride = float(rng.uniform(0.18, 0.50)) if walks else float(rng.choice([0.0, 0.08, 0.14]))
    if person.lower.kind == "skirt" or person.upper.kind in ("dress", "coat"):
        stride *= 0.7
    swing = stride * float(rng.uniform(0.6, 1.4))
    out = [float(x) for x in np.abs(rng.normal(0.06, 0.08, 2)) + 0.02]
    forward = [float(x) for x in rng.normal(0.0, 0.08, 2)]
    elbows = [float(x) for x in np.abs(rng.normal(0.25, 0.2, 2))]
    gesture = rng.random()
    if gesture < 0.10:  # something is read or phoned with
        arm = int(rng.integers(2))
        forward[arm], elbows[arm] = 0.35, 1.9
    elif gesture < 0.16 and not walks:  # hands on the hips
        out, elbows, forward = [0.75, 0.75], [1.5, 1.5], [-0.45, -0.45]
    elif gesture < 0.22:  # hands behind or before the body
        sign = 1.0 if rng.random() < 0.6 else -1.0
        forward, elbows, out = [0.30 * sign] * 2, [0.7 if sign > 0 else 0.1] * 2, [0.03, 0.03]
    if person.carries("umbrella"):
        forward[0], elbows[0], out[0] = 0.42, 1.75, 0.05
        swing *= 0.25
    if person.carries("handbag"):
        forward[1], elbows[1], out[1] = 0.05 * forward[1], 0.12, 0.16
        swing *= 0.6
    return Pose(
        phase=float(rng.uniform(0.0, 2.0 * np.pi)),
        stride=stride,
        swing=swing,
        lean=float(rng.normal(0.03, 0.03)) + 0.10 * stride,
        arms_out=(out[0], out[1]),
        arms_forward=(forward[0], forward[1]),
        elbows=(elbows[0], elbows[1]),
        head_turn=float(rng.normal(0.0, 0.25)),
        head_nod=float(rng.normal(0.08, 0.10)),
    )

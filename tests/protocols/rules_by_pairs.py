"""Small tables, and the exclusion rules for one pair of rows at a time."""

import numpy as np
from hypothesis import strategies as st

from glimpse.protocols import (
    nothing,
    same_image,
    same_person_and_camera,
    same_sysu_location,
)
from glimpse.records import NO_CAMERA, Records


def rows(pairs, prefix="q"):
    person, camera = np.array(pairs, np.int64).reshape(-1, 2).T
    return Records.from_columns([f"{prefix}{i}" for i in range(len(pairs))], person, camera=camera)


PLAIN_RULES = {
    nothing: lambda q, g: False,
    same_person_and_camera: lambda q, g: (
        q.person == g.person and q.camera == g.camera and NO_CAMERA not in (q.camera.item(), g.camera.item())
    ),
    same_sysu_location: lambda q, g: (
        (2 if q.camera.item() == 3 else q.camera.item()) == (2 if g.camera.item() == 3 else g.camera.item())
    ),
    same_image: lambda q, g: q.path.item() == g.path.item(),
}


sides = st.lists(st.tuples(st.integers(-2, 3), st.integers(-1, 3)), max_size=8)

"""SYSU-MM01 and RegDB: visible images against near-infrared and thermal ones."""

from __future__ import annotations

import io
from collections.abc import Mapping, Sequence

import numpy as np

from glimpse.records import Array, IntArray
from glimpse.world.export.tree import Captions, Files, Image, Options, Tree, Writer, counted, layout_rng
from glimpse.world.frame import Band

TRIALS = 10
"""Given by the sources for both sets (protocols.md, "SYSU-MM01" and "RegDB")."""

_SCENES = {1: 0, 2: 1, 3: 1, 4: 2, 5: 3, 6: 4}
"""SYSU's cameras, by the world's: cameras 2 and 3 look at one room (protocols.md, "SYSU-MM01")."""
_INFRARED = (3, 6)
_INDOOR = (1, 2)
_TRAINING, _VALIDATION = 0.5, 0.15  # of the people: our choice, the rest is tested


def plan_sysu(options: Options) -> Tree:
    """Everybody is seen by cameras 3 to 6, more than half of the people by 1 and 2 as well."""
    first_validation = max(1, round(_TRAINING * options.people))
    first_test = first_validation + max(1, round(_VALIDATION * options.people))
    splits = {
        "train": range(first_validation),
        "val": range(first_validation, first_test),
        "test": range(first_test, options.people),
    }
    images: list[Image] = []
    seen: dict[tuple[int, int], int] = {}
    for split, people in splits.items():
        for place, person in enumerate(people):
            # 7 of 12, evenly spread: in the real set cameras 1 and 2 see 56 of 96 (protocols.md, "SYSU-MM01")
            cameras = [1, 2, 3, 4, 5, 6] if (7 * place) % 12 < 7 else [3, 4, 5, 6]
            for i in range(options.images_per_person):
                camera = cameras[i % len(cameras)]
                number = seen[camera, person] = seen.get((camera, person), 0) + 1
                path = f"cam{camera}/{person + 1:04d}/{number:04d}.jpg"
                band: Band = "near_infrared" if camera in _INFRARED else "rgb"
                images.append(
                    Image(
                        (path,),
                        person,
                        _SCENES[camera],
                        len(images),
                        person + 1,
                        camera,
                        band=band,
                        split=split,
                    )
                )
    rng = layout_rng(options)
    orders = {
        key: np.stack([rng.permutation(count) + 1 for _ in range(TRIALS)]) for key, count in seen.items()
    }

    def lists(captions: Captions) -> Files:
        ids = {f"{split}_id": [person + 1 for person in people] for split, people in splits.items()}
        ids["available_id"] = list(range(1, options.people + 1))
        files: dict[str, bytes] = {}
        for name, persons in ids.items():
            files[f"exp/{name}.txt"] = ",".join(map(str, persons)).encode() + b"\n"
            files[f"exp/{name}.mat"] = matlab_file({"id": np.array([persons], np.float64)})
        files["exp/rand_perm_cam.mat"] = matlab_file({"rand_perm_cam": _cells(orders, options.people)})
        return files

    return Tree(options.people, 5, tuple(images), _sysu_counts(images, seen), lists)


def _sysu_counts(images: Sequence[Image], seen: Mapping[tuple[int, int], int]) -> dict[str, tuple[int, int]]:
    learned = [p for p in images if p.split != "test"]
    queries = [p for p in images if p.split == "test" and p.modality == "ir"]
    tested = {p.person for p in queries}
    counts = {
        f"train {modality}": counted(p for p in learned if p.modality == modality)
        for modality in ("rgb", "ir")
    }
    for search, cameras in (("all", (1, 2, 4, 5)), ("indoor", _INDOOR)):
        found = {(c, p): n for (c, p), n in seen.items() if c in cameras and p in tested}
        for shot, most in (("single", 1), ("multi", 10)):
            counts[f"{search}-{shot} query"] = counted(queries)
            rows = sum(min(most, n) for n in found.values())
            counts[f"{search}-{shot} gallery"] = (len({person for _, person in found}), rows)
    return counts


def _cells(orders: Mapping[tuple[int, int], IntArray], people: int) -> Array:
    """The official file's nested cells: for each camera a cell per person, empty where unseen."""
    cameras = np.empty((6, 1), object)
    for camera in range(1, 7):
        persons = np.empty((people, 1), object)
        for person in range(people):
            order = orders.get((camera, person))
            persons[person, 0] = np.empty((0, 0)) if order is None else order.astype(np.float64)
        cameras[camera - 1, 0] = persons
    return cameras


def matlab_file(variables: Mapping[str, Array]) -> bytes:
    """A MATLAB 5 file whose header does not tell the hour, so that the same options give the same bytes."""
    from scipy.io import savemat

    buffer = io.BytesIO()
    savemat(buffer, dict(variables))  # type: ignore[arg-type] # the stubs know no open files
    written = buffer.getvalue()
    return b"MATLAB 5.0 MAT-file, written by Glimpse".ljust(116) + written[116:]


def plan_regdb(options: Options) -> Tree:
    """Half of a person's images visible, half thermal, by one pair of aligned cameras; ten random halves."""
    images: list[Image] = []
    for person in range(options.people):
        for i in range(options.images_per_person):
            visible = i < options.images_per_person // 2
            folder, letter = ("Visible", "v") if visible else ("Thermal", "t")
            path = f"{folder}/{person + 1}/person_{letter}_{len(images):05d}_{i % 100:02d}.bmp"
            images.append(
                Image(
                    (path,),
                    person,
                    0,
                    len(images),
                    person + 1,
                    1 if visible else 2,
                    band="rgb" if visible else "thermal",
                    split="",  # ten lists say who is trained on
                )
            )
    half = options.people // 2
    rng = layout_rng(options)
    orders = [rng.permutation(options.people) for _ in range(TRIALS)]

    def lists(captions: Captions) -> Files:
        files: dict[str, bytes] = {}
        for trial, order in enumerate(orders, start=1):
            parts = {"train": sorted(order[:half].tolist()), "test": sorted(order[half:].tolist())}
            for part, persons in parts.items():
                label = {person: number for number, person in enumerate(persons)}
                for side in ("Visible", "Thermal"):
                    lines = [
                        f"{p.paths[0]} {label[p.person]}\n"
                        for p in images
                        if p.person in label and p.paths[0].startswith(side)
                    ]
                    files[f"idx/{part}_{side.lower()}_{trial}.txt"] = "".join(lines).encode()
        return files

    each = options.images_per_person // 2
    trained, tested = (half, half * each), (options.people - half, (options.people - half) * each)
    counts = {"train rgb": trained, "train ir": trained}
    for direction in ("visible-to-thermal", "thermal-to-visible"):
        counts |= {f"{direction} query": tested, f"{direction} gallery": tested}
    return Tree(options.people, 1, tuple(images), counts, lists)


SYSU = Writer(
    "sysu_mm01",
    plan_sysu,
    {"tiny": (12, 12), "small": (80, 18), "bench": (240, 20), "large": (2_500, 40)},
    fewest_images=6,
)
REGDB = Writer(
    "regdb",
    plan_regdb,
    {"tiny": (8, 4), "small": (80, 12), "bench": (240, 20), "large": (5_000, 20)},
    fewest_images=2,
    images_step=2,
)

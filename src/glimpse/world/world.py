"""`World`: people, cameras and scenes from one seed, and images of them with the truth."""

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor

import numba
import numpy as np
from numpy.typing import NDArray

from glimpse.errors import OptionError
from glimpse.ranges import LARGEST_SEED, Range
from glimpse.runtime import check_threads
from glimpse.world import raycast, skeleton
from glimpse.world.camera import make_cameras
from glimpse.world.frame import BANDS, KINDS, PARTS, SIDES, THINGS, Band, Frames, Kind, MaskSide, Shot
from glimpse.world.occluders import LEAST_VISIBLE, built
from glimpse.world.people import make_people
from glimpse.world.person import Person
from glimpse.world.pose import draw_pose
from glimpse.world.trace import SAMPLES
from glimpse.world.view import lens_row
from glimpse.world.wardrobe import dressed

SEEDS, PEOPLE, CAMERAS, HARDNESS = Range(0, LARGEST_SEED), Range(1, 200_000), Range(1, 200), Range(0, 1)
_BLOCK = 4  # images that a thread takes at a time
_PLAN_STREAM, _TAKE_STREAM = 3, 4


class World:
    """People, cameras and scenes, all drawn from one seed.

    Args:
        seed: worlds of different seeds share nobody and no camera.
        people: how many.
        cameras: how many.
        hardness: 0 to 1; more of it makes look-alikes, and cameras that disagree about colors.

    >>> world = World(7, people=4, cameras=2)
    >>> shots = world.plan(per_camera=1)
    >>> frames = world.render(shots[:2], size=(32, 16), samples=1)
    >>> frames.images.shape
    (2, 32, 16, 3)
    """

    def __init__(self, seed: int, people: int = 16, cameras: int = 6, hardness: float = 0.5) -> None:
        for name, value, limits in (
            ("seed", seed, SEEDS),
            ("people", people, PEOPLE),
            ("cameras", cameras, CAMERAS),
            ("hardness", hardness, HARDNESS),
        ):
            if value not in limits:
                raise OptionError(f"the {name} of a world must be {limits}, got {value}")
        self.seed = seed
        self.hardness = hardness
        self.people = make_people(seed, people, hardness)
        self.cameras = make_cameras(seed, cameras, hardness)

    def with_people(self, people: Sequence[Person]) -> "World":
        """The same world with other people in it, who pose exactly as those they replace."""
        other = World.__new__(World)
        other.__dict__.update(self.__dict__)
        other.people = tuple(people)
        return other

    def shot(
        self,
        person: int,
        camera: int,
        seed: int,
        kind: Kind = "whole",
        band: Band = "rgb",
        wanted: float | None = None,
        heading: float | None = None,
        occluder: int | None = None,
        side: MaskSide | None = None,
    ) -> Shot:
        """A shot of one person by one camera; whatever is not said is drawn from the shot's own seed."""
        if not 0 <= person < len(self.people):
            raise OptionError(f"there are {len(self.people)} people, got number {person}")
        if not 0 <= camera < len(self.cameras):
            raise OptionError(f"there are {len(self.cameras)} cameras, got number {camera}")
        if kind not in KINDS or band not in BANDS:
            raise OptionError(
                f"a shot's kind is one of {KINDS} and its band one of {BANDS}, got {kind} and {band}"
            )
        if wanted is not None and not 0.0 < wanted <= 1.0:
            raise OptionError(f"the wanted visible fraction is above 0 and at most 1, got {wanted}")
        occluders = self.cameras[camera].scene.occluders
        if occluder is not None and not 0 <= occluder < len(occluders):
            raise OptionError(f"camera {camera} has {len(occluders)} occluders, got number {occluder}")
        rng = self._generator(_PLAN_STREAM, person, camera, seed)
        turned = float(rng.uniform(-np.pi, np.pi))
        pose = draw_pose(self.people[person], rng)
        fraction = float(rng.uniform(0.35, 0.85))
        drawn_side = SIDES[int(rng.choice(4, p=[0.4, 0.2, 0.2, 0.2]))]
        order = rng.permutation(len(occluders))
        chosen = -1
        if kind == "whole":
            fraction = 1.0
        else:
            fraction = fraction if wanted is None else wanted
        if kind == "occluded":
            chosen = self._able(camera, order, fraction) if occluder is None else occluder
        return Shot(
            person=person,
            camera=camera,
            seed=seed,
            kind=kind,
            band=band,
            heading=turned if heading is None else heading,
            pose=pose,
            wanted=fraction,
            occluder=chosen,
            side=drawn_side if side is None else side,
        )

    def plan(
        self,
        people: Sequence[int] | None = None,
        cameras: Sequence[int] | None = None,
        per_camera: int = 1,
        kinds: Sequence[Kind] = ("whole",),
        bands: Sequence[Band] = ("rgb",),
        wanted: float | None = None,
        first_seed: int = 0,
    ) -> tuple[Shot, ...]:
        """Shots of everybody (or of `people`) by every camera (or `cameras`), person by person.

        Each person is imaged `per_camera` times per camera, kind and band, with seeds counted from
        `first_seed`.
        """
        who = range(len(self.people)) if people is None else people
        where = range(len(self.cameras)) if cameras is None else cameras
        each = [(kind, band, n) for kind in kinds for band in bands for n in range(per_camera)]
        return tuple(
            self.shot(person, camera, first_seed + place, kind, band, wanted)
            for person in who
            for camera in where
            for place, (kind, band, _) in enumerate(each)
        )

    def render(
        self,
        shots: Sequence[Shot],
        size: tuple[int, int] = (128, 64),
        samples: int = 4,
        threads: int | None = None,
    ) -> Frames:
        """Render the images.

        Args:
            shots: what to render; a shot gives the same bytes in any batch.
            size: height and width of the images.
            samples: rays per pixel, 1 to 8.
            threads: how many images are rendered at once; as many as numba uses unless said.
        """
        height, width = size
        if not (16 <= height <= 1024 and 8 <= width <= 1024):
            raise OptionError(f"an image is 16 to 1024 pixels high and 8 to 1024 wide, got {height}x{width}")
        if not 1 <= samples <= len(SAMPLES):
            raise OptionError(f"samples go from 1 to {len(SAMPLES)} per pixel, got {samples}")
        check_threads("threads", threads)
        count = len(shots)
        images = np.zeros((count, height, width, 3), np.uint8)
        parts = np.zeros((count, height, width), np.uint8)
        tally, seen = np.zeros((2, count, len(PARTS)), np.int32)
        things = np.zeros((count, len(THINGS)), np.int32)
        keypoints = np.zeros((count, 14, 3), np.float32)
        if count:
            cast, rows, sizes = self._cast(shots)
            poses, passer_poses, lens = self._takes(shots)
            given = (cast, rows, sizes, poses, passer_poses, lens, samples)
            filled = (images, parts, tally, seen, things, keypoints)

            def work(start: int) -> None:
                raycast.render_range(start, min(start + _BLOCK, count), given, filled)

            with ThreadPoolExecutor(threads or numba.config.NUMBA_NUM_THREADS) as pool:
                list(pool.map(work, range(0, count, _BLOCK)))
        return Frames(
            shots=tuple(shots),
            images=images,
            parts=parts,
            visible=(seen / np.maximum(tally, 1)).astype(np.float32),
            visible_whole=(seen.sum(1) / np.maximum(tally.sum(1), 1)).astype(np.float32),
            things=things,
            keypoints=keypoints,
            heading=np.array([shot.heading for shot in shots], dtype=np.float32),
        )

    def _generator(self, stream: int, person: int, camera: int, seed: int) -> np.random.Generator:
        return np.random.default_rng(np.random.SeedSequence([self.seed, stream, person, camera, seed]))

    def _able(self, camera: int, order: NDArray[np.int64], fraction: float) -> int:
        """The first occluder in `order` that can hide enough, else the one that hides most."""
        occluders = self.cameras[camera].scene.occluders
        for index in order:
            if LEAST_VISIBLE[occluders[index].kind] <= fraction:
                return int(index)
        return min(range(len(occluders)), key=lambda i: LEAST_VISIBLE[occluders[i].kind])

    def _cast(
        self, shots: Sequence[Shot]
    ) -> tuple[NDArray[np.int64], NDArray[np.float64], NDArray[np.float64]]:
        """Solids and bone lengths of everything that appears, each once, and the index table of the shots."""
        tables: list[NDArray[np.float64]] = []
        starts: dict[object, tuple[int, int]] = {}
        bodies: list[NDArray[np.float64]] = []
        known: dict[object, int] = {}
        total = 0

        def rows_of(key: object, table: NDArray[np.float64]) -> tuple[int, int]:
            nonlocal total
            if key not in starts:
                starts[key] = (total, len(table))
                tables.append(table)
                total += len(table)
            return starts[key]

        def size_of(person: Person) -> int:
            if person not in known:
                known[person] = len(bodies)
                bodies.append(skeleton.lengths(person.body))
            return known[person]

        cast = np.zeros((len(shots), raycast.CAST), np.int64)
        for line, shot in zip(cast, shots, strict=True):
            person = self.people[shot.person]
            first, count = rows_of(person, dressed(person))
            line[raycast.PERSON_FIRST], line[raycast.PERSON_COUNT] = first, count
            line[raycast.PERSON_SIZE] = size_of(person)
            line[raycast.PASSER_SIZE] = -1
            if shot.occluder >= 0:
                occluder = self.cameras[shot.camera].scene.occluders[shot.occluder]
                first, count = rows_of(occluder, built(occluder))
                line[raycast.OCCLUDER_FIRST], line[raycast.OCCLUDER_COUNT] = first, count
                if occluder.passer is not None:
                    line[raycast.PASSER_SIZE] = size_of(occluder.passer)
        return cast, np.concatenate(tables), np.stack(bodies)

    def _takes(
        self, shots: Sequence[Shot]
    ) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]:
        """What changes from shot to shot: pose, a passer-by's pose, and the lens row."""
        poses, passer_poses, lenses = [], [], []
        for shot in shots:
            rng = self._generator(_TAKE_STREAM, shot.person, shot.camera, shot.seed)
            camera = self.cameras[shot.camera]
            poses.append(skeleton.pose_numbers(shot.pose))
            lenses.append(lens_row(shot, camera, rng))
            passer = camera.scene.occluders[shot.occluder].passer if shot.occluder >= 0 else None
            pose = shot.pose if passer is None else draw_pose(passer, rng)
            passer_poses.append(skeleton.pose_numbers(pose))
        return np.stack(poses), np.stack(passer_poses), np.stack(lenses)

"""What the world renders (`Shot`) and what it returns (`Frames`): images beside their truth."""

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

Kind = Literal["whole", "occluded", "partial"]
Band = Literal["rgb", "near_infrared", "thermal"]
MaskSide = Literal["upper", "lower", "left", "right"]

KINDS: tuple[Kind, ...] = ("whole", "occluded", "partial")
BANDS: tuple[Band, ...] = ("rgb", "near_infrared", "thermal")
SIDES: tuple[MaskSide, ...] = ("upper", "lower", "left", "right")

# The values of a part map.
BACKGROUND, OCCLUDER, HEAD, TORSO, ARMS, LEGS, FEET, CARRIED = range(8)
PART_NAMES = ("background", "occluder", "head", "torso", "arms", "legs", "feet", "carried")
PARTS = PART_NAMES[HEAD:]  # the parts of a person; `Frames.visible[:, i]` is of part value i + HEAD

# Finer than parts, for whoever describes an image: what a sentence could name. "chest" is the front
# of the upper garment, where a print or an opening is.
THINGS = ("face", "hair", "upper", "chest", "lower", "shoes", "backpack", "handbag", "hat", "umbrella")

KEYPOINTS = (
    "head_top",
    "neck",
    "right_shoulder",
    "right_elbow",
    "right_wrist",
    "left_shoulder",
    "left_elbow",
    "left_wrist",
    "right_hip",
    "right_knee",
    "right_ankle",
    "left_hip",
    "left_knee",
    "left_ankle",
)


@dataclass(frozen=True)
class Pose:
    """How a body is held; angles in radians, forward positive.

    Attributes:
        phase: where in the step, 0 to 2 pi; ignored where `stride` is 0.
        stride: how far the legs swing, 0 standing to about 0.55 striding out.
        swing: how far the arms swing.
        lean: of the spine.
        arms_out: right and left, away from the body.
        arms_forward: right and left, added to the swing.
        elbows: right and left, bent.
        head_turn: to the person's left.
        head_nod: downwards.
    """

    phase: float
    stride: float
    swing: float
    lean: float
    arms_out: tuple[float, float]
    arms_forward: tuple[float, float]
    elbows: tuple[float, float]
    head_turn: float
    head_nod: float


@dataclass(frozen=True)
class Shot:
    """One image to be taken; the same shot in the same world is always the same bytes.

    Attributes:
        person: index into `World.people`.
        camera: index into `World.cameras`.
        seed: tells apart the images of one person by one camera.
        kind: whole, occluded (by one of the camera's own occluders) or partial (cropped, then resized).
        band: rgb, near_infrared or thermal.
        heading: where the person faces: 0 towards the camera, pi away, positive towards the right of
            the image.
        pose: how the body is held.
        wanted: the fraction of the person that should remain visible, 1.0 for whole shots.
        occluder: index into the camera's occluders, -1 for none.
        side: for partial shots, the side of the person that is kept.
    """

    person: int
    camera: int
    seed: int
    kind: Kind
    band: Band
    heading: float
    pose: Pose
    wanted: float = 1.0
    occluder: int = -1
    side: MaskSide = "upper"


@dataclass(frozen=True)
class Frames:
    """Rendered images with their truth, one row per shot.

    Attributes:
        shots: what was rendered, `N` of them.
        images: uint8 `[N, H, W, 3]`, sRGB; infrared bands repeat one channel.
        parts: uint8 `[N, H, W]`, the part map (`BACKGROUND`, `OCCLUDER`, `HEAD`, … `CARRIED`).
        visible: float32 `[N, 6]`, the fraction of each of `PARTS` that is visible, measured against the
            same view without occluder and without crop. Hiding by foreign objects and by the crop counts,
            hiding by the person's own body does not. 0 where that view shows nothing of the part (a
            person who carries nothing has 0 of "carried").
        visible_whole: float32 `[N]`, the same for the person as a whole.
        things: int32 `[N, 10]`, how many pixels of each of `THINGS` the image shows.
        keypoints: float32 `[N, 14, 3]`, x and y in pixels of the image, and 1.0 where the point is
            inside the image with no foreign object in front of it (the person's own body may be), else 0.0.
        heading: float32 `[N]`, as in the shots.
    """

    shots: tuple[Shot, ...]
    images: NDArray[np.uint8]
    parts: NDArray[np.uint8]
    visible: NDArray[np.float32]
    visible_whole: NDArray[np.float32]
    things: NDArray[np.int32]
    keypoints: NDArray[np.float32]
    heading: NDArray[np.float32]

    def __len__(self) -> int:
        return len(self.shots)

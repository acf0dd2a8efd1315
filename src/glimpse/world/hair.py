"""Hair in eight styles, and the hat that may sit on it."""

from glimpse.world import skeleton as bones
from glimpse.world.body import Girth
from glimpse.world.frame import CARRIED, HEAD, THINGS
from glimpse.world.person import Person, Thing
from glimpse.world.solids import CLOTH, HAIR, Builder, Surface, Tag

_TAG = Tag(bones.SKULL, HEAD, THINGS.index("hair"))
_HAT = Tag(bones.SKULL, CARRIED, THINGS.index("hat"))

# The plane that cuts the face out of a cap of hair, in coordinates of its unit ball.
_FACE_CUT = (0.0, -0.86, 0.50, 0.36)


def add_hair(build: Builder, person: Person, girth: Girth) -> None:
    """The hair of a person, fitted to the head."""
    style, k, middle = person.hair.style, girth.scale, girth.head_center
    if style == "bald":
        return
    look = Surface(person.hair.color.rgb, "hair", finish=HAIR, grain=float(person.family))
    under_hat = person.carries("hat") is not None
    swell = {"crop": 1.03, "afro": 1.03}.get(style, 1.10)
    if under_hat:
        swell = min(swell, 1.06)
    cap = (0.079 * k * swell, 0.099 * k * swell, 0.108 * k * swell)
    build.ball(_TAG, look, (0, 0.004, middle + 0.016), cap, keep=_FACE_CUT)
    if style == "short":
        build.ball(_TAG, look, (0, 0.055 * k, middle + 0.088 * k), (0.066 * k, 0.050 * k, 0.026 * k))
    if style == "bob":
        sides = (0.097 * k, 0.102 * k, 0.135 * k)
        build.ball(_TAG, look, (0, -0.004, middle - 0.03 * k), sides, keep=(0, -0.96, 0.0, 0.22))
    if style == "long":
        sides = (0.098 * k, 0.102 * k, 0.15 * k)
        build.ball(_TAG, look, (0, -0.006, middle - 0.04 * k), sides, keep=(0, -0.96, 0.0, 0.18))
        build.cone(
            _TAG,
            look,
            (0, -0.062 * k, middle),
            (0, -0.125 * k, middle - 0.34 * k),
            (0.092 * k, 0.07 * k),
            depth=0.55,
        )
    if style == "ponytail":
        build.ball(_TAG, look, (0, -0.105 * k, middle + 0.05 * k), (0.03 * k, 0.03 * k, 0.03 * k))
        build.cone(
            _TAG,
            look,
            (0, -0.135 * k, middle + 0.04 * k),
            (0, -0.165 * k, middle - 0.20 * k),
            (0.038 * k, 0.022 * k),
        )
    if style == "bun":
        back, up = (-0.115, 0.03) if under_hat else (-0.062, 0.108)
        build.ball(_TAG, look, (0, back * k, middle + up * k), (0.052 * k, 0.052 * k, 0.046 * k))
    if style == "afro":
        radii = (0.142 * k, 0.140 * k, 0.128 * k)
        if under_hat:
            build.ball(_TAG, look, (0, -0.02, middle - 0.01), radii, keep=(0, -0.6, -0.7, 0.0))
        else:
            build.ball(_TAG, look, (0, -0.012, middle + 0.042 * k), radii, keep=(0, -0.84, 0.40, 0.46))


def add_hat(build: Builder, hat: Thing, girth: Girth) -> None:
    """A round crown with a brim that is wider in front."""
    k, base = girth.scale, girth.head_center + 0.05 * girth.scale
    felt = Surface(hat.color.rgb, "felt", finish=CLOTH)
    build.ball(_HAT, felt, (0, 0.004, base), (0.091 * k, 0.109 * k, 0.098 * k), keep=(0, 0, 1, 0.02))
    build.ball(_HAT, felt, (0, 0.030 * k, base + 0.004), (0.132 * k, 0.160 * k, 0.013), turn=(-0.06, 0, 0))

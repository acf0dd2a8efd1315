"""Cameras as data: place, light, sensor and scene."""

from dataclasses import dataclass

import numpy as np

from glimpse.world import colors
from glimpse.world.colors import RGB
from glimpse.world.occluders import OCCLUDER_KINDS, Occluder, OccluderKind, draw_occluder
from glimpse.world.people import make_people
from glimpse.world.scenery import BACKDROPS, GROUNDS

CAMERA_STREAM = 2

# Grounds that go with a backdrop, and their two colors; sRGB, our choice.
_GROUND_COLOURS: dict[str, tuple[RGB, RGB]] = {
    "asphalt": ((0.38, 0.38, 0.39), (0.80, 0.79, 0.74)),
    "paving": ((0.62, 0.59, 0.54), (0.5, 0.5, 0.5)),
    "grass": ((0.28, 0.42, 0.17), (0.50, 0.52, 0.25)),
    "tiles": ((0.72, 0.70, 0.66), (0.54, 0.53, 0.52)),
    "cobbles": ((0.48, 0.46, 0.45), (0.5, 0.5, 0.5)),
    "planks": ((0.55, 0.42, 0.29), (0.36, 0.27, 0.18)),
}
_BACKDROP_COLOURS: dict[str, tuple[RGB, RGB]] = {
    "brick": ((0.60, 0.34, 0.26), (0.72, 0.69, 0.64)),
    "facade": ((0.74, 0.68, 0.58), (0.18, 0.24, 0.30)),
    "hedge": ((0.18, 0.36, 0.14), (0.40, 0.48, 0.18)),
    "concrete": ((0.62, 0.62, 0.60), (0.5, 0.5, 0.5)),
    "shop": ((0.30, 0.34, 0.36), (0.80, 0.70, 0.52)),
    "panels": ((0.82, 0.81, 0.77), (0.46, 0.55, 0.60)),
}
_OUTDOOR_GROUNDS = ("asphalt", "paving", "grass", "cobbles")
_INDOOR_GROUNDS = ("tiles", "planks", "paving")
_OUTDOOR_BACKDROPS = ("brick", "facade", "hedge", "concrete", "shop")
_INDOOR_BACKDROPS = ("panels", "shop", "concrete")


@dataclass(frozen=True)
class Scene:
    """What a camera looks at. `backdrop_away` and `backdrop_tall` are meters."""

    indoors: bool
    ground: str
    ground_colors: tuple[RGB, RGB]
    backdrop: str
    backdrop_colors: tuple[RGB, RGB]
    backdrop_away: float
    backdrop_tall: float
    occluders: tuple[Occluder, ...]
    seed: int


@dataclass(frozen=True)
class Light:
    """A camera's light: where the sun is (radians, azimuth from the camera's side) and linear strengths."""

    hour: float
    azimuth: float
    elevation: float
    sun: RGB
    sky: RGB
    softness: float


@dataclass(frozen=True)
class Camera:
    """One camera.

    Attributes:
        height: meters above the ground.
        distance: nearest and furthest person, meters.
        pixels: sensor pixels per meter at one meter, so that a person of 1.7 m at d meters is
            `1.7 * pixels / d` pixels tall.
        roll: tilt of the horizon, radians.
        white: gains of red, green, blue.
        exposure, contrast, saturation, sharpness, noise: how the image is developed.
        blur: how far things smear at most, as a fraction of the image's width.
        detector: how far the box may be off on each side, as a fraction.
        jpeg_quality: with which the camera's images are saved.
    """

    height: float
    distance: tuple[float, float]
    pixels: float
    roll: float
    light: Light
    scene: Scene
    white: RGB
    exposure: float
    contrast: float
    saturation: float
    sharpness: float
    noise: float
    blur: float
    detector: float
    jpeg_quality: int


def make_cameras(seed: int, count: int, hardness: float = 0.5) -> tuple[Camera, ...]:
    """Draw `count` cameras; the first of them do not depend on how many are drawn."""
    return tuple(_draw_camera(seed, index, hardness) for index in range(count))


def _draw_camera(seed: int, index: int, hardness: float) -> Camera:
    rng = np.random.default_rng(np.random.SeedSequence([seed, CAMERA_STREAM, index]))
    indoors = bool(rng.random() < 0.25)
    light = _draw_light(indoors, rng)
    tint = 0.02 + 0.09 * hardness
    red, blue = rng.normal(0.0, tint, 2)
    brightness = 0.3 * light.sun[1] * max(0.2, np.sin(light.elevation)) + 0.8 * light.sky[1]
    return Camera(
        height=float(rng.uniform(1.9, 4.6)),
        distance=(float(rng.uniform(4.0, 7.0)), float(rng.uniform(9.0, 17.0))),
        pixels=float(rng.uniform(420.0, 1400.0)),
        roll=float(rng.normal(0.0, 0.02)),
        light=light,
        scene=_draw_scene(seed, index, indoors, hardness, rng),
        white=(float(np.exp(red)), 1.0, float(np.exp(blue))),
        exposure=float(0.62 / brightness * np.exp(rng.normal(0.0, 0.08 + 0.20 * hardness))),
        contrast=float(rng.uniform(0.95 - 0.25 * hardness, 1.05 + 0.20 * hardness)),
        saturation=float(rng.uniform(0.95 - 0.35 * hardness, 1.05 + 0.20 * hardness)),
        sharpness=float(rng.choice([0.0, 0.0, 0.3, 0.6])),
        noise=float(rng.uniform(0.01, 0.03 + 0.04 * hardness)),
        blur=float(rng.uniform(0.01, 0.05)),
        detector=float(rng.uniform(0.02, 0.09)),
        jpeg_quality=int(rng.integers(55, 96)),
    )


def _draw_light(indoors: bool, rng: np.random.Generator) -> Light:
    if indoors:
        warm = float(rng.uniform(-0.25, 0.35))  # from cold tubes to warm bulbs
        sky = (0.75 * (1 + 0.5 * warm), 0.72, 0.70 * (1 - warm))
        sun = (0.35 * (1 + 0.5 * warm), 0.33, 0.31 * (1 - warm))
        return Light(12.0, float(rng.uniform(-3.1, 3.1)), float(rng.uniform(1.0, 1.4)), sun, sky, 0.18)
    hour = float(rng.uniform(7.0, 18.5))
    elevation = 0.18 + 0.85 * float(np.sin(np.pi * np.clip((hour - 6.0) / 13.5, 0.05, 0.95)))
    cloud = float(rng.beta(0.7, 0.9))
    low = float(np.clip(1.2 - elevation, 0.0, 1.0))  # a low sun is warm
    strength = 1.7 * (1.0 - 0.92 * cloud)
    sun = (strength * (1.0 + 0.15 * low), strength * (0.95 - 0.15 * low), strength * (0.85 - 0.45 * low))
    blue = 0.25 * (1.0 - cloud)
    sky = (0.42 * (1 - blue), 0.45, 0.46 * (1 + 1.1 * blue))
    return Light(
        hour, float(rng.uniform(-3.1, 3.1)), elevation, sun, sky, float(rng.choice([0.0, 0.015, 0.05]))
    )


def _draw_scene(seed: int, index: int, indoors: bool, hardness: float, rng: np.random.Generator) -> Scene:
    ground = str(rng.choice(_INDOOR_GROUNDS if indoors else _OUTDOOR_GROUNDS))
    backdrop = str(rng.choice(_INDOOR_BACKDROPS if indoors else _OUTDOOR_BACKDROPS))
    kinds: tuple[OccluderKind, ...] = ("wall", "pole", "bench", "railing") if indoors else OCCLUDER_KINDS[:-1]
    chosen = [str(kind) for kind in rng.choice(kinds, size=3, replace=False)]
    if not set(chosen) & {"wall", "bush", "car"}:  # something that hides much
        chosen[0] = "wall" if indoors else str(rng.choice(["wall", "bush", "car"]))
    # The passer-by is nobody of this world's people: her random stream is the camera's.
    passer = make_people(int(rng.integers(2**62)), 1, hardness)[0]
    occluders = [draw_occluder(kind, None, rng) for kind in OCCLUDER_KINDS if kind in chosen]
    occluders.append(draw_occluder("pedestrian", passer, rng))
    return Scene(
        indoors=indoors,
        ground=ground,
        ground_colors=_tinted(_GROUND_COLOURS[ground], rng),
        backdrop=backdrop,
        backdrop_colors=_tinted(_BACKDROP_COLOURS[backdrop], rng),
        backdrop_away=float(rng.uniform(2.5, 9.0)),
        backdrop_tall=float(rng.uniform(2.6, 3.2)) if backdrop == "hedge" else 40.0,
        occluders=tuple(occluders),
        seed=int(rng.integers(1, 2**30)),
    )


def _tinted(pair: tuple[RGB, RGB], rng: np.random.Generator) -> tuple[RGB, RGB]:
    return colors.jittered(pair[0], 0.06, rng), colors.jittered(pair[1], 0.06, rng)


def ground_index(camera: Camera) -> int:
    """The kernels' number of the camera's ground."""
    return GROUNDS.index(camera.scene.ground)


def backdrop_index(camera: Camera) -> int:
    """The kernels' number of the camera's backdrop."""
    return BACKDROPS.index(camera.scene.backdrop)

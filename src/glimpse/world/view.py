"""The row of camera parameters that the kernels read for a shot; what varies per shot is drawn here."""

import numpy as np
from numpy.typing import NDArray

from glimpse.world import lens as ln
from glimpse.world.camera import Camera, backdrop_index, ground_index
from glimpse.world.frame import BANDS, KINDS, SIDES, Shot
from glimpse.world.solids import linear


def lens_row(shot: Shot, camera: Camera, rng: np.random.Generator) -> NDArray[np.float64]:
    """The lens row of a shot, `[lens.COLUMNS]`; `rng` is the shot's own."""
    row = np.zeros(ln.COLUMNS)
    _place(row, camera, rng)
    _light(row, camera, rng)
    _scenery(row, camera)
    _develop(row, shot, camera, rng)
    row[ln.BAND] = BANDS.index(shot.band)
    row[ln.KIND] = KINDS.index(shot.kind)
    row[ln.WANTED] = shot.wanted
    row[ln.SIDE] = SIDES.index(shot.side)
    # Facing the camera is facing -y; a positive heading turns towards the right of the image.
    row[ln.YAW] = np.pi + shot.heading
    row[ln.PASSER_YAW] = rng.uniform(0.0, 2.0 * np.pi)
    row[ln.OCCLUDER_SIDE] = 1.0 if rng.random() < 0.5 else -1.0
    spread = np.sort(rng.random(3))
    if shot.occluder >= 0:
        occluder = camera.scene.occluders[shot.occluder]
        row[ln.RISES] = occluder.rises
        row[ln.HALF_WIDTH] = occluder.half_width
        row[ln.OCCLUDER_TALL] = occluder.tall
        row[ln.OCCLUDER_TURN] = occluder.turn
        near, far = occluder.gaps
        far = max(near, min(far, row[ln.DISTANCE] - 1.5))
        # First wherever chance has it, then the extremes, if that cannot hide enough.
        row[ln.OCCLUDER_GAPS : ln.OCCLUDER_GAPS + 3] = near + (far - near) * np.array([spread[1], 0.0, 1.0])
    row[ln.SEED] = rng.integers(1, 2**31)
    return row


def _place(row: NDArray[np.float64], camera: Camera, rng: np.random.Generator) -> None:
    row[ln.DISTANCE] = rng.uniform(*camera.distance)
    row[ln.HEIGHT] = camera.height
    row[ln.ROLL] = camera.roll + rng.normal(0.0, 0.012)
    row[ln.SCENE_X], row[ln.SCENE_Y] = rng.uniform(-6.0, 6.0, 2)
    row[ln.SCENE_TURN] = 0.35 * (camera.light.softness - 0.02) + rng.normal(0.0, 0.10)
    row[ln.TURN_COS], row[ln.TURN_SIN] = np.cos(row[ln.SCENE_TURN]), np.sin(row[ln.SCENE_TURN])
    row[ln.NATIVE] = 1.7 * camera.pixels / row[ln.DISTANCE]


def _light(row: NDArray[np.float64], camera: Camera, rng: np.random.Generator) -> None:
    light = camera.light
    azimuth = light.azimuth + rng.normal(0.0, 0.25)
    flat, up = np.cos(light.elevation), np.sin(light.elevation)
    row[ln.SUN : ln.SUN + 3] = flat * np.sin(azimuth), -flat * np.cos(azimuth), up
    shade = (
        1.0 if camera.scene.indoors else float(rng.choice([1.0, 1.0, 0.75, 0.15]))
    )  # a cloud, a house's shade
    row[ln.SUN_LIGHT : ln.SUN_LIGHT + 3] = np.array(light.sun) * shade
    row[ln.SKY_LIGHT : ln.SKY_LIGHT + 3] = np.array(light.sky) * (1.0 + 0.3 * (1.0 - shade))
    ground = linear(camera.scene.ground_colors[0])
    row[ln.BOUNCE_LIGHT : ln.BOUNCE_LIGHT + 3] = (
        ground
        * (0.5 * row[ln.SKY_LIGHT : ln.SKY_LIGHT + 3] + 0.8 * up * row[ln.SUN_LIGHT : ln.SUN_LIGHT + 3])
        + 0.10 * row[ln.SKY_LIGHT : ln.SKY_LIGHT + 3]
    )
    row[ln.SUN_WIDTH] = light.softness
    row[ln.ILLUMINATOR] = rng.uniform(0.75, 1.35)
    row[ln.AMBIENT] = 0.06


def _scenery(row: NDArray[np.float64], camera: Camera) -> None:
    scene = camera.scene
    row[ln.GROUND] = ground_index(camera)
    row[ln.GROUND_COLOUR : ln.GROUND_COLOUR + 3] = linear(scene.ground_colors[0])
    row[ln.GROUND_SECOND : ln.GROUND_SECOND + 3] = linear(scene.ground_colors[1])
    row[ln.BACKDROP] = backdrop_index(camera)
    row[ln.BACKDROP_COLOUR : ln.BACKDROP_COLOUR + 3] = linear(scene.backdrop_colors[0])
    row[ln.BACKDROP_SECOND : ln.BACKDROP_SECOND + 3] = linear(scene.backdrop_colors[1])
    # Someone who stands further from the camera stands nearer to the backdrop.
    row[ln.BACKDROP_AWAY] = max(1.0, scene.backdrop_away + camera.distance[1] - row[ln.DISTANCE])
    row[ln.BACKDROP_TALL] = scene.backdrop_tall
    row[ln.BACKDROP_SLOPE] = np.tan(row[ln.SCENE_TURN])
    row[ln.SCENE_SEED] = scene.seed


def _develop(row: NDArray[np.float64], shot: Shot, camera: Camera, rng: np.random.Generator) -> None:
    gain = np.exp(rng.normal(0.0, 0.12))
    white = np.exp(rng.normal(0.0, 0.03, 3))
    if shot.band == "rgb":
        row[ln.EXPOSURE] = camera.exposure * gain
        row[ln.WHITE : ln.WHITE + 3] = np.array(camera.white) * white
        row[ln.CONTRAST], row[ln.SATURATION] = camera.contrast, camera.saturation
        row[ln.SHARPNESS], row[ln.NOISE] = camera.sharpness, camera.noise
    else:
        row[ln.EXPOSURE] = gain * (1.05 if shot.band == "thermal" else 0.85)
        row[ln.WHITE : ln.WHITE + 3] = 1.0
        row[ln.CONTRAST], row[ln.SATURATION] = 1.0, 1.0
        row[ln.NOISE] = 0.012 if shot.band == "thermal" else 0.008 + 0.4 * camera.noise
    row[ln.MARGINS : ln.MARGINS + 4] = rng.uniform(-0.25, 1.0, 4) * camera.detector
    blur, angle = camera.blur * rng.random() ** 2, rng.normal(0.0, 0.4)
    row[ln.BLUR_X], row[ln.BLUR_Y] = blur * np.cos(angle), 0.5 * blur * np.sin(angle)

"""`make_options`: the options of a tree, checked."""

from __future__ import annotations

from glimpse.errors import OptionError
from glimpse.ranges import LARGEST_SEED
from glimpse.world.export.bodies import OCCLUDED_REID, PARTIAL_ILIDS, PARTIAL_REID
from glimpse.world.export.captioned import CUHK, ICFG, RSTP
from glimpse.world.export.infrared import REGDB, SYSU
from glimpse.world.export.market import MARKET, OCCLUDED_DUKE
from glimpse.world.export.tree import SCALES, Options, Writer

_ALL = (
    MARKET,
    OCCLUDED_DUKE,
    OCCLUDED_REID,
    PARTIAL_REID,
    PARTIAL_ILIDS,
    SYSU,
    REGDB,
    CUHK,
    ICFG,
    RSTP,
)
WRITERS = {writer.layout: writer for writer in _ALL}
"""Every layout that can be rendered, in the order in which the documentation lists them."""

DEFAULT_SCALE = "small"
DEFAULT_HARDNESS = 0.5


def make_options(
    layout: str,
    *,
    scale: str = DEFAULT_SCALE,
    seed: int = 0,
    people: int | None = None,
    images_per_person: int | None = None,
    hardness: float = DEFAULT_HARDNESS,
    shape: tuple[int, int] | None = None,
) -> Options:
    """The options of a tree; what is not said comes from the scale and the layout.

    >>> make_options("occluded-reid", scale="bench").people
    200
    """
    name = layout.lower().replace("-", "_")
    if name not in WRITERS:
        raise OptionError(f"the world writes {', '.join(WRITERS)}, got the layout {layout!r}")
    if scale not in SCALES:
        raise OptionError(f"the scales are {', '.join(SCALES)}, got {scale!r}")
    writer = WRITERS[name]
    default_people, default_images = writer.scales[scale]
    height, width = writer.shape if shape is None else shape
    options = Options(
        layout=name,
        seed=seed,
        people=default_people if people is None else people,
        images_per_person=default_images if images_per_person is None else images_per_person,
        hardness=float(hardness),
        height=height,
        width=width,
    )
    _check(options, writer)
    return options


def parse_shape(text: str) -> tuple[int, int]:
    """Height and width out of `128x64`.

    >>> parse_shape("256x128")
    (256, 128)
    """
    height, _, width = text.lower().partition("x")
    if not (height.isdecimal() and width.isdecimal()):
        raise OptionError(f"a size is height x width in pixels, like 128x64, got {text!r}")
    return int(height), int(width)


def _check(options: Options, writer: Writer) -> None:
    """Refuse options outside the limits of the layout."""
    name, images = options.layout, options.images_per_person
    if not writer.fewest_people <= options.people <= writer.most_people:
        raise OptionError(
            f"{name} needs {writer.fewest_people:,} to {writer.most_people:,} people, got {options.people:,}"
        )
    if not writer.fewest_images <= images <= writer.most_images or images % writer.images_step:
        step = f" in steps of {writer.images_step}" if writer.images_step > 1 else ""
        room = (
            f"exactly {writer.fewest_images}"
            if writer.fewest_images == writer.most_images
            else f"{writer.fewest_images:,} to {writer.most_images:,}"
        )
        raise OptionError(f"{name} needs {room} images per person{step}, got {images:,}")
    if not 0.0 <= options.hardness <= 1.0:
        raise OptionError(f"hardness goes from 0 to 1, got {options.hardness}")
    if not 0 <= options.seed <= LARGEST_SEED:
        raise OptionError(f"a seed is a whole number from 0, got {options.seed}")
    if not (32 <= options.height <= 1024 and 16 <= options.width <= 1024):
        raise OptionError(
            f"an image is 32 to 1024 pixels high and 16 to 1024 wide, got {options.height}x{options.width}"
        )

"""Writing worlds to disk in the published layouts, with the ground truth in a side folder."""

from __future__ import annotations

from pathlib import Path

from glimpse.progress import Progress, silent
from glimpse.world.export.options import DEFAULT_HARDNESS, DEFAULT_SCALE, WRITERS, make_options, parse_shape
from glimpse.world.export.tree import SCALES, Options
from glimpse.world.export.writing import export_tree

__all__ = ["SCALES", "WRITERS", "Options", "export_world", "make_options", "parse_shape"]


def export_world(
    layout: str,
    folder: Path | str,
    *,
    scale: str = DEFAULT_SCALE,
    seed: int = 0,
    people: int | None = None,
    images_per_person: int | None = None,
    hardness: float = DEFAULT_HARDNESS,
    shape: tuple[int, int] | None = None,
    progress: Progress = silent,
) -> Options:
    """Render a world into `folder` in a published layout.

    A killed run is continued by the same call. Afterwards `glimpse.datasets.read(layout, folder)`
    reads the folder, and `folder/ground_truth` tells what every image shows.

    Args:
        layout: one of `WRITERS`.
        folder: a new or an empty one.
        scale: one of `SCALES`; says how many people and images unless these are given.
        seed: of the world.
        people: of all splits together.
        images_per_person: of each of them.
        hardness: 0 to 1.
        shape: height and width of an image; by default the layout's.
        progress: shows how far it is; `glimpse.progress.terminal_bar` is a bar.

    Returns:
        All that decides the tree, as it was used.
    """
    options = make_options(
        layout,
        scale=scale,
        seed=seed,
        people=people,
        images_per_person=images_per_person,
        hardness=hardness,
        shape=shape,
    )
    export_tree(Path(folder), options, progress)
    return options

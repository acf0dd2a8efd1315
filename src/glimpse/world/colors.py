"""The vocabulary of colors: what a caption may say, and the sRGB value each word stands for.

Every value here is our choice. A person's exact color is the word's value with a small jitter, so
that two people in "navy" are seldom in the same navy.
"""

import numpy as np

RGB = tuple[float, float, float]

CLOTH: dict[str, RGB] = {
    "black": (0.09, 0.09, 0.10),
    "grey": (0.46, 0.46, 0.47),
    "white": (0.90, 0.90, 0.88),
    "navy": (0.11, 0.15, 0.32),
    "blue": (0.18, 0.36, 0.70),
    "teal": (0.10, 0.50, 0.52),
    "green": (0.20, 0.52, 0.26),
    "olive": (0.36, 0.38, 0.20),
    "yellow": (0.88, 0.76, 0.22),
    "orange": (0.88, 0.46, 0.14),
    "red": (0.74, 0.13, 0.14),
    "maroon": (0.38, 0.09, 0.14),
    "pink": (0.88, 0.56, 0.66),
    "purple": (0.42, 0.22, 0.54),
    "brown": (0.38, 0.25, 0.16),
    "beige": (0.80, 0.70, 0.54),
}
SKIN: dict[str, RGB] = {
    "pale": (0.93, 0.77, 0.68),
    "light": (0.85, 0.66, 0.54),
    "tan": (0.72, 0.52, 0.39),
    "brown": (0.52, 0.35, 0.25),
    "dark": (0.33, 0.22, 0.17),
}
HAIR: dict[str, RGB] = {
    "black": (0.08, 0.07, 0.07),
    "brown": (0.27, 0.17, 0.11),
    "blond": (0.76, 0.60, 0.35),
    "red": (0.52, 0.22, 0.10),
    "grey": (0.62, 0.61, 0.60),
}

# The words that are easily taken for each other under another lamp: look-alikes differ by these.
NEIGHBOURS: dict[str, tuple[str, ...]] = {
    "black": ("navy", "maroon", "grey"),
    "grey": ("white", "black", "beige"),
    "white": ("grey", "beige"),
    "navy": ("black", "blue", "purple"),
    "blue": ("navy", "teal"),
    "teal": ("green", "blue"),
    "green": ("teal", "olive"),
    "olive": ("green", "brown"),
    "yellow": ("orange", "beige"),
    "orange": ("yellow", "red"),
    "red": ("orange", "maroon"),
    "maroon": ("red", "brown", "black"),
    "pink": ("purple", "red", "beige"),
    "purple": ("navy", "pink", "maroon"),
    "brown": ("olive", "maroon", "beige"),
    "beige": ("white", "brown", "yellow"),
}


def jittered(rgb: RGB, spread: float, rng: np.random.Generator) -> RGB:
    """A color near `rgb`: brightness moves by up to three `spread`, each channel by up to one.

    >>> jittered((0.5, 0.5, 0.5), 0.0, np.random.default_rng(0))
    (0.5, 0.5, 0.5)
    """
    gain = 1.0 + 3.0 * spread * rng.uniform(-1.0, 1.0)
    shift = spread * rng.uniform(-1.0, 1.0, 3)
    red, green, blue = (float(np.clip(rgb[i] * gain + shift[i], 0.02, 0.97)) for i in range(3))
    return red, green, blue

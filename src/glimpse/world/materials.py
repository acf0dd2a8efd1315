"""What things are made of: how they answer to visible light, to near infrared and to a thermal camera.

In near infrared most dyes are transparent, so that the answer is mostly the fiber's (`glimpse.world.dyes` has
the rest); the thermal band sees how much warmth comes through. All numbers are our choice, in the order that
measurements of textiles give (synthetics and cotton bright, leather and hair dark).
"""

from dataclasses import dataclass


@dataclass(frozen=True)
class Matter:
    """How one material answers.

    Attributes:
        infrared: reflectance in near infrared, 0 to 1; of what is dyed, undyed.
        warmth: apparent temperature on a person, 0 ambient to 1 bare skin.
        folds: how much the surface crinkles.
        gloss: strength of the highlight.
    """

    infrared: float
    warmth: float
    folds: float
    gloss: float


MATTER: dict[str, Matter] = {
    "cotton": Matter(0.66, 0.62, 0.20, 0.00),
    "linen": Matter(0.74, 0.66, 0.28, 0.00),
    "denim": Matter(0.42, 0.55, 0.12, 0.02),
    "wool": Matter(0.54, 0.32, 0.08, 0.00),
    "polyester": Matter(0.80, 0.45, 0.26, 0.10),
    "leather": Matter(0.20, 0.40, 0.16, 0.30),
    "skin": Matter(0.58, 1.00, 0.00, 0.06),
    "hair": Matter(0.26, 0.50, 0.00, 0.10),
    "shoe": Matter(0.30, 0.36, 0.02, 0.10),
    "bag": Matter(0.36, 0.16, 0.05, 0.08),
    "felt": Matter(0.48, 0.36, 0.03, 0.00),
    "canopy": Matter(0.70, 0.10, 0.04, 0.10),
    "metal": Matter(0.40, 0.05, 0.00, 0.50),
    "brick": Matter(0.45, 0.12, 0.00, 0.00),
    "leaf": Matter(0.85, 0.14, 0.00, 0.02),
    "wood": Matter(0.55, 0.10, 0.00, 0.02),
    "paint": Matter(0.34, 0.20, 0.00, 0.50),
    "rubber": Matter(0.12, 0.22, 0.00, 0.05),
}

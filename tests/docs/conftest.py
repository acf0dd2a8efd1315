import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
sys.path.insert(0, str(ROOT / "docs"))  # the scripts that make the documentation are no package

PACKAGE = {
    "__init__": '''"""The package."""
from typing import TYPE_CHECKING
if TYPE_CHECKING:
    from glimpse.shapes import Circle
__all__ = ["Circle", "__version__"]
__version__ = "1"
''',
    "shapes/__init__": '''"""Shapes: what is drawn."""
from glimpse.shapes.circle import Circle, area
__all__ = ["Circle", "area"]
''',
    "shapes/base": '''"""`Shape`: what every shape is."""
class Shape:
    """Anything drawn."""
    def grow(self) -> None:
        """Make it larger."""
''',
    "shapes/circle": '''"""`Circle`, and its `area`."""
from glimpse.shapes.base import Shape
PI = 3.14
"""About pi."""
LEFT, RIGHT = 0, 1
class Circle(Shape):
    """A round `Shape`.

    Its radius is positive:
    - never zero.

    >>> Circle(2).radius
    2
    """
    radius: int
    def area(self) -> float:
        """PI r | r."""
    def _hidden(self) -> None:
        """Nobody's."""
def area(circle: Circle) -> float:
    """The same as `Circle.area`."""
''',
    "shapes/area": '"""A module whose name a function takes in its package."""\n',
    "_private": '"""Not shown."""\nclass Secret:\n    """Hidden."""\n',
    "cli/__init__": '"""The commands."""\ndef main() -> None:\n    """Run."""\n',
    "records": '"""A table."""\n',
}


@pytest.fixture
def source(tmp_path):
    """A source folder with a small package."""
    for name, text in PACKAGE.items():
        path = tmp_path / "src" / "glimpse" / f"{name}.py"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    return tmp_path / "src"

"""The API reference follows the source."""

from pathlib import Path

import pytest
from reference import Reference

import glimpse

ROOT = Path(__file__).parents[2]


@pytest.fixture
def reference(source):
    return Reference(source)


@pytest.mark.parametrize(
    ("name", "place"),
    [
        ("glimpse", "glimpse"),
        ("glimpse.shapes.circle", "glimpse.shapes.circle"),
        ("glimpse.Circle", "glimpse.shapes.circle.Circle"),  # imported where types are checked alone
        ("glimpse.shapes.Circle", "glimpse.shapes.circle.Circle"),
        ("glimpse.Circle.area", "glimpse.shapes.circle.Circle.area"),
        ("glimpse.Circle.grow", "glimpse.shapes.base.Shape.grow"),  # inherited
        ("glimpse.Circle.radius", "glimpse.shapes.circle.Circle"),  # has no heading of its own
        ("glimpse.shapes.area", "glimpse.shapes.circle.area"),  # a function before a module of its name
        ("glimpse.shapes.circle.PI", "glimpse.shapes.circle.PI"),
        ("glimpse.shapes.circle.LEFT", "glimpse.shapes.circle.LEFT"),
        ("glimpse.Square", None),
        ("glimpse.Circle.perimeter", None),
        ("glimpse.Circle.area.inside", None),
        ("numpy.ndarray", None),
    ],
)
def test_names_lead_to_where_they_are_defined(reference, name, place):
    assert reference.resolve(name) == place


@pytest.mark.parametrize(
    ("place", "shown"),
    [
        ("glimpse.shapes.circle", True),
        ("glimpse.shapes.circle.PI", True),
        ("glimpse.shapes.circle.LEFT", False),  # a tuple's names have no headings
        ("glimpse.shapes.circle.Circle.area", True),
        ("glimpse.shapes.circle.Circle._hidden", False),
        ("glimpse._private.Secret", False),
        ("glimpse.cli.main", False),
    ],
)
def test_what_has_a_heading(reference, place, shown):
    assert reference.is_shown(place) == shown


@pytest.mark.parametrize(
    ("name", "scopes", "place"),
    [
        ("area", ["glimpse.shapes.circle.Circle"], "glimpse.shapes.circle.Circle.area"),
        ("area", ["glimpse.shapes.circle"], "glimpse.shapes.circle.area"),
        ("area", [], None),  # a word
        ("records", ["glimpse"], None),  # a word as well, though there is such a room
        ("glimpse.records", [], "glimpse.records"),
        ("Shape", [], "glimpse.shapes.base.Shape"),  # the only class of that name
        ("Secret", [], None),
    ],
)
def test_a_name_is_found_from_where_it_is_said(reference, name, scopes, place):
    assert reference.find(name, scopes) == place


def test_a_page_for_each_public_module_and_an_entry_for_each_page(reference):
    pages = reference.pages()
    assert set(pages) == {
        "api/index.md",
        "api/glimpse/index.md",
        "api/glimpse/records.md",
        "api/glimpse/shapes/index.md",
        "api/glimpse/shapes/area.md",
        "api/glimpse/shapes/base.md",
        "api/glimpse/shapes/circle.md",
    }
    assert reference.nav() == [
        {"Overview": "api/index.md"},
        {"glimpse": "api/glimpse/index.md"},
        {"glimpse.records": "api/glimpse/records.md"},  # known rooms come first
        {
            "glimpse.shapes": [
                "api/glimpse/shapes/index.md",
                {"area": "api/glimpse/shapes/area.md"},
                {"base": "api/glimpse/shapes/base.md"},
                {"circle": "api/glimpse/shapes/circle.md"},
            ]
        },
    ]


def test_a_rooms_page_lists_what_it_offers_and_its_modules(reference):
    page = reference.pages()["api/glimpse/shapes/index.md"]
    assert "| [`Circle`][glimpse.shapes.circle.Circle] | A round `Shape`. |" in page
    assert "| [`glimpse.shapes.base`][glimpse.shapes.base] | `Shape`: what every shape is. |" in page
    assert "members: false" in page
    circle = reference.pages()["api/glimpse/shapes/circle.md"]
    assert "members: ['PI', 'Circle', 'area']" in circle


def test_a_stroke_in_a_docstring_ends_no_cell(reference):
    from reference import table

    place = "glimpse.shapes.circle.Circle.area"
    assert table("Names", "name", [("area", reference.summary(place))])[-2] == r"| area | PI r \| r. |"


def test_the_index_module_of_a_room_has_a_page_beside_the_rooms_own(source):
    (source / "glimpse" / "shapes" / "index.py").write_text('"""An index."""\n', encoding="utf-8")
    assert "api/glimpse/shapes/index_.md" in Reference(source).pages()


def test_every_name_of_the_facade_has_a_heading():
    reference = Reference(ROOT / "src")
    for name in glimpse.__all__:
        place = reference.resolve(f"glimpse.{name}")
        assert place, name
        assert name == "__version__" or reference.is_shown(place), name

"""Entry points of other packages."""

from glimpse.plugins import cannot_load, points


def test_entry_points_come_sorted_and_nothing_is_imported(install):
    install("raise ValueError", "glimpse.nothing", "zebra", "another:A", package="another")
    install("raise ValueError", "glimpse.nothing", "ape", "third:A", package="third")
    assert [(point.name, point.value) for point in points("glimpse.nothing")] == [
        ("ape", "third:A"),
        ("zebra", "another:A"),
    ]


def test_a_reason_of_several_lines_becomes_one():
    error = cannot_load("method", "mine", "a:ROW", ImportError("no module\n  named b"))
    assert str(error) == (
        "the method 'mine' of another package cannot be loaded from a:ROW: ImportError: no module named b"
    )

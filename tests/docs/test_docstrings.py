"""Docstrings and pages as the generator gets them."""

from docstrings import with_examples, with_links, with_lists

PLACES = {"Cosine": "glimpse.similarity.Cosine", "glimpse.read": "glimpse.datasets.read"}


def test_each_part_of_an_example_is_code():
    doc = "Add.\n\n>>> 1 + 1\n2\n\n    >>> for i in []:\n    ...     pass\n\nEnd."
    assert with_examples(doc) == (
        "Add.\n\n```pycon\n>>> 1 + 1\n2\n```\n\n"
        "    ```pycon\n    >>> for i in []:\n    ...     pass\n    ```\n\nEnd."
    )


def test_lists_get_the_blank_line_that_they_need():
    assert (
        with_lists("Two:\n- one\n- two `x` of\n  them\n- three")
        == "Two:\n\n- one\n- two `x` of\n  them\n- three"
    )
    assert with_lists("As:\n1. one\n2. two") == "As:\n\n1. one\n2. two"
    code = "```\ntext\n- no list\n```"
    assert with_lists(code) == code


def test_known_names_become_links():
    text = "`Cosine` and `glimpse.read()`, not `Sine`, ``Cosine`` or `a Cosine`."
    assert with_links(text, PLACES.get) == (
        "[`Cosine`][glimpse.similarity.Cosine] and [`glimpse.read()`][glimpse.datasets.read], "
        "not `Sine`, ``Cosine`` or `a Cosine`."
    )


def test_code_headings_and_links_stay():
    for text in ("```\n`Cosine`\n```", "## `Cosine`", "[`Cosine`](cosine.md)", "[of `Cosine` too](x.md)"):
        assert with_links(text, PLACES.get) == text

import glimpse


def test_the_public_names_are_these_and_each_is_there():
    """A name that is dropped or added by accident breaks somebody's code, or promises too much."""
    assert set(glimpse.__all__) == {
        "Dataset",
        "Embeddings",
        "GlimpseError",
        "PixelCache",
        "Protocol",
        "Records",
        "Result",
        "Retriever",
        "World",
        "__version__",
        "evaluate",
        "read",
    }
    assert all(getattr(glimpse, name) is not None for name in glimpse.__all__)
    assert set(glimpse._HOMES) == set(glimpse.__all__) - {"__version__"}


def test_an_unknown_name_is_an_attribute_error():
    assert not hasattr(glimpse, "nothing_of_the_kind")

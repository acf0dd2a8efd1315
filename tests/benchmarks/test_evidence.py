from benchmarks.__main__ import merged, page


def section(text):
    return {"commit": "abc", "hardware": "2 cores", "versions": {"numpy": "2"}, "printed": text}


def test_a_benchmark_that_ran_again_replaces_its_part_and_no_other():
    before = {"sim": section("old"), "set_jaccard": section("kept")}
    record = merged(before, {"sim": section("new"), "embedding": section("first")})
    assert [(name, part["printed"]) for name, part in record.items()] == [
        ("set_jaccard", "kept"),
        ("sim", "new"),
        ("embedding", "first"),
    ]


def test_the_page_says_of_each_part_what_was_measured_where():
    text = page({"sim": section("3 times")})
    assert "## sim\n\nAt commit `abc`, on 2 cores. numpy 2.\n\n```\n3 times\n```" in text


def test_a_benchmark_with_options_has_a_part_of_its_own_after_the_one_without():
    record = merged(
        {"sim": section("plain")}, {"sim --queries 3": section("few"), "set_jaccard": section("")}
    )
    assert list(record) == ["set_jaccard", "sim", "sim --queries 3"]

"""What evidence pages share."""

import json
from xml.etree import ElementTree

import pytest

from benchmarks.evidence import Verdict, interval_figure, keep_page, points, verdict_table
from glimpse.evaluation.intervals import Estimate

UP, DOWN, WIDE = (
    Estimate(0.02, 0.01, 0.03, 5),
    Estimate(-0.02, -0.03, -0.01, 5),
    Estimate(0.01, -0.02, 0.04, 5),
)
ONCE = Estimate(0.02, None, None, 1)


@pytest.mark.parametrize(
    ("value", "gain", "no_loss"),
    [(UP, True, True), (DOWN, False, False), (WIDE, False, True), (ONCE, None, None), (None, None, None)],
)
def test_a_verdict_holds_by_its_whole_interval(value, gain, no_loss):
    assert Verdict("a", value).holds is gain
    assert Verdict("a", value, "no-loss").holds is no_loss


def test_a_table_says_what_does_not_hold():
    table = verdict_table([Verdict("a", UP), Verdict("b", DOWN), Verdict("c", None)])
    assert table.splitlines()[2:] == [
        "| a | +2.0 [+1.0, +3.0] | **holds** |",
        "| b | -2.0 [-3.0, -1.0] | **does not hold** |",
        "| c | - | not known |",
    ]


def test_a_figure_shows_every_difference_inside_itself():
    groups = {"first & last": {"up": UP, "down <b>": DOWN}, "second": {"once": ONCE}}
    root = ElementTree.fromstring(interval_figure("a title", "points", groups))
    space = "{http://www.w3.org/2000/svg}"
    said = [text.text for text in root.iter(f"{space}text")]
    assert {"a title", "points", "first & last", "up", "down <b>", "once", points(UP), points(ONCE)} <= set(
        said
    )
    dots = {dot.get("fill"): float(dot.get("cx")) for dot in root.iter(f"{space}circle")}
    zero = float(next(root.iter(f"{space}line")).get("x1"))
    assert dots["#0072b2"] > zero > dots["#d55e00"]
    width, height = float(root.get("width")), float(root.get("height"))
    for one in (*root.iter(f"{space}circle"), *root.iter(f"{space}text")):
        assert 0 <= float(one.get("cx") or one.get("x")) <= width
        assert 0 <= float(one.get("cy") or one.get("y")) <= height


def test_a_figure_without_differences_is_empty_and_whole():
    ElementTree.fromstring(interval_figure("a title", "points", {"none": {}}))


def test_a_page_is_three_files(tmp_path):
    keep_page(tmp_path / "new", "some", "# page\n", {"verdicts": [Verdict("a", UP).to_json()]}, "<svg/>")
    assert sorted(path.name for path in (tmp_path / "new").iterdir()) == ["some.json", "some.md", "some.svg"]
    kept = json.loads((tmp_path / "new" / "some.json").read_text())
    assert kept["verdicts"] == [{"claim": "a", "value": [0.02, 0.01, 0.03], "wanted": "gain", "holds": True}]

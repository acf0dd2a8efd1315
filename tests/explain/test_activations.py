"""Part proxies and patterns of images, as figures."""

import numpy as np
import pytest
import torch
from hand_made import micro, words

from glimpse.choices import Size
from glimpse.explain import ReportOptions, explain
from glimpse.explain.activations import (
    PATTERNS,
    _place,
    attends_to_parts,
    has_patterns,
    part_figures,
    pattern_figures,
)
from glimpse.models.card import NetworkCard
from glimpse.models.factory import build_network
from glimpse.retriever import NetworkEncoder, Retriever


def mos():
    card = NetworkCard("mos", Size.MICRO, (64, 32), similarity="set-jaccard")
    torch.manual_seed(0)
    return Retriever.of_network(NetworkEncoder(build_network(card), card))


def test_networks_say_whether_they_have_proxies_or_patterns():
    assert attends_to_parts(micro("sap", parts="head,legs", stride=16))
    assert not attends_to_parts(micro("sap", stride=16))
    assert has_patterns(mos())
    assert not has_patterns(micro("transreid"))
    assert not attends_to_parts(micro("transreid"))


def test_each_proxy_has_a_map_with_its_name(people):
    figures = part_figures(micro("sap", parts="head,legs", stride=16), people[:2])
    assert [figure.name for figure in figures] == ["query-1-parts", "query-2-parts"]
    for name in ("background", "head", "legs"):
        assert f"proxy of {name} " in figures[0].caption
    one, two = (micro("sap", parts=",".join("abcde"[:n]), stride=16) for n in (1, 2))
    assert part_figures(two, people[:1])[0].image.width > part_figures(one, people[:1])[0].image.width


def test_patterns_are_those_that_set_an_image_apart(people):
    retriever = mos()
    figures = pattern_figures(retriever, people[:3])
    sets = retriever.embed(people[:3]).vectors
    apart = sets - sets.mean(0)
    for row, figure in enumerate(figures):
        best = np.argsort(-apart[row], kind="stable")[:PATTERNS]
        assert [f"pattern {n} " in figure.caption for n in best] == [True] * PATTERNS
        assert f"query-{row + 1}-patterns" == figure.name


@pytest.mark.parametrize(("rows", "place"), [(0, "at the top"), (4, "in the middle"), (8, "at the bottom")])
def test_places_are_told_by_thirds(rows, place):
    values = np.zeros((9, 2))
    values[rows, 1] = 1
    assert _place(values) == place


def test_a_report_has_them_and_says_how_to_read_them(people):
    options = ReportOptions(queries=2)
    report = explain(mos(), people[:2], options=options)
    names = [figure.name for section in report.sections for figure in section.figures]
    assert names == ["query-1-patterns", "query-2-patterns"]
    assert any("A vector is a set of patterns" in one for one in words(report))
    report = explain(micro("sap", parts="head,legs", stride=16), people[:2], options=options)
    names = {figure.name for section in report.sections for figure in section.figures}
    assert {"query-1-parts", "query-1-support"} <= names
    assert any("Each part has a proxy" in one for one in words(report))

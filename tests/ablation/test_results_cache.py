"""Kept results are believed only for the same weights and rows."""

from dataclasses import replace

import numpy as np
import pytest

from glimpse.ablation import results_cache as kept
from glimpse.ablation.results_cache import measured
from glimpse.evaluation import Result, evaluate_reranked
from glimpse.progress import silent
from glimpse.reranking import KReciprocal
from glimpse.retriever import ColorEncoder, Retriever
from glimpse.similarity import Euclidean


@pytest.fixture
def counted(monkeypatch):
    """How often something was embedded."""
    calls = []
    embed = kept.embed_protocols

    def counting(*arguments, **options):
        calls.append(arguments)
        return embed(*arguments, **options)

    monkeypatch.setattr(kept, "embed_protocols", counting)
    return calls


def ask(retriever, tests, folder):
    return measured(retriever, tests, folder, device="cpu", progress=silent)


def test_the_same_is_read_and_anything_else_measured_anew(market, tmp_path, counted):
    out, mine = tmp_path / "results", tmp_path / "mine"
    Retriever(ColorEncoder()).save(mine)
    first = ask(mine, {"m": market}, out)
    again = ask(mine, {"m": market}, out)
    assert len(counted) == 1
    np.testing.assert_array_equal(again["m"]["test"].average_precision, first["m"]["test"].average_precision)
    Retriever(ColorEncoder(), Euclidean()).save(mine, replace=True)
    ask(mine, {"m": market}, out)
    assert len(counted) == 2
    protocol = market.protocol()
    fewer = replace(market, protocols={"test": replace(protocol, query=protocol.query[:2], trials=())})
    assert ask(mine, {"m": fewer}, out)["m"]["test"].valid.tolist() == [2]
    assert len(counted) == 3
    (out / "m" / "test.json").write_text("{}")
    assert ask(mine, {"m": fewer}, out)["m"]["test"].valid.tolist() == [2]
    assert len(counted) == 4
    assert Result.load(out / "m" / "test.json").valid.tolist() == [2]


def test_the_protocol_that_chooses_models_is_no_test(market, tmp_path):
    protocol = market.protocol()
    both = replace(
        market, protocols={"test": protocol, "val": replace(protocol, name="val")}, selection="val"
    )
    assert list(ask("colors", {"m": both}, tmp_path)["m"]) == ["test"]


def test_a_retriever_is_reranked_as_its_card_says(market, tmp_path):
    own = Retriever(ColorEncoder(), Euclidean(), KReciprocal(k1=3, k2=2))
    own.save(tmp_path / "own")
    result = ask(tmp_path / "own", {"m": market}, tmp_path / "results")["m"]["test"]
    protocol = market.protocol()
    pair = own.embed(protocol.query), own.embed(protocol.gallery)
    expected = evaluate_reranked(pair, protocol, own.reranker, similarity=own.similarity)
    np.testing.assert_array_equal(result.average_precision, expected.average_precision)

import json
import sys

import pytest

from glimpse.cli import main
from glimpse.retriever import Retriever


def test_a_pretrained_network_is_a_retriever_that_says_where_it_is_from(monkeypatch, capsys, tmp_path):
    command = (
        "pretrain clip --people 8 --cameras 2 --takes 1 --set epochs=1 --set batch=8 --set vocabulary=600"
    )
    monkeypatch.setattr(sys, "argv", ["glimpse", *command.split(), "--out", str(tmp_path / "run"), "--json"])
    with pytest.raises(SystemExit) as stop:
        main()
    printed = capsys.readouterr()
    assert not stop.value.code, printed.err
    report = json.loads(printed.out)
    retriever = Retriever.load(report["folder"])
    assert report["measures"].keys() == {"rank1", "map"}
    rank1 = 100 * report["measures"]["rank1"]
    assert retriever.about["scores"].startswith(f"rank1 {rank1:.1f} %, map ")
    assert "8 people" in retriever.about["data"]
    assert retriever.embed_text(["a man in a red coat"]).dim == retriever.encoder.dim

"""A ladder trains what is missing, keeps what is done, and ends alike however often it was killed."""

import json
from dataclasses import replace

import pytest
import torch

from glimpse.ablation import results_cache as kept
from glimpse.ablation import run as climbing
from glimpse.ablation.arms import parse_baseline, parse_rung
from glimpse.ablation.run import Plan, climb
from glimpse.ablation.summary import BEST, FINAL, UNTRAINED
from glimpse.ablation.table import About
from glimpse.choices import Precision
from glimpse.errors import OptionError, StorageError, TrainingError
from glimpse.evaluation import Result
from glimpse.files import locked
from glimpse.records import Records
from glimpse.retriever import Retriever
from glimpse.training import stage_run
from glimpse.training.engine import Engine

SHORT = "weights=none,epochs=2,sampler.persons=4,sampler.images=2,validation.share=0.34"
ABOUT = About("glimpse ladder", None, "tests", (0, 1), "market", {"market": ("market1501", "m")}, {})


@pytest.fixture
def plan(market):
    rungs = [
        parse_rung(f"plain=bot:{SHORT}"),
        parse_rung(f"ibn=bot:{SHORT},ibn=true"),
        parse_baseline("colours"),
    ]
    engine = Engine(device="cpu", checkpoint_steps=1)
    return Plan(rungs=rungs, seeds=(0, 1), train=market, tests={"market": market}, engine=engine)


def small(plan):
    """One rung, one seed."""
    return replace(plan, rungs=plan.rungs[:1], seeds=(0,))


def weights(out, rung="plain", seed=0):
    return (out / "runs" / rung / f"seed-{seed}" / "final" / "network.safetensors").read_bytes()


def test_every_rung_and_seed_is_in_the_table_and_kept(plan, tmp_path):
    rows = climb(plan, tmp_path, ABOUT)
    found = [(row.rung, row.network, row.seeds) for row in rows]
    trained = [(rung, network, (0, 1)) for rung in ("plain", "ibn") for network in (FINAL, BEST)]
    assert found == [*trained, ("colours", UNTRAINED, ())]
    assert rows[2].gains["map"].runs == 2
    held = json.loads((tmp_path / "ladder.json").read_text())
    assert [row["name"] for row in held["rungs"]] == ["plain", "plain", "ibn", "ibn", "colours"]
    assert set(held["runs"]) == {"plain/seed-0", "plain/seed-1", "ibn/seed-0", "ibn/seed-1"}
    assert "| ibn | best | 2 |" in (tmp_path / "ladder.md").read_text()
    assert weights(tmp_path) != weights(tmp_path, seed=1) != weights(tmp_path, "ibn", 1)
    # the table says what the networks on disk do
    for seed in (0, 1):
        run = tmp_path / "runs" / "ibn" / f"seed-{seed}"
        Retriever.load(run / "best")
        assert Result.load(run / "results" / "final" / "market" / "test.json").valid.tolist() == [3]
        assert json.loads((run / "recipe.json").read_text())["seed"] == seed


def test_the_same_command_does_nothing_twice(plan, tmp_path, monkeypatch):
    plan = small(plan)
    first = climb(plan, tmp_path, ABOUT)

    def never(*arguments, **options):
        raise AssertionError("done before")

    monkeypatch.setattr(climbing, "fit", never)
    monkeypatch.setattr(kept, "embed_sides", never)
    lines = []
    assert climb(plan, tmp_path, ABOUT, say=lines.append) == first
    assert "plain, seed-0: trained before" in lines


def test_measuring_leaves_torch_its_threads(plan, tmp_path):
    # or the second run would be trained on other numbers of threads than when it is resumed
    for threads in (1, 2, 3):
        torch.set_num_threads(threads)
        climb(replace(plan, rungs=plan.rungs[2:], train=None), tmp_path / str(threads), ABOUT)
        assert torch.get_num_threads() == threads


def test_a_ladder_killed_within_a_run_ends_in_the_same_bytes(plan, tmp_path, monkeypatch):
    plan = small(plan)
    undisturbed = climb(plan, tmp_path / "whole", ABOUT)
    save, saved = stage_run.save_snapshot, []

    def killed(*arguments, **options):
        saved.append(save(*arguments, **options))
        if len(saved) == 2:
            raise KeyboardInterrupt
        return saved[-1]

    monkeypatch.setattr(stage_run, "save_snapshot", killed)
    with pytest.raises(KeyboardInterrupt):
        climb(plan, tmp_path / "killed", ABOUT)
    assert not (tmp_path / "killed" / "ladder.md").exists()
    rows = climb(plan, tmp_path / "killed", ABOUT)
    assert weights(tmp_path / "killed") == weights(tmp_path / "whole")
    assert rows == undisturbed
    record = json.loads((tmp_path / "killed" / "runs" / "plain" / "seed-0" / "run.json").read_text())
    assert len(record["resumed"]) == 1


def test_a_ladder_killed_between_runs_goes_on_with_the_next(plan, tmp_path, monkeypatch):
    plan = replace(small(plan), seeds=(0, 1))
    fit, fitted = climbing.fit, []

    def killed(method, recipe, *arguments, **options):
        fitted.append(recipe.seed)
        if len(fitted) == 2:
            raise KeyboardInterrupt
        return fit(method, recipe, *arguments, **options)

    monkeypatch.setattr(climbing, "fit", killed)
    with pytest.raises(KeyboardInterrupt):
        climb(plan, tmp_path, ABOUT)
    assert [row["seeds"] for row in json.loads((tmp_path / "ladder.json").read_text())["rungs"]] == [[0], [0]]
    assert [row.seeds for row in climb(plan, tmp_path, ABOUT)] == [(0, 1), (0, 1)]
    assert fitted == [0, 1, 1]


def test_a_run_killed_before_its_best_network_was_written_gets_it(plan, tmp_path):
    plan = small(plan)
    rows = climb(plan, tmp_path, ABOUT)
    best = tmp_path / "runs" / "plain" / "seed-0" / "best"
    for path in best.iterdir():
        path.unlink()
    best.rmdir()
    assert climb(plan, tmp_path, ABOUT) == rows
    assert (best / "network.json").is_file()


def test_a_run_of_another_recipe_is_refused(plan, tmp_path):
    climb(small(plan), tmp_path, ABOUT)
    other = replace(small(plan), rungs=[parse_rung(f"plain=bot:{SHORT},margin=0.5")])
    with pytest.raises(TrainingError, match=r"rung plain in .*recipe\.margin 0\.3, now it is 0\.5"):
        climb(other, tmp_path, ABOUT)


def test_a_run_of_another_precision_is_refused(plan, tmp_path):
    climb(small(plan), tmp_path, ABOUT)
    other = replace(small(plan), engine=replace(plan.engine, precision=Precision.BFLOAT16))
    with pytest.raises(TrainingError, match=r"engine\.precision float32, now it is bfloat16"):
        climb(other, tmp_path, ABOUT)


def test_mistakes_are_found_before_anything_is_trained(plan, tmp_path, market):
    good = plan.rungs[0]
    for rung, sentence in [
        (parse_rung("b=bot:epoch=3"), "did you mean epochs"),
        (parse_rung("b=bott"), r"the rung b is neither a method \(bot, .* nor a retriever: there is no"),
    ]:
        with pytest.raises(OptionError, match=sentence):
            climb(replace(plan, rungs=[good, rung]), tmp_path / "out", ABOUT)
    with pytest.raises(OptionError, match="no training rows: name another one with --train"):
        climb(replace(plan, train=replace(market, train=Records.empty())), tmp_path / "out", ABOUT)
    assert not (tmp_path / "out").exists()


def test_two_ladders_do_not_share_a_folder(plan, tmp_path):
    with locked(tmp_path / ".lock"), pytest.raises(StorageError, match="another process is using it"):
        climb(small(plan), tmp_path, ABOUT)

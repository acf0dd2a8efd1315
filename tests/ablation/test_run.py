"""An ablation trains what is missing, keeps what is done, and ends alike however often it was killed."""

import json
from dataclasses import replace

import pytest
import torch

from glimpse.ablation import results_cache as kept
from glimpse.ablation import run as running
from glimpse.ablation.arms import parse_arm, parse_baseline
from glimpse.ablation.run import Plan, run_ablation
from glimpse.ablation.summary import BEST, FINAL, UNTRAINED
from glimpse.ablation.table import About
from glimpse.choices import Dtype
from glimpse.errors import OptionError, StorageError, TrainingError
from glimpse.evaluation import Result
from glimpse.files import locked
from glimpse.protocols import text_to_image
from glimpse.recipes.presets import Preset
from glimpse.records import Records
from glimpse.retriever import Retriever
from glimpse.training import stage_run
from glimpse.training.engine import Engine

SHORT = "weights=none,epochs=2,sampler.persons=4,sampler.images=2,validation.share=0.34"
ABOUT = About("glimpse ablation", None, "tests", (0, 1), "market", {"market": ("market1501", "m")}, {})


@pytest.fixture
def plan(market):
    arms = [
        parse_arm(f"plain=bot:{SHORT}"),
        parse_arm(f"ibn=bot:{SHORT},ibn=true"),
        parse_baseline("colors"),
    ]
    engine = Engine(device="cpu", checkpoint_steps=1)
    return Plan(arms=arms, seeds=(0, 1), train=market, tests={"market": market}, engine=engine)


def small(plan):
    """One arm, one seed."""
    return replace(plan, arms=plan.arms[:1], seeds=(0,))


def weights(out, arm="plain", seed=0):
    return (out / "runs" / arm / f"seed-{seed}" / "final" / "network.safetensors").read_bytes()


def test_every_arm_and_seed_is_in_the_table_and_kept(plan, tmp_path):
    rows = run_ablation(plan, tmp_path, ABOUT)
    found = [(row.arm, row.network, row.seeds) for row in rows]
    trained = [(arm, network, (0, 1)) for arm in ("plain", "ibn") for network in (FINAL, BEST)]
    assert found == [*trained, ("colors", UNTRAINED, ())]
    assert rows[2].gains["map"].runs == 2
    held = json.loads((tmp_path / "ablation.json").read_text())
    assert [row["name"] for row in held["arms"]] == ["plain", "plain", "ibn", "ibn", "colors"]
    assert set(held["runs"]) == {"plain/seed-0", "plain/seed-1", "ibn/seed-0", "ibn/seed-1"}
    assert "| ibn | best | 2 |" in (tmp_path / "ablation.md").read_text()
    assert weights(tmp_path) != weights(tmp_path, seed=1) != weights(tmp_path, "ibn", 1)
    # the table says what the networks on disk do
    for seed in (0, 1):
        run = tmp_path / "runs" / "ibn" / f"seed-{seed}"
        Retriever.load(run / "best")
        assert Result.load(run / "results" / "final" / "market" / "test.json").valid.tolist() == [3]
        assert json.loads((run / "recipe.json").read_text())["seed"] == seed


def test_an_ablation_that_would_test_on_what_it_trains_on_is_refused(plan, market, tmp_path):
    everybody = replace(market, train=Records.concat([market.train, market.protocol().gallery]))
    with pytest.raises(OptionError, match="12 images of query and gallery of market are trained on"):
        run_ablation(replace(small(plan), train=everybody), tmp_path, ABOUT)
    # a retriever that is not trained may be measured on any rows
    run_ablation(replace(plan, arms=plan.arms[2:], train=everybody), tmp_path, ABOUT)


def test_a_test_that_nobody_can_pass_is_refused_before_anything_is_trained(plan, market, tmp_path):
    test = market.protocol()
    alone = replace(test, gallery=test.gallery.filter(camera=1), trials=())
    dataset = replace(market, protocols={"test": alone})
    with pytest.raises(
        OptionError, match=r"of the protocol test has a right answer .* market cannot be meas"
    ):
        run_ablation(replace(small(plan), tests={"market": dataset}), tmp_path, ABOUT)
    assert not any(tmp_path.iterdir())


def test_an_ablation_fills_a_new_folder_or_its_own(plan, tmp_path):
    (tmp_path / "notes").write_text("mine")
    with pytest.raises(OptionError, match="is not empty: choose a new or an empty folder for an ablation"):
        run_ablation(small(plan), tmp_path, ABOUT)
    assert [path.name for path in tmp_path.iterdir()] == ["notes"]


def test_an_arm_without_weights_is_refused_before_anything_is_trained(plan, tmp_path):
    plan = replace(plan, arms=[*plan.arms[:1], parse_arm("published=bot")], preset=Preset.PUBLISHED)
    with pytest.raises(OptionError, match="no weights for a resnet backbone of size base"):
        run_ablation(plan, tmp_path, ABOUT)
    assert not (tmp_path / "runs").exists()
    # a run that is done needs no weights again
    (tmp_path / "runs" / "published" / "seed-0" / FINAL).mkdir(parents=True)
    with pytest.raises(OptionError, match="no weights"):
        running._recipes(plan, tmp_path)
    (tmp_path / "runs" / "published" / "seed-1" / FINAL).mkdir(parents=True)
    assert set(running._recipes(plan, tmp_path)) == {(a, s) for a in ("plain", "published") for s in (0, 1)}


def test_the_same_command_does_nothing_twice(plan, tmp_path, monkeypatch):
    plan = small(plan)
    first = run_ablation(plan, tmp_path, ABOUT)

    def never(*arguments, **options):
        raise AssertionError("done before")

    monkeypatch.setattr(running, "fit", never)
    monkeypatch.setattr(kept, "embed_protocols", never)
    lines = []
    assert run_ablation(plan, tmp_path, ABOUT, say=lines.append) == first
    assert "plain, seed-0: trained before" in lines


def test_measuring_leaves_torch_its_threads(plan, tmp_path):
    # or the second run would be trained on other numbers of threads than when it is resumed
    for threads in (1, 2, 3):
        torch.set_num_threads(threads)
        run_ablation(replace(plan, arms=plan.arms[2:], train=None), tmp_path / str(threads), ABOUT)
        assert torch.get_num_threads() == threads


def test_a_ablation_killed_within_a_run_ends_in_the_same_bytes(plan, tmp_path, monkeypatch):
    plan = small(plan)
    undisturbed = run_ablation(plan, tmp_path / "whole", ABOUT)
    save, saved = stage_run.save_snapshot, []

    def killed(*arguments, **options):
        saved.append(save(*arguments, **options))
        if len(saved) == 2:
            raise KeyboardInterrupt
        return saved[-1]

    monkeypatch.setattr(stage_run, "save_snapshot", killed)
    with pytest.raises(KeyboardInterrupt):
        run_ablation(plan, tmp_path / "killed", ABOUT)
    assert not (tmp_path / "killed" / "ablation.md").exists()
    rows = run_ablation(plan, tmp_path / "killed", ABOUT)
    assert weights(tmp_path / "killed") == weights(tmp_path / "whole")
    assert rows == undisturbed
    record = json.loads((tmp_path / "killed" / "runs" / "plain" / "seed-0" / "run.json").read_text())
    assert len(record["resumed"]) == 1


def test_a_ablation_killed_between_runs_goes_on_with_the_next(plan, tmp_path, monkeypatch):
    plan = replace(small(plan), seeds=(0, 1))
    fit, fitted = running.fit, []

    def killed(method, recipe, *arguments, **options):
        fitted.append(recipe.seed)
        if len(fitted) == 2:
            raise KeyboardInterrupt
        return fit(method, recipe, *arguments, **options)

    monkeypatch.setattr(running, "fit", killed)
    with pytest.raises(KeyboardInterrupt):
        run_ablation(plan, tmp_path, ABOUT)
    assert [row["seeds"] for row in json.loads((tmp_path / "ablation.json").read_text())["arms"]] == [
        [0],
        [0],
    ]
    assert [row.seeds for row in run_ablation(plan, tmp_path, ABOUT)] == [(0, 1), (0, 1)]
    assert fitted == [0, 1, 1]


def test_a_run_killed_before_its_best_network_was_written_gets_it(plan, tmp_path):
    plan = small(plan)
    rows = run_ablation(plan, tmp_path, ABOUT)
    best = tmp_path / "runs" / "plain" / "seed-0" / "best"
    for path in best.iterdir():
        path.unlink()
    best.rmdir()
    assert run_ablation(plan, tmp_path, ABOUT) == rows
    assert (best / "network.json").is_file()


def test_a_run_of_another_recipe_is_refused(plan, tmp_path):
    run_ablation(small(plan), tmp_path, ABOUT)
    other = replace(small(plan), arms=[parse_arm(f"plain=bot:{SHORT},margin=0.5")])
    with pytest.raises(TrainingError, match=r"arm plain in .*recipe\.margin 0\.3, now it is 0\.5"):
        run_ablation(other, tmp_path, ABOUT)


def test_a_run_of_another_dtype_is_refused(plan, tmp_path):
    run_ablation(small(plan), tmp_path, ABOUT)
    other = replace(small(plan), engine=replace(plan.engine, dtype=Dtype.BFLOAT16))
    with pytest.raises(TrainingError, match=r"engine\.dtype float32, now it is bfloat16"):
        run_ablation(other, tmp_path, ABOUT)


def test_mistakes_are_found_before_anything_is_trained(plan, tmp_path, market):
    good = plan.arms[0]
    for arm, sentence in [
        (parse_arm("b=bot:epoch=3"), "did you mean epochs"),
        (parse_arm("b=bott"), r"the arm b is neither a method \(bot, .* nor a retriever: there is no"),
    ]:
        with pytest.raises(OptionError, match=sentence):
            run_ablation(replace(plan, arms=[good, arm]), tmp_path / "out", ABOUT)
    with pytest.raises(OptionError, match="no training rows: name another one with --train"):
        run_ablation(replace(plan, train=replace(market, train=Records.empty())), tmp_path / "out", ABOUT)
    assert not (tmp_path / "out").exists()


def test_two_ablations_do_not_share_a_folder(plan, tmp_path):
    with locked(tmp_path / ".lock"), pytest.raises(StorageError, match="another process is using it"):
        run_ablation(small(plan), tmp_path, ABOUT)


def test_rows_that_an_arm_cannot_learn_from_are_refused_before_anything_is_trained(plan, tmp_path):
    plan = replace(plan, arms=[plan.arms[0], parse_arm(f"balanced=bot:{SHORT},sampler.balanced=true")])
    with pytest.raises(OptionError, match="a balanced sampler needs two modalities, got only rgb"):
        run_ablation(plan, tmp_path / "out", ABOUT)
    assert not (tmp_path / "out").exists()


def test_arms_that_cannot_answer_a_test_are_refused_before_anything_is_trained(plan, tmp_path):
    images = plan.train.protocol().gallery
    words = Records.from_columns(images.path, images.person, modality="text", caption="somebody")
    protocol = text_to_image(words, images, name="test", trained_on="")
    texts = replace(plan.train, protocols={"test": protocol})
    with pytest.raises(OptionError, match="the arm plain cannot be measured on words: its queries are capt"):
        run_ablation(replace(plan, tests={**plan.tests, "words": texts}), tmp_path / "out", ABOUT)
    assert not (tmp_path / "out").exists()

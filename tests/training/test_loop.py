import json

import pytest
import torch
from toy_method import Toy, drawn, log, toy, toy_data, toy_stages, train_toy, weights

from glimpse.choices import Dtype, OptimizerKind
from glimpse.errors import OptionError, StorageError, TrainingError
from glimpse.files import locked
from glimpse.training import loop, stage_run
from glimpse.training.checkpoint import CheckpointWarning
from glimpse.training.engine import Engine
from glimpse.training.optimizers import Optimizer
from glimpse.training.seeding import seed_global_generators
from glimpse.training.stages import Stage, one_update


class Interrupted(Exception):
    pass


class Fragile(Toy):
    """Breaks off in the middle of a step, after some updates have changed the weights."""

    def __init__(self, calls):
        torch.manual_seed(7)
        super().__init__()
        self.calls = calls

    def losses(self, batch, step):
        self.calls -= 1
        if self.calls < 0:
            raise Interrupted
        return super().losses(batch, step)


def test_training_learns_to_tell_the_persons_apart(tmp_path):
    plain = Stage("plain", 8, one_update(Optimizer(OptimizerKind.ADAM, 0.05)), toy_stages()[0].sampler)
    method = train_toy(tmp_path, method=toy(dropout=0, noise=0), stages=[plain], engine=Engine(device="cpu"))
    first, last = (log(tmp_path)[place]["losses"]["all/id"] for place in (0, -1))
    assert last < 0.7 * first
    assert not method.training


def test_the_same_arguments_give_the_same_bytes_and_another_seed_others(tmp_path, reference):
    train_toy(tmp_path / "again")
    train_toy(tmp_path / "other", seed=2)
    assert weights(tmp_path / "again") == weights(reference)
    assert weights(tmp_path / "other") != weights(reference)


# a step of the first stage calls the losses once, one of the second twice
@pytest.mark.parametrize("calls", [0, 1, 2, 3, 4, 7, 9, 12])
@pytest.mark.parametrize("every", [1, 2, None])
def test_a_run_cut_off_anywhere_resumes_to_the_same_bytes_and_log(tmp_path, reference, calls, every):
    engine = Engine(device="cpu", checkpoint_steps=every)
    with pytest.raises(Interrupted):
        train_toy(tmp_path, method=Fragile(calls), engine=engine)
    train_toy(tmp_path, engine=engine, resume=True)
    assert weights(tmp_path) == weights(reference)
    assert [line["losses"].keys() for line in log(tmp_path)] == [x["losses"].keys() for x in log(reference)]
    for ours, theirs in zip(log(tmp_path), log(reference), strict=True):
        assert ours["losses"] == pytest.approx(theirs["losses"], rel=1e-12)
        assert {**ours, "losses": 0} == {**theirs, "losses": 0}


def test_an_epoch_that_was_told_and_not_kept_is_not_told_twice(tmp_path, reference, monkeypatch):
    """The disk is full for the checkpoint at the end of an epoch, and was not for that of its last step."""
    engine, save = Engine(device="cpu", checkpoint_steps=1), stage_run.save_snapshot

    def fails(folder, snapshot, *, keep):
        if snapshot.position.epoch == 2 and snapshot.position.step == 0:
            raise StorageError("the disk is full")
        save(folder, snapshot, keep=keep)

    with monkeypatch.context() as patch:
        patch.setattr(stage_run, "save_snapshot", fails)
        with pytest.raises(StorageError, match="disk is full"):
            train_toy(tmp_path, engine=engine)
    assert len(log(tmp_path)) == 1
    train_toy(tmp_path, engine=engine, resume=True)
    assert [line["done"] for line in log(tmp_path)] == [line["done"] for line in log(reference)]
    assert weights(tmp_path) == weights(reference)


class Watched(Fragile):
    """Tells which rows it saw."""

    def losses(self, batch, step):
        self.seen = {"rows": batch.rows.double().mean()}
        return super().losses(batch, step)

    def observed(self):
        return self.seen


def test_what_a_method_observes_is_logged_and_survives_a_cut(tmp_path, reference):
    engine = Engine(device="cpu", checkpoint_steps=1)
    train_toy(tmp_path / "whole", method=Watched(1000), engine=engine)
    with pytest.raises(Interrupted):
        train_toy(tmp_path / "cut", method=Watched(7), engine=engine)
    train_toy(tmp_path / "cut", method=Watched(1000), engine=engine, resume=True)
    assert weights(tmp_path / "cut") == weights(tmp_path / "whole") == weights(reference)
    whole, cut = ([line["observed"]["rows"] for line in log(tmp_path / n)] for n in ("whole", "cut"))
    assert cut == pytest.approx(whole, rel=1e-12)
    assert all(line["observed"] == {} for line in log(reference))
    assert min(whole) > 0


def test_adam_and_a_moving_average_resume_exactly_too(tmp_path):
    engine = Engine(device="cpu", checkpoint_steps=1, average=0.9)
    stages = toy_stages(kind=OptimizerKind.ADAMW)
    train_toy(tmp_path / "whole", engine=engine, stages=stages)
    with pytest.raises(Interrupted):
        train_toy(tmp_path / "cut", engine=engine, stages=stages, method=Fragile(27))
    method = train_toy(tmp_path / "cut", engine=engine, stages=stages, resume=True)
    assert weights(tmp_path / "cut") == weights(tmp_path / "whole")
    train_toy(tmp_path / "plain", stages=stages)
    assert weights(tmp_path / "plain") != weights(tmp_path / "whole")
    assert not method.training


def test_a_finished_run_resumes_to_itself(tmp_path, reference):
    train_toy(tmp_path)
    (tmp_path / "final.safetensors").unlink()
    train_toy(tmp_path, resume=True)
    assert weights(tmp_path) == weights(reference)
    assert log(tmp_path) == log(reference)


@pytest.mark.parametrize("name", ["weights.safetensors", "optimizers.pt", "state.json"])
def test_a_damaged_checkpoint_is_passed_over_for_an_older_one(tmp_path, reference, name):
    with pytest.raises(Interrupted):
        train_toy(tmp_path, method=Fragile(20))
    last = sorted((tmp_path / "checkpoints").glob("[0-9]*"))[-1] / name
    data = bytearray(last.read_bytes())
    data[len(data) // 2] ^= 255
    last.write_bytes(data)
    with pytest.warns(CheckpointWarning, match=f"{last.parent.name} is damaged"):
        train_toy(tmp_path, resume=True)
    assert weights(tmp_path) == weights(reference)


def test_half_written_checkpoints_are_swept_and_only_the_last_few_stay(tmp_path):
    leftover = tmp_path / "checkpoints" / ".tmp-1234"
    leftover.mkdir(parents=True)
    train_toy(tmp_path, engine=Engine(device="cpu", checkpoint_steps=1, keep=2))
    found = sorted(path.name for path in (tmp_path / "checkpoints").iterdir())
    assert len(found) == 2
    assert all(name.isdigit() for name in found)


def test_global_generators_and_settings_are_left_alone(tmp_path):
    seed_global_generators(5)
    expected = drawn()
    seed_global_generators(5)
    train_toy(tmp_path, method=toy_without_seeding())
    assert drawn() == expected
    assert not torch.are_deterministic_algorithms_enabled()


def toy_without_seeding():
    with torch.random.fork_rng():
        return toy()


def test_a_second_run_in_the_same_folder_is_refused(tmp_path, reference):
    with pytest.raises(OptionError, match="holds a run already: resume it"):
        train_toy(reference)
    with locked(tmp_path / ".lock"), pytest.raises(StorageError, match="another process is using it"):
        train_toy(tmp_path)


@pytest.mark.parametrize(
    ("changed", "sentence"),
    [
        (
            {"recipe": {"optimizer": {"rate": 0.2}}},
            r"recipe.optimizer \{'rate': 0.1\}, now it is \{'rate': 0.2",
        ),
        ({"seed": 2}, "made with seed 1, now it is 2"),
        ({"data": toy_data(prefix="other")}, None),
        ({"stages": toy_stages(epochs=5)}, "made with stages.main 2, now it is 5"),
        ({"engine": Engine(device="cpu", average=0.9)}, "made with engine.average None, now it is 0.9"),
        (
            {"engine": Engine(device="cpu", dtype=Dtype.BFLOAT16)},
            "made with engine.dtype float32, now it is bfloat16",
        ),
    ],
)
def test_only_the_same_run_can_be_resumed(tmp_path, changed, sentence):
    base = {"recipe": {"optimizer": {"rate": 0.1}, "size": (2, 3)}}
    train_toy(tmp_path, **base)
    train_toy(tmp_path, **base, resume=True)
    if sentence is None:  # the same images in another folder are the same data
        train_toy(tmp_path, **{**base, **changed}, resume=True)
        return
    with pytest.raises(TrainingError, match=sentence):
        train_toy(tmp_path, **{**base, **changed}, resume=True)


def test_a_run_whose_record_says_nothing_of_the_engine_can_be_resumed(tmp_path):
    train_toy(tmp_path)
    record = json.loads((tmp_path / "run.json").read_text())
    del record["engine"]
    (tmp_path / "run.json").write_text(json.dumps(record))
    before = weights(tmp_path)
    train_toy(tmp_path, resume=True)
    assert weights(tmp_path) == before
    assert len(json.loads((tmp_path / "run.json").read_text())["resumed"]) == 1


def test_tensorboard_gets_what_the_log_gets_and_forgets_what_is_done_again(tmp_path, monkeypatch):
    told = []

    def listener(folder, done):
        told.append((folder, done))
        return lambda report: told.append((report.stage, report.epoch))

    monkeypatch.setattr(loop, "tensorboard", listener)
    engine = Engine(device="cpu", tensorboard=True)
    train_toy(tmp_path, engine=engine)
    epochs = [(line["stage"], line["epoch"]) for line in log(tmp_path)]
    assert told == [(tmp_path / "tensorboard", 0), *epochs]
    train_toy(tmp_path, engine=engine, resume=True)
    assert told[-1] == (tmp_path / "tensorboard", log(tmp_path)[-1]["done"])


def test_the_record_says_what_was_run(tmp_path):
    train_toy(tmp_path, recipe={"name": "toy"}, seed=4)
    record = json.loads((tmp_path / "run.json").read_text())
    assert (record["recipe"], record["seed"]) == ({"name": "toy"}, 4)
    assert record["data"]["rows"] == 24
    assert record["versions"]["torch"] == torch.__version__
    assert record["seconds"].keys() == {"warm", "main"}
    assert record["finished"] >= record["started"]


def test_bfloat16_trains_float32_weights(tmp_path):
    seen = []

    class Watching(Toy):
        def losses(self, batch, step):
            seen.append(self.backbone(batch.images).dtype)
            return super().losses(batch, step)

    torch.manual_seed(7)
    engine = Engine(device="cpu", dtype=Dtype.BFLOAT16)
    method = train_toy(tmp_path, method=Watching(), engine=engine)
    assert set(seen) == {torch.bfloat16}
    assert {p.dtype for p in method.parameters()} == {torch.float32}


def test_compiled_modules_train_and_keep_the_names_of_their_weights(tmp_path, reference):
    calls = []

    def backend(graph, inputs):
        calls.append(graph)
        return graph.forward

    train_toy(tmp_path, engine=Engine(device="cpu", compile_backend=backend))
    assert calls
    assert len(weights(tmp_path)) == len(weights(reference))

"""Threads that train a share of every batch each."""

import dataclasses
import json
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file
from torch import nn
from toy_method import Toy, toy, toy_stages, train_toy

from glimpse.errors import OptionError, TrainingError
from glimpse.training.distributed import Processes, _Normalize, as_member, gathered
from glimpse.training.engine import Engine, device_of
from glimpse.training.replicas import _LeftAlone, _Meeting
from glimpse.training.sampler import ShuffledSampler

TWO = Engine(device="cpu", checkpoint_steps=1, workers=2)


def weights(folder):
    return (Path(folder) / "final.safetensors").read_bytes()


def log(folder):
    return [json.loads(line) for line in (Path(folder) / "metrics.jsonl").read_text().splitlines()]


def side_by_side(function, workers=2):
    """The results of `function(rank)` by threads that stand for processes."""
    meeting = _Meeting(workers)

    def work(rank):
        with as_member(Processes(rank, workers, partial(meeting.exchange, rank))):
            return function(rank)

    with ThreadPoolExecutor(workers) as threads:
        return list(threads.map(work, range(workers)))


@pytest.fixture(scope="module")
def reference(tmp_path_factory):
    folder = tmp_path_factory.mktemp("reference")
    train_toy(folder, engine=TWO)
    return folder


def test_two_workers_give_the_same_bytes_again_and_other_numbers_of_workers_others(tmp_path, reference):
    train_toy(tmp_path / "again", engine=TWO)
    train_toy(tmp_path / "one")
    train_toy(tmp_path / "four", engine=dataclasses.replace(TWO, workers=4))
    assert weights(tmp_path / "again") == weights(reference)
    assert len({weights(folder) for folder in (reference, tmp_path / "one", tmp_path / "four")}) == 3


@pytest.mark.parametrize("workers", [2, 4])
def test_without_draws_the_weights_are_those_of_one_worker(tmp_path, workers):
    initial = toy(dropout=0.0, noise=0.0).state_dict()
    for name, number in (("one", 1), ("more", workers)):
        engine = Engine(device="cpu", workers=number)
        train_toy(tmp_path / name, method=toy(dropout=0.0, noise=0.0), stages=toy_stages(6), engine=engine)
    one, more = (load_file(tmp_path / name / "final.safetensors") for name in ("one", "more"))
    for name, value in one.items():
        # batch norms too: with their running statistics
        torch.testing.assert_close(more[name], value, rtol=1e-3, atol=1e-4)
    assert (one["backbone.0.weight"] - initial["backbone.0.weight"]).abs().max() > 0.01
    for ours, theirs in zip(log(tmp_path / "more"), log(tmp_path / "one"), strict=True):
        assert ours["losses"] == pytest.approx(theirs["losses"], rel=1e-3)


class Interrupted(Exception):
    pass


class Fragile(Toy):
    """Breaks off in the middle of a step, in one of the workers."""

    def __init__(self, calls):
        torch.manual_seed(7)
        super().__init__()
        self.calls = calls

    def losses(self, batch, step):
        self.calls -= 1
        if self.calls < 0 and 0 in batch.labels:
            raise Interrupted
        return super().losses(batch, step)


@pytest.mark.parametrize("calls", [0, 2, 3, 7])
@pytest.mark.parametrize("every", [1, None])
def test_a_run_cut_off_anywhere_resumes_to_the_same_bytes(tmp_path, reference, calls, every):
    engine = dataclasses.replace(TWO, checkpoint_steps=every)
    with pytest.raises(Interrupted):
        train_toy(tmp_path, method=Fragile(calls), engine=engine)
    train_toy(tmp_path, engine=engine, resume=True)
    assert weights(tmp_path) == weights(reference)


def test_a_run_goes_on_with_as_many_workers_only(tmp_path):
    train_toy(tmp_path, engine=TWO)
    with pytest.raises(TrainingError, match=r"engine\.workers 2, now it is 1"):
        train_toy(tmp_path, resume=True)
    record = json.loads((tmp_path / "run.json").read_text())
    assert record["engine"].pop("workers") == 2
    # as versions without workers wrote it
    (tmp_path / "run.json").write_text(json.dumps(record))
    with pytest.raises(TrainingError, match=r"engine\.workers 1, now it is 2"):
        train_toy(tmp_path, engine=TWO, resume=True)
    train_toy(tmp_path, resume=True)


class Lonely(Toy):
    """Only the worker with the first person looks at the others."""

    def losses(self, batch, step):
        features = self.backbone(batch.images) if 0 in batch.labels else batch.images.flatten(1)[:, :8]
        if 0 in batch.labels:
            features = gathered(features)[: len(features)]
        return {"id": self.head(features).square().mean()}


def test_shares_that_need_different_exchanges_end_the_run_instead_of_waiting(tmp_path):
    with pytest.raises(TrainingError, match="different ways through the losses: train with one worker"):
        train_toy(tmp_path, method=Lonely(), engine=TWO)


class Drawing(Toy):
    def losses(self, batch, step):
        torch.rand(1)
        return super().losses(batch, step)


def test_draws_that_workers_would_take_from_each_other_are_refused(tmp_path):
    train_toy(tmp_path / "one", method=Drawing())
    with pytest.raises(TrainingError, match="draws from torch's global generator, which workers share"):
        train_toy(tmp_path / "two", method=Drawing(), engine=TWO)


class Counting(Toy):
    """Puts another buffer in the place of its own, and tells what it counts."""

    def __init__(self):
        torch.manual_seed(7)
        super().__init__()
        self.register_buffer("seen", torch.zeros(()))

    def losses(self, batch, step):
        self.seen = self.seen + 1
        self.first = batch.labels.float().mean()
        return super().losses(batch, step)

    def observed(self):
        return {"person": self.first}


def test_buffers_and_what_is_observed_reach_the_method(tmp_path):
    methods = [Counting(), Counting()]
    for name, method, engine in zip(("one", "two"), methods, (Engine(device="cpu"), TWO), strict=True):
        train_toy(tmp_path / name, method=method, engine=engine)
    assert methods[0].seen == methods[1].seen > 0
    one, two = (
        [
            json.loads(line)["observed"]
            for line in (tmp_path / name / "metrics.jsonl").read_text().splitlines()
        ]
        for name in ("one", "two")
    )
    assert one == [pytest.approx(values) for values in two]
    assert all(values for values in one)


def test_batches_that_cannot_be_shared_are_refused_before_the_first_step(tmp_path):
    with pytest.raises(OptionError, match="a batch of 4 rows cannot be shared evenly by 3"):
        train_toy(tmp_path / "three", engine=dataclasses.replace(TWO, workers=3))
    # the last batch alone is smaller
    stage = dataclasses.replace(toy_stages()[0], sampler=ShuffledSampler(rows=21, batch=4))
    with pytest.raises(OptionError, match="a batch of 1 rows cannot be shared evenly by 2"):
        train_toy(tmp_path / "rest", stages=[stage], engine=TWO)
    assert not list((tmp_path / "rest" / "checkpoints").glob("*"))


def test_workers_share_one_process_on_a_cpu(monkeypatch):
    with pytest.raises(OptionError, match="workers must be at least 1, got 0"):
        Engine(workers=0)
    with pytest.raises(OptionError, match="cannot be compiled"):
        Engine(workers=2, compile_backend="inductor")
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    with pytest.raises(OptionError, match="the device is cuda:0: choose the device cpu or 1 worker"):
        device_of(Engine(workers=2))
    monkeypatch.setenv("WORLD_SIZE", "2")
    with pytest.raises(OptionError, match="processes of torchrun share each batch already"):
        device_of(Engine(device="cpu", workers=2))
    assert device_of(Engine(device="cpu")) == torch.device("cpu")


def test_torch_has_its_threads_and_its_generator_back(tmp_path):
    threads, state = torch.get_num_threads(), torch.random.get_rng_state()
    train_toy(tmp_path, engine=TWO)
    assert torch.get_num_threads() == threads
    assert torch.equal(torch.random.get_rng_state(), state)


@pytest.mark.parametrize("shape", [(12, 5), (12, 5, 6, 4)])
@pytest.mark.parametrize("affine", [True, False])
@pytest.mark.parametrize("last", [True, False])
def test_shared_batch_norm_is_torchs_on_the_whole_batch(shape, affine, last):
    torch.manual_seed(0)
    # far from 0, where a careless variance is wrong
    values, towards = 50 + torch.randn(shape), torch.randn(shape)
    if last and len(shape) == 4:
        values = values.contiguous(memory_format=torch.channels_last)
    weight, bias = (torch.rand(5) + 0.5, torch.randn(5)) if affine else (None, None)

    def leaves():
        return [None if x is None else x.clone().requires_grad_() for x in (values, weight, bias)]

    whole = leaves()
    result = nn.functional.batch_norm(whole[0], None, None, *whole[1:], training=True)
    (result * towards).sum().backward()

    def share(rank):
        rows, own = slice(6 * rank, 6 * rank + 6), leaves()
        normalized, mean, variance, count = _Normalize.apply(own[0][rows], *own[1:], 1e-5)
        (normalized * towards[rows]).sum().backward()
        return normalized.detach(), mean, variance, count, [x if x is None else x.grad for x in own]

    shares = side_by_side(share)
    torch.testing.assert_close(torch.cat([of_one[0] for of_one in shares]), result, rtol=1e-3, atol=1e-3)
    others = [d for d in range(len(shape)) if d != 1]
    for _, mean, variance, count, _ in shares:
        torch.testing.assert_close(mean, values.mean(others))
        torch.testing.assert_close(variance, values.var(others, correction=0), rtol=1e-3, atol=1e-4)
        assert (count == values.numel() / 5).all()
    for place, leaf in enumerate(whole):
        if leaf is not None:
            total = sum(of_one[4][place] for of_one in shares)
            torch.testing.assert_close(total, leaf.grad, rtol=2e-3, atol=2e-3)


def test_who_waits_for_a_worker_that_has_left_is_told_so():
    meeting = _Meeting(2)
    meeting.leave()
    with pytest.raises(_LeftAlone), as_member(Processes(0, 2, partial(meeting.exchange, 0))):
        gathered(torch.zeros(1))

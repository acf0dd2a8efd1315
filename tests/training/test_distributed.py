"""Runs that are killed for good, and runs of several processes."""

import os
import random
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import torch
from safetensors.torch import load_file
from toy_method import EPOCHS, toy, toy_stages, train_toy

from glimpse.training.engine import Engine

SCRIPT = Path(__file__).with_name("toy_method.py")


def started(*command, **told):
    source = str(Path(__file__).parents[2] / "src")
    environment = {**os.environ, "PYTHONPATH": source, "OMP_NUM_THREADS": "1", **told}
    return subprocess.Popen([sys.executable, *command], env=environment)


def test_kill_9_at_a_random_moment_and_resume_ends_in_the_same_weights(tmp_path):
    run = started(str(SCRIPT), str(tmp_path / "killed"), "kill me")
    checkpoints = tmp_path / "killed" / "checkpoints"
    deadline = time.monotonic() + 120
    while not list(checkpoints.glob("[0-9]*")) and time.monotonic() < deadline:
        assert run.poll() is None
        time.sleep(0.01)
    time.sleep(random.uniform(0, 0.3))
    run.send_signal(signal.SIGKILL)
    assert run.wait() == -signal.SIGKILL
    seldom = Engine(device="cpu", checkpoint_steps=100)
    train_toy(tmp_path / "killed", stages=toy_stages(EPOCHS), resume=True, engine=seldom)
    train_toy(tmp_path / "whole", stages=toy_stages(EPOCHS), engine=seldom)
    killed, whole = ((tmp_path / name / "final.safetensors").read_bytes() for name in ("killed", "whole"))
    assert killed == whole


def test_two_processes_give_the_weights_of_one_on_the_same_batches(tmp_path):
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    # as torchrun starts them
    told = {"MASTER_ADDR": "127.0.0.1", "MASTER_PORT": str(port), "WORLD_SIZE": "2"}
    words = (str(SCRIPT), str(tmp_path / "two"), "shared")
    runs = [started(*words, **told, RANK=str(rank), LOCAL_RANK=str(rank)) for rank in range(2)]
    try:
        assert [run.wait(timeout=200) for run in runs] == [0, 0]
    finally:
        for run in runs:
            run.kill()
    train_toy(tmp_path / "one", method=toy(dropout=0.0, noise=0.0))
    one, two = (load_file(tmp_path / name / "final.safetensors") for name in ("one", "two"))
    initial = toy(dropout=0.0, noise=0.0).state_dict()
    for name, value in one.items():
        torch.testing.assert_close(two[name], value, rtol=1e-4, atol=1e-5)
    # and they are far from where they began
    assert (one["backbone.0.weight"] - initial["backbone.0.weight"]).abs().max() > 0.01

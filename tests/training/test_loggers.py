import io
import json
import sys
import time
import types

import pytest

from glimpse.errors import MissingExtraError, TrainingError
from glimpse.training import loggers as reports
from glimpse.training.loggers import EpochReport, json_lines, no_bar, tensorboard, training_bar


def report(done, **more):
    return EpochReport("main", done // 10, 9, done, {"id": 1.5}, {"all": 0.1}, 100.0, **more)


def test_the_log_has_a_line_per_epoch_and_forgets_what_a_resumed_run_does_again(tmp_path):
    path = tmp_path / "metrics.jsonl"
    listen = json_lines(path, done=0)
    for done in (10, 20, 30):
        listen(report(done, measures={"map": 0.5}))
    with path.open("ab") as file:
        file.write(b'{"done": 3')  # a kill in the middle of a line
    json_lines(path, done=20)(report(30))
    lines = [json.loads(line) for line in path.read_text().splitlines()]
    assert [line["done"] for line in lines] == [10, 20, 30]
    assert lines[0]["losses"] == {"id": 1.5}
    assert lines[0]["measures"] == {"map": 0.5}
    assert lines[2]["measures"] == {}


@pytest.mark.parametrize("line", [b"\xff\xfe", b"{", b"[]", b"3", b'{"done": null}', b'{"done": 1e999}'])
def test_a_damaged_line_is_said_and_not_thrown_away(tmp_path, line):
    path = tmp_path / "metrics.jsonl"
    path.write_bytes(b'{"done": 1}\n' + line + b"\n")
    with pytest.raises(
        TrainingError, match=r"cannot resume: line 2 of .*metrics\.jsonl is damaged; move the"
    ):
        json_lines(path, done=5)
    assert line in path.read_bytes()


def test_tensorboard_is_an_extra(monkeypatch, tmp_path):
    monkeypatch.setitem(sys.modules, "torch.utils.tensorboard", None)
    with pytest.raises(MissingExtraError, match=r'pip install "glimpse\[tensorboard\]"'):
        tensorboard(tmp_path, done=0)


def test_tensorboard_gets_every_number(monkeypatch, tmp_path):
    written = []

    class SummaryWriter:
        def __init__(self, folder, purge_step):
            written.append((folder, purge_step))

        def add_scalar(self, name, value, step):
            written.append((name, value, step))

        def flush(self):
            written.append("flushed")

    module = types.ModuleType("torch.utils.tensorboard")
    module.SummaryWriter = SummaryWriter
    monkeypatch.setitem(sys.modules, "torch.utils.tensorboard", module)
    tensorboard(tmp_path, done=5)(report(10, measures={"map": 0.5}))
    assert written == [
        (str(tmp_path), 6),
        ("main/loss/id", 1.5, 10),
        ("main/lr/all", 0.1, 10),
        ("main/validation/map", 0.5, 10),
        ("main/images_per_second", 100.0, 10),
        "flushed",
    ]


class Terminal(io.StringIO):
    def isatty(self):
        return True


def test_the_bar_appears_on_a_terminal_when_the_work_lasts(monkeypatch):
    terminal = Terminal()
    monkeypatch.setattr(sys, "stderr", terminal)
    monkeypatch.setattr(reports, "_PATIENCE", 0.05)
    with training_bar("main", 10) as show:
        show(1, "loss 9.999")
        assert terminal.getvalue() == ""
        time.sleep(0.1)
        show(2.5, "loss 1.234  99 images/s")
        time.sleep(0.3)
    assert "main" in terminal.getvalue()
    assert "loss 1.234  99 images/s" in terminal.getvalue()
    assert "25 %" in terminal.getvalue()


def test_there_is_no_bar_in_a_pipe(monkeypatch):
    pipe = io.StringIO()
    monkeypatch.setattr(sys, "stderr", pipe)
    monkeypatch.setattr(reports, "_PATIENCE", 0)
    for bar in (training_bar, no_bar):
        with bar("main", 10) as show:
            show(1, "loss 1")
    assert pipe.getvalue() == ""

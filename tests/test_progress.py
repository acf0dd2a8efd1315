import io
import sys
import time

from glimpse.progress import silent, terminal_bar


class Terminal(io.StringIO):
    def isatty(self):
        return True


def run(monkeypatch, stream, *, seconds):
    clock = iter([0.0, *[seconds] * 9])
    monkeypatch.setattr(time, "monotonic", lambda: next(clock, seconds))
    monkeypatch.setattr(sys, "stderr", stream)
    with terminal_bar("decoding images", 10) as advance:
        advance(3)
        advance(7)
    return stream.getvalue()


def test_a_long_work_shows_a_bar_on_a_terminal(monkeypatch):
    assert "decoding images" in run(monkeypatch, Terminal(), seconds=2.5)


def test_a_short_work_and_a_stream_that_is_no_terminal_show_nothing(monkeypatch):
    assert run(monkeypatch, Terminal(), seconds=1.9) == ""
    assert run(monkeypatch, io.StringIO(), seconds=60.0) == ""


def test_silent_shows_nothing(capsys):
    with silent("decoding images", 10) as advance:
        advance(10)
    assert capsys.readouterr() == ("", "")

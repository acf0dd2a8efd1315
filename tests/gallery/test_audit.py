"""The audit log: appended to, on the disk, and never rewritten."""

import json
from pathlib import Path

import pytest

from glimpse.errors import StorageError
from glimpse.gallery import audit
from glimpse.gallery.audit import Audit, Event, account


@pytest.fixture
def log(tmp_path):
    return Audit(tmp_path / "audit.jsonl", "ann", "a test", lambda: 1_700_000_000_123_456_789)


def test_events_come_back_in_order(log):
    assert list(log.events()) == []
    log.write("add", "begun", images=2)
    log.write("search", k=1)
    first, second = log.events()
    assert first == Event("2023-11-14T22:13:20.123+00:00", "ann", "a test", "add", "begun", {"images": 2})
    assert (second.action, second.state, second.what) == ("search", "done", {"k": 1})


def test_a_line_that_was_cut_off_is_shown_and_spoils_no_other(log):
    log.write("search")
    with log.path.open("ab") as file:
        file.write(b'{"time": "20')
    log.write("add")
    assert [event.action for event in log.events()] == ["search", "damaged", "add"]


def test_names_with_line_breaks_stay_one_line(log):
    Audit(log.path, "a\nb", "\u2028", log.clock).write("search")
    assert len(log.path.read_bytes().splitlines()) == 1
    assert next(log.events()).who == "a\nb"
    assert json.loads(log.path.read_text())["purpose"] == "\u2028"


def test_what_cannot_be_logged_is_an_error(tmp_path, log):
    with pytest.raises(StorageError, match="the folder does not exist"):
        Audit(tmp_path / "no" / "audit.jsonl", "ann", "", log.clock).write("search")
    with pytest.raises(StorageError, match="the disk is full"):
        Audit(Path("/dev/full"), "ann", "", log.clock).write("search")


def test_an_account_without_a_name_is_unknown(monkeypatch):
    def nobody():
        raise KeyError("uid not found")

    monkeypatch.setattr(audit.getpass, "getuser", nobody)
    assert account() == "unknown"

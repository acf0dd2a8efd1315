"""Counts of what was tried: with `GLIMPSE_FUZZ_REPORT=FILE` they are kept as JSON, a row per test."""

import json
import os
from pathlib import Path

import pytest

_ROWS = []


@pytest.fixture(autouse=True)
def tried(request, record_property):
    """Tell how many inputs each test of a module tries."""
    record_property("tried", request.module.COUNT)


def pytest_runtest_logreport(report):
    """Keep what a test told by `record_property`, and how it ended."""
    if report.when == "call":
        told = dict(report.user_properties)
        _ROWS.append({"test": report.nodeid, "outcome": report.outcome, "seconds": report.duration, **told})


@pytest.hookimpl(trylast=True)
def pytest_sessionfinish(session):
    """Write them; under xdist, what all workers told."""
    target = os.environ.get("GLIMPSE_FUZZ_REPORT")
    if target and not hasattr(session.config, "workerinput"):
        partial = Path(f"{target}.part")
        partial.write_text(json.dumps(sorted(_ROWS, key=lambda row: row["test"]), indent=1))
        partial.replace(target)

"""Counts of what was tried: with `GLIMPSE_FUZZ_REPORT=FILE` a line of JSON is added to it after each test."""

import json
import os

import pytest


@pytest.fixture(autouse=True)
def tried(request, record_property):
    """Tell how many inputs each test of a module tries."""
    record_property("tried", request.module.COUNT)


def pytest_runtest_logreport(report):
    """Tell what a test told by `record_property`, and how it ended; under xdist, of all workers."""
    target = os.environ.get("GLIMPSE_FUZZ_REPORT")
    if target and report.when == "call" and "PYTEST_XDIST_WORKER" not in os.environ:
        told = dict(report.user_properties)
        row = {"test": report.nodeid, "outcome": report.outcome, "seconds": report.duration, **told}
        with open(target, "a") as file:  # noqa: PTH123 (perhaps a pipe)
            file.write(json.dumps(row) + "\n")

import os
import re
import subprocess
import sys

import pytest

from glimpse.errors import OptionError
from glimpse.runtime import check_threads, cores, hardware, torch_device

COUNT = """
import resource
import numpy as np
from glimpse.runtime import keep_freed_memory

if {keep}:
    keep_freed_memory()
several = [np.ones(2**18) for _ in range(8)]
del several
before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
for _ in range(20):
    several = [np.ones(2**18) for _ in range(8)]
    del several
print(resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before)
"""


def faults(keep):
    done = subprocess.run(
        [sys.executable, "-c", COUNT.format(keep=keep)], capture_output=True, text=True, check=True
    )
    return int(done.stdout)


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="a lesson for glibc")
def test_memory_that_was_freed_is_not_asked_for_again():
    assert faults(keep=True) < faults(keep=False) / 10


def test_cores_and_processor_are_named():
    assert re.fullmatch(r"\d+ cores of \S.*", hardware())


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ({}, {"GOMP_SPINCOUNT": "1000"}),
        ({"GOMP_SPINCOUNT": "7"}, {"GOMP_SPINCOUNT": "7"}),
        ({"OMP_WAIT_POLICY": "active"}, {"OMP_WAIT_POLICY": "active"}),
    ],
)
def test_commands_limit_spinning_before_torch_is_there_unless_told_otherwise(before, after):
    script = """
import os, sys
import glimpse.cli
def app(**_):
    print("torch" in sys.modules, {k: v for k, v in os.environ.items() if "OMP_" in k})
glimpse.cli.app = app
glimpse.cli.main()
"""
    inherited = {name: value for name, value in os.environ.items() if "OMP_" not in name}
    done = subprocess.run(
        [sys.executable, "-c", script], env=inherited | before, capture_output=True, text=True, check=True
    )
    assert done.stdout == f"False {after}\n"


def test_threads_are_bounded_by_the_cores():
    check_threads("threads", None)
    check_threads("threads", 4 * cores())
    for count in (0, -1, 4 * cores() + 1, 100_000):
        with pytest.raises(OptionError, match=f"threads must be from 1 to {4 * cores()}, 4 for each core"):
            check_threads("threads", count)


@pytest.mark.parametrize("name", ["meta", "vulkan", "nonsense", "", "cpu:x"])
def test_what_nobody_can_compute_on_is_no_device(name):
    with pytest.raises(OptionError):
        torch_device(name)

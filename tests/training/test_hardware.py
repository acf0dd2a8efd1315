import re

from glimpse.runtime import hardware


def test_cores_and_processor_are_named():
    assert re.fullmatch(r"\d+ cores of \S.*", hardware())

"""What a report cannot show."""

import pytest

from glimpse.errors import OptionError
from glimpse.explain import ReportOptions


def test_a_report_of_nothing_is_refused():
    for options in ({"queries": 0}, {"answers": 0}, {"samples": 0}):
        with pytest.raises(OptionError, match="at least one of each"):
            ReportOptions(**options)

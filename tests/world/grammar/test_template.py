"""Templates as trees."""

import pytest

from glimpse.errors import OptionError
from glimpse.world.grammar.template import Choice, Perhaps, Slot, parse


def test_a_template_nests():
    assert parse("a [{b} ](c|{d} e)f") == (
        "a ",
        Perhaps((Slot("b"), " ")),
        Choice((("c",), (Slot("d"), " e"))),
        "f",
    )


@pytest.mark.parametrize("text", ["{open", "[open", "(a|b", "a]", "b)", "}"])
def test_an_unbalanced_template_is_refused(text):
    with pytest.raises(OptionError, match="the template"):
        parse(text)

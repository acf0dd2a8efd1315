"""The digest that keeps compiled code and sources together."""

from glimpse.world.jit import source_digest


def test_the_digest_of_the_sources_stays_while_they_do():
    assert source_digest() == source_digest() > 0

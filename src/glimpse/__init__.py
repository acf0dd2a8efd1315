"""Glimpse: find a person again from whatever is at hand."""

__version__ = "0.1.0"

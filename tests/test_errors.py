"""Errors that a user can fix."""

import inspect
import pickle

import pytest

from glimpse import errors
from glimpse.errors import BrokenImageError, GlimpseError, UnreadableImageError

KINDS = [kind for _, kind in inspect.getmembers(errors, inspect.isclass)]


@pytest.mark.parametrize("kind", KINDS)
def test_every_error_is_one_that_the_command_line_catches(kind):
    assert issubclass(kind, GlimpseError)


@pytest.mark.parametrize("path", ["a\nb.jpg", "x\udcff.jpg"])
def test_the_sentence_on_an_image_stays_one_printable_line(path):
    assert str(BrokenImageError(path, "the file is empty")).isprintable()


def test_an_error_on_an_image_passes_from_one_process_to_another():
    error = pickle.loads(pickle.dumps(UnreadableImageError("a.jpg", "it is gone")))
    assert isinstance(error, BrokenImageError)
    assert (error.path, error.reason) == ("a.jpg", "it is gone")
    assert str(error) == "cannot use the image a.jpg: it is gone"

"""The errors that Glimpse raises on purpose: each is one sentence for the person who caused it."""


class GlimpseError(Exception):
    """Something the user can fix: what was wrong, what was expected, what to do.

    The command line prints the sentence and exits with code 2; anything that is not a
    `GlimpseError` is a defect of ours and keeps its traceback.
    """


class MissingExtraError(GlimpseError):
    """An optional dependency is not installed; the sentence names the extra that brings it."""


class RecordsError(GlimpseError, ValueError):
    """A table of records is malformed; the sentence names row and column."""


class BrokenImageError(GlimpseError):
    """An image cannot be decoded safely; the sentence names the file and the reason.

    >>> str(BrokenImageError("people/0001.jpg", "the file is empty"))
    'cannot use the image people/0001.jpg: the file is empty'
    """

    def __init__(self, path: str, reason: str) -> None:
        super().__init__(path, reason)
        self.path = path
        self.reason = reason

    def __str__(self) -> str:
        # Names may hold newlines or bytes that are no text; the sentence must stay one printable line.
        shown = self.path if self.path.isprintable() else repr(self.path)[1:-1]
        return f"cannot use the image {shown}: {self.reason}"


class UnreadableImageError(BrokenImageError):
    """An image's file cannot be read now, so nothing is known of its content: worth trying again."""


class LayoutError(GlimpseError):
    """A folder does not hold the data set that it should."""


class ShapeError(GlimpseError, ValueError):
    """An array has the wrong shape, type or values; the sentence says what was expected and got."""


class WeightsError(GlimpseError):
    """A file of weights cannot be read, or does not fit the network that it should fill."""


class OptionError(GlimpseError, ValueError):
    """An option is unknown or its value is impossible; the sentence says what is allowed."""


class StorageError(GlimpseError):
    """A file cannot be written or locked, or what was written is damaged."""


class TrainingError(GlimpseError):
    """A training run cannot go on: its losses are not finite, or it is not the run it claims to continue."""

import pytest
import torch

from glimpse.errors import ShapeError
from glimpse.models.transreid import jigsaw


def numbered(count):
    return torch.arange(1.0, count + 1).view(1, count, 1)


def by_the_book(tokens, shift, groups, parts):
    """The same with lists: transreid.md, "Jigsaw branch" word for word."""
    order = tokens[shift - 1 :] + tokens[: shift - 1]
    while len(order) % groups:
        order.append(order[len(tokens) - 2])
    rows = [order[start :: len(order) // groups] for start in range(len(order) // groups)]
    shuffled = [token for row in rows for token in row]
    length = len(tokens) // parts
    return [shuffled[part * length : (part + 1) * length] for part in range(parts)]


def test_eight_tokens_give_the_golden_parts():
    parts = jigsaw(numbered(8), shift=5, groups=2, parts=4)
    assert [part.flatten().tolist() for part in parts] == [[5, 1], [6, 2], [7, 3], [8, 4]]


@pytest.mark.parametrize(("tokens", "length"), [(210, 52), (242, 60), (128, 32)])
def test_published_grids_give_the_golden_lengths(tokens, length):
    parts = jigsaw(numbered(tokens), shift=5, groups=2, parts=4)
    assert [part.shape[1] for part in parts] == [length] * 4


@pytest.mark.parametrize("count", [8, 9, 11, 50, 128, 231])
def test_any_number_of_tokens_is_rearranged_as_the_book_says(count):
    parts = jigsaw(numbered(count), shift=5, groups=2, parts=4)
    assert [part.flatten().tolist() for part in parts] == by_the_book(list(range(1, count + 1)), 5, 2, 4)


def test_too_few_tokens_are_refused():
    with pytest.raises(ShapeError, match="3 patches"):
        jigsaw(numbered(3), shift=5, groups=2, parts=4)

"""Learned words in a sentence: "a photo of a X X X X person." with free vectors for the X."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from glimpse.encoders.text import TextTower
from glimpse.encoders.tokenizer import Tokenizer
from glimpse.errors import OptionError, ShapeError


@dataclass(frozen=True)
class PromptTemplate:
    """Token ids around the place of the learned words; the last id of `after` is the end of the text.

    >>> PERSON_PROMPT.end
    11
    """

    before: tuple[int, ...]
    words: int
    after: tuple[int, ...]

    @property
    def end(self) -> int:
        """The position of the end token."""
        return len(self.before) + self.words + len(self.after) - 1


# Given by the source (dpm_family 5.3): with these ids CLIP-ReID needs no vocabulary file.
PERSON_PROMPT = PromptTemplate((49406, 320, 1125, 539, 320), 4, (2533, 269, 49407))


def prompt_template(tokenizer: Tokenizer, sentence: str, *, placeholder: str = "X") -> PromptTemplate:
    """The template of a sentence in which a run of placeholders stands for the learned words.

    >>> from glimpse.encoders.vocabularies import train_tokenizer
    >>> tokenizer = train_tokenizer(["a photo of a person."] * 2, size=600, context=16)
    >>> prompt_template(tokenizer, "A photo of a X X X X person.").words
    4
    """
    marks = tokenizer.encode([placeholder])
    if marks.ends[0] != 2:
        raise OptionError(f"the placeholder must be one token, {placeholder!r} has {marks.ends[0] - 1}")
    tokens = tokenizer.encode([sentence]).trimmed()
    ids = tokens.ids[0].tolist()
    places = [place for place, number in enumerate(ids) if number == marks.ids[0, 1]]
    if not places or places != list(range(places[0], places[-1] + 1)):
        raise OptionError(f"the sentence needs one run of {placeholder!r} words, got {sentence!r}")
    return PromptTemplate(tuple(ids[: places[0]]), len(places), tuple(ids[places[-1] + 1 :]))


def splice(tower: TextTower, template: PromptTemplate, learned: Tensor) -> tuple[Tensor, Tensor]:
    """Put learned words into the template's sentence.

    The sentence ends where its text ends: the tower is causal, so CLIP's padding to 77 tokens would cost
    six times as much and change nothing.

    Args:
        tower: whose word embeddings the fixed words have.
        template: the sentence.
        learned: `[B, words, W]`.

    Returns:
        What `TextTower.from_embeddings` takes: the embedded words `[B, L, W]` and their ends `[B]`.
    """
    width = tower.config.width
    if learned.ndim != 3 or tuple(learned.shape[1:]) != (template.words, width):
        raise ShapeError(f"learned words must be [B, {template.words}, {width}], got {list(learned.shape)}")
    batch = len(learned)
    fixed = [
        tower.words(torch.tensor(ids, device=learned.device)).expand(batch, -1, -1)
        for ids in (template.before, template.after)
    ]
    ends = torch.full((batch,), template.end, device=learned.device)
    return torch.cat([fixed[0], learned, fixed[1]], dim=1), ends

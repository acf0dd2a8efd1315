"""The words that CLIP-ReID learns for every person, and the text vectors they make (dpm_family 5.3)."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from glimpse.encoders.prompts import PERSON_PROMPT, PromptTemplate, splice
from glimpse.encoders.text import TextConfig, TextTower

_AT_ONCE = 256  # persons whose texts are made in one pass; our choice


class PersonPrompts(nn.Module):
    """Free words for each of C persons inside one sentence, read by a frozen text tower.

    Args:
        texts: the text tower; it is frozen here.
        template: the sentence.
        persons: C.
    """

    def __init__(self, texts: TextTower, template: PromptTemplate, persons: int) -> None:
        super().__init__()
        self.texts = texts.requires_grad_(False)
        self.template = template
        self.words = nn.Parameter(torch.empty(persons, template.words, texts.config.width))
        nn.init.normal_(self.words, std=0.02)  # given by the source (dpm_family 5.3)

    def forward(self, labels: Tensor) -> Tensor:
        """Text vectors `[B, P]` of persons `[B]`; each different person is computed once."""
        different, place = torch.unique(labels, return_inverse=True)
        embedded, ends = splice(self.texts, self.template, self.words[different])
        result: Tensor = self.texts.from_embeddings(embedded, ends).projected[place]
        return result

    @torch.no_grad()
    def prototypes(self) -> Tensor:
        """The text vectors `[C, P]` of everybody."""
        everybody = torch.arange(len(self.words), device=self.words.device)
        return torch.cat([self(some) for some in torch.split(everybody, _AT_ONCE)])


def wordless_template(config: TextConfig) -> PromptTemplate:
    """A sentence of the published shape for a text tower that was never trained: its words mean nothing.

    The published sentence where the vocabulary is CLIP's.

    >>> wordless_template(TextConfig()) is PERSON_PROMPT
    True
    """
    if config.vocabulary == TextConfig().vocabulary:
        return PERSON_PROMPT
    start, end = config.vocabulary - 2, config.vocabulary - 1
    return PromptTemplate((start, 0, 1, 2, 0), PERSON_PROMPT.words, (3, 4, end))

"""Learned words in a sentence: "a photo of a X X X X person.", with free vectors for the X per person."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor, nn

from glimpse.errors import OptionError, ShapeError
from glimpse.models.backbones.text import TextBackbone, TextConfig
from glimpse.models.text.tokenizer import Tokenizer


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


# Given by the source (clip-reid.md, "Prompts"): with these ids CLIP-ReID needs no vocabulary file.
PERSON_PROMPT = PromptTemplate((49406, 320, 1125, 539, 320), 4, (2533, 269, 49407))


def prompt_template(tokenizer: Tokenizer, sentence: str, *, placeholder: str = "X") -> PromptTemplate:
    """The template of a sentence in which a run of placeholders stands for the learned words.

    >>> from glimpse.models.text.vocabularies import train_tokenizer
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


def splice(backbone: TextBackbone, template: PromptTemplate, learned: Tensor) -> tuple[Tensor, Tensor]:
    """Put learned words into the template's sentence.

    The sentence ends where its text ends: the backbone is causal, so CLIP's padding to 77 tokens would cost
    six times as much and change nothing.

    Args:
        backbone: whose word embeddings the fixed words have.
        template: the sentence.
        learned: `[B, words, W]`.

    Returns:
        What `TextBackbone.from_embeddings` takes: the embedded words `[B, L, W]` and their ends `[B]`.
    """
    width = backbone.config.width
    if learned.ndim != 3 or tuple(learned.shape[1:]) != (template.words, width):
        raise ShapeError(f"learned words must be [B, {template.words}, {width}], got {list(learned.shape)}")
    batch = len(learned)
    fixed = [
        backbone.words(torch.tensor(ids, device=learned.device)).expand(batch, -1, -1)
        for ids in (template.before, template.after)
    ]
    ends = torch.full((batch,), template.end, device=learned.device)
    return torch.cat([fixed[0], learned, fixed[1]], dim=1), ends


_AT_ONCE = 256  # persons whose texts are made in one pass; our choice


class PersonPrompts(nn.Module):
    """Free words for each of C persons inside one sentence, read by a frozen text backbone.

    Args:
        texts: the text backbone; it is frozen here.
        template: the sentence.
        persons: C.
    """

    def __init__(self, texts: TextBackbone, template: PromptTemplate, persons: int) -> None:
        super().__init__()
        self.texts = texts.requires_grad_(False)
        self.template = template
        self.words = nn.Parameter(torch.empty(persons, template.words, texts.config.width))
        nn.init.normal_(self.words, std=0.02)  # given by the source (clip-reid.md, "Prompts")

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
    """A sentence of the published shape for a text backbone that was never trained: its words mean nothing.

    The published sentence where the vocabulary is CLIP's.

    >>> wordless_template(TextConfig()) is PERSON_PROMPT
    True
    """
    if config.vocabulary == TextConfig().vocabulary:
        return PERSON_PROMPT
    start, end = config.vocabulary - 2, config.vocabulary - 1
    return PromptTemplate((start, 0, 1, 2, 0), PERSON_PROMPT.words, (3, 4, end))

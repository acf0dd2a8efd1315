"""Prompts: the published one, and words that are learned."""

import pytest
import torch

from glimpse.errors import OptionError, ShapeError
from glimpse.models.backbones.text import TextBackbone, TextConfig
from glimpse.models.text.prompts import PERSON_PROMPT, PromptTemplate, prompt_template, splice
from glimpse.models.text.vocabularies import train_tokenizer

MICRO = TextConfig(vocabulary=50, context=16, width=16, depth=2, heads=2, projection=6)


@pytest.fixture
def backbone():
    return TextBackbone(MICRO).eval()


def test_the_published_prompt():
    # clip-reid.md, "Prompts": seventy-seven tokens, the end at 11
    assert (*PERSON_PROMPT.before, 343, 343, 343, 343, *PERSON_PROMPT.after) == (
        49406, 320, 1125, 539, 320, 343, 343, 343, 343, 2533, 269, 49407,
    )  # fmt: skip
    assert PERSON_PROMPT.end == 11


def test_splicing_the_placeholder_s_own_embedding_gives_the_plain_sentence(backbone):
    template = PromptTemplate((48, 5, 6), 4, (7, 49))
    ids = torch.tensor([[48, 5, 6, 9, 9, 9, 9, 7, 49]]).repeat(3, 1)
    learned = backbone.words(torch.full((3, 4), 9))
    spliced = backbone.from_embeddings(*splice(backbone, template, learned))
    plain = backbone(ids, torch.full((3,), 8))
    torch.testing.assert_close(spliced.projected, plain.projected)


def test_learned_words_get_gradients_through_a_frozen_backbone(backbone):
    backbone.requires_grad_(False)
    learned = torch.randn(2, 4, 16, requires_grad=True)
    out = backbone.from_embeddings(*splice(backbone, PromptTemplate((48,), 4, (49,)), learned))
    out.projected.sum().backward()
    assert (learned.grad.flatten(1).norm(dim=1) > 0).all()


def test_learned_words_of_another_number_are_refused(backbone):
    with pytest.raises(ShapeError, match=r"\[B, 4, 16\], got \[2, 3, 16\]"):
        splice(backbone, PromptTemplate((48,), 4, (49,)), torch.zeros(2, 3, 16))


def test_a_template_is_cut_at_the_placeholders():
    tokenizer = train_tokenizer(["a photo of a person."] * 3, size=600, context=16)
    template = prompt_template(tokenizer, "A photo of a X X X X person.")
    whole = tokenizer.encode(["a photo of a x x x x person."]).trimmed()
    x = tokenizer.encode(["x"]).ids[0, 1]
    assert [*template.before, *[x] * 4, *template.after] == whole.ids[0].tolist()
    assert template.end == whole.ends[0]


@pytest.mark.parametrize("sentence", ["no place here", "X torn X"])
def test_a_sentence_without_one_run_of_placeholders_is_refused(sentence):
    tokenizer = train_tokenizer(["a person"] * 3, size=600, context=32)
    with pytest.raises(OptionError, match="one run of 'X'"):
        prompt_template(tokenizer, sentence)
    with pytest.raises(OptionError, match="one token"):
        prompt_template(tokenizer, sentence, placeholder="X y")

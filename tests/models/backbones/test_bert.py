import pytest
import torch

from glimpse.errors import ShapeError
from glimpse.models.backbones.bert import Bert, BertConfig, FrozenBertText

MICRO = BertConfig(vocabulary=30, context=10, width=16, depth=2, heads=2, hidden=24)


def masks(*lengths, places=7):
    return torch.arange(places) < torch.tensor(lengths).unsqueeze(1)


def test_padding_is_not_seen():
    bert = Bert(MICRO).eval()
    ids = torch.randint(30, (2, 7))
    mask = masks(7, 4)
    other = torch.where(mask, ids, 0)
    torch.testing.assert_close(bert(ids, mask)[mask], bert(other, mask)[mask])
    torch.testing.assert_close(bert(ids[1:, :4], mask[1:, :4]), bert(ids, mask)[1:, :4])


def test_norms_come_last():
    tokens = Bert(MICRO)(torch.randint(30, (2, 7)), masks(7, 7))
    torch.testing.assert_close(tokens.mean(-1), torch.zeros(2, 7), atol=1e-5, rtol=0)
    torch.testing.assert_close(tokens.var(-1, correction=0), torch.ones(2, 7), atol=1e-4, rtol=0)


def test_sequences_are_checked():
    with pytest.raises(ShapeError, match="at most 10"):
        Bert(MICRO)(torch.zeros(1, 11, dtype=torch.long), masks(11, places=11))
    with pytest.raises(ShapeError, match=r"got \[1, 5\] and \[1, 7\]"):
        Bert(MICRO)(torch.zeros(1, 5, dtype=torch.long), masks(7))


def test_bert_stays_frozen_and_in_evaluation():
    text = FrozenBertText(Bert(MICRO), width=6).train()
    assert (text.training, text.lstm.training, text.bert.training) == (True, True, False)
    text(torch.randint(30, (2, 7)), masks(7, 3)).sum().backward()
    trained = [name for name, parameter in text.named_parameters() if parameter.grad is not None]
    assert trained == [name for name, _ in text.named_parameters() if name.startswith("lstm.")]
    assert len(trained) == 4  # two directions, no bias


def test_both_directions_are_averaged_over_the_text_alone():
    text = FrozenBertText(Bert(MICRO), width=6).eval()
    ids, mask = torch.randint(30, (3, 7)), masks(4, 7, 2)
    out = text(ids, mask)
    assert out.shape == (3, 7, 6)
    for row, length in enumerate((4, 7, 2)):
        embedded = text.bert(ids[row : row + 1, :length], mask[row : row + 1, :length])
        both = text.lstm(embedded)[0][0]
        torch.testing.assert_close(out[row, :length], (both[:, :6] + both[:, 6:]) / 2)
        assert (out[row, length:] == 0).all()


def test_a_text_without_tokens_is_refused():
    with pytest.raises(ShapeError, match="row 1 has none"):
        FrozenBertText(Bert(MICRO))(torch.zeros(2, 7, dtype=torch.long), masks(3, 0))

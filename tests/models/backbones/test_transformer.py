import pytest
import torch

from glimpse.errors import ShapeError
from glimpse.models.backbones.transformer import SelfAttention


def explicit(layer, x, allowed=None):
    """Attention written out: softmax of the logits, times the values."""
    batch, tokens, width = x.shape
    value = layer.qkv(x)[..., 2 * width :].view(batch, tokens, layer.heads, -1).transpose(1, 2)
    logits = layer.logits(x)
    if allowed is not None:
        logits = logits.masked_fill(~allowed, -torch.inf)
    return layer.out((logits.softmax(-1) @ value).transpose(1, 2).reshape(batch, tokens, width))


@pytest.mark.parametrize(("tokens", "heads"), [(1, 1), (7, 2), (33, 4)])
def test_fused_attention_equals_the_explicit_one(tokens, heads):
    layer, x = SelfAttention(16, heads), torch.randn(3, tokens, 16)
    torch.testing.assert_close(layer(x), explicit(layer, x))


def test_causal_attention_sees_only_what_came_before():
    layer, x = SelfAttention(16, 2), torch.randn(3, 6, 16)
    before = torch.ones(6, 6, dtype=torch.bool).tril()
    torch.testing.assert_close(layer(x, causal=True), explicit(layer, x, before))


def test_forbidden_keys_are_not_seen():
    layer, x = SelfAttention(16, 2), torch.randn(3, 6, 16)
    allowed = torch.tensor([True, True, False, True, False, True]).expand(3, 1, 1, 6)
    torch.testing.assert_close(layer(x, allowed=allowed), explicit(layer, x, allowed))


def test_the_first_tokens_result_alone_is_the_first_of_all():
    layer, x = SelfAttention(16, 4), torch.randn(3, 9, 16)
    torch.testing.assert_close(layer(x, first_only=True), layer(x)[:, :1])


def test_logits_are_scaled_products_of_queries_and_keys_per_head():
    layer, x = SelfAttention(8, 2), torch.randn(1, 3, 8)
    query, key, _ = layer.qkv(x)[0].split(8, dim=-1)
    for head in range(2):
        some = slice(4 * head, 4 * head + 4)
        expected = query[:, some] @ key[:, some].T / 2  # the square root of a head's width, 4
        torch.testing.assert_close(layer.logits(x)[0, head], expected)


def test_class_logits_are_the_first_row_of_all_logits_without_its_first_entry():
    layer, x = SelfAttention(16, 4), torch.randn(2, 9, 16)
    torch.testing.assert_close(layer.class_logits(x), layer.logits(x)[:, :, 0, 1:])


def test_a_width_that_the_heads_do_not_divide_is_refused():
    with pytest.raises(ShapeError, match="multiple of the heads, got 10 and 4"):
        SelfAttention(10, 4)

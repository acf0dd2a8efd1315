"""The BNNeck and the classifier (bot.md, "Constants")."""

import torch

from glimpse.models.heads.bnneck import Neck, classifier


def test_the_neck_is_a_batch_norm_whose_bias_stays_zero():
    torch.manual_seed(0)
    neck, features = Neck(6), torch.randn(32, 6) * 3 + 1
    out = neck(features)
    torch.testing.assert_close(
        out, (features - features.mean(0)) / (features.var(0, correction=0) + 1e-5).sqrt()
    )
    out.square().sum().backward()
    assert neck.norm.bias.grad is None
    assert neck.norm.weight.grad is not None


def test_in_evaluation_a_row_alone_is_what_it_is_among_others():
    torch.manual_seed(0)
    neck = Neck(6)
    neck(torch.randn(32, 6) * 3 + 1)
    neck.eval()
    features = torch.randn(4, 6)
    torch.testing.assert_close(neck(features)[1:2], neck(features[1:2]))


def test_the_classifier_starts_small_and_without_a_bias():
    torch.manual_seed(0)
    linear = classifier(64, 500)
    assert linear.bias is None
    assert linear.weight.shape == (500, 64)
    assert 0.00095 < linear.weight.std().item() < 0.00105

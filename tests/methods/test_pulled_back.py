"""Texts as classifiers after the neck: dpmpp.md, "Initialization from text"."""

import torch

from glimpse.methods.dpmpp_losses import as_prototypes, pulled_back


def test_the_pulled_back_classifier_does_what_the_text_does():
    generator = torch.Generator().manual_seed(0)

    def drawn(*shape):
        return torch.randn(*shape, generator=generator, dtype=torch.float64)

    features, projection, texts = drawn(9, 16), drawn(16, 5), drawn(4, 5)
    gain, mean, std = drawn(16).exp(), drawn(16), drawn(16).exp()
    necked = gain * (features - mean) / std
    classifiers = pulled_back(texts, projection, gain, std)
    torch.testing.assert_close(
        necked @ classifiers.T, (features - mean) @ projection @ texts.T, rtol=1e-12, atol=1e-12
    )


def test_prototypes_keep_the_direction_and_have_the_usual_length():
    classifiers = torch.tensor([[3.0, 4], [0, 0.1]])
    torch.testing.assert_close(as_prototypes(classifiers), torch.tensor([[0.6, 0.8], [0, 1]]))

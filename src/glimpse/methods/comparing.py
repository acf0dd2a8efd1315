"""From a network's card to the similarity that compares its embeddings."""

from __future__ import annotations

from glimpse.methods.card import NetworkCard, SimilarityName
from glimpse.similarity import Cosine, MaskedCosine, SetJaccard, Similarity


def similarity_of(card: NetworkCard) -> Similarity:
    """How the embeddings of the card's network are compared.

    >>> from glimpse.encoders.size import Size
    >>> card = NetworkCard("dpm", Size.MICRO, (64, 32), similarity=SimilarityName.MASKED_COSINE)
    >>> similarity_of(card).side.value
    'query'
    """
    if card.similarity is SimilarityName.MASKED_COSINE:
        return MaskedCosine(card.side)
    return SetJaccard() if card.similarity is SimilarityName.SET_JACCARD else Cosine()

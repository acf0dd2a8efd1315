"""Rows that protocols share are embedded once, and each protocol gets its own in its order."""

import numpy as np
from PIL import Image

from glimpse.baselines import COLOUR_WORDS
from glimpse.protocols import single_query, text_to_image
from glimpse.records import TEXT, Records
from glimpse.retriever import ColorEncoder, Retriever
from glimpse.retriever.protocol_embeddings import embed_protocols


def test_sides_equal_embedding_each_alone(tmp_path):
    rng = np.random.default_rng(0)
    paths = [str(tmp_path / f"{row}.png") for row in range(5)]
    for path in paths:
        Image.fromarray(rng.integers(0, 256, (16, 8, 3), dtype=np.uint8)).save(path)
    images = Records.from_columns(
        paths, [1, 1, 2, 2, 3], camera=[1, 2, 1, 2, 1], extra={"more": np.arange(5)}
    )
    words = Records.from_columns(
        [paths[0], paths[2], paths[2]],
        [1, 2, 2],
        modality=[TEXT] * 3,
        caption=["a red coat", "a blue coat", "a red coat"],
    )
    protocols = [
        text_to_image(words, images, name="words", trained_on=""),
        single_query(images[[3, 0]], images[[4, 3, 2, 1, 0]]),
        single_query(images[[]], images[[0]]),
    ]
    retriever = Retriever(ColorEncoder())
    pairs = embed_protocols(retriever, protocols)
    assert pairs[2][0].vectors.shape == (0, 512 + len(COLOUR_WORDS))
    for protocol, pair in zip(protocols[:2], pairs, strict=False):
        for side, embedded in zip((protocol.query, protocol.gallery), pair, strict=True):
            np.testing.assert_array_equal(embedded.vectors, retriever.embed(side).vectors)

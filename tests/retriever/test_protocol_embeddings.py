"""Rows that protocols share are embedded once, and each protocol gets its own in its order."""

import numpy as np
from micro_retrievers import told_apart
from PIL import Image

from glimpse.baselines import COLOUR_WORDS
from glimpse.embeddings import Embeddings
from glimpse.evaluation import evaluate
from glimpse.protocols import single_query, text_to_image
from glimpse.records import IR, NO_MODALITY, RGB, TEXT, Records
from glimpse.retriever import ColorEncoder, Retriever
from glimpse.retriever.protocol_embeddings import embed_protocols
from glimpse.similarity import Euclidean


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


def test_evaluation_sees_each_row_in_the_modality_of_its_records(tmp_path):
    rng = np.random.default_rng(1)
    paths = [str(tmp_path / f"{row}.png") for row in range(8)]
    for path in paths:
        Image.fromarray(rng.integers(0, 256, (16, 8, 3), dtype=np.uint8)).save(path)
    gallery = Records.from_columns(paths[4:], [1, 2, 3, 4], camera=[2, 2, 7, 7], modality=[RGB, RGB, IR, IR])
    query = Records.from_columns(paths[:4], [1, 2, 3, 4], camera=[7, 9, 2, 2], modality=IR)
    # the same file once more, as somebody's of whom nobody knows how it was taken
    loose = gallery.with_columns(modality=NO_MODALITY)
    retriever = Retriever(told_apart())
    protocols = [single_query(query, gallery), single_query(query, loose)]
    pairs = embed_protocols(retriever, protocols)
    assert pairs[0][0].vectors[:, 3:].tolist() == [[8, 2], [8, 0], [8, 1], [8, 1]]
    assert pairs[0][1].vectors[:, 3:].tolist() == [[4, 1], [4, 1], [8, 2], [8, 2]]
    assert pairs[1][1].vectors[:, 3:].tolist() == [[0, 1], [0, 1], [0, 2], [0, 2]]
    by_hand = Embeddings(
        np.concatenate(
            [
                retriever.embed([path], cameras=camera, modalities=modality).vectors
                for path, camera, modality in zip(
                    gallery.path, gallery.camera, gallery.modality.tolist(), strict=True
                )
            ]
        )
    )
    found, expected = (
        evaluate((pairs[0][0], side), protocols[0], similarity=Euclidean()) for side in (pairs[0][1], by_hand)
    )
    assert found.mean_ap == expected.mean_ap
    # infrared queries are nearest to the infrared half of the gallery, whoever it shows
    assert np.all(Euclidean().top_k(*pairs[0], k=2).rows >= 2)

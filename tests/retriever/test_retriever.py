"""A retriever comes back from its folder as it was, or says in one sentence why not."""

import dataclasses
import shutil

import numpy as np
import pytest
from micro_retrievers import change_card, micro_encoder

from glimpse.embeddings import Embeddings
from glimpse.errors import OptionError, StorageError
from glimpse.evaluation import Calibration
from glimpse.models.storage import save_network
from glimpse.models.text.vocabularies import train_tokenizer
from glimpse.pixels import resize
from glimpse.records import Capture
from glimpse.reranking import KReciprocal
from glimpse.retriever import ColorEncoder, NetworkEncoder, Retriever, shipped
from glimpse.similarity import Cosine, MaskedCosine, MaskSide


def test_everything_comes_back(tmp_path, images):
    encoder = micro_encoder("bot", flip=True)
    calibration = Calibration(
        0.1, 0.5, np.array([0.9, 0.5]), np.array([0.0, 0.1]), np.array([0.4, 0.8]), 5, 10, "test"
    )
    whole = Retriever(
        encoder,
        MaskedCosine(MaskSide.BOTH),
        KReciprocal(k1=3, k2=2),
        calibration,
        {"command": "glimpse train bot"},
    )
    whole.save(tmp_path / "models" / "bot")
    back = Retriever.load(tmp_path / "models" / "bot")
    np.testing.assert_array_equal(back.embed(images).vectors, whole.embed(images).vectors)
    assert back.similarity == whole.similarity
    assert back.reranker == whole.reranker
    assert back.calibration.as_dict() == calibration.as_dict()
    assert back.about == whole.about
    assert back.encoder.flip
    assert back.encoder.card == encoder.card
    assert [path.name for path in (tmp_path / "models").iterdir()] == ["bot"]
    held = {path.suffix for path in (tmp_path / "models" / "bot").iterdir()}
    assert held == {".json", ".safetensors"}


def test_a_tokenizer_comes_back(tmp_path):
    encoder = micro_encoder("clip")
    tokenizer = train_tokenizer(["a red coat"] * 2, size=600, context=12)
    whole = Retriever(NetworkEncoder(encoder.network, encoder.card, tokenizer))
    whole.save(tmp_path / "clip")
    np.testing.assert_array_equal(
        Retriever.load(tmp_path / "clip").embed_text(["a red bag"]).vectors,
        whole.embed_text(["a red bag"]).vectors,
    )


def test_what_training_left_is_a_retriever_too(encoder, retriever, tmp_path, images):
    save_network(tmp_path / "network", encoder.card, encoder.network.state_dict())
    loaded = Retriever.load(tmp_path / "network")
    assert loaded.similarity == Cosine()
    np.testing.assert_array_equal(loaded.embed(images).vectors, retriever.embed(images).vectors)


@pytest.mark.parametrize("side", [MaskSide.QUERY, MaskSide.SUBSPACE])
def test_masks_and_their_side_come_through(side, tmp_path, images):
    told = {
        "similarity": "masked-cosine",
        "mask_side": side,
        "options": {"mask": "light", "stride": 16},
    }
    encoder = micro_encoder("dpm", cameras=(1, 4), **told)
    save_network(tmp_path / "network", encoder.card, encoder.network.state_dict())
    trained = Retriever.load(tmp_path / "network")
    trained.save(tmp_path / "saved")
    pixels = np.stack([resize(image, (64, 32), encoder.card.interpolation) for image in images[:3]])
    wanted = encoder.embed(pixels, Capture.given(3, cameras=[1, 4, 9]))
    for retriever in (trained, Retriever.load(tmp_path / "saved")):
        assert retriever.similarity == MaskedCosine(side)
        found = retriever.embed(images[:3], cameras=[1, 4, 9])
        np.testing.assert_allclose(found.masks, wanted.masks, atol=1e-5)
        np.testing.assert_allclose(found.vectors, wanted.vectors, rtol=1e-4, atol=1e-4)
        assert (found.masks[0] != found.masks[1]).any()
        everything = Embeddings(found.vectors)
        assert not np.allclose(retriever.score(found, found), retriever.score(everything, everything))


def test_weights_of_another_shape_are_refused(saved, tmp_path):
    Retriever(micro_encoder("transreid", cameras=(1, 4, 5))).save(tmp_path / "other")
    shutil.copy(tmp_path / "other" / "network.safetensors", saved)
    change_card(saved, files={})
    with pytest.raises(
        StorageError, match=r"belong to its card: .* must be \[2, 64\], the weights have \[3, 64\]"
    ):
        Retriever.load(saved)


def test_every_shipped_retriever_loads_and_embeds(images):
    assert "colors" in shipped()
    for name in shipped():
        loaded = Retriever.load(name)
        assert loaded.embed(images[:1]).vectors.shape == (1, loaded.encoder.dim)
        assert loaded.about


def test_what_a_card_cannot_hold_is_refused_when_saved(tmp_path):
    class Odd(Cosine):
        pass

    with pytest.raises(OptionError, match="a card cannot hold Odd"):
        Retriever(ColorEncoder(), Odd()).save(tmp_path / "odd")
    assert list(tmp_path.iterdir()) == []


def test_ranks_follow_scores_with_and_without_a_reranking():
    rng = np.random.default_rng(0)
    query, gallery = (Embeddings(rng.normal(size=(n, 6)).astype(np.float32)) for n in (7, 40))
    for reranker in (None, KReciprocal(k1=5, k2=2)):
        retriever = Retriever(ColorEncoder(), Cosine(), reranker)
        scores = retriever.score(query, gallery)
        best = retriever.rank(query, gallery, k=5)
        np.testing.assert_array_equal(best.rows, np.argsort(-scores, axis=1, kind="stable")[:, :5])
        np.testing.assert_array_equal(best.scores, np.take_along_axis(scores, best.rows, axis=1))
        assert retriever.rank(query, gallery, k=99).rows.shape == (7, 40)
        with pytest.raises(OptionError, match="k must be at least 0"):
            retriever.rank(query, gallery, k=-1)
    plain = Retriever(ColorEncoder()).score(query, gallery)
    assert not np.array_equal(
        plain, Retriever(ColorEncoder(), reranker=KReciprocal(5, 2)).score(query, gallery)
    )


def test_a_digest_is_that_of_what_makes_the_vectors(tmp_path):
    colors, network = Retriever.load("colors"), Retriever.load("vit-micro")
    assert dataclasses.replace(colors, similarity=MaskedCosine(), saved_digest=None).digest == colors.digest
    network.save(tmp_path / "copy")
    saved = Retriever.load(tmp_path / "copy")
    shutil.copytree(tmp_path / "copy", tmp_path / "moved")
    assert Retriever.load(tmp_path / "moved").digest == saved.digest
    in_memory = dataclasses.replace(saved, saved_digest=None, reranker=None)
    assert in_memory.digest == saved.digest, "as it would be saved"
    mirrored = saved.averaging_mirrored().digest
    assert len({colors.digest, saved.digest, mirrored, Retriever.load("vit-tiny").digest}) == 4

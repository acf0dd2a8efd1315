"""A card can name and configure every similarity and re-ranking; what they learned lies beside it."""

import json

import numpy as np
import pytest
from safetensors.numpy import load_file, save_file

import glimpse.similarity
from glimpse.embeddings import Embeddings
from glimpse.errors import OptionError, StorageError
from glimpse.reranking import AlphaQueryExpansion, KReciprocal, SimilarityInference
from glimpse.reranking.sim import Mode
from glimpse.retriever import ColorEncoder, Retriever
from glimpse.retriever.codec import ARRAYS, RERANKERS, SIMILARITIES, from_json, to_json
from glimpse.similarity import (
    ConflictPenalized,
    CoOccurrencePrior,
    Cosine,
    Euclidean,
    MaskedCosine,
    MaskSide,
    MatmulDtype,
    PartCosine,
    Reduce,
    SetJaccard,
    Similarity,
    TwoPass,
)

RNG = np.random.default_rng(0)
FEATURES = np.abs(RNG.normal(size=(40, 6))).astype(np.float32)
PRIOR = CoOccurrencePrior.fit(FEATURES, np.repeat(np.arange(8), 5))
CONFLICT = ConflictPenalized(SetJaccard(tau=2.5), PRIOR, 0.3, 0.05, Reduce.SUM, shortlist=7)


@pytest.mark.parametrize(
    ("thing", "known"),
    [
        *((thing, SIMILARITIES) for thing in (Cosine(unit_gallery=True), Euclidean(), PartCosine(4, 0.5))),
        *((thing, SIMILARITIES) for thing in (SetJaccard(), SetJaccard(0.5), SetJaccard(1))),
        *((MaskedCosine(side), SIMILARITIES) for side in MaskSide),
        (TwoPass(Cosine(dtype=MatmulDtype.BFLOAT16), MaskedCosine(MaskSide.BOTH), 9), SIMILARITIES),
        *((thing, RERANKERS) for thing in (KReciprocal(), AlphaQueryExpansion(), SimilarityInference())),
        *((SimilarityInference(mode=mode), RERANKERS) for mode in Mode),
    ],
)
def test_what_compares_comes_back_from_json(thing, known):
    arrays = {}
    assert from_json(json.loads(json.dumps(to_json(thing, known, arrays))), known, arrays) == thing
    assert not arrays


def test_every_similarity_of_the_library_has_a_name():
    offered = {getattr(glimpse.similarity, name) for name in glimpse.similarity.__all__}
    concrete = {kind for kind in offered if isinstance(kind, type) and issubclass(kind, Similarity)}
    assert concrete - {Similarity} == set(SIMILARITIES.values())


@pytest.mark.parametrize("similarity", [CONFLICT, TwoPass(SetJaccard(), CONFLICT)], ids=["alone", "inside"])
def test_a_learned_prior_lies_beside_the_card_and_comes_back_bit_for_bit(tmp_path, similarity):
    Retriever(ColorEncoder(), similarity).save(tmp_path / "saved")
    assert {path.name for path in (tmp_path / "saved").iterdir()} == {"card.json", ARRAYS}
    back = Retriever.load(tmp_path / "saved").similarity
    conflict = back.exact if isinstance(back, TwoPass) else back
    np.testing.assert_array_equal(conflict.prior.together, PRIOR.together)
    assert conflict.prior.scale == PRIOR.scale
    assert (conflict.weight, conflict.epsilon, conflict.reduce, conflict.shortlist) == (
        0.3,
        0.05,
        Reduce.SUM,
        7,
    )
    assert conflict.similarity == SetJaccard(tau=2.5)
    query, gallery = Embeddings(FEATURES[:5]), Embeddings(FEATURES[5:])
    np.testing.assert_array_equal(back.pairwise(query, gallery), similarity.pairwise(query, gallery))


def test_two_priors_do_not_share_a_place(tmp_path):
    other = ConflictPenalized(SetJaccard(), CoOccurrencePrior(PRIOR.together * 0.5, 2.0), 0.1)
    Retriever(ColorEncoder(), TwoPass(other, CONFLICT)).save(tmp_path / "saved")
    back = Retriever.load(tmp_path / "saved").similarity
    np.testing.assert_array_equal(back.coarse.prior.together, PRIOR.together * 0.5)
    np.testing.assert_array_equal(back.exact.prior.together, PRIOR.together)


def test_an_array_that_was_changed_or_is_gone_is_refused(tmp_path):
    folder = tmp_path / "saved"
    Retriever(ColorEncoder(), CONFLICT).save(folder)
    held = load_file(folder / ARRAYS)
    save_file({name: array + 1 for name, array in held.items()}, folder / ARRAYS)
    with pytest.raises(StorageError, match="is not the one that was saved with it"):
        Retriever.load(folder)
    (folder / ARRAYS).unlink()
    card = json.loads((folder / "card.json").read_text())
    (folder / "card.json").write_text(json.dumps(card | {"files": {}}))
    with pytest.raises(StorageError, match=r"the array 'prior\.together', which comparing\.safetensors"):
        Retriever.load(folder)
    save_file({"prior.together": np.ones((2, 3), np.float32)}, folder / ARRAYS)
    with pytest.raises(StorageError, match=r"a prior must be float32 \[C, C\], got float32 \[2, 3\]"):
        Retriever.load(folder)


def test_cards_of_earlier_versions_name_the_dtype_otherwise():
    coarse = {"name": "cosine", "unit_gallery": False, "precision": "bfloat16"}
    values = {
        "name": "two-pass",
        "coarse": coarse,
        "exact": {"name": "masked-cosine", "precision": "float32"},
    }
    expected = TwoPass(Cosine(dtype=MatmulDtype.BFLOAT16), MaskedCosine())
    assert from_json(values, SIMILARITIES, {}) == expected
    with pytest.raises(OptionError, match="set-jaccard has no value 'precision'"):
        from_json({"name": "set-jaccard", "precision": "float32"}, SIMILARITIES, {})


@pytest.mark.parametrize(
    ("values", "sentence"),
    [
        ({"name": "two-pass", "coarse": {"name": "cosine"}}, "two-pass lacks the value 'exact'"),
        ({"name": "part-cosine"}, "part-cosine lacks the value 'parts'"),
        ({"name": "two-pass", "coarse": "cosine", "exact": {"name": "cosine"}}, "the card names 'cosine'"),
        ({"name": "masked-cosine", "side": ["both"]}, "side must be"),
        ({"name": "cosine", "device": "cuda"}, "has no value 'device'"),
        (
            {"name": "conflict-penalized", "similarity": {"name": "set-jaccard"}, "prior": 1, "weight": 1},
            "prior must be an object",
        ),
    ],
)
def test_what_a_card_says_wrongly_is_one_sentence(values, sentence):
    with pytest.raises(OptionError, match=sentence):
        from_json(values, SIMILARITIES, {})

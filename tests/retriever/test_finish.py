"""What a method fits after training lies beside its network and comes back with it."""

import json

import numpy as np
import pytest
from micro_retrievers import micro_encoder

from glimpse.errors import OptionError, StorageError
from glimpse.evaluation import Roc, calibrate
from glimpse.models.storage import save_network
from glimpse.reranking import SimilarityInference
from glimpse.retriever import Finished, Retriever
from glimpse.retriever.codec import ARRAYS
from glimpse.retriever.finish import FINISH, FINISH_ARRAYS, read_finished, write_finished
from glimpse.similarity import ConflictPenalized, CoOccurrencePrior, Cosine, SetJaccard

RNG = np.random.default_rng(0)
PRIOR = CoOccurrencePrior.fit(np.abs(RNG.normal(size=(40, 6))).astype(np.float32), np.repeat(np.arange(8), 5))
CURVE = Roc(np.array([0.9, 0.4]), np.array([0.5, 1.0]), np.array([0.0, 0.25]), 2, 4)
WHOLE = Finished(
    ConflictPenalized(SetJaccard(tau=2.5), PRIOR, 0.3),
    {"ceiling": PRIOR.ceiling, "threshold": np.array(0.25), "rows": np.arange(6).reshape(2, 3).T},
    calibrate(CURVE, 0.25, "training rows"),
)


def saved(folder, finished=WHOLE):
    """A network with what was finished, as training leaves it."""
    encoder = micro_encoder()
    folder.mkdir()
    beside = write_finished(folder, finished)
    save_network(folder, encoder.card, encoder.network.state_dict(), beside)
    return folder


def same(one, other):
    assert type(one.similarity) is type(other.similarity)
    np.testing.assert_array_equal(one.similarity.prior.together, other.similarity.prior.together)
    assert one.similarity.prior.scale == other.similarity.prior.scale
    assert one.similarity.similarity == other.similarity.similarity
    assert one.similarity.weight == other.similarity.weight
    assert one.calibration.as_dict() == other.calibration.as_dict()
    assert one.arrays.keys() == other.arrays.keys()
    for name, array in one.arrays.items():
        assert array.dtype == other.arrays[name].dtype
        np.testing.assert_array_equal(array, other.arrays[name], strict=True)


def test_it_comes_back_bit_for_bit_from_a_networks_folder_and_from_a_retrievers(tmp_path):
    same(read_finished(saved(tmp_path / "net")), WHOLE)
    retriever = Retriever.load(tmp_path / "net")
    same(retriever, WHOLE)
    retriever.save(tmp_path / "retriever")
    same(Retriever.load(tmp_path / "retriever"), WHOLE)


def test_a_re_ranking_comes_back_and_what_was_saved_before_there_were_any_has_none(tmp_path):
    reranker = SimilarityInference(weight=0.1, paths=3)
    folder = saved(tmp_path / "net", Finished(reranker=reranker))
    assert Retriever.load(folder).reranker == reranker
    retriever = Retriever.load(folder)
    retriever.save(tmp_path / "retriever")
    assert Retriever.load(tmp_path / "retriever").reranker == reranker
    other = tmp_path / "before"
    other.mkdir()
    values = json.loads((folder / FINISH).read_text())
    del values["reranker"]
    (other / FINISH).write_text(json.dumps(values))
    assert read_finished(other).reranker is None


def test_what_was_not_fitted_is_as_the_networks_card_says(tmp_path):
    folder = saved(tmp_path / "net", Finished(arrays={"seen": np.array([True])}))
    assert {path.name for path in folder.glob("*finish*")} == {FINISH, FINISH_ARRAYS}
    retriever = Retriever.load(folder)
    assert (retriever.similarity, retriever.calibration) == (Cosine(), None)
    assert retriever.arrays["seen"].tolist() == [True]


@pytest.mark.parametrize("name", [FINISH, ARRAYS, FINISH_ARRAYS])
def test_a_file_that_is_gone_cut_or_anothers_is_one_sentence(tmp_path, name):
    path = saved(tmp_path / "net") / name
    path.write_bytes(path.read_bytes()[:-9])
    with pytest.raises(
        StorageError, match=f"the file {name} of the network .* is not the one that was saved"
    ):
        Retriever.load(tmp_path / "net")
    path.unlink()
    with pytest.raises(StorageError, match=f"the network .* lacks its file {name}"):
        Retriever.load(tmp_path / "net")


def without_prints(folder):
    """The card no longer says what the files were, as if somebody had edited them by hand."""
    card = json.loads((folder / "network.json").read_text())
    (folder / "network.json").write_text(json.dumps({k: v for k, v in card.items() if k != "files"}))
    return folder


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({"format": "glimpse-finish-2"}, "must be of format glimpse-finish-1"),
        ({"more": 1}, "have the keys arrays, calibration"),
        ({"similarity": {"name": "cosines"}}, "the card names 'cosines'"),
        ({"calibration": {"wanted": 0.1}}, "not a whole calibration"),
        ({"arrays": ["ceiling"]}, r"finish\.safetensors holds \['ceiling', 'rows', 'threshold'\]"),
        ({"arrays": 3}, "it names the arrays 3"),
    ],
)
def test_what_it_says_wrongly_is_one_sentence(tmp_path, change, sentence):
    folder = without_prints(saved(tmp_path / "net"))
    values = json.loads((folder / FINISH).read_text())
    (folder / FINISH).write_text(json.dumps(values | change))
    with pytest.raises(
        StorageError, match=rf"the finish\.json of the network .* cannot be used: .*{sentence}"
    ):
        Retriever.load(folder)


@pytest.mark.parametrize(("name", "reason"), [(FINISH, ""), (ARRAYS, "prior"), (FINISH_ARRAYS, "arrays")])
def test_damage_that_no_print_tells_of_is_one_sentence_too(tmp_path, name, reason):
    folder = without_prints(saved(tmp_path / "net"))
    (folder / name).write_bytes(b"{")
    with pytest.raises(StorageError, match=r"the finish\.json of the network .* cannot be used"):
        Retriever.load(folder)
    if reason:
        (folder / name).unlink()
        with pytest.raises(
            StorageError, match=rf"the finish\.json of the network .* cannot be used: .*{reason}"
        ):
            Retriever.load(folder)


@pytest.mark.parametrize("array", [[1.0], np.array(["a"]), np.array([None])])
def test_only_arrays_that_can_be_kept_are_taken(array):
    with pytest.raises(OptionError, match="words must be an array of booleans or of numbers"):
        Finished(arrays={"words": array})

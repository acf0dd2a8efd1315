import numpy as np

from glimpse import Retriever
from glimpse.methods.fit import run
from glimpse.methods.prepare import prepared_from_seed
from glimpse.methods.sim import inference_of, prepare_sim
from glimpse.models.bot import BoTNetwork
from glimpse.recipes.groups import SamplerRecipe
from glimpse.recipes.provenance import with_settings
from glimpse.recipes.registry import recipe_of
from glimpse.recipes.sim import InferenceRecipe, SimRecipe
from glimpse.records import Capture
from glimpse.reranking import SimilarityInference
from glimpse.training.build import build_sampler
from glimpse.training.sampler import BalancedSampler


def test_an_epoch_takes_each_person_once(people):
    modality = np.tile(["rgb", "ir"], 32)
    data = type(people)(people.records.with_columns(modality=modality), people.pixels)
    published = recipe_of("sim").sampler
    assert (published.persons, published.images, published.balanced) == (16, 4, True)
    sampler = build_sampler(SamplerRecipe(3, 2, balanced=True, length=published.length), data, seed=0)
    assert isinstance(sampler, BalancedSampler)
    plan = sampler.plan(1)
    assert [len(batch) for batch in plan] == [12, 12]  # 8 persons, 3 at a time; two are left over
    shown = [set(data.labels[batch].tolist()) for batch in plan]
    assert [len(persons) for persons in shown] == [3, 3]
    assert not shown[0] & shown[1]


def test_the_retriever_is_saved_with_the_re_ranking_and_ranks_by_it(people, micro, tmp_path):
    inference = InferenceRecipe(weight=0.1, paths=2, neighbors=3, k_query=3, k_gallery=4, alpha=0.7)
    recipe = micro(SimRecipe(inference=inference), epochs=1)
    prepared = prepared_from_seed("sim", recipe, people)
    run(prepared, "sim", recipe, people, tmp_path / "run", None, None, resume=False, quiet=True)
    retriever = Retriever.load(tmp_path / "run" / "final")
    assert isinstance(retriever.encoder.network, BoTNetwork)
    wanted = SimilarityInference(weight=0.1, paths=2, neighbors=3, k_query=3, k_gallery=4, alpha=0.7)
    assert retriever.reranker == wanted
    query, gallery = (
        retriever.encoder.embed(people.pixels.read(rows), Capture.unknown(len(rows)))
        for rows in (np.arange(4), np.arange(4, 40))
    )
    scores = wanted.scores(query, gallery, retriever.similarity)
    np.testing.assert_array_equal(retriever.score(query, gallery), scores)


def test_without_the_re_ranking_nothing_is_added(people, micro):
    assert prepare_sim(micro(SimRecipe(inference=InferenceRecipe(use=False))), people).finish is None


def test_the_constants_of_a_data_set_are_chosen_by_name_and_may_be_departed_from():
    def told(*settings):
        return inference_of(with_settings(SimRecipe(), settings).inference)

    assert told() == SimilarityInference.sysu()
    assert told("inference.preset=regdb") == SimilarityInference.regdb()
    chosen = told("inference.preset=regdb", "inference.k_query=12", "inference.weight=0")
    assert chosen == SimilarityInference(weight=0.0, paths=5, k_query=12, alpha=0.7)

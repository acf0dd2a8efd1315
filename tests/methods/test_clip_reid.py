from dataclasses import replace

import pytest
import torch

from glimpse.methods.clip_reid import (
    CACHED,
    IMAGE_STAGE,
    PROMPT_STAGE,
    ClipReID,
    keep_prototypes,
    prepare_clip_reid,
    with_image_vectors,
)
from glimpse.models.backbones.sizes import CLIP_TEXT, Size
from glimpse.models.backbones.text import TextBackbone
from glimpse.models.clip_reid import ClipReIDNetwork, ClipReIDOptions
from glimpse.models.text.prompts import PERSON_PROMPT, PersonPrompts, wordless_template
from glimpse.recipes.clip_reid import ClipReIDRecipe
from glimpse.training.build import build_schedule
from glimpse.training.loop import train
from glimpse.training.losses import cross_entropy, margin_triplet, supervised_contrast
from glimpse.training.stages import Step

TEXT = CLIP_TEXT[Size.MICRO]


def method(persons=2):
    torch.manual_seed(0)
    network = ClipReIDNetwork(Size.MICRO, (64, 32), 0, ClipReIDOptions())
    texts, template = TextBackbone(TEXT), wordless_template(TEXT)
    return ClipReID(network, texts, template, persons, ClipReIDRecipe()).eval()


def step(stage):
    return Step(stage, "all", 1, 1, 0, 1)


def test_the_published_prompt():
    assert PERSON_PROMPT.before == (49406, 320, 1125, 539, 320)
    assert (PERSON_PROMPT.words, PERSON_PROMPT.after) == (4, (2533, 269, 49407))
    assert PERSON_PROMPT.end == 11
    assert wordless_template(CLIP_TEXT[Size.BASE]) is PERSON_PROMPT


def test_words_that_are_those_of_a_sentence_give_its_text_vector():
    backbone = TextBackbone(TEXT).eval()
    template = wordless_template(TEXT)
    prompts = PersonPrompts(backbone, template, 3)
    ids = [*template.before, 7, 8, 9, 10, *template.after]
    with torch.no_grad():
        prompts.words[1] = backbone.words(torch.tensor([7, 8, 9, 10]))
        padded = torch.tensor([ids + [0] * (TEXT.context - len(ids))])
        whole = backbone(padded, torch.tensor([template.end])).projected
        torch.testing.assert_close(prompts(torch.tensor([1])), whole)


def test_each_person_is_computed_once_and_given_to_all_rows():
    prompts = method(persons=5).prompts
    labels = torch.tensor([3, 0, 3, 4])
    one_by_one = torch.cat([prompts(label[None]) for label in labels])
    torch.testing.assert_close(prompts(labels), one_by_one)
    torch.testing.assert_close(prompts.prototypes()[labels], one_by_one)


def test_the_first_stage_contrasts_cached_vectors_with_texts_both_ways(batch):
    model = method()
    cached = torch.randn(4, 32, generator=torch.Generator().manual_seed(5))
    losses = model.losses(replace(batch, columns={CACHED: cached}), step(PROMPT_STAGE))
    texts = model.prompts(batch.labels)
    torch.testing.assert_close(losses["image_to_text"], supervised_contrast(cached, texts, batch.labels))
    torch.testing.assert_close(losses["text_to_image"], supervised_contrast(texts, cached, batch.labels))


def test_the_golden_contrast_of_the_source():
    images = torch.tensor([[1.0, 0], [0.5, 0.5], [0, 1]])
    texts = torch.tensor([[1, 0.2], [1, 0.2], [0.1, 0.8]])
    labels = torch.tensor([0, 0, 1])
    assert supervised_contrast(images, texts, labels).item() == pytest.approx(0.890025, abs=1e-6)
    assert supervised_contrast(texts, images, labels).item() == pytest.approx(0.897179, abs=1e-6)


def test_the_second_stage_has_the_published_losses(batch):
    model = method()
    model.prototypes.normal_(generator=torch.Generator().manual_seed(6))
    losses = model.losses(batch, step(IMAGE_STAGE))
    features, labels = model.network(batch.images), batch.labels
    identity = cross_entropy(model.classifier(features.necked), labels, smoothing=0.1)
    identity += cross_entropy(model.projected_classifier(features.projected_necked), labels, smoothing=0.1)
    torch.testing.assert_close(losses["identity"], 0.25 * identity)
    metric = (features.early, features.feature, features.projected)
    torch.testing.assert_close(losses["triplet"], sum(margin_triplet(x, labels, margin=0.3) for x in metric))
    towards = cross_entropy(features.projected @ model.prototypes.T, labels, smoothing=0.1)
    torch.testing.assert_close(losses["image_to_text"], towards)


def test_the_published_rates():
    recipe = ClipReIDRecipe()
    first = build_schedule(recipe.prompt_optimizer, recipe.prompt_epochs)
    rates = [first(epoch, recipe.prompt_optimizer.lr) for epoch in (1, 5, 60, 120)]
    assert rates == pytest.approx([7.8e-5, 3.49e-4, 1.76e-4, 1e-6], rel=5e-3)
    second = build_schedule(recipe.optimizer, recipe.epochs)
    rates = [second(epoch, recipe.optimizer.lr) for epoch in (1, 5, 10, 30, 50)]
    assert rates == pytest.approx([9.5e-7, 2.75e-6, 5e-6, 5e-7, 5e-8])


def test_cached_vectors_are_those_of_unaugmented_images_without_cameras(people, micro):
    prepared = prepare_clip_reid(micro(ClipReIDRecipe(cameras=True)), people)
    model = prepared.method
    cached = with_image_vectors(model, people)
    assert cached.pixels is None
    images = torch.from_numpy(people.pixels.read([0, 63])).permute(0, 3, 1, 2).float() / 127.5 - 1
    with torch.no_grad():
        alone = model.network.eval()(images).projected
    torch.testing.assert_close(cached.columns[CACHED][[0, 63]], alone, rtol=1e-4, atol=1e-5)


def test_nothing_is_validated_while_the_embedding_stays_as_it_is(people, micro):
    stages = prepare_clip_reid(micro(ClipReIDRecipe()), people).stages
    assert {stage.name: stage.validated for stage in stages} == {PROMPT_STAGE: False, IMAGE_STAGE: True}


def test_each_stage_changes_only_what_it_trains(people, tmp_path, micro):
    recipe = micro(ClipReIDRecipe(), prompt_epochs=1, epochs=1)
    prepared = prepare_clip_reid(recipe, people)
    model, (first, second) = prepared.method, prepared.stages

    def state():
        return {name: value.clone() for name, value in model.state_dict().items()}

    def changed(before):
        return {
            name.split(".")[0] for name, value in model.state_dict().items() if not value.equal(before[name])
        }

    begun = state()
    train(model, people, [first], tmp_path / "first", seed=0, quiet=True)
    assert {n for n, v in model.state_dict().items() if not v.equal(begun[n])} == {"prompts.words"}
    learned = state()
    train(model, people, [second], tmp_path / "second", seed=0, quiet=True)
    assert changed(learned) == {"network", "classifier", "projected_classifier", "prototypes"}
    keep = model.prototypes.clone()
    keep_prototypes(model, people)
    torch.testing.assert_close(model.prototypes, keep)

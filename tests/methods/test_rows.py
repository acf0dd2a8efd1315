"""Which rows a method learns from: images once, or images with their captions."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from glimpse.choices import Reads
from glimpse.errors import OptionError
from glimpse.methods.rows import (
    ENDS,
    IDS,
    PixelsOfRows,
    RowsWarning,
    batch_of,
    caption_columns,
    caption_pairs,
    check_sampler,
    each_image,
    learned_rows,
    smaller_batches,
    training_data,
    usable_rows,
)
from glimpse.models.text.vocabularies import train_tokenizer
from glimpse.recipes.bot import BoTRecipe
from glimpse.recipes.clip import ClipRecipe
from glimpse.recipes.groups import SamplerRecipe
from glimpse.records import Records
from glimpse.training.augment import Augmentation, Draws
from glimpse.training.batches import IMAGE_MODALITY, make_batch, read_raw

NAMES = ["a.png", "b.png", "c.png", "d.png"]


def captioned(*, infrared=False):
    """Four images of two persons; two, one, three and one captions."""
    images = Records.from_columns(
        NAMES,
        [5, 5, 8, 8],
        camera=[1, 2, 1, 3],
        modality=["rgb", "rgb", "rgb", "ir" if infrared else "rgb"],
        kind=["whole", "occluded", "", ""],
        extra={"sequence": [10, 11, 12, 13]},
    )
    texts = Records.from_columns(
        [NAMES[0], NAMES[0], NAMES[1], NAMES[2], NAMES[2], NAMES[2], NAMES[3]],
        [5, 5, 5, 8, 8, 8, 8],
        modality="text",
        caption=["a red coat", "red", "the back", "a bag", "blue", "a hat", "gray"],
        extra={"sequence": [0] * 7},
    )
    return Records.concat([images, texts])


class Shades:
    """Row i is of the one shade 10 i."""

    def read(self, rows):
        return np.broadcast_to((10 * rows).astype(np.uint8)[:, None, None, None], (len(rows), 4, 2, 3))


def test_a_method_of_images_gets_each_image_once():
    rows = captioned()
    found = usable_rows("bot", rows)
    assert found == rows[:4]
    assert learned_rows("bot", found) == rows[:4]


def test_rows_without_captions_are_what_they_were():
    rows = captioned()[:4]
    assert usable_rows("bot", rows) is rows
    assert each_image(rows) == rows


def test_a_method_that_reads_gets_every_caption_with_what_is_known_of_its_image():
    pairs = learned_rows("clip", usable_rows("clip", captioned(infrared=True)))
    assert pairs.caption.tolist() == ["a red coat", "red", "the back", "a bag", "blue", "a hat", "gray"]
    assert pairs.path.tolist() == [NAMES[i] for i in (0, 0, 1, 2, 2, 2, 3)]
    assert pairs.camera.tolist() == [1, 1, 2, 1, 1, 1, 3]
    assert pairs.kind.tolist() == ["whole", "whole", "occluded", "", "", "", ""]
    assert pairs.extra["sequence"].tolist() == [10, 10, 11, 12, 12, 12, 13]
    assert pairs.extra[IMAGE_MODALITY].tolist() == ["rgb"] * 6 + ["ir"]


def test_nobody_knows_what_took_an_image_that_has_no_row_of_its_own():
    alone = captioned()[4:]
    pairs = caption_pairs(alone)
    assert pairs.extra[IMAGE_MODALITY].tolist() == [""] * 7
    assert pairs.path.tolist() == alone.path.tolist()
    assert len(each_image(pairs)) == 4


def test_an_image_without_a_caption_is_left_out_and_somebody_is_told():
    with pytest.warns(RowsWarning, match="1 of 4 images have no caption and are not learned from"):
        pairs = caption_pairs(captioned()[:10])
    assert NAMES[3] not in pairs.path.tolist()


@pytest.mark.parametrize(
    ("method", "rows", "sentence"),
    [
        ("clip", slice(0, 4), "clip learns from images with captions, and none of the 4 training rows is a"),
        ("bot", slice(4, 11), "bot learns from images, and all of the 7 training rows are captions"),
    ],
)
def test_rows_that_a_method_cannot_learn_from_are_refused(method, rows, sentence):
    with pytest.raises(OptionError, match=sentence):
        usable_rows(method, captioned()[rows])


def test_a_method_of_another_package_says_what_it_reads(monkeypatch):
    from glimpse.methods import rows as module
    from glimpse.recipes.registry import MethodRow

    row = MethodRow("reader", recipe="a:B", network="a:B", prepare="a:b", reads=Reads.CAPTIONS)
    monkeypatch.setattr(module, "row_of", lambda method: row)
    assert len(learned_rows("reader", usable_rows("reader", captioned()))) == 7


def test_a_balanced_sampler_is_refused_the_captions_as_a_second_modality():
    recipe = replace(BoTRecipe(), sampler=SamplerRecipe(persons=2, images=1, balanced=True))
    with pytest.raises(OptionError, match="a balanced sampler needs two modalities, got only rgb"):
        check_sampler(recipe, learned_rows("bot", usable_rows("bot", captioned())))


def test_batches_shrink_to_the_persons_that_there_are_and_one_person_is_too_few():
    rows = captioned()[:4]
    recipe = smaller_batches(BoTRecipe(), rows)
    assert recipe == replace(BoTRecipe(), sampler=SamplerRecipe(persons=2))
    check_sampler(recipe, rows)
    assert smaller_batches(recipe, rows) is recipe
    alone = rows.filter(person=rows.person[0])
    with pytest.raises(OptionError, match="a batch needs 16 persons, the training rows have 1"):
        check_sampler(smaller_batches(BoTRecipe(), alone), alone)


def test_batches_of_clip_shrink_to_the_images_that_there_are():
    pairs = learned_rows("clip", captioned())
    recipe = smaller_batches(ClipRecipe(), pairs)
    assert recipe == replace(ClipRecipe(), batch=4)
    assert smaller_batches(recipe, pairs) is recipe
    assert smaller_batches(ClipRecipe(batch=3), pairs) == ClipRecipe(batch=3)
    assert (batch_of(recipe), batch_of(BoTRecipe())) == ((4, "images"), (16, "persons"))


def test_balanced_batches_count_the_persons_of_every_modality():
    persons = np.repeat(np.arange(8), 2)
    modality = ["rgb", "ir"] * 5 + ["rgb", "rgb"] * 3  # three persons lack an infrared image
    rows = Records.from_columns([f"{row}.png" for row in range(16)], persons, modality=modality)
    for balanced, found in ((False, 8), (True, 5)):
        recipe = replace(BoTRecipe(), sampler=SamplerRecipe(balanced=balanced))
        assert smaller_batches(recipe, rows).sampler.persons == found


def test_maps_are_made_once_per_image_and_reach_every_row():
    pairs = caption_pairs(captioned(infrared=True))
    assert each_image(pairs) == captioned(infrared=True)[:4]
    maps = np.arange(4, dtype=np.uint8)[:, None, None] * np.ones((1, 4, 2), np.uint8)
    data = training_data(pairs, Shades(), {"person": maps})
    assert data.maps["person"][:, 0, 0].tolist() == [0, 0, 1, 2, 2, 2, 3]


def test_some_rows_can_be_read_as_if_there_were_no_others():
    once = PixelsOfRows(Shades(), np.array([0, 2, 3, 6]))
    assert once.read(np.array([3, 1]))[:, 0, 0, 0].tolist() == [60, 20]


def test_tokens_words_and_what_took_the_image_reach_the_batch():
    pairs = caption_pairs(captioned(infrared=True))
    tokenizer = train_tokenizer(pairs.caption.tolist(), size=600, context=8)
    data = training_data(pairs, Shades(), {})
    data = replace(data, columns=caption_columns(pairs, tokenizer))
    rows = np.array([6, 0])
    nothing = Draws(placement=None, colors=None, rectangles=None)
    batch = make_batch(data, read_raw(data, rows), Augmentation(), lambda size: nothing, torch.device("cpu"))
    assert batch.captions == ("gray", "a red coat")
    assert [tokenizer.decode(ids) for ids in batch.columns[IDS].tolist()] == ["gray", "a red coat"]
    assert batch.columns[ENDS].tolist() == tokenizer.encode(["gray", "a red coat"]).ends.tolist()
    assert batch.modalities.tolist() == [1, 0]  # of the images, not of the captions

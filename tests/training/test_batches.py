import threading

import numpy as np
import pytest
import torch
from toy_method import toy_data

from glimpse.choices import Size
from glimpse.errors import RecordsError, ShapeError
from glimpse.models.card import NetworkCard
from glimpse.models.taken import Taken
from glimpse.pixels import PixelCache
from glimpse.progress import silent
from glimpse.records import NO_CAMERA, NO_MODALITY, Capture, Records
from glimpse.training.augment import Augmentation, FlipAndCrop, MapRule
from glimpse.training.batches import IMAGE_MODALITY, TrainingData, make_batch, prefetch, read_raw

CPU = torch.device("cpu")


def batch_of(data, rows, augmentation=None):
    augmentation = augmentation or Augmentation()
    raw = read_raw(data, np.array(rows))
    return make_batch(
        data,
        raw,
        augmentation,
        lambda size: augmentation.draw(len(rows), size, torch.Generator().manual_seed(0)),
        CPU,
    )


def test_persons_and_cameras_become_numbers_from_0_in_sorted_order():
    records = Records.from_columns(
        ["a", "b", "c"], [70, 3, 70], camera=[5, NO_CAMERA, 2], modality=["rgb", "ir", "rgb"]
    )
    data = TrainingData(records)
    assert data.labels.tolist() == [1, 0, 1]
    assert data.persons.tolist() == [3, 70]
    assert data.cameras.tolist() == [1, -1, 0]
    assert data.modalities.tolist() == [0, 1, 0]


def test_a_batch_tells_networks_what_its_images_were_taken_with():
    records = Records.from_columns(
        ["a", "b", "c", "a"],
        [70, 3, 70, 70],
        camera=[5, NO_CAMERA, 2, 5],
        modality=["ir", "rgb", NO_MODALITY, "text"],
        caption=["", "", "", "a red coat"],
    )
    data = TrainingData(records)
    assert data.modalities.tolist() == [1, 0, -1, 2]
    batch = batch_of(data, [3, 2, 1, 0])
    assert batch.modalities.tolist() == [2, -1, 0, 1]
    assert batch.taken.cameras.tolist() == [1, 0, -1, 1]
    # captions are taken in no light, and the numbers are those that a card gives
    card = NetworkCard("bot", Size.MICRO, (64, 32), cameras=(2, 5), modalities=("rgb", "ir"))
    told = Taken.of(Capture.of(records[[3, 2, 1, 0]]), card)
    assert batch.taken.modalities.tolist() == told.modalities.tolist() == [-1, -1, 0, 1]
    assert batch.taken.cameras.tolist()[1:] == told.cameras.tolist()[1:]


def test_rows_of_an_image_with_captions_know_their_image():
    rows = Records.from_columns(
        ["b", "a", "b", "c"],
        [1, 2, 1, 3],
        modality="text",
        caption=["one", "two", "three", "four"],
        extra={IMAGE_MODALITY: ["ir", "rgb", "ir", "rgb"]},
    )
    data = TrainingData(rows)
    assert data.captioned
    assert data.images.tolist() == [0, 1, 0, 2]
    assert data.first_rows.tolist() == [0, 1, 3]
    assert data.modalities.tolist() == [1, 0, 1, 0]
    assert batch_of(data, [2, 1]).captions == ("three", "two")


def test_images_without_captions_are_rows_of_their_own():
    data = toy_data()
    assert not data.captioned
    assert data.images.tolist() == data.first_rows.tolist() == list(range(24))
    assert batch_of(data, [3]).captions == ()


def test_a_batch_holds_everything_that_belongs_to_its_rows():
    data = toy_data()
    parts = np.random.default_rng(0).integers(0, 4, (24, 16, 8), dtype=np.uint8)
    tokens = torch.arange(48).view(24, 2)
    data = TrainingData(data.records, data.pixels, {"parts": parts}, {"tokens": tokens})
    batch = batch_of(data, [5, 0, 23])
    assert len(batch) == 3
    assert batch.rows.tolist() == [5, 0, 23]
    assert batch.labels.tolist() == [1, 0, 5]
    assert batch.cameras.tolist() == [2, 0, 2]
    assert torch.equal(batch.columns["tokens"], tokens[[5, 0, 23]])
    assert np.array_equal(batch.maps["parts"], parts[[5, 0, 23]])
    pixels = data.pixels.read(np.array([5, 0, 23]))
    assert np.allclose(batch.images.permute(0, 2, 3, 1) * 127.5 + 127.5, pixels, atol=1e-3)


def test_sides_of_a_map_change_places_in_mirrored_images():
    data = toy_data()
    parts = np.random.default_rng(0).integers(0, 3, (24, 16, 8), dtype=np.uint8)
    mirror = np.arange(256, dtype=np.uint8)
    mirror[[1, 2]] = 2, 1
    data = TrainingData(data.records, data.pixels, {"parts": parts}, rules={"parts": MapRule(mirror)})
    batch = batch_of(data, [3, 4], Augmentation(geometry=FlipAndCrop(flip=1, padding=0)))
    assert np.array_equal(batch.maps["parts"], mirror[parts[[3, 4], :, ::-1]])


def test_without_pixels_a_batch_has_empty_images():
    batch = batch_of(TrainingData(toy_data().records, columns={"z": torch.rand(24, 5)}), [1, 2])
    assert batch.images.shape == (2, 3, 0, 0)
    assert batch.columns["z"].shape == (2, 5)


def test_the_pixel_cache_is_a_source(tmp_path):
    from PIL import Image

    paths = []
    for row in range(4):
        paths.append(str(tmp_path / f"{row}.png"))
        Image.new("RGB", (8, 16), (row * 60, 0, 255)).save(paths[-1])
    cache = PixelCache.build(paths, tmp_path / "cache", size=(16, 8), progress=silent)
    data = TrainingData(Records.from_columns(paths, [0, 0, 1, 1]), cache)
    batch = batch_of(data, [3, 1], Augmentation(geometry=FlipAndCrop(padding=0)))
    assert batch.images[0, 0].unique().item() == pytest.approx(180 / 127.5 - 1)
    assert batch.images[1, 2].unique().item() == pytest.approx(1)


def test_rows_of_nobody_and_columns_of_other_length_are_refused():
    with pytest.raises(RecordsError, match="row 1 shows nobody"):
        TrainingData(Records.from_columns(["a", "b"], [1, -1]))
    with pytest.raises(ShapeError, match="tokens has 3 rows, expected 24"):
        TrainingData(toy_data().records, columns={"tokens": torch.zeros(3)})


def test_reading_goes_on_one_batch_ahead_in_order():
    second_is_read = threading.Event()

    def make(rows):
        if rows[0] == 1:
            second_is_read.set()
        return int(rows[0])

    made = prefetch(make, [np.array([i]) for i in range(4)])
    assert next(made) == 0
    assert second_is_read.wait(10)
    assert list(made) == [1, 2, 3]
    assert list(prefetch(make, [])) == []


def test_an_error_while_reading_reaches_the_loop():
    def make(rows):
        raise ShapeError("broken")

    with pytest.raises(ShapeError, match="broken"):
        list(prefetch(make, [np.array([1])]))

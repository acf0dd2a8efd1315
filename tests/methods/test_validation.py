import numpy as np
import pytest
from micro_retrievers import told_apart

from glimpse.errors import OptionError
from glimpse.methods.validation import embed_rows, split_persons, validation_protocol
from glimpse.protocols import same_image, same_person_and_camera
from glimpse.records import DISTRACTOR, JUNK, NO_CAMERA, Records


def people(persons=10, images=6, cameras=3):
    person = np.repeat(np.arange(persons), images)
    camera = np.tile(np.arange(images) % cameras, persons)
    return Records.from_columns([f"{i}.jpg" for i in range(len(person))], person, camera=camera)


class Black:
    """Black pixels of every row."""

    def read(self, rows):
        return np.zeros((len(rows), 8, 4, 3), np.uint8)


def test_rows_are_embedded_in_the_modality_of_their_records():
    records = Records.from_columns(
        [f"{i}.png" for i in range(300)], 1, camera=[2, 7, 9] * 100, modality=["rgb", "ir", ""] * 100
    )
    encoder = told_apart()
    found = embed_rows(encoder.network, encoder.card, Black(), records)
    assert found.vectors[:, 3:].tolist() == [[4, 1], [8, 2], [0, 0]] * 100


def test_the_parts_have_no_person_in_common_and_lose_none():
    records = people()
    train, validation = split_persons(records, 0.2, seed=1)
    assert len(train.persons) == 8
    assert len(validation.persons) == 2
    assert set(train.persons) | set(validation.persons) == set(range(10))
    assert len(train) + len(validation) == 60
    again = split_persons(records, 0.2, seed=1)
    assert (train, validation) == again
    assert split_persons(records, 0.2, seed=2)[1] != validation


def test_junk_and_distractors_are_in_neither_part():
    records = Records.concat([people(), Records.from_columns(["x", "y"], [JUNK, DISTRACTOR], camera=1)])
    train, validation = split_persons(records, 0.3, seed=0)
    assert len(train) + len(validation) == 60


def test_at_least_one_person_is_set_aside_unless_none_is_wanted():
    assert len(split_persons(people(), 0.001, seed=0)[1].persons) == 1
    assert len(split_persons(people(), 0, seed=0)[1]) == 0


@pytest.mark.parametrize(("persons", "share"), [(10, 1.0), (10, -0.1), (1, 0.5), (10, 0.99)])
def test_impossible_shares_are_refused(persons, share):
    with pytest.raises(OptionError):
        split_persons(people(persons), share, seed=0)


def test_with_cameras_an_image_of_each_person_and_camera_asks():
    protocol = validation_protocol(people(), seed=0)
    assert protocol.exclusion is same_person_and_camera
    assert len(protocol.query) == 30
    assert len(set(zip(protocol.query.person, protocol.query.camera, strict=True))) == 30
    assert len(protocol.gallery) == 60
    assert protocol.validity()[0].valid == 30
    assert (protocol.comparison(protocol.trials[0]).matches_per_query() == 4).all()
    assert validation_protocol(people(), seed=1).query != protocol.query


@pytest.mark.parametrize("camera", [NO_CAMERA, 1])
def test_without_another_camera_every_image_asks_the_rest(camera):
    records = people().with_columns(camera=camera)
    protocol = validation_protocol(records, seed=0)
    assert protocol.exclusion is same_image
    assert protocol.validity()[0].valid == 60
    assert (protocol.comparison(protocol.trials[0]).matches_per_query() == 5).all()

from types import SimpleNamespace

import numpy as np
import pytest
import torch
from micro_retrievers import told_apart

from glimpse.choices import Size
from glimpse.errors import OptionError
from glimpse.methods.embedding import embed_rows
from glimpse.methods.validation import (
    Validation,
    check_answers,
    images_of,
    needed_images,
    protocol_of,
    split_persons,
    validation_protocol,
)
from glimpse.models.card import NetworkCard
from glimpse.models.clip import ClipNetwork
from glimpse.models.text.vocabularies import train_tokenizer
from glimpse.protocols import (
    Cmc,
    nothing,
    one_against_rest,
    same_image,
    same_person_and_camera,
    single_query,
    sysu_mm01,
    text_to_image,
    without_cameras,
)
from glimpse.protocols.exclusion import same_sysu_location
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


def test_a_person_is_set_aside_in_every_modality():
    rows = Records.concat([infrared(persons=10), captions(infrared(persons=10))])
    train, validation = split_persons(rows, 0.3, seed=3)
    assert set(validation.modality) == set(train.modality) == {"rgb", "ir", "text"}
    assert not set(train.persons) & set(validation.persons)
    assert len(train) + len(validation) == len(rows)


def infrared(persons=6):
    """Each person twice by the visible cameras 1 and 2, twice by the infrared cameras 3 and 6."""
    person = np.repeat(np.arange(persons), 4)
    camera = np.tile([1, 2, 3, 6], persons)
    modality = np.where(np.isin(camera, [3, 6]), "ir", "rgb")
    return Records.from_columns(
        [f"{row}.jpg" for row in range(len(person))], person, camera=camera, modality=modality
    )


def captions(images):
    return Records.from_columns(images.path, images.person, modality="text", caption="somebody in a coat")


def of_kinds(*kinds, persons=5):
    """Each person once of each kind, without cameras."""
    person = np.repeat(np.arange(persons), len(kinds))
    return Records.from_columns(
        [f"{row}.jpg" for row in range(len(person))], person, kind=np.tile(np.array(kinds), persons)
    )


def same_protocol(first, second):
    return (
        first.query == second.query
        and first.gallery == second.gallery
        and first.exclusion is second.exclusion
        and first.cmc is second.cmc
    )


def test_a_plain_data_set_is_validated_as_ever():
    rows = people()
    test = people(4)
    for like in (
        single_query(test, test),  # Market-1501
        single_query(test.with_columns(kind="occluded"), test),  # Occluded-Duke: only its queries have a kind
        one_against_rest(test),
    ):
        assert same_protocol(validation_protocol(rows, 3, like), validation_protocol(rows, 3))


@pytest.mark.parametrize("like", [None, "rest"])
def test_infrared_asks_visible_where_no_test_says_otherwise(like):
    rows = infrared()
    protocol = validation_protocol(rows, 3, like and one_against_rest(infrared(3)))
    assert protocol.query == rows.filter(modality="ir")
    assert protocol.gallery == rows.filter(modality="rgb")
    assert protocol.exclusion is same_person_and_camera
    assert (protocol.comparison(protocol.trials[0]).matches_per_query() == 2).all()


@pytest.mark.parametrize("camera", [5, NO_CAMERA])
def test_a_camera_that_sees_both_may_find_whom_no_other_has_seen(camera):
    protocol = validation_protocol(infrared().with_columns(camera=camera), 3)
    assert protocol.exclusion is nothing
    assert (protocol.comparison(protocol.trials[0]).matches_per_query() == 2).all()


def test_without_a_person_in_both_modalities_images_are_asked_as_usual():
    rows = infrared()
    keep = np.where(rows.person < 3, rows.modality == "rgb", rows.modality == "ir")
    protocol = validation_protocol(rows[keep], 3)
    assert set(protocol.query.modality) == set(protocol.gallery.modality) == {"rgb", "ir"}
    assert protocol.validity()[0].skipped == 0


def test_infrared_asks_visible_by_the_rule_of_the_data_set():
    rows, test = infrared(), infrared(3)
    like = sysu_mm01(test.filter(modality="ir"), test.filter(modality="rgb"), None)[0]
    protocol = validation_protocol(rows, 0, like)
    assert protocol.query == rows.filter(modality="ir")
    assert protocol.gallery == rows.filter(modality="rgb")
    assert protocol.exclusion is same_sysu_location
    assert protocol.cmc is Cmc.IDENTITIES
    # camera 3 does not look for what camera 2 sees
    matches = protocol.comparison(protocol.trials[0]).matches_per_query()
    assert matches.tolist() == [1 if camera == 3 else 2 for camera in protocol.query.camera]


@pytest.mark.parametrize("kind", ["partial", "occluded"])
def test_parts_and_hidden_persons_ask_whole_ones(kind):
    rows, test = of_kinds("whole", "partial", "occluded"), of_kinds(kind, "whole", persons=2)
    like = without_cameras(test.filter(kind=kind), test.filter(kind="whole"))
    protocol = validation_protocol(rows, 0, like)
    assert protocol.query == rows.filter(kind=kind)
    assert protocol.gallery == rows.filter(kind="whole")
    assert protocol.exclusion is nothing


def test_a_kind_that_only_queries_have_asks_every_other_image():
    rows = Records.concat([of_kinds("", "occluded")])
    like = without_cameras(of_kinds("occluded"), of_kinds(""))
    protocol = validation_protocol(rows, 0, like)
    assert protocol.query == rows.filter(kind="occluded")
    # no rule keeps a query from finding itself, so it is not searched
    assert protocol.gallery == rows.filter(kind="")
    by_camera = rows.with_columns(camera=np.tile([1, 2], 5))
    like = single_query(of_kinds("occluded"), of_kinds(""))
    protocol = validation_protocol(by_camera, 0, like)
    assert protocol.gallery == by_camera  # here the rule leaves it out


def test_a_kind_that_both_sides_have_is_query_and_gallery_alone():
    rows = of_kinds("whole", "whole", "occluded")
    like = without_cameras(of_kinds("whole"), of_kinds("whole"))
    protocol = validation_protocol(rows, 0, like)
    assert set(protocol.query.kind) == set(protocol.gallery.kind) == {"whole"}
    assert protocol.exclusion is same_image


def test_rows_that_cannot_be_like_the_test_are_validated_as_usual():
    rows = people()
    test = infrared(2)
    infrared_to_visible = without_cameras(test.filter(modality="ir"), test.filter(modality="rgb"))
    partial_to_whole = without_cameras(of_kinds("partial"), of_kinds("whole"))
    text_to_images = text_to_image(captions(test), test, name="test", trained_on="")
    kinds = rows.with_columns(kind=np.where(rows.person < 5, "whole", "partial"))  # nobody has both
    for like, records in (
        (infrared_to_visible, rows),
        (text_to_images, rows),
        (partial_to_whole, rows),
        (partial_to_whole, kinds),
    ):
        for texts in (False, True):
            found = validation_protocol(records, 2, like, texts=texts)
            assert same_protocol(found, validation_protocol(records, 2))


def test_captions_ask_images_where_they_are_read_and_images_where_not():
    images = people(4, images=3)
    rows = Records.concat([images, captions(images)])
    like = text_to_image(captions(people(2)), people(2), name="test", trained_on="")
    for protocol in (
        validation_protocol(rows, 0, like, texts=True),
        validation_protocol(rows, 0, texts=True),
    ):
        assert protocol.query == captions(images)
        assert protocol.gallery == images
        assert protocol.exclusion is nothing
    assert same_protocol(validation_protocol(rows, 0, like), validation_protocol(images, 0))
    # a data set of images is validated by images, though there are captions
    like = single_query(people(2), people(2))
    assert same_protocol(validation_protocol(rows, 0, like, texts=True), validation_protocol(images, 0))


def test_the_captions_own_image_does_not_count_if_it_does_not_at_the_test():
    images = people(4, images=3)
    rows = Records.concat([images, captions(images)])
    like = text_to_image(captions(images), images, name="test", trained_on="", exclude_matching_image=True)
    protocol = validation_protocol(rows, 0, like, texts=True)
    assert (protocol.comparison(protocol.trials[0]).matches_per_query() == 2).all()


def test_a_protocol_that_the_data_set_selects_by_is_taken_as_it_is_or_by_its_images():
    images = people(4, images=3).with_columns(sequence=np.arange(12))
    selection = text_to_image(captions(images), images, name="val", trained_on="")
    assert protocol_of(selection, 0, texts=True) is selection
    plain = protocol_of(selection, 0, texts=False)
    assert same_protocol(plain, validation_protocol(images.without_columns("sequence"), 0))
    of_images = single_query(images[:5], images)
    assert protocol_of(of_images, 0, texts=False) is of_images
    assert needed_images(of_images, of_images).path.tolist() == images.path.tolist()


def test_each_image_of_a_protocol_is_embedded_once_with_its_camera():
    images = people(3, images=4).with_columns(camera=1)
    protocol = protocol_of(images, 0)  # one camera: its numbers are of no use to the protocol
    assert (protocol.gallery.camera == NO_CAMERA).all()
    assert needed_images(images, protocol) == images
    assert images_of(images[:5], images[3:]).path.tolist() == images.path.tolist()
    rows = of_kinds("whole", "partial", "occluded")
    protocol = protocol_of(rows, 0, without_cameras(of_kinds("partial"), of_kinds("whole")))
    assert needed_images(rows, protocol) == rows.filter(kind=["whole", "partial"])


def test_a_validation_that_finds_nobody_is_refused_before_training():
    alone = Records.from_columns(["a", "b"], [1, 2], camera=[1, 2])
    with pytest.raises(OptionError, match="none of the 2 queries of the validation has a right answer"):
        check_answers(protocol_of(alone, 0), ": advice")
    check_answers(protocol_of(people(), 0))


def test_captions_are_embedded_by_the_networks_own_text_side():
    torch.manual_seed(0)
    network = ClipNetwork(Size.MICRO, (64, 32)).eval()
    words = ["a red coat", "a blue coat", "green trousers", "a white hat"]
    tokenizer = train_tokenizer(words, size=600, context=16)
    images = Records.from_columns(["a", "b", "c", "d"], [1, 2, 3, 4])
    texts = Records.from_columns(["d", "c", "b", "a"], [4, 3, 2, 1], modality="text", caption=words)
    pixels = np.random.default_rng(0).integers(0, 256, (4, 64, 32, 3), dtype=np.uint8)
    protocol = text_to_image(texts, images, name="validation", trained_on="")
    card = NetworkCard("clip", Size.MICRO, (64, 32))
    source = SimpleNamespace(read=lambda rows: pixels[rows])
    found = Validation(card, images, source, protocol, tokenizer)(SimpleNamespace(network=network))
    with torch.inference_mode():
        tokens = tokenizer.encode(words)
        asked = network.embed_text(torch.from_numpy(tokens.ids), torch.from_numpy(tokens.ends))
        seen = network.embed(torch.from_numpy(pixels).permute(0, 3, 1, 2).float() / 127.5 - 1)
    scores = torch.nn.functional.normalize(asked) @ torch.nn.functional.normalize(seen).T
    right = scores.flip(0).diagonal()  # of the last caption, the first image
    rank = (scores.flip(0) > right[:, None]).sum(1) + 1
    assert found["rank1"] == pytest.approx((rank == 1).float().mean().item())
    assert found["map"] == pytest.approx((1 / rank).mean().item())

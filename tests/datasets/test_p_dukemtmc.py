"""P-DukeMTMC-reID and its two settings."""

from glimpse.protocols import Validity


def test_p_duke_has_two_settings_over_the_same_rows(plant, quietly, own_problems):
    dataset = quietly(
        "p_dukemtmc",
        plant(
            "P-DukeMTMC-reid/train/whole_body_images/0001/0001_c1_f0044158.jpg",
            "P-DukeMTMC-reid/train/occluded_body_images/0001/0001_c6_f0044159.jpg",
            "P-DukeMTMC-reid/test/occluded_body_images/0004/0004_c1_f0044160.jpg",
            "P-DukeMTMC-reid/test/whole_body_images/0004/0004_c1_f0044161.jpg",
        ),
    )
    assert own_problems(dataset) == []
    assert dataset.train.kind.tolist() == ["whole", "occluded"]
    settings = {p.name: p.trained_on for p in dataset.protocols.values()}
    assert settings == {"supervised": "p_dukemtmc", "transfer": "market1501"}
    assert dataset.protocol("supervised").query == dataset.protocol("transfer").query
    # same camera in the name, and still a right answer: the set is measured without cameras
    assert dataset.protocol().validity() == (Validity(1, 0),)

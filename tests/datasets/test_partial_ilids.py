"""Partial-iLIDS in its three forms."""

import pytest

from glimpse.protocols import Validity


@pytest.mark.parametrize(
    "names",
    [
        ("Partial_iLIDS/partial_body_images/1.jpg", "Partial_iLIDS/whole_body_images/1.jpg"),
        ("PartialiLIDS/query/1_3.jpg", "PartialiLIDS/gallery/1_8.jpg"),
        ("Probe/001.jpg", "Gallery/001.jpg"),
    ],
)
def test_partial_ilids_reads_alike_in_its_three_forms(plant, quietly, own_problems, names):
    dataset = quietly("partial_ilids", plant(*names))
    assert own_problems(dataset) == []
    assert dataset.protocol().query.person.tolist() == [1]
    assert dataset.protocol().query.kind.tolist() == ["partial"]
    assert dataset.protocol().validity() == (Validity(1, 0),)

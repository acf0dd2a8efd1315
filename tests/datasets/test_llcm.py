"""LLCM: a tree of a few images with known answers."""

import pytest

from glimpse.protocols import Validity


@pytest.fixture
def llcm(plant):
    root = (
        plant(
            "LLCM/vis/0001/0001_c01_s185535_f7010_vis.jpg",
            "LLCM/nir/0001/0001_c02_s185535_f7011_nir.jpg",
            "LLCM/test_vis/cam1/0003/0003_c01_s185734_f3195_vis.jpg",
            "LLCM/test_vis/cam1/0003/0003_c01_s185734_f3196_vis.jpg",
            "LLCM/test_vis/cam2/0003/0003_c02_s185734_f3197_vis.jpg",
            "LLCM/test_nir/cam1/0003/0003_c01_s185734_f3198_nir.jpg",
            "LLCM/test_nir/cam1/0099/0099_c01_s185734_f3199_nir.jpg",
        )
        / "LLCM"
    )
    (root / "idx").mkdir()
    (root / "idx" / "train_vis.txt").write_text("vis/0001/0001_c01_s185535_f7010_vis.jpg 0\n")
    (root / "idx" / "train_nir.txt").write_text("nir/0001/0001_c02_s185535_f7011_nir.jpg 0\n")
    (root / "idx" / "test_id.txt").write_text("3")
    return root


def test_llcm_parses_to_known_records(llcm, quietly, own_problems):
    dataset = quietly("llcm", llcm)
    assert own_problems(dataset) == []
    assert dataset.train.modality.tolist() == ["rgb", "ir"]
    assert dataset.train.camera.tolist() == [1, 2]
    protocol = dataset.protocol("infrared-to-visible")
    assert protocol.query.person.tolist() == [3]  # 99 is not a test person
    assert len(protocol.trials) == 10
    assert [len(t.gallery) for t in protocol.trials] == [2] * 10
    assert protocol.validity()[0] == Validity(1, 0)
    # the other way, the only infrared image is of camera 1: queries of camera 1 have no answer left
    assert dataset.protocol("visible-to-infrared").validity()[0] == Validity(1, 2)

"""MSMT17: trees of a few images with known answers."""

import pytest

from glimpse.errors import LayoutError
from glimpse.protocols import Validity


def msmt(root, version):
    train, test = (
        f"{root}/{name}"
        for name in (("train", "test") if version == 1 else ("mask_train_v2", "mask_test_v2"))
    )
    lists = {
        "list_train.txt": [
            "0000/0000_000_01_0303morning_0008_0.jpg 0",
            "0001/0001_004_14_0302noon_0020_1_ex.jpg 1",
        ],
        "list_val.txt": ["0001/0001_005_15_0303afternoon_0021_1.jpg 1"],
        "list_query.txt": ["0000/0000_000_02_0114morning_0001_0.jpg 0"],
        "list_gallery.txt": [
            "0000/0000_001_03_0114morning_0002_0.jpg 0",
            "0001/0001_000_03_0114morning_0003_0.jpg 1",
        ],
    }
    images = [
        f"{train if name in ('list_train.txt', 'list_val.txt') else test}/{line.split()[0]}"
        for name, lines in lists.items()
        for line in lines
    ]
    return images, {name: "\n".join(lines) for name, lines in lists.items()}


@pytest.fixture(params=[1, 2])
def msmt_root(request, plant):
    images, lists = msmt(f"MSMT17_V{request.param}", request.param)
    root = plant(*images)
    for name, text in lists.items():
        (root / f"MSMT17_V{request.param}" / name).write_text(text)
    return root


def test_msmt_train_and_test_persons_both_from_0_are_kept_apart(msmt_root, quietly, own_problems):
    dataset = quietly("msmt17", msmt_root)
    assert own_problems(dataset) == []
    assert dataset.train.person.tolist() == [0, 1, 1]
    assert dataset.train.camera.tolist() == [1, 14, 15]
    assert dataset.train.extra["session"].tolist() == ["0303morning", "0302noon", "0303afternoon"]
    assert dataset.protocol().gallery.person.tolist() == [2, 3]
    assert not set(dataset.train.persons) & set(dataset.protocol().gallery.persons)
    assert dataset.protocol().validity() == (Validity(1, 0),)


def test_msmt_validation_rows_are_trained_on_only_when_asked(msmt_root, quietly):
    dataset = quietly("msmt17", msmt_root, with_validation=False)
    assert len(dataset.train) == 2
    assert dataset.validation.person.tolist() == [1]


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("0000/0000_000_01_0303morning_0008_0.jpg", "line 1: expected a path and a person"),
        ("0000/0000_000_01_0303morning_0008_0.jpg 5", "to another person than its name"),
        (
            "0000/0000_999_01_0303morning_0008_0.jpg 0",
            "1 of the 1 images listed in list_train.txt are missing",
        ),
    ],
)
def test_msmt_lists_that_do_not_fit_are_refused(msmt_root, quietly, line, message):
    next(msmt_root.glob("*/list_train.txt")).write_text(line)
    with pytest.raises(LayoutError, match=message):
        quietly("msmt17", msmt_root)

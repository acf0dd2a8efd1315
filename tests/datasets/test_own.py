import pytest

from glimpse.errors import LayoutError, OptionError
from glimpse.protocols import Validity
from glimpse.records import NO_CAMERA

PEOPLE = ("bob/a_c1.jpg", "alice/a_c1.jpg", "alice/b_c12.PNG", "notes.txt", "empty/readme.txt")


def test_a_folder_of_persons_is_numbered_by_sorted_name(plant, quietly):
    dataset = quietly("folder", plant(*PEOPLE))
    assert dataset.problems == ()
    assert dataset.train.person.tolist() == [0, 0, 1]
    assert dataset.train.extra["name"].tolist() == ["alice", "alice", "bob"]
    assert set(dataset.train.camera) == {NO_CAMERA}
    protocol = dataset.protocol()
    assert protocol.name == "one-against-rest"
    assert protocol.validity() == (Validity(2, 1),)


def test_numbered_folders_keep_their_numbers_unless_two_are_equal(plant, quietly):
    assert quietly("folder", plant("0007/a.jpg", "12/a.jpg")).train.person.tolist() == [7, 12]
    assert quietly("folder", plant("7/a.jpg", "07/a.jpg", root="other")).train.person.tolist() == [0, 1]


@pytest.mark.parametrize("pattern", [r"_c(\d+)\.", r"_c(?P<camera>\d+)(\.)"])
def test_a_pattern_finds_the_camera_in_the_name(plant, quietly, pattern):
    dataset = quietly("folder", plant(*PEOPLE), camera_pattern=pattern)
    assert dataset.train.camera.tolist() == [1, 12, 1]


@pytest.mark.parametrize(
    ("pattern", "error", "message"),
    [
        ("(", OptionError, "is not a regular expression"),
        (r"_c\d+", OptionError, "needs one group"),
        (r"(_)c(\d+)", OptionError, "needs one group"),
        (r"cam(\d+)", LayoutError, r"finds no number in .*a_c1\.jpg"),
        (r"_(c)", LayoutError, "finds no number"),
    ],
)
def test_a_bad_camera_pattern_is_explained(plant, quietly, pattern, error, message):
    with pytest.raises(error, match=message):
        quietly("folder", plant(*PEOPLE), camera_pattern=pattern)


def test_a_folder_may_bring_its_own_split(plant, quietly, own_problems):
    root = plant(
        "train/ann/1.jpg", "query/bob/1.jpg", "gallery/bob/2.jpg", "gallery/cem/1.jpg", "val/dan/1.jpg"
    )
    dataset = quietly("folder", root)
    assert own_problems(dataset) == []
    assert dataset.train.extra["name"].tolist() == ["ann"]
    assert dataset.validation.extra["name"].tolist() == ["dan"]
    assert dataset.protocol().query.person.tolist() == [1]
    assert dataset.protocol().gallery.person.tolist() == [1, 2]
    assert dataset.protocol().validity() == (Validity(1, 0),)


@pytest.mark.parametrize(
    ("names", "message"),
    [
        ((), "no images in sub-folders of"),
        (("a.jpg",), "no images in sub-folders of"),
        (("train/ann/1.jpg",), "has a folder train but no query and gallery"),
        (("query/ann/1.jpg", "gallery/notes.txt"), "both query and gallery need rows"),
    ],
)
def test_a_folder_without_persons_says_what_is_expected(plant, quietly, names, message):
    with pytest.raises(LayoutError, match=message):
        quietly("folder", plant(*names))


def table(root, text):
    (root / "people.csv").write_text(text)
    return root / "people.csv"


def test_a_table_is_relative_to_its_own_folder(plant, quietly):
    root = plant("pics/a.jpg", "pics/b.jpg")
    dataset = quietly("csv", table(root, "path,person,camera\npics/a.jpg,7,1\npics/b.jpg,7,2\n"))
    assert dataset.train.path.tolist() == [str(root / "pics" / "a.jpg"), str(root / "pics" / "b.jpg")]
    assert dataset.protocol().validity() == (Validity(2, 0),)


def test_a_table_with_a_split_asks_its_gallery(plant, quietly):
    root = plant("a.jpg", "b.jpg", "c.jpg", "d.jpg")
    text = (
        "path,person,camera,split\na.jpg,1,1,train\nb.jpg,2,1,query\nc.jpg,2,2,gallery\nd.jpg,3,1,gallery\n"
    )
    dataset = quietly("csv", table(root, text))
    assert (len(dataset.train), len(dataset.protocol().query), len(dataset.protocol().gallery)) == (1, 1, 2)
    assert dataset.protocol().validity() == (Validity(1, 0),)


def test_a_table_of_captions_asks_for_images(plant, quietly):
    root = plant("a.jpg", "b.jpg")
    images = "a.jpg,1,rgb,,gallery\nb.jpg,2,rgb,,gallery\n"
    text = f"path,person,modality,caption,split\n{images}a.jpg,1,text,a man,query\n"
    dataset = quietly("csv", table(root, text))
    assert dataset.protocol().validity() == (Validity(1, 0),)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("path,person\nnone.jpg,1\n", "1 of the 1 images listed in people.csv are missing"),
        ("path,person,split\na.jpg,1,dev\n", "split must be one of train, val, query, gallery, got 'dev'"),
        ("path,person,split\na.jpg,1,query\n", "both query and gallery need rows"),
        ("path,person,modality,caption\na.jpg,1,text,a man\n", "has captions but no column split"),
    ],
)
def test_a_table_that_does_not_fit_is_refused(plant, quietly, text, message):
    with pytest.raises(LayoutError, match=message):
        quietly("csv", table(plant("a.jpg"), text))


def test_a_table_that_is_not_there_is_named(tmp_path, quietly):
    with pytest.raises(LayoutError, match=r"no file at .*none\.csv"):
        quietly("csv", tmp_path / "none.csv")

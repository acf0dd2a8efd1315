"""`glimpse embed` and `glimpse export`: files that other commands and other people read."""

import errno
import json

import numpy as np
import pytest
from micro_retrievers import told_apart
from PIL import Image

from glimpse.cli.embed import embed
from glimpse.cli.export import export
from glimpse.embeddings import Embeddings
from glimpse.errors import BrokenImageError, GlimpseError, OptionError, RecordsError, StorageError
from glimpse.records import JUNK, Records
from glimpse.retriever import OnnxEncoder, Preprocessing, Retriever
from glimpse.retriever.export import Form, export_onnx


@pytest.fixture
def run(runner_of):
    return runner_of(embed, export)


def test_a_folder_becomes_embeddings_with_their_records(run, folder, tmp_path):
    out = tmp_path / "out.safetensors"
    assert run("embed", "colors", folder, out).startswith(f"4 x 531 in {out}")
    records = Records.load(tmp_path / "out.csv")
    assert [path.removeprefix(f"{folder}/") for path in records.path] == [
        "a/1.png",
        "a/2.png",
        "b/1.png",
        "b/2.png",
    ]
    assert set(records.person) == {JUNK}
    expected = Retriever.load("colors").embed(folder)
    np.testing.assert_array_equal(Embeddings.load(out).vectors, expected.vectors)


def test_lists_and_tables_are_read_from_their_own_folder(run, folder, tmp_path):
    (folder / "list.txt").write_text("b/2.png\na/1.png\n")
    run("embed", "colors", folder / "list.txt", tmp_path / "list.safetensors")
    rows = [{"path": "a/1.png", "person": 7, "camera": 3}]
    rows += [{"path": "a/1.png", "person": 7, "modality": "text", "caption": "a red coat"}]
    Records.from_rows(rows).save(folder / "table.csv")
    run("embed", "colors", folder / "table.csv", tmp_path / "table.safetensors")
    listed, tabled = (Embeddings.load(tmp_path / f"{name}.safetensors").vectors for name in ("list", "table"))
    whole = Retriever.load("colors").embed(folder).vectors
    np.testing.assert_array_equal(listed, whole[[3, 0]])
    np.testing.assert_array_equal(tabled[0], whole[0])
    saved = Records.load(tmp_path / "table.csv")
    assert (saved.person.tolist(), saved.camera.tolist()) == ([7, 7], [3, -1])
    assert saved.caption.tolist() == ["", "a red coat"]


def test_broken_images_stop_or_are_named(run, folder, tmp_path):
    (folder / "a" / "2.png").write_bytes(b"no image")
    out = tmp_path / "out.safetensors"
    with pytest.raises(BrokenImageError, match=r"a/2\.png"):
        run("embed", "colors", folder, out)
    assert not out.exists()
    told = json.loads(run("embed", "colors", folder, out, "--broken", "skip", "--json"))
    assert (told["rows"], told["dim"], told["masks"]) == (3, 531, False)
    assert told["skipped"] == {str(folder / "a" / "2.png"): "it is not a JPEG, PNG, BMP, TIFF or WebP file"}
    assert len(Records.load(told["records"])) == len(Embeddings.load(out)) == 3


def test_nothing_left_is_said_and_nothing_is_written(run, folder, tmp_path):
    for image in (folder / "a").iterdir():
        image.write_bytes(b"no image")
    with pytest.raises(
        GlimpseError, match=r"none of the 2 images can be used; cannot use the image .*1\.png"
    ):
        run("embed", "colors", folder / "a", tmp_path / "out.safetensors", "--broken", "skip")
    assert not list(tmp_path.glob("out*"))
    (tmp_path / "list.txt").write_bytes(b"\xef\xbb\xbf\n")
    with pytest.raises(GlimpseError, match=r"the list .*list\.txt names no images"):
        run("embed", "colors", tmp_path / "list.txt", tmp_path / "out.safetensors")


def test_a_name_that_the_records_cannot_hold_is_said_before_anything_is_replaced(run, folder, tmp_path):
    out = tmp_path / "out.safetensors"
    run("embed", "colors", folder, out, "--records-as", ".arrow")
    before = out.read_bytes()
    (folder / "a" / "1.png").rename(folder / "a" / "1\udcff.png")
    with pytest.raises(RecordsError, match=r"1\\udcff\.png is no valid UTF-8"):
        run("embed", "colors", folder, out, "--records-as", ".arrow")
    assert out.read_bytes() == before
    run("embed", "colors", folder, out)
    assert len(Records.load(tmp_path / "out.csv")) == 4


def test_records_that_cannot_be_written_leave_the_vectors_as_they_were(run, folder, tmp_path, monkeypatch):
    out = tmp_path / "out.safetensors"
    run("embed", "colors", folder, out)
    before = out.read_bytes(), (tmp_path / "out.csv").read_bytes()

    def full(self, path):
        raise OSError(errno.ENOSPC, "full", str(path))

    monkeypatch.setattr(Records, "save", full)
    with pytest.raises(StorageError, match="the disk is full"):
        run("embed", "colors", folder / "a", out)
    assert (out.read_bytes(), (tmp_path / "out.csv").read_bytes()) == before


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (("nobody", "list.txt", "out.safetensors"), "there is no retriever nobody"),
        (("colors", "nowhere", "out.safetensors"), "there is nothing at nowhere"),
        (("colors", ".", "out.npz"), "written as .safetensors, not to out.npz"),
        (
            ("colors", ".", "o.safetensors", "--records-as", ".txt"),
            "an ending: .csv, .arrow, .parquet, got '.txt'",
        ),
        (("colors", "a.csv", "a.safetensors"), "would overwrite a.csv"),
    ],
)
def test_what_cannot_be_is_said_in_a_sentence(run, tmp_path, monkeypatch, arguments, sentence):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "list.txt").write_text("a.png\n")
    with pytest.raises(GlimpseError) as refused:
        run("embed", *arguments)
    assert sentence in str(refused.value)


def test_vectors_can_be_averaged_with_those_of_mirrored_images(run, folder, network, tmp_path):
    run("embed", network, folder, tmp_path / "plain.safetensors")
    run("embed", network, folder, tmp_path / "both.safetensors", "--flip")
    for path in folder.rglob("*.png"):
        Image.open(path).transpose(Image.Transpose.FLIP_LEFT_RIGHT).save(path)
    run("embed", network, folder, tmp_path / "mirrored.safetensors", "--batch", 3)
    plain, both, mirrored = (
        Embeddings.load(tmp_path / f"{name}.safetensors").vectors for name in ("plain", "both", "mirrored")
    )
    np.testing.assert_allclose(both, (plain + mirrored) / 2, atol=1e-5)
    with pytest.raises(OptionError, match="only networks average with mirrored images"):
        run("embed", "colors", folder, tmp_path / "colors.safetensors", "--flip")


@pytest.fixture
def told(tmp_path):
    """An exported network: the last but one dimension of its vectors is 0, 4 or 8 for unknown, rgb or ir."""
    encoder = told_apart()
    export_onnx(encoder, tmp_path / "told.onnx", form=Form.PLAIN)
    card = encoder.card
    preprocessing = Preprocessing(card.image, card.mean, card.std, card.interpolation)
    Retriever(OnnxEncoder.open(tmp_path / "told.onnx", preprocessing)).save(tmp_path / "told")
    return tmp_path / "told"


@pytest.mark.parametrize(
    ("options", "modality", "offsets"),
    [
        ((), ["", "", "", ""], [0, 0, 0, 0]),
        (("--modality", "rgb"), ["rgb"] * 4, [4, 4, 4, 4]),
        (("--modality", "ir"), ["ir"] * 4, [8, 8, 8, 8]),
        (("--modality", "guess"), ["rgb", "ir", "rgb", "rgb"], [4, 8, 4, 4]),
    ],
)
def test_the_modality_of_a_folder_is_unknown_or_told_or_guessed(
    run, folder, told, tmp_path, options, modality, offsets
):
    Image.open(folder / "a" / "2.png").convert("L").save(folder / "a" / "2.png")
    out = tmp_path / "out.safetensors"
    run("embed", told, folder, out, *options)
    assert Embeddings.load(out).vectors[:, 3].tolist() == offsets
    saved = Records.load(tmp_path / "out.csv")
    assert saved.modality.tolist() == modality
    # the records that were written carry it: embedded again they say the same
    run("embed", told, tmp_path / "out.csv", tmp_path / "again.safetensors")
    np.testing.assert_array_equal(
        Embeddings.load(tmp_path / "again.safetensors").vectors, Embeddings.load(out).vectors
    )


def test_a_table_tells_the_modality_itself(run, folder, told, tmp_path):
    rows = [{"path": "a/1.png", "person": 7, "modality": "ir"}, {"path": "b/1.png", "person": 7}]
    Records.from_rows(rows).save(folder / "table.csv")
    run("embed", told, folder / "table.csv", tmp_path / "out.safetensors")
    assert Embeddings.load(tmp_path / "out.safetensors").vectors[:, 3].tolist() == [8, 4]
    with pytest.raises(OptionError, match="--modality is for folders and lists"):
        run("embed", told, folder / "table.csv", tmp_path / "out.safetensors", "--modality", "guess")


def test_rows_for_deep_sort(run, folder, tmp_path):
    records = Records.from_columns(
        ["a/1.png", "a/2.png"],
        JUNK,
        extra={"frame": np.array([2, 1]), "box": np.array([[1, 2, 3, 4], [5, 6, 7, 8]], np.float32)},
    )
    records.save(folder / "boxes.csv")
    out = tmp_path / "MOT16-02.npy"
    told = run("embed", "colors", folder / "boxes.csv", out, "--format", "deep-sort")
    assert told == f"2 x (10 + 531) in {out}\n"
    rows = np.load(out, allow_pickle=False)
    assert rows[:, :7].tolist() == [[1, -1, 5, 6, 7, 8, 1], [2, -1, 1, 2, 3, 4, 1]]
    vectors = Retriever.load("colors").embed(folder / "a").vectors
    np.testing.assert_array_equal(rows[:, 10:], vectors[::-1])
    (folder / "a" / "1.png").write_bytes(b"no image")
    with pytest.raises(BrokenImageError):
        run("embed", "colors", folder / "boxes.csv", out, "--format", "deep-sort")
    assert len(np.load(out)) == 2
    command = ("embed", "colors", folder / "boxes.csv", out, "--format", "deep-sort", "--broken", "skip")
    assert json.loads(run(*command, "--json"))["rows"] == len(np.load(out)) == 1
    with pytest.raises(OptionError, match=r"written as \.npy, not to"):
        run("embed", "colors", folder / "boxes.csv", tmp_path / "o.safetensors", "--format", "deep-sort")

"""Embedding gives one vector per image, whatever the images come in, and never holds them all."""

import threading

import numpy as np
import pytest
import torch
from micro_retrievers import micro_encoder, told_apart
from PIL import Image

from glimpse.embeddings import Embeddings
from glimpse.errors import BrokenImageError, OptionError, ShapeError
from glimpse.models.backbones.sizes import Size
from glimpse.models.factory import NetworkCard, build_network
from glimpse.models.taken import Taken
from glimpse.models.text.vocabularies import train_tokenizer
from glimpse.pixels import OnBroken, resize
from glimpse.records import NO_MODALITY, TEXT, Capture, Records
from glimpse.retriever import ColorEncoder, NetworkEncoder, Retriever
from glimpse.retriever.embedding import AHEAD, embedded_batches
from glimpse.retriever.images import Arrays

TIGHT = {"rtol": 1e-6, "atol": 1e-6}


def naive(encoder, images, cameras=None):
    """One image at a time, in plain steps."""
    card, rows = encoder.card, []
    for number, image in enumerate(images):
        pixels = torch.tensor(resize(image, card.image, card.interpolation)) / 255
        fed = (pixels - torch.tensor(card.mean)) / torch.tensor(card.std)
        camera = -1 if cameras is None else cameras[number]
        place = card.cameras.index(camera) if camera in card.cameras else -1
        with torch.no_grad():
            rows.append(encoder.network.embed(fed.permute(2, 0, 1)[None], Taken(torch.tensor([place]))))
    return torch.cat(rows).numpy()


def test_vectors_are_those_of_one_image_at_a_time(retriever, images):
    expected = naive(retriever.encoder, images)
    assert np.linalg.norm(expected - expected.mean(0)) > 1
    np.testing.assert_allclose(retriever.embed(images).vectors, expected, rtol=0, atol=1e-5)


@pytest.mark.parametrize("method", ["bot", "transreid", "clip-reid"])
def test_a_vector_is_the_same_alone_and_in_any_batch(method, images):
    retriever = Retriever(micro_encoder(method))
    together = retriever.embed(images, batch=32).vectors
    for batch in (1, 2, 3, 5):
        np.testing.assert_allclose(retriever.embed(images, batch=batch).vectors, together, **TIGHT)
    np.testing.assert_allclose(retriever.embed(images[7:8]).vectors, together[7:8], **TIGHT)
    np.testing.assert_allclose(retriever.embed(images[::-1]).vectors, together[::-1], **TIGHT)


def test_arrays_lists_files_folders_and_records_say_the_same(retriever, images, folder):
    expected = retriever.embed(images).vectors
    paths = sorted(folder.rglob("*.png"))
    for source in (folder, str(folder), paths, [str(path) for path in paths]):
        np.testing.assert_array_equal(retriever.embed(source).vectors, expected)
    records = Records.from_columns([str(path) for path in paths], range(len(paths)))
    np.testing.assert_array_equal(retriever.embed(records).vectors, expected)
    np.testing.assert_array_equal(retriever.embed(paths[3]).vectors, expected[3:4])
    stacked = np.stack([resize(image, (64, 32), "bilinear") for image in images])
    np.testing.assert_array_equal(retriever.embed(stacked).vectors, expected)


def test_the_workers_change_nothing(retriever, folder):
    alone = retriever.embed(folder, workers=1, batch=4).vectors
    np.testing.assert_array_equal(retriever.embed(folder, workers=5, batch=4).vectors, alone)


def test_flip_averaging_normalizes_once_and_leaves_the_pixels_alone(images):
    plain, both = Retriever(micro_encoder()), Retriever(micro_encoder(flip=True))
    stacked = np.stack([resize(image, (64, 32)) for image in images])
    before = stacked.copy()
    expected = (plain.embed(stacked).vectors + plain.embed(stacked[:, :, ::-1].copy()).vectors) / 2
    np.testing.assert_allclose(both.embed(stacked).vectors, expected, **TIGHT)
    np.testing.assert_array_equal(stacked, before)


def test_known_cameras_are_told_and_unknown_ones_are_none(retriever, images):
    cameras = [1, 4, 9, -1, 1, 4, 9, -1, 1, 4, 9]
    got = retriever.embed(images, cameras=cameras).vectors
    np.testing.assert_allclose(got, naive(retriever.encoder, images, cameras), rtol=0, atol=1e-5)
    plain = retriever.embed(images).vectors
    changed = np.abs(got - plain).max(axis=1) > 1e-3
    np.testing.assert_array_equal(changed, np.isin(cameras, (1, 4)))
    with pytest.raises(ShapeError, match=r"cameras must be integers \[11\]"):
        retriever.embed(images, cameras=[1, 4])


def test_modalities_of_records_and_of_lists_reach_the_network(images, folder):
    retriever = Retriever(told_apart())
    paths = [str(path) for path in sorted(folder.rglob("*.png"))][:4]
    records = Records.from_columns(
        paths, range(4), camera=[7, 2, -1, 9], modality=["ir", "rgb", NO_MODALITY, "ir"]
    )
    told = [[8, 2], [4, 1], [0, 0], [8, 0]]
    assert retriever.embed(records, batch=3).vectors[:, 3:].tolist() == told
    modalities = ["ir", "rgb", None, "ir"]
    for source in (paths, images[:4]):
        given = retriever.embed(source, cameras=[7, 2, -1, 9], modalities=modalities, batch=3)
        assert given.vectors[:, 3:].tolist() == told
    assert retriever.embed(images[:2], modalities=[1, 0]).vectors[:, 3:].tolist() == [[8, 0], [4, 0]]
    assert retriever.embed(paths[0], modalities="ir").vectors[:, 3:].tolist() == [[8, 0]]
    assert retriever.embed(folder).vectors[:, 3:].tolist() == [[0, 0]] * 11
    with pytest.raises(OptionError, match="records bring their own modalities"):
        retriever.embed(records, modalities="rgb")
    with pytest.raises(ShapeError, match=r"modalities must be \[11\], got \[2\]"):
        retriever.embed(images, modalities=["rgb", "ir"])


def test_modalities_stay_with_their_images_when_others_are_broken(folder, tmp_path):
    retriever = Retriever(told_apart())
    paths = [str(path) for path in sorted(folder.rglob("*.png"))]
    (folder / "a" / "02.png").write_bytes(b"no image")
    modalities = ["rgb", "ir"] * 5 + ["rgb"]
    expected = [4, 8, 8, 4, 8, 4, 8, 4, 8, 4]
    usable = retriever.embed_usable(paths, modalities=modalities, batch=2)
    assert usable.embeddings.vectors[:, 3].tolist() == expected
    out = tmp_path / "out.safetensors"
    retriever.embed_to_file(paths, out, modalities=modalities, batch=4, on_broken=OnBroken.SKIP)
    assert Embeddings.load(out).vectors[:, 3].tolist() == expected


def test_the_first_broken_image_is_named_or_all_are_left_out(retriever, images, folder):
    expected = retriever.embed(folder).vectors
    (folder / "a" / "02.png").write_bytes(b"no image")
    (folder / "b" / "07.png").write_bytes(b"")
    with pytest.raises(BrokenImageError, match=r"a/02\.png"):
        retriever.embed(folder, batch=2)
    got = retriever.embed_usable(folder, batch=2)
    kept = [row for row in range(11) if row not in (2, 7)]
    np.testing.assert_array_equal(got.rows, kept)
    assert {row: error.reason for row, error in got.broken.items()} == {
        2: "it is not a JPEG, PNG, BMP, TIFF or WebP file",
        7: "the file is empty",
    }
    np.testing.assert_allclose(got.embeddings.vectors, expected[kept], **TIGHT)


class MaskedNetwork(torch.nn.Module):
    """Mean colors as vectors, the brighter ones trusted more."""

    dim = 3

    def embed(self, images, taken=None):
        means = images.mean((2, 3))
        return means, torch.sigmoid(means)


@pytest.fixture
def masked():
    return Retriever(NetworkEncoder(MaskedNetwork(), NetworkCard("bot", Size.MICRO, (8, 4))))


@pytest.mark.parametrize("damaged", [(), (0,), (1, 2, 3, 9)])
def test_a_file_of_embeddings_holds_what_memory_would(masked, folder, tmp_path, damaged):
    for row in damaged:
        path = sorted(folder.rglob("*.png"))[row]
        path.write_bytes(b"no image")
    expected = masked.embed_usable(folder, batch=3)
    out = tmp_path / "out.safetensors"
    got = masked.embed_to_file(folder, out, batch=3, on_broken=OnBroken.SKIP)
    saved = Embeddings.load(out)
    for held in (got.embeddings, saved):
        np.testing.assert_array_equal(held.vectors, expected.embeddings.vectors)
        np.testing.assert_array_equal(held.masks, expected.embeddings.masks)
    assert got.broken.keys() == set(damaged)
    assert len(saved) == 11 - len(damaged)


def test_a_file_of_embeddings_appears_whole_or_not_at_all(retriever, folder, tmp_path):
    (folder / "b" / "10.png").write_bytes(b"no image")
    out = tmp_path / "results" / "out.safetensors"
    out.parent.mkdir()
    with pytest.raises(BrokenImageError):
        retriever.embed_to_file(folder, out, batch=2)
    assert list(out.parent.iterdir()) == []
    with pytest.raises(OptionError, match=r"written as \.safetensors"):
        retriever.embed_to_file(folder, tmp_path / "out.npz")


def test_nothing_to_embed_gives_no_rows_of_the_right_width(masked, retriever, tmp_path):
    assert masked.embed([]).masks.shape == (0, 3)
    assert retriever.embed(np.empty((0, 5, 5, 3), np.uint8)).vectors.shape == (0, retriever.encoder.dim)
    assert retriever.embed(Records.empty()).vectors.shape == (0, retriever.encoder.dim)
    masked.embed_to_file([], tmp_path / "none.safetensors")
    assert Embeddings.load(tmp_path / "none.safetensors").masks.shape == (0, 3)


class Counting:
    """Images that count how many were asked for."""

    def __init__(self, count):
        self.capture = Capture.unknown(count)
        self.asked = 0
        self.lock = threading.Lock()

    def prepared(self, row, preparation):
        with self.lock:
            self.asked += 1
        return np.zeros(preparation.shape, np.uint8)


class OneAtATime(ColorEncoder):
    concurrent = False


@pytest.mark.parametrize("encoder", [ColorEncoder(), OneAtATime()])
def test_never_more_than_a_few_batches_are_held(encoder):
    images, batch, workers, seen = Counting(300), 4, 3, 0
    for done in embedded_batches(encoder, images, batch=batch, workers=workers):
        seen += len(done.rows)
        assert len(done.embeddings) == len(done.rows) == batch
        assert images.asked <= seen + (workers + AHEAD) * batch
    assert seen == images.asked == 300


def test_work_stops_when_nobody_wants_more():
    images = Counting(3000)
    batches = embedded_batches(ColorEncoder(), images, batch=4, workers=2)
    next(batches)
    batches.close()
    assert images.asked <= 4 * (2 + AHEAD + 1)


def test_torch_keeps_its_threads(retriever, images):
    before = torch.get_num_threads()
    retriever.embed(images, batch=2, workers=3)
    assert torch.get_num_threads() == before


def test_a_image_of_the_right_size_is_not_copied():
    image = np.zeros((128, 64, 3), np.uint8)
    assert Arrays([image], Capture.unknown(1)).prepared(0, ColorEncoder().preparation) is image


def test_images_and_captions_of_one_table_keep_their_order(tmp_path):
    colors = Retriever(ColorEncoder())
    Image.new("RGB", (10, 20), (200, 20, 20)).save(tmp_path / "red.png")
    Image.new("RGB", (10, 20), (20, 20, 200)).save(tmp_path / "blue.png")
    red, blue = str(tmp_path / "red.png"), str(tmp_path / "blue.png")
    rows = [
        {"path": red, "person": 1, "modality": TEXT, "caption": "a red coat"},
        {"path": red, "person": 1},
        {"path": blue, "person": 2},
        {"path": blue, "person": 2, "modality": TEXT, "caption": "a blue coat"},
    ]
    vectors = colors.embed(Records.from_rows(rows)).vectors
    np.testing.assert_array_equal(vectors[[1, 2]], colors.embed([red, blue]).vectors)
    np.testing.assert_array_equal(vectors[[0, 3]], colors.embed_text(["a red coat", "a blue coat"]).vectors)
    scores = vectors[[0, 3]] @ vectors[[1, 2]].T
    assert scores[0, 0] > scores[0, 1]
    assert scores[1, 1] > scores[1, 0]


def test_texts_go_through_the_tokenizer_whatever_the_batch():
    torch.manual_seed(0)
    card = NetworkCard("clip", Size.MICRO, (64, 32))
    network = build_network(card)
    sentences = ["a red coat", "a man in a long blue coat with a bag", "", "a red bag"]
    tokenizer = train_tokenizer(sentences * 2, size=600, context=20)
    retriever = Retriever(NetworkEncoder(network, card, tokenizer))
    together = retriever.embed_text(sentences).vectors
    tokens = tokenizer.encode(sentences)
    with torch.no_grad():
        whole = network.eval().embed_text(torch.tensor(tokens.ids), torch.tensor(tokens.ends))
    np.testing.assert_allclose(together, whole.numpy(), rtol=0, atol=1e-5)
    for row, sentence in enumerate(sentences):
        np.testing.assert_allclose(
            retriever.embed_text([sentence]).vectors[0], together[row], rtol=0, atol=1e-5
        )
    assert retriever.embed_text([]).vectors.shape == (0, network.dim)


def test_what_cannot_be_embedded_is_said_in_a_sentence(retriever, images):
    with pytest.raises(OptionError, match="the method transreid has no text side"):
        retriever.embed_text(["a red coat"])
    with pytest.raises(OptionError, match="not the single sentence"):
        retriever.embed_text("a red coat")
    with pytest.raises(ShapeError, match=r"expected uint8 images \[N, H, W, 3\], got float64"):
        retriever.embed(np.zeros((1, 8, 4, 3)))
    with pytest.raises(ShapeError, match="resize needs uint8"):
        retriever.embed([np.zeros((8, 4), np.uint8)])
    with pytest.raises(OptionError, match="arrays or paths, and not both"):
        retriever.embed([images[0], "a.png"])
    with pytest.raises(OptionError, match="records bring their own cameras"):
        retriever.embed(Records.empty(), cameras=3)
    with pytest.raises(OptionError, match="batch must be at least 1, got 0"):
        retriever.embed(images, batch=0)
    for workers in (0, 100_000):
        with pytest.raises(OptionError, match=f"workers must be from 1 to .*, got {workers}"):
            retriever.embed(images, workers=workers)
    with pytest.raises(BrokenImageError, match="there is no such file"):
        retriever.embed("nowhere.png")


def test_bfloat16_comes_close(images):
    encoder = micro_encoder()
    exact = Retriever(encoder).embed(images).vectors
    rough = Retriever(NetworkEncoder(encoder.network, encoder.card, bfloat16=True)).embed(images).vectors
    assert rough.dtype == np.float32
    cosines = (exact * rough).sum(1) / np.linalg.norm(exact, axis=1) / np.linalg.norm(rough, axis=1)
    assert 0.99 < cosines.min() < cosines.max() < 1.0001
    assert not np.array_equal(exact, rough)

"""Damaged models, checkpoints, cards and embeddings: each is loaded rightly or refused in one sentence.

`GLIMPSE_FUZZ=N` tries N inputs of each class instead of a few; a failure names its number.
"""

import copy
import io
import json
import os
import random
import shutil
import time
import warnings
import zipfile

import numpy as np
import onnx
import pytest
import torch
from foreign_checkpoints import draw, stage_shapes, stem_shapes, timm_shapes
from micro_retrievers import micro_encoder
from safetensors.torch import save_file

from glimpse.embeddings import Embeddings
from glimpse.errors import GlimpseError
from glimpse.models.storage import load_network
from glimpse.models.weights import import_backbones, load_backbone, save_backbone
from glimpse.models.weights.reading import read_checkpoint
from glimpse.retriever import Retriever
from glimpse.retriever.export import Form, export_onnx
from glimpse.retriever.foreign import of_onnx
from glimpse.similarity import MaskedCosine

COUNT = int(os.environ.get("GLIMPSE_FUZZ", "25"))
SEED = int(os.environ.get("GLIMPSE_FUZZ_SEED", "0"))
LONGEST = 20  # seconds that one damaged file may take
pytestmark = pytest.mark.timeout(0)

VALUES = [
    None, True, False, 0, 1, -1, 2**31, -(2**63), 10**30, 0.0, -0.5, 1e308, float("nan"), float("inf"), "",
    "a", "0", "cosine", "\x00", "é" * 300, [], [0], [1, 2], [[]], {}, {"a": 1}, ["rgb", "ir"], [1e400, 2, 3],
]  # fmt: skip


def mutated_bytes(data, rng):
    """Bits flipped, bytes cut out, doubled, zeroed, the end lost: one to four of these."""
    data = bytearray(data)
    for _ in range(rng.randint(1, 4)):
        if not data:
            break
        at, long = rng.randrange(len(data)), rng.choice([1, 1, 2, 8, 64, 512])
        kind = rng.randrange(6)
        if kind == 0:
            data[at] ^= 1 << rng.randrange(8)
        elif kind == 1:
            del data[at : at + long]
        elif kind == 2:
            data[at:at] = data[at : at + long]
        elif kind == 3:
            data[at : at + long] = bytes(len(data[at : at + long]))
        elif kind == 4:
            del data[at:]
        else:
            data[at : at + long] = rng.randbytes(long)
    return bytes(data)


def mutated_json(values, rng):
    """A value somewhere replaced, a key lost, renamed or added; or the whole is something else."""
    if rng.random() < 0.02:
        return copy.deepcopy(rng.choice(VALUES))
    values = copy.deepcopy(values)
    for _ in range(rng.randint(1, 2)):
        places = list(containers(values))
        if not places:
            break
        place = rng.choice(places)
        keys = list(place) if isinstance(place, dict) else list(range(len(place)))
        kind = rng.randrange(6)
        if keys and kind < 3:
            place[rng.choice(keys)] = copy.deepcopy(rng.choice(VALUES))
        elif keys and kind == 3:
            del place[rng.choice(keys)]
        elif isinstance(place, dict):
            place[rng.choice(["new", "", *map(str, keys)])] = copy.deepcopy(rng.choice(VALUES))
        else:
            place.append(copy.deepcopy(rng.choice(VALUES)))
    return values


def containers(values):
    if isinstance(values, dict | list):
        yield values
        for part in values.values() if isinstance(values, dict) else values:
            yield from containers(part)


@pytest.fixture
def tried(request, record_property):
    """Tries a loader on COUNT inputs, made by number and generator.

    Each is loaded, or refused in one printable sentence, without a warning, which would be shown with a line
    of our source.
    """

    def trying(make, load, after=lambda loaded: None):
        refused = 0
        for number in range(COUNT):
            what = f"{request.node.name} {number}"
            given = make(random.Random(f"{request.node.name} {SEED} {number}"))
            started = time.monotonic()
            with warnings.catch_warnings():
                warnings.simplefilter("error")
                # silent outside tests
                warnings.simplefilter("ignore", DeprecationWarning)
                warnings.simplefilter("ignore", ResourceWarning)
                try:
                    after(load(given))
                    sentence = "loaded"
                except GlimpseError as error:
                    refused += 1
                    sentence = str(error)
                except BaseException as error:
                    raise AssertionError(f"{what}: {type(error).__name__}: {error}") from error
            assert sentence.strip(), what
            assert "\n" not in sentence, f"{what}: {sentence}"
            assert time.monotonic() - started < LONGEST, what
        record_property("tried", COUNT)
        record_property("refused", refused)
        assert refused

    return trying


@pytest.fixture(scope="module")
def material(tmp_path_factory):
    """Whole files to damage, made once."""
    folder = tmp_path_factory.mktemp("material")
    Retriever(micro_encoder("transreid", cameras=(1, 4))).save(folder / "network")
    Retriever(micro_encoder("dpm++", options={"stripes": 2}), MaskedCosine()).save(folder / "masked")
    export_onnx(micro_encoder("bot"), folder / "m.onnx", form=Form.PLAIN)
    of_onnx(folder / "m.onnx").retriever.save(folder / "onnx")
    save_backbone(micro_encoder("bot").network.backbone, folder / "backbone.safetensors")
    rng = np.random.default_rng(0)
    Embeddings(rng.normal(size=(5, 3)), rng.uniform(size=(5, 3))).save(folder / "e.npz")
    Embeddings(rng.normal(size=(5, 3)).astype(np.float32)).save(folder / "e.safetensors")
    return folder


PIXELS = np.random.default_rng(1).integers(0, 256, (2, 64, 32, 3), dtype=np.uint8)


@pytest.fixture
def linked(tmp_path):
    """A folder like another, with links to its files but one, which is written."""

    def link(source, name, data):
        folder = tmp_path / "linked"
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir()
        for path in source.iterdir():
            if path.name != name:
                (folder / path.name).symlink_to(path)
        (folder / name).write_bytes(data)
        return folder

    return link


def embeds(retriever):
    assert np.isfinite(retriever.embed(PIXELS).vectors).all()


def has_dimensions(loaded):
    assert loaded[1].dim > 0


@pytest.mark.parametrize("which", ["network", "masked", "onnx"])
def test_cards(material, which, linked, tried):
    source = material / which
    card = json.loads((source / "card.json").read_bytes())

    def make(rng):
        return linked(source, "card.json", json.dumps(mutated_json(card, rng)).encode())

    tried(make, Retriever.load, embeds)


@pytest.mark.parametrize("which", ["network", "masked"])
def test_networks(material, which, linked, tried):
    source = material / which
    card = json.loads((source / "network.json").read_bytes())

    def make(rng):
        return linked(source, "network.json", json.dumps(mutated_json(card, rng)).encode())

    tried(make, load_network, has_dimensions)


@pytest.mark.parametrize("name", ["card.json", "network.json", "network.safetensors"])
def test_bytes_of_a_retriever(material, name, linked, tried):
    source = material / "network"
    data = (source / name).read_bytes()
    load = Retriever.load if name == "card.json" else load_network
    tried(lambda rng: linked(source, name, mutated_bytes(data, rng)), load)


def written(path, data):
    path.write_bytes(data)
    return path


@pytest.mark.parametrize("name", ["e.npz", "e.safetensors"])
def test_embeddings(material, name, tmp_path, tried):
    data = (material / name).read_bytes()
    tried(lambda rng: written(tmp_path / name, mutated_bytes(data, rng)), Embeddings.load)


def test_bytes_of_a_backbone(material, tmp_path, tried):
    data = (material / "backbone.safetensors").read_bytes()
    tried(lambda rng: written(tmp_path / "b.safetensors", header_mutated(data, rng)), load_backbone)


def header_mutated(data, rng):
    """Mostly in the header of a safetensors file, where all that is not a number lies."""
    size = int.from_bytes(data[:8], "little")
    if rng.random() < 0.3:
        return mutated_bytes(data, rng)
    header = json.loads(data[8 : 8 + size])
    if rng.random() < 0.5:
        config = json.loads(header["__metadata__"]["glimpse"])
        header["__metadata__"]["glimpse"] = json.dumps(mutated_json(config, rng))
    else:
        header = mutated_json(header, rng)
    text = json.dumps(header).encode()
    return len(text).to_bytes(8, "little") + text + data[8 + size :]


KINDS = [torch.complex64, torch.bool, torch.int32, torch.int64, torch.uint8, torch.float16, torch.bfloat16]


def odd_tensor(value, rng):
    """Another kind, shape, layout or content."""
    kind = rng.randrange(9)
    if value.is_sparse or value.numel() > 10**7:  # nothing here can hold what one number stands for
        return value
    if kind == 0:
        return value.to(rng.choice(KINDS))
    if kind == 1:
        return value.reshape(-1)
    if kind == 2:
        return value.new_zeros(())
    if kind == 3:
        return value.new_zeros([0, *value.shape[1:]])
    if kind == 4:
        return value[..., None]
    if kind == 5:
        return value.to_sparse() if value.ndim else value
    if kind == 6:
        return value.new_ones(1).expand(rng.choice([3, 10**6, 10**12]))
    if kind == 7:
        return torch.full_like(value, float("nan")) if value.is_floating_point() else value
    return value[: max(1, len(value) // 2)] if value.ndim else value


def odd_state(state, rng):
    """A state dict with one to three oddities, perhaps wrapped."""
    state = dict(state)
    for _ in range(rng.randint(1, 3)):
        key = rng.choice([key for key in state if isinstance(state[key], torch.Tensor)])
        kind = rng.randrange(6)
        if kind < 3:
            state[key] = odd_tensor(state[key], rng)
        elif kind == 3:
            del state[key]
        elif kind == 4:
            number = rng.choice(["0", "-1", "7", "99999999", "9" * 30, "9" * 5000, "x", ""])
            parts = key.split(".")
            parts[rng.randrange(len(parts))] = number
            state[".".join(parts)] = state.pop(key)
        else:
            state[key] = rng.choice([None, 3, "words", [state[key]], {"deep": state[key]}])
        if not state:
            break
    wrapped = {"state_dict": state, "epoch": 3} if rng.random() < 0.3 else state
    if rng.random() < 0.03:
        wrapped["model"] = wrapped
    return wrapped


@pytest.mark.parametrize("style", ["timm", "resnet"])
def test_state_dicts(style, tmp_path, tried):
    shapes = timm_shapes(16) if style == "timm" else stem_shapes() | stage_shapes()
    state, path = draw(shapes), tmp_path / "model.pth"

    def make(rng):
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            torch.save(odd_state(state, rng), path)
        return path

    tried(make, import_backbones)


@pytest.mark.parametrize("kind", ["zip", "old", "script", "safetensors"])
def test_bytes_of_checkpoints(kind, tmp_path, tried):
    path = tmp_path / "model.pth"
    state = {"a.weight": torch.arange(12.0).reshape(3, 4), "b": torch.ones(2)}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        if kind == "script":
            torch.jit.script(torch.nn.Linear(3, 2)).save(str(path))
        elif kind == "safetensors":
            save_file(state, path)
        else:
            torch.save({"model": state}, path, _use_new_zipfile_serialization=kind == "zip")
    data = path.read_bytes()
    mutated = record_mutated if kind in ("zip", "script") else mutated_bytes
    tried(lambda rng: written(path, mutated(data, rng)), read_checkpoint)


def record_mutated(data, rng):
    """A zip file of which one record is damaged, and its checksum right; or any bytes."""
    if rng.random() < 0.3:
        return mutated_bytes(data, rng)
    buffer = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(data)) as old, zipfile.ZipFile(buffer, "w") as new:
        names = old.namelist()
        chosen = rng.choice([name for name in names if name.endswith(".pkl")] + names)
        for name in names:
            content = old.read(name)
            new.writestr(name, mutated_bytes(content, rng) if name == chosen else content)
    return buffer.getvalue()


def test_onnx_models(material, tmp_path, tried):
    data = (material / "m.onnx").read_bytes()

    def load(path):
        return of_onnx(path, size=(64, 32)).retriever

    tried(lambda rng: written(tmp_path / "m.onnx", odd_model(data, rng)), load, embeds)


def odd_model(data, rng):
    """Other types and shapes of what goes in and out, other names, lost nodes; or any bytes."""
    if rng.random() < 0.3:
        return mutated_bytes(data, rng)
    model = onnx.load_from_string(data)
    graph = model.graph
    for _ in range(rng.randint(1, 2)):
        ends = [*graph.input, *graph.output]
        kind = rng.randrange(7)
        if kind == 0 and ends:
            rng.choice(ends).type.tensor_type.elem_type = rng.randrange(0, 24)
        elif kind == 1 and ends:
            shape = rng.choice(ends).type.tensor_type.shape
            if shape.dim:
                rng.choice(shape.dim).dim_value = rng.choice([-1, 0, 1, 2, 7, 2**40, 2**62])
        elif kind == 2 and ends:
            del graph.input[:]
        elif kind == 3:
            graph.input.append(onnx.helper.make_tensor_value_info("more", 1, [1]))
        elif kind == 4 and graph.node:
            del graph.node[rng.randrange(len(graph.node))]
        elif kind == 5 and graph.initializer:
            tensor = rng.choice(graph.initializer)
            tensor.data_location = 1
            tensor.external_data.add(key="location", value=rng.choice(["m.onnx", "../m", "/etc/passwd", ""]))
        elif model.metadata_props:
            said = json.loads(model.metadata_props[0].value)
            model.metadata_props[0].value = json.dumps(mutated_json(said, rng))
    return model.SerializeToString()

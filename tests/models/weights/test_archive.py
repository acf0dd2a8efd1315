"""TorchScript archives are read as data: what is in them never runs, and nothing in them can do harm."""

import os
import pickle
import random
import struct
import zipfile

import pytest
import torch
from foreign_checkpoints import clip_image_shapes, clip_text_shapes, draw
from torch import nn

from glimpse.errors import WeightsError
from glimpse.models.weights import import_backbones
from glimpse.models.weights.archive import is_archive, read_archive

# the damaged ones are read in tens of milliseconds; those that are not limited take minutes and gigabytes
pytestmark = [pytest.mark.timeout(120), pytest.mark.filterwarnings("ignore:`torch.jit:DeprecationWarning")]


class Part(nn.Module):
    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return x


def module_of(state):
    """A module with that state dict."""
    root = Part()
    for name, value in state.items():
        *path, last = name.split(".")
        part = root
        for step in path:
            if step not in part._modules:
                part.add_module(step, Part())
            part = part._modules[step]
        part.register_buffer(last, value)
    return root


def state_of_clip():
    """In half precision, with the numbers that OpenAI's archives have beside the weights."""
    state = {key: value.half() for key, value in draw(clip_image_shapes("visual.", 4)).items()}
    state |= {key: value.half() for key, value in draw(clip_text_shapes()).items()}
    numbers = {"input_resolution": 32, "context_length": 12, "vocab_size": 40}
    return {
        **state,
        "logit_scale": torch.tensor(4.6),
        **{name: torch.tensor(number) for name, number in numbers.items()},
    }


@pytest.fixture(scope="module")
def clip(tmp_path_factory):
    """An archive as OpenAI's are, made by TorchScript, and its state dict."""
    path, state = tmp_path_factory.mktemp("clip") / "ViT.pt", state_of_clip()
    torch.jit.script(module_of(state)).save(str(path))
    return path, state


@pytest.fixture(scope="module")
def small(tmp_path_factory):
    """A small archive with a batch norm, tensors of several dtypes and attributes that are no tensors."""
    path = tmp_path_factory.mktemp("small") / "small.pt"
    network = SmallNetwork()
    torch.jit.script(network).save(str(path))
    return path, network.state_dict()


class SmallNetwork(nn.Module):
    def __init__(self):
        super().__init__()
        self.layers = nn.Sequential(nn.Conv2d(3, 2, 2), nn.BatchNorm2d(2))
        self.names, self.sizes, self.numbers = ["a", "b"], {"x": 3}, [1, 2]
        for dtype in (torch.float64, torch.float16, torch.bfloat16, torch.int32, torch.uint8, torch.bool):
            self.register_buffer(f"kept_{str(dtype).rpartition('.')[2]}", torch.ones(2).to(dtype))
        self.register_buffer("none", torch.zeros(0, 3))
        self.register_buffer("turned", torch.randn(3, 4).T)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.layers(x)


def parts_of(path):
    with zipfile.ZipFile(path) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def written(path, parts, compression=zipfile.ZIP_STORED):
    with zipfile.ZipFile(path, "w", compression) as archive:
        for name, content in parts.items():
            archive.writestr(name, content)
    return path


def same(found, state):
    return found.keys() == state.keys() and all(
        found[key].dtype == value.dtype and found[key].equal(value) for key, value in state.items()
    )


def test_every_tensor_is_read_by_its_name(small, clip):
    for path, state in (small, clip):
        assert is_archive(path)
        assert same(read_archive(path), state)


def test_a_traced_network_is_read_too(tmp_path):
    network = nn.Sequential(nn.Linear(3, 2), nn.ReLU())
    torch.jit.trace(network, torch.ones(1, 3)).save(str(tmp_path / "traced.pt"))
    assert same(read_archive(tmp_path / "traced.pt"), network.state_dict())


def test_openai_s_clip_becomes_two_backbones_in_single_precision(clip):
    path, state = clip
    imported = import_backbones(path)
    assert imported.report.style == "openai-clip"
    assert (imported.report.missing, imported.report.left_over) == ((), ())
    image, text = imported.backbones["image"], imported.backbones["text"]
    key = "transformer.resblocks.1.mlp.c_fc.weight"
    for backbone, prefix in ((image, "visual."), (text, "")):
        weight = backbone.blocks[1].mlp.up.weight
        assert weight.dtype is torch.float32
        assert weight.equal(state[prefix + key].float())


def test_a_frozen_network_is_refused(tmp_path):
    frozen = torch.jit.freeze(torch.jit.script(nn.Linear(3, 2).eval()))
    frozen.save(str(tmp_path / "frozen.pt"))
    with pytest.raises(WeightsError, match=r"without weights in its modules .* save the state dict"):
        read_archive(tmp_path / "frozen.pt")


class Malicious:
    """A pickle that would leave a mark if it were executed."""

    def __init__(self, mark):
        self.mark = mark

    def __reduce__(self):
        return os.mkdir, (str(self.mark),)


def test_code_in_an_archive_is_not_run(small, tmp_path):
    mark, parts = tmp_path / "executed", parts_of(small[0])
    called = pickle.dumps(Malicious(mark), protocol=2)[2:-1]  # without its frame: a value to be pushed
    # a further attribute of the root, and in place of the root
    described = parts["small/data.pkl"]
    end = described.rindex(b"ub")  # of the attributes of the root
    parts["small/data.pkl"] = described[:end] + attribute("extra", called) + described[end:]
    path = written(tmp_path / "extra.pt", parts)
    assert same(read_archive(path), small[1])  # set aside: it is no tensor
    parts["small/data.pkl"] = b"\x80\x02" + called + b"."
    with pytest.raises(WeightsError, match="no tree"):
        read_archive(written(tmp_path / "root.pt", parts))
    assert not mark.exists()


def module(attributes):
    """An object with these attributes, in the operations of a pickle."""
    return b"c__torch__\nM\n)\x81}(" + attributes + b"ub"


def attribute(name, value):
    return b"X" + struct.pack("<I", len(name)) + name.encode() + value


def tensor(size, stride, key=b"0", offset=0, kind=b"FloatStorage"):
    def integers(values):
        return b"(" + b"".join(b"\x8a\x08" + struct.pack("<q", value) for value in values) + b"t"

    storage = b"(" + attribute("storage", b"ctorch\n" + kind + b"\n" + b"X\x01\x00\x00\x00" + key)
    storage += b"X\x03\x00\x00\x00cpu" + b"K\x04" + b"tQ"
    return (
        b"ctorch._utils\n_rebuild_tensor_v2\n("
        + storage
        + b"\x8a\x08"
        + struct.pack("<q", offset)
        + integers(size)
        + integers(stride)
        + b"\x89ccollections\nOrderedDict\n)RtR"
    )


def archive_of(path, root, storage=bytes(64), **further):
    content = {"a/data.pkl": b"\x80\x02" + root + b".", "a/constants.pkl": b"", "a/data/0": storage}
    return written(path, {**content, **further})


def test_tensors_are_where_they_are_said_to_be(tmp_path):
    storage = torch.arange(16.0).numpy().tobytes()
    root = module(attribute("w", tensor((2, 3), (1, 2), offset=5)))
    found = read_archive(archive_of(tmp_path / "a.pt", root, storage))
    assert found["w"].tolist() == [[5, 7, 9], [6, 8, 10]]


def cycle():
    """A module that is its own part."""
    return b"c__torch__\nM\n)\x81q\x00}(" + attribute("m", b"h\x00") + b"ub"


def doubling(levels):
    """Two names for one module at each level: few bytes, 2^levels names."""
    inner = module(attribute("w", tensor((1,), (1,))))
    for _ in range(levels):
        inner = module(attribute("a", inner + b"q\x00") + attribute("b", b"h\x00"))
    return inner


def many(count):
    """One tensor under many names."""
    names = b"".join(attribute(f"w{number}", b"h\x00") for number in range(count))
    return module(attribute("w", tensor((16,), (1,)) + b"q\x00") + names)


def deep(levels):
    return module(attribute("m", b"]" * levels + b"a" * (levels - 1)))


@pytest.mark.parametrize(
    "root",
    [
        pytest.param(module(attribute("w", tensor((17,), (1,)))), id="longer than its storage"),
        pytest.param(module(attribute("w", tensor((4, 5), (4, 1)))), id="strides beyond its storage"),
        pytest.param(module(attribute("w", tensor((1,), (1,), offset=16))), id="begins behind its storage"),
        pytest.param(module(attribute("w", tensor((0,), (1,), offset=17))), id="empty behind its storage"),
        pytest.param(module(attribute("w", tensor((-1,), (1,)))), id="negative size"),
        pytest.param(module(attribute("w", tensor((2,), (-1,), offset=5))), id="negative stride"),
        pytest.param(module(attribute("w", tensor((2**40,), (0,)))), id="a bomb of one number"),
        pytest.param(module(attribute("w", tensor((2**20,), (0,)))), id="a smaller bomb"),
        pytest.param(module(attribute("w", tensor((2**32,) * 8, (0,) * 8))), id="more than fits an integer"),
        pytest.param(module(attribute("w", tensor((1,), (1, 1)))), id="sizes without strides"),
        pytest.param(module(attribute("w", tensor((1,), (1,), key=b"1"))), id="no such storage"),
        pytest.param(module(attribute("w", tensor((1,), (1,), kind=b"Storm"))), id="no such kind"),
        pytest.param(module(attribute("w.x", tensor((1,), (1,)))), id="a name with a point"),
        pytest.param(module(attribute("w\nw", tensor((17,), (1,)))), id="a name of two lines"),
        pytest.param(module(attribute("w", tensor((1,), (1,), key=b"\n"))), id="a storage of two lines"),
        pytest.param(module(attribute("w" * 300, tensor((1,), (1,)))), id="a long name"),
        pytest.param(module(attribute("w", tensor((1,), (1,)))) + b"}b", id="two states"),
        pytest.param(cycle(), id="cycle"),
        pytest.param(doubling(30), id="doubling"),
        pytest.param(doubling(200), id="deep doubling"),
        pytest.param(many(5000), id="one tensor a thousand times"),
        pytest.param(module(attribute("m", b"}((K\x01K\x01tNu")), id="a tuple as a key"),
        pytest.param(b"(" * 1000, id="marks"),
        pytest.param(b"N" + b"\x85" * 500_000, id="a deep tuple"),
        pytest.param(deep(300_000), id="a deep list, and no tensor"),
        pytest.param(b"h\x07", id="nothing in the memo"),
        pytest.param(b"I" + b"9" * 100_000 + b"\n", id="a long number"),
        pytest.param(b"X\xff\xff\xff\x7fabc", id="a word longer than the file"),
        pytest.param(b"N" * (5 << 20), id="a long pickle"),
        pytest.param(b"", id="nothing"),
    ],
)
def test_what_is_not_stored_is_refused_in_one_sentence(tmp_path, root):
    with pytest.raises(WeightsError, match=r"a\.pt is a (damaged )?TorchScript archive") as caught:
        read_archive(archive_of(tmp_path / "a.pt", root))
    assert "\n" not in str(caught.value)
    assert len(str(caught.value)) < 400


def test_compressed_and_misplaced_records_are_refused(tmp_path):
    root = module(attribute("w", tensor((2**20,), (1,))))
    parts = {"a/data.pkl": b"\x80\x02" + root + b".", "a/constants.pkl": b"", "a/data/0": bytes(2**22)}
    with pytest.raises(WeightsError, match="compressed"):
        read_archive(written(tmp_path / "a.pt", parts, zipfile.ZIP_DEFLATED))
    with pytest.raises(WeightsError, match="big-endian"):
        read_archive(archive_of(tmp_path / "b.pt", root, **{"a/byteorder": b"big"}))
    for names in ({"x/y/constants.pkl": b""}, {"a/data.pkl": b"", "b/data.pkl": b"", "a/constants.pkl": b""}):
        with pytest.raises(WeightsError, match="damaged"):
            read_archive(written(tmp_path / "c.pt", names))


def mutated(content, chance):
    """A few bytes changed, taken out, put in or moved."""
    content = bytearray(content)
    for _ in range(chance.randint(1, 6)):
        at, length = chance.randrange(len(content)), chance.randint(1, 12)
        kind = chance.randrange(4)
        if kind == 0:
            content[at] = chance.randrange(256)
        elif kind == 1:
            del content[at : at + length]
        elif kind == 2:
            content[at:at] = chance.randbytes(length)
        else:
            there = chance.randrange(len(content))
            content[at:at] = content[there : there + length]
    return bytes(content)


def read_or_refused(path):
    try:
        found = read_archive(path)
    except WeightsError:
        return False
    assert found
    return all(isinstance(value, torch.Tensor) for value in found.values())


def test_mutated_archives_are_read_or_refused(small, tmp_path):
    chance, parts, whole = random.Random(0), parts_of(small[0]), small[0].read_bytes()
    refused = 0
    for number in range(400):
        path = tmp_path / "mutated.pt"
        if number % 2:
            written(path, {**parts, "small/data.pkl": mutated(parts["small/data.pkl"], chance)})
        else:
            path.write_bytes(mutated(whole, chance))
        is_archive(path)
        refused += not read_or_refused(path)
    assert 200 < refused < 400

"""An exported model is compared with torch."""

import numpy as np
import pytest
import torch
from micro_retrievers import told_apart

from glimpse.retriever import Retriever
from glimpse.retriever.encoders.onnx import open_session
from glimpse.retriever.export import Form, ModelEncoder, export_onnx
from glimpse.retriever.export.parity import parity


def test_known_cameras_say_in_an_exported_model_what_they_say_in_torch(exported, images):
    folder, encoder, told = exported
    assert told["plain"].told == told["pixels"].told == told["int8"].told == ("cameras",)
    cameras = [1, 2, 9, -1] * 2 + [2, 1, 1]
    expected = Retriever(encoder).embed(images, cameras=cameras).vectors
    assert not np.allclose(expected, Retriever(encoder).embed(images).vectors, atol=1e-2)
    for name in ("plain", "pixels"):
        model = ModelEncoder(open_session((folder / f"{name}.onnx").read_bytes()), encoder)
        found = Retriever(model).embed(images, cameras=cameras).vectors
        np.testing.assert_allclose(found, expected, rtol=0, atol=1e-4)
    small = ModelEncoder(open_session((folder / "int8.onnx").read_bytes()), encoder)
    found = Retriever(small).embed(images, cameras=cameras).vectors
    cosines = (found * expected).sum(1) / np.linalg.norm(found, axis=1) / np.linalg.norm(expected, axis=1)
    assert cosines.min() > 0.9


def test_parity_finds_a_model_that_is_wrong_only_once_it_is_told(tmp_path):
    encoder = told_apart()
    export_onnx(encoder, tmp_path / "told.onnx", form=Form.PLAIN)
    session = open_session((tmp_path / "told.onnx").read_bytes())
    assert parity(session, encoder, np.random.default_rng(0)).difference < 1e-5
    with torch.no_grad():
        encoder.network.offsets[2] += 1  # of infrared images
    assert parity(session, encoder, np.random.default_rng(0)).difference == pytest.approx(1)

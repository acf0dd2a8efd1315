"""MATLAB files are read as SciPy reads those that it wrote; damaged ones end in a sentence."""

import struct
import zlib
from contextlib import suppress

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.io import loadmat, savemat

from glimpse.errors import LayoutError
from glimpse.protocols.matlab import read_variable, read_variables, whole_numbers

TYPES = ["i1", "u1", "i2", "u2", "i4", "u4", "i8", "u8", "f4", "f8"]


def cells(*values):
    array = np.empty((len(values), 1), object)
    for place, value in enumerate(values):
        array[place, 0] = value
    return array


def same(ours, theirs):
    if theirs.dtype == object:
        assert ours.shape == theirs.shape
        for one, other in zip(ours.ravel(), theirs.ravel(), strict=True):
            same(one, other)
    else:
        assert ours.dtype == theirs.dtype
        np.testing.assert_array_equal(ours, theirs)


@pytest.mark.parametrize("compressed", [False, True])
def test_what_scipy_wrote_is_read_as_scipy_reads_it(tmp_path, compressed):
    rng = np.random.default_rng(0)
    matrices = {
        f"a_{kind}": rng.integers(0, 100, tuple(rng.integers(0, 5, 2 + number % 2))).astype(kind)
        for number, kind in enumerate(TYPES)
    }
    nested = cells(cells(np.eye(3), np.zeros((0, 0))), np.array([[7]], np.uint16), cells())
    others = {"words": np.array(["one", "two"]), "complex": np.array([1j]), "flag": np.array([[True]])}
    savemat(tmp_path / "m.mat", {**matrices, **others, "nested": nested}, do_compression=compressed)
    held = loadmat(tmp_path / "m.mat")
    found = read_variables(tmp_path / "m.mat")
    assert set(found) == {*matrices, "nested", "flag"}  # neither text nor complex numbers
    for name, values in found.items():
        same(values, held[name])
    same(read_variable(tmp_path / "m.mat", "nested", "a test"), held["nested"])


def test_numbers_that_matlab_stored_shorter_are_read(tmp_path):
    """MATLAB writes doubles that are whole as bytes, and small elements into their tags."""

    def element(kind, data):
        return struct.pack("<II", kind, len(data)) + data.ljust(-(-len(data) // 8) * 8, b"\0")

    head = element(6, struct.pack("<II", 6, 0)) + element(5, struct.pack("<ii", 1, 3))
    small_name = struct.pack("<HH4s", 1, 2, b"id")
    matrix = element(14, head + small_name + element(2, bytes([1, 2, 200])))
    packed = zlib.compress(matrix)
    header = b"MATLAB 5.0".ljust(124) + struct.pack("<H2s", 0x100, b"IM")
    for body in (matrix, struct.pack("<II", 15, len(packed)) + packed):
        (tmp_path / "m.mat").write_bytes(header + body)
        found = read_variable(tmp_path / "m.mat", "id", "a test")
        assert (found.dtype, found.tolist()) == (np.uint8, [[1, 2, 200]])
        same(found, loadmat(tmp_path / "m.mat")["id"])


@settings(max_examples=300, deadline=None)
@given(place=st.integers(0, 10**6), value=st.integers(0, 255), compressed=st.booleans())
def test_a_changed_byte_ends_in_a_sentence_or_in_numbers(tmp_path_factory, place, value, compressed):
    path = tmp_path_factory.getbasetemp() / "changed.mat"
    savemat(path, {"id": np.arange(6.0), "cells": cells(np.eye(2), cells())}, do_compression=compressed)
    data = bytearray(path.read_bytes())
    data[place % len(data)] = value
    path.write_bytes(data)
    found = {}
    with suppress(LayoutError):
        found = read_variables(path)
    assert all(isinstance(values, np.ndarray) for values in found.values())


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        (b"", "not of version 5"),
        (b"MATLAB 7.3 MAT-file".ljust(512), "of version 7.3; save it with -v7"),
        (b"\0" * 124 + b"\0\1IM" + struct.pack("<II", 14, 999), "reaches beyond its end"),
        (b"\0" * 124 + b"\0\1IM" + b"\16\0", "it is cut"),
    ],
)
def test_what_is_wrong_is_said(tmp_path, content, sentence):
    (tmp_path / "m.mat").write_bytes(content)
    with pytest.raises(LayoutError, match=sentence):
        read_variables(tmp_path / "m.mat")


def test_a_variable_that_unfolds_without_end_is_refused(tmp_path, monkeypatch):
    monkeypatch.setattr("glimpse.protocols.matlab._MOST_BYTES", 2**16)
    savemat(tmp_path / "m.mat", {"id": np.zeros((1, 2**16))}, do_compression=True)
    with pytest.raises(LayoutError, match="more than the bytes allowed"):
        read_variables(tmp_path / "m.mat")


def test_cells_in_cells_end_somewhere(tmp_path):
    deep = np.eye(1)
    for _ in range(12):
        deep = cells(deep)
    savemat(tmp_path / "m.mat", {"deep": deep})
    with pytest.raises(LayoutError, match="more than 8 deep"):
        read_variables(tmp_path / "m.mat")


@pytest.mark.parametrize("values", [[1.5], [np.nan], [np.inf], [2.0**63], ["a"]])
def test_numbers_that_are_not_whole_are_refused(values):
    with pytest.raises(LayoutError, match="ids must hold"):
        whole_numbers(np.array(values), "ids")


def test_whole_numbers_of_any_type_are_taken():
    assert whole_numbers(np.array([[1.0, -2.0]]), "ids").tolist() == [[1, -2]]
    assert whole_numbers(np.array([3], np.uint16), "ids").tolist() == [3]

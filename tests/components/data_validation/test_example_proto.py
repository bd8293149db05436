from __future__ import annotations

import numpy as np
import pytest

from components.data_validation.example_proto import Example


def test_equal_to_tensorflows_message():
    tf = pytest.importorskip("tensorflow")
    theirs = tf.train.Example()
    values = theirs.features.feature
    values["a"].bytes_list.value.extend([b"x", b""])
    values["b"].float_list.value.extend([0.5, float(np.float32(0.1))])
    values["c"].int64_list.value.extend([-1, 1 << 40])
    values["empty"].int64_list.SetInParent()
    values["untyped"].SetInParent()
    ours = Example.FromString(theirs.SerializeToString())
    found = dict(ours.features.feature)
    assert set(found) == {"a", "b", "c", "empty", "untyped"}
    assert list(found["a"].bytes_list.value) == [b"x", b""]
    assert list(found["b"].float_list.value) == [0.5, np.float32(0.1)]
    assert list(found["c"].int64_list.value) == [-1, 1 << 40]
    assert found["empty"].WhichOneof("kind") == "int64_list"
    assert found["untyped"].WhichOneof("kind") is None
    assert tf.train.Example.FromString(ours.SerializeToString()) == theirs

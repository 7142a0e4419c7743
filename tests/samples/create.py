"""Samples of making tensors, and of what tensors do with their own memory."""

from __future__ import annotations

import numpy as np

from samples import Call, Row, Sampler, T

NO_OUT = {"names": "its out= is in the documentation only"}
MEMORY = "the values are whatever the memory held"
PLAIN = dict(grad=False, vmap=False, layouts=False, dtypes=())


def shapes(s: Sampler) -> list[Call]:
    return [Call(2, 3), Call((2, 3)), Call(0), Call(()), Call(size=(2, 1))]


def likes(s: Sampler) -> list[Call]:
    return [Call(s.t(2, 3, grad=False)), Call(s.i(3)), Call(s.t(grad=False)), Call(s.b(2, 0))]


ROWS = [
    Row("zeros", shapes, out=True, **PLAIN),
    Row("ones", shapes, out=True, **PLAIN),
    Row("empty", shapes, out=True, skip=dict.fromkeys(("value", "out"), MEMORY), **PLAIN),
    Row("full", lambda s: [Call((2, 3), 2.5), Call((2,), True), Call([2], 1), Call((), 1j)], out=True, **PLAIN),
    Row("zeros_like", likes, grad=False, layouts=False, skip=NO_OUT),
    Row("ones_like", likes, grad=False, layouts=False, skip=NO_OUT),
    Row(
        "empty_like",
        likes,
        skip=dict.fromkeys(("value", "single", "dtypes", "vmap", "names"), MEMORY),
        grad=False,
        layouts=False,
    ),
    Row("full_like", lambda s: [Call(s.t(2, 3, grad=False), 2), Call(s.i(3), 7)], grad=False, layouts=False),
    Row("scalar_tensor", lambda s: [Call(2), Call(2.5), Call(True)], **PLAIN),
    Row(
        "arange",
        lambda s: [Call(5), Call(1, 5), Call(1, 2, 0.25), Call(5, 0, -2), Call(0.0, 1.0, 0.1), Call(end=3)],
        out=True,
        **PLAIN,
    ),
    Row("range", lambda s: [Call(1, 4), Call(0, 1, 0.5)], skip={"names": "deprecated: out= is left out"}, **PLAIN),
    Row(
        "linspace",
        lambda s: [Call(0, 1, 5), Call(-3.0, 10, 11), Call(1, 0, 4), Call(2, 3, 1), Call(0, 1, 0), Call(0, 1, steps=7)],
        out=True,
        **PLAIN,
    ),
    Row("logspace", lambda s: [Call(0, 2, 3), Call(-1, 1, 4, 2.0), Call(0, 1, steps=5)], out=True, **PLAIN),
    Row("eye", lambda s: [Call(3), Call(2, 3), Call(0)], out=True, **PLAIN),
    Row("tril_indices", lambda s: [Call(3, 3), Call(3, 4, -1), Call(2, 3, 1)], **PLAIN),
    Row("triu_indices", lambda s: [Call(3, 3), Call(3, 4, -1), Call(2, 3, 1)], **PLAIN),
    Row(
        "tensor",
        lambda s: [Call(1), Call([1.5, 2]), Call([[1, 2], [3, 4]]), Call([True, False]), Call([1j]), Call([])],
        **PLAIN,
    ),
    Row("as_tensor", lambda s: [Call([1, 2]), Call(1.5), Call(s.t(2, grad=False))], **PLAIN),
    Row("asarray", lambda s: [Call([1, 2]), Call(1.5), Call(s.t(2, grad=False))], **PLAIN),
    Row("from_numpy", lambda s: [Call(np.arange(3.0)), Call(np.arange(4).reshape(2, 2).T)], **PLAIN),
    Row("is_tensor", lambda s: [Call(s.t(2, grad=False)), Call(1)], **PLAIN),
    Row("get_device", lambda s: [Call(s.t(2, grad=False))], **PLAIN),
    Row("empty_strided", lambda s: [Call((2, 3), (1, 2)), Call((2,), (0,))], skip={"value": MEMORY, **NO_OUT}, **PLAIN),
    Row("empty_permuted", lambda s: [Call((2, 3, 4), (2, 0, 1))], skip={"value": MEMORY, **NO_OUT}, **PLAIN),
    Row("broadcast_shapes", lambda s: [Call((2, 1), (3,)), Call((), (2,)), Call((1,), (0,))], **PLAIN),
    Row("Tensor.new_zeros", lambda s: [Call(s.i(2), 2, 3), Call(s.t(1, grad=False), (2,))], **PLAIN),
    Row("Tensor.new_ones", lambda s: [Call(s.i(2), 2, 3), Call(s.t(1, grad=False), (2,))], **PLAIN),
    Row("Tensor.new_full", lambda s: [Call(s.i(2), (2, 3), 7)], **PLAIN),
    Row("Tensor.new_tensor", lambda s: [Call(s.i(2), [1, 2])], **PLAIN),
    Row("Tensor.new_empty", lambda s: [Call(s.i(2), 2, 3)], skip={"value": MEMORY}, **PLAIN),
    Row("Tensor.new_empty_strided", lambda s: [Call(s.i(2), (2, 3), (1, 2))], skip={"value": MEMORY}, **PLAIN),
    Row("Tensor.new", lambda s: [Call(s.i(2), [1, 2])], **PLAIN),
    Row("Tensor.resize_", lambda s: [Call(s.t(2, 3, grad=False), 3, 2), Call(s.t(2, 3, grad=False), (2,))], **PLAIN),
    Row("Tensor.resize_as_", lambda s: [Call(s.t(2, 3, grad=False), s.t(2, grad=False))], **PLAIN),
    Row("Tensor.resize", lambda s: [Call(s.t(2, 3, grad=False), 3, 2)], **PLAIN),
    Row("Tensor.resize_as", lambda s: [Call(s.t(2, 3, grad=False), s.t(6, grad=False))], **PLAIN),
    Row("Tensor.set_", lambda s: [Call(s.t(2, 3, grad=False), s.t(2, grad=False))], **PLAIN),
    Row("Tensor.is_set_to", lambda s: [Call(s.t(2, 3, grad=False), s.t(2, 3, grad=False))], **PLAIN),
    Row("Tensor.share_memory_", lambda s: [Call(s.t(2, 3, grad=False))], **PLAIN),
    Row("Tensor.is_shared", lambda s: [Call(s.t(2, 3, grad=False))], **PLAIN),
    Row("Tensor.is_pinned", lambda s: [Call(s.t(2, 3, grad=False))], **PLAIN),
    Row("Tensor.dim_order", lambda s: [Call(s.t(2, 3, grad=False)), Call(s.t(2, 3, 4, grad=False))], **PLAIN),
    Row("Tensor.apply_", lambda s: [Call(s.t(2, 3, grad=False), lambda v: v * v)], **PLAIN),
    Row("Tensor.map_", lambda s: [Call(s.t(2, 3, grad=False), s.t(2, 3, grad=False), lambda a, b: a - b)], **PLAIN),
    Row(
        "Tensor.map2_",
        lambda s: [Call(s.t(2, grad=False), s.t(2, grad=False), s.t(2, grad=False), lambda a, b, c: a - b * c)],
        **PLAIN,
    ),
    Row("Tensor.index_put_", lambda s: [Call(s.t(3, grad=False), (T([0, 2]),), s.t(2, grad=False))], **PLAIN),
    Row("Tensor.is_contiguous", lambda s: [Call(s.t(2, 3, grad=False))], **PLAIN),
    Row("Tensor.detach", lambda s: [Call(s.t(2, 3, grad=False))], skip={"inplace": "detach_ writes nothing"}, **PLAIN),
    Row("Tensor.cpu", lambda s: [Call(s.t(2, 3, grad=False))], **PLAIN),
    Row("Tensor.type", lambda s: [Call(s.t(2, 3, grad=False)), Call(s.t(2, grad=False), "torch.IntTensor")], **PLAIN),
    Row("Tensor.cfloat", lambda s: [Call(s.t(2, grad=False))], **PLAIN),
    Row("Tensor.cdouble", lambda s: [Call(s.t(2, grad=False))], **PLAIN),
    Row("Tensor.as_strided", lambda s: [Call(s.t(6, grad=False), (2, 2), (2, 1), 1)], **PLAIN),
    Row(
        "Tensor.copy_",
        lambda s: [Call(s.t(2, 3, grad=False), s.t(3, grad=False)), Call(s.i(2), s.t(2, grad=False))],
        **PLAIN,
    ),
    Row("Tensor.is_nonzero", lambda s: [Call(s.i(1)), Call(s.t(grad=False))], **PLAIN),
    Row("Tensor.is_same_size", lambda s: [Call(s.i(1), s.i(1)), Call(s.i(1), s.i(2))], **PLAIN),
]

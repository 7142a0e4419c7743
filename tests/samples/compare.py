"""Samples of comparisons, choices and logic."""

from samples import Call, Row

P = dict(inplace=True, out=True)
E = dict(pointwise=True)
NO = dict(grad=False)
NAN, INF = float("nan"), float("inf")
ODD = lambda s: [Call(s.of([1.0, NAN, INF, -INF, 0.0, -0.0]))]


def pairs(s):
    """Tensors with ties, tensors that broadcast, a number."""
    return [Call(s.of([1.0, 2.0, 3.0]), s.of([1.0, 3.0, 2.0])), Call(s.t(2, 1), s.t(3)), Call(s.t(3), s.t())]


def smooth(s):
    return [Call(s.t(2, 3), s.t(2, 3)), Call(s.t(2, 1), s.t(3)), Call(s.t(3), s.t())]


def bits(s):
    i = lambda *shape: s.i(*shape, low=-9, high=9, cast=True)
    return [Call(i(2, 3), i(3)), Call(i(4), 3), Call(s.b(4), s.b(4))]


def shifts(s):
    i = lambda *shape: s.i(*shape, low=-9, high=9, cast=True)
    return [Call(i(2, 3), s.i(3)), Call(i(4), 3), Call(i(4), 100), Call(i(4), -1)]


ROWS = [
    *[Row(n, lambda s: [*pairs(s), Call(s.of([1.0, 2.0]), 2), Call(s.i(3), 1.5)], **NO, **P)
      for n in ("eq", "ne", "lt", "le", "gt", "ge")],
    *[Row(n, lambda s: [*ODD(s), Call(s.c(3)), Call(s.i(3))], **NO) for n in ("isnan", "isinf", "isfinite", "isreal")],
    *[Row(n, ODD, **NO, out=True) for n in ("isposinf", "isneginf", "signbit")],
    Row("isclose", lambda s: [Call(s.of([1.0, 2.0, NAN, INF]), s.of([1.0, 2.0001, NAN, INF])),
        Call(s.of([1.0, NAN]), s.of([1.01, NAN]), 0.1, 0.0, True)], **NO, **E),
    Row("allclose", lambda s: [Call(s.of([1.0, 2.0]), s.of([1.0, 2.0])), Call(s.of([1.0, 2.0]), s.of([1.0, 2.1]))],
        vmap=False, **NO),
    Row("equal", lambda s: [Call(s.of([1.0, 2.0]), s.of([1.0, 2.0])), Call(s.of([1.0, 2.0]), s.of([1.0]))],
        vmap=False, **NO),
    *[Row(n, smooth, out=True) for n in ("maximum", "minimum", "fmax", "fmin")],
    Row("where", lambda s: [Call(s.b(2, 3), s.t(3), s.t(2, 1)), Call(s.b(3), s.t(3), 0.5), Call(s.b(3), 1.5, s.t(3)),
        Call(s.b(3), 1, 2)], complex=True, method=False, out=True,
        skip={"raw": "promotion is for tensors"}),
    Row("where", lambda s: [Call(s.of([True, False, True]))], tag="indices", vmap=False, method=False, **NO),
    Row("Tensor.where", lambda s: [Call(s.t(3), s.b(3), s.t(3)), Call(s.t(3), s.b(3), 0.5)], complex=True, **E),
    Row("clamp", lambda s: [Call(s.t(2, 3), -1, 1), Call(s.t(3), min=0.1), Call(s.t(3), max=0.1),
        Call(s.t(3), 1.0, -1.0)], **P, **E),
    Row("clamp", lambda s: [Call(s.t(2, 3), s.t(3, low=-2, high=0), s.t(2, 1, low=0)), Call(s.t(3), s.t(3)),
        Call(s.t(3), None, s.t(3)), Call(s.t(3), s.t(3), s.t(3))], tag="tensors", **P, **E),
    Row("clamp_min", lambda s: [Call(s.t(3), 0.1), Call(s.t(2, 3), s.t(3))], **P, **E),
    Row("clamp_max", lambda s: [Call(s.t(3), 0.1), Call(s.t(2, 3), s.t(3))], **P, **E),
    Row("sign", lambda s: [Call(s.t(2, 3))], **P),
    Row("copysign", lambda s: [*smooth(s), Call(s.t(3), -1.5)], **P),
    Row("heaviside", lambda s: [Call(s.t(3, grad=False), s.t(3, grad=False))], **NO, **P),
    Row("nextafter", lambda s: [Call(s.t(3, 4), s.t(4)), Call(s.t(2), s.t(2))], **P),
    *[Row(n, lambda s: [
        Call(s.of([0.0, 1.0, 0.0]), s.of([0.0, 2.0, 3.0])), Call(s.b(3), s.b(2, 1)), Call(s.c(3), s.b(3))],
          **NO, **P) for n in ("logical_and", "logical_or", "logical_xor")],
    Row("logical_not", lambda s: [Call(s.of([0.0, 1.0, NAN])), Call(s.b(3))], **NO, **P),
    *[Row(n, bits, **NO, **P) for n in ("bitwise_and", "bitwise_or", "bitwise_xor")],
    Row("bitwise_not", lambda s: [Call(s.i(3, low=-9, high=9, cast=True)), Call(s.b(3))], **NO, **P),
    *[Row(n, shifts, **NO, **P) for n in ("bitwise_left_shift", "bitwise_right_shift")],
    *[Row(f"Tensor.{n}", lambda s: [Call(s.i(3, cast=True), 2), Call(s.i(3, cast=True), s.i(3, cast=True))], **NO)
      for n in ("__and__", "__or__", "__xor__", "__lshift__", "__rshift__", "__eq__", "__lt__", "__floordiv__")
      if n != "__floordiv__"],
    *[Row(f"Tensor.{n}", lambda s: [Call(s.i(3, low=1, cast=True), 2)], **NO)
      for n in ("__rand__", "__ror__", "__rxor__", "__rlshift__", "__rrshift__", "__rfloordiv__")],
    Row("Tensor.__floordiv__", lambda s: [Call(s.t(3, grad=False), 0.7)], **NO),
    Row("Tensor.__invert__", lambda s: [Call(s.i(3, cast=True)), Call(s.b(3))], **NO),
]  # fmt: skip

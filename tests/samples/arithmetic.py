"""Samples of arithmetic."""

from samples import FLOATS, INTS, Call, Row

P = dict(inplace=True, out=True)
PC = dict(inplace=True, out=True, complex=True)
E = dict(pointwise=True)


def two(s, low=-2.0, high=2.0):
    """Two tensors of one shape, two that broadcast both ways, a tensor and a 0-d tensor."""
    t = lambda *shape: s.t(*shape, low=low, high=high)
    return [Call(t(2, 3), t(2, 3)), Call(t(2, 1), t(3)), Call(t(3), t())]


def positive(s):
    return two(s, 0.4, 3.0)


ROWS = [
    Row("add", lambda s: [*two(s), Call(s.t(3), 2.5),
        Call(s.t(3), s.t(3), alpha=2), Call(s.t(3), 1.5, alpha=0.5)], **PC),
    Row("add", lambda s: [Call(2.5, s.t(3))], tag="number", complex=True),
    Row("sub", lambda s: [*two(s), Call(s.t(3), 2.5), Call(s.t(3), s.t(3), alpha=2)], **PC),
    Row("rsub", lambda s: [*two(s), Call(s.t(3), 2.5), Call(s.t(3), s.t(3), alpha=2)], complex=True),
    Row("mul", lambda s: [*two(s), Call(s.t(3, 4), s.t(4)), Call(s.t(3), 2.0), Call(s.t(3), 3)], **PC),
    Row("div", lambda s: [*positive(s), Call(s.t(3), 2.5)], **PC),
    Row("div", lambda s: [*[Call(*c.args, rounding_mode="floor") for c in positive(s)],
        Call(s.t(3), 0.7, rounding_mode="floor")], tag="floor_rounding", **P),
    Row("div", lambda s: [*[Call(*c.args, rounding_mode="trunc") for c in positive(s)],
        Call(s.t(3), 0.7, rounding_mode="trunc")], tag="trunc_rounding", **P),
    Row("neg", lambda s: [Call(s.t(2, 3))], **PC),
    Row("positive", lambda s: [Call(s.t(2, 3))], complex=True,
        skip={"raw": "the tensor itself is the result", "gradient": "the tensor itself is the result",
              "second": "the tensor itself is the result"}),
    Row("floor_divide", lambda s: [*positive(s), Call(s.t(3), 0.7)], grad=False,
        skip={"value": "PyTorch has no derivative", "single": "PyTorch has no derivative",
              "edges": "PyTorch has no derivative", "shapes": "PyTorch has no derivative",
              "inplace": "PyTorch has no derivative", "layouts": "PyTorch has no derivative"}, **P),
    Row("floor_divide", lambda s: [Call(s.t(3, grad=False), s.t(3, low=0.3, grad=False))], tag="values",
        grad=False, **P),
    Row("remainder", lambda s: [*positive(s), Call(s.t(3), 0.7)], **P),
    Row("fmod", lambda s: [*positive(s), Call(s.t(3), 0.7)], **P),
    Row("pow", lambda s: [*positive(s)], tag="tensors", **PC, **E),
    Row("pow", lambda s: [Call(s.t(3), n) for n in (2, 3, 0, 1, -1, -2, 4)] + [
        Call(s.t(3, low=0.3), n) for n in (0.5, -0.5, 1.7, 2.0)], tag="number", **PC, **E),
    Row("pow", lambda s: [Call(2.5, s.t(3)), Call(2, s.t(3))], tag="base", method=False, out=True, complex=True, **E),
    Row("square", lambda s: [Call(s.t(2, 3))], **PC, **E),
    Row("float_power", lambda s: [*positive(s), Call(s.t(3, low=0.3), 1.7)], **PC, **E),
    Row("lerp", lambda s: [Call(s.t(3), s.t(3), 0.3), Call(s.t(3), s.t(3), 0.8), Call(s.t(2, 3), s.t(3), s.t(2, 1))],
        **PC, **E),
    Row("addcmul", lambda s: [Call(s.t(3), s.t(3), s.t(3)), Call(s.t(2, 3), s.t(3), s.t(2, 1), value=0.5)], **PC),
    Row("addcdiv", lambda s: [Call(s.t(3), s.t(3), s.t(3, low=0.5)),
        Call(s.t(2, 3), s.t(3), s.t(2, 1, low=0.5), value=0.5)], **PC),
    Row("hypot", positive, **P),
    Row("atan2", positive, **P),
    Row("logaddexp", two, out=True),
    Row("logaddexp2", two, out=True),
    Row("xlogy", lambda s: [*positive(s), Call(s.t(3), 2.5)], **P),
    Row("xlogy", lambda s: [Call(2.5, s.t(3, low=0.3))], tag="number"),
    Row("frexp", lambda s: [Call(s.t(2, 3)), Call(s.of([1.3, -6.0, 0.3]))], out=True, dtypes=FLOATS),
    Row("ldexp", two, dtypes=(*INTS, "float64"), **P),  # PyTorch rounds 2^other to the dtype of other
    Row("gcd", lambda s: [Call(s.i(4, low=-9, high=9, cast=True), s.i(4, low=1, high=9, cast=True))], grad=False, **P),
    Row("lcm", lambda s: [Call(s.i(4, low=-9, high=9, cast=True), s.i(4, low=1, high=9, cast=True))], grad=False, **P),
    *[Row(f"Tensor.{name}", lambda s, one=one: [Call(s.t(3, low=0.4), s.t(3, low=0.4))] * (not one)
        + [Call(s.t(3, low=0.4), 2.5)] * (one < 2), complex=name not in ("__mod__", "__rmod__"))
      for name, one in (("__radd__", 1), ("__rmul__", 1), ("__rsub__", 1), ("__rdiv__", 1), ("__rtruediv__", 1),
                        ("__rpow__", 1), ("__mod__", 0), ("__pow__", 0), ("__add__", 0), ("__sub__", 0),
                        ("__mul__", 0), ("__truediv__", 0))],
    Row("Tensor.__rmod__", lambda s: [Call(s.t(3, low=0.4, grad=False), 2.5)], grad=False),
    Row("Tensor.__neg__", lambda s: [Call(s.t(3))], complex=True),
    Row("Tensor.__abs__", lambda s: [Call(s.t(3))], complex=True),
]  # fmt: skip

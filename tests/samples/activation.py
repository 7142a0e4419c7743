"""Samples of activation functions."""

from samples import Call, Row

F = "nn.functional."


def on(*args, low=-3.0, high=3.0, **kwargs):
    return lambda s: [Call(s.t(2, 3, low=low, high=high), *args, **kwargs), Call(s.t(4, low=low, high=high))]


ROWS = [
    Row("relu", on(), inplace=True),
    Row("celu", on(0.5)),
    Row("selu", on()),
    Row("hardshrink", on(0.7),
        edges=lambda s: [Call(s.special(nan=False))]),  # its gradient of nan differs by the place
    Row("prelu", lambda s: [
        Call(s.t(2, 3), s.t(1)), Call(s.t(2, 3), s.t(3)), Call(s.t(4), s.t()), Call(s.t(2, 3, 2), s.t(3))]),
    Row("threshold", lambda s: [Call(s.t(2, 3), 0.1, 7.0), Call(s.t(4), 0, -1)]),
    Row(F + "relu", on()),
    Row(F + "selu", on()),
    Row(F + "celu", on(0.5)),
    Row(F + "threshold", lambda s: [Call(s.t(2, 3), 0.1, 7.0)]),
    Row(F + "leaky_relu", on(0.2)),
    Row(F + "elu", on(0.7)),
    Row(F + "gelu", on()),
    Row(F + "gelu", lambda s: [Call(s.t(2, 3, low=-3, high=3), approximate="tanh")], tag="tanh"),
    Row(F + "silu", on()),
    Row(F + "silu", lambda s: [Call(s.c(3, grad=False))], tag="complex", grad=False),
    Row(F + "mish", on()),
    Row(F + "softplus", on(2.0, 3.0)),
    Row(F + "hardtanh", on(-0.7, 1.3)),
    Row(F + "hardswish", on(low=-4.0, high=4.0)),
    Row(F + "hardsigmoid", on(low=-4.0, high=4.0), tol=(1e-7, 1e-9), why="PyTorch's 1/6 is rounded to float32",
        skip={"second in PyTorch": "it has none"}),
    Row(F + "relu6", on(low=-4.0, high=9.0)),
    Row(F + "softsign", on()),
    Row(F + "tanhshrink", on()),
    Row(F + "softshrink", on(0.7), edges=lambda s: [Call(s.special(nan=False))]),
    Row(F + "logsigmoid", on()),
    Row("rrelu", on()),
    Row(F + "rrelu", on(0.1, 0.4)),
    Row(F + "glu", lambda s: [Call(s.t(2, 4)), Call(s.t(4, 3), 0), Call(s.t(2, 2, 3), 1)]),
]  # fmt: skip

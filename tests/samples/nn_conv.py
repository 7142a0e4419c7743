"""Samples of convolutions and linear maps of torch.nn.functional."""

from samples import Call, Row

F = "nn.functional."


def conv(dims):
    size = {1: (7,), 2: (5, 6), 3: (4, 3, 4)}[dims]
    taps = {1: (3,), 2: (3, 2), 3: (2, 2, 2)}[dims]
    return lambda s: [
        Call(s.t(2, 4, *size), s.t(6, 4, *taps), s.t(6)),
        Call(s.t(2, 4, *size), s.t(6, 2, *taps), None, 2, 1, 1, 2),
        Call(s.t(4, *size), s.t(2, 4, *taps), stride=1, padding=1, dilation=2),
        Call(s.t(2, 4, *size), s.t(4, 1, *taps), s.t(4), padding="same", groups=4),
        Call(s.t(2, 4, *size), s.t(6, 4, *taps), padding="valid"),
    ]


def transposed(dims):
    size = {1: (5,), 2: (3, 4), 3: (2, 3, 2)}[dims]
    taps = {1: (3,), 2: (3, 2), 3: (2, 2, 2)}[dims]
    return lambda s: [
        Call(s.t(2, 4, *size), s.t(4, 3, *taps), s.t(3)),
        Call(s.t(2, 4, *size), s.t(4, 3, *taps), None, 2, 1, 1, 2),
        Call(s.t(4, *size), s.t(4, 2, *taps), s.t(2), stride=2, dilation=2),
    ]


COMPLEX = {"node": "PyTorch makes complex ones of real ones"}
WIDE = ("float32", "float64", "int64", "bool", "complex64")  # PyTorch sums half precision in half

ROWS = [
    Row("conv1d", conv(1), complex=True, tol=(1e-9, 1e-9), why="sums in another order", skip=COMPLEX),
    Row("conv2d", conv(2), complex=True, tol=(1e-9, 1e-9), why="sums in another order", skip=COMPLEX),
    Row("conv3d", conv(3), tol=(1e-9, 1e-9), why="sums in another order"),
    Row("conv_transpose1d", transposed(1), complex=True, dtypes=WIDE, skip=COMPLEX, tol=(1e-9, 1e-9), why="sums in another order"),
    Row("conv_transpose2d", transposed(2), dtypes=WIDE, tol=(1e-9, 1e-9), why="sums in another order"),
    Row("conv_transpose3d", transposed(3), dtypes=WIDE, tol=(1e-9, 1e-9), why="sums in another order"),
    Row("conv_tbc", lambda s: [Call(s.t(5, 2, 3), s.t(2, 3, 4), s.t(4)), Call(s.t(5, 2, 3), s.t(3, 3, 4), s.t(4), 1)]),
    Row(F + "linear", lambda s: [
        Call(s.t(2, 3), s.t(4, 3), s.t(4)), Call(s.t(2, 3), s.t(4, 3)), Call(s.t(2, 2, 3), s.t(4, 3), s.t(4)),
        Call(s.t(3), s.t(4, 3), s.t(4)), Call(s.t(2, 3), s.t(3)), Call(s.t(2, 2, 3), s.t(4, 3))],
        complex=True, skip={"node": "without bias an unsafe view in PyTorch"}),
    Row("bilinear", lambda s: [
        Call(s.t(2, 3), s.t(2, 4), s.t(5, 3, 4), s.t(5)), Call(s.t(2, 2, 3), s.t(2, 2, 4), s.t(5, 3, 4)),
        Call(s.t(3), s.t(4), s.t(5, 3, 4), s.t(5))], skip={"node": "made of other steps"}),
]  # fmt: skip

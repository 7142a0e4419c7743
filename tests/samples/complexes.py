"""Samples of complex numbers."""

from samples import Call, Row

VIEW = {"node": "a view of its own here"}

ROWS = [
    Row("abs", lambda s: [Call(s.t(2, 3)), Call(s.c(3))], inplace=True, out=True),
    Row("angle", lambda s: [Call(s.t(2, 3)), Call(s.c(3))], out=True),
    Row("sgn", lambda s: [Call(s.t(2, 3)), Call(s.c(3))], inplace=True, out=True),
    Row("conj", lambda s: [Call(s.c(2, 3))]),
    Row("conj_physical", lambda s: [Call(s.t(2, 3)), Call(s.c(3))], inplace=True, out=True),
    Row("resolve_conj", lambda s: [Call(s.c(3, grad=False))], grad=False, skip={"raw": "the tensor itself"}),
    Row("resolve_neg", lambda s: [Call(s.c(3, grad=False))], grad=False, skip={"raw": "the tensor itself"}),
    Row("is_conj", lambda s: [Call(s.c(3))], grad=False, vmap=False),
    Row("is_neg", lambda s: [Call(s.c(3))], grad=False, vmap=False),
    Row("real", lambda s: [Call(s.c(2, 3))], method=False),
    Row("imag", lambda s: [Call(s.c(2, 3))], method=False),
    Row("view_as_real", lambda s: [Call(s.c(2, 3))]),
    Row("view_as_complex", lambda s: [Call(s.t(3, 2))], layouts=False),
    Row("complex", lambda s: [Call(s.t(2, 3), s.t(2, 3)), Call(s.t(2, 1), s.t(3))], out=True),
    Row("polar", lambda s: [Call(s.t(2, 3, low=0.5), s.t(2, 3)), Call(s.t(2, 1, low=0.5), s.t(3))], out=True),
]  # fmt: skip

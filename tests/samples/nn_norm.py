"""Samples of normalisations, softmax and dropout (without its randomness) of torch.nn.functional."""

from samples import Call, Row

F = "nn.functional."
FLOAT = ("float32", "float64")
LOOSE = {"tol": (1e-7, 1e-9), "why": "means in another order"}


ROWS = [
    Row(F + "layer_norm", lambda s: [
        Call(s.t(2, 3, 4), (4,), s.t(4), s.t(4)), Call(s.t(2, 3, 4), (3, 4)), Call(s.t(2, 3, 4), (4,), s.t(4), eps=0.1)], dtypes=FLOAT, **LOOSE),
    Row("layer_norm", lambda s: [Call(s.t(2, 3), (3,), s.t(3), s.t(3))], dtypes=FLOAT, **LOOSE),
    Row(F + "rms_norm", lambda s: [
        Call(s.t(2, 3, 4), (4,), s.t(4)), Call(s.t(2, 3, 4), (3, 4)), Call(s.t(2, 3, 4), (4,), s.t(4), 0.1)],
        dtypes=FLOAT, **LOOSE, skip={"node": "a composite in PyTorch"}),
    Row(F + "group_norm", lambda s: [
        Call(s.t(2, 4, 3), 2, s.t(4), s.t(4)), Call(s.t(2, 4, 3, 2), 4), Call(s.t(2, 4), 2, s.t(4), None, 0.1)], dtypes=FLOAT, **LOOSE),
    Row("group_norm", lambda s: [Call(s.t(2, 4, 3), 2, s.t(4), s.t(4))], dtypes=FLOAT, **LOOSE),
    Row(F + "instance_norm", lambda s: [
        Call(s.t(2, 4, 3)), Call(s.t(2, 4, 3), None, None, s.t(4), s.t(4)),
        Call(s.t(2, 4, 3), s.t(4, grad=False), s.t(4, low=0.5, grad=False), s.t(4), s.t(4), False)], dtypes=(), **LOOSE,
        skip={"node": "a composite in PyTorch"}),
    Row(F + "batch_norm", lambda s: [
        Call(s.t(3, 4), None, None, s.t(4), s.t(4), True), Call(s.t(2, 4, 3), None, None, training=True),
        Call(s.t(2, 4, 3), s.t(4, grad=False), s.t(4, low=0.5, high=2, grad=False), s.t(4), s.t(4)),
        Call(s.t(2, 4, 3, 2), s.t(4, grad=False), s.t(4, low=0.5, high=2, grad=False), None, None, False, 0.1, 0.1)], dtypes=(), **LOOSE),
    Row(F + "local_response_norm", lambda s: [Call(s.t(2, 4, 3), 2), Call(s.t(2, 4, 3, 2), 3, 0.5, 0.7, 2.0), Call(s.t(1, 4, 2, 2, 2), 2)],
        dtypes=FLOAT),
    Row("native_layer_norm", lambda s: [Call(s.t(2, 3, grad=False), (3,), s.t(3, grad=False), s.t(3, grad=False), 1e-5)], grad=False, dtypes=(), **LOOSE),
    Row("native_group_norm", lambda s: [Call(s.t(2, 4, 3, grad=False), s.t(4, grad=False), s.t(4, grad=False), 2, 4, 3, 2, 1e-5)], grad=False,
        dtypes=(), vmap=False, **LOOSE),
    Row("native_batch_norm", lambda s: [Call(s.t(2, 4, 3, grad=False), s.t(4, grad=False), s.t(4, grad=False), None, None, True, 0.1, 1e-5)],
        grad=False, dtypes=(), **LOOSE),
    Row("batch_norm", lambda s: [Call(s.t(3, 4), s.t(4), s.t(4), None, None, True, 0.1, 1e-5, False)], dtypes=(), **LOOSE),
    Row("instance_norm", lambda s: [Call(s.t(2, 4, 3), s.t(4), s.t(4), None, None, True, 0.1, 1e-5, False)], dtypes=(), **LOOSE,
        skip={"node": "a composite in PyTorch"}),
    Row("rms_norm", lambda s: [Call(s.t(2, 3), (3,), s.t(3))], dtypes=FLOAT, **LOOSE, skip={"node": "a composite in PyTorch"}),
    Row("norm_except_dim", lambda s: [Call(s.t(2, 3, 2)), Call(s.t(2, 3), 2, 1), Call(s.t(2, 3), 2, -1)], dtypes=(), skip={"node": "other steps"}),
    Row(F + "softmax", lambda s: [Call(s.t(2, 3), 1), Call(s.t(2, 3, 2), 0), Call(s.t(), 0), Call(s.t(3), dim=-1)], dtypes=FLOAT),
    Row(F + "log_softmax", lambda s: [Call(s.t(2, 3), 1), Call(s.t(2, 3, 2), 0), Call(s.t(), 0)], dtypes=FLOAT),
    Row(F + "softmin", lambda s: [Call(s.t(2, 3), 1), Call(s.t(2, 3, 2), 0)], dtypes=FLOAT),
    Row("softmax", lambda s: [Call(s.t(2, 3), 1), Call(s.t(2, 3, 2), 0)], dtypes=FLOAT, out=True),
    Row("log_softmax", lambda s: [Call(s.t(2, 3), 1), Call(s.t(2, 3, 2), 0)], dtypes=FLOAT, out=True),
    *[Row(F + name, lambda s, d=dims: [Call(s.t(2, 3, *(2,) * d), 0.5, False)], dtypes=(), vmap=False, grad=False)
      for name, dims in (("dropout", 1), ("dropout1d", 1), ("dropout2d", 2), ("dropout3d", 3), ("alpha_dropout", 1), ("feature_alpha_dropout", 1))],
    *[Row(name, lambda s: [Call(s.t(2, 3, grad=False), 0.5, False)], dtypes=(), grad=False, inplace=False, vmap=False)
      for name in ("dropout", "feature_dropout", "alpha_dropout", "feature_alpha_dropout", "native_dropout")],
]  # fmt: skip

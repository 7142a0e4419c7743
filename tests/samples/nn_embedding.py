"""Samples of tables and attention of torch.nn.functional."""

import numpy as np

from samples import Call, Row

F = "nn.functional."


def projections(s, e, **kwargs):
    """The arguments of multi_head_attention_forward after the three inputs: two heads."""
    return (e, 2, s.t(3 * e, e), s.t(3 * e), None, None, False, 0.0, s.t(e, e), s.t(e))


def attended(s, e=4):
    x = s.t(3, 2, e)
    return Call(x, s.t(5, 2, e), s.t(5, 2, e), *projections(s, e))


PADDED = {"gradient": "the padding row gets none", "forward": "the same", "second": "the same"}

ROWS = [
    Row(F + "embedding", lambda s: [
        Call(s.i(2, 3), s.t(5, 4)), Call(s.i(3), s.t(5, 4), 1), Call(s.i(), s.t(5, 4), -1), Call(s.of([0, 1, 1, 1]), s.t(5, 4), scale_grad_by_freq=True)],
        dtypes=(), skip={"second in PyTorch": "of scaled gradients it has none", **PADDED}),
    Row("embedding", lambda s: [Call(s.t(5, 4), s.i(2, 3)), Call(s.t(5, 4), s.i(3), 1)], dtypes=(), skip=PADDED),
    Row(F + "one_hot", lambda s: [Call(s.i(2, 3), 5), Call(s.i(3), 7)], grad=False),
    *[Row(F + "embedding_bag", lambda s, m=mode: [
        Call(s.i(2, 3), s.t(5, 4), mode=m), Call(s.i(6), s.t(5, 4), s.of([0, 2, 2, 5]), mode=m),
        Call(s.of([0, 1, 1, 2, 4, 0]), s.t(5, 4), s.of([0, 2, 6]), mode=m, include_last_offset=True),
        Call(s.of([[0, 1, 1], [1, 1, 1]]), s.t(5, 4), mode=m, padding_idx=1)],
        tag=mode, dtypes=(), vmap=False, skip={"second in PyTorch": "it has none", "second": "maxima may tie"} if mode == "max" else {"second in PyTorch": "it has none"})
      for mode in ("sum", "mean", "max")],
    Row(F + "embedding_bag", lambda s: [
        Call(s.i(2, 3), s.t(5, 4), mode="sum", per_sample_weights=s.t(2, 3)),
        Call(s.i(6), s.t(5, 4), s.of([0, 2, 2, 5]), mode="sum", per_sample_weights=s.t(6), padding_idx=2)],
        tag="weights", dtypes=(), vmap=False, skip={"second in PyTorch": "it has none"}),
    Row("embedding_bag", lambda s: [Call(s.t(5, 4, grad=False), s.i(6), s.of([0, 2, 2, 5]), False, m) for m in (0, 1, 2)],
        grad=False, dtypes=(), vmap=False),
    Row(F + "scaled_dot_product_attention", lambda s: [
        Call(s.t(2, 2, 3, 4), s.t(2, 2, 5, 4), s.t(2, 2, 5, 4)), Call(s.t(2, 2, 3, 4), s.t(2, 2, 5, 4), s.t(2, 2, 5, 4), s.t(3, 5, grad=False)),
        Call(s.t(2, 2, 3, 4), s.t(2, 2, 5, 4), s.t(2, 2, 5, 4), s.of(np.eye(3, 5) + np.tri(3, 5) > 0)),
        Call(s.t(2, 2, 5, 4), s.t(2, 2, 5, 4), s.t(2, 2, 5, 4), is_causal=True), Call(s.t(2, 2, 3, 4), s.t(2, 2, 5, 4), s.t(2, 2, 5, 4), scale=0.3)],
        dtypes=(), tol=(1e-8, 1e-10), why="blocks", skip={"second in PyTorch": "of the flash kernel it has none"}),
    Row(F + "scaled_dot_product_attention", lambda s: [
        Call(s.t(3, 4), s.t(5, 4), s.t(5, 2)), Call(s.t(2, 3, 4), s.t(2, 5, 4), s.t(2, 5, 3), s.t(2, 3, 5)),
        Call(s.t(2, 4, 3, 4), s.t(2, 2, 5, 4), s.t(2, 2, 5, 3), enable_gqa=True), Call(s.t(2, 2, 3, 4), s.t(1, 2, 5, 4), s.t(1, 2, 5, 4)),
        Call(s.t(3, 4), s.t(5, 4), s.t(5, 2), s.of(np.array([[0, 0, 0, 0, 0], [1, 0, 1, 0, 0], [0, 1, 1, 1, 1]]) > 0))],
        tag="math", dtypes=(), tol=(1e-8, 1e-10), why="blocks", skip={"node": "made of other steps in PyTorch"}),
    Row(F + "multi_head_attention_forward", lambda s: [
        attended(s), Call(s.t(3, 4), s.t(5, 4), s.t(5, 4), *projections(s, 4)),
        Call(s.t(3, 2, 4), s.t(5, 2, 4), s.t(5, 2, 4), *projections(s, 4), need_weights=False),
        Call(s.t(3, 2, 4), s.t(5, 2, 4), s.t(5, 2, 4), *projections(s, 4), key_padding_mask=s.of([[False, True, False, False, True], [False] * 5]), average_attn_weights=False),
        Call(s.t(3, 2, 4), s.t(5, 2, 4), s.t(5, 2, 4), *projections(s, 4), attn_mask=s.t(3, 5, grad=False), need_weights=False),
        Call(s.t(3, 2, 4), s.t(5, 2, 4), s.t(5, 2, 4), 4, 2, s.t(12, 4), s.t(12), s.t(1, 1, 4), s.t(1, 1, 4), True, 0.0, s.t(4, 4), s.t(4)),
        Call(s.t(3, 2, 4), s.t(5, 2, 3), s.t(5, 2, 2), 4, 2, None, s.t(12), None, None, False, 0.0, s.t(4, 4), s.t(4), use_separate_proj_weight=True,
             q_proj_weight=s.t(4, 4), k_proj_weight=s.t(4, 3), v_proj_weight=s.t(4, 2))],
        dtypes=(), tol=(1e-8, 1e-10), why="blocks", skip={"node": "the last of many steps", "second in PyTorch": "of the flash kernel it has none"}),
]  # fmt: skip

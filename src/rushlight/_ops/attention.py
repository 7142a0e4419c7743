"""Attention: queries look at keys and gather values; and the whole of a layer with several heads.

The kernel never makes the scores as a whole. With dropout the composite runs, as the noise is drawn score by score.
"""

from __future__ import annotations

import math
import warnings
from functools import cache
from typing import Any

import numpy as np

from .._core import dtypes, record
from .._core.declare import fused
from .._core.tensor import Tensor
from .broadcast import cast_to, expand, sum_to
from .compare import where
from .products import bmm, linear, matmul
from .reduce import all as all_
from .reduce import mean
from .shape import cat, chunk, permute, reshape, select_at, split, squeeze, transpose, unsqueeze
from .softmax import softmax_along

INF = math.inf


def attend_forward(q: Any, k: Any, v: Any, mask: Any, causal: bool, scale: float) -> tuple[Any, ...]:
    scores = math.prod(np.broadcast_shapes(q.shape[:-2], k.shape[:-2], v.shape[:-2])) * q.shape[-2] * k.shape[-2]
    if scores <= SMALL and (q.dtype.char in "fd" or not scores):
        p = small_probabilities(q, k, mask, causal, scale)
        return as_queries(np.matmul(p, v), q), p, None
    from .._kernels.attention import attention

    out, logs = attention(q, k, v, mask, causal, scale)
    return as_queries(out, q), out, logs


def as_queries(out: Any, q: Any) -> Any:
    """The results in the order in memory that the queries have: steps before heads, where heads were split from steps.

    So ``out.transpose(1, 2)`` is contiguous, and the heads are put together by a view.
    """
    if q.ndim != 4 or q.strides[2] <= q.strides[1] or 1 in out.shape[1:3]:
        return out
    return np.ascontiguousarray(out.swapaxes(1, 2)).swapaxes(1, 2)


SMALL = 4096  # scores up to which they may exist as a whole


def small_probabilities(q: Any, k: Any, mask: Any, causal: bool, scale: float) -> Any:
    s = np.matmul(q, k.swapaxes(-1, -2))
    s *= q.dtype.type(scale)
    hidden = None
    if causal:
        hidden = causal_mask(*s.shape[-2:])
    elif mask is not None:
        if mask.dtype.kind == "b":
            hidden = ~mask
        else:
            s = s + mask
    if hidden is not None:
        s = np.where(hidden, -np.inf, s).astype(q.dtype, copy=False)
    largest = np.maximum.reduce(s, -1, None, None, True, -np.inf)
    if mask is not None:
        largest[largest == -np.inf] = 0
    s -= largest
    np.exp(s, s)
    total = np.add.reduce(s, -1, None, None, True)
    if mask is not None:
        total[total == 0] = 1
    s /= total
    return s


@cache
def causal_mask(queries: int, keys: int) -> Any:
    """True for the keys after a query's own place."""
    return ~np.tri(queries, keys, dtype=bool)


def small_backward(g: Any, wanted: Any, q: Any, k: Any, v: Any, p: Any, scale: float) -> list[Any]:
    """From the probabilities themselves."""
    gs = np.matmul(g, v.swapaxes(-1, -2))
    gs -= np.add.reduce(gs * p, -1, None, None, True)
    gs *= p
    lean = gs * q.dtype.type(scale)
    return [
        np.matmul(lean, k) if wanted[0] else None,
        np.matmul(lean.swapaxes(-1, -2), q) if wanted[1] else None,
        np.matmul(p.swapaxes(-1, -2), g) if wanted[2] else None,
        gs if wanted[3] else None,
    ]


def attend_backward(
    g: Any, wanted: Any, q: Any, k: Any, v: Any, mask: Any, causal: bool, scale: float, out: Any, logs: Any
) -> list[Any]:
    if logs is None:  # what was saved are the probabilities
        grads: Any = small_backward(g, wanted, q, k, v, out, scale)
    else:
        from .._kernels.attention import attention_backward

        grads = attention_backward(g, q, k, v, out, logs, mask, causal, scale, bool(wanted[3]))
    return [
        None if h is None or not w else (h if h.shape == x.shape else sum_to(h, x.shape))
        for h, w, x in zip(grads, wanted, (q, k, v, mask), strict=True)
    ]


@fused(
    forward=attend_forward, backward=attend_backward, node="ScaledDotProductFlashAttentionForCpuBackward0",
    constant=("mask",),
)  # fmt: skip
def attend(query: Tensor, key: Tensor, value: Tensor, mask: Tensor | None, causal: bool, scale: float) -> Tensor:
    return matmul(probabilities(query, key, mask, causal, scale), value)


def probabilities(query: Any, key: Any, mask: Any, causal: bool, scale: float) -> Any:
    """Where each query looks: rows that sum to 1, or rows of 0 where everything is masked."""
    scores = matmul(query * scale, transpose(key, -2, -1))
    if causal:
        from .create import from_numpy

        mask = from_numpy(np.tri(query.shape[-2], key.shape[-2], dtype=bool))
    if mask is None:
        return softmax_along(scores, scores.ndim - 1)
    if record.np_dtype(mask).kind == "b":
        hidden = ~mask
        scores = where(hidden, -INF, scores)
    else:
        scores = scores + mask
    blind = all_(scores == -INF, -1, True)
    return where(blind, 0.0, softmax_along(where(blind, 0.0, scores), scores.ndim - 1))


def check_attention(query: Any, key: Any, value: Any, attn_mask: Any, is_causal: bool) -> None:
    kinds = [record.np_dtype(x) for x in (query, key, value)]
    if len(set(kinds)) > 1:
        names = [kind_name(k) for k in kinds]
        raise RuntimeError(
            f"Expected query, key, and value to have the same dtype, but got query.dtype: {names[0]} key.dtype: {names[1]} "
            f"and value.dtype: {names[2]} instead."
        )
    if min(query.ndim, key.ndim, value.ndim) < 2:
        raise RuntimeError(
            f"Expected query, key, and value to all be  at least 2 dimensional, but got query.dim: {query.ndim} key.dim: "
            f"{key.ndim} and value.dim: {value.ndim} instead."
        )
    if attn_mask is not None:
        if is_causal:
            raise RuntimeError(
                "_scaled_dot_product_attention: Explicit attn_mask should not be set when is_causal=True"
            )
        kind = record.np_dtype(attn_mask)
        if kind != np.bool_ and kind != np.float32 and kind != kinds[0]:
            raise RuntimeError(
                f"Expected attn_mask dtype to be bool or float or to match query dtype, but got attn_mask.dtype: "
                f"{kind_name(kind)} and  query.dtype: {kind_name(kinds[0])} instead."
            )
    if kinds[0].kind == "c":
        raise NotImplementedError(
            f"\"softmax_lastdim_kernel_impl\" not implemented for '{dtypes.LEGACY[dtypes.dtype_of(kinds[0]).name]}'"
        )
    if kinds[0].kind != "f":
        raise RuntimeError(f"expected scalar type Float but found {dtypes.LEGACY[dtypes.dtype_of(kinds[0]).name]}")
    if query.shape[-1] != key.shape[-1] or key.shape[-2] != value.shape[-2]:
        raise RuntimeError(
            "Expected query and key to have one size in the last dimension, and key and value one length, but got shapes "
            f"{list(query.shape)}, {list(key.shape)} and {list(value.shape)}"
        )


def kind_name(kind: np.dtype) -> str:
    """The dtype as C++ calls it, which is how PyTorch's messages here call it."""
    return {"float32": "float", "float64": "double", "float16": "c10::Half", "int64": "long int", "int32": "int"}.get(
        kind.name, kind.name
    )


def repeated_heads(query: Any, x: Any) -> Any:
    """Keys or values with their heads repeated to as many as the queries have."""
    if min(query.ndim, x.ndim) < 3:
        return x
    heads, own = query.shape[-3], x.shape[-3]
    if own == heads:
        return x
    if own == 0 or heads % own:
        raise RuntimeError(
            "Number of heads in key and value must divide the number of heads in query, but got "
            f"{own} heads in key or value and {heads} in query"
        )
    shape = tuple(x.shape)
    spread = expand(unsqueeze(x, -3), (*shape[:-2], heads // own, *shape[-2:]))
    return reshape(spread, (*shape[:-3], heads, *shape[-2:]))


# Slower than PyTorch: blocks are products of BLAS with passes between; PyTorch fuses a block's.
def scaled_dot_product_attention(
    query: Tensor, key: Tensor, value: Tensor, attn_mask: Tensor | None = None, dropout_p: float = 0.0,
    is_causal: bool = False, scale: float | None = None, enable_gqa: bool = False,
) -> Tensor:  # fmt: skip
    """``softmax(query key^T scale + attn_mask) value`` for (..., L, E), (..., S, E) and (..., S, D): (..., L, D).

    A mask of bools says where to look, one of floats is added; with ``is_causal`` query i looks at keys 0 to i.
    ``scale`` is 1/sqrt(E) if not given. ``dropout_p`` drops probabilities (always; pass 0 in evaluation).
    ``enable_gqa`` repeats the heads (dimension -3) of key and value. A query that may look at nothing gives 0
    (Vaswani et al., 2017; Dao et al., 2022).

    >>> import rushlight as torch
    >>> q, k, v = torch.zeros(1, 2), torch.zeros(2, 2), torch.tensor([[1.0], [3.0]])
    >>> torch.nn.functional.scaled_dot_product_attention(q, k, v)
    tensor([[2.]])
    """
    check_attention(query, key, value, attn_mask, is_causal)
    if enable_gqa:
        key, value = repeated_heads(query, key), repeated_heads(query, value)
    factor = 1 / math.sqrt(query.shape[-1]) if scale is None and query.shape[-1] else 1.0 if scale is None else scale
    if attn_mask is not None and record.np_dtype(attn_mask).kind == "f":
        attn_mask = cast_to(attn_mask, record.np_dtype(query))
    if dropout_p == 0:
        return attend(query, key, value, attn_mask, bool(is_causal), float(factor))
    if not 0 <= dropout_p <= 1:
        raise RuntimeError(f"dropout probability has to be between 0 and 1, but got {dropout_p}")
    from .dropout import dropout

    shares = probabilities(query, key, attn_mask, is_causal, float(factor))
    return matmul(dropout(shares, dropout_p), value)


# ---- a layer of several heads


def is_batched(query: Any, key: Any, value: Any, key_padding_mask: Any, attn_mask: Any, num_heads: int) -> bool:
    """Whether there is a batch dimension; raises AssertionError for ranks that do not go together."""
    if query.ndim not in (2, 3):
        raise AssertionError(
            f"query should be unbatched 2D or batched 3D tensor but received {query.ndim}-D query tensor"
        )
    rank = query.ndim
    word = f"For {'batched (3-D)' if rank == 3 else 'unbatched (2-D)'} `query`, expected "
    if key.ndim != rank or value.ndim != rank:
        raise AssertionError(
            f"{word}`key` and `value` to be {rank}-D but found {key.ndim}-D and {value.ndim}-D tensors respectively"
        )
    if key_padding_mask is not None and key_padding_mask.ndim != rank - 1:
        raise AssertionError(
            f"{word}`key_padding_mask` to be `None` or {rank - 1}-D but found {key_padding_mask.ndim}-D tensor instead"
        )
    if attn_mask is not None:
        if attn_mask.ndim not in (2, 3):
            raise AssertionError(
                f"{word}`attn_mask` to be `None`, 2-D or 3-D but found {attn_mask.ndim}-D tensor instead"
            )
        expected = (num_heads, query.shape[0], key.shape[0])
        if rank == 2 and attn_mask.ndim == 3 and tuple(attn_mask.shape) != expected:
            raise AssertionError(f"Expected `attn_mask` shape to be {expected} but got {attn_mask.shape}")
    return rank == 3


def additive(mask: Any, name: str, kind: np.dtype, other: Any = None) -> Any:
    """A mask to be added: 0 where one may look, -inf elsewhere. (Masks of bools say True where one may not.)"""
    if mask is None:
        return None
    own = record.np_dtype(mask)
    if own.kind not in "bf":
        raise AssertionError(f"only bool and floating types of {name} are supported")
    if other is not None and record.np_dtype(other) is not own:
        warnings.warn(
            f"Support for mismatched {name} and attn_mask is deprecated. Use same type for both instead.",
            UserWarning,
            stacklevel=3,
        )
    if own.kind == "f":
        return mask
    from .create import from_numpy

    zero = from_numpy(np.zeros((), kind))
    return where(mask, from_numpy(np.full((), -np.inf, kind)), zero)


def packed_projection(q: Any, k: Any, v: Any, weight: Any, bias: Any) -> tuple[Any, Any, Any]:
    """Queries, keys and values by one weight (3 E, E), in as few products as there are different inputs."""
    size = q.shape[-1]
    if k is v and q is k:
        return thirds(linear(q, weight, bias), 3, size)
    if k is v:
        w_q, w_kv = split(weight, [size, 2 * size])
        b_q, b_kv = (None, None) if bias is None else split(bias, [size, 2 * size])
        return linear(q, w_q, b_q), *thirds(linear(k, w_kv, b_kv), 2, size)
    w = chunk(weight, 3)
    b = (None,) * 3 if bias is None else chunk(bias, 3)
    return linear(q, w[0], b[0]), linear(k, w[1], b[1]), linear(v, w[2], b[2])


def thirds(x: Any, parts: int, size: int) -> tuple[Any, ...]:
    """The last dimension cut into ``parts`` of one size."""
    apart = reshape(x, (*x.shape[:-1], parts, size))
    return tuple([select_at(apart, apart.ndim - 2, i) for i in range(parts)])


def separate_projection(q: Any, k: Any, v: Any, weights: Any, bias: Any) -> tuple[Any, Any, Any]:
    size = q.shape[-1]
    b = (None,) * 3 if bias is None else chunk(bias, 3)
    for name, x, w, c in zip(("query", "key", "value"), (q, k, v), weights, b, strict=True):
        if tuple(w.shape) != (size, x.shape[-1]):
            raise AssertionError(f"expecting {name} weights shape of {(size, x.shape[-1])}, but got {w.shape}")
        if c is not None and tuple(c.shape) != (size,):
            raise AssertionError(f"expecting {name} bias shape of {(size,)}, but got {c.shape}")
    return tuple([linear(x, w, c) for x, w, c in zip((q, k, v), weights, b, strict=True)])


def by_heads(x: Any, count: int, width: int) -> Any:
    """(L, N, E) as (N * heads, L, E / heads)."""
    return transpose(reshape(x, (x.shape[0], count, width)), 0, 1)


def given_heads(x: Any, count: int, width: int, name: str) -> Any:
    if x.shape[0] != count:
        raise AssertionError(f"expecting {name}.size(0) of {count}, but got {x.shape[0]}")
    if x.shape[2] != width:
        raise AssertionError(f"expecting {name}.size(2) of {width}, but got {x.shape[2]}")
    return x


def one_more(mask: Any) -> Any:
    """A mask with one more key, which all may look at."""
    from .padding import pad

    return None if mask is None else pad(mask, (0, 1))


def multi_head_attention_forward(
    query: Tensor, key: Tensor, value: Tensor, embed_dim_to_check: int, num_heads: int,
    in_proj_weight: Tensor | None, in_proj_bias: Tensor | None, bias_k: Tensor | None, bias_v: Tensor | None,
    add_zero_attn: bool, dropout_p: float, out_proj_weight: Tensor, out_proj_bias: Tensor | None,
    training: bool = True, key_padding_mask: Tensor | None = None, need_weights: bool = True,
    attn_mask: Tensor | None = None, use_separate_proj_weight: bool = False, q_proj_weight: Tensor | None = None,
    k_proj_weight: Tensor | None = None, v_proj_weight: Tensor | None = None, static_k: Tensor | None = None,
    static_v: Tensor | None = None, average_attn_weights: bool = True, is_causal: bool = False,
) -> tuple[Tensor, Tensor | None]:  # fmt: skip
    """What ``nn.MultiheadAttention`` computes: projections, attention head by head, and a projection of the results.

    ``query`` (L, N, E), ``key`` and ``value`` (S, N, E), or all without N. ``bias_k`` and ``bias_v`` are one more key and
    value, ``add_zero_attn`` one of zeros. Returns (L, N, E) and, with ``need_weights``, where each query looked: (N, L, S),
    or (N, heads, L, S) if not ``average_attn_weights`` (Vaswani et al., 2017).

    >>> import rushlight as torch
    >>> x, w = torch.ones(2, 1), torch.ones(3, 1)
    >>> one = torch.ones(1, 1)
    >>> torch.nn.functional.multi_head_attention_forward(x, x, x, 1, 1, w, None, None, None, False, 0.0, one, None)[1]
    tensor([[0.5000, 0.5000],
            [0.5000, 0.5000]])
    """
    batched = is_batched(query, key, value, key_padding_mask, attn_mask, num_heads)
    if not batched:  # the same tensor three times stays the same tensor: one product then does
        same_kv, same_qk = key is value, query is key
        query = unsqueeze(query, 1)
        key = query if same_qk else unsqueeze(key, 1)
        value = key if same_kv else unsqueeze(value, 1)
        if key_padding_mask is not None:
            key_padding_mask = unsqueeze(key_padding_mask, 0)
    tgt_len, bsz, embed_dim = query.shape
    src_len = key.shape[0]
    kind = record.np_dtype(query)
    key_padding_mask = additive(key_padding_mask, "key_padding_mask", kind, attn_mask)
    if is_causal and attn_mask is None:
        raise RuntimeError(
            "Need attn_mask if specifying the is_causal hint. You may use the Transformer module method "
            "`generate_square_subsequent_mask` to create this mask."
        )
    if is_causal and key_padding_mask is None and not need_weights:
        attn_mask = None
    else:
        attn_mask = additive(attn_mask, "attn_mask", kind)
        if key_padding_mask is not None:
            is_causal = False
    if embed_dim != embed_dim_to_check:
        raise AssertionError(f"was expecting embedding dimension of {embed_dim_to_check}, but got {embed_dim}")
    width = embed_dim // num_heads
    if width * num_heads != embed_dim:
        raise AssertionError(f"embed_dim {embed_dim} not divisible by num_heads {num_heads}")
    if use_separate_proj_weight:
        if tuple(key.shape[:2]) != tuple(value.shape[:2]):
            raise AssertionError(
                f"key's sequence and batch dims {key.shape[:2]} do not match value's {value.shape[:2]}"
            )
        weights = (q_proj_weight, k_proj_weight, v_proj_weight)
        for name, w in zip(("q", "k", "v"), weights, strict=True):
            if w is None:
                raise AssertionError(f"use_separate_proj_weight is True but {name}_proj_weight is None")
        q, k, v = separate_projection(query, key, value, weights, in_proj_bias)
    else:
        if tuple(key.shape) != tuple(value.shape):
            raise AssertionError(f"key shape {key.shape} does not match value shape {value.shape}")
        if in_proj_weight is None:
            raise AssertionError("use_separate_proj_weight is False but in_proj_weight is None")
        q, k, v = packed_projection(query, key, value, in_proj_weight, in_proj_bias)
    heads = bsz * num_heads
    if attn_mask is not None:
        expected = (tgt_len, src_len) if attn_mask.ndim == 2 else (heads, tgt_len, src_len)
        if tuple(attn_mask.shape) != expected:
            raise RuntimeError(
                f"The shape of the {attn_mask.ndim}D attn_mask is {attn_mask.shape}, but should be {expected}."
            )
        if attn_mask.ndim == 2:
            attn_mask = unsqueeze(attn_mask, 0)
    if (bias_k is None) != (bias_v is None):
        raise AssertionError(
            "bias_k is set but bias_v is None" if bias_v is None else "bias_v is set but bias_k is None"
        )
    if bias_k is not None:
        if static_k is not None or static_v is not None:
            raise AssertionError(f"bias cannot be added to static {'key' if static_k is not None else 'value'}.")
        k = cat([k, expand(bias_k, (1, bsz, bias_k.shape[-1]))])
        v = cat([v, expand(bias_v, (1, bsz, bias_v.shape[-1]))])
        attn_mask, key_padding_mask = one_more(attn_mask), one_more(key_padding_mask)
    q = by_heads(q, heads, width)
    k = by_heads(k, heads, width) if static_k is None else given_heads(static_k, heads, width, "static_k")
    v = by_heads(v, heads, width) if static_v is None else given_heads(static_v, heads, width, "static_v")
    if add_zero_attn:
        from .create import zeros

        zero = zeros(heads, 1, width, dtype=k.dtype)
        k, v = cat([k, zero], 1), cat([v, zero], 1)
        attn_mask, key_padding_mask = one_more(attn_mask), one_more(key_padding_mask)
    src_len = k.shape[1]
    if key_padding_mask is not None:
        if tuple(key_padding_mask.shape) != (bsz, src_len):
            at, want = (0, bsz) if key_padding_mask.shape[0] != bsz else (1, src_len)
            raise AssertionError(
                f"Expected key_padded_mask.shape[{at}] to be {want}, but got {key_padding_mask.shape[at]}"
            )
        spread = expand(reshape(key_padding_mask, (bsz, 1, 1, src_len)), (bsz, num_heads, 1, src_len))
        spread = reshape(spread, (heads, 1, src_len))
        attn_mask = spread if attn_mask is None else attn_mask + spread
    if not training:
        dropout_p = 0.0
    if not need_weights:
        made = heads_together(q, k, v, attn_mask, dropout_p, is_causal, bsz, num_heads)
        made = reshape(permute(made, (2, 0, 1, 3)), (bsz * tgt_len, embed_dim))
        made = linear(made, out_proj_weight, out_proj_bias)
        made = reshape(made, (tgt_len, bsz, made.shape[1]))
        return (made if batched else squeeze(made, 1)), None
    if is_causal and attn_mask is None:
        raise AssertionError("FIXME: is_causal not implemented for need_weights")
    scores = bmm(q * math.sqrt(1.0 / width), transpose(k, -2, -1))
    shares = softmax_along(scores if attn_mask is None else scores + attn_mask, 2)
    if dropout_p > 0.0:
        from .dropout import dropout

        shares = dropout(shares, dropout_p)
    made = reshape(transpose(bmm(shares, v), 0, 1), (tgt_len * bsz, embed_dim))
    made = linear(made, out_proj_weight, out_proj_bias)
    made = reshape(made, (tgt_len, bsz, made.shape[1]))
    looked: Any = reshape(shares, (bsz, num_heads, tgt_len, src_len))
    if average_attn_weights:
        looked = mean(looked, 1)
    return (made, looked) if batched else (squeeze(made, 1), squeeze(looked, 0))


def heads_together(
    q: Any, k: Any, v: Any, mask: Any, dropout_p: float, is_causal: bool, bsz: int, num_heads: int
) -> Any:
    """The attention of (N * heads, L, E) as (N, heads, L, E)."""
    if mask is not None:
        mask = unsqueeze(mask, 0) if mask.shape[0] == 1 else reshape(mask, (bsz, num_heads, -1, k.shape[1]))
    q, k, v = [reshape(x, (bsz, num_heads, *x.shape[1:])) for x in (q, k, v)]
    return scaled_dot_product_attention(q, k, v, mask, dropout_p, is_causal)

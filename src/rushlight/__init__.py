"""Rushlight: PyTorch's autograd system in Python on NumPy. ``import rushlight as torch`` runs PyTorch programs.

Operators and the tensor are here at once; larger parts (``nn``, ``optim``, ``utils``, ...) load at first use.
"""

from __future__ import annotations

import importlib
import warnings
from typing import TYPE_CHECKING, Any

from . import _allocator, _blas_wait, _integrations, autograd
from ._alias import install_as_torch
from ._core import dtypes as _dtypes
from ._core import tensor as _tensor
from ._core.dtypes import dtype, get_default_dtype, set_default_dtype
from ._core.printing import set_printoptions
from ._core.tensor import Size, Tensor, device, layout, memory_format
from ._ops import methods as _methods
from ._ops.activation import (
    celu,
    celu_,
    hardshrink,
    prelu,
    relu,
    rrelu,
    rrelu_,
    selu,
    selu_,
    threshold,
    threshold_,
)
from ._ops.arithmetic import (
    add,
    addcdiv,
    addcmul,
    arctan2,
    atan2,
    div,
    divide,
    float_power,
    floor_divide,
    fmod,
    frexp,
    gcd,
    hypot,
    lcm,
    ldexp,
    lerp,
    logaddexp,
    logaddexp2,
    mul,
    multiply,
    neg,
    negative,
    positive,
    pow,
    remainder,
    rsub,
    square,
    sub,
    subtract,
    true_divide,
    xlogy,
)
from ._ops.compare import (
    allclose,
    bitwise_and,
    bitwise_left_shift,
    bitwise_not,
    bitwise_or,
    bitwise_right_shift,
    bitwise_xor,
    clamp,
    clamp_max,
    clamp_min,
    clip,
    copysign,
    eq,
    equal,
    fmax,
    fmin,
    ge,
    greater,
    greater_equal,
    gt,
    heaviside,
    isclose,
    isfinite,
    isinf,
    isnan,
    isneginf,
    isposinf,
    isreal,
    le,
    less,
    less_equal,
    logical_and,
    logical_not,
    logical_or,
    logical_xor,
    lt,
    maximum,
    minimum,
    ne,
    nextafter,
    not_equal,
    sign,
    signbit,
    where,
)
from ._ops.complexes import (
    abs,
    absolute,
    angle,
    complex,
    conj,
    conj_physical,
    imag,
    is_conj,
    is_neg,
    polar,
    real,
    resolve_conj,
    resolve_neg,
    sgn,
    view_as_complex,
    view_as_real,
)
from ._ops.create import (
    arange,
    as_tensor,
    asarray,
    empty,
    empty_like,
    eye,
    from_numpy,
    full,
    full_like,
    is_tensor,
    linspace,
    logspace,
    ones,
    ones_like,
    scalar_tensor,
    tensor,
    tril_indices,
    triu_indices,
    zeros,
    zeros_like,
)
from ._ops.create import range_ as range
from ._ops.elementary import (
    acos,
    acosh,
    arccos,
    arccosh,
    arcsin,
    arcsinh,
    arctan,
    arctanh,
    asin,
    asinh,
    atan,
    atanh,
    ceil,
    cos,
    cosh,
    deg2rad,
    digamma,
    erf,
    erfc,
    erfinv,
    exp,
    exp2,
    expm1,
    fix,
    floor,
    frac,
    lgamma,
    log,
    log1p,
    log2,
    log10,
    logit,
    mvlgamma,
    nan_to_num,
    polygamma,
    rad2deg,
    reciprocal,
    round,
    rsqrt,
    sigmoid,
    sin,
    sinc,
    sinh,
    sqrt,
    tan,
    tanh,
    trunc,
)
from ._ops.fill import fill, fill_, zero_
from ._ops.gamma_draws import _dirichlet_grad, _sample_dirichlet, _standard_gamma, _standard_gamma_grad
from ._ops.index import gather, index_put, index_put_, index_select, nonzero
from ._ops.interop import from_buffer as frombuffer
from ._ops.interop import from_dlpack, to_dlpack
from ._ops.layout import empty_permuted, empty_strided, get_device, resize_as_
from ._ops.linalg import matrix_exp
from ._ops.magnitude import dist, norm, renorm
from ._ops.matrices import (
    cholesky,
    cholesky_inverse,
    cholesky_solve,
    corrcoef,
    cov,
    cross,
    det,
    geqrf,
    inverse,
    kron,
    logdet,
    lu,
    lu_solve,
    lu_unpack,
    matrix_power,
    orgqr,
    ormqr,
    pca_lowrank,
    pinverse,
    qr,
    slogdet,
    svd,
    svd_lowrank,
    trace,
    triangular_solve,
    vander,
)
from ._ops.products import (
    addbmm,
    addmm,
    addmv,
    addr,
    baddbmm,
    bmm,
    chain_matmul,
    dot,
    einsum,
    inner,
    matmul,
    mm,
    mv,
    outer,
    tensordot,
    vdot,
)
from ._ops.questions import (
    can_cast,
    finfo,
    iinfo,
    is_complex,
    is_floating_point,
    is_inference,
    is_nonzero,
    is_same_size,
    is_signed,
    is_storage,
    numel,
    promote_types,
    result_type,
)
from ._ops.random import (
    Generator,
    bernoulli,
    binomial,
    default_generator,
    get_rng_state,
    initial_seed,
    manual_seed,
    multinomial,
    normal,
    poisson,
    rand,
    rand_like,
    randint,
    randint_like,
    randn,
    randn_like,
    randperm,
    seed,
    set_rng_state,
)
from ._ops.reduce import (
    all,
    amax,
    amin,
    aminmax,
    any,
    argmax,
    argmin,
    count_nonzero,
    hash_tensor,
    logsumexp,
    max,
    mean,
    min,
    nanmean,
    nansum,
    prod,
    std,
    std_mean,
    sum,
    var,
    var_mean,
)
from ._ops.scan import (
    cummax,
    cummin,
    cumprod,
    cumsum,
    cumulative_trapezoid,
    diff,
    gradient,
    logcumsumexp,
    trapezoid,
    trapz,
)
from ._ops.scatter import (
    alias_copy,
    argwhere,
    as_strided_copy,
    as_strided_scatter,
    block_diag,
    cartesian_prod,
    combinations,
    detach_copy,
    diagonal_copy,
    diagonal_scatter,
    expand_copy,
    index_add,
    index_copy,
    index_fill,
    index_reduce,
    masked_fill,
    masked_scatter,
    masked_select,
    narrow_copy,
    nonzero_static,
    permute_copy,
    put,
    repeat_interleave,
    scatter,
    scatter_add,
    scatter_reduce,
    select_copy,
    select_scatter,
    slice_copy,
    slice_scatter,
    split_copy,
    split_with_sizes_copy,
    squeeze_copy,
    t_copy,
    take,
    take_along_dim,
    transpose_copy,
    unbind_copy,
    unfold_copy,
    unravel_index,
    unsqueeze_copy,
    view_as_complex_copy,
    view_as_real_copy,
    view_copy,
)
from ._ops.shape import (
    adjoint,
    as_strided,
    atleast_1d,
    atleast_2d,
    atleast_3d,
    broadcast_shapes,
    broadcast_tensors,
    broadcast_to,
    cat,
    chunk,
    clone,
    column_stack,
    detach,
    detach_,
    diag,
    diag_embed,
    diagflat,
    diagonal,
    dsplit,
    dstack,
    flatten,
    flip,
    fliplr,
    flipud,
    hsplit,
    hstack,
    meshgrid,
    movedim,
    narrow,
    permute,
    ravel,
    reshape,
    roll,
    rot90,
    select,
    split,
    split_with_sizes,
    squeeze,
    stack,
    swapaxes,
    t,
    tensor_split,
    tile,
    transpose,
    tril,
    triu,
    unbind,
    unflatten,
    unsafe_chunk,
    unsafe_split,
    unsafe_split_with_sizes,
    unsqueeze,
    vsplit,
    vstack,
)
from ._ops.softmax import torch_log_softmax as log_softmax
from ._ops.softmax import torch_softmax as softmax
from ._ops.sort import (
    argsort,
    bincount,
    bucketize,
    histc,
    histogram,
    histogramdd,
    isin,
    kthvalue,
    median,
    mode,
    msort,
    nanmedian,
    nanquantile,
    quantile,
    searchsorted,
    sort,
    topk,
    unique,
    unique_consecutive,
)
from ._ops.special import i0, igamma, igammac
from ._ops.spectral import istft, stft
from ._ops.window import bartlett_window, blackman_window, hamming_window, hann_window, kaiser_window
from ._version import torch_version as __version__
from .autograd.grad_mode import (
    enable_grad,
    inference_mode,
    is_grad_enabled,
    is_inference_mode_enabled,
    no_grad,
    set_grad_enabled,
)

# NumPy's warnings of overflow, division by zero and invalid values are for its own users: PyTorch gives inf and nan
# silently. Only what our own modules compute is silenced.
warnings.filterwarnings("ignore", category=RuntimeWarning, module=r"rushlight\b")

_tensor.subclassed.append(lambda: importlib.import_module("rushlight.overrides").activate())

concat = concatenate = cat
ger = outer
moveaxis = movedim
row_stack = vstack
swapdims = transpose
_allocator.tune()
_integrations.watch()

float16 = half = _dtypes.float16
bfloat16 = _dtypes.bfloat16
float8_e4m3fn = _dtypes.float8_e4m3fn
float8_e4m3fnuz = _dtypes.float8_e4m3fnuz
float8_e5m2 = _dtypes.float8_e5m2
float8_e5m2fnuz = _dtypes.float8_e5m2fnuz
float8_e8m0fnu = _dtypes.float8_e8m0fnu
float32 = float = _dtypes.float32
float64 = double = _dtypes.float64
complex32 = chalf = _dtypes.complex32
complex64 = cfloat = _dtypes.complex64
complex128 = cdouble = _dtypes.complex128
uint8 = _dtypes.uint8
uint16 = _dtypes.uint16
uint32 = _dtypes.uint32
uint64 = _dtypes.uint64
int8 = _dtypes.int8
int16 = short = _dtypes.int16
int32 = int = _dtypes.int32
int64 = long = _dtypes.int64
bool = _dtypes.bool_
from math import e, inf, nan, pi  # noqa: E402

newaxis = None
strided = _tensor.STRIDED
sparse_coo, sparse_csr, sparse_csc, sparse_bsr, sparse_bsc, jagged = (
    layout(f"torch.{name}") for name in ("sparse_coo", "sparse_csr", "sparse_csc", "sparse_bsr", "sparse_bsc", "jagged")
)
contiguous_format, preserve_format, channels_last, channels_last_3d = (
    memory_format(f"torch.{name}")
    for name in ("contiguous_format", "preserve_format", "channels_last", "channels_last_3d")
)

# In-place functions that PyTorch has in its main namespace too: the methods.
_IN_PLACE = (
    "abs_", "acos_", "acosh_", "arccos_", "arccosh_", "arcsin_", "arcsinh_", "arctan_", "arctanh_", "asin_",
    "asinh_", "atan_", "atanh_", "ceil_", "clamp_", "clamp_max_", "clamp_min_", "clip_", "conj_physical_",
    "cos_", "cosh_", "deg2rad_", "erf_", "erfc_", "exp2_", "exp_", "expm1_", "fix_", "floor_", "frac_",
    "gcd_", "i0_", "lcm_", "ldexp_", "log10_", "log1p_", "log2_", "log_", "logit_", "nan_to_num_", "neg_",
    "negative_", "rad2deg_", "reciprocal_", "relu_", "round_", "rsqrt_", "sigmoid_", "sin_", "sinc_",
    "sinh_", "sqrt_", "square_", "tan_", "tanh_", "trunc_", "xlogy_",
)  # fmt: skip
globals().update({name: getattr(Tensor, name) for name in _IN_PLACE})


def _to_sparse(self: Tensor, *args: Any, **kwargs: Any) -> Any:
    """The tensor as a sparse one: see ``rushlight.sparse``."""
    return importlib.import_module("rushlight.sparse").to_sparse(self, *args, **kwargs)


def _sparse_mask(self: Tensor, mask: Any) -> Any:
    """The elements where a sparse tensor stores some: see ``rushlight.sparse``."""
    return importlib.import_module(f"{__package__}.sparse").sparse_mask(self, mask)


Tensor.sparse_mask = _sparse_mask  # type: ignore[attr-defined]
Tensor.to_sparse = Tensor.to_sparse_coo = _to_sparse  # type: ignore[attr-defined]

# Loaded at first use: modules, and functions by the module that has them.
_LAZY = frozenset(
    [
        "__config__",
        "__future__",
        "_dynamo",
        "accelerator",
        "amp",
        "backends",
        "compiler",
        "cpu",
        "cuda",
        "debug",
        "distributed",
        "distributions",
        "fft",
        "func",
        "functional",
        "futures",
        "fx",
        "hub",
        "jit",
        "library",
        "linalg",
        "mps",
        "multiprocessing",
        "nn",
        "onnx",
        "ops",
        "optim",
        "overrides",
        "profiler",
        "quasirandom",
        "random",
        "return_types",
        "serialization",
        "signal",
        "sparse",
        "special",
        "storage",
        "testing",
        "types",
        "utils",
        "version",
        "xpu",
    ]
)
_LAZY_FUNCTIONS = {
    "GradScaler": "amp",
    "Future": "futures",
    **dict.fromkeys(("ScriptFunction", "ScriptModule"), "jit"),
    **dict.fromkeys(("Event", "PyTorchFileReader", "PyTorchFileWriter", "Stream", "TensorType"), "_absent"),
    **dict.fromkeys(("DisableTorchFunction", "DisableTorchFunctionSubclass"), "overrides"),
    **dict.fromkeys(("eig", "lstsq", "matrix_rank", "solve", "symeig"), "_removed"),
    **dict.fromkeys(
        (
            "SymBool",
            "SymFloat",
            "SymInt",
            "sym_float",
            "sym_int",
            "sym_ite",
            "sym_max",
            "sym_min",
            "sym_not",
            "sym_sqrt",
            "sym_sum",
        ),
        "_symbols",
    ),
    "conventions": "_conventions",
    "sparse_coo_tensor": "sparse",
    "dsmm": "sparse",
    "spmm": "sparse",
    "explain_grads": "autograd.missing",
    "graph_budget": "autograd.memory",
    "memory_report": "autograd.memory",
    "why_no_grad": "autograd.missing",
    **dict.fromkeys(
        ("is_anomaly_check_nan_enabled", "is_anomaly_enabled", "set_anomaly_enabled"), "autograd.anomaly_mode"
    ),
    "autocast": "amp",
    "load": "serialization",
    "save": "serialization",
    "vmap": "func",
    "backward_steps": "_see.steps",
    "break_on": "_see.steps",
    "check": "_see.check",
    "diff_source": "_see.source",
    "draw": "_see.draw",
    "explain": "_see.explain",
    "kinks": "_see.check",
    "make_dot": "_see.draw",
    "to_numpy": "_see.source",
    "trace_html": "_see.trace",
    "TypedStorage": "storage",
    "from_file": "storage",
    "UntypedStorage": "storage",
    **dict.fromkeys(
        [
            "_assert",
            "AcceleratorError",
            "OutOfMemoryError",
            "are_deterministic_algorithms_enabled",
            "autocast_decrement_nesting",
            "autocast_increment_nesting",
            "clear_autocast_cache",
            "compile",
            "get_autocast_cpu_dtype",
            "get_autocast_dtype",
            "get_autocast_gpu_dtype",
            "get_default_device",
            "get_deterministic_debug_mode",
            "get_device_module",
            "get_float32_matmul_precision",
            "get_num_interop_threads",
            "get_num_threads",
            "is_autocast_cache_enabled",
            "is_autocast_cpu_enabled",
            "is_autocast_enabled",
            "is_deterministic_algorithms_warn_only_enabled",
            "is_warn_always_enabled",
            "set_autocast_cache_enabled",
            "set_autocast_cpu_dtype",
            "set_autocast_cpu_enabled",
            "set_autocast_dtype",
            "set_autocast_enabled",
            "set_autocast_gpu_dtype",
            "set_default_device",
            "set_default_tensor_type",
            "set_deterministic_debug_mode",
            "set_float32_matmul_precision",
            "set_flush_denormal",
            "set_num_interop_threads",
            "set_num_threads",
            "set_warn_always",
            "typename",
            "use_deterministic_algorithms",
        ],
        "_settings",
    ),
    **dict.fromkeys(["adaptive_avg_pool1d"], "_ops.adaptive"),
    **dict.fromkeys(
        ["conv1d", "conv2d", "conv3d", "conv_tbc", "conv_transpose1d", "conv_transpose2d", "conv_transpose3d"],
        "_ops.conv",
    ),
    **dict.fromkeys(["bilinear", "cdist", "cosine_similarity", "pairwise_distance", "pdist"], "_ops.distance"),
    **dict.fromkeys(
        [
            "adaptive_max_pool1d",
            "alpha_dropout",
            "alpha_dropout_",
            "batch_norm",
            "binary_cross_entropy_with_logits",
            "convolution",
            "cosine_embedding_loss",
            "ctc_loss",
            "dropout",
            "dropout_",
            "embedding",
            "embedding_bag",
            "embedding_renorm_",
            "feature_alpha_dropout",
            "feature_alpha_dropout_",
            "feature_dropout",
            "feature_dropout_",
            "frobenius_norm",
            "grid_sampler_2d",
            "grid_sampler_3d",
            "group_norm",
            "hinge_embedding_loss",
            "instance_norm",
            "kl_div",
            "layer_norm",
            "margin_ranking_loss",
            "max_pool1d",
            "max_pool2d",
            "max_pool3d",
            "native_batch_norm",
            "native_dropout",
            "native_group_norm",
            "native_layer_norm",
            "norm_except_dim",
            "nuclear_norm",
            "poisson_nll_loss",
            "triplet_margin_loss",
        ],
        "_ops.native",
    ),
    "lobpcg": "_lobpcg",
    "rms_norm": "_ops.norm",
    "constant_pad_nd": "_ops.padding",
    "segment_reduce": "_ops.segments",
    **dict.fromkeys(["avg_pool1d", "max_pool1d_with_indices"], "_ops.pool"),
    **dict.fromkeys(["affine_grid_generator", "grid_sampler"], "_ops.resample"),
    **dict.fromkeys(
        ["gru", "gru_cell", "lstm", "lstm_cell", "rnn_relu", "rnn_relu_cell", "rnn_tanh", "rnn_tanh_cell"],
        "nn.modules.recurrent",
    ),
    **dict.fromkeys(["channel_shuffle", "native_channel_shuffle", "pixel_shuffle", "pixel_unshuffle"], "_ops.shuffle"),
}


def _private_module(name: str) -> Any:
    """A module of PyTorch's that programs reach for as an attribute, if it is one of which there is something here."""
    if not name.startswith("_") and name not in importlib.import_module(f"{__package__}._names_only").TABLE:
        return None
    try:
        return importlib.import_module(f"torch.{name}") if not name.startswith("__") else None
    except ModuleNotFoundError:
        return None


def __getattr__(name: str) -> Any:
    if name in _LAZY:
        return importlib.import_module(f"{__package__}.{name}")
    if name in _LAZY_FUNCTIONS:
        found = getattr(importlib.import_module(f"{__package__}.{_LAZY_FUNCTIONS[name]}"), name)
    elif (
        name.endswith("Tensor")
        and name in (types := importlib.import_module(f"{__package__}._settings").legacy_types())
    ) or (name.endswith("Storage") and name in (types := importlib.import_module(f"{__package__}.storage").kinds())):
        found = types[name]
    elif name.startswith("_foreach_"):
        found = importlib.import_module(f"{__package__}._foreach").find(name[9:])
        if found is None:
            raise AttributeError(f"module 'torch' has no attribute '{name}'")
    elif __name__ == "torch" and (found := _private_module(name)) is not None:  # as long as the alias stands
        return found
    else:
        raise AttributeError(f"module 'torch' has no attribute '{name}'")
    globals()[name] = found
    return found


def __dir__() -> list[str]:
    return sorted({*globals(), *_LAZY, *_LAZY_FUNCTIONS})


if TYPE_CHECKING:
    from . import nn, optim, utils

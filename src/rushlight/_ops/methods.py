"""Operators as methods of Tensor: the table of contents, one line each, by family.

Checkers read the class ``Methods`` as a base of Tensor; at run time its contents are put into Tensor itself.
"""

from __future__ import annotations

from typing import Any

from .._core import gradients, hooks, views
from .._core.declare import Op, dunder
from .._core.tensor import InferenceTensor, Tensor
from .._core.views import inplace
from . import (
    activation,
    arithmetic,
    broadcast,
    compare,
    complexes,
    create,
    elementary,
    fill,
    index,
    inplace_views,
    interop,
    layout,
    linalg,
    magnitude,
    matrices,
    outs,
    products,
    questions,
    random,
    reduce,
    scan,
    scatter,
    shape,
    sort,
    special,
    spectral,
)
from . import softmax as softmax_


class Methods:
    """What the operators add to Tensor."""

    backward = gradients.tensor_backward
    register_hook = hooks.register_hook
    register_post_accumulate_grad_hook = hooks.register_post_accumulate_grad_hook
    retain_grad = hooks.retain_grad
    retains_grad = property(hooks.retains_grad)
    _base = property(views.base_of)
    _is_view = views.is_view
    _backward_hooks = property(hooks.backward_hooks, hooks.set_backward_hooks, hooks.keep_backward_hooks)
    _post_accumulate_grad_hooks = property(hooks.post_accumulate_grad_hooks)
    hooks = hooks.hooks_table  # the last of these: from here on the name is the method

    # arithmetic
    add = arithmetic.add
    add_ = inplace(arithmetic.add)
    addcdiv = arithmetic.addcdiv
    addcdiv_ = inplace(arithmetic.addcdiv)
    addcmul = arithmetic.addcmul
    addcmul_ = inplace(arithmetic.addcmul)
    atan2 = arctan2 = arithmetic.atan2
    atan2_ = arctan2_ = inplace(arithmetic.atan2)
    div = divide = arithmetic.div
    div_ = divide_ = inplace(arithmetic.div)
    floor_divide = arithmetic.floor_divide
    floor_divide_ = inplace(arithmetic.floor_divide)
    fmod = arithmetic.fmod
    fmod_ = inplace(arithmetic.fmod)
    gcd = arithmetic.gcd
    gcd_ = inplace(arithmetic.gcd)
    hypot = arithmetic.hypot
    hypot_ = inplace(arithmetic.hypot)
    lcm = arithmetic.lcm
    lcm_ = inplace(arithmetic.lcm)
    mul = multiply = arithmetic.mul
    mul_ = multiply_ = inplace(arithmetic.mul)
    neg = negative = arithmetic.neg
    neg_ = negative_ = inplace(arithmetic.neg)
    remainder = arithmetic.remainder
    remainder_ = inplace(arithmetic.remainder)
    sub = subtract = arithmetic.sub
    sub_ = subtract_ = inplace(arithmetic.sub)
    xlogy = arithmetic.xlogy
    xlogy_ = inplace(arithmetic.xlogy)
    logaddexp, logaddexp2 = arithmetic.logaddexp, arithmetic.logaddexp2
    true_divide = arithmetic.div
    true_divide_ = inplace(arithmetic.div)
    frexp = arithmetic.frexp
    ldexp = arithmetic.ldexp
    ldexp_ = inplace(arithmetic.ldexp)
    float_power, float_power_ = arithmetic.float_power, arithmetic.float_power_
    lerp, lerp_ = arithmetic.lerp, arithmetic.lerp_
    positive = __pos__ = arithmetic.positive
    pow, pow_ = arithmetic.pow, arithmetic.pow_
    square, square_ = arithmetic.square, arithmetic.square_
    __add__ = dunder(arithmetic.add, "__add__")
    __radd__ = dunder(arithmetic.add, "__radd__")
    __mul__ = dunder(arithmetic.mul, "__mul__")
    __rmul__ = dunder(arithmetic.mul, "__rmul__")
    __sub__, __rsub__ = dunder(arithmetic.sub, "__sub__"), dunder(arithmetic.rsub, "__rsub__")
    __truediv__ = __div__ = dunder(arithmetic.div, "__truediv__")
    __rtruediv__ = __rdiv__ = arithmetic.over
    __floordiv__ = dunder(arithmetic.floor_divide, "__floordiv__")
    __rfloordiv__ = arithmetic.reflected(arithmetic.floor_divide, "__rfloordiv__")
    __mod__ = dunder(arithmetic.remainder, "__mod__")
    __rmod__ = arithmetic.reflected(arithmetic.remainder, "__rmod__")
    __pow__, __rpow__ = arithmetic.power_of, arithmetic.power_to
    __neg__ = arithmetic.neg
    __iadd__ = inplace(arithmetic.add, assigns=True)
    __isub__ = inplace(arithmetic.sub, assigns=True)
    __imul__ = inplace(arithmetic.mul, assigns=True)
    __itruediv__ = __idiv__ = inplace(arithmetic.div, assigns=True)
    __ifloordiv__ = inplace(arithmetic.floor_divide, assigns=True)
    __imod__ = inplace(arithmetic.remainder, assigns=True)
    __ipow__ = arithmetic.power_into

    # comparisons, choices, logic
    eq = compare.eq
    eq_ = inplace(compare.eq)
    __eq__ = dunder(compare.eq, "__eq__")
    ne = not_equal = compare.ne
    ne_ = not_equal_ = inplace(compare.ne)
    __ne__ = dunder(compare.ne, "__ne__")
    lt = less = compare.lt
    lt_ = less_ = inplace(compare.lt)
    __lt__ = dunder(compare.lt, "__lt__")
    le = less_equal = compare.le
    le_ = less_equal_ = inplace(compare.le)
    __le__ = dunder(compare.le, "__le__")
    gt = greater = compare.gt
    gt_ = greater_ = inplace(compare.gt)
    __gt__ = dunder(compare.gt, "__gt__")
    ge = greater_equal = compare.ge
    ge_ = greater_equal_ = inplace(compare.ge)
    __ge__ = dunder(compare.ge, "__ge__")
    bitwise_and = compare.bitwise_and
    bitwise_and_ = inplace(compare.bitwise_and)
    bitwise_left_shift = compare.bitwise_left_shift
    bitwise_left_shift_ = inplace(compare.bitwise_left_shift)
    bitwise_not = compare.bitwise_not
    bitwise_not_ = inplace(compare.bitwise_not)
    bitwise_or = compare.bitwise_or
    bitwise_or_ = inplace(compare.bitwise_or)
    bitwise_right_shift = compare.bitwise_right_shift
    bitwise_right_shift_ = inplace(compare.bitwise_right_shift)
    bitwise_xor = compare.bitwise_xor
    bitwise_xor_ = inplace(compare.bitwise_xor)
    copysign = compare.copysign
    copysign_ = inplace(compare.copysign)
    heaviside = compare.heaviside
    heaviside_ = inplace(compare.heaviside)
    logical_and = compare.logical_and
    logical_and_ = inplace(compare.logical_and)
    logical_not = compare.logical_not
    logical_not_ = inplace(compare.logical_not)
    logical_or = compare.logical_or
    logical_or_ = inplace(compare.logical_or)
    logical_xor = compare.logical_xor
    logical_xor_ = inplace(compare.logical_xor)
    nextafter = compare.nextafter
    nextafter_ = inplace(compare.nextafter)
    sign = compare.sign
    sign_ = inplace(compare.sign)
    allclose = compare.allclose
    equal = compare.equal
    fmax = compare.fmax
    fmin = compare.fmin
    isclose = compare.isclose
    isfinite = compare.isfinite
    isinf = compare.isinf
    isnan = compare.isnan
    isneginf = compare.isneginf
    isposinf = compare.isposinf
    isreal = compare.isreal
    maximum = compare.maximum
    minimum = compare.minimum
    signbit = compare.signbit
    clamp = clip = compare.clamp
    clamp_ = clip_ = compare.clamp_
    clamp_max, clamp_max_ = compare.clamp_max, compare.clamp_max_
    clamp_min, clamp_min_ = compare.clamp_min, compare.clamp_min_
    where = compare.where_method
    __invert__ = compare.invert
    __and__ = dunder(compare.bitwise_and, "__and__")
    __rand__ = dunder(compare.bitwise_and, "__rand__")
    __iand__ = inplace(compare.bitwise_and, assigns=True)
    __or__ = dunder(compare.bitwise_or, "__or__")
    __ror__ = dunder(compare.bitwise_or, "__ror__")
    __ior__ = inplace(compare.bitwise_or, assigns=True)
    __xor__ = dunder(compare.bitwise_xor, "__xor__")
    __rxor__ = dunder(compare.bitwise_xor, "__rxor__")
    __ixor__ = inplace(compare.bitwise_xor, assigns=True)
    __lshift__ = dunder(compare.bitwise_left_shift, "__lshift__")
    __rlshift__ = arithmetic.reflected(compare.bitwise_left_shift, "__rlshift__")
    __ilshift__ = inplace(compare.bitwise_left_shift, assigns=True)
    __rshift__ = dunder(compare.bitwise_right_shift, "__rshift__")
    __rrshift__ = arithmetic.reflected(compare.bitwise_right_shift, "__rrshift__")
    __irshift__ = inplace(compare.bitwise_right_shift, assigns=True)

    # complex numbers
    abs = absolute = __abs__ = complexes.abs
    abs_ = absolute_ = complexes.abs_
    angle = complexes.angle
    conj = complexes.conj
    conj_physical = complexes.conj_physical
    conj_physical_ = inplace(complexes.conj_physical)
    resolve_conj = complexes.resolve_conj
    resolve_neg = complexes.resolve_neg
    sgn = complexes.sgn
    sgn_ = inplace(complexes.sgn)
    real = property(complexes.real, complexes.set_real)
    imag = property(complexes.imag, complexes.set_imag)

    # elementary
    acos = arccos = elementary.acos
    acos_ = arccos_ = inplace(elementary.acos)
    acosh = arccosh = elementary.acosh
    acosh_ = arccosh_ = inplace(elementary.acosh)
    asin = arcsin = elementary.asin
    asin_ = arcsin_ = inplace(elementary.asin)
    asinh = arcsinh = elementary.asinh
    asinh_ = arcsinh_ = inplace(elementary.asinh)
    atan = arctan = elementary.atan
    atan_ = arctan_ = inplace(elementary.atan)
    atanh = arctanh = elementary.atanh
    atanh_ = arctanh_ = inplace(elementary.atanh)
    ceil = elementary.ceil
    ceil_ = inplace(elementary.ceil)
    cos = elementary.cos
    cos_ = inplace(elementary.cos)
    cosh = elementary.cosh
    cosh_ = inplace(elementary.cosh)
    deg2rad = elementary.deg2rad
    deg2rad_ = inplace(elementary.deg2rad)
    digamma = elementary.digamma
    digamma_ = inplace(elementary.digamma)
    erf = elementary.erf
    erf_ = inplace(elementary.erf)
    erfc = elementary.erfc
    erfc_ = inplace(elementary.erfc)
    erfinv = elementary.erfinv
    erfinv_ = inplace(elementary.erfinv)
    exp = elementary.exp
    exp_ = inplace(elementary.exp)
    exp2 = elementary.exp2
    exp2_ = inplace(elementary.exp2)
    expm1 = elementary.expm1
    expm1_ = inplace(elementary.expm1)
    floor = elementary.floor
    floor_ = inplace(elementary.floor)
    frac = elementary.frac
    frac_ = inplace(elementary.frac)
    lgamma = elementary.lgamma
    lgamma_ = inplace(elementary.lgamma)
    log = elementary.log
    log_ = inplace(elementary.log)
    log10 = elementary.log10
    log10_ = inplace(elementary.log10)
    log1p = elementary.log1p
    log1p_ = inplace(elementary.log1p)
    log2 = elementary.log2
    log2_ = inplace(elementary.log2)
    logit = elementary.logit
    logit_ = inplace(elementary.logit)
    nan_to_num = elementary.nan_to_num
    nan_to_num_ = inplace(elementary.nan_to_num)
    rad2deg = elementary.rad2deg
    rad2deg_ = inplace(elementary.rad2deg)
    reciprocal = elementary.reciprocal
    reciprocal_ = inplace(elementary.reciprocal)
    round = elementary.round
    round_ = inplace(elementary.round)
    rsqrt = elementary.rsqrt
    rsqrt_ = inplace(elementary.rsqrt)
    sigmoid = elementary.sigmoid
    sigmoid_ = inplace(elementary.sigmoid)
    sin = elementary.sin
    sin_ = inplace(elementary.sin)
    sinc = elementary.sinc
    sinc_ = inplace(elementary.sinc)
    sinh = elementary.sinh
    sinh_ = inplace(elementary.sinh)
    sqrt = elementary.sqrt
    sqrt_ = inplace(elementary.sqrt)
    tan = elementary.tan
    tan_ = inplace(elementary.tan)
    tanh = elementary.tanh
    tanh_ = inplace(elementary.tanh)
    trunc = fix = elementary.trunc
    trunc_ = fix_ = inplace(elementary.trunc)
    mvlgamma = elementary.mvlgamma
    mvlgamma_ = elementary.mvlgamma_
    polygamma = elementary.polygamma_method
    polygamma_ = elementary.polygamma_method_

    # activations
    hardshrink = activation.hardshrink
    prelu = activation.prelu
    relu = activation.relu
    relu_ = inplace(activation.relu)

    # shape
    def expand(self: Any, *size: Any, **named: Any) -> Tensor:
        """A view repeated to fill a larger shape; see :func:`rushlight.broadcast_to`."""
        return broadcast.expand(self, shape.sizes(size, "expand", "size", named))

    reshape = shape.reshape_method

    def permute(self: Any, *dims: Any, **named: Any) -> Tensor:
        """A view with the dimensions in the given order; see :func:`rushlight.permute`."""
        return shape.permute(self, shape.sizes(dims, "permute", "dims", named))

    T = property(shape.T)
    mT = property(shape.mT)
    broadcast_to = shape.broadcast_to
    chunk = shape.chunk
    clone = shape.clone
    contiguous = shape.contiguous
    cpu = shape.cpu
    detach = shape.detach
    detach_ = shape.detach_
    diag = shape.diag
    diag_embed = shape.diag_embed
    diagflat = shape.diagflat
    diagonal = shape.diagonal
    dsplit = shape.dsplit
    expand_as = shape.expand_as
    flatten = shape.flatten
    flip = shape.flip_method
    fliplr = shape.fliplr
    flipud = shape.flipud
    hsplit = shape.hsplit
    is_contiguous = shape.is_contiguous
    movedim = moveaxis = shape.movedim
    narrow = shape.narrow
    ravel = shape.ravel
    repeat = shape.repeat
    reshape_as = shape.reshape_as
    roll = shape.roll
    rot90 = shape.rot90
    select = shape.select
    split = shape.split_method
    split_with_sizes = shape.split_with_sizes
    squeeze = shape.squeeze
    sum_to_size = shape.sum_to_size
    t = shape.t
    tensor_split = shape.tensor_split
    tile = shape.tile_method
    to = shape.to
    transpose = swapdims = shape.transpose
    swapaxes = shape.swapaxes
    tril = shape.tril
    tril_ = inplace(shape.tril)
    triu = shape.triu
    triu_ = inplace(shape.triu)
    type = shape.type_
    type_as = shape.type_as
    unbind = shape.unbind
    unflatten = shape.unflatten
    unfold = shape.unfold
    unsqueeze = shape.unsqueeze
    view = shape.view_method
    view_as = shape.view_as
    vsplit = shape.vsplit
    as_strided = shape.as_strided
    as_strided_ = inplace_views.as_strided_
    squeeze_ = inplace_views.squeeze_
    swapaxes_ = inplace_views.swapaxes_
    swapdims_ = inplace_views.swapdims_
    t_ = inplace_views.t_
    transpose_ = inplace_views.transpose_
    unsqueeze_ = inplace_views.unsqueeze_
    double, float, half = shape.as_dtype("float64"), shape.as_dtype("float32"), shape.as_dtype("float16")
    long, int, short, char = (
        shape.as_dtype("int64"), shape.as_dtype("int32"), shape.as_dtype("int16"), shape.as_dtype("int8"),
    )  # fmt: skip
    byte, bool = shape.as_dtype("uint8"), shape.as_dtype("bool")
    cfloat, cdouble = shape.as_dtype("complex64"), shape.as_dtype("complex128")

    # index
    __getitem__ = index.getitem
    __setitem__ = index.setitem
    __delitem__ = index.delitem
    __iter__ = index.iterate
    __len__ = index.length
    copy_ = index.copy_
    gather = index.gather
    index_put = index.index_put
    index_put_ = index.index_put_
    index_select = index.index_select
    nonzero = index.nonzero

    # products
    __matmul__ = products.matmul_operator
    __rmatmul__ = products.matmul_reflected
    addbmm = products.addbmm
    addbmm_ = inplace(products.addbmm)
    addmm = products.addmm
    addmm_ = inplace(products.addmm)
    addmv = products.addmv
    addmv_ = inplace(products.addmv)
    addr = products.addr
    addr_ = inplace(products.addr)
    baddbmm = products.baddbmm
    baddbmm_ = inplace(products.baddbmm)
    bmm = products.bmm
    dot = products.dot
    inner = products.inner
    matmul = products.matmul
    mm = products.mm
    mv = products.mv
    outer = ger = products.outer
    vdot = products.vdot

    # matrices
    cholesky = matrices.cholesky
    cholesky_inverse = matrices.cholesky_inverse
    cholesky_solve = matrices.cholesky_solve
    corrcoef = matrices.corrcoef
    cov = matrices.cov
    cross = matrices.cross
    det = matrices.det
    geqrf = matrices.geqrf
    inverse = matrices.inverse
    kron = matrices.kron
    logdet = matrices.logdet
    lu = matrices.lu
    lu_solve = matrices.lu_solve
    orgqr = matrices.orgqr
    ormqr = matrices.ormqr
    pinverse = matrices.pinverse
    qr = matrices.qr
    slogdet = matrices.slogdet
    svd = matrices.svd
    trace = matrices.trace
    triangular_solve = matrices.triangular_solve
    matrix_exp, matrix_power = linalg.matrix_exp, matrices.matrix_power
    solve = linalg.solve_method

    # special
    i0, i0_ = special.i0, inplace(special.i0)
    igamma, igamma_ = special.igamma, inplace(special.igamma)
    igammac, igammac_ = special.igammac, inplace(special.igammac)

    # spectral
    istft, stft = spectral.istft, spectral.stft

    # reduce
    all = reduce.all
    amax = reduce.amax
    amin = reduce.amin
    aminmax = reduce.aminmax
    any = reduce.any
    argmax = reduce.argmax
    argmin = reduce.argmin
    count_nonzero = reduce.count_nonzero
    hash_tensor = reduce.hash_tensor
    logsumexp = reduce.logsumexp
    max = reduce.max
    mean = reduce.mean
    min = reduce.min
    nanmean = reduce.nanmean
    nansum = reduce.nansum
    prod = reduce.prod
    std = reduce.std
    sum = reduce.sum
    var = reduce.var

    # random, and writing one value over a tensor
    bernoulli = random.bernoulli
    bernoulli_ = random.bernoulli_
    cauchy_ = random.cauchy_
    exponential_ = random.exponential_
    fill_ = fill.fill_
    fill_diagonal_ = fill.fill_diagonal_
    geometric_ = random.geometric_
    log_normal_ = random.log_normal_
    multinomial = random.multinomial
    normal_ = random.normal_
    random_ = random.random_
    uniform_ = random.uniform_
    zero_ = fill.zero_

    # NumPy's protocols
    __array_ufunc__ = interop.array_ufunc
    __array_function__ = interop.array_function
    __dlpack__ = interop.dlpack
    __dlpack_device__ = interop.dlpack_device
    __array_namespace__ = interop.array_namespace
    untyped_storage = interop.untyped_storage
    storage, storage_type = interop.storage, interop.storage_type
    const_data_ptr = Tensor.data_ptr
    __nonzero__, __long__ = Tensor.__bool__, Tensor.__int__

    # softmax
    softmax = softmax_.torch_softmax
    log_softmax = softmax_.torch_log_softmax

    # create
    new_empty = create.new_empty
    new_full = create.new_full
    new_ones = create.new_ones
    new_tensor = create.new_tensor
    new_zeros = create.new_zeros

    # scatter
    argwhere = scatter.argwhere
    as_strided_scatter = scatter.as_strided_scatter
    diagonal_scatter = scatter.diagonal_scatter
    index_add, index_add_ = scatter.index_add, scatter.index_add_
    index_copy, index_copy_ = scatter.index_copy, scatter.index_copy_
    index_fill, index_fill_ = scatter.index_fill, scatter.index_fill_
    index_reduce, index_reduce_ = scatter.index_reduce, scatter.index_reduce_
    masked_fill, masked_fill_ = scatter.masked_fill, scatter.masked_fill_
    masked_scatter, masked_scatter_ = scatter.masked_scatter, scatter.masked_scatter_
    masked_select = scatter.masked_select
    narrow_copy = scatter.narrow_copy
    nonzero_static = scatter.nonzero_static
    put, put_ = scatter.put, scatter.put_
    repeat_interleave = scatter.repeat_interleave
    scatter_add, scatter_add_ = scatter.scatter_add, scatter.scatter_add_
    scatter_reduce, scatter_reduce_ = scatter.scatter_reduce, scatter.scatter_reduce_
    select_scatter = scatter.select_scatter
    slice_scatter = scatter.slice_scatter
    take = scatter.take
    take_along_dim = scatter.take_along_dim
    scatter_ = scatter.scatter_
    scatter = scatter.scatter  # last: from here on the name is the method's

    # magnitude
    dist = magnitude.dist
    norm = magnitude.norm_method
    renorm, renorm_ = magnitude.renorm, inplace(magnitude.renorm)

    # scan
    cummax = scan.cummax
    cummin = scan.cummin
    cumprod, cumprod_ = scan.cumprod, scan.cumprod_
    cumsum, cumsum_ = scan.cumsum, scan.cumsum_
    diff = scan.diff
    logcumsumexp = scan.logcumsumexp

    # sort
    argsort = sort.argsort
    bincount = sort.bincount
    histc = sort.histc
    histogram = sort.histogram
    kthvalue = sort.kthvalue
    median = sort.median
    mode = sort.mode
    msort = sort.msort
    nanmedian = sort.nanmedian
    nanquantile = sort.nanquantile
    quantile = sort.quantile
    topk = sort.topk
    unique = sort.unique
    unique_consecutive = sort.unique_consecutive
    sort = sort.sort  # last: from here on the name is the method's

    # layout
    bfloat16, chalf = layout.bfloat16, layout.chalf
    H, mH = property(shape.H), property(shape.mH)
    adjoint = shape.adjoint
    unsafe_chunk = shape.unsafe_chunk
    unsafe_split = shape.unsafe_split
    unsafe_split_with_sizes = shape.unsafe_split_with_sizes
    __array_wrap__ = layout.array_wrap
    __reversed__ = layout.backwards
    apply_, map_, map2_ = layout.apply_, layout.map_, layout.map2_
    as_subclass = layout.as_subclass
    cuda = layout.cuda
    coalesce, is_coalesced = layout.coalesce, layout.is_coalesced
    col_indices, crow_indices = layout.col_indices, layout.crow_indices
    ccol_indices, row_indices = layout.ccol_indices, layout.row_indices
    indices, values = layout.indices, layout.values
    dense_dim, sparse_dim, to_dense = layout.dense_dim, layout.sparse_dim, layout.to_dense
    dim_order = layout.dim_order
    is_distributed, module_load = layout.is_distributed, layout.module_load
    mtia, xpu = layout.mtia, layout.xpu
    volatile = property(layout.volatile, layout.set_volatile)
    is_nonzero = questions.is_nonzero
    is_pinned = layout.is_pinned
    is_same_size = questions.is_same_size
    is_set_to = layout.is_set_to
    is_shared = layout.is_shared
    new = layout.new_tensor_of
    new_empty_strided = layout.new_empty_strided
    pin_memory = layout.pin_memory
    resize = layout.resize
    resize_ = layout.resize_
    resize_as = layout.resize_as
    resize_as_ = layout.resize_as_
    set_ = layout.set_
    share_memory_ = layout.share_memory_


for _name, _method in list(vars(Methods).items()):
    if _name not in ("__module__", "__doc__", "__dict__", "__weakref__", "__annotations__", "__qualname__", "__hash__"):
        setattr(Tensor, _name, _method)

# the writes with paths of their own, which do not ask again on each call: an inference tensor asks before
for _name in ("__setitem__", "copy_", "fill_", "resize_", "resize_as_", "set_", "zero_"):
    setattr(InferenceTensor, _name, views.asking(_name, getattr(Tensor, _name)))

views.check_out = outs.check_out
Op.refuse_out = staticmethod(lambda dtype, out: outs.check_out("dtype", dtype, out, 0))

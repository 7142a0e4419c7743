"""Operators as methods of Tensor: the table of contents, one line each, by family.

Checkers read the class ``Methods`` as a base of Tensor; at run time its contents are put into Tensor itself.
"""

from __future__ import annotations

from typing import Any

from .._core import gradients, hooks
from .._core.declare import dunder
from .._core.tensor import Tensor
from .._core.views import inplace
from . import arithmetic, broadcast, create, elementary, fill, index, products, random, reduce, shape


class Methods:
    """What the operators add to Tensor."""

    backward = gradients.tensor_backward
    register_hook = hooks.register_hook
    register_post_accumulate_grad_hook = hooks.register_post_accumulate_grad_hook
    retain_grad = hooks.retain_grad
    retains_grad = property(hooks.retains_grad)

    # arithmetic
    mul = multiply = arithmetic.mul
    __mul__ = __rmul__ = dunder(arithmetic.mul, "__mul__")
    mul_ = __imul__ = multiply_ = inplace(arithmetic.mul)

    # elementary
    cos = elementary.cos
    cos_ = inplace(elementary.cos)
    log = elementary.log
    log_ = inplace(elementary.log)
    sin = elementary.sin
    sin_ = inplace(elementary.sin)

    # shape
    def expand(self: Any, *size: Any) -> Tensor:
        """A view repeated to fill a larger shape; see :func:`rushlight.broadcast_to`."""
        return broadcast.expand(self, shape.sizes(size))

    def reshape(self: Any, *shape_: Any) -> Tensor:
        """The same elements in another shape (sizes, or one tuple of them); see :func:`rushlight.reshape`."""
        return shape.reshape(self, shape.sizes(shape_))

    def permute(self: Any, *dims: Any) -> Tensor:
        """A view with the dimensions in the given order; see :func:`rushlight.permute`."""
        return shape.permute(self, shape.sizes(dims))

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
    flip = shape.flip
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
    split = shape.split
    split_with_sizes = shape.split_with_sizes
    squeeze = shape.squeeze
    sum_to_size = shape.sum_to_size
    t = shape.t
    tensor_split = shape.tensor_split
    tile = shape.tile
    to = shape.to
    transpose = swapaxes = swapdims = shape.transpose
    tril = shape.tril
    tril_ = inplace(shape.tril)
    triu = shape.triu
    triu_ = inplace(shape.triu)
    type = shape.type_
    type_as = shape.type_as
    unbind = shape.unbind
    unflatten = shape.unflatten_method
    unfold = shape.unfold
    unsqueeze = shape.unsqueeze
    view = shape.view_method
    view_as = shape.view_as
    vsplit = shape.vsplit
    as_strided = shape.as_strided
    double, float, half = shape.as_dtype("float64"), shape.as_dtype("float32"), shape.as_dtype("float16")
    long, int, short, char = (
        shape.as_dtype("int64"), shape.as_dtype("int32"), shape.as_dtype("int16"), shape.as_dtype("int8"),
    )  # fmt: skip
    byte, bool = shape.as_dtype("uint8"), shape.as_dtype("bool")
    cfloat, cdouble = shape.as_dtype("complex64"), shape.as_dtype("complex128")

    # index
    __getitem__ = index.getitem
    __setitem__ = index.setitem
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
    addmm = products.addmm
    addmm_ = inplace(products.addmm)
    addmv = products.addmv
    addr = products.addr
    baddbmm = products.baddbmm
    bmm = products.bmm
    dot = products.dot
    inner = products.inner
    matmul = products.matmul
    mm = products.mm
    mv = products.mv
    outer = ger = products.outer
    vdot = products.vdot

    # reduce
    all = reduce.all
    amax = reduce.amax
    amin = reduce.amin
    aminmax = reduce.aminmax
    any = reduce.any
    argmax = reduce.argmax
    argmin = reduce.argmin
    count_nonzero = reduce.count_nonzero
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

    # create
    new_empty = create.new_empty
    new_full = create.new_full
    new_ones = create.new_ones
    new_tensor = create.new_tensor
    new_zeros = create.new_zeros


for _name, _method in list(vars(Methods).items()):
    if _name not in ("__module__", "__doc__", "__dict__", "__weakref__", "__annotations__", "__qualname__"):
        setattr(Tensor, _name, _method)

"""Every everyday and regular operator against PyTorch at 10, 10,000 and 1,000,000 elements, forward and backward.

    PYTHONPATH=src python benchmarks/operators.py [word ...] [--sizes 10 1000000] [--rounds 25] [--threads 2] [--over 2]

Both libraries take turns in one process; a cell is the ratio of the least times, below 1 is faster than PyTorch. The
last column is the ratio to NumPy's own time for the same arithmetic, at the largest size. A forward pass records where
the operator has a gradient; a backward pass is `autograd.grad` towards all inputs. RUSHLIGHT_NUMBA=0 measures the
NumPy texts. Operators are those of the first two tiers in tests/operators.txt; one that CALLS lacks is listed as such.
"""

from __future__ import annotations

import argparse
import ast
import gc
import inspect
import math
import os
import re
import statistics
import sys
import time
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

# NumPy chooses its kernels by itself on users' machines; a forced choice would be measured instead
FORCED = ("OPENBLAS_CORETYPE", "OPENBLAS_L2_SIZE")
if __name__ == "__main__" and any(name in os.environ for name in FORCED):
    os.execve(sys.executable, [sys.executable, *sys.argv], {k: v for k, v in os.environ.items() if k not in FORCED})

import numpy as np

TIERS = Path(__file__).resolve().parent.parent / "tests" / "operators.txt"
SIZES = (10, 10_000, 1_000_000)

# One call an operator. T is the library, F its nn.functional; the other names are inputs, made by `Inputs` for the
# size: those in capitals and lower case want a gradient if they are floats, unless `_` ends them. After `|` stands
# the same arithmetic in NumPy (N); `|=` says that NumPy has it under the same name. Views compute nothing to compare.
CALLS = """
T: x.T
__getitem__: x[1:, ::2]
__radd__: 2.5 + x |=
__rmul__: 2.5 * x |=
__rsub__: 2.5 - x |=
abs: T.abs(x) |=
add: T.add(x, y) |=
addmm: T.addmm(K, A, B) | K + A @ B
all: T.all(flags) |=
allclose: T.allclose(x_, x_)
amax: T.amax(x, 1) |=
amin: T.amin(x, 1) |=
any: T.any(nothing) |=
arange: T.arange(n) |=
argmax: T.argmax(x_, 1) |=
argmin: T.argmin(x_, 1) |=
argsort: T.argsort(x_, 1)
bmm: T.bmm(S, R) | S @ R
bool: x_.bool() | x.astype(bool)
broadcast_to: T.broadcast_to(row, (r, c))
cat: T.cat([x, y]) | N.concatenate([x, y])
ceil: T.ceil(x) |=
chunk: T.chunk(x, 2, 1)
clamp: T.clamp(x, -1, 1) | N.clip(x, -1, 1)
clone: x.clone() | x.copy()
contiguous: x.t().contiguous() | N.ascontiguousarray(x.T)
cos: T.cos(x) |=
cumsum: T.cumsum(x, 1) |=
diag: T.diag(row)
div.no_rounding_mode: T.div(x, pos) | x / pos
dot: T.dot(v, w) |=
double: x.double() | x.astype('f8')
einsum: T.einsum('ij,jk->ik', A, B) | A @ B
empty: T.empty(r, c)
empty_like: T.empty_like(x_)
eq: T.eq(n1, n2) | n1 == n2
exp: T.exp(x) |=
expand: row.expand(r, c)
eye: T.eye(r, c) |=
flatten: T.flatten(x)
flip: T.flip(x, (0, 1)) | N.flip(x, (0, 1)).copy()
float: n1.float() | n1.astype('f4')
floor: T.floor(x) |=
floor_divide: T.floor_divide(x_, pos_) |=
full: T.full((r, c), 2.5) |=
full_like: T.full_like(x_, 2.5) |=
gather: T.gather(x, 1, cols) | N.take_along_axis(x, cols, 1)
ge: T.ge(x_, y_) | x >= y
gt: T.gt(x_, y_) | x > y
index_put: x.index_put((some,), y[:some.shape[0]])
index_select: T.index_select(x, 0, some) | N.take(x, some, 0)
int: x_.int() | x.astype('i4')
isnan: T.isnan(x_) |=
item: one_.item()
le: T.le(x_, y_) | x <= y
linspace: T.linspace(0, 1, n)
log: T.log(pos) |=
log1p: T.log1p(pos) |=
log_softmax: T.log_softmax(x, 1)
logical_and: T.logical_and(flags, other_flags) |=
logical_not: T.logical_not(flags) |=
logical_or: T.logical_or(flags, other_flags) |=
logsumexp: T.logsumexp(x, 1)
long: x_.long() | x.astype('i8')
lt: T.lt(x_, y_) | x < y
masked_fill: T.masked_fill(x, flags, 0.5) | N.where(flags, N.float32(0.5), x)
masked_select: T.masked_select(x, flags) | x[flags]
matmul: T.matmul(A, B) |=
max.reduction_no_dim: T.max(x) |=
max.reduction_with_dim: T.max(x, 1)
maximum: T.maximum(x, y) |=
mean: T.mean(x) |=
min.reduction_no_dim: T.min(x) |=
min.reduction_with_dim: T.min(x, 1)
minimum: T.minimum(x, y) |=
mm: T.mm(A, B) | A @ B
mul: T.mul(x, y) | x * y
ne: T.ne(n1, n2) | n1 != n2
neg: T.neg(x) | -x
nn.functional.adaptive_avg_pool2d: F.adaptive_avg_pool2d(images, 1) | images.mean((2, 3))
nn.functional.avg_pool2d: F.avg_pool2d(images, 2)
nn.functional.batch_norm: F.batch_norm(images, None, None, channel, channel2, True)
nn.functional.binary_cross_entropy: F.binary_cross_entropy(p, q_)
nn.functional.binary_cross_entropy_with_logits: F.binary_cross_entropy_with_logits(x, q_)
nn.functional.conv1d: F.conv1d(signals, filters1)
nn.functional.conv2d: F.conv2d(images, filters2, padding=1)
nn.functional.conv_transpose2d: F.conv_transpose2d(images, filters2)
nn.functional.cosine_similarity: F.cosine_similarity(x, y)
nn.functional.cross_entropy: F.cross_entropy(x, classes)
nn.functional.dropout: F.dropout(x, 0.5)
nn.functional.elu: F.elu(x)
nn.functional.embedding: F.embedding(words, table)
nn.functional.gelu: F.gelu(x)
nn.functional.interpolate.nearest: F.interpolate(images, scale_factor=2)
nn.functional.kl_div: F.kl_div(x, q_, reduction='batchmean')
nn.functional.l1_loss: F.l1_loss(x, y_)
nn.functional.layer_norm: F.layer_norm(x, (c,), row, row2)
nn.functional.leaky_relu: F.leaky_relu(x)
nn.functional.linear: F.linear(A, M, col)
nn.functional.max_pool2d: F.max_pool2d(images, 2)
nn.functional.mse_loss: F.mse_loss(x, y_) | ((x - y) ** 2).mean()
nn.functional.nll_loss: F.nll_loss(x, classes)
nn.functional.normalize: F.normalize(x)
nn.functional.one_hot: F.one_hot(classes, c)
nn.functional.pad.constant: F.pad(x, (1, 1, 1, 1)) | N.pad(x, 1)
nn.functional.relu: F.relu(x) | N.maximum(x, 0)
nn.functional.scaled_dot_product_attention: F.scaled_dot_product_attention(query, key, value)
nn.functional.silu: F.silu(x)
nn.functional.smooth_l1_loss: F.smooth_l1_loss(x, y_)
nn.functional.softplus: F.softplus(x)
nonzero: T.nonzero(flags) | N.argwhere(flags)
norm: T.norm(x) | N.linalg.norm(x)
normal.in_place: x_.normal_()
ones: T.ones(r, c) | N.ones((r, c), 'f4')
ones_like: T.ones_like(x_) |=
outer: T.outer(col, row) |=
permute: T.permute(images, (0, 2, 3, 1))
pow: T.pow(pos, 2.5) | pos ** N.float32(2.5)
prod: T.prod(near) |=
rand_like: T.rand_like(x_)
randint: T.randint(0, 100, (r, c))
randn: T.randn(r, c)
randn_like: T.randn_like(x_)
remainder: T.remainder(x_, pos_) |=
repeat: row.repeat(r, 1) | N.tile(row, (r, 1))
repeat_interleave: T.repeat_interleave(row, r) | N.repeat(row, r)
reshape: T.reshape(x, (c, r))
round: T.round(x) |=
rsqrt: T.rsqrt(pos) | 1 / N.sqrt(pos)
scatter: T.scatter(x, 1, cols, y)
scatter_add: T.scatter_add(x, 1, cols, y)
sigmoid: T.sigmoid(x) | 1 / (1 + N.exp(-x))
sin: T.sin(x) |=
slice: x[1:-1]
softmax: T.softmax(x, 1)
sort: T.sort(x, 1) | (N.sort(x, 1), N.argsort(x, 1))
split: T.split(x, (r + 1) // 2)
sqrt: T.sqrt(pos) |=
square: T.square(x) |=
squeeze: T.squeeze(thin, 1)
stack: T.stack([x, y]) |=
std: T.std(x, 1) | N.std(x, 1, ddof=1)
sub: T.sub(x, y) | x - y
sum: T.sum(x) |=
t: T.t(x)
tanh: T.tanh(x) |=
to: x.to(T.float64) | x.astype('f8')
topk: T.topk(x, few, 1)
transpose: T.transpose(x, 0, 1)
tril: T.tril(x) |=
triu: T.triu(x) |=
true_divide: T.true_divide(x, pos) |=
uniform: x_.uniform_()
unsqueeze: T.unsqueeze(x, 1)
var: T.var(x, 1) | N.var(x, 1, ddof=1)
view: x.view(c, r)
where: T.where(flags, x, y) |=
zeros: T.zeros(r, c) | N.zeros((r, c), 'f4')
zeros_like: T.zeros_like(x_) |=

__rmatmul__: A @ B |=
__rpow__: 2.5 ** x | N.float32(2.5) ** x
acos: T.acos(u) | N.arccos(u)
addcdiv: T.addcdiv(x, y, pos) | x + y / pos
addcmul: T.addcmul(x, y, z) | x + y * z
addmv: T.addmv(col, x, row) | col + x @ row
angle: T.angle(x)
argwhere: T.argwhere(flags) |=
as_strided: T.as_strided(x, (r - 1, c), (c, 1), 1)
asin: T.asin(u) | N.arcsin(u)
atan: T.atan(x) | N.arctan(x)
atan2: T.atan2(x, y) | N.arctan2(x, y)
baddbmm: T.baddbmm(P, S, R) | P + S @ R
bernoulli: T.bernoulli(p_)
bincount: T.bincount(numbers) |=
bitwise_and: T.bitwise_and(n1, n2) |=
bitwise_not: T.bitwise_not(n1) |=
bitwise_or: T.bitwise_or(n1, n2) |=
bitwise_xor: T.bitwise_xor(n1, n2) |=
broadcast_shapes: T.broadcast_shapes((r, 1), (1, c))
broadcast_tensors: T.broadcast_tensors(row, x)
bucketize: T.bucketize(x_, edges_) | N.searchsorted(edges, x)
cdist: T.cdist(A, M)
cholesky: T.cholesky(P) | N.linalg.cholesky(P)
cholesky_solve: T.cholesky_solve(S, L)
clamp_max: T.clamp_max(x, 1) | N.minimum(x, 1)
clamp_min: T.clamp_min(x, 1) | N.maximum(x, 1)
complex: T.complex(x, y)
conj: T.conj(k)
cosh: T.cosh(x) |=
count_nonzero: T.count_nonzero(flags) |=
cross: T.linalg.cross(triples, triples2) | N.cross(triples, triples2)
cummax: T.cummax(x, 1)
cumprod: T.cumprod(near, 1) |=
diag_embed: T.diag_embed(row)
diagonal: T.diagonal(x)
diff: T.diff(x) |=
digamma: T.digamma(pos)
div.floor_rounding: T.div(x_, pos_, rounding_mode='floor') | x // pos
equal: T.equal(x_, x_ + 0) | N.array_equal(x, x + 0)
erf: T.erf(x)
erfc: T.erfc(x)
erfinv: T.erfinv(u)
exp2: T.exp2(x) |=
expand_as: row.expand_as(x)
expm1: T.expm1(x) |=
exponential: x_.exponential_()
fft.fft: T.fft.fft(k) |=
fft.fft2: T.fft.fft2(k) |=
fft.fftn: T.fft.fftn(k) |=
fft.fftshift: T.fft.fftshift(x) |=
fft.ifft: T.fft.ifft(k) |=
fft.ifft2: T.fft.ifft2(k) |=
fft.ifftshift: T.fft.ifftshift(x) |=
fft.irfft: T.fft.irfft(k) |=
fft.rfft: T.fft.rfft(x) |=
fill: T.fill(x, 2.5)
fmod: T.fmod(x, pos_) |=
half: x.half() | x.astype('f2')
hstack: T.hstack([x, y]) |=
hypot: T.hypot(x, y) |=
imag: T.imag(k)
index_add: T.index_add(x, 0, every, y)
index_copy: T.index_copy(x, 0, every, y)
index_fill: T.index_fill(x, 0, some, 0.5)
inner: T.inner(A, M) |=
isclose: T.isclose(x_, y_)
isfinite: T.isfinite(x_) |=
isin: T.isin(n1, few_numbers) |=
isinf: T.isinf(x_) |=
istft: T.istft(spectrum, frame, window=hann_, return_complex=False)
kron: T.kron(left, right) |=
kthvalue: T.kthvalue(x, few, 1)
lerp: T.lerp(x, y, 0.25) | x + N.float32(0.25) * (y - x)
lgamma: T.lgamma(pos)
linalg.cholesky: T.linalg.cholesky(P) |=
linalg.cross: T.linalg.cross(triples, triples2) | N.cross(triples, triples2)
linalg.det: T.linalg.det(S) |=
linalg.eig: T.linalg.eig(P) |=
linalg.eigh: T.linalg.eigh(P) |=
linalg.eigvalsh: T.linalg.eigvalsh(P) |=
linalg.inv: T.linalg.inv(S) |=
linalg.lstsq: T.linalg.lstsq(S, R).solution
linalg.lu: T.linalg.lu(S)
linalg.matrix_norm: T.linalg.matrix_norm(S) |=
linalg.matrix_power: T.linalg.matrix_power(S, 3) |=
linalg.matrix_rank: T.linalg.matrix_rank(S_) |=
linalg.multi_dot: T.linalg.multi_dot([A, B, A]) |=
linalg.norm: T.linalg.norm(x) |=
linalg.pinv: T.linalg.pinv(S) |=
linalg.qr: T.linalg.qr(S) |=
linalg.slogdet: T.linalg.slogdet(S) |=
linalg.solve: T.linalg.solve(S, R) |=
linalg.solve_triangular: T.linalg.solve_triangular(L, R, upper=False)
linalg.svd: T.linalg.svd(S) |=
linalg.svdvals: T.linalg.svdvals(S) |=
linalg.vector_norm: T.linalg.vector_norm(x, 2, 1) | N.linalg.norm(x, axis=1)
log10: T.log10(pos) |=
log2: T.log2(pos) |=
log_softmax.with_dtype: T.log_softmax(x, 1, dtype=T.float64)
logaddexp: T.logaddexp(x, y) |=
logcumsumexp: T.logcumsumexp(x, 1)
logdet: T.logdet(P)
logical_xor: T.logical_xor(flags, other_flags) |=
logit: T.logit(p) | N.log(p / (1 - p))
mT: S.mT
matrix_exp: T.matrix_exp(S)
max.binary: T.max(x, y) | N.maximum(x, y)
median: T.median(x, 1)
meshgrid.list_of_tensors: T.meshgrid([row, col], indexing='ij')
meshgrid.variadic_tensors: T.meshgrid(row, col, indexing='ij')
min.binary: T.min(x, y) | N.minimum(x, y)
movedim: T.movedim(images, 1, 3)
multinomial: T.multinomial(pos_, few, True)
mv: T.mv(x, row) | x @ row
nan_to_num: T.nan_to_num(x) |=
nansum: T.nansum(x) |=
narrow: T.narrow(x, 1, 1, c - 2)
new_empty: x_.new_empty((r, c))
new_full: x_.new_full((r, c), 2.5)
new_ones: x_.new_ones((r, c))
new_zeros: x_.new_zeros((r, c))
nn.functional.adaptive_avg_pool1d: F.adaptive_avg_pool1d(signals, 2)
nn.functional.adaptive_max_pool2d: F.adaptive_max_pool2d(images, 2)
nn.functional.avg_pool1d: F.avg_pool1d(signals, 2)
nn.functional.avg_pool3d: F.avg_pool3d(volumes, 2)
nn.functional.conv3d: F.conv3d(volumes, filters3, padding=1)
nn.functional.conv_transpose1d: F.conv_transpose1d(signals, filters1)
nn.functional.cosine_embedding_loss: F.cosine_embedding_loss(x, y, signs_)
nn.functional.ctc_loss: F.ctc_loss(scores, labels, score_lengths, label_lengths)
nn.functional.dropout2d: F.dropout2d(images, 0.5)
nn.functional.embedding_bag: F.embedding_bag(words, table)
nn.functional.gaussian_nll_loss: F.gaussian_nll_loss(x, y_, pos)
nn.functional.glu: F.glu(even)
nn.functional.grid_sample: F.grid_sample(images, grid, align_corners=False)
nn.functional.group_norm: F.group_norm(images, 1, channel, channel2)
nn.functional.hardsigmoid: F.hardsigmoid(x)
nn.functional.hardswish: F.hardswish(x)
nn.functional.hardtanh: F.hardtanh(x) | N.clip(x, -1, 1)
nn.functional.huber_loss: F.huber_loss(x, y_)
nn.functional.instance_norm: F.instance_norm(images)
nn.functional.interpolate.bicubic: F.interpolate(images, scale_factor=2, mode='bicubic')
nn.functional.interpolate.bilinear: F.interpolate(images, scale_factor=2, mode='bilinear')
nn.functional.interpolate.linear: F.interpolate(signals, scale_factor=2, mode='linear')
nn.functional.logsigmoid: F.logsigmoid(x)
nn.functional.margin_ranking_loss: F.margin_ranking_loss(v, w, ones_)
nn.functional.max_pool1d: F.max_pool1d(signals, 2)
nn.functional.max_pool3d: F.max_pool3d(volumes, 2)
nn.functional.mish: F.mish(x)
nn.functional.multi_head_attention_forward: attend(F.multi_head_attention_forward)
nn.functional.pad.circular: F.pad(images, (1, 1, 1, 1), 'circular') | N.pad(images, ((0, 0), (0, 0), (1, 1), (1, 1)), 'wrap')
nn.functional.pad.reflect: F.pad(images, (1, 1, 1, 1), 'reflect') | N.pad(images, ((0, 0), (0, 0), (1, 1), (1, 1)), 'reflect')
nn.functional.pad.replicate: F.pad(images, (1, 1, 1, 1), 'replicate') | N.pad(images, ((0, 0), (0, 0), (1, 1), (1, 1)), 'edge')
nn.functional.pairwise_distance: F.pairwise_distance(x, y)
nn.functional.pixel_shuffle: F.pixel_shuffle(fours, 2)
nn.functional.pixel_unshuffle: F.pixel_unshuffle(halves, 2)
nn.functional.prelu: F.prelu(x, slope)
nn.functional.relu6: F.relu6(x) | N.clip(x, 0, 6)
nn.functional.rms_norm: F.rms_norm(x, (c,), row)
nn.functional.selu: F.selu(x)
nn.functional.triplet_margin_loss: F.triplet_margin_loss(x, y, z)
nn.functional.triplet_margin_with_distance_loss: F.triplet_margin_with_distance_loss(x, y, z)
nn.functional.unfold: F.unfold(images, 3)
norm.fro: T.norm(x, 'fro', 1)
normal: T.normal(x_, pos_)
pinverse: T.pinverse(S) | N.linalg.pinv(S)
quantile: T.quantile(x, 0.3, 1)
ravel: T.ravel(x)
real: T.real(k)
reciprocal: T.reciprocal(pos) |=
reshape_as: x.reshape_as(y)
roll: T.roll(x, 3, 1) |=
rsub: T.rsub(x, y) | y - x
scalar_tensor: T.scalar_tensor(2.5)
scatter_reduce.amax: T.scatter_reduce(x, 1, cols, y, 'amax')
scatter_reduce.mean: T.scatter_reduce(x, 1, cols, y, 'mean')
scatter_reduce.sum: T.scatter_reduce(x, 1, cols, y, 'sum')
searchsorted: T.searchsorted(edges_, x_) |=
select: T.select(x, 0, 1)
sign: T.sign(x) |=
signal.windows.hamming: T.signal.windows.hamming(n) | N.hamming(n)
signal.windows.hann: T.signal.windows.hann(n) | N.hanning(n)
sinh: T.sinh(x) |=
softmax.with_dtype: T.softmax(x, 1, dtype=T.float64)
split.list_args: T.split(x, [1, r - 1])
split_with_sizes: T.split_with_sizes(x, [1, r - 1])
squeeze.multiple: T.squeeze(thin, (1, 2))
std_mean: T.std_mean(x, 1)
stft: T.stft(v, frame, window=hann_, return_complex=True)
take: T.take(x, cols) |=
take_along_dim: T.take_along_dim(x, cols, 1) | N.take_along_axis(x, cols, 1)
tan: T.tan(u) |=
tensor_split: T.tensor_split(x, 2)
tensordot: T.tensordot(A, B, 1) |=
tile: T.tile(row, (r, 1)) |=
trace: T.trace(x) |=
trapezoid: T.trapezoid(x) |=
tril_indices: T.tril_indices(r, c)
triu_indices: T.triu_indices(r, c)
trunc: T.trunc(x) |=
unbind: T.unbind(pair)
unflatten: T.unflatten(v, 0, (r, c))
unfold: v.unfold(0, few, few)
unique: T.unique(numbers) |=
var_mean: T.var_mean(x, 1)
view_as: x.view_as(y)
view_as_complex: T.view_as_complex(doubles)
view_as_real: T.view_as_real(k)
vstack: T.vstack([x, y]) |=
xlogy: T.xlogy(x, pos)
zero_: x_.zero_() | x.fill(0)
"""


def table() -> dict[str, tuple[str, str]]:
    """The calls of all operators: here and in PyTorch, and in NumPy."""
    found: dict[str, tuple[str, str]] = {}
    for line in filter(None, CALLS.splitlines()):
        name, _, call = line.partition(": ")
        ours, bar, numpy = call.partition(" |")
        same = re.sub(r"\bT\.", "N.", ours)
        found[name] = ours, re.sub(r"(\w)_\b", r"\1", same if numpy == "=" else numpy.strip()) if bar else ""
    return found


def tiers() -> list[str]:
    """The operators of the first two tiers."""
    everyday, regular, *_ = TIERS.read_text().strip().split("\n\n")
    return [name for tier in (everyday, regular) for name in re.split(r",\s+", tier.strip())]


def near_root(n: int) -> tuple[int, int]:
    """Rows and columns of a matrix of n elements."""
    rows = max(d for d in range(1, math.isqrt(n) + 1) if n % d == 0)
    return rows, n // rows


class Inputs(dict[str, Any]):
    """The names in a call: each is made when it is first asked for, from the same numbers for every library."""

    def __init__(self, library: Any, n: int) -> None:
        self.library = library
        self.n = n
        self.r, self.c = near_root(n)
        self.side = {10: 3, 10_000: 50}.get(n, 64)  # of the matrices that are factorized, a batch of them
        numpy = library is np
        names = {"N": np} if numpy else {"T": library, "F": library.nn.functional, "attend": self.attend}
        super().__init__(n=n, r=self.r, c=self.c, few=min(5, self.c), frame=4 if n < 100 else 256, **names)

    def __missing__(self, name: str) -> Any:
        bare = name.removesuffix("_")
        array = getattr(self, f"make_{bare}", self.uniform)(np.random.default_rng(sum(map(ord, bare))))
        if self.library is np:
            made: Any = array
        elif isinstance(array, tuple):
            made = array
        else:
            made = self.library.from_numpy(np.array(array))
            if array.dtype.kind in "fc" and bare == name:
                made.requires_grad_()
        self[name] = made
        return made

    def floats(self, g: np.random.Generator, *shape: int, low: float = -2, high: float = 2) -> Any:
        return g.uniform(low, high, shape).astype("f4")

    def uniform(self, g: np.random.Generator) -> Any:
        return self.floats(g, self.r, self.c)

    # ---- vectors and matrices of n elements
    make_v = make_w = lambda self, g: self.floats(g, self.n)
    make_ones = lambda self, g: np.ones(self.n, "f4")
    make_one = lambda self, g: np.ones((), "f4")
    make_slope = lambda self, g: np.full(1, 0.25, "f4")
    make_row = make_row2 = lambda self, g: self.floats(g, self.c)
    make_col = lambda self, g: self.floats(g, self.r)
    make_p = make_q = lambda self, g: self.floats(g, self.r, self.c, low=0.1, high=0.9)
    make_u = lambda self, g: self.floats(g, self.r, self.c, low=-0.9, high=0.9)
    make_pos = lambda self, g: self.floats(g, self.r, self.c, low=0.3, high=3)
    make_near = lambda self, g: self.floats(g, self.r, self.c, low=0.999, high=1.001)
    make_k = lambda self, g: (self.uniform(g) + 1j * self.uniform(g)).astype("c8")
    make_A = lambda self, g: self.floats(g, self.r, self.c)
    make_K = lambda self, g: self.floats(g, self.r, self.r)
    make_B = lambda self, g: self.floats(g, self.c, self.r)
    make_M = lambda self, g: self.floats(g, self.r, self.c)
    make_thin = lambda self, g: self.floats(g, self.r, 1, 1, self.c)
    make_even = lambda self, g: self.floats(g, self.c, self.r // 2 * 2)
    make_pair = lambda self, g: self.floats(g, 2, self.n // 2)
    make_doubles = lambda self, g: self.floats(g, self.n // 2, 2)
    make_triples = make_triples2 = lambda self, g: self.floats(g, self.n // 3, 3)
    make_left = make_right = lambda self, g: self.floats(g, *near_root(math.isqrt(self.n)))
    make_edges = lambda self, g: np.linspace(-2, 2, 100, dtype="f4")
    make_signs = lambda self, g: np.sign(self.floats(g, self.r))
    make_hann = lambda self, g: np.hanning(self["frame"] + 1)[:-1].astype("f4")

    def make_spectrum(self, g: np.random.Generator) -> Any:
        bins = self["frame"] // 2 + 1
        shape = bins, max(3, self.n // bins)
        return (self.floats(g, *shape) + 1j * self.floats(g, *shape)).astype("c8")

    # ---- flags and numbers
    make_flags = make_other_flags = lambda self, g: g.random((self.r, self.c)) < 0.5
    make_nothing = lambda self, g: np.zeros((self.r, self.c), bool)
    make_n1 = make_n2 = lambda self, g: g.integers(1, 9, (self.r, self.c))
    make_numbers = lambda self, g: g.integers(0, 1000, self.n)
    make_few_numbers = lambda self, g: np.arange(0, 10, 2)
    make_cols = lambda self, g: g.integers(0, self.c, (self.r, self.c))
    make_classes = lambda self, g: g.integers(0, self.c, self.r)
    make_some = lambda self, g: g.permutation(self.r)[: (self.r + 1) // 2]
    make_every = lambda self, g: g.permutation(self.r)

    # ---- batches of square matrices
    @property
    def squares(self) -> tuple[int, int, int]:
        return max(1, self.n // self.side**2), self.side, self.side

    make_S = lambda self, g: self.floats(g, *self.squares) + np.eye(self.side, dtype="f4") * 4
    make_R = lambda self, g: self.floats(g, *self.squares)

    def make_P(self, g: np.random.Generator) -> Any:
        a = self.floats(g, *self.squares) / np.float32(math.sqrt(self.side))
        return a @ a.mT + np.eye(self.side, dtype="f4") * 2

    def make_L(self, g: np.random.Generator) -> Any:
        return np.linalg.cholesky(self.make_P(g))

    # ---- what networks take
    signal_shape = property(lambda self: {10: (1, 2, 5), 10_000: (4, 10, 250)}.get(self.n, (16, 50, 1250)))
    image_shape = property(lambda self: {10: (1, 1, 3, 3), 10_000: (2, 8, 25, 25)}.get(self.n, (16, 16, 62, 62)))
    volume_shape = property(
        lambda self: {10: (1, 1, 2, 2, 3), 10_000: (1, 4, 14, 14, 14)}.get(self.n, (4, 8, 32, 32, 32))
    )
    head_shape = property(lambda self: {10: (1, 1, 2, 5), 10_000: (1, 4, 40, 64)}.get(self.n, (8, 8, 256, 64)))
    channels = property(lambda self: self.image_shape[1])
    make_signals = lambda self, g: self.floats(g, *self.signal_shape)
    make_images = lambda self, g: self.floats(g, *self.image_shape)
    make_volumes = lambda self, g: self.floats(g, *self.volume_shape)
    make_filters1 = lambda self, g: self.floats(g, self.signal_shape[1], self.signal_shape[1], 3)
    make_filters2 = lambda self, g: self.floats(g, self.channels, self.channels, 3, 3)
    make_filters3 = lambda self, g: self.floats(g, self.volume_shape[1], self.volume_shape[1], 3, 3, 3)
    make_channel = make_channel2 = lambda self, g: self.floats(g, self.channels)
    make_fours = lambda self, g: self.floats(g, 1, 4 * self.channels, *near_root(max(4, self.n // (4 * self.channels))))
    make_halves = lambda self, g: self.floats(g, 1, 1, *[s + s % 2 for s in (self.r, self.c)])
    make_query = make_key = make_value = lambda self, g: self.floats(g, *self.head_shape)
    make_table = lambda self, g: self.floats(g, *near_root(self.n))
    make_words = lambda self, g: g.integers(0, self.r, (2, (self.r + 1) // 2))

    def make_grid(self, g: np.random.Generator) -> Any:
        return self.floats(g, self.image_shape[0], *self.image_shape[2:], 2, low=-1.1, high=1.1)

    # ---- scores of (time, examples, classes) and labels
    score_shape = property(lambda self: {10: (5, 1, 2), 10_000: (50, 8, 25)}.get(self.n, (200, 50, 100)))

    def make_scores(self, g: np.random.Generator) -> Any:
        a = self.floats(g, *self.score_shape)
        return a - np.log(np.exp(a).sum(-1, keepdims=True))

    make_labels = lambda self, g: g.integers(1, self.score_shape[2], (self.score_shape[1], self.score_shape[0] // 4))
    make_score_lengths = lambda self, g: (self.score_shape[0],) * self.score_shape[1]
    make_label_lengths = lambda self, g: (self.score_shape[0] // 4,) * self.score_shape[1]

    # ---- multi-head attention, whose signature is long
    model_shape = property(lambda self: {10: (5, 1, 2), 10_000: (40, 4, 64)}.get(self.n, (128, 16, 512)))
    make_sequence = lambda self, g: self.floats(g, *self.model_shape, low=-0.3, high=0.3)
    make_project = lambda self, g: self.floats(g, 3 * self.model_shape[2], self.model_shape[2], low=-0.1, high=0.1)
    make_project_bias = lambda self, g: self.floats(g, 3 * self.model_shape[2])
    make_final = lambda self, g: self.floats(g, self.model_shape[2], self.model_shape[2], low=-0.1, high=0.1)
    make_final_bias = lambda self, g: self.floats(g, self.model_shape[2])

    def attend(self, function: Callable[..., Any]) -> Any:
        s, width = self["sequence"], self.model_shape[2]
        w, b, o, ob = (self[name] for name in ("project", "project_bias", "final", "final_bias"))
        heads = 1 if width < 8 else 8
        return function(s, s, s, width, heads, w, b, None, None, False, 0.0, o, ob, need_weights=False)


def bound(call: str, inputs: Inputs) -> Callable[[], Any]:
    """A call as a function of no arguments, its names at hand as locals."""
    names = {node.id for node in ast.walk(ast.parse(call)) if isinstance(node, ast.Name)}
    made: Callable[[], Any] = eval(
        f"lambda {', '.join(f'{n}={n}' for n in names)}: {call}", {n: inputs[n] for n in names}
    )
    return made


def passes(library: Any, call: str, n: int) -> list[Callable[[], Any]]:
    """The forward pass, and the backward pass if there is one."""
    inputs = Inputs(library, n)
    forward = bound(call, inputs)
    result = forward()
    if library is np:
        return [forward]
    results = list(result) if isinstance(result, (tuple, list)) else [result]
    results = [r for r in results if isinstance(r, library.Tensor) and r.requires_grad]
    if not results:
        return [forward]
    wanted = [t for t in inputs.values() if isinstance(t, library.Tensor) and t.requires_grad]
    seeds = [library.ones_like(r) for r in results]
    grad = library.autograd.grad
    return [forward, lambda: grad(results, wanted, seeds, retain_graph=True, allow_unused=True)]


def race(runners: list[Callable[[], Any]], rounds: int, budget: float, pause: float) -> list[float]:
    """The least seconds of each of several functions that take turns.

    One thread is measured by its own clock, which stands still while other programs have the processor.
    """
    clock = time.perf_counter if pause else time.thread_time
    least = [math.inf] * len(runners)
    for run in runners:  # the first call compiles, the second is warm
        run()
    begun = start = time.perf_counter()
    for run in runners:
        run()
    inner = max(1, min(50, int(1e-4 / ((time.perf_counter() - start) / len(runners)))))
    for done in range(rounds):
        for i, run in enumerate(runners):
            if pause:
                time.sleep(pause)
            start = clock()
            for _ in range(inner):
                run()
            least[i] = min(least[i], (clock() - start) / inner)
        if done and time.perf_counter() - begun > budget:
            break
    return least


def is_view(call: str) -> bool:
    """Whether a call gives a view (or several), which computes nothing."""
    import rushlight

    made = bound(call, Inputs(rushlight, 10))()
    first = made[0] if isinstance(made, (tuple, list)) else made
    return isinstance(first, rushlight.Tensor) and first._is_view()


def reason(name: str) -> str:
    """Why an operator is slower, if its declaration says so: a comment `# Slower than PyTorch: ...` above it.

    What is said of all views stands once, where they are recorded.
    """
    from rushlight._core.views import view_of

    said = re.search(r"# Slower than PyTorch: (.*)", comments_of(name))
    if said is None and is_view(table()[name][0]):
        said = re.search(r"# Slower than PyTorch: (.*)", inspect.getcomments(view_of) or "")
    return said[1] if said else ""


def comments_of(name: str) -> str:
    """The comments above the declaration of an operator."""
    import rushlight

    while name:
        place: Any = rushlight
        for part in name.split("."):
            place = getattr(place, part, None)
        place = place if place is not None else getattr(rushlight.Tensor, name, None)
        if place is not None:
            op = getattr(place, "op", None)
            return inspect.getcomments(op.body if op else inspect.unwrap(place)) or ""
        name = name.rpartition(".")[0]
    return ""


def cell(ratio: float | None) -> str:
    return f"{ratio:8.2f}" if ratio is not None else f"{'':8}"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("words", nargs="*", help="only operators whose name contains one of these (=name: is this)")
    parser.add_argument("--sizes", type=int, nargs="+", default=SIZES, help="numbers of elements")
    parser.add_argument("--rounds", type=int, default=25, help="turns of each measurement, the time permitting")
    parser.add_argument("--budget", type=float, default=0.15, help="seconds after which a measurement ends")
    parser.add_argument("--threads", type=int, default=1, help="threads that each library may use")
    parser.add_argument("--over", type=float, default=2.0, help="list the operators above this ratio at the end")
    parser.add_argument("--times", action="store_true", help="print our microseconds too")
    options = parser.parse_args()
    warnings.simplefilter("ignore")

    import torch

    import rushlight

    for library in (torch, rushlight):
        library.set_num_threads(options.threads)
    largest = max(options.sizes)
    calls, columns = table(), [(n, way) for n in options.sizes for way in ("forward", "backward")]
    ratios: dict[tuple[int | str, str], dict[str, float]] = {column: {} for column in columns}
    ratios["NumPy", "forward"] = {}
    titles = "".join(f"{n:>7}{way[0]}" for n, way in columns)
    print(f"{'ratio to torch, f(orward) and b(ackward)':44}{titles}   to NumPy")
    names = [name for name in tiers() if name in calls]
    words = options.words
    for name in names:
        if words and not any(w[1:] == name if w[0] == "=" else w in name for w in words):
            continue
        ours, numpy = calls[name]
        line, notes = "", []
        for n in options.sizes:
            try:
                pairs = list(zip(passes(rushlight, ours, n), passes(torch, ours, n), strict=True))
            except Exception as error:
                notes.append(f"{n}: {type(error).__name__}: {error}")
                line += cell(None) * 2
                continue
            found: list[float | None] = [None, None]
            for i, (way, pair) in enumerate(zip(("forward", "backward"), pairs)):
                runners = list(pair)
                compare = not i and bool(numpy) and n == largest >= 100_000
                if compare:
                    try:
                        runners += passes(np, numpy, n)
                    except Exception as error:
                        compare = False
                        notes.append(f"NumPy: {type(error).__name__}: {error}")
                with np.errstate(all="ignore"):
                    least = race(runners, options.rounds, options.budget, 0.004 * (options.threads > 1))
                found[i] = ratios[n, way][name] = least[0] / least[1]
                if options.times:
                    notes.append(f"{n} {way}: {least[0] * 1e6:.1f} us")
                if compare:
                    ratios["NumPy", "forward"][name] = least[0] / least[2]
            line += "".join(map(cell, found)) if n else ""
            del pairs
            gc.collect(0)
        print(
            f"{name:44}{line}   {cell(ratios['NumPy', 'forward'].get(name))}  {'; '.join(notes)}".rstrip(), flush=True
        )

    print("\nsummary, geometric mean / above 1 / above 2")
    for (n, way), column in ratios.items():
        if column:
            above = [sum(v > bound for v in column.values()) for bound in (1, 2)]
            print(f"{n:>9} {way:9} {statistics.geometric_mean(column.values()):6.2f} {above[0]:5} {above[1]:5}")
    for (n, way), column in ratios.items():
        if n in (largest, "NumPy"):
            bound_of = options.over if n != "NumPy" else 1.5
            slow = sorted(((v, name) for name, v in column.items() if v > bound_of), reverse=True)
            if slow:
                print(f"\nabove {bound_of} at {largest}, {way}{' of NumPy' if n == 'NumPy' else ''}, and why")
            for v, name in slow:
                print(f"  {name:44}{v:7.2f}  {reason(name) or '-'}")
    lacking = [name for name in tiers() if name not in calls]
    print("\noperators without a call here:", ", ".join(lacking) or "none")


if __name__ == "__main__":
    main()

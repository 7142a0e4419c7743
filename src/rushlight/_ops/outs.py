"""What may be given as ``out=`` where its dtype is not the result's.

Most pointwise operators cast their result on the way out, if the kind of number allows it. What is here does not: it
wants exactly the dtype of the result (or one of a few), or says of a refused cast something of its own. A name is that
of a declared operator, or the public one of a composite function; the words are PyTorch's.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from .._core import dtypes, views

C_NAMES = {
    "bool": "bool", "uint8": "unsigned char", "int8": "signed char", "int16": "short", "int32": "int",
    "int64": "long int", "float16": "c10::Half", "float32": "float", "float64": "double",
    "complex64": "c10::complex<float>", "complex128": "c10::complex<double>",
}  # fmt: skip


class Wish(NamedTuple):
    """What is said of another dtype (for each output, or for all), and which others than the result's are taken."""

    words: tuple[str, ...]
    also: tuple[str, ...] = ()
    cast: bool = False  # whether what can be cast is taken


SAME = Wish(("Expected out tensor to have dtype {c_result}, but got {c_out} instead",))
FOUND = Wish(("Found dtype {out} but expected {result}",))
SCALAR = Wish(("expected scalar_type {result} but found {out}",))
SELF = Wish(("{name}(): self and result must have the same scalar type",))
PRODUCT = Wish(("result dtype {out} does not match input dtype {result}",))
EXTREME = Wish((
    "Expected the dtype for input and out to match, but got {result} for input's dtype and {out} for out's dtype.",
))  # fmt: skip
OBJECT = Wish(("Expected object of scalar type {result} but got scalar type {out} for argument 'out'",))
TRUTH = Wish(("{name} does not support non-boolean outputs.",))
BYTES = Wish(("{name} only supports bool tensor for result, got: {out}",), ("bool", "uint8"))
LONG = Wish(("multinomial expects Long tensor out, got: {out}",))
NORM = Wish(("{name} expected out tensor dtype {result} but got: {out}",))
SAFE = Wish((
    "{name}: Expected result to be safely castable from {result} dtype, but got result with dtype {out}",
), cast=True)  # fmt: skip
TORCH_SAFE = Wish(("torch." + SAFE.words[0],), cast=True)
COMPLEX = Wish(("{name} expects a complex output tensor, but got {out}",), cast=True)
FLOATING = Wish(("{name} expects a floating point output tensor, but got {out}",), cast=True)
CAT = "torch.cat(): input types can't be cast to the desired output type {out}"


def named(wish: Wish, names: str) -> dict[str, Wish]:
    return dict.fromkeys(names.split(), wish)


WISHES: dict[str, Wish] = {
    **named(
        SAME,
        "addmm addmv baddbmm bmm mm linalg.matmul cross linalg.cross argmax argmin aminmax_of max_along min_along diag "
        "tril triu renorm gather_raw index_added index_copied index_reduced scatter_added scatter_combined scatter_number "
        "scatter_reduced scatter_tensor softmax_along sort_along topk_along msort argsort triangular_solve vector_norm_of lu_unpack_of "
        "cholesky_of eigh_of inv_of inverse ldl_factor_of lu_factor_of lu_of qr_of slogdet_of solve_of svd_of svd "
        "linalg.inv linalg.solve linalg.det linalg.cholesky linalg.eigvalsh linalg.svdvals linalg.lu_factor lu_solve "
        "linalg.lu_solve linalg.ldl_factor linalg.ldl_solve lu isin alias_copy as_strided_copy detach_copy diagonal_copy expand_copy narrow_copy permute_copy select_copy slice_copy split_copy split_with_sizes_copy squeeze_copy t_copy transpose_copy unbind_copy unfold_copy unsqueeze_copy view_as_complex_copy view_as_real_copy view_copy",
    ),
    **named(FOUND, "round_decimals"),
    **named(
        Wish((
            "Expected tensor for 'values' to have the same type as tensor for argument #2 'self': {result}, but got {out}",
            "Expected tensor for argument #1 'indices' to have scalar type Long; but got {out} instead",
        )),
        "median nanmedian",
    ),
    "dtype": SAME,
    "nonzero_static": Wish(("nonzero_static: Expected out tensor to have scalar type {result} but got scalar type{out}",)),
    "float_power": Wish((
        "the output given to float_power has dtype {out} but the operation's result requires dtype {result}",
    )),
    "tensordot": Wish((
        "tensordot: Expected the output tensor to have dtype {result}, but got an output tensor with dtype {out}",
    )),
    **named(
        FOUND,
        "abs bitwise_not ceil clamp_max_number clamp_min_number clamp_numbers conj_physical floor frac neg round sgn sign "
        "trunc",
    ),
    **named(SCALAR, "cummax cummin logcumsumexp_of linalg.solve_triangular"),
    **named(SELF, "index_select masked_select"),
    **named(PRODUCT, "dot vdot matmul"),
    **named(EXTREME, "amax amin"),
    **named(OBJECT, "complex_of polar_of"),
    **named(TRUTH, "isposinf isneginf signbit"),
    **named(BYTES, "all any"),
    **named(NORM, "linalg.matrix_norm linalg.norm"),
    **named(SAFE, "matrix_power linalg.pinv linalg.cond cholesky cholesky_inverse cholesky_solve tensorinv tensorsolve"),
    **named(TORCH_SAFE, "linalg.matrix_rank linalg.householder_product"),
    **named(COMPLEX, "fft ifft rfft ihfft fftn ifftn rfftn ihfftn"),
    **named(FLOATING, "irfft hfft irfftn hfftn"),
    **named(Wish((CAT,), cast=True), "concatenate_at stack_at"),
    "logsumexp_of": Wish(("logsumexp(): Expected floating point type for result tensor, but got: {out}",), cast=True),
    "ldexp": Wish(("ldexp can't be cast to the desired output type {out}",), cast=True),
    "addbmm": Wish(("self and mat2 must have the same dtype, but got {out} and {result}",)),
    "mv": Wish(("addmv input tensors must have the same dtype, but got {out}, {result}, and {result}",)),
    "inner": Wish((
        "tensordot: Expected the output tensor to have dtype {result}, but got an output tensor with dtype {out}",
    )),
    "linalg.multi_dot": Wish(("multi_dot(): expected out tensor to have dtype {c_result} but got {c_out}",)),
    "linalg.vecdot": Wish(("linalg.vecdot: Expected out of dtype{result} but found {out}",)),
    "linalg.eigvals": Wish((
        "torch.linalg.eigvals: Expected eigenvalues to be safely castable from {result} dtype, but got eigenvalues with "
        "dtype {out}",
    ), cast=True),
    "eig_of": Wish(tuple(
        f"torch.linalg.eig: Expected {what} to be safely castable from {{result}} dtype, but got {what} with dtype {{out}}"
        for what in ("eigenvalues", "eigenvectors")
    ), cast=True),
    "ormqr": Wish((
        "torch.ormqr: Expected input and result to have the same dtype, but input has dtype{result} and result has "
        "dtype {out}",
    )),
    "choose": Wish(("Expected out type to be {result} but got {out}",)),
    "heaviside": Wish(("heaviside is not yet implemented for tensors with different dtypes.",)),
    "nan_to_num": Wish(("nan_to_num: dtype of out: {out} should be same as input: {result}",)),
    "taken": Wish((
        "take(): self and out expected to have the same dtype, but got self.dtype = {result} and out.dtype = {out}",
    )),
    "multinomial_of": LONG,
    "hash_of": Wish(("Expected result to be of dtype uint64, but got {out}",)),
    "kthvalue": Wish((
        "output values must be of same type as input", "output indices must be of scalar type {result}",
    )),
    "mode": Wish((
        "expected scalar type '{result}' but got '{out}' for values output",
        "expected scalar type '{result}' but got '{out}' for indices output",
    )),
    "frexp": Wish((
        "torch.frexp() expects mantissa to have dtype {c_result} but got {c_out}",
        "torch.frexp() expects exponent to have int dtype but got {c_out}",
    )),
    "quantile": Wish(("quantile() out tensor must be same dtype as the input tensor",)),
    "searchsorted": Wish((
        "torch.searchsorted(): output tensor's dtype is wrong, it can only be Int(int32) or Long(int64) depending on "
        "whether out_int32 flag is True, but we got output tensor's dtype {out} and out_int32 flag is {narrow}",
    )),
    "histc": Wish((
        "torch.histogram: input tensor and hist tensor should have the same dtype, but got input {c_result} and hist "
        "{c_out}",
    )),
    "histogram": Wish((
        "torch.histogram: input tensor and hist tensor should have the same dtype, but got input {c_result} and hist "
        "{c_out}",
        "torch.histogram: input tensor and bin_edges tensor should have the same dtype, but got input {c_result} and "
        "bin_edges {c_out}",
    )),
}  # fmt: skip
WISHES["index_select_raw"], WISHES["masked_selected"] = WISHES["index_select"], WISHES["masked_select"]
PUBLIC = {"index_select_raw": "index_select", "masked_selected": "masked_select"}


def check_out(name: str, result: np.dtype, out: np.dtype, at: int) -> None:
    """Raise if a result of dtype ``result``, the ``at``-th of ``name``, may not be left in a tensor of dtype ``out``."""
    wish = WISHES.get(name)
    if wish is None:
        return views.check_cast(result, out)
    if result == out or out.name in wish.also or (wish.cast and views.castable(result, out)):
        return None
    legacy = [dtypes.LEGACY[dtypes.FROM_NUMPY[d].name] for d in (result, out)]
    c_names = [C_NAMES.get(d.name, d.name) for d in (result, out)]
    words = wish.words[at if at < len(wish.words) else 0].format(
        name=PUBLIC.get(name, name),
        result=legacy[0],
        out=legacy[1],
        c_result=c_names[0],
        c_out=c_names[1],
        narrow=result == np.int32,
    )
    error = TypeError if wish.words[0] is CAT else RuntimeError
    raise error(words)

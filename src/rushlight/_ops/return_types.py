"""The named results of operators that return several tensors, printed as PyTorch prints them."""

from __future__ import annotations

from collections import namedtuple
from typing import Any


def named(name: str, *fields: str) -> Any:
    """A named tuple class that prints as one of ``torch.return_types``."""
    base = namedtuple(name, fields)  # type: ignore[misc]

    def text(self: Any) -> str:
        return (
            f"torch.return_types.{name}(\n" + ",\n".join(f"{f}={v!r}" for f, v in zip(fields, self, strict=True)) + ")"
        )

    def make(cls: Any, *values: Any) -> Any:
        if len(values) == 1 and isinstance(values[0], (tuple, list)) and len(fields) > 1:
            values = tuple(values[0])
        return tuple.__new__(cls, values)

    return type(name, (base,), {"__slots__": (), "__repr__": text, "__new__": make, "__module__": "torch.return_types"})


aminmax = named("aminmax", "min", "max")
cummax = named("cummax", "values", "indices")
cummin = named("cummin", "values", "indices")
frexp = named("frexp", "mantissa", "exponent")
histogram = named("histogram", "hist", "bin_edges")
histogramdd = named("histogramdd", "hist", "bin_edges")
kthvalue = named("kthvalue", "values", "indices")
max = named("max", "values", "indices")
median = named("median", "values", "indices")
min = named("min", "values", "indices")
mode = named("mode", "values", "indices")
nanmedian = named("nanmedian", "values", "indices")
sort = named("sort", "values", "indices")
topk = named("topk", "values", "indices")

_lu_with_info = named("_lu_with_info", "LU", "pivots", "info")
geqrf = named("geqrf", "a", "tau")
linalg_cholesky_ex = named("linalg_cholesky_ex", "L", "info")
linalg_eig = named("linalg_eig", "eigenvalues", "eigenvectors")
linalg_eigh = named("linalg_eigh", "eigenvalues", "eigenvectors")
linalg_inv_ex = named("linalg_inv_ex", "inverse", "info")
linalg_ldl_factor = named("linalg_ldl_factor", "LD", "pivots")
linalg_ldl_factor_ex = named("linalg_ldl_factor_ex", "LD", "pivots", "info")
linalg_lstsq = named("linalg_lstsq", "solution", "residuals", "rank", "singular_values")
linalg_lu = named("linalg_lu", "P", "L", "U")
linalg_lu_factor = named("linalg_lu_factor", "LU", "pivots")
linalg_lu_factor_ex = named("linalg_lu_factor_ex", "LU", "pivots", "info")
linalg_qr = named("linalg_qr", "Q", "R")
linalg_slogdet = named("linalg_slogdet", "sign", "logabsdet")
linalg_solve_ex = named("linalg_solve_ex", "result", "info")
linalg_svd = named("linalg_svd", "U", "S", "Vh")
lu_unpack = named("lu_unpack", "P", "L", "U")
qr = named("qr", "Q", "R")
slogdet = named("slogdet", "sign", "logabsdet")
svd = named("svd", "U", "S", "V")
triangular_solve = named("triangular_solve", "solution", "cloned_coefficient")

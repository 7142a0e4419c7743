"""Samples of pooling, padding, resampling and shuffling of torch.nn.functional."""

import numpy as np

from samples import Call, Row

F = "nn.functional."
UNBATCHED = "of unbatched input PyTorch's node has the operator's name, ours that of the squeeze"
SIZES = {1: (7,), 2: (6, 5), 3: (4, 5, 4)}


def pool(dims, *calls, make="distinct"):
    """One batched sample for each set of arguments."""
    return lambda s: [Call(getattr(s, make)(2, 3, *SIZES[dims]), *args, **kwargs) for args, kwargs in calls]


def alone(dims, *args, make="distinct", **kwargs):
    return lambda s: [Call(getattr(s, make)(3, *SIZES[dims]), *args, **kwargs)]


def many(name, dims, *calls, make="distinct", **how):
    args, kwargs = calls[0]
    return [
        Row(F + name, pool(dims, *calls, make=make), **how),
        Row(
            F + name,
            alone(dims, *args, make=make, **kwargs),
            tag="unbatched",
            **{**how, "skip": {**how.get("skip", {}), "node": UNBATCHED}},
        ),
    ]


def indices(s, n, c, out, size):
    places = np.stack([s.random.permutation(int(np.prod(size)))[: int(np.prod(out))] for _ in range(n * c)])
    return s.of(places.reshape(n, c, *out).astype(np.int64))


MAX = [((2,), {}), ((3, 2, 1), {}), ((2, 1, 0, 2), {}), ((3, 2, 1, 1, True), {}), ((2,), {"return_indices": True})]
AVG = [((2,), {}), ((3, 2, 1), {}), ((3, 2, 1, True), {}), ((3, 2, 1, True, False), {})]
FULL = {"dtypes": ("float32", "float64", "float16", "int64")}

ROWS = [
    *many("max_pool1d", 1, *MAX), *many("max_pool2d", 2, *MAX), *many("max_pool3d", 3, *MAX),
    *many("avg_pool1d", 1, *AVG, make="t"),
    *many("avg_pool2d", 2, *AVG, ((2,), {"divisor_override": 3}), make="t"),
    *many("avg_pool3d", 3, *AVG, ((2,), {"divisor_override": 3}), make="t"),
    *many("lp_pool1d", 1, ((2, 2), {}), ((4, 3, 2, True), {}), ((float("inf"), 2), {}), make="t",
          tol=(1e-8, 1e-10), why="powers of sums in another order", dtypes=("float32", "float64")),
    *many("lp_pool2d", 2, ((2, 2), {}), ((2, (2, 3), 2, True), {}), make="t", tol=(1e-8, 1e-10), why="powers of sums in another order"),
    *many("lp_pool3d", 3, ((2, 2), {}), ((2, 2, 1), {}), make="t", tol=(1e-8, 1e-10), why="powers of sums in another order"),
    *many("adaptive_avg_pool1d", 1, ((3,), {}), ((1,), {}), make="t"),
    *many("adaptive_avg_pool2d", 2, ((3,), {}), (((None, 2),), {}), ((1,), {}), make="t"),
    *many("adaptive_avg_pool3d", 3, ((3,), {}), (((2, None, 3),), {}), ((1,), {}), make="t"),
    *many("adaptive_max_pool1d", 1, ((3,), {}), ((3,), {"return_indices": True})),
    *many("adaptive_max_pool2d", 2, ((3,), {}), (((None, 2),), {"return_indices": True})),
    *many("adaptive_max_pool3d", 3, ((3,), {}), (((2, None, 3),), {"return_indices": True})),
    Row(F + "fractional_max_pool2d", lambda s: [
        Call(s.distinct(2, 3, 6, 5), 2, (3, 3), _random_samples=s.t(2, 3, 2, low=0, high=1, grad=False)),
        Call(s.distinct(2, 3, 6, 5), (3, 2), output_ratio=(0.5, 0.7), return_indices=True,
             _random_samples=s.t(2, 3, 2, low=0, high=1, grad=False))], dtypes=()),
    Row(F + "fractional_max_pool3d", lambda s: [
        Call(s.distinct(2, 3, 5, 5, 4), 2, (2, 3, 2), _random_samples=s.t(2, 3, 3, low=0, high=1, grad=False))], dtypes=()),
    Row(F + "max_unpool1d", lambda s: [Call(s.t(2, 3, 3), indices(s, 2, 3, (3,), (6,)), 2)], dtypes=("float32", "float64")),
    Row(F + "max_unpool2d", lambda s: [
        Call(s.t(2, 3, 3, 2), indices(s, 2, 3, (3, 2), (6, 4)), 2),
        Call(s.t(2, 3, 3, 2), indices(s, 2, 3, (3, 2), (6, 4)), 2, output_size=(7, 5))], dtypes=("float32", "float64")),
    Row(F + "max_unpool3d", lambda s: [Call(s.t(2, 3, 2, 1, 2), indices(s, 2, 3, (2, 1, 2), (4, 2, 4)), 2)], dtypes=("float32", "float64")),
    # padding
    Row(F + "pad", lambda s: [
        Call(s.t(2, 3), (1, 2)), Call(s.t(2, 3), (1, -1, -1, 2), value=1.5), Call(s.t(2, 3, 2), (0, 1, 1, 0, 2, 0), "constant", 2.0)],
        complex=True),
    *[Row(F + "pad", lambda s, m=mode: [
        Call(s.t(2, 4), (1, 3), m), Call(s.t(2, 3, 4), (2, 0), m), Call(s.t(2, 3, 4), (1, 2, 2, 1), m),
        Call(s.t(2, 2, 3, 4), (1, 2, -1, 1), m), Call(s.t(2, 2, 3, 4), (1, 2, 0, 1, 1, 1), m), Call(s.t(1, 2, 2, 3, 4), (1, 2, 0, 1, 1, 1), m)],
        tag=mode, complex=True) for mode in ("reflect", "replicate", "circular")],
    Row("constant_pad_nd", lambda s: [Call(s.t(2, 3), (1, 2)), Call(s.t(2, 3), (1, 2, 3, 4), 5)]),
    # shuffles
    Row("pixel_shuffle", lambda s: [Call(s.t(2, 8, 2, 3), 2), Call(s.t(9, 1, 2), 3)], complex=True),
    Row("pixel_unshuffle", lambda s: [Call(s.t(2, 2, 4, 6), 2), Call(s.t(1, 3, 6), 3)], complex=True),
    Row("channel_shuffle", lambda s: [Call(s.t(2, 6, 3), 2), Call(s.t(2, 6, 3, 2), 3)]),
    Row("native_channel_shuffle", lambda s: [Call(s.t(2, 6, 3, grad=False), 2)], grad=False),
    # resampling
    Row(F + "unfold", lambda s: [Call(s.t(2, 3, 4, 5), 2), Call(s.t(2, 3, 5, 6), (2, 3), 2, 1, (1, 2))], complex=True),
    Row(F + "fold", lambda s: [Call(s.t(2, 12, 12), (4, 5), 2), Call(s.t(2, 12, 15), (5, 7), (2, 3), (2, 1), 1, (1, 3))], complex=True),
    Row(F + "interpolate", lambda s: [
        Call(s.t(2, 2, 5), 8), Call(s.t(2, 2, 5), scale_factor=0.7), Call(s.t(2, 2, 3, 4), (5, 3)),
        Call(s.t(2, 2, 3, 4), scale_factor=(1.5, 2.3), recompute_scale_factor=True), Call(s.t(1, 2, 2, 3, 2), scale_factor=2)], dtypes=("float32", "uint8")),
    Row(F + "interpolate", lambda s: [
        Call(s.t(2, 2, 5), 8, mode="nearest-exact"), Call(s.t(2, 2, 3, 4), scale_factor=1.7, mode="nearest-exact")],
        tag="exact", dtypes=()),
    Row(F + "interpolate", lambda s: [
        Call(s.t(2, 2, 5), 8, mode="linear"), Call(s.t(2, 2, 5), scale_factor=0.7, mode="linear"),
        Call(s.t(2, 2, 5), 8, mode="linear", align_corners=True), Call(s.t(2, 2, 3, 4), (5, 3), mode="bilinear"),
        Call(s.t(2, 2, 3, 4), scale_factor=1.7, mode="bilinear", align_corners=True),
        Call(s.t(1, 2, 2, 3, 2), scale_factor=1.6, mode="trilinear"), Call(s.t(1, 2, 2, 3, 2), (3, 2, 4), mode="trilinear", align_corners=True)],
        tag="linear", dtypes=(), tol=(1e-7, 1e-9), why="positions"),
    Row(F + "interpolate", lambda s: [
        Call(s.t(2, 2, 5, 4), (8, 3), mode="bicubic"), Call(s.t(2, 2, 5, 4), scale_factor=1.7, mode="bicubic", align_corners=True)],
        tag="cubic", dtypes=(), tol=(1e-7, 1e-9), why="weights"),
    Row(F + "interpolate", lambda s: [
        Call(s.t(2, 2, 8, 6), (3, 4), mode="bilinear", antialias=True), Call(s.t(2, 2, 8, 6), (5, 9), mode="bicubic", antialias=True),
        Call(s.t(2, 2, 8, 6), scale_factor=0.6, mode="bicubic", antialias=True),
        Call(s.t(2, 2, 9, 8), (4, 11), mode="lanczos", antialias=True)],
        tag="antialias", dtypes=(), tol=(1e-7, 1e-9), why="weights", skip={"second in PyTorch": "some have none"}),
    Row(F + "interpolate", lambda s: [Call(s.t(2, 2, 5), 3, mode="area"), Call(s.t(2, 2, 5, 4), scale_factor=0.5, mode="area")],
        tag="area", dtypes=()),
    Row(F + "affine_grid", lambda s: [
        Call(s.t(2, 2, 3), (2, 3, 4, 5), align_corners=False), Call(s.t(2, 2, 3), (2, 3, 4, 1), align_corners=True),
        Call(s.t(2, 3, 4), (2, 1, 2, 3, 2), align_corners=False)], dtypes=(), skip={"node": "a view in PyTorch"}),
    Row("grid_sampler_2d", lambda s: [Call(s.t(2, 3, 4, 5), s.t(2, 3, 2, 2, low=-1.3, high=1.3), 0, 0, False)],
        dtypes=(), skip={"second in PyTorch": "it has none"}, tol=(1e-7, 1e-9), why="steps in another order"),
    Row("grid_sampler_3d", lambda s: [Call(s.t(2, 2, 3, 4, 3), s.t(2, 2, 3, 1, 3, low=-1.3, high=1.3), 0, 1, True)],
        dtypes=(), skip={"second in PyTorch": "it has none"}, tol=(1e-7, 1e-9), why="steps in another order"),
    *[Row(F + name, lambda s: [Call(s.t(2, 2, 3, 4), 5), Call(s.t(2, 2, 3, 4), scale_factor=2)], dtypes=(),
          tol=(1e-7, 1e-9), why="weights") for name in ("upsample_nearest", "upsample_bilinear")],
    *[Row(F + "grid_sample", lambda s, m=mode, p=pad: [
        Call(s.t(2, 3, 4, 5), s.t(2, 3, 2, 2, low=-1.3, high=1.3), m, p, align_corners=a) for a in (True, False)
    ] + ([Call(s.t(2, 2, 3, 4, 3), s.t(2, 2, 3, 1, 3, low=-1.3, high=1.3), m, p, align_corners=False)] if m != "bicubic" else []),
        tag=f"{mode}_{pad}", dtypes=(), skip={"second in PyTorch": "it has none"}, tol=(1e-7, 1e-9), why="steps in another order")
      for mode in ("bilinear", "nearest", "bicubic") for pad in ("zeros", "border", "reflection")],
]  # fmt: skip

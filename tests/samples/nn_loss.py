"""Samples of losses and distances of torch.nn.functional."""

import numpy as np

from samples import Call, Row

F = "nn.functional."
FLOAT = ("float32", "float64")
REDUCTIONS = ("mean", "sum", "none")
NO_SECOND = {"second in PyTorch": "it has none"}


def signs(s, *shape):
    return s.of(np.where(s.random.random(shape) < 0.5, -1.0, 1.0), grad=False)


def each(make, *more):
    return lambda s: [Call(*make(s), reduction=r) for r in REDUCTIONS] + [c(s) for c in more]


def probabilities(s, *shape):
    x = s.random.uniform(0.1, 1, shape)
    return s.of(x / x.sum(-1, keepdims=True))


ROWS = [
    Row(F + "mse_loss", each(lambda s: (s.t(2, 3), s.t(2, 3)), lambda s: Call(s.t(2, 3), s.t(3)),
                             lambda s: Call(s.t(2, 3), s.t(2, 3), weight=s.t(2, 3, low=0.1)))),
    Row(F + "l1_loss", each(lambda s: (s.t(2, 3), s.t(2, 3)), lambda s: Call(s.t(2, 3), s.t(2, 3), weight=s.t(2, 3, low=0.1)))),
    Row(F + "smooth_l1_loss", each(lambda s: (s.t(2, 3), s.t(2, 3)), lambda s: Call(s.t(2, 3), s.t(2, 3), beta=0.5), lambda s: Call(s.t(2, 3), s.t(2, 3), beta=0.0))),
    Row(F + "huber_loss", each(lambda s: (s.t(2, 3), s.t(2, 3)), lambda s: Call(s.t(2, 3), s.t(2, 3), delta=0.5),
                               lambda s: Call(s.t(2, 3), s.t(2, 3), weight=s.t(2, 3, low=0.1)))),
    Row(F + "soft_margin_loss", each(lambda s: (s.t(2, 3), signs(s, 2, 3))), dtypes=FLOAT),
    Row(F + "kl_div", each(lambda s: (s.t(2, 3), s.t(2, 3, low=0.1)), lambda s: Call(s.t(2, 3), s.t(2, 3, low=0.1), reduction="batchmean"),
                           lambda s: Call(s.t(2, 3), s.t(2, 3), log_target=True)), dtypes=FLOAT),
    Row(F + "poisson_nll_loss", each(lambda s: (s.t(2, 3), s.t(2, 3, low=0.1, high=3)), lambda s: Call(s.t(2, 3, low=0.1), s.t(2, 3, low=0.1), False),
                                     lambda s: Call(s.t(2, 3), s.t(2, 3, low=0.1, high=4), True, True)), dtypes=FLOAT),
    Row(F + "gaussian_nll_loss", each(lambda s: (s.t(2, 3), s.t(2, 3), s.t(2, 3, low=0.1)), lambda s: Call(s.t(2, 3), s.t(2, 3), s.t(2, low=0.1), full=True),
                                      lambda s: Call(s.t(2, 3), s.t(2, 3), s.t(2, 1, low=0.1)), lambda s: Call(s.t(2, 3), s.t(2, 3), 0.5)),
        dtypes=(), vmap=False),
    Row(F + "binary_cross_entropy", each(lambda s: (s.t(2, 3, low=0.1, high=0.9), s.t(2, 3, low=0, high=1)),
                                         lambda s: Call(s.t(2, 3, low=0.1, high=0.9), s.t(2, 3, low=0, high=1), s.t(3, grad=False))),
        dtypes=(), tol=(1e-8, 1e-10), why="of differences of logarithms"),
    Row(F + "binary_cross_entropy_with_logits", each(lambda s: (s.t(2, 3), s.t(2, 3, low=0, high=1)),
        lambda s: Call(s.t(2, 3), s.t(2, 3, low=0, high=1), s.t(3, grad=False)), lambda s: Call(s.t(2, 3), s.t(2, 3, low=0, high=1), pos_weight=s.t(3, low=0.1, grad=False))), dtypes=FLOAT),
    Row("binary_cross_entropy_with_logits", lambda s: [Call(s.t(2, 3), s.t(2, 3, low=0, high=1), None, None, 2)], dtypes=FLOAT),
    Row(F + "nll_loss", each(lambda s: (s.t(4, 3), s.i(4, high=3)), lambda s: Call(s.t(4, 3), s.i(4, high=3), s.t(3, low=0.1, grad=False), ignore_index=1),
                             lambda s: Call(s.t(2, 3, 4), s.i(2, 4, high=3)), lambda s: Call(s.t(3), s.i(high=3)), lambda s: Call(s.t(2, 3, 2, 2), s.i(2, 2, 2, high=3), reduction="none")),
        dtypes=FLOAT, skip={"node": "one kernel for all ranks"}),
    Row(F + "cross_entropy", each(lambda s: (s.t(4, 3), s.i(4, high=3)), lambda s: Call(s.t(4, 3), s.i(4, high=3), s.t(3, low=0.1, grad=False), ignore_index=1),
                                  lambda s: Call(s.t(2, 3, 4), s.i(2, 4, high=3), label_smoothing=0.2), lambda s: Call(s.t(3), s.i(high=3)),
                                  lambda s: Call(s.t(4, 3), s.i(4, high=3), s.t(3, low=0.1, grad=False), label_smoothing=0.3, reduction="sum"),
                                  lambda s: Call(s.t(4, 3), probabilities(s, 4, 3), s.t(3, low=0.1, grad=False), label_smoothing=0.3),
                                  lambda s: Call(s.t(4, 3), probabilities(s, 4, 3), reduction="none")),
        dtypes=FLOAT, skip={"node": "one kernel for all ranks"}),
    Row(F + "linear_cross_entropy", lambda s: [
        Call(s.t(4, 3), s.t(5, 3), s.i(4)), Call(s.t(4, 3), s.t(5, 3), s.i(4), linear_bias=s.t(5), reduction="sum"),
        Call(s.t(3), s.t(5, 3), s.i()), Call(s.t(4, 3), s.t(5, 2, 3), s.i(4, 2), linear_bias=s.t(5, 2))], dtypes=(), skip={"node": "one kernel for all ranks"}),
    Row(F + "multi_margin_loss", each(lambda s: (s.t(4, 3), s.i(4, high=3)), lambda s: Call(s.t(4, 3), s.i(4, high=3), 2, 0.5, s.t(3, low=0.1, grad=False)),
                                      lambda s: Call(s.t(3), s.i(high=3))), dtypes=FLOAT, skip=NO_SECOND),
    Row(F + "multilabel_margin_loss", each(lambda s: (s.t(2, 4), s.of([[1, 3, -1, 0], [2, -1, 0, 0]])), lambda s: Call(s.t(4), s.of([1, 3, -1, 0]))),
        dtypes=FLOAT, skip=NO_SECOND),
    Row(F + "multilabel_soft_margin_loss", each(lambda s: (s.t(2, 3), s.t(2, 3, low=0, high=1)), lambda s: Call(s.t(2, 3), s.t(2, 3, low=0, high=1), s.t(3, low=0.1, grad=False))), dtypes=FLOAT),
    Row(F + "margin_ranking_loss", each(lambda s: (s.t(4), s.t(4), signs(s, 4)), lambda s: Call(s.t(4), s.t(4), signs(s, 4), 0.5)), dtypes=FLOAT),
    Row(F + "hinge_embedding_loss", each(lambda s: (s.t(4), signs(s, 4)), lambda s: Call(s.t(4), signs(s, 4), 0.5)), dtypes=FLOAT),
    Row(F + "cosine_embedding_loss", each(lambda s: (s.t(4, 3), s.t(4, 3), signs(s, 4)), lambda s: Call(s.t(3), s.t(3), signs(s), 0.2)), dtypes=FLOAT),
    Row(F + "triplet_margin_loss", each(lambda s: (s.t(4, 3), s.t(4, 3), s.t(4, 3)), lambda s: Call(s.t(4, 3), s.t(4, 3), s.t(4, 3), 0.5, 3.0, swap=True)), dtypes=FLOAT),
    Row(F + "triplet_margin_with_distance_loss", each(lambda s: (s.t(4, 3), s.t(4, 3), s.t(4, 3))), dtypes=FLOAT),
    *[Row(name, lambda s, m=make: [Call(*m(s))], dtypes=FLOAT) for name, make in {
        "margin_ranking_loss": lambda s: (s.t(4), s.t(4), signs(s, 4), 0.3, 2),
        "hinge_embedding_loss": lambda s: (s.t(4), signs(s, 4), 0.5, 0),
        "cosine_embedding_loss": lambda s: (s.t(4, 3), s.t(4, 3), signs(s, 4), 0.1, 1),
        "triplet_margin_loss": lambda s: (s.t(4, 3), s.t(4, 3), s.t(4, 3)),
        "kl_div": lambda s: (s.t(2, 3), s.t(2, 3, low=0.1), 2),
        "poisson_nll_loss": lambda s: (s.t(2, 3), s.t(2, 3, low=0.1), True, False, 1e-8, 1),
    }.items()],
    Row(F + "ctc_loss", lambda s: [
        Call(s.t(6, 2, 4), s.of([[1, 2, 2], [3, 1, 0]]), (6, 5), (3, 2), reduction=r) for r in REDUCTIONS] + [
        Call(s.t(6, 2, 4), s.of([0, 2, 2, 3]), (6, 5), (3, 1), blank=1), Call(s.t(6, 4), s.of([1, 2]), (6,), (2,)),
        Call(s.t(3, 2, 4), s.of([[1, 1, 1], [3, 1, 0]]), (3, 3), (3, 1), zero_infinity=True)],
        dtypes=(), skip={"second in PyTorch": "it has none", "gradient": "PyTorch's takes the input to be a log_softmax", "second": "the same",
                         "forward": "the same", "vmap": "targets decide the steps"}, tol=(1e-8, 1e-10), why="sums in another order"),
    # distances
    Row("pairwise_distance", lambda s: [Call(s.t(4, 3), s.t(4, 3)), Call(s.t(4, 3), s.t(3), 3.0, 0.01, True), Call(s.t(3), s.t(3), 1.0)], dtypes=FLOAT, skip={"node": "linalg_vector_norm"}),
    Row("cosine_similarity", lambda s: [Call(s.t(4, 3), s.t(4, 3)), Call(s.t(4, 3, 2), s.t(3, 2), 0), Call(s.t(3), s.t(3), dim=0, eps=0.1)], dtypes=FLOAT),
    Row(F + "normalize", lambda s: [Call(s.t(4, 3)), Call(s.t(4, 3), 1.0, 0), Call(s.t(2, 3, 2), 3.0, -1, 0.1)], dtypes=FLOAT),
    *[Row("cdist", lambda s, p=p: [Call(s.t(4, 3), s.t(5, 3), p), Call(s.t(2, 4, 3), s.t(5, 3), p)], tag=f"p{p}", dtypes=FLOAT,
          skip={"second in PyTorch": "it has none", "node": "expanded inputs", **({"second": "not differentiable"} if p < 1 else {})},
          second=p not in (0.0, 1.0, float("inf"))) for p in (2.0, 1.0, 0.5, 3.0, float("inf"))],
    Row("cdist", lambda s: [Call(s.t(30, 3), s.t(5, 3)), Call(s.t(3, 3), s.t(5, 3), 2.0, "use_mm_for_euclid_dist")], tag="products", dtypes=FLOAT, tol=(1e-6, 1e-8), why="products",
        skip={"node": "a view follows"}),
    *[Row("pdist", lambda s, p=p: [Call(s.t(5, 3), p), Call(s.t(2, 3), p)], tag=f"p{p}", dtypes=FLOAT, skip=NO_SECOND, second=p not in (1.0,)) for p in (2.0, 1.0, 3.0)],
]  # fmt: skip

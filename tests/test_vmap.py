"""``vmap``: every row of samples at nesting depth two against loops, and what it does by itself."""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np
import pytest

import rushlight as rl
import rushlight.func as F
from rushlight._core.tensor import wrap
from rushlight._transforms.vmap import Vmap
from samples import Row, rows
from samples.checks import about, direction, flat, same, seeds_for
from samples.checks import rushlight as library

pytestmark = pytest.mark.filterwarnings("ignore")

ROWS = [row for row in rows() if row.vmap and "vmap" not in row.skip]


class Nested:
    """Three calls of one row, of the same shapes, as a function of their tensors."""

    def __init__(self, row: Row, calls: tuple[Any, Any, Any]) -> None:
        self.row, self.call = row, calls[0]
        self.tensors = [c.tensors for c in calls]
        self.function = library().function(row.name)

    def one(self, *tensors: Any) -> tuple[Any, ...]:
        made = self.call.with_tensors(list(tensors))
        return tuple(flat(self.function(*made.args, **made.kwargs)))

    def values(self, tensors: Any) -> list[np.ndarray]:
        return [np.asarray(library().array(o)) for o in self.one(*[wrap(t.array.copy()) for t in tensors])]

    def expect(self, what: str, found: Any, expected: Any) -> None:
        for f, e in zip(found, expected, strict=True):
            same(self.row, np.asarray(library().array(f)), e, what, 100)


def nested(row: Row) -> list[Nested]:
    found = []
    for calls in zip(row.calls(), row.calls(1), row.calls(2), strict=True):
        made = Nested(row, calls)
        if made.tensors[0] and all(len({t.array.shape for t in each}) == 1 for each in zip(*made.tensors, strict=True)):
            found.append(made)
    return found[:2]


@pytest.mark.parametrize("row", ROWS, ids=[f"{r.family}-{r.id}" for r in ROWS])
def test_depth_two(row: Row) -> None:
    for case in nested(row):
        with about(row, "depth two", case.call):
            batched_twice(case)
            derivatives(case)


def batched_twice(case: Nested) -> None:
    try:
        loop = [case.values(t) for t in case.tensors]
    except Exception:  # other data would be another error or shape
        return
    if any([x.shape for x in each] != [x.shape for x in loop[0]] for each in loop):
        return
    a, b, c = case.tensors
    pairs = zip(a, b, c, strict=True)
    stacked = [wrap(np.stack([np.stack([x.array, y.array]), np.stack([z.array, x.array])])) for x, y, z in pairs]
    expected = [np.stack([np.stack([x, y]), np.stack([z, x])]) for x, y, z in zip(*loop, strict=True)]
    case.expect("vmap of vmap", F.vmap(F.vmap(case.one))(*stacked), expected)
    if len(a) < 2 or case.row.last.endswith("_"):  # what is written in place must be mapped
        return
    table = [[case.values([x[0], *y[1:]]) for y in (a, b)] for x in (a, b)]
    if len({tuple(o.shape for o in cell) for line in table for cell in line}) > 1:
        return
    rest = (None,) * (len(a) - 1)
    inner = F.vmap(case.one, (None, *[0] * (len(a) - 1)))
    first = wrap(np.stack([a[0].array, b[0].array]))
    others = [wrap(np.stack([x.array, y.array])) for x, y in zip(a[1:], b[1:], strict=True)]
    expected = [np.stack([np.stack([cell[n] for cell in line]) for line in table]) for n in range(len(table[0][0]))]
    case.expect("vmap of vmap, mixed", F.vmap(inner, (0, *rest))(first, *others), expected)


def derivatives(case: Nested) -> None:
    """Both orders of vmap and forward or reverse mode, and forward over reverse against reverse over reverse."""
    row, lib, tensors = case.row, library(), case.tensors[0]
    asked = [i for i, t in enumerate(tensors) if t.grad]
    if not (row.grad and asked and row.jvp and "forward" not in row.skip):
        return
    fixed = [wrap(t.array.copy()) for t in tensors]

    def function(*xs: Any) -> tuple[Any, ...]:
        every = list(fixed)
        for i, x in zip(asked, xs, strict=True):
            every[i] = x
        outs = [o for o in case.one(*every) if isinstance(o, rl.Tensor)]
        return tuple([o for o in outs if o.dtype.is_floating_point or o.dtype.is_complex])

    primals = tuple([fixed[i] for i in asked])
    outs = function(*primals)
    if not outs:
        return
    tangents = [[wrap(d) for d in direction([p._array for p in primals], seed)] for seed in (3, 4)]
    seeds = [[wrap(u) for u in seeds_for(lib, list(outs), seed)] for seed in (1, 5)]

    def together(lists: Any) -> list[Any]:
        return [wrap(np.stack([lib.array(x) for x in each])) for each in zip(*lists, strict=True)]

    twice = together([primals, primals])
    pushed = [x._array for x in together([F.jvp(function, primals, tuple(t))[1] for t in tangents])]
    case.expect("vmap of jvp", F.vmap(lambda *t: F.jvp(function, primals, t)[1])(*together(tangents)), pushed)
    case.expect("jvp of vmap", F.jvp(F.vmap(function), tuple(twice), tuple(together(tangents)))[1], pushed)
    pulled = [x._array for x in together([F.vjp(function, *primals)[1](tuple(u)) for u in seeds])]
    case.expect("vmap of vjp", F.vmap(lambda *u: F.vjp(function, *primals)[1](tuple(u)))(*together(seeds)), pulled)
    case.expect("vjp of vmap", F.vjp(F.vmap(function), *twice)[1](tuple(together(seeds))), pulled)
    if not row.second or "second" in row.skip:
        return

    def gradient(*xs: Any) -> Any:
        return F.vjp(function, *xs)[1](tuple(seeds[0]))

    def dot(xs: Any, ys: Any) -> float:
        return sum(float(np.sum(np.real(np.conj(lib.array(x)) * lib.array(y)))) for x, y in zip(xs, ys, strict=True))

    forward = dot(F.jvp(gradient, primals, tuple(tangents[0]))[1], tangents[1])
    reverse = dot(F.vjp(gradient, *primals)[1](tuple(tangents[1])), tangents[0])
    np.testing.assert_allclose(forward, reverse, 1e-5, 1e-6, err_msg="forward over reverse")


def test_few_operators_loop() -> None:
    """The rules cover all but these (the list is what is left after the rows have run)."""
    assert Vmap.warned <= {"bincount", "histc", "histogram", "histogramdd", "isin", "searchsorted"}


def test_loop_warns_once_with_its_name() -> None:
    Vmap.warned.discard("bincount")
    xs = rl.tensor([[0, 1], [1, 1], [0, 0]])
    with warnings.catch_warnings(record=True) as seen:
        warnings.simplefilter("always")
        for _ in range(2):
            made = F.vmap(lambda x: rl.bincount(x, minlength=2))(xs)
    assert made.tolist() == [[1, 1], [0, 2], [2, 0]]
    assert len([w for w in seen if "batching rule for bincount" in str(w.message)]) == 1


@pytest.mark.parametrize(
    ("run", "words"),
    [
        (lambda x: x if x.sum() > 0 else -x, "data-dependent control flow"),
        (lambda x: x.sum().item(), r"\.item\(\)"),
        (lambda x: x[x > 0], "boolean mask"),
        (lambda x: rl.unique(x), "dynamic shape"),
    ],
)
def test_what_depends_on_data_names_the_line(run: Any, words: str) -> None:
    with pytest.raises(RuntimeError, match=words) as raised:
        F.vmap(run)(rl.ones(2, 3))
    assert "test_vmap.py:" in str(raised.value)


@pytest.mark.parametrize(
    "draw", [lambda x: x.clone().uniform_(), lambda x: rl.bernoulli(x.abs() * 0 + 0.5), rl.rand_like]
)
def test_randomness(draw: Any) -> None:
    xs = rl.zeros(4, 50)
    with pytest.raises(RuntimeError, match="randomness error mode"):
        F.vmap(draw)(xs)
    made = F.vmap(draw, randomness="different")(xs)
    assert len({tuple(row) for row in made.tolist()}) == 4
    if draw is not rl.rand_like and "bernoulli" in str(draw.__code__.co_names):
        with pytest.raises(RuntimeError, match="same randomness with a batched"):
            F.vmap(draw, randomness="same")(xs)
    else:
        same_ = F.vmap(draw, randomness="same")(xs)
        assert len({tuple(row) for row in same_.tolist()}) == 1


def test_index_of_its_own_for_each_example_differentiates() -> None:
    xs, at = rl.tensor([[1.0, 2.0, 3.0], [4.0, 5.0, 6.0]]), rl.tensor([2, 0])
    assert F.vmap(F.grad(lambda x, i: x[i] ** 2))(xs, at).tolist() == [[0, 0, 6], [8, 0, 0]]
    assert F.grad(lambda xs: F.vmap(lambda x, i: x[i] ** 2)(xs, at).sum())(xs).tolist() == [[0, 0, 6], [8, 0, 0]]


def test_empty_batch() -> None:
    assert F.vmap(lambda x: rl.softmax(x, 0).sum())(rl.zeros(0, 3)).shape == (0,)


def test_repr() -> None:
    seen = []
    F.vmap(F.grad(lambda x: (seen.append(repr(x)), x.sum())[1]))(rl.ones(2, 1))
    assert seen[0].splitlines()[0] == "GradTrackingTensor(lvl=2, value="
    assert "BatchedTensor(lvl=1, bdim=0, value=" in seen[0]


def test_top_level_name() -> None:
    assert rl.vmap is F.vmap


def looped(function: Any, *args: Any) -> Any:
    return rl.stack([function(*[a[k] for a in args]) for k in range(len(args[0]))])


@pytest.mark.parametrize("reduction", ["none", "mean", "sum"])
def test_ctc_loss_maps_targets_and_lengths(reduction: str) -> None:
    rl.manual_seed(0)
    x = rl.randn(3, 7, 2, 5, dtype=rl.float64).log_softmax(-1)
    targets, sizes = rl.randint(1, 5, (3, 2, 3)), rl.tensor([[3, 2], [0, 1], [3, 3]])
    steps = rl.tensor([[7, 6], [5, 7], [7, 2]])
    line = rl.randint(1, 5, (3, 6))

    def loss(x: Any, t: Any, a: Any, b: Any) -> Any:
        return rl.nn.functional.ctc_loss(x, t, a, b, reduction=reduction, zero_infinity=True)

    def slope(*args: Any) -> Any:
        return rl.func.grad(lambda x, *rest: loss(x, *rest).sum())(*args)

    for f in (loss, slope):
        assert rl.allclose(rl.vmap(f)(x, targets, steps, sizes), looped(f, x, targets, steps, sizes))
        found = rl.vmap(f, (None, 0, None, None))(x[0], targets, steps[0], sizes[0])
        assert rl.allclose(found, looped(lambda t, f=f: f(x[0], t, steps[0], sizes[0]), targets))
        short = rl.tensor([[3, 2], [2, 1], [3, 3]])
        found = rl.vmap(f)(x, line, steps, short)
        want = rl.stack([f(x[k], line[k, : int(short[k].sum())], steps[k], short[k]) for k in range(3)])
        assert rl.allclose(found, want)
        alone = rl.vmap(f)(x[:, :, 0], targets[:, 0], steps[:, 0], sizes[:, 0])
        assert rl.allclose(alone, looped(f, x[:, :, 0], targets[:, 0], steps[:, 0], sizes[:, 0]))


@pytest.mark.parametrize("mode", ["sum", "mean", "max"])
def test_embedding_bag_maps_numbers_and_offsets(mode: str) -> None:
    rl.manual_seed(0)
    table, numbers = rl.randn(3, 6, 2, dtype=rl.float64), rl.randint(0, 6, (3, 5))
    offsets = rl.tensor([[0, 2, 2, 5], [0, 0, 3, 5], [0, 1, 4, 5]])
    for how in ({}, {"include_last_offset": True}, {"padding_idx": 2}):

        def bags(w: Any, i: Any, o: Any, how: Any = how) -> Any:
            return rl.nn.functional.embedding_bag(i, w, o, mode=mode, **how)

        for f in (bags, rl.func.grad(lambda *args: bags(*args).sin().sum())):
            assert rl.allclose(rl.vmap(f)(table, numbers, offsets), looped(f, table, numbers, offsets))
            found = rl.vmap(f, (None, 0, None))(table[0], numbers, offsets[0])
            assert rl.allclose(found, looped(lambda i, f=f: f(table[0], i, offsets[0]), numbers))


def test_rows_of_mapped_tables_are_shortened() -> None:
    rl.manual_seed(0)
    table, numbers = rl.randn(3, 6, 2) * 3, rl.randint(0, 6, (3, 5))
    for p in (1.0, 2.0):
        mine, theirs = table.clone(), table.clone()
        found = rl.vmap(lambda i, w, p=p: rl.nn.functional.embedding(i, w, max_norm=1.0, norm_type=p))(numbers, mine)
        want = looped(lambda i, w, p=p: rl.nn.functional.embedding(i, w, max_norm=1.0, norm_type=p), numbers, theirs)
        assert rl.allclose(found, want) and rl.allclose(mine, theirs) and not rl.equal(mine, table)
    with pytest.raises(RuntimeError, match="inplace"):
        rl.vmap(lambda i: rl.nn.functional.embedding(i, table[0], max_norm=1.0))(numbers)
    with pytest.raises(RuntimeError, match="mutate a captured"):
        rl.func.grad(lambda x: (x * rl.nn.functional.embedding(numbers, table[0], max_norm=1.0)).sum())(rl.ones(()))


def test_places_that_differ_where_gradients_do_not() -> None:
    x, g = rl.randn(3, 5, dtype=rl.float64), rl.randn(5, dtype=rl.float64)
    for i in (rl.tensor([1, 3, 4]), rl.tensor([[1, 3], [0, 0], [2, 4]])):
        for f in (
            lambda x, i: x[i],
            lambda x, i: rl.index_put(x, (i,), rl.tensor(2.0, dtype=rl.float64)),
            lambda x, i: rl.index_put(x, (i,), x[0], accumulate=True),
        ):

            def pulled(x: Any, i: Any, f: Any = f) -> Any:
                out, pull = rl.func.vjp(lambda x: f(x, i), x)
                return pull(g[: out.numel()].reshape(out.shape))[0]

            assert rl.allclose(rl.vmap(pulled)(x, i), looped(pulled, x, i))
    x, i, j = rl.randn(2, 3, 4, 5), rl.tensor([[0, 1], [2, 1]]), rl.tensor([[4, 1], [0, 2]])
    for v in (rl.randn(2, 2, 2, 4), rl.randn(2, 4)):  # indices that are no neighbours: what they pick comes in front
        for acc in (False, True):
            found = rl.vmap(lambda x, v, acc=acc: rl.ops.aten.index_put(x, (i, None, j), v, acc))(x, v)
            assert rl.equal(found, looped(lambda x, v, acc=acc: rl.ops.aten.index_put(x, (i, None, j), v, acc), x, v))
    one = rl.tensor(3.0, requires_grad=True)
    picked = rl.gather(one, 0, rl.tensor([0, 0]))
    assert rl.autograd.grad(picked, one, rl.eye(2), is_grads_batched=True)[0].tolist() == [1.0, 1.0]
    x, fill, at = rl.randn(3, 5, dtype=rl.float64), rl.tensor(7.0, dtype=rl.float64), rl.tensor([1])
    assert rl.equal(rl.vmap(lambda x: x.index_fill(0, at, fill))(x), x.index_fill(1, at, fill))


def test_each_example_is_asked_whether_it_is_contiguous() -> None:
    x = rl.randn(2, 3, 4).movedim(1, 0)
    rl.vmap(lambda a: a.new_ones(()) if a.is_contiguous() else 1 / 0)(rl.randn(3, 2, 4).transpose(1, 2).contiguous())
    seen = []
    rl.vmap(lambda a: (seen.append((a.is_contiguous(), a.t().is_contiguous())), a)[1], 1)(
        rl.randn(2, 3, 4).movedim(0, 1)
    )
    rl.vmap(lambda a: (seen.append((a.is_contiguous(), a.t().is_contiguous())), a)[1])(x)
    assert seen == [(True, False), (False, False)]


def test_repeat_interleave_maps_counts_of_one_sum() -> None:
    x, counts = rl.randn(2, 3, dtype=rl.float64), rl.tensor([[1, 2, 0], [0, 0, 3]])
    for f in (rl.repeat_interleave, lambda x, n: rl.func.grad(lambda x: (rl.repeat_interleave(x, n) ** 2).sum())(x)):
        assert rl.equal(rl.vmap(f)(x, counts), looped(f, x, counts))
        assert rl.equal(rl.vmap(f, (None, 0))(x[0], counts), looped(lambda n, f=f: f(x[0], n), counts))
    assert rl.equal(rl.vmap(rl.repeat_interleave)(counts), looped(rl.repeat_interleave, counts))
    with pytest.raises(RuntimeError, match="dynamic shape"):
        rl.vmap(rl.repeat_interleave)(x, counts + rl.tensor([[0], [1]]))


def test_searchsorted_maps_either_argument_without_a_loop() -> None:
    a, b = rl.randn(2, 3, 4).sort(-1)[0], rl.randn(2, 3, 5)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert rl.equal(rl.vmap(rl.searchsorted)(a, b), looped(rl.searchsorted, a, b))
        assert rl.equal(rl.vmap(rl.searchsorted, (0, None))(a, b[0]), looped(lambda s: rl.searchsorted(s, b[0]), a))
        assert rl.equal(rl.vmap(rl.searchsorted, (None, 0))(a[0], b), looped(lambda v: rl.searchsorted(a[0], v), b))
        assert rl.equal(rl.vmap(rl.searchsorted, (0, None))(a[0], b), looped(lambda s: rl.searchsorted(s, b), a[0]))

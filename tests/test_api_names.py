"""Names that public programs use, each must resolve, by the name PyTorch has for it.

The lists come from a count over public programs; names that PyTorch 2.13 no longer has are not in them.
"""

from __future__ import annotations

import importlib
from typing import Any

import pytest

import rushlight as rl

NAMES = {
    "LRScheduler": ("get_last_lr"),
    "Module": (
        "apply eval load_state_dict named_parameters parameters register_load_state_dict_post_hook "
        "register_load_state_dict_pre_hook register_state_dict_post_hook register_state_dict_pre_hook state_dict "
        "zero_grad"
    ),
    "Optimizer": ("register_step_post_hook register_step_pre_hook step"),
    "Tensor": (
        "H T __matmul__ _base _grad _is_view _version abs absolute add add_ addcdiv_ addcmul_ all allclose any argmax "
        "as_strided backward bernoulli_ bfloat16 cauchy_ chunk clamp clamp_ clip clone conj contiguous copy_ cos cpu "
        "cuda cumsum data data_ptr detach detach_ device diag diagonal dim div div_ dot double dtype eq exp exp_ "
        "expand exponential_ fill_ flatten flip float gather geometric_ grad grad_fn half imag index_select "
        "is_complex is_contiguous is_cuda is_floating_point is_leaf is_nested is_sparse item log log10 log_normal_ "
        "log_softmax long lt mT masked_fill matmul max mean min mm movedim mul mul_ multiply_ mv narrow ndim "
        "ndimension neg nelement new new_zeros nonzero norm normal_ numel numpy permute pow pow_ prod random_ real "
        "reciprocal register_hook relu repeat requires_grad requires_grad_ reshape retain_grad round scatter_add_ "
        "select shape sign sin sin_ size solve split sqrt sqrt_ square squeeze std storage storage_offset stride sub "
        "sub_ sum t tile to to_sparse tolist transpose type type_as unbind unflatten uniform_ unique unsqueeze "
        "untyped_storage var view view_as where zero_"
    ),
    "torch": (
        "DoubleTensor FloatTensor Generator LongTensor Size Tensor __version__ abs accelerator.current_accelerator "
        "accelerator.is_available acos add all allclose any arange argmax as_strided as_tensor asin atan autograd "
        "autograd.Function autograd.Variable autograd.backward autograd.forward_ad.dual_level "
        "autograd.forward_ad.make_dual autograd.forward_ad.unpack_dual autograd.function.once_differentiable "
        "autograd.functional.hessian autograd.functional.jacobian autograd.grad autograd.gradcheck "
        "autograd.gradgradcheck autograd.graph.allow_mutation_on_saved_tensors autograd.graph.saved_tensors_hooks "
        "backends.cudnn.flags backends.mps.is_available bfloat16 binomial bool broadcast_shapes cat ceil "
        "channels_last channels_last_3d cholesky_solve clamp clone compile complex complex128 complex64 "
        "contiguous_format cos cosh cuda.is_available cuda.manual_seed_all cumsum device diag diag_embed diagflat "
        "diagonal digamma distributions distributions.Categorical distributions.Distribution "
        "distributions.MultivariateNormal distributions.Normal distributions.constraints.positive "
        "distributions.constraints.real div dot double dtype einsum empty empty_like enable_grad equal exp expm1 eye "
        "finfo flatten flipud float float16 float32 float64 floor frac from_numpy full full_like func "
        "func.functional_call func.grad func.grad_and_value func.jacfwd func.jacrev func.jvp func.vjp func.vmap "
        "gather get_default_dtype get_num_threads get_rng_state half inf inference_mode int16 int32 int64 int8 "
        "inverse is_complex is_floating_point is_grad_enabled is_inference is_tensor isclose isfinite isnan "
        "jit.script lgamma linalg linalg.cholesky linalg.cholesky_ex linalg.eigh linalg.eigvalsh linalg.lstsq "
        "linalg.norm linalg.solve linalg.solve_triangular linalg.svd linspace load log log10 log1p log2 logdet long "
        "manual_seed matmul matrix_exp max maximum mean min mm mul multinomial neg nextafter nn "
        "nn.AdaptiveAvgPool2d nn.AvgPool2d nn.BCELoss nn.BCEWithLogitsLoss nn.BatchNorm1d nn.BatchNorm2d "
        "nn.BatchNorm3d nn.Buffer nn.Conv1d nn.Conv2d nn.Conv3d nn.ConvTranspose2d nn.CrossEntropyLoss "
        "nn.DataParallel nn.Dropout nn.Dropout2d nn.ELU nn.Embedding nn.Flatten nn.GELU nn.GRU nn.Identity "
        "nn.InstanceNorm1d nn.InstanceNorm2d nn.InstanceNorm3d nn.LSTM nn.LSTMCell nn.LayerNorm nn.LeakyReLU "
        "nn.Linear nn.MSELoss nn.MaxPool1d nn.MaxPool2d nn.MaxPool3d nn.Module nn.ModuleDict nn.ModuleList "
        "nn.MultiheadAttention nn.NLLLoss nn.Parameter nn.RNN nn.ReLU nn.SELU nn.Sequential nn.Sigmoid nn.Softmax "
        "nn.Softplus nn.Tanh nn.Upsample nn.functional nn.functional.binary_cross_entropy nn.functional.conv2d "
        "nn.functional.conv_transpose2d nn.functional.cross_entropy nn.functional.ctc_loss nn.functional.dropout "
        "nn.functional.dropout2d nn.functional.dropout3d nn.functional.elu nn.functional.interpolate "
        "nn.functional.layer_norm nn.functional.leaky_relu nn.functional.linear nn.functional.log_softmax "
        "nn.functional.max_pool2d nn.functional.mse_loss nn.functional.nll_loss nn.functional.one_hot "
        "nn.functional.pad nn.functional.relu nn.functional.sigmoid nn.functional.smooth_l1_loss "
        "nn.functional.softmax nn.functional.softplus nn.init nn.init.constant_ nn.init.normal_ nn.init.orthogonal_ "
        "nn.init.uniform_ nn.init.zeros_ nn.utils nn.utils.clip_grad_norm_ no_grad norm normal numel ones ones_like "
        "optim optim.ASGD optim.Adadelta optim.Adafactor optim.Adagrad optim.Adam optim.AdamW optim.Adamax "
        "optim.LBFGS optim.NAdam optim.Optimizer optim.RAdam optim.RMSprop optim.Rprop optim.SGD optim.lr_scheduler "
        "optim.lr_scheduler.ChainedScheduler optim.lr_scheduler.ConstantLR optim.lr_scheduler.CosineAnnealingLR "
        "optim.lr_scheduler.CosineAnnealingWarmRestarts optim.lr_scheduler.CyclicLR "
        "optim.lr_scheduler.EPOCH_DEPRECATION_WARNING optim.lr_scheduler.ExponentialLR optim.lr_scheduler.LRScheduler "
        "optim.lr_scheduler.LambdaLR optim.lr_scheduler.LinearLR optim.lr_scheduler.MultiStepLR "
        "optim.lr_scheduler.MultiplicativeLR optim.lr_scheduler.OneCycleLR optim.lr_scheduler.PolynomialLR "
        "optim.lr_scheduler.ReduceLROnPlateau optim.lr_scheduler.SequentialLR optim.lr_scheduler.StepLR outer permute "
        "pow prod promote_types rand rand_like randint randint_like randn randn_like randperm reciprocal relu "
        "repeat_interleave reshape round rsqrt save set_default_device set_default_dtype set_grad_enabled "
        "set_num_threads set_rng_state sigmoid sign sin sinh softmax sort sparse_coo_tensor spmm sqrt squeeze stack "
        "std sub sum tan tanh tensor tensor_split tensordot testing.assert_close testing.make_tensor topk transpose "
        "tril triu trunc uint8 unique unsqueeze utils utils._pytree.tree_flatten utils._pytree.tree_leaves "
        "utils._pytree.tree_unflatten utils.benchmark.Timer utils.checkpoint.checkpoint "
        "utils.checkpoint.set_checkpoint_early_stop utils.data utils.data.DataLoader utils.data.Dataset "
        "utils.data.RandomSampler utils.hooks.RemovableHandle view_as_complex view_as_real vmap where zeros "
        "zeros_like"
    ),
}
ROOTS = {
    "LRScheduler": "optim.lr_scheduler.LRScheduler",
    "Module": "nn.Module",
    "Optimizer": "optim.Optimizer",
    "Tensor": "Tensor",
    "torch": "",
}


def resolved(path: str) -> Any:
    """What a dotted name leads to, modules imported on the way."""
    found: Any = rl
    so_far = "rushlight"
    for part in filter(None, path.split(".")):
        so_far += "." + part
        try:
            found = getattr(found, part)
        except AttributeError:
            found = importlib.import_module(so_far)
    return found


@pytest.mark.parametrize("root", NAMES)
def test_names_that_programs_use(root: str) -> None:
    missing = []
    for name in NAMES[root].split():
        path = f"{ROOTS[root]}.{name}".strip(".")
        try:
            resolved(path)
        except (ImportError, AttributeError):
            missing.append(path)
    assert not missing


def test_schedulers_know_their_rates() -> None:
    optimizer = rl.optim.SGD(rl.nn.Linear(1, 1).parameters(), lr=0.5)
    assert rl.optim.lr_scheduler.StepLR(optimizer, 1).base_lrs == [0.5]


def test_a_context_and_a_node_have_what_programs_use() -> None:
    class Square(rl.autograd.Function):
        @staticmethod
        def forward(ctx: Any, x: Any) -> Any:
            for name in ("save_for_backward", "save_for_forward", "mark_dirty", "mark_non_differentiable"):
                assert callable(getattr(ctx, name))
            ctx.save_for_backward(x)
            return x * x

        @staticmethod
        def backward(ctx: Any, g: Any) -> Any:
            (x,) = ctx.saved_tensors
            return 2 * x * g

    x = rl.ones(1, requires_grad=True)
    y = Square.apply(x)
    assert y.grad_fn.next_functions[0][0].name() == "torch::autograd::AccumulateGrad"
    y.backward()
    assert x.grad.item() == 2

"""Names of PyTorch's compilers, exporters and clusters, which are not here: libraries ask for them while they are
imported, and go on to run their dense parts. A name can be imported, subclassed and asked about by ``isinstance``;
whoever makes or calls one gets an error that says what it is that is missing.

``TABLE`` has modules made of such names alone, for programs under the alias. In it a capital letter begins a class,
``Kind=A,B`` is an enumeration, ``mark()`` a decorator that gives the function back, ``is_there?`` a
function that says False, ``Kind:`` a class that keeps its arguments and describes something by them, the rest are functions.
"""

from __future__ import annotations

import enum
import importlib
import sys
from collections.abc import Callable
from types import ModuleType
from typing import Any, NoReturn

FSDP = """
    BackwardPrefetch=BACKWARD_PRE,BACKWARD_POST CPUOffload CPUOffloadPolicy FSDPModule FullOptimStateDictConfig
    FullStateDictConfig FullyShardedDataParallel LocalOptimStateDictConfig LocalStateDictConfig MixedPrecision
    MixedPrecisionPolicy OffloadPolicy OptimStateDictConfig OptimStateKeyType=PARAM_NAME,PARAM_ID
    ShardedOptimStateDictConfig ShardedStateDictConfig
    ShardingStrategy=FULL_SHARD,SHARD_GRAD_OP,NO_SHARD,HYBRID_SHARD,_HYBRID_SHARD_ZERO2 StateDictConfig StateDictSettings
    StateDictType=FULL_STATE_DICT,LOCAL_STATE_DICT,SHARDED_STATE_DICT UnshardHandle fully_shard
    register_fsdp_forward_method
"""
CHECKPOINT = """
    AsyncCheckpointerType=THREAD,PROCESS BytesStorageMetadata CheckpointException ChunkStorageMetadata DefaultLoadPlanner
    DefaultSavePlanner FileSystemReader FileSystemWriter LoadPlan LoadPlanner Metadata ReadItem SavePlan SavePlanner
    StorageReader StorageWriter TensorStorageMetadata WriteItem async_save load load_sharded_optimizer_state_dict
    load_state_dict save save_state_dict _load_state_dict
"""
PLACES = "DTensor DeviceMesh Partial: Placement: Replicate: Shard: _StridedShard: distribute_module distribute_tensor"
HOOKS = """
    allreduce_hook bf16_compress_hook bf16_compress_wrapper fp16_compress_hook fp16_compress_wrapper PowerSGDState
    powerSGD_hook batched_powerSGD_hook PostLocalSGDState post_localSGD_hook
"""
TABLE = {
    "_functorch": "",
    "_higher_order_ops": "associative_scan cond flex_attention scan while_loop",
    "_higher_order_ops.associative_scan": "associative_scan",
    "_inductor": "cudagraph_mark_step_begin list_mode_options list_options",
    "_inductor.codecache": "extract_tensor_metadata_for_cache_key",
    "_inductor.cpu_vec_isa": "pick_vec_isa",
    "_inductor.runtime": "",
    "_inductor.runtime.cache_dir_utils": "cache_dir",
    "_ops": "HigherOrderOperator",
    "_subclasses": "FakeTensor FakeTensorMode UnsupportedFakeTensorException",
    "_subclasses.fake_tensor": "FakeTensor FakeTensorMode",
    "_subclasses.functional_tensor": "FunctionalTensor FunctionalTensorMode mb_unwrap_functional_tensor",
    "_subclasses.meta_utils": "MetaConverter",
    "ao": "",
    "ao.nn": "",
    "ao.quantization": """
        DeQuantStub FakeQuantize FakeQuantizeBase HistogramObserver MinMaxObserver MovingAverageMinMaxObserver ObserverBase
        PerChannelMinMaxObserver QConfig QConfigMapping QuantStub QuantWrapper convert fuse_modules fuse_modules_qat
        get_default_qat_qconfig get_default_qat_qconfig_mapping get_default_qconfig get_default_qconfig_mapping prepare
        prepare_qat quantize quantize_dynamic quantize_qat
    """,
    "distributed._composable": "checkpoint fully_shard replicate",
    "distributed._composable.fsdp": FSDP,
    "distributed._functional_collectives": """
        all_gather_tensor all_gather_tensor_autograd all_reduce all_to_all_single all_to_all_single_autograd broadcast
        permute_tensor reduce_scatter_tensor reduce_scatter_tensor_autograd wait_tensor AsyncCollectiveTensor
    """,
    "distributed._shard": "",
    "distributed._shard.sharded_tensor": "ShardedTensor",
    "distributed._tensor": PLACES,
    "distributed.algorithms": "",
    "distributed.algorithms._checkpoint": "",
    "distributed.algorithms._checkpoint.checkpoint_wrapper": """
        ActivationWrapper CheckpointImpl=REENTRANT,NO_REENTRANT CheckpointWrapper OffloadWrapper
        apply_activation_checkpointing checkpoint_wrapper offload_wrapper
    """,
    "distributed.algorithms.ddp_comm_hooks": HOOKS
    + "DDPCommHookType=ALLREDUCE,FP16_COMPRESS,BF16_COMPRESS,POWER_SGD,NOOP register_ddp_comm_hook",
    "distributed.algorithms.ddp_comm_hooks.default_hooks": HOOKS,
    "distributed.algorithms.ddp_comm_hooks.post_localSGD_hook": HOOKS,
    "distributed.algorithms.ddp_comm_hooks.powerSGD_hook": HOOKS,
    "distributed.algorithms.join": "Join JoinHook Joinable",
    "distributed.algorithms.model_averaging": "",
    "distributed.algorithms.model_averaging.averagers": "ModelAverager PeriodicModelAverager",
    "distributed.autograd": "is_available? backward context get_gradients",
    "distributed.checkpoint": CHECKPOINT,
    "distributed.checkpoint._consolidate_hf_safetensors": "consolidate_safetensors_files",
    "distributed.checkpoint.api": "CheckpointException",
    "distributed.checkpoint.default_planner": CHECKPOINT + "_EmptyStateDictLoadPlanner",
    "distributed.checkpoint.filesystem": CHECKPOINT,
    "distributed.checkpoint.format_utils": """
        BroadcastingTorchSaveReader DynamicMetaLoadPlanner _EmptyStateDictLoadPlanner dcp_to_torch_save torch_save_to_dcp
    """,
    "distributed.checkpoint.hf_storage": "HuggingFaceStorageReader HuggingFaceStorageWriter",
    "distributed.checkpoint.metadata": "BytesStorageMetadata Metadata MetadataIndex TensorProperties TensorStorageMetadata",
    "distributed.checkpoint.optimizer": "load_sharded_optimizer_state_dict",
    "distributed.checkpoint.planner": "LoadPlan LoadPlanner ReadItem SavePlan SavePlanner WriteItem",
    "distributed.checkpoint.state_dict": """
        StateDictOptions get_model_state_dict get_optimizer_state_dict get_state_dict set_model_state_dict
        set_optimizer_state_dict set_state_dict
    """,
    "distributed.checkpoint.state_dict_loader": CHECKPOINT,
    "distributed.checkpoint.state_dict_saver": CHECKPOINT,
    "distributed.checkpoint.stateful": "Stateful",
    "distributed.checkpoint.storage": "StorageReader StorageWriter WriteResult",
    "distributed.device_mesh": "DeviceMesh init_device_mesh",
    "distributed.elastic": "",
    "distributed.elastic.multiprocessing": "",
    "distributed.elastic.multiprocessing.errors": "ChildFailedError ErrorHandler ProcessFailure record()",
    "distributed.fsdp": FSDP,
    "distributed.fsdp._fully_shard": FSDP,
    "distributed.fsdp.api": FSDP,
    "distributed.fsdp.fully_sharded_data_parallel": FSDP,
    "distributed.fsdp.sharded_grad_scaler": "ShardedGradScaler",
    "distributed.fsdp.wrap": """
        CustomPolicy ModuleWrapPolicy _or_policy always_wrap_policy enable_wrap lambda_auto_wrap_policy
        size_based_auto_wrap_policy transformer_auto_wrap_policy wrap
    """,
    "distributed.launcher": "LaunchConfig elastic_launch launch_agent",
    "distributed.launcher.api": "LaunchConfig elastic_launch launch_agent",
    "distributed.optim": "DistributedOptimizer PostLocalSGDOptimizer ZeroRedundancyOptimizer",
    "distributed.pipelining": """
        Pipe PipelineStage Schedule1F1B ScheduleGPipe ScheduleInterleaved1F1B ScheduleLoopedBFS SplitPoint=BEGINNING,END
        build_stage pipe_split pipeline
    """,
    "distributed.rpc": """
        is_available? RRef TensorPipeRpcBackendOptions get_worker_info init_rpc remote rpc_async rpc_sync shutdown
    """,
    "distributed.run": "config_from_args get_args_parser main parse_args run",
    "distributed.tensor": PLACES + " empty full init_device_mesh ones rand randn zeros",
    "distributed.tensor._utils": "compute_local_shape_and_global_offset",
    "distributed.tensor.experimental": "context_parallel implicit_replication local_map",
    "distributed.tensor.experimental._attention": "set_rotate_method",
    "distributed.tensor.parallel": """
        ColwiseParallel: ParallelStyle: PrepareModuleInput: PrepareModuleInputOutput: PrepareModuleOutput:
        RowwiseParallel: SequenceParallel: loss_parallel parallelize_module
    """,
    "distributed.tensor.parallel.style": "ColwiseParallel: ParallelStyle: RowwiseParallel: SequenceParallel:",
    "distributed.tensor.placement_types": PLACES,
    "distributed.utils": "_sync_module_states _verify_param_shape_across_processes",
    "export": "Dim ExportedProgram default_decompositions draft_export export load register_dataclass save unflatten",
    "export.decomp_utils": "CustomDecompTable",
    "fx._pytree": "register_pytree_flatten_spec tree_flatten_spec",
    "fx.experimental": "",
    "fx.experimental.proxy_tensor": "get_proxy_mode make_fx",
    "fx.experimental.symbolic_shapes": "GuardOnDataDependentSymNode ShapeEnv",
    "fx.graph": "CodeGen Graph",
    "fx.graph_module": "GraphModule _CodeOnlyModule _copy_attr",
    "fx.node": "Node map_aggregate map_arg",
    "fx.passes": "",
    "fx.passes.infra": "",
    "fx.passes.infra.pass_base": "PassBase PassResult",
    "fx.passes.shape_prop": "ShapeProp",
    "fx.proxy": "Proxy TracerBase",
    "nested": "nested_tensor nested_tensor_from_jagged as_nested_tensor to_padded_tensor",
    "nested._internal": "",
    "nested._internal.nested_tensor": "NestedTensor",
    "nested._internal.ops": "extract_kwargs",
    "package": "PackageExporter PackageImporter",
}

WHYS = {  # the longest beginning of a module's name counts
    "": "it is not in Rushlight",
    "_higher_order_ops": "Rushlight runs Python eagerly; write a loop or an if",
    "_inductor": "Rushlight has no compiler",
    "_ops": "Rushlight has no dispatcher",
    "_subclasses": "Rushlight does not trace programs; use the meta device for shapes without data",
    "ao": "Rushlight has no quantized tensors; use float32",
    "distributed": "Rushlight runs in one process; use the model itself, or DistributedDataParallel in one process",
    "export": "Rushlight does not trace programs; save the state_dict",
    "fx": "Rushlight does not trace programs symbolically; call the module itself, which runs eagerly",
    "nested": "Rushlight has no nested tensors; use padding and a mask",
    "package": "Rushlight runs no code from files; save the state_dict",
}


def refusal(name: str, why: str) -> NotImplementedError:
    from ._alias import MISSING

    return NotImplementedError(f"{name}: {why}. What of PyTorch is not there is listed in {MISSING}")


class Description:
    """What only describes something: it keeps what it was made of, for others to use."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        self._made_of = (args, kwargs)

    def __eq__(self, other: object) -> bool:
        return type(other) is type(self) and isinstance(other, Description) and other._made_of == self._made_of

    def __hash__(self) -> int:
        return hash((type(self), repr(self._made_of)))

    def __repr__(self) -> str:
        args, kwargs = self._made_of
        return f"{type(self).__name__}({', '.join([*map(repr, args), *[f'{k}={v!r}' for k, v in kwargs.items()]])})"


class Missing(type):
    """The type of classes that can be named but not made."""

    _known_as: str
    _why: str

    def __call__(cls, *args: Any, **kwargs: Any) -> NoReturn:
        raise refusal(cls._known_as, cls._why)

    def __or__(cls, other: Any) -> Any:
        from typing import Union

        return Union[cls, other]  # noqa: UP007

    __ror__ = __or__


def same(cls: Any, _: Any) -> Any:
    return cls


def missing_class(module: str, name: str, why: str) -> type:
    """A class that raises when an instance is asked for; so do classes made of it."""
    body = {"__module__": module, "_why": why, "_known_as": f"{module}.{name}", "__class_getitem__": classmethod(same)}
    base = (Exception,) if name.endswith(("Error", "Exception")) else ()
    return type(name, base, {"__module__": module}) if base else Missing(name, (), body)


def missing_function(module: str, name: str, why: str) -> Callable[..., NoReturn]:
    """A function that raises when it is called."""

    def function(*args: Any, **kwargs: Any) -> NoReturn:
        raise refusal(f"{module}.{name}()", why)

    function.__name__ = function.__qualname__ = name
    function.__module__ = module
    return function


def itself(fn: Any) -> Any:
    """The function that is given: a mark that changes nothing here."""
    return fn


def no() -> bool:
    """Always False: there is nothing of it here."""
    return False


def fill(module: str, why: str, names: str) -> None:
    """Give a module names."""
    put(
        vars(sys.modules[module]),
        module.replace("rushlight", "torch", 1).replace("._private", "").replace("._absent", ""),
        why,
        names,
    )


def put(space: dict[str, Any], module: str, why: str, names: str) -> None:
    for entry in names.split():
        name, _, members = entry.partition("=")
        if members:
            space[name] = enum.Enum(name, members.split(","), module=module)
        elif name.endswith("()"):
            space[name[:-2]] = itself
        elif name.endswith(":"):
            space[name[:-1]] = type(name[:-1], (Description,), {"__module__": module})
        elif name.endswith("?"):
            space[name[:-1]] = no
        elif name.lstrip("_")[0].isupper():
            space[name] = missing_class(module, name, why)
        else:
            space[name] = missing_function(module, name, why)


def module(name: str) -> ModuleType | None:
    """The module of that name (without ``torch.``) made of names alone; None if there is none in the table."""
    if name not in TABLE:
        return None
    parts = name.split(".")
    why = next(WHYS[beginning] for n in range(len(parts), -1, -1) if (beginning := ".".join(parts[:n])) in WHYS)
    made = ModuleType(f"torch.{name}", f"``torch.{name}``, of which only names are here: {why}.")
    made.__path__ = []
    put(vars(made), f"torch.{name}", why, TABLE[name])
    for label, kind in list(vars(made).items()):
        if isinstance(kind, type):  # one class, wherever it is looked for
            setattr(made, label, _classes.setdefault((parts[0], label), kind))
    return made


def children(package: str) -> Callable[[str], Any]:
    """The ``__getattr__`` of one of our packages that in PyTorch has modules of which only names are here."""
    prefix = package.partition(".")[2]

    def __getattr__(name: str) -> Any:
        if f"{prefix}.{name}" in TABLE and importlib.import_module("rushlight._alias").is_installed_as_torch():
            return importlib.import_module(f"torch.{prefix}.{name}")
        raise AttributeError(f"module 'torch.{prefix}' has no attribute '{name}'")

    return __getattr__


_classes: dict[tuple[str, str], type] = {}

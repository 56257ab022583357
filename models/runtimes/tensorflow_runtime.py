"""Runs what only TensorFlow runs: SavedModel folders, and Keras models that LiteRT cannot take."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from models.quiet_import import import_tensorflow, quietly
from models.runtimes.runtime import Array, TensorSpec, fixed_shape
from simulator_bridge.errors import ModelFileError
from simulator_bridge.printable_text import one_line

if TYPE_CHECKING:
    import keras

GRAPH = "saved_model.pb"
MAX_GRAPH_BYTES = 2**26
MAX_FOLDER_BYTES = 2**31
SIGNATURE = "serving_default"
_COMPUTING = """
Abs Add AddN AddV2 All Any ArgMax ArgMin AvgPool BatchMatMul BatchMatMulV2 BatchToSpaceND BiasAdd BroadcastTo Cast Ceil
ClipByValue Concat ConcatV2 Const Conv2D Conv2DBackpropInput Cos Cumsum DepthwiseConv2dNative Div DivNoNan Einsum Elu
EnsureShape Equal Erf Exp ExpandDims Fill Floor FloorDiv FloorMod FusedBatchNorm FusedBatchNormV3 Gather GatherV2
Greater GreaterEqual Identity IdentityN LeakyRelu Less LessEqual Log LogSoftmax LogicalAnd LogicalNot LogicalOr MatMul
Max MaxPool MaxPoolV2 Maximum Mean Min MirrorPad Minimum Mul Neg NoOp NotEqual OneHot OnesLike Pack Pad PadV2
PartitionedCall Placeholder PlaceholderWithDefault Pow Prod RGBToHSV Range Rank RealDiv Reciprocal Relu Relu6 Reshape
ResizeArea ResizeBicubic ResizeBilinear ResizeNearestNeighbor Reverse ReverseV2 Round Rsqrt Select SelectV2 Selu Shape
Sigmoid Sign Sin Size Slice Softmax Softplus Softsign SpaceToBatchND Split SplitV Sqrt Square SquaredDifference Squeeze
StatefulPartitionedCall StopGradient StridedSlice Sub Sum Tan Tanh Tile TopKV2 Transpose Unpack Where ZerosLike
"""
_OF_VARIABLES = "AssignVariableOp ReadVariableOp VarHandleOp VarIsInitializedOp DisableCopyOnRead"
_OF_SAVING = "RestoreV2 SaveV2 MergeV2Checkpoints ShardedFilename StringJoin StaticRegexFullMatch"
COMPUTING = frozenset((*_COMPUTING.split(), *_OF_VARIABLES.split()))
SAVING = frozenset((*COMPUTING, *_OF_SAVING.split()))  # only in functions that save and restore, which nothing calls
_SAVES = re.compile(r"_traced_(save|restore)")


class TensorFlowRuntime:
    """Runs a function of TensorFlow.

    Args:
        function: Takes a tensor for each input; returns a list.
        inputs: What it takes.
        outputs: What it gives.
    """

    kind: str = "TensorFlow"

    def __init__(
        self, function: Callable[..., Any], inputs: Sequence[TensorSpec], outputs: Sequence[TensorSpec]
    ) -> None:
        self._function, self.inputs, self.outputs = function, inputs, outputs

    def run(self, values: Sequence[Array]) -> list[Array]:
        """See `Runtime.run`."""
        import tensorflow as tf

        tensors = [tf.constant(value, spec.dtype) for value, spec in zip(values, self.inputs, strict=True)]
        return [np.asarray(each) for each in self._function(*tensors)]


def load_saved_model(folder: Path) -> TensorFlowRuntime:
    """Load a SavedModel folder, after a look at every operation in its graph.

    Raises:
        ModelFileError: If it has an operation that does more than compute, such as reading a file, or cannot be loaded.
    """
    _refuse_large(folder)
    import_tensorflow()
    import tensorflow as tf

    _refuse_other_operations(folder)
    try:
        with quietly():
            loaded = tf.saved_model.load(str(folder))
            signature = loaded.signatures[SIGNATURE]
    except Exception as error:  # whatever TensorFlow raises on a folder that is damaged
        raise ModelFileError(
            f"{folder}: TensorFlow cannot load this SavedModel ({one_line(error)}); save it again"
        ) from error
    names = sorted(signature.structured_input_signature[1])
    taken = signature.structured_input_signature[1]
    inputs = [TensorSpec(name, fixed_shape(taken[name].shape), taken[name].dtype.name) for name in names]
    given = signature.structured_outputs
    outputs = [TensorSpec(name, fixed_shape(given[name].shape), given[name].dtype.name) for name in sorted(given)]

    def run(*tensors: Any) -> list[Any]:
        results = signature(**dict(zip(names, tensors, strict=True)))
        return [results[spec.name] for spec in outputs]

    run.__dict__["keeps"] = loaded  # its variables live as long as it does
    return TensorFlowRuntime(run, inputs, outputs)


def run_keras(model: keras.Model) -> TensorFlowRuntime:
    """A Keras model as it is, compiled for one frame."""
    import tensorflow as tf

    inputs = [TensorSpec(each.name, fixed_shape(each.shape), each.dtype) for each in model.inputs]
    outputs = [
        TensorSpec(name, fixed_shape(each.shape)) for name, each in zip(model.output_names, model.outputs, strict=True)
    ]

    @tf.function(input_signature=[tf.TensorSpec((1, *spec.shape), spec.dtype) for spec in inputs])  # type: ignore[untyped-decorator]
    def run(*tensors: Any) -> list[Any]:
        results = model(list(tensors) if len(tensors) > 1 else tensors[0], training=False)
        return list(results) if isinstance(results, list | tuple) else [results]

    return TensorFlowRuntime(run, inputs, outputs)


def _refuse_large(folder: Path) -> None:
    if (folder / GRAPH).stat().st_size > MAX_GRAPH_BYTES:
        raise ModelFileError(f"{folder}: expected a {GRAPH} of at most {MAX_GRAPH_BYTES:,} bytes")
    total = 0
    for path in folder.rglob("*"):
        if path.is_symlink():
            raise ModelFileError(f"{folder}: {one_line(path.name, 60)} is a link: a SavedModel has none; copy it anew")
        total += path.stat().st_size
    if total > MAX_FOLDER_BYTES:
        raise ModelFileError(f"{folder}: expected a folder of at most {MAX_FOLDER_BYTES:,} bytes, it has {total:,}")


def _refuse_other_operations(folder: Path) -> None:
    from tensorflow.core.protobuf import saved_model_pb2

    saved = saved_model_pb2.SavedModel()
    try:
        saved.ParseFromString((folder / GRAPH).read_bytes())
    except Exception as error:  # protobuf's, of bytes that are none
        raise ModelFileError(f"{folder}: its {GRAPH} is damaged ({one_line(error)}); copy it anew") from error
    for graph in saved.meta_graphs:
        if not graph.HasField("object_graph_def"):
            raise ModelFileError(f"{folder}: a SavedModel of TensorFlow 1; save the Keras model as .h5 or .keras")
        functions = graph.graph_def.library.function
        _refuse_nodes(folder, graph.graph_def.node, SAVING)
        for function in functions:
            saves = _SAVES.search(function.signature.name) is not None
            _refuse_nodes(folder, function.node_def, SAVING if saves else COMPUTING, calls_saving=saves)


def _refuse_nodes(folder: Path, nodes: Any, allowed: frozenset[str], *, calls_saving: bool = True) -> None:
    for node in nodes:
        called = [value.func.name for value in node.attr.values() if value.HasField("func")]
        if node.op not in allowed or (not calls_saving and any(_SAVES.search(name) for name in called)):
            raise ModelFileError(
                f"{folder}: has the operation {one_line(node.op, 40)}; only those that just compute are run here; save "
                "the Keras model as .h5 or .keras"
            )

"""Builds what a Lambda layer computes out of Keras' own layers: arithmetic, crops, colours, sizes, norms.

Only what is in the tables here is built; anything else is refused by its name. Importing this module imports Keras.
"""

from __future__ import annotations

import inspect
import math
import operator as operators
from collections.abc import Callable, Mapping
from typing import Any

import keras
from keras import layers, ops

from models.legacy import image_functions
from models.legacy.expressions import (
    Argument,
    Attribute,
    Binary,
    Call,
    Constant,
    Expression,
    Function,
    Item,
    Name,
    Sequence,
    Slice,
)
from models.legacy.marshal_reader import UnreadableError

MAX_NUMBER = 1e12  # of any number on the way
LIBRARIES = ("K", "backend", "compat", "image", "keras", "ktf", "KTF", "layers", "math", "nn", "np", "numpy", "ops",
             "tensorflow", "tf", "v1", "activations", "tfk")  # fmt: skip
_ARITHMETIC: dict[str, Callable[[Any, Any], Any]] = {
    "+": operators.add, "-": operators.sub, "*": operators.mul, "/": operators.truediv, "//": operators.floordiv,
    "%": operators.mod,
}  # fmt: skip
_CONSTANTS = {"pi": math.pi, "e": math.e, "newaxis": None}


def build(function: Function, inputs: Any, keras_version: str = "") -> Any:
    """The outputs of a function for the inputs of a layer, symbolically.

    Args:
        function: With one argument that has no value.
        inputs: A Keras tensor, or a list of them.
        keras_version: That wrote the file: a resize was another one in TensorFlow 1.

    Raises:
        UnreadableError: If it does anything that is not known here; names it.
    """
    if not function.arguments:
        raise UnreadableError("it takes no argument")
    building = _Building({}, keras_version)
    values = {name: building.of(value) for name, value in function.values}
    missing = [name for name in function.arguments[1:] if name not in values]
    if missing:
        raise UnreadableError(f"it has further arguments: {', '.join(missing)}")
    return _Building({**values, function.arguments[0]: inputs}, keras_version).of(function.result)


def is_tensor(value: object) -> bool:
    """Whether a value is a Keras tensor, not a number."""
    return isinstance(value, keras.KerasTensor)


class _Building:
    def __init__(self, arguments: Mapping[str, Any], keras_version: str) -> None:
        self._arguments, self._version = arguments, keras_version

    def of(self, expression: Expression) -> Any:
        """The value of an expression: a Keras tensor, a number, a text, a tuple."""
        match expression:
            case Constant(value=value):
                return _checked(value)
            case Argument(name=name):
                return self._arguments[name]
            case Sequence(items=items):
                return tuple(self.of(item) for item in items)
            case Slice():
                return slice(self.of(expression.start), self.of(expression.stop), self.of(expression.step))
            case Name(parts=parts):
                return self._named(parts)
            case Binary():
                return self._binary(expression.operator, self.of(expression.left), self.of(expression.right))
            case Item():
                return _item(self.of(expression.value), self.of(expression.key))
            case Attribute(name="shape" | "_keras_shape") if is_tensor(value := self.of(expression.value)):
                return tuple(value.shape)
            case Attribute(name=name):
                raise UnreadableError(f"it uses the attribute {name}")
            case Call():
                return self._call(expression)
            case Function():
                raise UnreadableError("it makes a function")

    def _named(self, parts: tuple[str, ...]) -> Any:
        """A name from outside: a constant or a type of a known library."""
        if parts[-1] in _CONSTANTS and _is_of_library(parts):
            return _CONSTANTS[parts[-1]]
        if parts[-1].startswith(("float", "int", "uint", "NEAREST", "BILINEAR", "AREA", "BICUBIC")):
            return parts[-1]
        raise UnreadableError(f"it needs {'.'.join(parts)}, which is not in the file")

    def _binary(self, operator: str, left: Any, right: Any) -> Any:
        if not is_tensor(left) and not is_tensor(right):
            return _calculate(operator, left, right)
        if operator == "**" and is_tensor(left) and isinstance(right, int | float):
            return ops.power(left, float(right)) if right != 2 else layers.Multiply()([left, left])
        if operator not in ("+", "-", "*", "/"):
            raise UnreadableError(f"it computes with {operator}")
        if is_tensor(left) and is_tensor(right):
            return _of_two(operator, left, right)
        tensor, number = (left, right) if is_tensor(left) else (right, left)
        number = _numbers(number)
        if operator == "+":
            return layers.Rescaling(1.0, number)(tensor)
        if operator == "*":
            return layers.Rescaling(number)(tensor)
        if operator == "-":
            return (
                layers.Rescaling(1.0, _each(number, lambda n: -n))(tensor)
                if tensor is left
                else layers.Rescaling(-1.0, number)(tensor)
            )
        if tensor is right:
            return ops.divide(ops.convert_to_tensor(number, dtype="float32"), tensor)
        return layers.Rescaling(_each(number, _inverse))(tensor)

    def _call(self, call: Call) -> Any:
        if isinstance(call.function, Attribute):
            return self._method(call.function, call)
        if not isinstance(call.function, Name):
            raise UnreadableError("it calls what it computes")
        parts = call.function.parts
        if parts == ("len",) or parts in (("float",), ("int",)):
            return _converted(parts[0], self.of(call.positional[0]) if len(call.positional) == 1 else None)
        if not _is_of_library(parts):
            raise UnreadableError(f"it calls {call.function}, which is not in the file")
        if parts[-1] == "map_fn" or parts[-1] == "vectorized_map":
            return self._map(call)
        known = FUNCTIONS.get(parts[-1])
        if known is None:
            raise UnreadableError(f"it calls {call.function}, which is not known here")
        keywords = {name: self.of(value) for name, value in call.keywords}
        keywords.pop("name", None)
        positional = [self.of(value) for value in call.positional]
        if known in image_functions.RESIZES:
            keywords["context"] = image_functions.ResizeContext(parts, self._version)
        try:
            inspect.signature(known).bind(*positional, **keywords)
        except TypeError:
            raise UnreadableError(f"it calls {call.function} in a way that is not known here") from None
        return known(*positional, **keywords)

    def _method(self, method: Attribute, call: Call) -> Any:
        value = self.of(method.value)
        if method.name == "astype" and is_tensor(value):
            return _cast(value, *(self.of(each) for each in call.positional))
        if method.name in ("get_shape", "as_list"):
            return tuple(value.shape) if is_tensor(value) else value
        raise UnreadableError(f"it calls the method {method.name}")

    def _map(self, call: Call) -> Any:
        """A function of each image of a batch: of the whole batch, as all functions here work on both."""
        function = call.positional[0] if call.positional else None
        values = [self.of(value) for value in call.positional[1:2]] or [
            self.of(value) for name, value in call.keywords if name == "elems"
        ]
        if isinstance(function, Name) and values:
            return self._apply_named(function, values[0])
        if not isinstance(function, Function) or len(function.arguments) != 1 or not values:
            raise UnreadableError("it calls map_fn in a way that is not known here")
        inner = _Building({**self._arguments, function.arguments[0]: values[0]}, self._version)
        return inner.of(function.result)

    def _apply_named(self, function: Name, value: Any) -> Any:
        known = FUNCTIONS.get(function.parts[-1]) if _is_of_library(function.parts) else None
        if known not in image_functions.OF_EACH_IMAGE:
            raise UnreadableError(f"it calls {function} for each image, which is not known here")
        return known(value)


def _converted(name: str, value: Any) -> Any:
    if name == "len" and isinstance(value, tuple):
        return len(value)
    if name != "len" and isinstance(value, int | float):
        return float(value) if name == "float" else int(value)
    raise UnreadableError(f"it calls {name} in a way that is not known here")


def _is_of_library(parts: tuple[str, ...]) -> bool:
    return len(parts) > 1 and all(part in LIBRARIES for part in parts[-2:-1])


def _checked(value: Any) -> Any:
    if isinstance(value, int | float) and not abs(value) <= MAX_NUMBER:
        raise UnreadableError(f"it has the number {value!r:.20}")
    if value is not None and not isinstance(value, int | float | str | type(...)):
        raise UnreadableError("it has a constant of an unknown kind")
    return value


def _calculate(operator: str, left: Any, right: Any) -> Any:
    if isinstance(left, tuple) and isinstance(right, tuple) and operator == "+":
        return left + right
    if not all(isinstance(each, int | float) for each in (left, right)):
        raise UnreadableError(f"it computes with {operator} on what are no numbers")
    try:
        if operator == "**" and abs(right) <= 16:
            return _checked(left**right)
        if operator in _ARITHMETIC:
            return _checked(_ARITHMETIC[operator](left, right))
    except ArithmeticError as error:
        raise UnreadableError(f"it computes {left} {operator} {right}") from error
    raise UnreadableError(f"it computes with {operator}")


def _of_two(operator: str, left: Any, right: Any) -> Any:
    if left.shape == right.shape and operator != "/":
        return {"+": layers.Add, "-": layers.Subtract, "*": layers.Multiply}[operator]()([left, right])
    return {"+": ops.add, "-": ops.subtract, "*": ops.multiply, "/": ops.divide}[operator](left, right)


def _numbers(value: Any) -> Any:
    """One number, or a list of them, one for each channel."""
    if isinstance(value, int | float):
        return float(value)
    if isinstance(value, tuple) and value and all(isinstance(each, int | float) for each in value):
        return [float(each) for each in value]
    raise UnreadableError("it computes with what are no numbers")


def _each(value: Any, change: Callable[[float], float]) -> Any:
    return [change(each) for each in value] if isinstance(value, list) else change(value)


def _inverse(value: float) -> float:
    if value == 0:
        raise UnreadableError("it divides by 0")
    return 1.0 / value


def _item(value: Any, key: Any) -> Any:
    if is_tensor(value):
        return image_functions.part(value, key if isinstance(key, tuple) else (key,))
    if isinstance(value, tuple | list) and isinstance(key, int | slice):
        try:
            found = value[key]
        except IndexError as error:
            raise UnreadableError(f"it takes item {key} of {len(value)}") from error
        return tuple(found) if isinstance(found, list) else found
    raise UnreadableError("it takes an item of something unknown")


def _cast(x: Any, dtype: Any = "float32", **_: Any) -> Any:
    if dtype not in ("float", "float16", "float32", "float64"):
        raise UnreadableError(f"it makes whole numbers, of type {dtype}")
    return x


def _same(x: Any, **_: Any) -> Any:
    return x


def _two_arguments(operator: str) -> Callable[..., Any]:
    def apply(x: Any, y: Any) -> Any:
        return _Building({}, "")._binary(operator, x, y)

    return apply


def _elementwise(name: str) -> Callable[..., Any]:
    function = getattr(ops, name)

    def apply(x: Any) -> Any:
        if not is_tensor(x):
            raise UnreadableError(f"it calls {name} of a number")
        return function(x)

    return apply


def _activation(name: str) -> Callable[..., Any]:
    def apply(x: Any) -> Any:
        return layers.Activation(name)(x)

    return apply


def _reduction(name: str) -> Callable[..., Any]:
    function = getattr(ops, name)

    def apply(x: Any, axis: Any = None, keepdims: bool = False, keep_dims: bool = False) -> Any:
        if axis is None and is_tensor(x):  # over the batch too, which is one frame
            axis = tuple(range(len(x.shape)))
        return function(x, axis=axis, keepdims=keepdims or keep_dims)

    return apply


def _clip(x: Any, low: Any = 0.0, high: Any = 1.0, **keywords: Any) -> Any:
    low = keywords.get("clip_value_min", keywords.get("min_value", low))
    high = keywords.get("clip_value_max", keywords.get("max_value", high))
    return ops.clip(x, float(low), float(high))


def _concatenate(tensors: Any, axis: int = -1, **keywords: Any) -> Any:
    if isinstance(tensors, int):  # tf.concat of TensorFlow 0.x: the axis first
        tensors, axis = axis, tensors
    if not isinstance(tensors, list | tuple) or not all(map(is_tensor, tensors)):
        raise UnreadableError("it joins what are no tensors")
    return layers.Concatenate(axis=axis)(list(tensors)) if len(tensors) > 1 else tensors[0]


def _reshape(x: Any, shape: Any) -> Any:
    if not isinstance(shape, tuple) or shape[:1] not in ((-1,), (None,), (1,)):
        raise UnreadableError("it changes the shape of a batch")
    return layers.Reshape(shape[1:])(x)


def _permute(x: Any, pattern: Any = None, perm: Any = None) -> Any:
    dims = pattern if perm is None else perm
    if not isinstance(dims, tuple) or dims[:1] != (0,):
        raise UnreadableError("it turns the batch")
    return layers.Permute(dims[1:])(x)


def _expand(x: Any, axis: int = -1, dim: int | None = None) -> Any:
    return ops.expand_dims(x, axis if dim is None else dim)


def _squeeze(x: Any, axis: int = -1) -> Any:
    return ops.squeeze(x, axis)


FUNCTIONS: dict[str, Callable[..., Any]] = {
    **image_functions.FUNCTIONS,
    **dict.fromkeys(("cast", "to_float", "convert_image_dtype"), _cast),
    **dict.fromkeys(
        ("identity", "stop_gradient", "convert_to_tensor", "constant", "array", "asarray", "float32"), _same
    ),
    **dict.fromkeys(("add",), _two_arguments("+")),
    **dict.fromkeys(("sub", "subtract"), _two_arguments("-")),
    **dict.fromkeys(("mul", "multiply", "scalar_mul"), _two_arguments("*")),
    **dict.fromkeys(("div", "divide", "truediv", "realdiv", "true_divide"), _two_arguments("/")),
    **dict.fromkeys(("pow", "power"), _two_arguments("**")),
    **{name: _elementwise(name) for name in ("abs", "square", "sqrt", "exp", "log", "sin", "cos", "sign")},
    **dict.fromkeys(("atan", "arctan"), _elementwise("arctan")),
    **{name: _activation(name) for name in ("tanh", "sigmoid", "relu", "elu", "softmax", "softsign", "softplus")},
    **dict.fromkeys(("mean", "reduce_mean"), _reduction("mean")),
    **dict.fromkeys(("std", "reduce_std"), _reduction("std")),
    **dict.fromkeys(("var", "reduce_variance"), _reduction("var")),
    **dict.fromkeys(("max", "reduce_max"), _reduction("max")),
    **dict.fromkeys(("min", "reduce_min"), _reduction("min")),
    **dict.fromkeys(("sum", "reduce_sum"), _reduction("sum")),
    **dict.fromkeys(("clip", "clip_by_value"), _clip),
    **dict.fromkeys(("concat", "concatenate"), _concatenate),
    "reshape": _reshape,
    **dict.fromkeys(("transpose", "permute_dimensions"), _permute),
    "expand_dims": _expand,
    "squeeze": _squeeze,
    "in_train_phase": lambda x, alt, training=None: alt,
    "in_test_phase": lambda x, alt, training=None: x,
    "ndim": lambda x: len(x.shape),
    **dict.fromkeys(("int_shape", "shape"), lambda x: tuple(x.shape)),
}

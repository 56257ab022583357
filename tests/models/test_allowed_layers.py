"""What an architecture may be made of is decided here, before Keras sees it."""

from __future__ import annotations

import inspect
import json
from pathlib import Path
from typing import Any

import pytest

from models import litert_conversion
from models.files import allowed_layers
from models.files.allowed_layers import ACTIVATIONS, LAYERS, PARTS, refuse_others
from models.files.claimed_sizes import MAX_CALLS, refuse_huge_model, refuse_huge_numbers
from models.model_file import ModelFile
from simulator_bridge.errors import ModelFileError
from tests.support.made_model import made_model

PATH = Path("model.h5")
LEFT_OUT = {
    "Lambda", "Layer", "Wrapper", "InputSpec", "JaxLayer", "FlaxLayer", "TorchModuleWrapper", "TFSMLayer",
    "StringLookup", "IntegerLookup", "TextVectorization",
}  # fmt: skip


def sequential(*layers: dict[str, Any], shape: tuple[int, ...] = (160, 320, 3)) -> dict[str, Any]:
    first = {"class_name": "InputLayer", "config": {"batch_shape": [None, *shape], "name": "frame"}}
    return {"class_name": "Sequential", "config": {"name": "model", "layers": [first, *layers]}}


def layer(class_name: Any, **config: Any) -> dict[str, Any]:
    return {"class_name": class_name, "config": config}


def test_each_allowed_name_is_one_of_keras_and_none_that_does_more_than_compute_is_allowed() -> None:
    made_model()
    import keras

    assert [name for name in LAYERS if not issubclass(getattr(keras.layers, name), keras.layers.Layer)] == []
    assert [
        name for module, names in PARTS.items() for name in names if not hasattr(getattr(keras, module), name)
    ] == []
    assert [name for name in ACTIVATIONS if not hasattr(keras.activations, name)] == []
    classes = {name for name in dir(keras.layers) if inspect.isclass(getattr(keras.layers, name))}
    assert classes >= LEFT_OUT - {"TFSMLayer"}
    assert not LEFT_OUT & {*LAYERS, *allowed_layers.VALUES}


@pytest.mark.parametrize(
    ("bad", "message"),
    [
        (layer("Lambda", function="x"), "Lambda layer, Python code"),
        (layer("TFSMLayer", filepath="/tmp"), "needs TFSMLayer, only Keras' own layers"),
        (layer("TorchModuleWrapper", module="x"), "needs TorchModuleWrapper,"),
        (layer("StringLookup", vocabulary="/etc/passwd"), "needs StringLookup,"),
        (layer("Mine>Dense"), "needs Mine>Dense,"),
        (layer("__lambda__", value="x"), "needs __lambda__,"),
        (layer("__typespec__"), "needs __typespec__,"),
        (layer("TypeSpec"), "needs TypeSpec,"),
        (layer(5), "needs 5,"),
        (layer(["Dense"]), "needs .*Dense"),
        (layer(None), "needs None,"),
        (layer("\x1b[2J" * 1000), r"needs \\x1b\[2J.*\.\.\.,"),
        ({**layer("Dense"), "module": "os"}, "needs os.Dense,"),
        ({**layer("Dense"), "module": "keras_evil.layers"}, "needs "),
        ({**layer("Dense"), "module": 5}, "needs 5.Dense,"),
        ({**layer("Dense"), "registered_name": "Mine>Dense"}, "needs Mine>Dense,"),
        ({"class_name": "function", "module": "keras.utils", "config": "get_file"}, "needs the function get_file,"),
        ({"class_name": "function", "module": "builtins", "config": "eval"}, "needs builtins.the function eval,"),
        ({"class_name": "function", "module": "os", "config": "relu"}, "needs os.the function relu,"),
        (layer("__numpy__", value=["x"], dtype="S9999999999"), "needs __numpy__,"),
    ],
)
@pytest.mark.parametrize("nested", [False, True], ids=["a layer", "inside a layer"])
def test_what_is_not_keras_own_is_refused(bad: dict[str, Any], message: str, nested: bool) -> None:
    model = sequential(layer("TimeDistributed", layer=bad) if nested else bad)

    with pytest.raises(ModelFileError, match=message) as caught:
        refuse_others(PATH, model, "3.15.1")
    assert str(caught.value).isprintable()
    assert len(str(caught.value)) < 500


@pytest.mark.parametrize("key", ["activation", "recurrent_activation", "kernel_initializer", "bias_regularizer"])
def test_a_function_of_another_module_is_refused_also_by_name(key: str) -> None:
    with pytest.raises(ModelFileError, match=f"needs the function os.system as {key}"):
        refuse_others(PATH, sequential(layer("Dense", units=1, **{key: "os.system"})), "2.4.0")


def test_it_is_decided_before_keras_is_imported(monkeypatch: pytest.MonkeyPatch) -> None:
    def never() -> None:
        raise AssertionError("Keras was imported for a hostile file")

    monkeypatch.setattr(litert_conversion, "import_tensorflow", never)
    for bad in (layer("TFSMLayer", filepath="/tmp"), layer("Dense", units=10**12)):
        with pytest.raises(ModelFileError):
            litert_conversion.load_keras_model(ModelFile(PATH, {}, None, sequential(bad), "3.15.1"))


@pytest.mark.parametrize(
    ("model", "message"),
    [
        (sequential(layer("Dense", units=10**12)), r"Dense with units 1e\+12"),
        (sequential(layer("Conv2D", filters=8, kernel_size=[10**9, 3])), r"Conv2D with kernel_size 1e\+09"),
        (sequential(shape=(10**8, 10**8, 3)), r"InputLayer with batch_shape 1e\+08"),
        (sequential(layer("TimeDistributed", layer=layer("Dense", units=10**12))), r"Dense with units 1e\+12"),
        (sequential(*[layer("Flatten")] * 50_000), "more than 50,000 objects"),
    ],
)
def test_numbers_that_no_model_has_are_refused_without_keras(model: dict[str, Any], message: str) -> None:
    with pytest.raises(ModelFileError, match=message):
        refuse_huge_numbers(PATH, model)


def test_seeds_may_be_any_number() -> None:
    refuse_huge_numbers(PATH, sequential(layer("Dropout", rate=0.5, seed=2**40)))


def test_models_that_call_models_again_and_again_are_refused() -> None:
    model = layer("Functional", layers=[layer("Dense")])
    for _ in range(20):
        model = layer("Functional", layers=[{**model, "inbound_nodes": [[]] * 4}])

    with pytest.raises(ModelFileError, match=f"call more than {MAX_CALLS:,} layers"):
        refuse_huge_numbers(PATH, model)


@pytest.mark.parametrize(
    ("layers", "message"),
    [
        ([layer("Flatten"), layer("Dense", units=10**6)], r"1.5e\+11 parameters"),
        ([layer("Conv2D", filters=10**5, kernel_size=[100, 100])], r"3e\+09 parameters"),
        ([layer("UpSampling2D", size=[1000, 1000], name="up")], "its layer up computes"),
        ([layer("ZeroPadding2D", padding=[[10**6, 0], [10**6, 0]], name="pad")], "its layer pad computes"),
    ],
)
def test_shapes_are_worked_out_and_refused_before_memory_is_taken(layers: list[dict[str, Any]], message: str) -> None:
    made_model()

    with pytest.raises(ModelFileError, match=message):
        refuse_huge_model(PATH, sequential(*layers))


def test_an_ordinary_model_passes() -> None:
    model = made_model()
    architecture = {"class_name": "Functional", "config": json.loads(model.to_json())["config"]}

    refuse_others(PATH, architecture, "3.15.1")
    refuse_huge_numbers(PATH, architecture)

"""Every setting of `train/clone.py`: its default, its help and its range."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from simulator_bridge.cli.common_options import end_with_parent_option, json_option, quiet_option, report_option
from simulator_bridge.cli.json_values import to_json_value
from simulator_bridge.cli.options import argument, check_options, option
from simulator_bridge.errors import UsageError
from simulator_bridge.recording import CAMERAS
from simulator_bridge.recording.log.steering_unit import Side, SteeringUnit, Unit
from simulator_bridge.recording.steering_options import steering_of, steering_sign_option, steering_unit_option
from simulator_bridge.simulator.truth.road_truth import BEARING_AHEAD_M
from train.cluster import Cluster

REGIMES = ("auto", "ridge", "head", "early-layers", "fine-tune", "scratch")  # what they mean: train/transfer/regimes.py
FROZEN_REGIMES = ("head", "early-layers")  # the backbone's features are computed once
SPLITS = ("blocks", "episodes")
LOSSES = ("mse", "huber")
OUTPUTS = {"steering": "steering_angle", "throttle": "throttle", "speed": "speed_mph"}  # --predict: what is learned
SEGMENTATION = "segmentation"  # --predict: what the network knows already
KEYS_SMOOTH_S = 0.3  # about the second that r1s averages over
# Settings that may differ between a run and the run that resumes it: they change where and how long, not what.
FREE_ON_RESUME = frozenset(
    {
        *(
            "output",
            "json",
            "resume",
            "tensorboard",
            "epochs",
            "cache_memory",
            *("recordings", "corrections"),
            "report",
            "status",
            "quiet",
            "end_with_parent",
            "workers",
            "worker",
            "workers_key_file",
        ),
        *("feature_cache", "feature_cache_size"),
    }
)
# Settings in which the workers of a training may differ: where things are on a machine, and what it displays. That they
# have the same rows and initial weights is checked by what is in the files.
OWN_OF_A_WORKER = (FREE_ON_RESUME - {"epochs"}) | {"weights", "from_model", "validate_on"}
# What a model file does not hold: private paths, and what was displayed.
NOT_IN_A_MODEL = (FREE_ON_RESUME - {"epochs", "cache_memory", "feature_cache_size", "recordings"}) | {
    *("validate_on", "from_model")
}


def _size(text: str) -> tuple[int, int]:
    """Height and width, pixels, written 64x160."""
    height, width = text.lower().split("x")
    return int(height), int(width)


@dataclass(frozen=True, kw_only=True)
class TrainConfig:
    """Settings of one training; the help of each field is that of its flag.

    Raises:
        UsageError: If a value is out of range, or settings do not go together.
    """

    recordings: tuple[Path, ...] = argument(
        "folder with a log and its images, or of such; with =2.0 behind it its rows count twice as often",
        metavar="RECORDING[=WEIGHT]",
    )
    corrections: tuple[Path, ...] = option(
        (),
        "recordings that show how to get back to the road: takeovers, and what train/dagger.py records",
        metavar="RECORDING",
        repeats=True,
    )
    output: Path = option(
        Path("model.h5"),
        "the model; replaced only by a complete one, and kept as NAME.previous.h5. FILE.checkpoint beside it holds an "
        "unfinished training",
        metavar="FILE",
    )
    json: Path | None = json_option()
    report: Path | None = report_option("a page with charts and pictures, from the first epoch on")
    status: bool = option(False, "print progress as lines of JSON, in place of the table at the end", is_hidden=True)
    quiet: bool = quiet_option()
    end_with_parent: bool = end_with_parent_option()
    resume: bool = option(False, "go on from OUTPUT.checkpoint")
    tensorboard: Path | None = option(None, "write TensorBoard logs", metavar="DIR")

    arch: str = option("roadnet", "architecture; python models/table.py lists them", group="model")
    weights: str | None = option(
        None, "pretrained weights of a backbone: FILE, imagenet (downloaded by Keras) or none", group="model"
    )
    from_model: Path | None = option(
        None,
        "go on from this model of train/clone.py: its network and its weights, all of them trained, at the rate of "
        "fine-tune; other outputs may be asked for",
        flag="--from",
        metavar="MODEL",
        group="model",
    )
    regime: str = option(
        "auto",
        "ridge: solve a linear head on the frozen backbone at once; head: train a new head on it; early-layers: on its "
        "early blocks; fine-tune: the head, then the backbone from the top; scratch: everything from random weights; "
        "auto: ridge for roadnet, others by the number of rows and how similar the images are to ImageNet's",
        choices=REGIMES,
        group="model",
    )
    recovery: float | None = option(
        None,
        "share of the steering that aims at the middle of the road ahead; the rest is what the driver would do. By "
        "networks that were taught where the road is, with regime ridge; not given: 0.5",
        metavar="SHARE",
        at_least=0,
        at_most=1,
        group="model",
    )
    lookahead: float | None = option(
        None,
        f"how far ahead it aims: {', '.join(f'{ahead:g}' for ahead in BEARING_AHEAD_M)}; shorter: it keeps to the "
        "middle more strictly, and copies the driver less; not given: 15",
        metavar="M",
        above=0,
        unit="m",
        group="model",
    )
    cut: str | None = option(
        None,
        "last block of the backbone that is used, or all; not given: the architecture's own, head uses all",
        metavar="BLOCK",
        group="model",
    )
    alpha: float | None = option(
        None, "width multiplier of a MobileNet; not given: that of the weights", metavar="A", group="model"
    )
    image_size: tuple[int, int] | None = option(
        None, "of the network's image, pixels", metavar="HxW", convert=_size, group="model"
    )
    predict: tuple[str, ...] = option(
        ("steering",),
        f"outputs, comma-separated: {', '.join(OUTPUTS)}; steering is always among them; {SEGMENTATION} shows what "
        "roadnet sees, beside its answers",
        metavar="NAMES",
        is_list=True,
        choices=(*OUTPUTS, SEGMENTATION),
        group="model",
    )
    epochs: int = option(12, "at most this many", at_least=1, group="model")
    max_seconds: float | None = option(
        None,
        "at most so long; reading images does not count, computing features does. The running epoch is cut short",
        metavar="S",
        above=0,
        unit="s",
        group="model",
    )
    epoch_samples: int = option(
        4000,
        "repeat fewer samples, augmented differently, until an epoch has this many",
        at_least=1,
        group="model",
    )
    patience: int = option(4, "stop after this many epochs without a better validation loss", at_least=1, group="model")
    batch_size: int = option(64, "images a step, over all devices", at_least=1, group="model")
    learning_rate: float | None = option(
        None,
        "peak rate of Adam; not given: 3e-4 for a head and from scratch, 1e-4 to fine-tune",
        above=0,
        at_most=1,
        group="model",
    )
    loss: str = option("mse", "huber: no single label pulls hard", choices=LOSSES, group="model")
    ema: float = option(
        0.0,
        "decay of an exponential moving average of the weights, which is validated and saved; 0: off",
        metavar="DECAY",
        at_least=0,
        below=1,
        group="model",
    )
    seed: int = option(0, "the same seed gives the same model on one machine", group="model")
    cache_memory: int = option(
        2000, "memory for images; the rest streams from disk", metavar="MB", at_least=0, unit="MB", group="model"
    )

    split: str = option(
        "blocks", "validate on contiguous blocks or on whole episodes", choices=SPLITS, group="validation"
    )
    validation_fraction: float = option(
        0.2, "share of the rows to validate on", metavar="SHARE", above=0, below=1, group="validation"
    )
    validation_blocks: int = option(
        10,
        "at most this many blocks per recording; fewer in a short one, so that gaps take no more rows than blocks",
        at_least=1,
        group="validation",
    )
    guard_s: float = option(
        2.0, "unused gap around a validation block", metavar="S", at_least=0, unit="s", group="validation"
    )
    validate_on: tuple[Path, ...] = option(
        (), "validate on these instead of on a part of the others", metavar="RECORDING", group="validation"
    )

    steering_unit: Unit | None = steering_unit_option(group="samples")
    steering_sign: Side | None = steering_sign_option(group="samples")
    cameras: str = option("all", "which cameras' images to train on", choices=("all", "center"), group="samples")
    side_correction: float | None = option(
        None,
        "added to the label of a left-camera image, subtracted from a right one's; normalised steering; not given: as "
        "hard as the driver of the recordings corrects",
        metavar="STEERING",
        at_least=0,
        below=1,
        group="samples",
    )
    flip: bool = option(True, "mirror half of the samples", group="samples")
    shift_m: float = option(
        0.6,
        "largest simulated sideways displacement, metres; the label gets a side camera's correction per metre",
        metavar="M",
        at_least=0,
        at_most=3,
        unit="m",
        group="samples",
    )
    brightness: float = option(
        0.4, "largest relative change of brightness", metavar="SHARE", at_least=0, below=1, group="samples"
    )
    shadow: float = option(
        0.3, "share of samples that get a shadow", metavar="SHARE", at_least=0, at_most=1, group="samples"
    )
    smooth_s: float | None = option(
        None,
        "average recorded steering over about this many seconds (a Gaussian's standard deviation) for the training "
        f"labels; not given: {KEYS_SMOOTH_S} where it was steered by keys, 0 elsewhere. Validation rows stay as "
        "recorded",
        metavar="S",
        at_least=0,
        at_most=10,
        unit="s",
        group="samples",
    )
    lag_s: float = option(
        0.0,
        "train on the steering recorded this much later: makes up for a late driver or simulator",
        metavar="S",
        at_least=-2,
        at_most=2,
        unit="s",
        group="samples",
    )
    near_zero: float = option(
        0.02, "rows steering less count as straight", metavar="STEERING", at_least=0, below=1, group="samples"
    )
    near_zero_share: float = option(
        0.6,
        "straight rows are at most this share of an epoch, chosen by lot; 1: as recorded",
        metavar="SHARE",
        above=0,
        at_most=1,
        group="samples",
    )

    workers: tuple[str, ...] = option(
        (),
        "train on these together, in a network that you trust: the same command on each, with its --worker; the first "
        "one writes the files",
        metavar="HOST:PORT,...",
        is_list=True,
        group="several machines (or TF_CONFIG)",
    )
    worker: int | None = option(
        None, "which of them this is, from 0", metavar="INDEX", group="several machines (or TF_CONFIG)"
    )
    workers_key_file: Path | None = option(
        None,
        "holds the key that all workers share; not given: the environment variable CLONEWAY_WORKERS_KEY. Workers on "
        "one computer need none",
        metavar="FILE",
        group="several machines (or TF_CONFIG)",
    )

    views: int = option(
        8, "of each image: itself and N - 1 augmented ones", at_least=1, group="features of a frozen backbone"
    )
    feature_cache: Path | None = option(
        None,
        "where features are cached; not given: in the user's cache folder",
        metavar="DIR",
        group="features of a frozen backbone",
    )
    feature_cache_size: float = option(
        8.0,
        "at most so much; the least recently used are deleted",
        metavar="GB",
        above=0,
        unit="GB",
        group="features of a frozen backbone",
    )

    def __post_init__(self) -> None:
        check_options(self)
        if not self.recordings:
            raise UsageError("name at least one recording")
        if "steering" not in self.predict:
            raise UsageError(f"expected steering among --predict, got {','.join(self.predict)}")
        if len(set(self.predict)) != len(self.predict) or {"throttle", "speed"} <= set(self.predict):
            raise UsageError(
                f"expected each output once in --predict, and throttle or speed; got {','.join(self.predict)}"
            )
        if self.lookahead is not None and self.lookahead not in BEARING_AHEAD_M:
            known = ", ".join(f"{ahead:g}" for ahead in BEARING_AHEAD_M)
            raise UsageError(f"expected --lookahead to be one of {known}, got {self.lookahead:g}")
        if self.from_model is not None:
            self._refuse_beside_from()
        if self.max_seconds is not None and (self.resume or self.workers):
            other = "--resume: the clock would start anew" if self.resume else "--workers: their clocks differ"
            raise UsageError(f"--max-seconds does not go with {other}")
        if self.output.suffix != ".h5":
            raise UsageError(f"expected an --output that ends in .h5, got {self.output}")
        if self.worker is not None and not self.workers:
            raise UsageError("--worker says which of the --workers this is; name them too")
        n_workers = len(self.cluster.addresses) if self.cluster else 1
        if self.batch_size % n_workers:
            raise UsageError(
                f"expected a --batch-size that is a multiple of the {n_workers} workers, got {self.batch_size}"
            )

    def _refuse_beside_from(self) -> None:
        beside = {
            "--resume": self.resume,
            "--weights": self.weights,
            "--regime": self.regime != "auto",
            "--cut": self.cut,
            "--alpha": self.alpha,
            "--image-size": self.image_size,
        }
        for flag, is_given in beside.items():
            if is_given:
                raise UsageError(f"{flag} does not go with --from: the network and its weights are those of the model")

    @property
    def cluster(self) -> Cluster | None:
        """The workers that train together; None for a training in one process."""
        return Cluster.of(self.workers, self.worker) if self.workers else None

    @property
    def steering(self) -> SteeringUnit | None:
        """The unit of the steering of logs that do not tell it; None: normalised."""
        return steering_of(self.steering_unit, self.steering_sign)

    @property
    def checkpoint(self) -> Path:
        """Where the unfinished training is saved, beside the model; deleted when it is finished."""
        return self.output.with_name(self.output.name + ".checkpoint")

    @property
    def outputs(self) -> tuple[str, ...]:
        """The names of the outputs that are learned, steering first."""
        learned = (OUTPUTS[name] for name in self.predict if name != SEGMENTATION)
        return tuple(sorted(learned, key=lambda name: name != "steering_angle"))

    @property
    def segments(self) -> bool:
        """Whether the model shows what it sees."""
        return SEGMENTATION in self.predict

    @property
    def used_cameras(self) -> tuple[str, ...]:
        """The cameras whose images are trained on, center first."""
        return CAMERAS if self.cameras == "all" else CAMERAS[:1]

    @property
    def feature_folder(self) -> Path:
        """Where features of frozen networks are cached from one training to the next."""
        caches = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
        return self.feature_cache or Path(caches) / "cloneway" / "features"

    def to_json(self) -> dict[str, Any]:
        """The settings as JSON values; paths as text."""
        settings: dict[str, Any] = to_json_value(self)
        return settings

    def agreed(self) -> dict[str, Any]:
        """The settings that all workers of a training must have in common, as JSON values."""
        return {name: value for name, value in self.to_json().items() if name not in OWN_OF_A_WORKER}

    def differences(self, earlier: dict[str, Any]) -> list[str]:
        """The settings that keep this run from resuming an `earlier` one (its `to_json`): `name: earlier -> now`."""
        now = self.to_json()
        names = [name for name in now if name not in FREE_ON_RESUME]
        return [f"{name}: {earlier.get(name)!r} -> {now[name]!r}" for name in names if earlier.get(name) != now[name]]

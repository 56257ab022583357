"""Every setting of `train/clone.py`, its default and its check: the only place where defaults are written."""

from __future__ import annotations

import dataclasses
import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from simulator_bridge.errors import UserError
from simulator_bridge.recording import CAMERAS
from simulator_bridge.udacity_car import MAX_STEERING_RAD, WHEELBASE_M
from train.cluster import Cluster

SIDE_CAMERA_OFFSET_M = 0.82  # left camera at -0.81 m, right at +0.83 m from the centre line of the car
# Distance over which a displaced car aims back at its line, at least: 0.84 s at 20 mph. 10 m contradicts what the
# expert does when it is off its line: on recordings/, three times the validation error, and in a lap of the lake up to
# 0.9 m off its line instead of 0.3 m.
LOOKAHEAD_M = 7.5
# A person at 30 mph lets the car drift: labels that make more of it contradict every straight stretch of a recording.
LONGEST_LOOKAHEAD_M = 16.0

REGIMES = ("auto", "head", "early-layers", "fine-tune", "scratch")  # what they mean: train/transfer/regimes.py
FROZEN_REGIMES = ("head", "early-layers")  # the backbone's features are computed once
SPLITS = ("blocks", "episodes")
LOSSES = ("mse", "huber")
KEYS_SMOOTH_S = 0.3  # about the second that r11 averages over
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
            "recordings",
            "report",
            "status",
            "workers",
            "worker",
        ),
        *("feature_cache", "feature_cache_size"),
    }
)
# Settings that each worker of a training may have to itself: where things are on its machine, and what it shows. That
# they have the same rows and initial weights is checked by what is in the files.
OWN_OF_A_WORKER = (FREE_ON_RESUME - {"epochs"}) | {"weights", "validate_on"}
# What a model file does not tell: where things were on the machine that trained it, and what it showed.
NOT_IN_A_MODEL = (FREE_ON_RESUME - {"epochs", "cache_memory", "feature_cache_size", "recordings"}) | {"validate_on"}


@dataclass(frozen=True, kw_only=True)
class TrainConfig:
    """Settings of one training.

    Attributes:
        recordings: Folders with recordings, or folders of such folders.
        output: Where the model goes; `<output>.checkpoint` beside it holds the unfinished run.
        arch: Name in `models.architectures.registry`.
        predict: Outputs of the model; `steering` is always among them.
        weights: Pretrained weights of a backbone: a file, or `imagenet` (downloaded by Keras). None: the default of
            the architecture.
        regime: What of a pretrained network is kept and what is trained, one of REGIMES.
        cut: Last block of the backbone that is used, or `all`. None: the default of the architecture; `head` uses all.
        alpha: Width multiplier of a MobileNet. None: what the weights have.
        image_size: Height and width of the network's image, pixels. None: the default of the architecture.
        views: Of each training image, the image itself and changed ones, whose features a frozen backbone computes.
        feature_cache: Folder for these features. None: `cloneway/features` in the user's folder for caches.
        feature_cache_size: Size of that folder, GB (1e9 bytes); what was not used for longest is deleted from it.
        epochs: At most so many.
        max_seconds: Of training, reading images not counted; the epoch that is running then is cut short. None: no
            limit.
        epoch_samples: An epoch has at least so many samples: a smaller training set is gone through several times in
            it, changed differently each time, or a few hundred rows would end after too few optimizer steps.
        batch_size: Images of one optimizer step, over all devices together.
        learning_rate: Peak rate of Adam; None: that of the regime.
        patience: Epochs without a better validation loss before training stops.
        seed: The same seed gives the same model on one machine.
        split: `blocks` holds back contiguous blocks of every recording, `episodes` whole episodes.
        validate_on: Recordings to validate on instead of a split of `recordings`.
        validation_fraction: Share of the rows that is held back, in (0, 1).
        validation_blocks: At most this many blocks per recording, spread evenly over it; fewer in a short recording, so
            that the gaps around them take no more rows than are held back.
        guard_s: Rows closer in time than this to a held-back row are used for nothing, s.
        cameras: `all` or `center`.
        side_correction: Added to the label of a left-camera image, taken from a right one's; normalised, >= 0. None:
            as hard as the driver corrects, see `train/data/side_correction.py`.
        flip: Mirror half of the samples.
        shift_m: Largest sideways displacement of the car that is simulated, m; the label gets the same correction
            per metre as a side camera's.
        brightness: Largest relative change of brightness, in [0, 1).
        shadow: Share of the samples that get a shadow, in [0, 1].
        smooth_s: Standard deviation of the Gaussian that recorded steering is averaged with before it is learned, s;
            0: learned as recorded. None: `KEYS_SMOOTH_S` for recordings steered by keys. Held-back rows keep theirs.
        lag_s: Learn the steering recorded so many seconds after the frame: more makes up for a driver who reacts late
            or a simulator that acts late.
        loss: `mse`, or `huber`, which lets no single label pull hard.
        ema: Share of the average of the weights that each step keeps, in [0, 1); the average is judged and saved. 0:
            the weights themselves.
        near_zero: Rows steering less than this count as straight, normalised.
        near_zero_share: In every epoch straight rows are at most this share of the rows; others are left out of it
            by lot. 1 turns balancing off.
        cache_memory: Memory for preprocessed images, MB (1e6 bytes); what does not fit is decoded in every epoch.
        resume: Go on from `<output>.checkpoint`.
        json: Write the result as JSON here.
        report: Write a page with charts and pictures here.
        status: Say how it goes as lines of JSON on standard output, in place of the table at the end.
        workers: `HOST:PORT` of every worker where several machines train together; the first one writes the files.
        worker: Which of `workers` this process is, from 0.
        tensorboard: Write TensorBoard logs into this folder.
    """

    recordings: tuple[Path, ...]
    output: Path = Path("model.h5")
    arch: str = "pilotnet"
    predict: tuple[str, ...] = ("steering",)
    weights: str | None = None
    regime: str = "auto"
    cut: str | None = None
    alpha: float | None = None
    image_size: tuple[int, int] | None = None
    views: int = 8
    feature_cache: Path | None = None
    feature_cache_size: float = 8.0
    epochs: int = 12
    max_seconds: float | None = None
    epoch_samples: int = 4000
    batch_size: int = 64
    learning_rate: float | None = None
    patience: int = 4
    seed: int = 0
    split: str = "blocks"
    validate_on: tuple[Path, ...] = ()
    validation_fraction: float = 0.2
    validation_blocks: int = 10
    guard_s: float = 2.0
    cameras: str = "all"
    side_correction: float | None = None
    flip: bool = True
    shift_m: float = 0.6
    brightness: float = 0.4
    shadow: float = 0.3
    smooth_s: float | None = None
    lag_s: float = 0.0
    loss: str = "mse"
    ema: float = 0.0
    near_zero: float = 0.02
    near_zero_share: float = 0.6
    cache_memory: int = 2000
    resume: bool = False
    json: Path | None = None
    report: Path | None = None
    status: bool = False
    workers: tuple[str, ...] = ()
    worker: int | None = None
    tensorboard: Path | None = None

    def __post_init__(self) -> None:
        if not self.recordings:
            raise UserError("name at least one recording")
        if "steering" not in self.predict or not set(self.predict) <= set(OUTPUTS):
            raise UserError(f"--predict must hold steering and may hold throttle, speed; got {self.predict!r}")
        if len(set(self.predict)) != len(self.predict) or {"throttle", "speed"} <= set(self.predict):
            raise UserError(f"--predict takes each output once, and throttle or speed; got {self.predict!r}")
        for name in ("epochs", "epoch_samples", "batch_size", "patience", "validation_blocks", "views"):
            self._check(name, getattr(self, name) >= 1, "at least 1")
        self._check("max_seconds", self.max_seconds is None or self.max_seconds > 0, "above 0 s")
        if self.max_seconds is not None and (self.resume or self.workers):
            other = "--resume: the clock would start anew" if self.resume else "--workers: their clocks differ"
            raise UserError(f"--max-seconds does not go with {other}")
        self._check("regime", self.regime in REGIMES, f"one of {', '.join(REGIMES)}")
        self._check("feature_cache_size", self.feature_cache_size > 0, "above 0 GB")
        self._check("learning_rate", self.learning_rate is None or 0 < self.learning_rate <= 1, "in (0, 1]")
        self._check("validation_fraction", 0 < self.validation_fraction < 1, "in (0, 1)")
        self._check("guard_s", self.guard_s >= 0, "at least 0 s")
        self._check("split", self.split in SPLITS, f"one of {SPLITS}")
        self._check("cameras", self.cameras in ("all", "center"), "all or center")
        self._check("side_correction", self.side_correction is None or 0 <= self.side_correction < 1, "in [0, 1)")
        self._check("shift_m", 0 <= self.shift_m <= 3, "in [0, 3] m")
        self._check("brightness", 0 <= self.brightness < 1, "in [0, 1)")
        self._check("shadow", 0 <= self.shadow <= 1, "in [0, 1]")
        self._check("smooth_s", self.smooth_s is None or 0 <= self.smooth_s <= 10, "in [0, 10] s")
        self._check("lag_s", -2 <= self.lag_s <= 2, "in [-2, 2] s")
        self._check("loss", self.loss in LOSSES, f"one of {LOSSES}")
        self._check("ema", 0 <= self.ema < 1, "in [0, 1)")
        self._check("near_zero", 0 <= self.near_zero < 1, "in [0, 1)")
        self._check("near_zero_share", 0 < self.near_zero_share <= 1, "in (0, 1]")
        self._check("cache_memory", self.cache_memory >= 0, "at least 0 MB")
        if self.worker is not None and not self.workers:
            raise UserError("--worker says which of the --workers this is; name them too")
        n_workers = len(self.cluster.addresses) if self.cluster else 1
        self._check("batch_size", self.batch_size % n_workers == 0, f"a multiple of the {n_workers} workers")

    def _check(self, name: str, holds: bool, expected: str) -> None:
        if not holds:
            flag = "--" + name.replace("_", "-")
            raise UserError(f"{flag} must be {expected}, got {getattr(self, name)!r}")

    @property
    def cluster(self) -> Cluster | None:
        """The workers that train together; None for a training in one process."""
        return Cluster.of(self.workers, self.worker) if self.workers else None

    @property
    def checkpoint(self) -> Path:
        """Where the unfinished training is kept, beside the model; gone when it is finished."""
        return self.output.with_name(self.output.name + ".checkpoint")

    @property
    def outputs(self) -> tuple[str, ...]:
        """The model's output names, steering first."""
        return tuple(sorted((OUTPUTS[name] for name in self.predict), key=lambda name: name != "steering_angle"))

    @property
    def used_cameras(self) -> tuple[str, ...]:
        """The cameras whose images are trained on, center first."""
        return CAMERAS if self.cameras == "all" else CAMERAS[:1]

    @property
    def correction_per_m(self) -> float:
        """Steering correction per metre of sideways displacement, normalised per m."""
        return self.side_steering / SIDE_CAMERA_OFFSET_M

    @property
    def side_steering(self) -> float:
        """`side_correction`; while nobody has looked at the recordings, that of the shortest lookahead."""
        return aiming_back(SIDE_CAMERA_OFFSET_M, LOOKAHEAD_M) if self.side_correction is None else self.side_correction

    @property
    def feature_folder(self) -> Path:
        """Where features of frozen networks are kept from one training to the next."""
        caches = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
        return self.feature_cache or Path(caches) / "cloneway" / "features"

    def to_json(self) -> dict[str, Any]:
        """The settings as JSON values; paths as text."""
        return {name: _json_value(value) for name, value in dataclasses.asdict(self).items()}

    def agreed(self) -> dict[str, Any]:
        """The settings that all workers of a training must have in common, as JSON values."""
        return {name: value for name, value in self.to_json().items() if name not in OWN_OF_A_WORKER}

    def differences(self, earlier: dict[str, Any]) -> list[str]:
        """What keeps this run from resuming an `earlier` one (its `to_json`): `name: earlier -> now`, one each."""
        now = self.to_json()
        names = [name for name in now if name not in FREE_ON_RESUME]
        return [f"{name}: {earlier.get(name)!r} -> {now[name]!r}" for name in names if earlier.get(name) != now[name]]


def aiming_back(offset_m: float, lookahead_m: float) -> float:
    """The steering, normalised, that brings a car `offset_m` beside its line back to it within `lookahead_m`.

    Pure pursuit: an arc of curvature 2 d / L^2 leads over a distance L back to a line at a distance d, and a wheel
    angle of wheelbase x curvature drives that arc.
    """
    return 2 * offset_m / lookahead_m**2 * WHEELBASE_M / MAX_STEERING_RAD


OUTPUTS = {"steering": "steering_angle", "throttle": "throttle", "speed": "speed_mph"}


def _json_value(value: Any) -> Any:
    if isinstance(value, Path):
        return str(value)
    if isinstance(value, (tuple, list)):
        return [_json_value(item) for item in value]
    return value

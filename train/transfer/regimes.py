"""The regimes of transfer learning: what of a pretrained network is kept, what is trained, and in which order.

    ridge         the backbone is frozen, a linear head on its features is solved at once: ridge regression
    head          the whole backbone is frozen, a new head is trained on its last features
    early-layers  the backbone is cut after an earlier block and frozen, a new head is trained on that block's features
    fine-tune     the new head first, then the upper half of the backbone as well, then all of it, at lower rates
    scratch       random weights, everything is trained

The last four are the answers to little or much data, like or unlike what the network was pretrained on; `auto` measures
both and chooses, unless the network was pretrained on roads. Importing this module is cheap: Keras is imported by the
functions that need it.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from models.architectures.architecture import OWN_WEIGHTS, Architecture
from models.architectures.backbones import find_blocks
from models.architectures.recovery import DEFAULT_SHARE, LOOKAHEAD_M
from models.architectures.registry import ARCHITECTURES, ModelConfig
from models.model_parts import find_backbone, set_trainable
from simulator_bridge.errors import UsageError
from train.train_config import FROZEN_REGIMES, TrainConfig

if TYPE_CHECKING:
    import keras

    from train.transfer.similarity import Similarity

SOLVED = "solved"
MANY_ROWS = 5000  # rows to train on; about five laps of the lake at 10 rows a second
CLEARLY = 0.02  # of r1s: less than this is not a difference, on a thousand rows

HEAD_LEARNING_RATE = 3e-4  # at 1e-3 r1s on the real lake swings between 0.71 and 0.79 from epoch to epoch
SCRATCH_LEARNING_RATE = 3e-4  # 1e-3 swings between 0.008 and 0.02 MSE from epoch to epoch on 1,100 rows
FINE_TUNE_LEARNING_RATE = 1e-4  # of a pretrained backbone; its batch statistics are not trained


@dataclass(frozen=True)
class Stage:
    """A stretch of a training in which the same layers are trained.

    Attributes:
        trained: Of the backbone: `none` (its features are computed once), `upper` half or `all`; or `solved`: its head,
            without any steps.
        first_epoch: Its first epoch, from 0.
        end_epoch: The epoch after its last.
        peak_rate: Learning rate that it begins with.
    """

    trained: str
    first_epoch: int
    end_epoch: int
    peak_rate: float


@dataclass(frozen=True)
class RegimePlan:
    """How a network is going to be trained.

    Attributes:
        regime: One of REGIMES, never `auto`.
        reason: Why, in a few words.
        model: The network, cut as the regime needs it.
        stages: In order; at least one.
    """

    regime: str
    reason: str
    model: ModelConfig
    stages: tuple[Stage, ...]

    @property
    def trains_on_images(self) -> bool:
        """Whether a stage needs images again and again, not only features that are computed once."""
        return any(stage.trained not in ("none", SOLVED) for stage in self.stages)


def recovers(config: TrainConfig, model: ModelConfig) -> bool:
    """Whether the model will know where the road is, and aim at it."""
    is_taught = ARCHITECTURES[model.arch].geometry is not None and model.weights == OWN_WEIGHTS
    return is_taught and config.from_model is None and config.regime in ("auto", "ridge")


def check_regime(config: TrainConfig, model: ModelConfig) -> None:
    """Refuse a regime that the architecture, its weights or the cut make impossible.

    Raises:
        UsageError: If it cannot be followed.
    """
    if config.segments and not recovers(config, model):
        raise UsageError(
            "--predict segmentation goes with a network that was taught to tell road from land: roadnet, its own "
            "weights and --regime ridge"
        )
    aims = config.recovery is not None or config.lookahead is not None
    if aims and not recovers(config, model):
        raise UsageError(
            "--recovery and --lookahead go with a network that was taught where the road is, roadnet, its own weights "
            "and --regime ridge; others learn it from side cameras: --side-correction"
        )
    if config.regime in ("auto", "scratch"):
        if config.regime == "scratch" and config.weights not in (None, "none"):
            raise UsageError("--regime scratch starts from random weights: leave out --weights, or choose fine-tune")
        return
    missing = _not_pretrained(ARCHITECTURES[model.arch], model)
    if missing:
        raise UsageError(f"--regime {config.regime} needs a pretrained network: {missing}")
    if config.regime == "head" and model.cut not in (None, "all"):
        raise UsageError("--regime head keeps the whole backbone; --cut BLOCK goes with early-layers or fine-tune")


def check_backbone(model: ModelConfig) -> None:
    """Refuse an architecture that has nothing to freeze.

    Raises:
        UsageError: If it has no backbone.
    """
    if not ARCHITECTURES[model.arch].has_backbone:
        raise UsageError(f"{model.arch} has no backbone to freeze; python models/table.py lists those that have")


def _not_pretrained(entry: Architecture, model: ModelConfig) -> str | None:
    """Why a network does not start from pretrained weights; None if it does."""
    if not entry.has_backbone:
        return f"{entry.name} has no backbone"
    if model.weights is None:
        download = "" if entry.download_mb is None else " or --weights imagenet"
        return f"no weights of {entry.name} were given (--weights FILE{download})"
    return None


def make_plan(
    config: TrainConfig, model: ModelConfig, n_rows: int, measure: Callable[[], Similarity], chosen: str | None = None
) -> RegimePlan:
    """Decide how to train.

    Args:
        config: Its `regime` is followed, unless it is `auto`.
        model: As asked for.
        n_rows: Rows to train on.
        measure: Measures the similarity; called only if the choice depends on it.
        chosen: What `auto` chose when a training that is resumed began.
    """
    if config.from_model is not None:
        whole = Stage("all", 0, config.epochs, config.learning_rate or FINE_TUNE_LEARNING_RATE)
        return RegimePlan("fine-tune", f"from {config.from_model.name}", model, (whole,))
    if chosen:
        regime, reason = chosen, "as when it began"
    elif config.regime == "auto":
        regime, reason = _choose(model, n_rows, measure)
    else:
        regime, reason = config.regime, "as asked"
    if recovers(config, model):
        share = DEFAULT_SHARE if config.recovery is None else config.recovery
        model = replace(model, recovery=share, lookahead_m=config.lookahead or LOOKAHEAD_M)
    return RegimePlan(regime, reason, _network_for(regime, model), _stages(regime, config))


def _choose(model: ModelConfig, n_rows: int, measure: Callable[[], Similarity]) -> tuple[str, str]:
    """The regime of `auto`, and the reason."""
    entry = ARCHITECTURES[model.arch]
    missing = _not_pretrained(entry, model)
    if missing:
        return "scratch", missing
    if model.weights == OWN_WEIGHTS:
        return "ridge", "the network knows roads: only what this driver does there is learned"
    return choose(n_rows, measure())


def choose(n_rows: int, similarity: Similarity) -> tuple[str, str]:
    """The regime for so many rows of images so similar to ImageNet's, and the reason.

    The less like ImageNet's the images are, the less the network's late layers (ImageNet's objects) are worth for
    steering beside its early ones (edges and textures). Where neither predicts it better than plain pixels do,
    pretraining is of no use.
    """
    early, late, pixels = similarity.early, similarity.late, similarity.pixels
    amount = f"{n_rows} rows are {'many' if n_rows >= MANY_ROWS else 'few'}"
    figures = f"{similarity.figure} {late:.2f} late, {early:.2f} early, pixels {pixels:.2f}"
    seen = f"steering predicted from frozen features: {figures}"
    if not max(early, late) > pixels + CLEARLY:  # also if they are not numbers: labels that never change
        return "scratch", f"{seen}: pretraining is of no use here"
    if n_rows >= MANY_ROWS:
        return "fine-tune", f"{amount}; {seen}"
    if late > early - CLEARLY:
        return "head", f"{amount}, images like ImageNet's; {seen}"
    return "early-layers", f"{amount}, images unlike ImageNet's; {seen}"


def _network_for(regime: str, model: ModelConfig) -> ModelConfig:
    if regime == "scratch":
        return replace(model, weights=None)
    if regime == "ridge":
        return replace(model, standardize=True, dense=(), dropout=0.0)
    return replace(model, standardize=True, cut="all" if regime == "head" else model.cut)


def _stages(regime: str, config: TrainConfig) -> tuple[Stage, ...]:
    end = config.epochs
    if regime == "ridge":
        return (Stage(SOLVED, 0, 1, 0.0),)
    if regime in FROZEN_REGIMES:
        return (Stage("none", 0, end, config.learning_rate or HEAD_LEARNING_RATE),)
    if regime == "scratch":
        return (Stage("all", 0, end, config.learning_rate or SCRATCH_LEARNING_RATE),)
    rate = config.learning_rate or FINE_TUNE_LEARNING_RATE
    head_end = min(max(1, end // 4), end - 1)
    upper_end = max(head_end, end // 2)
    stages = (
        Stage("none", 0, head_end, HEAD_LEARNING_RATE),
        Stage("upper", head_end, upper_end, rate),
        Stage("all", upper_end, end, rate / 2),
    )
    return tuple(stage for stage in stages if stage.end_epoch > stage.first_epoch)


def free_layers(model: keras.Model, plan: RegimePlan, stage: Stage) -> None:
    """Freeze and free the backbone's layers for a stage; the model has to be compiled afterwards.

    BatchNormalization of a pretrained backbone keeps its statistics in every stage.
    """
    backbone = find_backbone(model)
    if plan.regime == "scratch" or backbone is None:
        return
    first = {"none": None, "upper": _middle_layer(backbone), "all": "all"}[stage.trained]
    set_trainable(model, first)


def _middle_layer(backbone: keras.Model) -> str:
    """The first layer of the upper half of a backbone's blocks."""
    names: list[str] = [layer.name for layer in backbone.layers]
    blocks = list(find_blocks(backbone))
    return names[min(names.index(blocks[(len(blocks) - 1) // 2]) + 1, len(names) - 1)]

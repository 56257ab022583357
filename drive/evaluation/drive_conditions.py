"""Under which conditions a drive was made, for its page."""

from __future__ import annotations

from drive.evaluation.lap_config import LapJob, LapsConfig
from simulator_bridge.cli.typed_command import without_home
from simulator_bridge.simulator.judge.finished_drive import FinishedDrive


def drive_conditions(config: LapsConfig, job: LapJob, report: FinishedDrive) -> dict[str, object]:
    """Names and values, for people; what a drive does not have is left out."""
    if job.is_replay:
        return {
            "recording": without_home(job.track),
            "direction, light, speed": "as recorded",
            "delay of the steering": _delay(job),
            **_common(config, report),
        }
    return {
        "track": without_home(job.track),
        "direction": report.direction,
        "weather": f"random, by seed {job.seed}" if report.weather == "random" else report.weather,
        "set speed": f"{config.speed_mph:g} mph, less in bends",
        "delay of the steering": _delay(job),
        "seed": job.seed,
        **({"scale of the track": f"{config.scale:g}"} if config.scale != 1.0 else {}),
        **_common(config, report),
    }


def _common(config: LapsConfig, report: FinishedDrive) -> dict[str, object]:
    preprocessing = {} if config.preprocessing is None else {"preprocessing": config.preprocessing}
    return {
        "decisions": f"{1 / report.control_period_s:.3g} a second" if report.control_period_s > 0 else None,
        **preprocessing,
        "renderer": report.renderer,
    }


def _delay(job: LapJob) -> str:
    return f"{job.latency_ms:g} ms" if job.latency_ms else "none"

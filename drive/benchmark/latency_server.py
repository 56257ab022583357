"""The drive server as `latency.py` measures it: with a model, without one, or with Keras' own ways of calling one.

It is `drive/server.py` with its stages timed. Each line on its standard input is answered with a line of JSON: what
was measured since the last one.
"""

from __future__ import annotations

import sys
from pathlib import Path

if __name__ == "__main__":  # run as a file: put the project root, not drive/, first on the path
    sys.path[0] = str(Path(__file__).resolve().parents[2])
    import simulator_bridge.cli.python_check  # noqa: F401 - first: a wrong Python ends here, with one line

import contextlib
import json
import threading
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

from drive.model_argument import model_argument
from drive.server import ServerConfig, open_cockpit, serve
from simulator_bridge.cli.command import run_command
from simulator_bridge.cli.common_options import transport_option
from simulator_bridge.cli.options import check_options, option
from simulator_bridge.transport.transport_name import TransportName

if TYPE_CHECKING:
    import keras
    import numpy as np
    import numpy.typing as npt

    from models.policy import Action
    from simulator_bridge.messages import Control, Frame, Telemetry
    from simulator_bridge.serving.bridge_server import BridgeServer
    from simulator_bridge.serving.driver import Driver
    from simulator_bridge.serving.stage_times import StageTimes

Way = Literal["litert", "none", "call", "predict"]  # how the model is called; none: not at all
MAX_STAGE_TIMES = 1_000_000  # stage times between two reports


class SlowKerasPolicy:
    """The model as the usual `drive.py` calls it: `model.predict`, or a plain call of the model."""

    def __init__(self, path: Path, way: str) -> None:
        from models.litert_conversion import load_keras_model
        from models.model_file import load_model_file

        model: keras.Model = load_keras_model(load_model_file(path))
        self._names = tuple(model.output_names)
        self._predict: Callable[[npt.NDArray[np.uint8]], Any] = (
            (lambda frames: model.predict(frames, verbose=0))
            if way == "predict"
            else (lambda frames: model(frames, training=False))
        )

    def __call__(self, frame: Frame) -> Action:
        """See `Policy`."""
        from models.policy import action_of

        return action_of(self._names, self._predict(frame[None]))


@dataclass(frozen=True, kw_only=True)
class LatencyServerConfig:
    """Settings of the server; the help of each field is that of its flag."""

    model: Path = model_argument("; not read with --way none")
    way: Way = option("litert", "how the model is called")
    transport: TransportName = transport_option()

    def __post_init__(self) -> None:
        check_options(self)


def main(argv: list[str] | None = None) -> int:
    """Run the command; returns its exit code."""
    return run_command(
        LatencyServerConfig, run, argv, description="Serve with timed stages; started by latency.py.", with_times=True
    )


def run(config: LatencyServerConfig) -> int:
    """Serve until standard input closes."""
    from models.loading import load_warm_policy
    from simulator_bridge.serving.bridge_server import BridgeServer

    served = ServerConfig(model=config.model, port=0, transport=config.transport)
    stages: deque[StageTimes] = deque(maxlen=MAX_STAGE_TIMES)
    server = BridgeServer(
        lambda: new_driver(), served.host, served.port, served.transport, on_stage_times=stages.append
    )
    with contextlib.ExitStack() as stack:
        stack.callback(server.close)
        if config.way == "litert":  # as drive/server.py does, cockpit and all
            cockpit = stack.enter_context(open_cockpit(server, served, load_warm_policy(config.model)))
            new_driver: Callable[[], Driver] = cockpit.new_driver
        else:
            new_driver = _build_new_driver(config.model, config.way, served.speed_mph)
        threading.Thread(target=_report, args=(server, stages), daemon=True).start()
        serve(server, served)
    return 0


def _build_new_driver(model: Path, way: str, speed_mph: float) -> Callable[[], Driver]:
    if way == "none":
        from simulator_bridge.messages import Control

        def drive_straight(telemetry: Telemetry) -> Control:
            return Control(0.0, 0.0)

        return lambda: drive_straight
    from drive.pilot import build_new_driver

    return build_new_driver(SlowKerasPolicy(model, way), speed_mph)


def _report(server: BridgeServer, stages: deque[StageTimes]) -> None:
    for _ in sys.stdin:
        taken = [stages.popleft() for _ in range(len(stages))]
        rows = [[s.receive, s.decode, s.infer, s.encode, s.send] for s in taken if s.was_driven]
        report = {"stages_s": rows, "n_passed_over": len(taken) - len(rows), "memory_mb": memory_mb()}
        print(json.dumps(report), flush=True)  # noqa: T201 - the answer
    server.stop()


def memory_mb() -> float:
    """The resident memory of this process now, or its peak where the system reports no more; 0 if neither."""
    try:
        resident_pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[1])
    except OSError:
        pass
    else:
        import os

        return resident_pages * os.sysconf("SC_PAGE_SIZE") / 1e6
    try:
        import resource
    except ImportError:
        return 0.0
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak / 1e6 if sys.platform == "darwin" else peak / 1e3


if __name__ == "__main__":
    sys.exit(main())

"""Throttle for a wanted speed: a PI controller that integrates over time, and slows down for sharp steering."""

from __future__ import annotations

import math

from simulator_bridge.udacity_car import BRAKE_ABOVE_MPH, MAX_SPEED_MPH, MAX_STEERING_RAD, MPS_PER_MPH, WHEELBASE_M

MAX_LATERAL_MPS2 = 4.0  # in bends; the tyres slide beyond about 8
STEERING_MEMORY_S = 0.5  # one straight frame in a bend does not speed the car up
KP = 0.1  # throttle per mph; the usual drive.py's. Full throttle gains about 12 mph/s: settles in about 1 s
KI = 0.02  # throttle per mph and second: damping ratio 1.2 with the above, so no overshoot to speak of
MAX_STEP_S = 0.2  # of one frame: a pause does not wind the integral up
BRAKE_MARGIN_MPH = 2.0  # too fast by less than this: roll
BRAKE_PER_MPH = 0.02  # the brakes are 10 times as strong as the engine
MAX_BRAKE = 0.3
MIN_BRAKE_SPEED_MPH = BRAKE_ABOVE_MPH + 1.0  # a margin: below, a negative throttle drives backwards


class SpeedController:
    """Holds one car at a speed.

    Time is that of the telemetry: two frames of one moment count once, and a slow machine drives the same.

    Args:
        set_speed_mph: Wanted speed, in (0, 30].

    Raises:
        ValueError: If the speed is outside.
    """

    def __init__(self, set_speed_mph: float) -> None:
        if not 0.0 < set_speed_mph <= MAX_SPEED_MPH:
            raise ValueError(f"expected a speed in (0, {MAX_SPEED_MPH:g}] mph, got {set_speed_mph}")
        self._set_speed_mph = set_speed_mph
        self._integral = 0.0  # throttle
        self._sharpness = 0.0  # |steering_angle|, falling slowly
        self._at_s: float | None = None

    def __call__(
        self,
        speed_mph: float,
        steering_angle: float,
        time_s: float,
        set_speed_mph: float | None = None,
        share: float = 1.0,
    ) -> float:
        """Throttle for the next moment.

        Args:
            speed_mph: Current speed.
            steering_angle: Of this moment, normalised, in [-1, 1].
            time_s: When that was, `Telemetry.time_s`.
            set_speed_mph: Wanted speed now, if not the one of the constructor; clipped to [0, 30].
            share: Of the wanted speed, to be careful.

        Returns:
            Throttle in [-MAX_BRAKE, 1]; negative brakes.
        """
        dt = 0.0 if self._at_s is None else min(max(time_s - self._at_s, 0.0), MAX_STEP_S)
        self._at_s = time_s
        self._sharpness = max(abs(steering_angle), self._sharpness * math.exp(-dt / STEERING_MEMORY_S))
        wanted_mph = self._set_speed_mph if set_speed_mph is None else min(max(set_speed_mph, 0.0), MAX_SPEED_MPH)
        error_mph = min(share * wanted_mph, cornering_speed_mph(self._sharpness)) - speed_mph
        if error_mph < -BRAKE_MARGIN_MPH:
            return brake_throttle(speed_mph, -error_mph - BRAKE_MARGIN_MPH)
        throttle = KP * error_mph + self._integral
        if 0.0 < throttle < 1.0 or (throttle >= 1.0) == (error_mph < 0.0):  # no wind-up against a limit
            self._integral = min(max(self._integral + KI * error_mph * dt, 0.0), 1.0)
        return min(max(throttle, 0.0), 1.0)


def cornering_speed_mph(steering_angle: float) -> float:
    """The speed at which the lateral acceleration is MAX_LATERAL_MPS2, steered by [-1, 1]; inf straight on."""
    curvature = math.tan(min(abs(steering_angle), 1.0) * MAX_STEERING_RAD) / WHEELBASE_M
    if curvature < 1e-6:
        return math.inf
    return math.sqrt(MAX_LATERAL_MPS2 / curvature) / MPS_PER_MPH


def brake_throttle(speed_mph: float, excess_mph: float) -> float:
    """The throttle, in [-MAX_BRAKE, 0], that brakes off an excess of speed without ever driving backwards."""
    if speed_mph < MIN_BRAKE_SPEED_MPH:
        return 0.0
    return -min(BRAKE_PER_MPH * excess_mph, MAX_BRAKE)

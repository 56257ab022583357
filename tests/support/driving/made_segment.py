"""Segments and their results, made by hand."""

from __future__ import annotations

from dataclasses import replace

from simulator_bridge.simulator.segments.segment import Segment, SegmentResult

PLAIN = Segment(
    name="001",
    factor="nominal",
    level=0,
    track="lake",
    reverse=False,
    start_m=10.0,
    left_m=0.0,
    heading_deg=0.0,
    way_m=40.0,
    speed_mph=20.0,
    light=0,
    weather=0,
    texture=0,
    camera=0,
    delay=0,
    push=0.0,
    seed=1,
)
DRIVEN = SegmentResult(
    name="001",
    share=1.0,
    ended=None,
    ended_m=50.0,
    off_road=0,
    all_wheels_out=0,
    collisions=0,
    mean_off_m=0.1,
    largest_off_m=0.4,
    elapsed_s=5.0,
    path=((0.0, 0.0, 0.1), (1.0, 0.0, 0.4)),
)


def made_exam() -> tuple[Segment, ...]:
    """Two factors beside nominal, three levels of two segments each."""
    cells = [("nominal", 0), *((factor, level) for factor in ("light", "push") for level in (1, 2, 3))]
    pairs = [(factor, level) for factor, level in cells for _ in range(2)]
    return tuple(
        replace(PLAIN, name=f"{number:03d}", factor=factor, level=level)
        for number, (factor, level) in enumerate(pairs, 1)
    )


def results(segments: tuple[Segment, ...], ended_at_level: int = 4, share: float = 0.5) -> dict[str, SegmentResult]:
    """Everything driven to the end, but for segments of a level that is as hard or harder than one."""
    return {
        segment.name: replace(DRIVEN, name=segment.name)
        if segment.level < ended_at_level
        else replace(DRIVEN, name=segment.name, share=share, ended="off the road")
        for segment in segments
    }

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from simulator_bridge.track import TrackError, build_track

HEADER = "# x_m,y_m,w_tr_right_m,w_tr_left_m"
Rows = list[tuple[float, float, float, float]]


@pytest.fixture
def write_csv(tmp_path: Path) -> Callable[..., Path]:
    def write(rows: Rows, *, header: str = HEADER, extra: dict[int, str] | None = None) -> Path:
        lines = [header, *(",".join(str(value) for value in row) for row in rows)]
        for number, text in (extra or {}).items():
            lines[number - 1] = text
        path = tmp_path / "road.csv"
        path.write_text("\n".join(lines) + "\n", encoding="utf-8")
        return path

    return write


def circle(radius: float = 60.0, n: int = 72, right: float = 3.0, left: float = 5.0) -> Rows:
    angles = 2 * np.pi * np.arange(n) / n
    return [(float(radius * np.cos(a)), float(radius * np.sin(a)), right, left) for a in angles]


def test_a_circle_keeps_its_radius_length_and_widths(write_csv: Callable[..., Path]) -> None:
    track = build_track(str(write_csv(circle())))
    assert track.length_m == pytest.approx(2 * np.pi * 60, rel=0.01)
    assert track.curvature == pytest.approx(1 / 60, rel=0.05)
    assert track.width_left == pytest.approx(5.0)
    assert track.width_right == pytest.approx(3.0)


def test_a_first_point_repeated_at_the_end_makes_no_difference(write_csv: Callable[..., Path]) -> None:
    open_lap = build_track(str(write_csv(circle())))
    closed_lap = build_track(str(write_csv([*circle(), circle()[0]])))
    np.testing.assert_allclose(closed_lap.xy, open_lap.xy)


@pytest.mark.parametrize("header", [HEADER, "x_m, y_m, w_tr_right_m, w_tr_left_m", "# a comment", ""])
def test_headers_and_comments_are_no_rows(write_csv: Callable[..., Path], header: str) -> None:
    assert build_track(str(write_csv(circle(), header=header))).length_m == pytest.approx(2 * np.pi * 60, rel=0.01)


def test_scale_makes_a_race_track_small(write_csv: Callable[..., Path]) -> None:
    track = build_track(str(write_csv(circle(radius=300.0))), scale=0.2)
    assert track.length_m == pytest.approx(2 * np.pi * 60, rel=0.01)
    assert track.width_left == pytest.approx(5.0)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (
            "1.0,2.0,3.0",
            r"road.csv line 5: expected 4 columns \(x_m, y_m, w_tr_right_m, w_tr_left_m\) or z_m as a fifth, .* got 3",
        ),
        ("1.0,north,3.0,3.0", "road.csv line 5: expected numbers, got '1.0,north,3.0,3.0'"),
        ("1.0,nan,3.0,3.0", "road.csv line 5: expected finite numbers"),
        ("1.0;2.0;3.0;3.0", "road.csv line 5: expected 4 columns .* got 1"),
    ],
)
def test_a_bad_row_is_named_by_its_line(write_csv: Callable[..., Path], text: str, message: str) -> None:
    with pytest.raises(TrackError, match=message) as failure:
        build_track(str(write_csv(circle(), extra={5: text})))
    assert "\n" not in str(failure.value)


def test_a_road_too_narrow_for_the_car_is_named_by_its_line(write_csv: Callable[..., Path]) -> None:
    rows = circle()
    for index in range(28, 33):
        rows[index] = (*rows[index][:2], 3.0, 0.9)
    with pytest.raises(TrackError, match=r"road.csv line 3[123]: the road is 0.9\d m wide on one side"):
        build_track(str(write_csv(rows)))


def test_a_road_that_crosses_itself_is_named_by_its_lines(write_csv: Callable[..., Path]) -> None:
    t = 2 * np.pi * (np.arange(120) + 0.5) / 120
    eight = [(float(100 * np.sin(a)), float(60 * np.sin(2 * a)), 3.0, 3.0) for a in t]
    with pytest.raises(
        TrackError, match=r"road.csv line \d+: the road crosses or touches itself \(.*line \d+\); .* 5 m of height"
    ) as e:
        build_track(str(write_csv(eight)))
    first, second = (int(part.split()[0].rstrip(":);")) for part in str(e.value).split("line ")[1:])
    assert min(abs(first - line) for line in (2, 61, 62, 121)) <= 3  # the eight crosses at its start and half-way
    assert abs(second - first) > 50 or abs(second - first) > 110


def test_a_bend_that_the_car_cannot_turn_is_refused(write_csv: Callable[..., Path]) -> None:
    corners = [(0.0, 0.0), (100.0, 0.0), (100.0, 100.0), (0.0, 100.0)]
    rows: Rows = []
    for (x0, y0), (x1, y1) in zip(corners, corners[1:] + corners[:1], strict=True):
        rows += [(x0 + (x1 - x0) * f, y0 + (y1 - y0) * f, 3.0, 3.0) for f in np.arange(0, 1, 0.02)]
    with pytest.raises(TrackError, match=r"road.csv line \d+: a bend of \d\.\d m radius; the car needs at least 7.0 m"):
        build_track(str(write_csv(rows)))


def test_a_lap_too_short_is_refused(write_csv: Callable[..., Path]) -> None:
    with pytest.raises(TrackError, match=r"road.csv: a lap of 6[0-9] m; expected 100 to 10000 m"):
        build_track(str(write_csv(circle(radius=11.0))))


def test_points_that_are_all_the_same_are_refused(write_csv: Callable[..., Path]) -> None:
    with pytest.raises(TrackError, match="a lap of 0 m"):
        build_track(str(write_csv([(1.0, 2.0, 3.0, 3.0)] * 20)))


def test_a_scale_beyond_all_measure_is_refused(write_csv: Callable[..., Path]) -> None:
    with pytest.raises(TrackError, match=r"is the scale right\?"):
        build_track(str(write_csv(circle())), scale=1e9)


def test_a_road_too_wide_for_its_bends_is_refused(write_csv: Callable[..., Path]) -> None:
    with pytest.raises(TrackError, match=r"road.csv line \d+: the road is too wide for its bend"):
        build_track(str(write_csv(circle(radius=20.0, left=19.0))))


@pytest.mark.parametrize("n", [0, 1, 5])
def test_too_few_points_are_refused(write_csv: Callable[..., Path], n: int) -> None:
    with pytest.raises(TrackError, match=f"road.csv: {n} points; a track needs at least 8"):
        build_track(str(write_csv(circle()[:n])))


def test_a_file_that_is_no_text_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "road.csv"
    path.write_bytes(b"\xff\xfe\x00\x81" * 10)
    with pytest.raises(TrackError, match="cannot be read as text"):
        build_track(str(path))


def test_a_folder_is_refused(tmp_path: Path) -> None:
    folder = tmp_path / "road.csv"
    folder.mkdir()
    with pytest.raises(TrackError, match="a folder, expected a file"):
        build_track(str(folder))

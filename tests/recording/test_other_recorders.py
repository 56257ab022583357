"""Logs of other recorders: their columns, their units, a line for each camera, an image and a number."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from simulator_bridge.errors import RecordingError, UsageError
from simulator_bridge.recording import Recording, load_recording, load_recordings
from simulator_bridge.recording.log.steering_unit import SteeringUnit, parse_side
from simulator_bridge.udacity_car import MAX_STEERING_RAD
from tests.support.made_recording import draw_frame, jpeg


def read(folder: Path, text: str, name: str = "driving_log.csv", unit: SteeringUnit | None = None) -> Recording:
    (folder / name).write_text(text)
    return load_recording(folder / name, None, unit)


@pytest.mark.parametrize("image", ["image_name", "path", "frame", "filename", "img", "ImageName", "Image File", "shot"])
@pytest.mark.parametrize("steering", ["angle", "steering_angle", "Steering", "user/angle", "steer"])
def test_common_names_are_known(image: str, steering: str, tmp_path: Path) -> None:
    recording = read(tmp_path, f"{image},{steering},throttle\na.png,-0.25,0.5\nb.png,0.5,0.5\n")
    assert recording.steering_angle.tolist() == [-0.25, 0.5]
    assert recording.throttle.tolist() == [0.5, 0.5]
    assert [path.name for path in recording.images["center"]] == ["a.png", "b.png"]


def test_a_number_of_the_frame_is_not_taken_for_its_image(tmp_path: Path) -> None:
    recording = read(tmp_path, "frame,img,angle\n7,a.png,0.25\n8,b.png,0.5\n")
    assert [path.name for path in recording.images["center"]] == ["a.png", "b.png"]


@pytest.mark.parametrize(
    ("header", "advice"),
    [
        ("image,wheel,gas", r"rename the column of the steering to steering \('wheel'\)"),
        ("pic,turn,gas", r"rename the column of the steering to steering \('turn'\)"),
    ],
)
def test_an_unknown_column_is_named_with_what_it_should_be_called(header: str, advice: str, tmp_path: Path) -> None:
    with pytest.raises(RecordingError, match=advice):
        read(tmp_path, f"{header}\na.jpg,0.5,1\n")
    with pytest.raises(RecordingError, match=r"rename the column of the image's path to center \('picture_id'\)"):
        read(tmp_path, "picture_id,steering\n12,0.5\n")


@pytest.mark.parametrize("cell", ["steering" * 25_000, "steer" + "_" * 200_000, "a.jpg " * 35_000, "\u0301" * 100_000])
def test_a_huge_cell_of_a_header_is_refused_at_once(cell: str, tmp_path: Path) -> None:
    with pytest.raises(RecordingError, match=r"driving_log\.csv:1: .* characters"):
        read(tmp_path, f"center,{cell}\na.jpg,0.5\n")


@pytest.mark.parametrize(("step", "full"), [(0.1, MAX_STEERING_RAD), (0.2, 14.8 * MAX_STEERING_RAD)])
def test_challenge_2_has_a_line_for_each_camera_radians_and_metres_a_second(
    step: float, full: float, tmp_path: Path
) -> None:
    """Angles beyond 25 degrees are not those of the wheels: then all are those of the steering wheel."""
    lines = ["index,timestamp,width,height,frame_id,filename,angle,torque,speed,lat,long,alt"]
    for i in range(4):
        for j, camera in enumerate(("left", "center", "right")):
            ns = 1479424215880976321 + 50_000_000 * i + 1_000_000 * j
            lines.append(f"2016,{ns},640,480,{camera}_camera,{camera}/{ns}.jpg,{step * i},0.1,10,37.4,-122,45")
    lines.append(f"2016,{ns + 10**9},640,480,left_camera,left/{ns + 10**9}.jpg,0,0,10,37.4,-122,45")
    recording = read(tmp_path, "\n".join(lines), "interpolated.csv")
    assert len(recording) == 4
    for camera, paths in recording.images.items():
        assert [path.name for path in paths] == [
            line.split("/")[1].split(",")[0] for line in lines if f"{camera}/" in line
        ][:4]
    assert recording.steering_angle == pytest.approx([-step * i / full for i in range(4)])
    assert recording.speed_mph == pytest.approx([10 / 0.44704] * 4)
    assert np.diff(recording.time_s) == pytest.approx([0.05] * 3, abs=1e-5)
    assert {reason: drop.count for reason, drop in recording.dropped.items()} == {
        "side image without a center image near it": 1
    }


def test_airsim(tmp_path: Path) -> None:
    text = (
        "VehicleName\tTimeStamp\tPOS_X\tThrottle\tSteering\tBrake\tGear\tHandbrake\tRPM\tSpeed\tImageFile\n"
        "Car\t1600000000000\t0.1\t1\t-0.5\t0\t1\t0\t900\t10\timg_a_0.png;img_a_1.png\n"
        "Car\t1600000000250\t0.2\t1\t0.25\t0\t1\t0\t900\t10\timg_b_0.png;img_b_1.png\n"
    )
    recording = read(tmp_path, text, "airsim_rec.txt")
    assert recording.steering_angle.tolist() == [-0.5, 0.25]
    assert [path.name for path in recording.images["center"]] == ["img_a_0.png", "img_b_0.png"]
    assert recording.speed_mph == pytest.approx([22.37] * 2, abs=0.01)
    assert np.diff(recording.time_s) == pytest.approx([0.25])
    old = "Timestamp\tSpeed (kmph)\tThrottle\tSteering\tBrake\tGear\tImageName\n93683464\t36\t1\t0.5\t0\tN\timg_0.png\n"
    assert read(tmp_path, old, "airsim_rec.txt").speed_mph == pytest.approx([22.37], abs=0.01)


@pytest.mark.parametrize(
    "text", ["IMG/1.jpg,0.25\nIMG/2.jpg,-0.5\n", "1.jpg 0.25\n2.jpg -0.5\n", "0.25;1.jpg\n-0.5;2.jpg\n"]
)
def test_an_image_and_a_number_are_a_row(text: str, tmp_path: Path) -> None:
    recording = read(tmp_path, text)
    assert recording.steering_angle.tolist() == [0.25, -0.5]
    assert "an image and a number, which is taken for the steering" in recording.notes[0]


def test_a_torn_row_is_not_an_image_and_a_number(tmp_path: Path) -> None:
    name = "IMG/center_2016_12_01_13_30_48_287.jpg"
    assert len(read(tmp_path, f"{name},-0.25,0.5,0,22.5\n{name.replace('48', '49')},-0.2")) == 1


def test_the_unit_of_a_log_that_does_not_tell_it_is_asked_for(tmp_path: Path) -> None:
    rows = "".join(f"{i}.jpg,{5 * i}\n" for i in range(-4, 5))
    with pytest.raises(RecordingError, match="--steering-unit degrees"):
        read(tmp_path, rows)
    degrees = read(tmp_path, rows, unit=SteeringUnit("degrees", "left", source="--steering-unit"))
    assert degrees.steering_angle == pytest.approx(-np.arange(-4, 5) / 5)
    assert "steering read as degrees, 25 is full lock, positive to the left (--steering-unit)" in degrees.notes
    (tmp_path / "recording.json").write_text(json.dumps({"steering_unit": "degrees", "steering_full": 40}))
    told = read(tmp_path, rows, unit=SteeringUnit("radians"))  # what stands beside the log is of this log
    assert told.steering_angle == pytest.approx(np.arange(-4, 5) / 8)


def test_a_folder_of_which_nothing_can_be_read_says_why(tmp_path: Path) -> None:
    (tmp_path / "data.txt").write_text("".join(f"{i}.jpg {40 * i}\n" for i in range(9)))
    for i in range(9):
        (tmp_path / f"{i}.jpg").write_bytes(jpeg(draw_frame(0)))
    with pytest.raises(RecordingError, match=r"data\.txt:2: .*--steering-unit degrees"):
        load_recordings([tmp_path])


def test_degrees_of_a_steering_wheel_are_refused_with_what_to_write(tmp_path: Path) -> None:
    with pytest.raises(RecordingError, match=r'"steering_full": 450'):
        read(tmp_path, "".join(f"{i}.jpg,{40 * i}\n" for i in range(9)), unit=SteeringUnit("degrees"))


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ('{"steering_unit": "gon"}', "expected a steering_unit of normalised, degrees, radians, got 'gon'"),
        ('{"steering_units": "degrees", "steering_sign": 1}', "did you mean steering_unit"),
        ('{"steering_sign": "up"}', r"right \(or 1\), left \(or -1\)"),
        ('{"steering_full": 0}', "above 0"),
        ('{"steering_unit": ', "expected JSON"),
        ("[]", "expected an object"),
    ],
)
def test_a_wrong_recording_json_is_refused(text: str, message: str, tmp_path: Path) -> None:
    (tmp_path / "recording.json").write_text(text)
    with pytest.raises(RecordingError, match=message):
        read(tmp_path, "1.jpg,0.5\n")


def test_sides_are_words_or_signs() -> None:
    assert [parse_side(text) for text in ("right", "1", "left", "-1", "Left")] == [
        "right",
        "right",
        "left",
        "left",
        "left",
    ]
    with pytest.raises(UsageError):
        parse_side("up")


def test_rows_with_more_columns_and_then_without_are_both_read(tmp_path: Path) -> None:
    def row(second: int, more: str = "") -> str:
        stamp = f"2016_12_01_13_30_{second:02}_287.jpg"
        return f"center_{stamp},left_{stamp},right_{stamp},0.25,0.5,0,22.5{more}\n"

    text = "".join(row(i, ",1.5,2.5") for i in range(3)) + "".join(row(i) for i in range(3, 6))
    assert len(read(tmp_path, text)) == 6


@pytest.mark.parametrize(
    "name",
    ["2025-06-15_14-13-28-250000.png", "20250615_141328_250.jpg", "cam_1749996808250.jpg", "1749996808250000000.png"],
)
def test_times_of_other_recorders_are_read_from_names(name: str, tmp_path: Path) -> None:
    recording = read(tmp_path, f"{name},0.5\n")
    assert recording.time_s.tolist() == [1749996808.25]

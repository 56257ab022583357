"""What people's logs look like: every real sample with the values a person reads in it."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from simulator_bridge.errors import RecordingError
from simulator_bridge.recording import image_time_s, load_recording
from tests.support.made_recording import numbers_of

# sample: rows, episodes, line/stamp/numbers of the first row, of the last row
SAMPLES = {
    "01_udacity_original_header_rel_space": (
        (19, 2),
        (2, "2016_12_01_13_30_48_287", 0, 0, 0, 22.14829),
        (20, "2016_12_01_13_31_14_602", 0, 0, 0, 1.230361),
    ),
    "02_header_renamed_bare_filenames": (
        (19, 2),
        (2, "2016_12_01_13_30_48_287", 0, 0, 0, 22.14829),
        (20, "2016_12_01_13_31_14_602", 0, 0, 0, 1.230361),
    ),
    "03_win_abs_v1_space_noheader": (
        (20, 1),
        (1, "2017_01_26_01_16_51_770", 0, 0, 0, 11.43662),
        (20, "2017_01_26_01_16_53_741", 0, 0.4927223, 0, 23.93485),
    ),
    "04_win_abs_v2_nospace_noheader": (
        (20, 1),
        (1, "2019_03_07_19_53_02_767", 0, 0.2433104, 0, 8.835555),
        (20, "2019_03_07_19_53_04_063", 0, 1, 0, 20.95561),
    ),
    "05_win_path_with_space": (
        (20, 1),
        (1, "2024_01_31_22_05_51_453", 0, 0, 0, 8.440199),
        (20, "2024_01_31_22_05_53_430", 0, 1, 0, 9.369665),
    ),
    "06_mixed_two_recorders": (
        (21, 3),
        (1, "2024_01_31_22_05_51_453", 0, 0, 0, 8.440199),
        (21, "2018_07_16_17_11_44_209", 0, 0.02400588, 0, 0.6206543),
    ),
    "07_win_nonascii_path_utf8": (
        (20, 1),
        (1, "2020_05_29_02_15_19_182", 0, 0, 0, 1.03866e-05),
        (20, "2020_05_29_02_15_20_489", 0, 1, 0, 9.166812),
    ),
    "09_mac_abs_space_in_path_nospace_sep": (
        (20, 1),
        (1, "2019_01_27_15_40_10_837", 0, 0, 0, 7.319891e-06),
        (20, "2019_01_27_15_40_12_377", 0, 1, 0, 9.755445),
    ),
    "11_mac_long_path_many_spaces": (
        (20, 1),
        (1, "2019_11_26_20_07_32_896", -0.007858456, 0.4, 0, 10.36041),
        (20, "2019_11_26_20_07_34_330", -0.01493566, 0.4, 0, 15.38749),
    ),
    "12_mac_path_blank_behavioral_cloning": (
        (20, 1),
        (1, "2018_01_01_03_45_39_629", 0, 0, 0, 5.463894e-05),
        (20, "2018_01_01_03_45_41_012", 0, 0.350334, 0, 0.286122),
    ),
    "13_linux_abs_v1_space": (
        (20, 1),
        (1, "2017_01_28_17_29_08_645", -0.3509175, 0, 0, 5.218484),
        (20, "2017_01_28_17_29_10_597", 0, 0.9999623, 0, 17.52634),
    ),
    "14_linux_abs_v2_scientific": (
        (20, 1),
        (1, "2019_10_24_01_39_24_983", 0, 0, 0, 2.045568e-05),
        (20, "2019_10_24_01_39_26_450", 0, 1, 0, 12.88363),
    ),
    "15_linux_udacity_workspace": (
        (20, 1),
        (1, "2020_12_12_07_16_36_192", 0, 0, 0, 4.779766e-07),
        (20, "2020_12_12_07_16_37_656", 0, 0, 0, 1.342868e-06),
    ),
    "16_rel_dot_backslash": (
        (20, 1),
        (1, "2017_07_24_22_24_21_482", 0, 0, 0, 6.144484e-06),
        (20, "2017_07_24_22_24_22_800", 0, 0, 0, 3.117212e-06),
    ),
    "17_rel_backslash_other_dir": (
        (20, 2),
        (1, "2016_12_01_13_30_48_287", 0, 0, 0, 22.14829),
        (20, "2016_12_01_13_31_14_702", 0, 0, 0, 1.218291),
    ),
    "18_header_dot_slash_IMG": (
        (20, 3),
        (2, "2016_12_01_13_30_48_287", 0, 0, 0, 22.14829),
        (21, "2017_02_03_20_19_41_561", -0.06076009, 0.2544178, 0, 20.56583),
    ),
    "21_semicolon_padding_crlf": (
        (17, 11),
        (2, "2016_12_01_13_32_45_275", 0.08089697, 0.9855326, 0, 21.52514),
        (18, "2016_12_01_13_45_41_570", -0.4110484, 0.9855326, 0, 30.14456),
    ),
    "22_crlf_no_final_eol_small": (
        (4, 3),
        (2, "2016_12_01_13_32_45_275", 0.08089697, 0.9855326, 0, 21.52514),
        (5, "2016_12_01_13_33_16_856", 0, 0.9855326, 0, 30.18643),
    ),
    "24_pandas_rewritten_floats": (
        (20, 1),
        (1, "2017_03_18_12_40_55_930", 0, 0, 0, 5.070753),
        (20, "2017_03_18_12_40_57_364", 0, 0.564503, 0, 12.313839999999999),
    ),
    "26_merged_udacity_plus_own_scientific": (
        (20, 3),
        (2, "2016_12_01_13_30_48_287", 0, 0, 0, 22.14829),
        (21, "2017_04_01_16_08_00_861", 0, 0, 0, 2.233122e-06),
    ),
    "28_no_header_no_final_eol_udacity": (
        (20, 3),
        (1, "2016_12_01_13_30_48_287", 0, 0, 0, 22.14829),
        (20, "2016_12_01_13_46_38_947", 0, 0, 0, 1.374433),
    ),
    "29_rel_no_header_mixed_spacing": (
        (20, 2),
        (1, "2016_12_01_13_30_48_287", 0, 0, 0, 22.14829),
        (20, "2016_12_01_13_31_14_702", 0, 0, 0, 1.218291),
    ),
    "30_short_file_dot_slash": (
        (13, 1),
        (1, "2017_01_28_11_27_32_518", 0.326187, 1, 0, 30.16523),
        (13, "2017_01_28_11_27_33_895", -0.2875859, 1, 0, 30.18385),
    ),
    "31_not_time_ordered_prepared": (
        (20, 4),
        (1, "2017_02_11_21_34_14_978", 0, 0.4, 0, 30.03838),
        (20, "2017_02_11_21_34_22_624", -0.1, 0.4, 0, 30.03715),
    ),
    "33_augmented_flipped_copy": (
        (20, 2),
        (1, "2020_05_03_15_42_58_117", 0, 0, 0, 6.028899e-06),
        (20, "2020_05_03_15_47_03_017", 0.25, 0, 0, 19.87972),
    ),
}
REFUSED = {
    "32_three_columns_single_camera": ":1: expected a row of Udacity's recorder",
    "37_aug2016_prerelease_degrees": ":1: expected a row of Udacity's recorder",
}


def test_every_sample_is_tested(driving_data: Path) -> None:
    there = {path.stem for path in (driving_data / "recordings/dialects").glob("*.csv")}
    assert there == {*SAMPLES, *REFUSED}


@pytest.mark.parametrize("name", SAMPLES)
def test_sample_reads_as_a_person_reads_it(name: str, driving_data: Path) -> None:
    recording = load_recording(driving_data / f"recordings/dialects/{name}.csv", check=None)
    (n_rows, n_episodes), *rows = SAMPLES[name]
    assert (len(recording), recording.n_episodes) == (n_rows, n_episodes)
    assert not recording.dropped
    assert set(recording.images) == {"center", "left", "right"}
    for row, (line, stamp, *numbers) in zip((0, -1), rows, strict=True):
        assert recording.line[row] == line
        assert recording.time_s[row] == image_time_s(stamp)
        assert numbers_of(recording, row) == pytest.approx(numbers, rel=1e-6)
        for camera, paths in recording.images.items():
            assert re.fullmatch(rf"{camera}_{stamp}(_f)?\.jpg", paths[row].name)


@pytest.mark.parametrize("name", REFUSED)
def test_sample_of_another_kind_is_refused(name: str, driving_data: Path) -> None:
    with pytest.raises(RecordingError, match=REFUSED[name]):
        load_recording(driving_data / f"recordings/dialects/{name}.csv", check=None)


def test_a_log_in_degrees_is_refused_for_what_it_is(driving_data: Path) -> None:
    with pytest.raises(RecordingError, match="would be in degrees"):
        load_recording(driving_data / "recordings/dialects/37_aug2016_prerelease_degrees.csv", check=None)

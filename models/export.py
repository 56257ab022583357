"""Write a model for other programs: `python models/export.py model.h5 --to onnx,tflite,keras,saved_model DIR`.

Each file is loaded again as this project's server would, and compared with the model on frames.
"""

from __future__ import annotations

import sys
from pathlib import Path

if __name__ == "__main__":  # run as a file: put the project root, not models/, first on the path
    sys.path[0] = str(Path(__file__).resolve().parents[1])
    import simulator_bridge.cli.python_check  # noqa: F401 - first: a wrong Python ends here, with one line

from dataclasses import dataclass

from models.preprocessing.steps import HELP, parse_preprocessing
from simulator_bridge.cli.command import run_command
from simulator_bridge.cli.common_options import quiet_option
from simulator_bridge.cli.options import argument, check_options, option
from simulator_bridge.cli.output_file import check_output_folder, write_json
from simulator_bridge.cli.standard_output import print_result
from simulator_bridge.errors import ModelFileError, UsageError

FORMATS = ("tflite", "float16", "int8", "keras", "saved_model", "onnx", "donkeycar")
REPORT = "export.json"
EPILOG = f"""\
tflite, float16, int8: LiteRT with numbers of 32, 16 and 8 bits; an image as the model takes it. keras: one .keras file.
saved_model: a folder. onnx: needs pip install --editable '.[onnx]'. donkeycar: a .tflite that a Donkey car drives by,
120x160 images from 0 to 1 to angle_out and throttle_out.

The table tells the largest difference of each from the model, in the unit of the output; {REPORT} has it, too.

8 bits are fitted to the frames of --recording and their mirror images: name one of what the model will see, and drive
the file: python drive/laps.py DIR/model_int8.tflite
"""


@dataclass(frozen=True, kw_only=True)
class ExportConfig:
    """Settings of an export; the help of each field is that of its flag.

    Raises:
        UsageError: If a format is not known.
    """

    model: Path = argument("model file, of train/clone.py or of another program")
    folder: Path = argument("where the files go", metavar="DIR")
    to: tuple[str, ...] = option(
        ("tflite",), "formats with commas", choices=FORMATS, is_list=True, metavar="FORMAT[,FORMAT...]"
    )
    recording: Path | None = option(
        None, "compare on 32 frames of it, and fit 8 bits to them; not given: on drawn roads", metavar="RECORDING"
    )
    preprocessing: str | None = option(None, HELP, metavar="STEPS")
    throttle: float = option(0.2, "of a Donkey car whose model has none", metavar="T", at_least=0, at_most=1)
    quiet: bool = quiet_option()

    def __post_init__(self) -> None:
        check_options(self)
        if not self.to:
            raise UsageError(f"expected --to with one of {', '.join(FORMATS)}")
        if self.preprocessing is not None:
            parse_preprocessing(self.preprocessing)


def main(argv: list[str] | None = None) -> int:
    """Run the command; returns its exit code."""
    return run_command(
        ExportConfig, run, argv, description="Write a model for other programs, and check it.", epilog=EPILOG
    )


def run(config: ExportConfig) -> int:
    """Write each format, compare it with the model, print the table."""
    if not config.model.exists():
        raise ModelFileError(f"{config.model}: no such model file; train one first with train/clone.py")
    check_output_folder("DIR", config.folder)
    from models.exports.exporting import export_all
    from models.exports.exports_table import build_table

    exports = export_all(
        config.model, config.folder, config.to, config.recording, config.preprocessing, config.throttle
    )
    print_result(build_table(exports))
    write_json(config.folder / REPORT, exports)
    return 0


if __name__ == "__main__":
    sys.exit(main())

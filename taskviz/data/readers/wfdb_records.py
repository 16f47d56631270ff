"""ECG and other signals in WFDB records (PhysioNet), with a table of labels; needs ``wfdb``."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from taskviz.data.readers.base import DataSet, Reader, Request, Target, text_option, whole_option
from taskviz.data.readers.file_rows import FileRows, files_digest, stats_of
from taskviz.data.readers.paths import is_plain_name
from taskviz.data.table import read_table
from taskviz.values import TaskvizError

if TYPE_CHECKING:
    pass

_LABELS = ("labels.csv", "labels.tsv", "labels.parquet")
_SEGMENT = 256  # samples of a window of the spectrogram
_STRIDE = 128


def recognise(folder: Path) -> dict[str, str] | None:
    """Whether headers of records and a table of labels lie in a folder."""
    if not any(folder.glob("*.hea")):
        return None
    found = {"folder": "."}
    labels = next((name for name in _LABELS if (folder / name).is_file()), None)
    return found | {"labels": labels} if labels else found


class Records(FileRows):
    """``(n, channels, length)`` float32 out of records; shorter ones end in NaN.

    With ``spectrogram``: ``(n, channels, frequencies, windows)``, logarithms of power.

    Args:
        folder: where the records are.
        names: of the records.
        shape: without n.
        spectrogram: whether signals become spectrograms.
        identity: changes whenever a file does.
    """

    def __init__(
        self,
        folder: Path,
        names: list[str],
        shape: tuple[int, ...],
        length: int,
        spectrogram: bool,
        identity: str,
    ) -> None:
        settings = f"{identity} {shape} {length} {spectrogram}"
        super().__init__((len(names), *shape), np.dtype(np.float32), settings)
        self.folder = folder
        self.names = names
        self.length = length
        self.spectrogram = spectrogram

    def decode(self, row: int) -> NDArray[np.float32]:
        """One record."""
        name = self.names[row]
        signal = read_signal(self.folder, name, self.length)
        if signal.shape[0] != self.shape[1]:
            raise TaskvizError(
                f"Record {name} has {signal.shape[0]} channels but the first one has "
                f"{self.shape[1]}: leave it out or give all the same."
            )
        if self.spectrogram:
            return spectrogram(signal, self.shape[3])
        out = np.full(self.shape[1:], np.nan, dtype=np.float32)
        out[:, : signal.shape[1]] = signal
        return out


def read(request: Request) -> DataSet:
    """Signals of the records that the table of labels names."""
    folder = request.files["folder"]
    labels = request.files.get("labels")
    if labels is None:
        raise TaskvizError(
            f"{folder.name} has no labels.csv: add a table with a column 'record' and one column "
            "a task."
        )
    table = read_table(labels).frame
    column = text_option(request, "record", "record")
    if column not in table.columns:
        raise TaskvizError(
            f"{labels.name} has no column {column!r} with the names of the records: add it, or "
            "name it by the option record."
        )
    names = [str(name) for name in table[column]]
    heads = []
    for i, name in enumerate(names):
        if not is_plain_name(name):
            raise TaskvizError(f"{labels.name}, row {i + 2}: {name!r} is no name of a record.")
        try:
            heads.append(read_head(folder, name))
        except TaskvizError as error:
            request.findings.error(str(error))
    request.findings.stop(folder.name)
    channels, rate, _, _ = heads[0]
    for name, head in zip(names, heads, strict=True):
        if head[0] != channels:
            request.findings.error(
                f"Record {name} has {head[0]} channels but {names[0]} has {channels}."
            )
        if head[1] != rate:
            request.findings.error(
                f"Record {name} is sampled at {head[1]:g} Hz but {names[0]} at {rate:g} Hz: "
                "resample it."
            )
    longest = max(head[2] for head in heads)
    seconds = whole_option(request, "seconds", max(int(np.ceil(longest / rate)), 1), 1, 36_000)
    length = min(longest, int(seconds * rate))
    as_picture = request.options.get("spectrogram", False)
    if not isinstance(as_picture, bool):
        raise TaskvizError(f"Option 'spectrogram' is {as_picture!r}: true or false is needed.")
    if as_picture and length < _SEGMENT:
        raise TaskvizError(
            f"Records of {length} samples are too short for a spectrogram: {_SEGMENT} are needed."
        )
    windows = (length - _SEGMENT) // _STRIDE + 1
    shape = (channels, _SEGMENT // 2 + 1, windows) if as_picture else (channels, length)
    parts = [f"{name}.hea" for name in names]
    parts += [file for head in heads for file in head[3]]
    identity = files_digest(parts, stats_of(folder, parts))
    records = Records(folder, names, shape, length, as_picture, identity)
    if request.thorough:
        records.check(request.findings)
    left = table.drop(columns=[column])
    default = tuple(Target(str(name), (str(name),)) for name in left.columns)
    return DataSet(records, left, default)


def read_head(folder: Path, name: str) -> tuple[int, float, int, tuple[str, ...]]:
    """Channels, samples a second, samples and signal files of a record, from its header.

    Raises:
        TaskvizError: no header, or one that names files elsewhere.
    """
    path = folder / f"{name}.hea"
    try:
        lines = path.read_text(encoding="ascii", errors="replace").splitlines()
        lines = [line for line in lines if line.strip() and not line.startswith("#")]
        first = lines[0].split()
        channels, rate, length = int(first[1]), float(first[2].split("/")[0]), int(first[3])
        if channels < 1 or rate <= 0 or length < 1 or len(lines) < channels + 1:
            raise ValueError
        files = tuple(dict.fromkeys(line.split()[0] for line in lines[1 : channels + 1]))
    except FileNotFoundError:
        raise TaskvizError(f"There is no record {name} (no {name}.hea) in {folder.name}.") from None
    except (OSError, ValueError, IndexError):
        raise TaskvizError(
            f"{name}.hea is no header of a single-segment WFDB record with its length."
        ) from None
    for file in files:
        if not is_plain_name(file):
            raise TaskvizError(f"{name}.hea names the signal file {file!r} outside its folder.")
        if not (folder / file).is_file():
            raise TaskvizError(f"Record {name} lacks its signal file {file}.")
    return channels, rate, length, files


def read_signal(folder: Path, name: str, length: int) -> NDArray[np.float32]:
    """``(channels, ≤ length)`` in physical units; gaps are NaN."""
    read_head(folder, name)
    wfdb = _wfdb()
    try:
        record = wfdb.rdrecord(str(folder / name), sampto=None)
        signal = np.asarray(record.p_signal, dtype=np.float32).T
    except Exception as error:  # the package raises plain Exceptions on damaged files
        text = " ".join(str(error).split())[:120]
        raise TaskvizError(f"Record {name} cannot be read ({text}): copy it again.") from None
    return signal[:, :length]


def spectrogram(signal: NDArray[np.float32], windows: int) -> NDArray[np.float32]:
    """``(channels, frequencies, windows)``: log of power in Hann windows of 256 samples."""
    filled = np.nan_to_num(signal)
    needed = _SEGMENT + (windows - 1) * _STRIDE
    filled = np.pad(filled, ((0, 0), (0, max(needed - filled.shape[1], 0))))[:, :needed]
    view = np.lib.stride_tricks.sliding_window_view(filled, _SEGMENT, axis=1)[:, ::_STRIDE]
    power = np.abs(np.fft.rfft(view * np.hanning(_SEGMENT), axis=2)) ** 2
    logs: NDArray[np.float32] = np.log1p(power).transpose(0, 2, 1).astype(np.float32)
    return logs


def _wfdb() -> Any:
    try:
        import wfdb
    except ImportError:
        raise TaskvizError(
            "WFDB records need the package wfdb, which is not installed: pip install wfdb."
        ) from None
    return wfdb


READER = Reader(
    "wfdb",
    "series",
    "WFDB records with labels.csv (a column 'record', one column a task); needs the package wfdb",
    {"folder": "folder of the records", "labels?": "table of labels"},
    {
        "record": "column of labels.csv with the names of the records",
        "seconds": "how much of each record is used",
        "spectrogram": "true turns signals into spectrograms",
    },
    recognise,
    read,
)

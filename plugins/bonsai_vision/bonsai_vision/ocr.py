"""Reads pieces of text lines with the recognition model that rapidocr ships, on onnxruntime, one line at a time.

What rapidocr does by default and this does not: a neural network to find the lines (see `segments`), another one to ask
which of them stand on their head, and batches in which short lines are padded to the longest one. The model's output is
read with the letters of an English test alone, and blanks to fill in come from the geometry.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import cv2
import numpy as np

from bonsai_vision.boxes import Box
from bonsai_vision.segments import CONTRAST, Scan, Segment

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Numbers = NDArray[Any]

#: What a blank to fill in is read as.
BLANK = "______"
#: Letters that are read besides ASCII. A text with others is read with the nearest of these.
LETTERS = "−–—²³⁴⁵⁶⁷⁸⁹¹⁰ⁿ√∛≤≥≠≈π°θ•“”‘’×÷±·…½¼¾éèêëáíóúñöüäåçôîïøæÉ∠△"
#: Accents are seldom, and specks of a compressed picture look like them: so much less probable are they taken to be.
_ACCENTED, _ACCENT_WEIGHT = "éèêëáíóúñöüäåçôîïøæÉ", 0.3
#: What a raised letter means.
_POWERS = dict(zip("0123456789nt", "⁰¹²³⁴⁵⁶⁷⁸⁹ⁿᵗ", strict=True))
#: Letters that look the same in upper and lower case, but for their size.
_SAME_SHAPE = "cosuvwxz"
#: The model takes lines of this height, and gives one letter or nothing for every so many columns.
_ROWS, _STEP = 48, 8
#: Height of a crop, in heights of a letter without ascenders, and white columns before and after: of a line, and of a
#: piece of at most so many letter heights, which is read more surely when it is larger.
_CROP, _MARGIN = 2.7, 12
_SHORT, _SHORT_CROP, _SHORT_MARGIN = 7, 2.0, 24
#: Widest line, in columns of the model.
_LONGEST = 4000


@dataclass(frozen=True, slots=True)
class Text:
    """What a piece of a line says.

    Attributes:
        confidence: mean probability of its letters, 0..1.
    """

    text: str
    confidence: float


class Reader:
    """The recognition model, loaded once in a process.

    Args:
        threads: processor cores that one line may take.

    Raises:
        FileNotFoundError: the installed rapidocr ships no recognition model.
    """

    def __init__(self, threads: int = 1) -> None:
        import onnxruntime

        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = threads
        options.inter_op_num_threads = 1
        options.enable_cpu_mem_arena = False
        options.log_severity_level = 3
        self._session = onnxruntime.InferenceSession(str(model_path()), options, providers=["CPUExecutionProvider"])
        self._input = self._session.get_inputs()[0].name
        known = ["", *self._session.get_modelmeta().custom_metadata_map["character"].splitlines(), " "]
        wanted = [at for at, letter in enumerate(known) if not letter or letter in LETTERS or " " <= letter <= "~"]
        self._columns = np.array(wanted)
        self._letters = [known[at] for at in wanted]
        self._weights = np.array(
            [_ACCENT_WEIGHT if letter and letter in _ACCENTED else 1.0 for letter in self._letters]
        )

    def __call__(
        self, scan: Scan, segments: Sequence[Segment], tick: Callable[[int, Text], None] | None = None
    ) -> list[Text]:
        """Read pieces of lines.

        Args:
            tick: called with each piece's number and what it says, as soon as it was read. What it raises ends the
                reading.
        """
        texts = []
        for number, segment in enumerate(segments):
            text = self.read_one(scan, segment)
            texts.append(text)
            if tick is not None:
                tick(number, text)
        return texts

    def read_one(self, scan: Scan, segment: Segment) -> Text:
        """Read one piece of a line."""
        crop, box = _crop(scan, segment)
        if not crop.size:
            return Text("", 0.0)
        image = cv2.resize(crop, (_width(crop.shape[1] * _ROWS / crop.shape[0]), _ROWS), interpolation=_method(crop))
        width = image.shape[1]
        margin = _SHORT_MARGIN if _is_short(scan, segment) else _MARGIN
        levels = np.ones((1, 3, _ROWS, -(-(width + 2 * margin) // _STEP) * _STEP), np.float32)
        levels[0, :, :, margin : margin + width] = image.astype(np.float32) / 127.5 - 1
        probabilities = self._session.run(None, {self._input: levels})[0][0][:, self._columns] * self._weights
        scale = width / box.width
        blanks, raised = (
            [margin + scale * ((left + right) / 2 - box.left) for left, right in places]
            for places in (segment.blanks, segment.raised)
        )
        text = self._decode(probabilities, blanks, raised)
        if len(text.text) == 1 and text.text.lower() in _SAME_SHAPE:
            low = segment.box.height < 1.2 * scan.size
            return Text(text.text.lower() if low else text.text.upper(), text.confidence)
        return text

    def _decode(self, table: Numbers, blanks: list[float], raised: list[float]) -> Text:
        """Letters from the model's probabilities: of the same one repeated only the first counts (CTC)."""
        best = table.argmax(axis=1)
        first = np.flatnonzero((best != 0) & (best != np.concatenate(([-1], best[:-1]))))
        if not len(first):
            return Text(BLANK if blanks else "", 1.0 if blanks else 0.0)
        places = (first + 0.5) * _STEP
        letters = _with_powers([self._letters[best[at]] for at in first], places, raised)
        words: list[str] = []
        waiting = sorted(blanks)
        for letter, place in zip(letters, places.tolist(), strict=True):
            while waiting and waiting[0] < place:
                words.append(f" {BLANK} ")
                waiting.pop(0)
            words.append(letter)
        words += [f" {BLANK} "] * len(waiting)
        text = " ".join("".join(words).split())
        for mark in ",.;:?!)”’":
            text = text.replace(f"{BLANK} {mark}", BLANK + mark)
        return Text(text, round(float(table[first, best[first]].mean()), 4))


def _with_powers(letters: list[str], places: Numbers, raised: Sequence[float]) -> list[str]:
    """Letters of which those that stand above the line are exponents, although they were read as plain digits."""
    for place in raised:
        distances = abs(places - place)
        nearest = int(distances.argmin())
        percent = "%" in letters[nearest : nearest + 2]  # its upper circle
        if distances[nearest] <= 2 * _STEP and nearest > 0 and not percent:
            letters[nearest] = _POWERS.get(letters[nearest], letters[nearest])
    return letters


def model_path() -> Any:
    """Where the recognition model is, inside rapidocr."""
    from importlib.util import find_spec
    from pathlib import Path

    package = find_spec("rapidocr")
    folders = list(package.submodule_search_locations or ()) if package is not None else []
    for folder in folders:
        for path in sorted(Path(folder, "models").glob("*_rec_*.onnx")):
            return path
    raise FileNotFoundError("the installed rapidocr ships no recognition model")


def _crop(scan: Scan, segment: Segment) -> tuple[Numbers, Box]:
    """A piece of a line as black on white, however it was set, with a margin."""
    ink, box = scan.ink, segment.box
    # A piece of few letters does not tell its size: `x` and `X` differ only by that of the page.
    usual = 0.75 * scan.size <= segment.size <= 1.55 * scan.size
    factor = _SHORT_CROP if _is_short(scan, segment) else _CROP
    height = max(box.height * 1.3, factor * (scan.size if usual else segment.size))
    middle = (box.top + box.bottom) / 2
    place = Box(
        max(0, box.left - 1),
        max(0, int(middle - height / 2)),
        min(ink.shape[1], box.right + 1),
        min(ink.shape[0], int(middle + height / 2) + 1),
    )
    crop = ink[place.top : place.bottom, place.left : place.right]
    marks = crop[crop > CONTRAST]
    full = float(np.percentile(marks, 90)) if marks.size else 128.0
    dark = np.clip((crop.astype(np.float32) - 6) / max(full - 6, 1), 0, 1)
    return np.asarray(255 - 255 * dark, np.uint8), place


def _is_short(scan: Scan, segment: Segment) -> bool:
    return segment.box.width < _SHORT * max(scan.size, segment.size)


def _width(width: float) -> int:
    return int(min(max(round(width), 16), _LONGEST))


def _method(crop: Numbers) -> int:
    return cv2.INTER_CUBIC if crop.shape[0] < _ROWS else cv2.INTER_AREA

"""What the detect room's tools share: the tool itself, stored series, the last decoded volume."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple, TypeAlias

from triage.core.volume import Volume
from triage.core.work import Call, Cause, Facts, Health, Outcome, ToolSpec
from triage.detect import series
from triage.detect.pixels import load_volume
from triage.detect.series import SeriesAssessment
from triage.detect.slices import Slice, read_slice
from triage.errors import ModelError, NotFound, OutOfResources
from triage.store.files import Files
from triage.store.result_rows import StoredSlice

Work: TypeAlias = Callable[[Facts, Call], Outcome]


class StoredSeries(NamedTuple):
    """A readable series as `assemble_series` stored it."""

    assessment: SeriesAssessment
    slices: list[Slice]


def _always_up() -> Health:
    return Health(up=True)


@dataclass(frozen=True)
class DetectTool:
    """A `triage.core.work.Tool` made of a description and two functions."""

    describe: Callable[[], ToolSpec]
    work: Work
    check: Callable[[], Health] = _always_up

    @property
    def spec(self) -> ToolSpec:
        """How the tool describes itself."""
        return self.describe()

    def health(self) -> Health:
        """Whether it can work on this machine now."""
        return self.check()

    def run(self, facts: Facts, call: Call) -> Outcome:
        """Do the work; what goes wrong in a known way becomes the outcome's cause."""
        try:
            return self.work(facts, call)
        except ModelError as error:
            return Outcome(cause=Cause.TOOL_DOWN, message=error.message)
        except OutOfResources as error:
            return Outcome(cause=Cause.RESOURCE, message=error.message)
        except MemoryError:
            return Outcome(cause=Cause.RESOURCE, message="not enough memory for this series")
        except NotFound as error:
            return Outcome(cause=Cause.INPUT_MISSING, message=error.message)


@dataclass
class VolumeCache:
    """The last decoded volume, so that detection and packing decode a series once between them."""

    files: Files
    _lock: threading.Lock = field(default_factory=threading.Lock)
    _key: str = ""
    _volume: Volume | None = None

    def load(self, key: str) -> Volume:
        """Volume of a stored series.

        Parameters
        ----------
        key : str
            Of the stored series (`load_series`).

        Raises
        ------
        ReadingError
        """
        with self._lock:
            if self._volume is None or self._key != key:
                self._volume = None  # let the old one go before the new one is allocated
                slices = load_series(self.files, key).slices
                self._volume = load_volume(slices, self.files.path_of)
                self._key = key
            return self._volume


def load_series(files: Files, key: str) -> StoredSeries:
    """A readable series back from the file store."""
    document = json.loads(files.read(key))
    slices = [as_slice(StoredSlice(**s)) for s in document["slices"]]
    return StoredSeries(series.from_json(document["assessment"]), slices)


def as_slice(one: StoredSlice) -> Slice:
    """The typed view of a stored instance; its content key is where its bytes lie."""
    return read_slice(one.header, sop_uid=one.sop_uid, key=one.digest, sop_class=one.sop_class)


def mapping(fact: object) -> Mapping[str, Any]:
    """A fact that is a document.

    Raises
    ------
    NotFound
        It is something else: the tool that gave it is to blame.
    """
    if not isinstance(fact, Mapping):
        raise NotFound("a fact is not the document it should be")
    return fact

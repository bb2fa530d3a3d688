"""Models read scans as the clinic reads; what each said is kept, so a killed evaluation goes on.

One small JSON file per model, runtime, decode settings, product version and pixels, under ``marks``
of the output folder. A file that is not whole or speaks of something else is not used; the scan is
read again.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, replace
from functools import partial
from pathlib import Path

from pydantic import TypeAdapter, ValidationError

from triage import __version__
from triage.core.work import digest_of
from triage.detect import runtimes, tiles
from triage.detect.decode import decode
from triage.detect.model_folder import ModelFolder, locate, open_model
from triage.detect.tiles import Runtime
from triage.errors import ModelRefused, Unprocessable
from triage.learn.evaluation.material import Material, Ready
from triage.learn.evaluation.report import LeftOut, ModelFacts
from triage.learn.evaluation.tables import Mark, ModelMarks, ScanTable
from triage.learn.sealed import learned_from, trained_on
from triage.settings import RuntimeChoice


@dataclass(frozen=True, slots=True)
class Contender:
    """A model that is served.

    Attributes
    ----------
    label : str
    folder : ModelFolder
    runtime : Runtime
    knows : frozenset of str
        Names of series and patients it learned or was tuned on.
    learned : frozenset of str
        Those it learned from.
    """

    label: str
    folder: ModelFolder
    runtime: Runtime
    knows: frozenset[str]
    learned: frozenset[str] = frozenset()

    @property
    def facts(self) -> ModelFacts:
        """Which model it is."""
        one = self.folder
        return ModelFacts(
            self.label, one.name, one.version, one.digest, self.runtime.name,
            one.decode.threshold, bool(self.knows),
        )  # fmt: skip


@dataclass(frozen=True, slots=True)
class Kept:
    """What one model said of one scan.

    Attributes
    ----------
    key : str
        Of everything it depends on.
    marks : tuple of Mark
        The most probable ones, whatever the operating point.
    noise_hu : float or None
        Of the scan.
    """

    key: str
    marks: tuple[Mark, ...]
    noise_hu: float | None


def open_contenders(words: Sequence[str], runtime: RuntimeChoice) -> list[Contender]:
    """Open and start models.

    Parameters
    ----------
    words : sequence of str
        Model folders or names; ``MODEL@RUNTIME`` for one that another runtime serves.
    runtime : RuntimeChoice
        Of the others.

    Returns
    -------
    list of Contender
        In that order, labels unique.

    Raises
    ------
    ModelRefused, RuntimeDown
        A model cannot be read or served.
    """
    found: list[Contender] = []
    for word in words:
        name, choice = _parted(word, runtime)
        folder = Path(name) if Path(name).is_dir() else locate(name)
        model = open_model(folder)
        try:
            knows, learned = frozenset(trained_on(folder)), frozenset(learned_from(folder))
        except (OSError, ValueError, AttributeError, TypeError) as error:
            raise ModelRefused(f"{name}: metadata.json is not as it should be: {error}") from error
        started = runtimes.choose(choice, model)
        found.append(Contender(_label(folder, started, found), model, started, knows, learned))
    return found


def _parted(word: str, runtime: RuntimeChoice) -> tuple[str, RuntimeChoice]:
    name, at, last = word.rpartition("@")
    if at and last in set(RuntimeChoice):
        return name, RuntimeChoice(last)
    return word, runtime


def _label(folder: Path, started: Runtime, others: Sequence[Contender]) -> str:
    taken = {one.label for one in others}
    name = folder.resolve().name
    for label in (name, f"{name} {started.name}", f"{folder} {started.name}"):
        if label not in taken:
            return label
    raise Unprocessable(f"{folder} by {started.name} is asked for twice", code="not_unique")


def left_out(tables: Sequence[ScanTable], contenders: Sequence[Contender]) -> tuple[LeftOut, ...]:
    """Scans of patients that a model learned from; nobody is scored on them."""
    return tuple(
        LeftOut(table.name, ", ".join(sorted(table.patients)), one.label)
        for table in tables
        for one in contenders
        if one.knows & {table.name, table.scan, *table.patients}
    )


def read_all(
    scans: Sequence[Material],
    contenders: Sequence[Contender],
    kept_in: Path | None,
    tell: Callable[[str], None],
) -> tuple[list[ScanTable], list[ModelMarks]]:
    """Let every model read every scan that is not kept yet.

    Parameters
    ----------
    scans : sequence of Material
    contenders : sequence of Contender
    kept_in : Path or None
        Folder; None keeps nothing.
    tell : callable
        Is told of every scan.

    Returns
    -------
    scans : list of ScanTable
        With their noise.
    marks : list of ModelMarks
        In the order of the contenders.
    """
    tables: list[ScanTable] = []
    said: list[dict[str, tuple[Mark, ...]]] = [{} for _ in contenders]
    for number, one in enumerate(scans, start=1):
        reader = _Reader(one, kept_in, partial(_numbered, tell, f"{number} of {len(scans)}"))
        answers = [reader.read(contender) for contender in contenders]
        for row, answer in zip(said, answers, strict=True):
            row[one.table.scan] = answer.marks
        tables.append(replace(one.table, noise_hu=answers[0].noise_hu))
    return tables, [
        ModelMarks(c.label, c.folder.decode.threshold, row)
        for c, row in zip(contenders, said, strict=True)
    ]


def _numbered(tell: Callable[[str], None], place: str, words: str) -> None:
    tell(f"{place}: {words}")


class _Reader:
    """Reads one scan, loading and preparing it once at most, and only if somebody must look."""

    def __init__(
        self, material: Material, kept_in: Path | None, tell: Callable[[str], None]
    ) -> None:
        self.material, self.kept_in, self.tell = material, kept_in, tell
        self._ready: Ready | None = None

    def read(self, contender: Contender) -> Kept:
        key = _key(contender, self.material)
        path = None if self.kept_in is None else self.kept_in / f"{key}.json"
        name = f"{self.material.table.name}, {contender.label}"
        if path is not None and (kept := _kept(path, key)):
            self.tell(f"{name}: kept, {len(kept.marks)} marks")
            return kept
        start = time.monotonic()
        answer = self._look(contender, key)
        if path is not None:
            _keep(path, answer)
        self.tell(f"{name}: {len(answer.marks)} marks, {time.monotonic() - start:.1f} s")
        return answer

    def _look(self, contender: Contender, key: str) -> Kept:
        if self._ready is None:
            self._ready = self.material.load()
        prepared, noise = self._ready.prepared, self._ready.noise_hu
        opened = replace(contender.folder.decode, threshold=0.0)
        found = decode(tiles.run(contender.runtime, prepared.tensor), prepared, opened)
        marks = tuple(Mark(c.center_lps_mm, c.diameter_mm, c.probability) for c in found)
        return Kept(key, marks, noise)


def _key(contender: Contender, material: Material) -> str:
    settings = asdict(replace(contender.folder.decode, threshold=0.0))
    return digest_of(
        {
            "model": contender.folder.digest,
            "runtime": contender.runtime.name,
            "decode": settings,
            "product": __version__,
            "pixels": material.digest,
        }
    )


_KEPT = TypeAdapter(Kept)


def _kept(path: Path, key: str) -> Kept | None:
    try:
        kept = _KEPT.validate_json(path.read_bytes())
    except (OSError, ValidationError):
        return None
    return kept if kept.key == key else None


def _keep(path: Path, answer: Kept) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_suffix(f".{os.getpid()}.part")
    part.write_bytes(_KEPT.dump_json(answer))
    part.replace(path)

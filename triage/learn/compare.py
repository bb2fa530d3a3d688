"""What two models say of sealed cases, read as the clinic reads: rows for the gate."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any

from triage.detect import tiles
from triage.detect.decode import decode
from triage.detect.nodule import Detector
from triage.detect.prepare import Prepared, prepare
from triage.learn.data.cases import Case
from triage.learn.froc import Role, score
from triage.learn.gate import CasePair, Read
from triage.learn.sealed import SealedCase

_WRONG = frozenset({Role.FALSE, Role.SMALL})


@dataclass(frozen=True, slots=True)
class Both:
    """Champion and challenger, served."""

    champion: Detector
    challenger: Detector


def compare(cases: Sequence[SealedCase], both: Both, done: Callable[[int], None]) -> list[CasePair]:
    """Let both models read every case.

    Parameters
    ----------
    cases : sequence of SealedCase
    both : Both
    done : callable
        Told how many cases are done.

    Returns
    -------
    list of CasePair
    """
    rows = []
    for number, one in enumerate(cases, start=1):
        prepared = prepare(one.load())
        reads = [read(d, prepared, one.case) for d in (both.champion, both.challenger)]
        rows.append(CasePair(one.label, *reads))
        done(number)
    return rows


def read(detector: Detector, prepared: Prepared, case: Case) -> Read:
    """One model's answer to one case, at all thresholds."""
    settings = detector.model.decode
    opened = replace(settings, threshold=0.0)  # no more marks than a reader would ever be shown
    found = decode(tiles.run(detector.runtime, prepared.tensor), prepared, opened)
    scored = score(case, found)
    false = [c.probability for c, r in zip(found, scored.roles, strict=True) if r in _WRONG]
    return Read(tuple(n.probability for n in scored.nodules), tuple(false), settings.threshold)


def to_json(rows: Iterable[CasePair]) -> list[dict[str, Any]]:
    """Plain rows; `from_json` gives them back."""
    return [asdict(row) for row in rows]


def from_json(rows: Iterable[Mapping[str, Any]]) -> list[CasePair]:
    """Back from `to_json`."""
    return [
        CasePair(row["label"], _read(row["champion"]), _read(row["challenger"])) for row in rows
    ]


def _read(row: Mapping[str, Any]) -> Read:
    return Read(tuple(row["hits"]), tuple(row["false"]), row["threshold"])

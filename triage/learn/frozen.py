"""The training set of a round: signed decisions and their series, frozen under one digest."""

from __future__ import annotations

import hashlib
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from typing import Any

from triage.core.volume import Volume
from triage.core.work import Json, canonical_json
from triage.detect.pixels import load_volume
from triage.detect.series import assess_study
from triage.detect.stored import as_slice
from triage.detect.tools import READ_CLASSES
from triage.errors import GeometryRefused, ReadingError
from triage.learn.sealed import slice_hashes
from triage.store import learning_rows, result_rows
from triage.store.files import Files
from triage.store.learning_rows import SignedDecision
from triage.store.result_rows import StoredSlice
from triage.store.session import Store

#: From so many series on, a fifth is not trained on: it places the challenger's operating point.
FEWEST_TO_SET_ASIDE, SET_ASIDE_EVERY = 5, 5


@dataclass(frozen=True, slots=True)
class FrozenSeries:
    """One series of the training set.

    Attributes
    ----------
    study_uid, series_uid : str
    slices : tuple of StoredSlice
        In stack order.
    hashes : tuple of str
        `sealed.slice_hashes`.
    decisions : tuple of SignedDecision
    set_aside : bool
        Not trained on: places the operating point.
    """

    study_uid: str
    series_uid: str
    slices: tuple[StoredSlice, ...]
    hashes: tuple[str, ...]
    decisions: tuple[SignedDecision, ...]
    set_aside: bool = False


def freeze(
    store: Store, files: Files, decisions: Sequence[SignedDecision]
) -> tuple[list[FrozenSeries], dict[str, str]]:
    """Read every series that decisions speak of.

    Parameters
    ----------
    store : Store
    files : Files
    decisions : sequence of SignedDecision

    Returns
    -------
    series : list of FrozenSeries
        By UID; those set aside are marked.
    unreadable : dict of str to str
        Series UID and why.
    """
    by_series: dict[tuple[str, str], list[SignedDecision]] = defaultdict(list)
    for one in decisions:
        by_series[one.study_uid, one.series_uid].append(one)
    found, unreadable = [], {}
    for (study_uid, series_uid), own in sorted(by_series.items()):
        try:
            slices = _stack(store, study_uid, series_uid)
            hashes = slice_hashes(volume_of(slices, files))
        except ReadingError as error:
            unreadable[series_uid] = error.message
            continue
        found.append(FrozenSeries(study_uid, series_uid, tuple(slices), tuple(hashes), tuple(own)))
    return _set_some_aside(found), unreadable


def _stack(store: Store, study_uid: str, series_uid: str) -> list[StoredSlice]:
    with store.reading() as uow:
        stored = result_rows.slices_of(uow, study_uid, READ_CLASSES)
    judged = assess_study({uid: [as_slice(s) for s in own] for uid, own in stored.items()})
    series = next((one for one in judged if one.series_uid == series_uid), None)
    if series is None or not series.sop_uids:
        raise GeometryRefused("the series is no longer one readable stack")
    by_uid = {one.sop_uid: one for one in stored[series_uid]}
    return [by_uid[uid] for uid in series.sop_uids]


def volume_of(slices: Sequence[StoredSlice], files: Files) -> Volume:
    """Decode a frozen series.

    Raises
    ------
    ReadingError
    """
    return load_volume([as_slice(one) for one in slices], files.path_of)


def _set_some_aside(found: Sequence[FrozenSeries]) -> list[FrozenSeries]:
    """Every fifth series, by the hash of its study: the same ones in every round."""
    if len(found) < FEWEST_TO_SET_ASIDE:
        return list(found)
    order = sorted(found, key=lambda one: hashlib.sha256(one.study_uid.encode()).hexdigest())
    aside = {one.series_uid for one in order[::SET_ASIDE_EVERY]}
    return [
        FrozenSeries(
            one.study_uid, one.series_uid, one.slices, one.hashes, one.decisions,
            one.series_uid in aside,
        )
        for one in found
    ]  # fmt: skip


def to_bytes(population: str, series: Sequence[FrozenSeries]) -> bytes:
    """The training set as canonical JSON: its SHA-256 is the dataset's digest."""
    rows: list[Json] = []
    for one in series:
        row: dict[str, Any] = {
            "study_uid": one.study_uid,
            "series_uid": one.series_uid,
            "slices": [asdict(s) for s in one.slices],
            "hashes": list(one.hashes),
            "decisions": [d.as_json() | {"number": d.number} for d in one.decisions],
            "set_aside": one.set_aside,
        }
        rows.append(row)
    return canonical_json({"population": population, "series": rows}).encode()


def from_json(document: Mapping[str, Any]) -> list[FrozenSeries]:
    """Back from `to_bytes`; who signed and when is not part of what is taught."""
    return [
        FrozenSeries(
            study_uid=row["study_uid"],
            series_uid=row["series_uid"],
            slices=tuple(StoredSlice(**s) for s in row["slices"]),
            hashes=tuple(row["hashes"]),
            decisions=tuple(_decision(d) for d in row["decisions"]),
            set_aside=row["set_aside"],
        )
        for row in document["series"]
    ]


def _decision(row: Mapping[str, Any]) -> SignedDecision:
    x, y, z = row["center_lps_mm"]
    plain = {**row, "center_lps_mm": (x, y, z)}
    return SignedDecision(
        **plain, reader="", signed_at=datetime.fromtimestamp(0, UTC), signed_event=0
    )


def refuse_sealed(store: Store, series: Sequence[FrozenSeries]) -> list[dict[str, Any]]:
    """Series that hold slices of a test patient: ``{study_uid, series_uid, label, slices}``."""
    refused: list[dict[str, Any]] = []
    with store.reading() as uow:
        for one in series:
            for label, slices in learning_rows.sealed_among(uow, one.hashes).items():
                refused.append(
                    {
                        "study_uid": one.study_uid,
                        "series_uid": one.series_uid,
                        "label": label,
                        "slices": len(slices),
                    }
                )
    return refused

"""UIDs of what we write: the same content always has the same UID (design decision 2).

A re-send keeps its UID, so that no archive ever holds the same report twice; a correction has
another content, so another revision, so another UID, and names its predecessor.
"""

from __future__ import annotations

import uuid

from triage.core.work import canonical_json

#: Every UID of an output is made in this space; changing it would make every report a new one.
_SPACE = uuid.UUID("0b8a1d52-7c1e-5f5e-9a35-53c1a1b6f0d7")


def derived_uid(*parts: str) -> str:
    """A UID under 2.25 (PS3.5 B.2), at most 44 characters, that follows from `parts` alone."""
    return f"2.25.{uuid.uuid5(_SPACE, canonical_json(list(parts))).int}"


def instance_uid(
    study_uid: str,
    series_uid: str | None,
    kind: str,
    *,
    model: str,
    input_digest: str,
    revision: str,
) -> str:
    """SOP Instance UID of an object.

    Parameters
    ----------
    study_uid : str
    series_uid : str or None
        The series that was read; None when none could be.
    kind : str
        ``sr3d`` …: another kind of object about the same thing has another UID.
    model : str
        Name and digest of what looked.
    input_digest : str
        Of the instances that were looked at.
    revision : str
        Digest of the content, the reader's last event among it.
    """
    parts = ("instance", study_uid, series_uid or "", kind, model, input_digest, revision)
    return derived_uid(*parts)


def output_series_uid(study_uid: str, kind: str, model: str) -> str:
    """Series Instance UID: one series for each study, kind of object and model."""
    return derived_uid("series", study_uid, kind, model)


def device_uid(station: str, model_digest: str) -> str:
    """Device Observer UID (TID 1004): this model at this station."""
    return derived_uid("device", station, model_digest)

"""Who a phantom says it is: a patient that is none, dates and UIDs fixed by seed and pixels."""

from __future__ import annotations

import datetime as dt
import uuid
from dataclasses import dataclass

from triage.phantom.chest import PhantomChest

NOT_A_PATIENT = "NOT A PATIENT. Computed phantom for tests and demonstration; research use only."
_NAMESPACE = uuid.UUID("6a9b5f0e-3c0f-5d0f-9d5c-7a3c9b6c2f11")


@dataclass(frozen=True, slots=True)
class Identity:
    """Who and when the headers say, and the UIDs.

    Attributes
    ----------
    patient_id, patient_name, sex : str
    age_years : int
    taken : datetime
        Study date and time.
    study_uid, series_uid, frame_uid : str
        Under 2.25 (PS3.5 B.2), derived from seed and pixels: other pixels never share a UID.
    accession : str
    """

    patient_id: str
    patient_name: str
    sex: str
    age_years: int
    taken: dt.datetime
    study_uid: str
    series_uid: str
    frame_uid: str
    accession: str

    def sop_uid(self, instance_number: int) -> str:
        """SOP Instance UID of one slice."""
        return derived_uid(f"{self.series_uid}/{instance_number}")


def derived_uid(text: str) -> str:
    """A UID under 2.25 (PS3.5 B.2) that is always the same for the same text."""
    return f"2.25.{uuid.uuid5(_NAMESPACE, text).int}"


def identity_of(
    chest: PhantomChest,
    pixel_sha256: str,
    seed: int,
    *,
    patient_id: str | None,
    patient_name: str | None,
    study_uid: str | None,
    taken: dt.datetime | None,
) -> Identity:
    """Who the headers name; what is not given follows from seed and pixels."""
    letter = chr(ord("A") + seed) if seed < 26 else str(seed)
    study = study_uid or derived_uid(f"study/{seed}/{pixel_sha256}")
    day = dt.datetime(2026, 1, 5, 8, 0) + dt.timedelta(days=seed % 280, minutes=seed % 480)
    return Identity(
        patient_id=patient_id or f"PH-{seed:06d}",
        patient_name=patient_name or f"Phantom^{letter}",
        sex=chest.body.sex,
        age_years=52 + seed * 7 % 26,
        taken=taken or day,
        study_uid=study,
        series_uid=derived_uid(f"series/{study}/{pixel_sha256}"),
        frame_uid=derived_uid(f"frame/{study}"),
        accession=f"PHA{seed:06d}"[:16],
    )

"""Payloads of the guidelines, as a script would type them."""

from __future__ import annotations

from typing import Any

from triage.rules.fleischner import fleischner2017
from triage.rules.lungrads import lungrads2022

Payload = dict[str, Any]

SCREENING: Payload = {
    "purpose": "screening_ldct",
    "prior_ct": "none",
    "lungs_fully_evaluable": True,
    "inflammatory_infectious_suspected": False,
    "known_lung_cancer": False,
}
FOLLOW_UP: Payload = SCREENING | {"prior_ct": "available"}
INCIDENTAL: Payload = {"purpose": "incidental", "slice_thickness": "1.0 mm"}
ADULT: Payload = {
    "age_years": 60,
    "known_cancer": False,
    "immunosuppressed": False,
    "risk": "low",
}


def mm(value: object) -> Payload:
    """A typed length."""
    return {"value": value, "unit": "mm"}


def mm3(value: object) -> Payload:
    """A typed volume."""
    return {"value": value, "unit": "mm3"}


def mean(value: object) -> Payload:
    """A size given as its mean."""
    return {"mean": mm(value)}


def nodule(kind: str, status: str, size: object, **more: object) -> Payload:
    """One nodule; `size` is a mean in mm, or a whole size."""
    whole = size if isinstance(size, dict) else mean(size)
    return {"id": "a", "kind": "nodule", "type": kind, "status": status, "size": whole} | more


def existing(kind: str, now: object, before: object, **more: object) -> Payload:
    """A nodule seen before: means in mm now and before, 6 months apart unless told otherwise."""
    prior = {"size": mean(before), "interval": {"value": 6, "unit": "months"}, "category": "2"}
    prior |= more.pop("prior", {})  # type: ignore[call-overload]
    return nodule(kind, "existing", now, prior=prior, **more)


def screening(*findings: Payload, **exam: object) -> Any:
    """Lung-RADS of these findings; an exam with a prior as soon as one finding needs it."""
    first = all(finding.get("status") in ("baseline", None) for finding in findings)
    base = SCREENING if first else FOLLOW_UP
    return lungrads2022({"exam": base | exam, "findings": list(findings)})


def incidental(*findings: Payload, exam: Payload | None = None, **patient: object) -> Any:
    """Fleischner 2017 of these findings."""
    return fleischner2017(
        {
            "exam": INCIDENTAL | (exam or {}),
            "patient": ADULT | patient,
            "findings": list(findings),
        }
    )


def fields(result: Any) -> list[str]:
    """Fields that the refusal names."""
    return [reason["field"] for reason in result["reasons"]]


def codes(result: Any) -> set[str]:
    """Codes of the review points."""
    return {point["code"] for point in result["review"]}


def rules(result: Any) -> list[str]:
    """Rule ids of the trace, in order."""
    return [line["rule_id"] for line in result["trace"]]

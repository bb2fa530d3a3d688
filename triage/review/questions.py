"""What only a person can answer before a guideline may be applied (clinical_rules section 5).

Nothing is ever assumed: a field without an answer is a question, and while the purpose is not
known it is the only one, because it decides which others are needed.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from triage.core.context import NEEDED, known
from triage.review.schema import Question

FIELDS: Final = (
    "purpose",
    "prior_ct",
    "lungs_fully_evaluable",
    "inflammatory_infectious_suspected",
    "known_lung_cancer",
    "age_years",
    "risk",
    "immunosuppressed",
    "known_cancer",
    "significant_other_finding",
    "significant_other_finding_known",
)

TEXTS: Final[dict[str, str]] = {
    "purpose": "Purpose of the examination",
    "prior_ct": "Prior CT",
    "lungs_fully_evaluable": "Lungs fully evaluable",
    "inflammatory_infectious_suspected": "Inflammation or infection suspected",
    "known_lung_cancer": "Known lung cancer",
    "age_years": "Age in years",
    "risk": "Risk of lung cancer",
    "immunosuppressed": "Immunosuppressed",
    "known_cancer": "Known cancer",
    "significant_other_finding": "Other significant finding",
    "significant_other_finding_known": "Other significant finding is known already",
}


def open_questions(values: Mapping[str, Any]) -> list[Question]:
    """List the fields that a category needs and nobody has answered.

    Parameters
    ----------
    values : mapping
        Field to ``{value, source, …}``, as stored.
    """
    needed = NEEDED[known(values, "purpose")]
    return [
        Question(field=field, text=TEXTS[field]) for field in needed if known(values, field) is None
    ]

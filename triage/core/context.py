"""What a category needs to know of the examination and only an order, a rule or a person can say.

One table for all rooms: the page asks these, and the report says of each that is not known that it
is not known (clinical_rules section 5).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

#: Purpose of the examination -> fields that its guideline needs: Lung-RADS v2022 for screening,
#: Fleischner 2017 for an incidental finding. While the purpose is not known it is the only
#: question, because it decides which others are needed; another purpose needs nothing.
NEEDED: Final[dict[str | None, tuple[str, ...]]] = {
    None: ("purpose",),
    "screening_ldct": (
        "prior_ct",
        "known_lung_cancer",
        "lungs_fully_evaluable",
        "inflammatory_infectious_suspected",
    ),
    "incidental": ("age_years", "known_cancer", "immunosuppressed", "risk"),
    "other": (),
}


def known(values: Mapping[str, Any], field: str) -> Any:
    """The value of a context field, None when it is not known.

    Parameters
    ----------
    values : mapping
        Field to ``{value, source, …}``, as stored.
    """
    entry = values.get(field)
    return None if entry is None else entry.get("value")

"""Print the OpenAPI description of the API: ``python -m triage.review.openapi > openapi.json``."""

from __future__ import annotations

import json
import sys

from triage.review.api import build


def description() -> str:
    """Return the OpenAPI document as stable JSON text."""
    return json.dumps(build().openapi(), indent=1, ensure_ascii=False, sort_keys=True) + "\n"


if __name__ == "__main__":
    sys.stdout.write(description())

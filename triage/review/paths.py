"""Identifiers in addresses, checked before anything looks them up."""

from __future__ import annotations

from typing import Annotated

from fastapi import Path

StudyUid = Annotated[str, Path(pattern=r"^[0-9.]{1,64}$", description="Study Instance UID")]
SeriesUid = Annotated[str, Path(pattern=r"^[0-9.]{1,64}$", description="Series Instance UID")]
FindingId = Annotated[str, Path(pattern=r"^[0-9a-fA-F-]{1,36}$")]

"""Fixtures of the door: an intake on SQLite, and one on both databases."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TypeAlias

import pytest
from pydicom.dataset import Dataset

from tests.receive import objects
from triage.receive.intake import Intake, Message, Receipt
from triage.store.files import Files
from triage.store.session import Store

Send: TypeAlias = Callable[..., Receipt]


@pytest.fixture
def quarantine(tmp_path: Path) -> Files:
    return Files(tmp_path / "quarantine")


@pytest.fixture
def intake(store: Store, files: Files, quarantine: Files) -> Intake:
    return Intake(store, files, quarantine)


@pytest.fixture
def any_intake(any_store: Store, files: Files, quarantine: Files) -> Intake:
    return Intake(any_store, files, quarantine)


def send(intake: Intake, ds: Dataset, syntax: str = objects.EXPLICIT, ae: str = "CT1") -> Receipt:
    """One object by one association, as a modality would."""
    association = intake.open("dimse", calling_ae=ae)
    message = Message(syntax, str(ds.SOPClassUID), str(ds.SOPInstanceUID), ae)
    receipt = intake.receive(association, objects.data_set(ds, syntax), message)
    intake.close(association, "released")
    return receipt

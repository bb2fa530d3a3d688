"""A worklist to look at, without engine or DICOM: rows and real packed pixels, then the API.

Run it to work on the page::

    .venv/bin/python -m tests.review.seed --data /tmp/seed --port 8010          # phantom, ~1 min
    .venv/bin/python -m tests.review.seed --data /tmp/seed --port 8010 --tiny   # a ball, at once

then open http://127.0.0.1:8010/ (it serves web/dist when that is built; with ``vite dev`` proxy
``/api`` to it and keep the Host header, ``changeOrigin: false``). Accounts: ``reader`` /
``reader-password`` (radiologist), ``second`` / ``second-password`` (radiologist), ``admin`` /
``admin-password`` (admin). ``--auth-off`` signs a local user in. A second start with the same
folder keeps what was decided.

What a page must do: send ``X-Triage-Request: 1`` with every POST and PUT; send
``Idempotency-Key`` with decisions; keep ``<meta name="csp-nonce" content="__CSP_NONCE__">`` in
index.html and give that nonce to run-time styles; open ``/login`` for signing in, where a
first-login link is ``/login#first=TOKEN``. EventSource on ``/api/events?after=<seq>`` gets
``change`` events.
"""

from __future__ import annotations

import argparse
import functools
import os
import threading
import uuid
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
from fastapi import FastAPI

from triage.core.finding import ResultStatus, Solidity, StudyState
from triage.core.volume import Volume, axial_affine
from triage.guard.credentials import hash_password
from triage.outputs import volume_stream
from triage.review.api import create_app
from triage.review.services import Services
from triage.settings import load
from triage.store import account_rows, events
from triage.store.files import Files
from triage.store.session import Store, UnitOfWork
from triage.store.tables import FindingRow, Result, Series, Study, User, now
from triage.wiring import _say_ready_when_up, assess

USERS = (
    ("reader", "radiologist", "R. Reader"),
    ("second", "radiologist", "B. Reader"),
    ("admin", "admin", ""),
)
REPOSITORY = Path(__file__).resolve().parents[2]


@dataclass(frozen=True)
class Mark:
    """A finding to seed: where, how large along x and y, how likely."""

    center_lps_mm: tuple[float, float, float]
    long_mm: float | None
    short_mm: float | None
    solidity: Solidity | None = Solidity.SOLID
    probability: float = 0.9
    lobe: str | None = None
    volume_mm3: float | None = None


@dataclass(frozen=True)
class Case:
    """A study to seed."""

    name: str
    patient_id: str
    state: StudyState = StudyState.READY
    status: ResultStatus | None = ResultStatus.ASSESSED
    reasons: tuple[dict[str, Any], ...] = ()
    marks: tuple[Mark, ...] = ()
    waited: timedelta = timedelta(minutes=20)
    state_reason: str = ""
    reader: str = ""
    published: bool = True
    instances: int = 120
    study_uid: str = ""


def uid() -> str:
    """A fresh UID (PS3.5 B.2)."""
    return f"2.25.{uuid.uuid4().int}"


def ball(
    shape_zyx: tuple[int, int, int] = (40, 64, 64), radius_mm: float = 6.0
) -> tuple[Volume, Mark]:
    """Air with one ball of soft tissue: small, quick, and its truth is known."""
    affine = axial_affine((-64.0, -48.0, -300.0), (2.5, 1.5, 1.5))
    empty = Volume(np.full(shape_zyx, -860, np.int16), affine)
    z, y, x = (n // 2 for n in shape_zyx)
    center = empty.to_lps_mm([z, y, x])
    grid = np.stack(np.meshgrid(*(np.arange(n) for n in shape_zyx), indexing="ij"), axis=-1)
    distance = np.linalg.norm(empty.to_lps_mm(grid) - center, axis=-1)
    hu = np.where(distance <= radius_mm, 40, -860).astype(np.int16)
    mark = Mark((center[0], center[1], center[2]), 2 * radius_mm, 2 * radius_mm, probability=0.97)
    return Volume(hu, affine), mark


def add_study(
    store: Store, files: Files, case: Case, volume: Volume | None, at: datetime | None = None
) -> str:
    """Insert one study as the engine would leave it; returns its UID."""
    at = at or now()
    study_uid, series_uid, result_id = case.study_uid or uid(), uid(), str(uuid.uuid4())
    key, info = None, {}
    if volume is not None:
        packed = volume_stream.pack(volume, [uid() for _ in range(len(volume.hu))])
        key, info = files.put(*packed.frames), packed.info
        case = replace(case, instances=len(volume.hu))
    with store.unit_of_work() as uow:
        uow.add(_study_row(case, study_uid, result_id, at))
        uow.flush()
        uow.add(
            Series(
                series_uid=series_uid, study_uid=study_uid, modality="CT", number=2,
                description="Lung 1.0", kernel="B60f", manufacturer="Phantom",
                instances=case.instances, verdict="run", stream_key=key, stream_info=info,
            )
        )  # fmt: skip
        if case.status is not None:
            _add_result(uow, case, (study_uid, series_uid, result_id), info, at)
        events.append(uow, "study.state", study_uid=study_uid, after={"state": case.state.value})
    return study_uid


def _study_row(case: Case, study_uid: str, result_id: str, at: datetime) -> Study:
    readable = case.state in {StudyState.READY, StudyState.IN_REVIEW, StudyState.SIGNED}
    return Study(
        study_uid=study_uid,
        patient_id=case.patient_id,
        patient_name=case.name,
        patient_sex="F",
        patient_age="067Y",
        patient_birth_date="19590401",
        accession=f"26-{case.patient_id[-5:]}",
        study_date="20261124",
        study_time="081200",
        description="CT chest, low dose",
        state=case.state.value,
        state_reason=case.state_reason,
        first_received_at=at - case.waited - timedelta(minutes=2),
        ready_at=at - case.waited if readable else None,
        signed_at=at - timedelta(minutes=1) if case.state is StudyState.SIGNED else None,
        reader=case.reader,
        result_id=result_id if case.status is not None else None,
    )


def _add_result(
    uow: UnitOfWork, case: Case, ids: tuple[str, str, str], info: dict[str, Any], at: datetime
) -> None:
    study_uid, series_uid, result_id = ids
    assert case.status is not None
    uow.add(
        Result(
            id=result_id, study_uid=study_uid, series_uid=series_uid, model_name="nodule-s 0.1.0",
            model_digest="0" * 64, runtime="openvino", input_digest=uuid.uuid4().hex * 2,
            status=case.status.value, reasons=list(case.reasons),
            covered_lung_fraction=1.0 if case.status is ResultStatus.ASSESSED else None,
            timings_s={"prepare": 1.2, "detect": 2.9, "measure": 0.2},
            published_at=at if case.published else None,
        )
    )  # fmt: skip
    uow.flush()
    ranked = sorted(case.marks, key=lambda mark: -mark.probability)
    for number, mark in enumerate(ranked, start=1):
        uow.add(_finding_row(mark, number, ids, info))


def _finding_row(
    mark: Mark, number: int, ids: tuple[str, str, str], info: dict[str, Any]
) -> FindingRow:
    x, y, z = mark.center_lps_mm
    axes: dict[str, Any] = {"long_axis_lps_mm": None, "short_axis_lps_mm": None}
    if mark.long_mm is not None and mark.short_mm is not None:
        a, b = mark.long_mm / 2, mark.short_mm / 2
        axes["long_axis_lps_mm"] = [[x - a, y, z], [x + a, y, z]]
        axes["short_axis_lps_mm"] = [[x, y - b, z], [x, y + b, z]]
    known = {
        "center_lps_mm": [x, y, z],
        "long_mm": mark.long_mm,
        "short_mm": mark.short_mm,
        "solidity": None if mark.solidity is None else mark.solidity.value,
        "lobe": mark.lobe,
        "volume_mm3": mark.volume_mm3,
        **axes,
    }
    # The machine's words alone: no column, and no reader's.
    v = mark.volume_mm3
    interval = None if v is None else [v / 2, v * 2]
    return FindingRow(
        finding_id=str(uuid.uuid4()), study_uid=ids[0], series_uid=ids[1], result_id=ids[2],
        number=number, probability=mark.probability, tracking_uid=uid(),
        model_version="nodule-s 0.1.0", key_sop_uid=_nearest_sop_uid(info, z),
        proposed=known | {"volume_interval_mm3": interval}, **known,
    )  # fmt: skip


def _nearest_sop_uid(info: dict[str, Any], z_mm: float) -> str | None:
    if not info:
        return None
    origins = [origin[2] for origin in info["slice_origins_lps_mm"]]
    nearest = min(range(len(origins)), key=lambda k: abs(origins[k] - z_mm))
    return str(info["sop_uids"][nearest])


@functools.cache
def _hashed(password: str) -> str:
    return hash_password(password)


def add_users(store: Store, users: Sequence[tuple[str, str, str]] = USERS) -> None:
    """Make accounts whose password is the name and ``-password``."""
    with store.unit_of_work() as uow:
        for name, role, display_name in users:
            if uow.get(User, name) is None:
                account_rows.add_user(
                    uow, name, role, display_name=display_name, actor="seed",
                    password_hash=_hashed(f"{name}-password"),
                )  # fmt: skip


def _here(size_mm: float, kind: Solidity | None = Solidity.SOLID, p: float = 0.8) -> Mark:
    return Mark((0.0, 0.0, -250.0), size_mm, round(size_mm * 0.8, 1), kind, p)


# The rows of the worklist picture that have no pixels here.
OTHERS = (
    Case("Phantom^B", "PH-100871", marks=(_here(25.0), _here(6.1), _here(4.0))),
    Case("Phantom^C", "PH-103318", marks=(_here(4.1),), waited=timedelta(hours=3, minutes=48)),
    Case("Phantom^E", "PH-104019", marks=(_here(11.6, Solidity.PART_SOLID), _here(4.4))),
    Case("Phantom^F", "PH-101577", StudyState.IN_REVIEW, marks=(_here(9.8),), reader="second"),
    Case(
        "Phantom^G", "PH-104240", status=ResultStatus.NOT_ASSESSED,
        reasons=({"code": "slices_too_thick", "message": "slices 5.0 mm, limit 3.0 mm"},),
    ),
    Case("体模^甲", "PH-103902", marks=(_here(14.0, Solidity.GROUND_GLASS),)),
    Case(
        "Phantom^I", "PH-102766", status=ResultStatus.PARTLY_ASSESSED, marks=(_here(5.2),),
        reasons=({"code": "lung_not_covered", "message": "lung bases cut off"},),
    ),
    Case("Phantom^J", "PH-103127", marks=(_here(4.4),), waited=timedelta(minutes=100)),
    Case("Phantom^L", "PH-104101", waited=timedelta(minutes=137)),
    Case(
        "Phantom^R", "PH-104236", StudyState.FAILED, status=None, instances=96,
        state_reason="Images unreadable: 3 of 96 end early",
    ),
    Case("Phantom^O", "PH-104252", StudyState.RUNNING, status=None, instances=331),
    Case("Phantom^P", "PH-104253", StudyState.INCOMPLETE, status=None, instances=118),
    Case("Phantom^Q", "PH-104254", StudyState.RECEIVING, status=None, instances=204),
    Case("Phantom^S", "PH-104260", StudyState.SIGNED, marks=(_here(5.0),), reader="reader"),
)  # fmt: skip


def fill(store: Store, files: Files, *, tiny: bool) -> str:
    """Seed accounts and the whole list once; returns the UID of the study with pixels."""
    add_users(store)
    with store.reading() as uow:
        already = uow.query(Study.study_uid).filter(Study.patient_name == "Phantom^A").first()
    if already is not None:
        return str(already[0])
    for case in OTHERS:
        add_study(store, files, case, None)
    volume, marks = _tiny() if tiny else _phantom()
    case = Case("Phantom^A", "PH-104233", marks=tuple(marks), waited=timedelta(minutes=19))
    return add_study(store, files, case, volume)


def _tiny() -> tuple[Volume, list[Mark]]:
    volume, mark = ball()
    x, y, z = mark.center_lps_mm
    away = (x - 20.0, y - 10.0, z + 15.0)
    return volume, [mark, Mark(away, 6.0, 4.5, None, 0.38)]


def _phantom() -> tuple[Volume, list[Mark]]:
    from triage.phantom.chest import make_chest

    chest = make_chest(7, nodules=4, slices=200)
    likely = (0.97, 0.71, 0.38, 0.22)
    marks = [
        Mark(n.center_lps_mm, round(n.long_mm, 1), round(n.short_mm, 1), n.solidity, p)
        for n, p in zip(chest.nodules, likely, strict=False)
    ]
    return chest.volume, marks


def services() -> Services:
    """Services on the data folder that ``TRIAGE_DATA`` names, without engine."""
    settings = load()
    store = Store(settings.url)
    store.upgrade()
    web_root = REPOSITORY / "web" / "dist"
    from triage.engine.explain import explain

    return Services(
        store=store,
        files=Files(settings.data / "objects"),
        settings=settings,
        assess=assess,
        explain=explain,
        web_root=web_root if web_root.is_dir() else None,
    )


def serve_app() -> FastAPI:
    """Granian target (factory): the app on `services`."""
    return create_app(services())


def main() -> None:
    """Fill a data folder and serve it."""
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--data", type=Path, required=True)
    arguments.add_argument("--port", type=int, default=8010)
    arguments.add_argument("--tiny", action="store_true", help="a ball instead of a phantom")
    arguments.add_argument("--auth-off", action="store_true")
    arguments.add_argument("--fill-only", action="store_true")
    arguments.add_argument("--ready-fd", type=int, help="gets one byte when the page answers")
    asked = arguments.parse_args()
    os.environ["TRIAGE_DATA"] = str(asked.data.absolute())
    os.environ["TRIAGE_HTTP_PORT"] = str(asked.port)
    os.environ["TRIAGE_AUTH"] = "off" if asked.auth_off else "on"
    world = services()
    print("study with pixels:", fill(world.store, world.files, tiny=asked.tiny), flush=True)
    world.store.close()
    if asked.fill_only:
        return
    from granian import Granian
    from granian.constants import HTTPModes, Interfaces
    from granian.http import HTTP1Settings

    answering = (load(), asked.ready_fd)
    threading.Thread(target=_say_ready_when_up, args=answering, daemon=True).start()
    Granian(
        "tests.review.seed:serve_app", address="127.0.0.1", port=asked.port, factory=True,
        interface=Interfaces.ASGI, http=HTTPModes.http1, workers=1,
        http1_settings=HTTP1Settings(header_read_timeout=3000),
    ).serve()  # fmt: skip


if __name__ == "__main__":
    main()

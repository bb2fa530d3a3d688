"""The outputs room's tools for the engine: the SR of a publication, the SR of a signature.

Each writes the object, then its row, then asks for its delivery as an effect. Any of these may be
done twice: the same content has the same bytes, the same UID and the same row.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, TypeAlias

from pydicom import dcmread

from triage.core.work import Call, Cause, Effect, Facts, Health, Outcome, ToolSpec
from triage.errors import NotFound, OutOfResources
from triage.outputs import sr
from triage.outputs.compose import final, preliminary
from triage.outputs.images import SourceImage, patient_and_study
from triage.outputs.report import Report, Stage
from triage.pathway import CT_IMAGE_CLASSES, PUBLISHED, REPORT, REPORT_FINAL, SIGNED
from triage.store import output_rows
from triage.store.files import Files
from triage.store.result_rows import StoredSlice
from triage.store.session import Store, UnitOfWork
from triage.store.tables import Output, now

#: Which sender carries the object away (`triage.peers.send`).
STORE_SR: Final = "store_sr"

Compose: TypeAlias = Callable[[UnitOfWork, str, Mapping[str, Any]], Report]


@dataclass(frozen=True)
class ReportTool:
    """A `triage.core.work.Tool` that writes one kind of report.

    Attributes
    ----------
    spec : ToolSpec
    store : Store
    files : Files
    station : str
        AE title of this installation.
    destinations : sequence of str
        Names of the nodes that want the SR; with none it is written and goes nowhere.
    compose : callable
        Unit of work, study UID and the needed fact to the report.
    """

    spec: ToolSpec
    store: Store
    files: Files
    station: str
    destinations: Sequence[str]
    compose: Compose

    def health(self) -> Health:
        """Always: it needs nothing but rows and files."""
        return Health(up=True)

    def run(self, facts: Facts, call: Call) -> Outcome:
        """Write the report; what goes wrong in a known way becomes the outcome's cause."""
        try:
            written = self._write(facts[self.spec.needs[0]], call.subject)
        except OutOfResources as error:
            return Outcome(cause=Cause.RESOURCE, message=error.message)
        except NotFound as error:
            return Outcome(cause=Cause.INPUT_MISSING, message=error.message)
        fact = {"sop_uid": written.sop_uid, "digest": written.digest, "status": written.status}
        to = f"for {', '.join(self.destinations)}" if self.destinations else "no PACS wants it"
        return Outcome(
            facts={self.spec.gives[0]: fact},
            message=f"{written.status.lower()}, {to}",
            effects=self._effects(written),
        )

    def _write(self, fact: Any, study_uid: str) -> Output:
        with self.store.reading() as uow:
            report = self.compose(uow, study_uid, fact)
            earlier = output_rows.outputs_of(uow, study_uid, sr.KIND)
            done = next((row for row in earlier if row.revision == report.revision), None)
            if done is not None:
                return done
            used = _used(uow, report)
        predecessor = _predecessor(self.files, report, earlier)
        document = sr.build(
            report,
            patient_and_study(self.files.path_of(used[0].digest)),
            [SourceImage(s.sop_uid, s.sop_class, s.series_uid, s.header) for s in used],
            station=self.station,
            instance_number=len(earlier) + 1,
            predecessor=predecessor,
        )
        values = {
            "sop_uid": str(document.SOPInstanceUID),
            "study_uid": study_uid,
            "kind": sr.KIND,
            "revision": report.revision,
            "predecessor_sop_uid": predecessor.sop_uid if predecessor else None,
            "status": report.stage.value,
            "digest": self.files.put(sr.encode(document)),
            "created_at": now(),
        }
        with self.store.unit_of_work() as uow:
            return output_rows.add_output(uow, values)

    def _effects(self, written: Output) -> tuple[Effect, ...]:
        series_uid = str(_header(self.files, written).SeriesInstanceUID)
        return tuple(
            Effect(
                STORE_SR,
                f"{STORE_SR}:{node}:{written.sop_uid}",
                {
                    "sop_uid": written.sop_uid,
                    "digest": written.digest,
                    "node": node,
                    "study_uid": written.study_uid,
                    "series_uid": series_uid,
                },
            )
            for node in self.destinations
        )


def write_sr(store: Store, files: Files, station: str, destinations: Sequence[str]) -> ReportTool:
    """PUBLISHED → REPORT: the machine's marks as a PRELIMINARY SR.

    REPORT is ``{"sop_uid", "digest", "status"}``.
    """
    spec = ToolSpec("write_sr", "1", "Write report", (PUBLISHED,), (REPORT,), 0.5, attempts=3)
    return ReportTool(spec, store, files, station, destinations, preliminary)


def write_final_sr(
    store: Store, files: Files, station: str, destinations: Sequence[str]
) -> ReportTool:
    """SIGNED → REPORT_FINAL: what the reader signed as a FINAL SR.

    REPORT_FINAL is ``{"sop_uid", "digest", "status"}``.
    """
    spec = ToolSpec(
        "write_final_sr", "1", "Signed report", (SIGNED,), (REPORT_FINAL,), 0.5,
        attempts=3,
    )  # fmt: skip
    return ReportTool(spec, store, files, station, destinations, final)


def _used(uow: UnitOfWork, report: Report) -> list[StoredSlice]:
    """Instances that were looked at: the volume that was read and those with findings.

    A study that could not be read lists the CT instances that were considered, or, without any,
    whatever came.

    Raises
    ------
    NotFound
        Nothing of the study is stored.
    """
    stored = output_rows.instances_of(uow, report.study_uid)
    wanted = {one.series_uid for one in report.findings} | {report.series_uid or ""}
    volumes = output_rows.read_slices(uow, wanted)
    read = [
        s for s in stored
        if s.series_uid in wanted and s.sop_uid in volumes.get(s.series_uid, (s.sop_uid,))
    ]  # fmt: skip
    used = read or [s for s in stored if s.sop_class in CT_IMAGE_CLASSES] or stored
    if not used:
        raise NotFound("no image of this study is stored")
    return used


def _predecessor(files: Files, report: Report, earlier: Sequence[Output]) -> sr.Predecessor | None:
    """What a report replaces: the one before it; the machine never replaces what was signed."""
    replaced = [
        row
        for row in earlier
        if report.stage is Stage.FINAL or row.status == Stage.PRELIMINARY.value
    ]
    if not replaced:
        return None
    last = replaced[-1]
    series_uid = str(_header(files, last).SeriesInstanceUID)
    return sr.Predecessor(last.sop_uid, series_uid, last.study_uid)


def _header(files: Files, row: Output) -> Any:
    path = files.path_of(row.digest)
    if not path.exists():
        raise NotFound(f"the file of report {row.sop_uid} is gone")
    return dcmread(path, specific_tags=["SeriesInstanceUID"])

"""Read this first: which studies are read, what is wanted of them, and the site's choices.

The numbers of the guidelines live in `triage.rules`; this file holds only what a site may choose.
The engine knows nothing of it: `wiring` hands the goals over.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from triage.core.finding import RejectReason
from triage.core.work import Goal

# Facts. A tool's `needs` and `gives` use these names and no others.
INSTANCES = "instances"  # what has arrived: digest of the list, per series; given by the door
COMPLETENESS = "completeness"  # evidence that all has arrived; given by the door
SERIES_VERDICTS = "series_verdicts"  # per series: run / run_flagged / split / merge / refuse
CHOSEN_SERIES = "chosen_series"  # the one to read, with reasons, or none
VOLUME_STREAM = "volume_stream"  # key of the packed pixels for the viewer
DETECTION = "detection"  # key of the stored Detection of one series by one model
RESULT = "result"  # id of the result row with its findings (provisional until published)
PUBLISHED = "published"  # the result is the study's answer, on the worklist and for the PACS
REPORT = "report"  # the machine's marks as a PRELIMINARY object for the PACS
SIGNED = "signed"  # number of the event in which a reader signed
REPORT_FINAL = "report_final"  # what was signed, as a FINAL object that names its predecessor

# What is wanted of a chest CT. Work starts on the first gap-free series (speculative), and is
# published when the evidence says that the study is complete: design decision 7.
PROVISIONAL = Goal("provisional", wants=(RESULT, VOLUME_STREAM))
PUBLISH = Goal("publish", wants=(PUBLISHED, VOLUME_STREAM))
# Goals of their own: a report that cannot be written must not take a published study away.
REPORT_PRELIMINARY = Goal("report", wants=(REPORT,))
REPORT_SIGNED = Goal("report_final", wants=(REPORT_FINAL,), priority=50)

# What a round of learning walks through; its subject is the round's id, not a study.
ROUND = "round"  # what was asked for: population, steps, seed, decisions up to which event
SEALED_SET = "sealed_set"  # test patients neither model has seen, by the hashes of their slices
TRAINING_SET = "training_set"  # frozen signed decisions, as a digest
TUNED = "tuned"  # key of the fine-tuned weights
CHALLENGER = "challenger"  # digest of the model folder made of them
COMPARISON = "comparison"  # what both models said of the sealed set
VERDICT = "verdict"  # promote | refuse | not_enough_evidence, with its reason
LEARN = Goal("round", wants=(VERDICT,), priority=200)

# What a fact and a goal are called by people: on the page "How this was made", in reports.
FACT_TITLES: Mapping[str, str] = {
    INSTANCES: "images that arrived",
    COMPLETENESS: "evidence that all has arrived",
    SERIES_VERDICTS: "which series can be read",
    CHOSEN_SERIES: "the series to read",
    VOLUME_STREAM: "pixels for the viewer",
    DETECTION: "marks of the model",
    RESULT: "stored findings",
    PUBLISHED: "the published result",
    REPORT: "preliminary report",
    SIGNED: "a reader's signature",
    REPORT_FINAL: "signed report",
    ROUND: "what was asked for",
    SEALED_SET: "sealed test patients",
    TRAINING_SET: "frozen signed decisions",
    TUNED: "fine-tuned weights",
    CHALLENGER: "the challenger",
    COMPARISON: "the comparison",
    VERDICT: "the verdict",
}
GOAL_TITLES: Mapping[str, str] = {
    PROVISIONAL.name: "provisional result, before the study is complete",
    PUBLISH.name: "result of the complete study",
    REPORT_PRELIMINARY.name: "preliminary report for the PACS",
    REPORT_SIGNED.name: "signed report for the PACS",
    LEARN.name: "challenger with a verdict",
}

# How much a rejected mark teaches "no nodule here", by the reader's reason. A duplicate lies on a
# nodule, and what looks like one to the machine and benign to a reader is taught gently.
NEGATIVE_WEIGHT: Mapping[RejectReason, float] = {
    RejectReason.VESSEL: 1.0,
    RejectReason.ARTEFACT: 1.0,
    RejectReason.ATELECTASIS: 0.75,
    RejectReason.SCAR: 0.75,
    RejectReason.NODE: 0.5,
    RejectReason.BENIGN_PATTERN: 0.5,
    RejectReason.OTHER: 0.5,
    RejectReason.DUPLICATE: 0.0,
}

# SOP Classes that are read (PS3.4 Annex B.5).
CT_IMAGE_STORAGE = "1.2.840.10008.5.1.4.1.1.2"
ENHANCED_CT_IMAGE_STORAGE = "1.2.840.10008.5.1.4.1.1.2.1"
LEGACY_CONVERTED_ENHANCED_CT_IMAGE_STORAGE = "1.2.840.10008.5.1.4.1.1.2.2"
CT_IMAGE_CLASSES = frozenset(
    {
        CT_IMAGE_STORAGE,
        ENHANCED_CT_IMAGE_STORAGE,
        LEGACY_CONVERTED_ENHANCED_CT_IMAGE_STORAGE,
    }
)


@dataclass(frozen=True, slots=True)
class SiteChoices:
    """What a site may choose about reading.

    Attributes
    ----------
    max_slice_spacing_mm : float
        Thicker series are not read: nodules would fall between slices.
    min_slices : int
        Fewer axial slices than this do not make a chest.
    max_wait_h : float
        The wait that the worklist promises never to exceed.
    """

    max_slice_spacing_mm: float = 3.0
    min_slices: int = 20
    max_wait_h: float = 4.0


CHOICES = SiteChoices()

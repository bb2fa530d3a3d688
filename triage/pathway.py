"""Read this first: which studies are read, what is wanted of them, and the site's choices.

The numbers of the guidelines live in `triage.rules`; this file holds only what a site may choose.
The engine knows nothing of it: `wiring` hands the goals over.
"""

from __future__ import annotations

from dataclasses import dataclass

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

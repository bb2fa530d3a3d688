"""The report: complete, the same every time, and silent where there is too little to say."""

from __future__ import annotations

import json
import re
import sys
from dataclasses import replace
from fractions import Fraction
from html.parser import HTMLParser

import jsonschema
import numpy as np
import pytest
from pydantic import ValidationError

from tests.learn.evaluation import made
from tests.learn.evaluation.worked import MODEL, NODULE, SCANS, at, scan, truth
from triage.learn.evaluation import page, plots, report, terminal
from triage.learn.evaluation.assemble import Asked, assemble
from triage.learn.evaluation.report import LeftOut, Report, as_json, from_json
from triage.learn.evaluation.rules import LUNA16
from triage.learn.evaluation.runs import RankedNodule, RunRow
from triage.learn.evaluation.sections import sections_of
from triage.learn.evaluation.tables import ModelMarks, ScanKind, ScanTable

RUNS = (
    RunRow("without-1", "P-1", 1, 1, (RankedNodule(23.7, 0.9996, 0),), 4, 5),
    RunRow("without-2", "P-2", 1, 0, (RankedNodule(5.0, None, 7),), None, None),
)


@pytest.fixture(scope="module")
def full() -> Report:
    """Three models on the made insertion set."""
    return assemble(made.asked())


@pytest.fixture(scope="module")
def void() -> Report:
    """A model that fires at every second twin beside one that does not."""
    return assemble(made.asked(made.marks("good", 1.0, twin_share=0.12), made.marks("seams", 1.0,
                    twin_share=0.5)))  # fmt: skip


def small_question(*scans: ScanTable, marks: ModelMarks = MODEL) -> Asked:
    return replace(
        made.asked(), scans=scans, models=[marks], facts=[made.facts(marks.label)], runs=RUNS,
        left_out=(LeftOut("P-9 scan", "P-9", "worked"),), looks=None, split_hash=None,
    )  # fmt: skip


# ---------------------------------------------------------------- what is in it


def test_the_same_question_gives_the_same_bytes(full: Report) -> None:
    assert as_json(assemble(made.asked())) == as_json(full)
    shuffled = replace(made.asked(), scans=made.scans()[::-1])
    again = assemble(shuffled)
    assert again.models == full.models and again.differences == full.differences


def test_it_goes_to_json_and_back_and_fits_its_schema(full: Report) -> None:
    text = as_json(full)
    assert from_json(text) == full
    jsonschema.validate(json.loads(text), report.schema())
    assert "NaN" not in text and "Infinity" not in text
    with pytest.raises(ValidationError):
        from_json(text.replace('"resamples"', '"resample"'))


def test_it_says_all_that_must_be_said_with_a_figure(full: Report) -> None:
    data = full.data
    assert (data.patients, data.donors, data.scans, data.nodules) == (6, 22, 6, 44)
    assert (data.split_hash, data.looks, full.seed, full.resamples) == ("ef" * 32, 3, 0, 200)
    said = terminal.text(full)
    for word in ("ab" * 32, "cd" * 32, "ef" * 32, "luna16", "shared_data", "200 draws", "INT8"):
        assert word in said, word


def test_the_points_are_those_of_the_curve_with_intervals_around_them(full: Report) -> None:
    for model in full.models:
        for scores in model.scores:
            values = [p.sensitivity.value for p in scores.points]
            assert [p.rate for p in scores.points] == [0.125, 0.25, 0.5, 1, 2, 4, 8]
            assert values == sorted(v for v in values if v is not None)
            assert scores.cpm.value == pytest.approx(np.mean([v or 0.0 for v in values]))
            for point in scores.points:
                found = point.sensitivity
                assert found.value is not None and found.lower is not None
                assert found.upper is not None
                assert 0 <= found.lower <= found.value <= found.upper <= 1
            assert len(scores.band) == 25
            assert scores.large_nodules == 40


def test_int8_against_fp32_is_judged_on_the_same_draws(full: Report) -> None:
    """The two answer nearly alike, so their difference is far narrower than either interval."""
    by = {(d.label, d.rule, d.what): d for d in full.differences}
    int8 = by[("student INT8", "luna16", "CPM")]
    assert int8.reference == "student fp32"
    lower, upper = int8.difference.lower, int8.difference.upper
    own = full.models[1].scores[0].cpm
    assert lower is not None and upper is not None
    assert own.lower is not None and own.upper is not None
    assert upper - lower < (own.upper - own.lower) / 5
    assert int8.words == "the interval holds 0: no difference is shown"
    same = by[("student INT8", "luna16", "sensitivity at the operating point")]
    assert same.difference.value == 0.0 and same.words == "no difference in any draw"


def test_a_better_model_is_shown_to_be_better() -> None:
    said = assemble(made.asked(made.marks("poor", -2.0), made.marks("good", 3.0)))
    cpm = next(d for d in said.differences if d.what == "CPM")
    assert cpm.difference.lower is not None and cpm.difference.lower > 0
    assert cpm.words == "the interval excludes 0: a difference is shown"


def test_strata_count_what_belongs_to_them(full: Report) -> None:
    parts = full.models[0].strata
    for kind in ("size", "texture", "thickness", "noise", "host", "lung"):
        own = [p for p in parts if p.kind == kind]
        assert sum(p.nodules for p in own) == 44, kind
    lung = next(p for p in parts if p.kind == "lung")
    assert (lung.scans, lung.at_point.value) == (1, None)
    assert "no sensitivity" in lung.words


def test_many_nodules_in_few_lungs_are_said_to_be_so(full: Report) -> None:
    assert "All false marks come from 6 patients" in terminal.text(full)


# ---------------------------------------------------------------- too little


def test_few_nodules_are_counts_and_no_sensitivity() -> None:
    said = assemble(small_question(*SCANS))
    luna, shared = said.models[0].scores
    assert luna.words == "4 nodules of 2 patients in 2 scans: examples, no sensitivity"
    assert (luna.found, luna.nodules, luna.false_marks) == (2, 4, 2)  # at or above .5
    assert (shared.found, shared.false_marks) == (2, 2)
    assert luna.cpm.value is None and luna.points == () and luna.curve == ()
    assert plots.draw(said) == {}
    text = terminal.text(said)
    assert luna.words in text
    assert not re.search(r"\d\.\d+ \(", text), "no figure with an interval"


def test_what_is_not_told_is_said_not_to_be() -> None:
    text = terminal.text(assemble(small_question(*SCANS)))
    assert re.search(r"split hash +not told", text)
    assert re.search(r"looks at these test patients, this one included +not told", text)


def test_runs_and_left_out_scans_are_listed_as_counts() -> None:
    text = terminal.text(assemble(small_question(*SCANS)))
    assert "Leave one patient out: counts, not sensitivities" in text
    assert "2 nodules in 2 scans are examples, no sensitivity" in text
    assert re.search(r"P-2 +without-2 +0 of 1 +5 mm: missed +not counted +not counted", text)
    assert re.search(r"P-9 scan +P-9 +worked", text)


def test_crops_and_partly_marked_scans_are_counted_but_enter_no_curve() -> None:
    crop = replace(SCANS[0], kind=ScanKind.LUNG_CROP)
    partly = replace(SCANS[1], all_marked=False)
    said = assemble(small_question(crop, partly))
    assert (said.data.scans, said.data.nodules) == (0, 0)
    assert said.models[0].calibration is None
    assert said.models[0].scores[0].words.endswith("in 0 scans: no sensitivity")
    first, second = said.scans
    assert (first.false_marks["luna16"], first.in_curve) == (1, False)
    assert (second.found, second.false_marks["luna16"]) == ({"luna16": 0, "shared_data": 0}, None)
    assert "not counted" in terminal.text(said)


def test_scans_without_any_nodule_give_counts() -> None:
    said = assemble(small_question(scan("A"), scan("B"), marks=ModelMarks("m", 0.5,
                    {"A": (at(1, 0.9),), "B": ()})))  # fmt: skip
    luna = said.models[0].scores[0]
    assert (luna.nodules, luna.false_marks) == (0, 1)
    assert luna.words == "0 nodules of 0 patients in 2 scans: no sensitivity"
    assert said.models[0].strata == ()


def test_a_model_that_marks_nothing_has_sensitivity_0_without_interval() -> None:
    scans = [scan(f"p{i:02d}", truth("n", NODULE, 0.0, 8.0)) for i in range(12)]
    mute = ModelMarks("mute", 0.5, {s.scan: () for s in scans})
    said = assemble(small_question(*scans, marks=mute))
    cpm = said.models[0].scores[0].cpm
    assert (cpm.value, cpm.lower, cpm.why) == (0.0, None, "every draw gives the same value")


# ---------------------------------------------------------------- void


def test_a_void_score_is_printed_so_wherever_it_stands(void: Report) -> None:
    assert [m.is_void for m in void.models] == [False, True]
    text = terminal.text(void)
    assert "seams: INSERTION SCORE VOID" in text
    luna = next(s for s in sections_of(void) if s.key == "froc")
    assert [row[0] for row in luna.rows] == ["good", "VOID seams"]
    differences = next(s for s in sections_of(void) if s.key == "differences")
    assert {row[-1] for row in differences.rows} == {"VOID"}
    assert 'role="alert">seams: INSERTION SCORE VOID' in page.html(void, {})


def test_untouched_places_may_lie_in_scans_that_enter_no_curve() -> None:
    """The same places in the lung as it was, which may be a crop."""
    question = made.asked(made.marks("m", 1.0, twin_share=0.12))
    moved = []
    marks = dict(question.models[0].marks)
    for one in question.scans:
        rest = [t for t in one.truths if t.kind == "background"]
        bare = replace(one, scan=f"{one.scan} bare", kind=ScanKind.LUNG_CROP, truths=tuple(rest))
        moved += [bare, replace(one, truths=tuple(t for t in one.truths if t not in rest))]
        marks[bare.scan] = marks[one.scan]
    model = replace(question.models[0], marks=marks)
    twins = assemble(replace(question, scans=moved, models=[model])).models[0].twins
    assert twins is not None
    assert twins.background == 44
    assert twins == assemble(question).models[0].twins


# ---------------------------------------------------------------- its faces


class _Links(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.links: list[str] = []
        self.tags: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.links += [v or "" for k, v in attrs if k in {"src", "href", "srcset", "data"}]


def test_the_page_holds_everything_and_loads_nothing(full: Report) -> None:
    figures = plots.draw(full)
    seen = _Links()
    seen.feed(text := page.html(full, figures))
    assert len(seen.links) == len(figures) == 7
    assert all(link.startswith("data:image/png;base64,") for link in seen.links)
    assert not {"script", "link", "iframe", "object"} & set(seen.tags)
    assert "@import" not in text and "url(" not in text and "@media print" in text
    for one in sections_of(full):
        assert one.title in text or "&#x27;" in text


def test_names_cannot_break_the_page() -> None:
    question = small_question(*SCANS, marks=replace(MODEL, label="<script>alert(1)</script>"))
    text = page.html(assemble(question), {})
    assert "<script" not in text
    assert "&lt;script&gt;alert(1)" in text


def test_figures_are_pictures_and_the_same_every_time(full: Report) -> None:
    figures = plots.draw(full)
    assert {"froc", "strata teacher", "calibration student INT8"} <= set(figures)
    assert all(content.startswith(b"\x89PNG\r\n") for content in figures.values())
    assert plots.draw(full) == figures


def test_without_matplotlib_the_report_says_how_to_get_it(
    full: Report, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    assert plots.draw(full) == {}
    assert "make setup-train" in page.html(full, {})


def test_the_rates_have_their_names(full: Report) -> None:
    table = next(s for s in sections_of(full) if s.key == "froc")
    scores = next(s for s in full.models[0].scores if s.rule == LUNA16.name)
    names = [name.removeprefix("at ") for name in table.header[1:8]]
    fractions = [Fraction(name) for name in names]
    assert fractions == [p.rate for p in scores.points]

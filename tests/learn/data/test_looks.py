"""Looks are written down before anything is opened, and cannot be taken back unnoticed."""

from __future__ import annotations

import json
import multiprocessing
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import pytest

from triage.errors import DataRefused
from triage.learn.data.looks import Looks, of_installation

WHEN = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)


def ledger(path: Path) -> Looks:
    return Looks(path / "looks.jsonl", clock=lambda: WHEN)


def look(looks: Looks, test: str = "T", purpose: str = "evaluate nodule-s") -> int:
    return looks.record(model="M", data="D", split="S", test=test, purpose=purpose)


def test_looks_at_the_same_people_add_up(tmp_path: Path) -> None:
    looks = ledger(tmp_path)
    assert [look(looks), look(looks), look(looks, "other people")] == [1, 2, 1]
    assert (looks.count("T"), looks.count("other people"), looks.count("nobody")) == (2, 1, 0)


def test_a_look_says_when_what_and_why(tmp_path: Path) -> None:
    looks = ledger(tmp_path)
    look(looks)
    [row] = [json.loads(line) for line in looks.path.read_text().splitlines()]
    assert len(row.pop("before")) == 64
    assert row == {
        "time": "2026-03-01T12:00:00+00:00",
        "model": "M",
        "data": "D",
        "split": "S",
        "test": "T",
        "purpose": "evaluate nodule-s",
    }


def test_a_look_without_purpose_is_refused_and_not_written(tmp_path: Path) -> None:
    looks = ledger(tmp_path)
    with pytest.raises(DataRefused, match="needs a purpose"):
        look(looks, purpose=" ")
    assert not looks.path.exists()


def test_a_ledger_that_cannot_be_written_opens_nothing(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(DataRefused, match="cannot be written"):
        look(Looks(tmp_path / "file" / "looks.jsonl"))


def test_no_file_means_no_looks(tmp_path: Path) -> None:
    assert ledger(tmp_path).all() == []


def _lines(path: Path, change: Callable[[list[str]], list[str]]) -> None:
    path.write_text("".join(change(path.read_text().splitlines(keepends=True))))


CHANGES: dict[str, tuple[Callable[[list[str]], list[str]], str]] = {
    "a line is taken out": (lambda ls: [ls[0], ls[2]], "line 2: the lines before it were changed"),
    "a purpose is changed": (
        lambda ls: [ls[0].replace("evaluate", "rehearse"), *ls[1:]],
        "line 2: the lines before it were changed",
    ),
    "lines change places": (lambda ls: [ls[1], ls[0], ls[2]], "line 1: the lines before"),
    "a line is cut off": (lambda ls: [*ls[:2], ls[2][:30]], "line 3: is no look"),
    "an end without line end": (lambda ls: [*ls[:2], ls[2].rstrip()], "line 3: the lines"),
    "another kind of line": (lambda ls: [*ls, '{"note": "hello"}\n'], "line 4: is no look"),
    "an empty line": (lambda ls: [*ls, "\n"], "line 4: is no look"),
}


@pytest.mark.parametrize("name", CHANGES)
def test_a_changed_ledger_is_noticed_and_not_written_on(tmp_path: Path, name: str) -> None:
    change, why = CHANGES[name]
    looks = ledger(tmp_path)
    for _ in range(3):
        look(looks)
    _lines(looks.path, change)
    before = looks.path.read_bytes()
    with pytest.raises(DataRefused, match=why):
        looks.count("T")
    with pytest.raises(DataRefused, match=why):
        look(looks)
    assert looks.path.read_bytes() == before


def _look_often(path: Path, times: int) -> None:
    for _ in range(times):
        look(Looks(path))


def test_processes_that_look_at_once_lose_no_look(tmp_path: Path) -> None:
    path = tmp_path / "looks.jsonl"
    fork = multiprocessing.get_context("spawn")
    started = [fork.Process(target=_look_often, args=(path, 5)) for _ in range(3)]
    for one in started:
        one.start()
    for one in started:
        one.join()
    assert [one.exitcode for one in started] == [0, 0, 0]
    assert Looks(path).count("T") == 15


def test_the_ledger_of_an_installation_lies_in_its_data_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TRIAGE_DATA", str(tmp_path / "data"))
    assert of_installation().path == tmp_path / "data" / "looks.jsonl"

"""The file store: durable order, refusals, nothing left behind."""

from __future__ import annotations

import hashlib
import os
import stat
from pathlib import Path

import pytest

from triage.errors import NotFound, OutOfResources
from triage.store.files import Files


def test_put_names_by_content_and_reads_back(files: Files) -> None:
    key = files.put(b"abc", b"def")
    assert key == hashlib.sha256(b"abcdef").hexdigest()
    assert files.read(key) == b"abcdef"
    assert files.verify(key)
    assert list(files.keys()) == [key]


def test_same_content_is_stored_once(files: Files) -> None:
    assert files.put(b"x") == files.put(b"x")
    assert len(list(files.keys())) == 1


def test_file_and_folder_are_synced_before_put_returns(
    files: Files, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Observes the real calls in order; nothing is replaced.
    order: list[str] = []
    real_fsync, real_rename = os.fsync, Path.rename

    def fsync(descriptor: int) -> None:
        kind = "folder" if stat.S_ISDIR(os.fstat(descriptor).st_mode) else "file"
        order.append(f"fsync {kind}")
        real_fsync(descriptor)

    def rename(self: Path, target: Path) -> Path:
        order.append("rename")
        return real_rename(self, target)

    monkeypatch.setattr(os, "fsync", fsync)
    monkeypatch.setattr(Path, "rename", rename)
    files.put(b"durable")
    assert order == ["fsync file", "rename", "fsync folder"]


def test_below_the_reserve_nothing_is_written(tmp_path: Path) -> None:
    stingy = Files(tmp_path / "o", reserve_bytes=1 << 60)
    with pytest.raises(OutOfResources, match="free"):
        stingy.put(b"x")
    assert [p for p in (tmp_path / "o").rglob("*") if p.is_file()] == []


def test_bit_flip_is_noticed(files: Files) -> None:
    key = files.put(b"truth")
    files.path_of(key).write_bytes(b"truti")
    assert not files.verify(key)


def test_missing_file_is_a_named_error(files: Files) -> None:
    with pytest.raises(NotFound):
        files.read("0" * 64)


@pytest.mark.parametrize("key", ["", "../../etc/passwd", "A" * 64, "0" * 63, "0" * 63 + "/"])
def test_only_content_keys_reach_the_file_system(files: Files, key: str) -> None:
    with pytest.raises(ValueError, match="content key"):
        files.path_of(key)


def test_sweep_removes_what_a_killed_writer_left(files: Files) -> None:
    (files.root / "incoming" / "dead.part").write_bytes(b"half")
    assert files.sweep_incoming() == 1
    assert list((files.root / "incoming").iterdir()) == []

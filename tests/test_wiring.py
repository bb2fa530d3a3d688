"""Small parts of the wiring that can be wrong by themselves."""

from __future__ import annotations

import pytest

from triage.wiring import _own_address


@pytest.mark.parametrize(
    ("bind", "reached_at"),
    [
        ("127.0.0.1", "127.0.0.1"),
        ("localhost", "127.0.0.1"),
        ("0.0.0.0", "127.0.0.1"),
        ("::", "::1"),
        ("::1", "::1"),
        ("192.0.2.7", "192.0.2.7"),
        ("reader.example", "reader.example"),
    ],
)
def test_where_this_machine_reaches_itself(bind: str, reached_at: str) -> None:
    assert _own_address(bind) == reached_at

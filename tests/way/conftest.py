"""A running product for the way tests."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.way.product import Product


@pytest.fixture
def product(tmp_path: Path) -> Iterator[Callable[..., Product]]:
    """Starts products with settings; each is ended with the test."""
    started: list[Product] = []

    def start(**settings: str) -> Product:
        one = Product(tmp_path / f"data-{len(started)}", **settings)
        started.append(one)
        return one.start()

    yield start
    for one in started:
        one.stop()

"""One server for all tests of the page that need no home of their own."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from web_browser import RadioServer


@pytest.fixture(scope="session")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RadioServer]:
    """A server that starts once."""
    with RadioServer(tmp_path_factory.mktemp("home")) as running:
        yield running

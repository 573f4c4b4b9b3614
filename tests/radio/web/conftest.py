"""One server for all tests of the page that need no home of their own."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from web_browser import RadioServer


@pytest.fixture(scope="session")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RadioServer]:
    """A server that starts once, with songs of 32 s: on a busy machine a test takes a while."""
    with RadioServer(tmp_path_factory.mktemp("home"), "--beats", "64") as running:
        yield running

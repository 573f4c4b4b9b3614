"""Songs of a listener that go on, or lie between two, from the page."""

"""The user interface in a browser, for several listeners and pages; needs the extra `web`."""

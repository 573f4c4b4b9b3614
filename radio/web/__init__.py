"""The radio in a browser: pages that are faces of running sessions, as the terminal's screen is one. Needs the extra `web`."""

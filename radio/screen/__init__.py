"""The user interface on a terminal's screen."""

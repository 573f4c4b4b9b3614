"""The user interface of plain lines."""

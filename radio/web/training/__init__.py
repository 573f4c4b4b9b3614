"""Training from the page."""

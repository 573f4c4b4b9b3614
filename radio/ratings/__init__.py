"""Ratings from the slider (slider.py, journal.py) to their database (database.py, repair.py)."""

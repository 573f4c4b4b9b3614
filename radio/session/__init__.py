"""Plays a composer's songs, writes ratings, resumes; every user interface has a `Session`."""

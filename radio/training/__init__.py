"""From music to a station: reading, the two trainings, their checkpoints."""

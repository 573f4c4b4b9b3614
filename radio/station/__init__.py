"""A station: a trained model, its file, and the songs it makes."""

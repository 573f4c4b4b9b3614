"""A listener's taste: features of songs, Bayesian regression on ratings, explanations."""

"""25 Gaussians in a plane: a generator that is trained by our losses finds them."""

from __future__ import annotations

import numpy as np

from benchmarks.gan_modes import SIDE, found, points, train


def test_hinge_and_spectral_norm_find_the_gaussians():
    modes, good = found(train("hinge, spectral norm", steps=4_000, seed=0)(5_000))
    assert modes >= 24
    assert good > 0.5


def test_what_counts_as_found():
    rng = np.random.default_rng(0)
    real = points(5_000, rng)[0]
    modes, good = found(real)
    assert (modes, good > 0.99) == (SIDE**2, True)
    one = real[np.linalg.norm(real, axis=1) < 0.4]
    assert found(one)[0] == 1
    assert found(real[np.abs(real[:, 0] - 2) > 0.5])[0] == 20
    between, share = found(np.full((100, 2), 0.5, np.float32))
    assert (between, share) == (0, 0.0)

"""The exercises of lesson 6: principal components and linear autoencoders."""

from __future__ import annotations

import numpy as np

from checks import Wrong, answer, differences, same


def components(theirs, rng):
    """Check the directions one by one; either sign of a direction is right."""
    for rows, size, count in ((6, 2, 1), (20, 4, 3)):
        turn = np.linalg.qr(rng.standard_normal((size, size)))[0]
        x = rng.standard_normal((rows, size)) * np.linspace(3, 1, size) @ turn + 4
        mean, found = answer(theirs.components, "mean components", x, count)
        same("the mean", mean, x.mean(axis=0))
        expected = np.linalg.svd(x - x.mean(axis=0), full_matrices=False)[2][:count]
        found = np.asarray(found, np.float64)
        if found.shape != expected.shape:
            raise Wrong(f"components have shape {found.shape} instead of {expected.shape}")
        for number, (one, right) in enumerate(zip(found, expected, strict=True)):
            same(f"component {number}", one, right * (1 if one @ right > 0 else -1))


def tied_gradient(theirs, rng):
    """Check the loss and dW."""
    for rows, size, code in ((1, 1, 1), (1, 3, 2), (5, 4, 2)):
        x, W = rng.standard_normal((rows, size)), rng.standard_normal((size, code))

        def loss():
            return ((x @ W @ W.T - x) ** 2).sum() / 2 / len(x)

        found, dW = answer(theirs.tied_gradient, "loss dW", x, W)
        same("loss", found, loss())
        differences(loss, dW=(dW, W))


def other_code(theirs, rng):
    """Check codes and reconstructions of some rows."""
    for size, code in ((1, 1), (4, 2), (5, 3)):
        W, V = rng.standard_normal((size, code)), rng.standard_normal((code, size))
        R, x = rng.standard_normal((code, code)), rng.standard_normal((6, size))
        encoder, decoder = answer(theirs.other_code, "encoder decoder", W, V, R)
        for name, given, shape in (("encoder", encoder, W.shape), ("decoder", decoder, V.shape)):
            if np.shape(given) != shape:
                raise Wrong(f"the {name} has shape {np.shape(given)} instead of {shape}")
        same("the code", x @ encoder, x @ W @ R)
        same("the reconstruction", x @ encoder @ decoder, x @ W @ V)

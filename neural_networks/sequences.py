"""Sequences: cutting sounds into time steps and joining them again, and the two orders of axes.

Outside, arrays are batch-first, (N, T, F): N sounds of T time steps of F values. Inside networks
they are time-major, (T, B, F), so that one step of a whole mini-batch is one contiguous matrix. The
conversion happens here alone.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np


def time_major(batch_first: np.ndarray) -> np.ndarray:
    """Return (T, B, F), C-contiguous, from (B, T, F).

    Examples:
        >>> time_major(np.zeros((5, 100, 3))).shape  # 5 sequences of 100 steps
        (100, 5, 3)
    """
    return np.ascontiguousarray(batch_first.swapaxes(0, 1))


def batch_first(time_major: np.ndarray) -> np.ndarray:
    """Return (B, T, F), C-contiguous, from (T, B, F).

    Examples:
        >>> batch_first(np.zeros((100, 5, 3))).shape
        (5, 100, 3)
    """
    return np.ascontiguousarray(time_major.swapaxes(0, 1))


def split(sounds: Sequence[np.ndarray] | np.ndarray, size: int) -> np.ndarray:
    """Cut sounds of one length into time steps of `size` values.

    Args:
        sounds: N arrays of shape (n,) or (n, 1).
        size: F, values of a time step; it must divide n.

    Returns:
        (N, n / size, size) float32.

    Raises:
        ValueError: if there are none, one has several channels, their lengths differ, or size does
            not divide them.

    Examples:
        >>> split([np.arange(6.0), np.zeros(6)], 3)[0]
        array([[0., 1., 2.],
               [3., 4., 5.]], dtype=float32)
    """
    rows = []
    for sound in sounds:
        array = np.asarray(sound, np.float32)
        if array.ndim > 1 and array.size != len(array):
            raise ValueError(
                f"a sound has one channel, shape (n,) or (n, 1), not {array.shape}: take the mean "
                "of its channels, or one of them"
            )
        rows.append(array.reshape(-1))
    lengths = sorted({row.size for row in rows})
    if not rows or size < 1:
        raise ValueError(f"{len(rows)} sounds cannot be cut into time steps of {size} values")
    if len(lengths) > 1:
        raise ValueError(
            "sounds that are trained together must have one length, "
            f"not {lengths[0]} to {lengths[-1]} values"
        )
    if not lengths[0] or lengths[0] % size:
        raise ValueError(
            f"sounds of {lengths[0]} values cannot be cut into time steps of {size} values"
        )
    return np.stack(rows).reshape(len(rows), -1, size)


def join(steps: np.ndarray) -> np.ndarray:
    """Return the sounds (N, n, 1) that `split` cut into (N, T, F).

    Examples:
        >>> join(split([np.arange(6.0)], 3))[0, :, 0]
        array([0., 1., 2., 3., 4., 5.], dtype=float32)
    """
    return steps.reshape(len(steps), -1, 1)


def chunks(sound: np.ndarray, size: int) -> np.ndarray:
    """Cut one sound of any length into pieces of `size` values; the last is filled up with zeros.

    Args:
        sound: (n,) or (n, 1).
        size: values of a piece.

    Returns:
        (ceil(n / size), size), of the sound's dtype.

    Examples:
        >>> chunks(np.arange(1, 6), 3)
        array([[1, 2, 3],
               [4, 5, 0]])
    """
    flat = np.asarray(sound).reshape(-1)
    pieces = np.zeros((-(-flat.size // size), size), flat.dtype)
    pieces.reshape(-1)[: flat.size] = flat
    return pieces


def three_axes(data: np.ndarray, size: int) -> np.ndarray:
    """Return (N, T, F) float32; a last axis of 1 is dropped, sounds (N, n) are one step each.

    Args:
        data: (N, T, F) or (N, n), where a last axis of 1 may follow.
        size: F that the network reads; time steps of 1 value are no axis to drop.

    Raises:
        ValueError: if it has another number of axes.
    """
    array = np.asarray(data, np.float32)
    if array.ndim == 4 and array.shape[3] == 1:
        array = array[..., 0]
    if array.ndim == 3 and array.shape[2] == 1 < min(array.shape[1], size):
        array = array[..., 0]
    if array.ndim == 2:
        array = array[:, None]
    if array.ndim != 3:
        raise ValueError(
            f"the data must have the shape (sounds, time steps, values), not {array.shape}"
        )
    return array


def inputs_and_targets(
    data: np.ndarray, separated: tuple[bool, bool], sizes: tuple[int, int]
) -> tuple[np.ndarray, np.ndarray]:
    """Return inputs and targets (T, N, F) of an encoder and a decoder, from sounds.

    Args:
        data: (N, T, F) or (N, n), as in `three_axes`.
        separated: whether inputs, and targets, are a time step at a time; else a sound is one step.
        sizes: values that the encoder reads, and that the decoder writes, at a time.

    Raises:
        ValueError: if there are no sounds, or they do not fit the sizes.
    """
    if not len(data):
        raise ValueError("there is nothing to train on")
    steps = three_axes(data, sizes[0])
    whole = steps.reshape(len(steps), 1, -1)
    inputs, targets = (steps if apart else whole for apart in separated)
    for part, size, name in zip((inputs, targets), sizes, ("encoder", "decoder"), strict=True):
        if part.shape[2] != size:
            raise ValueError(
                f"the {name} works on {size} values a time step, the data has {part.shape[2]}"
            )
    turned = time_major(inputs)
    return turned, turned if targets is inputs else time_major(targets)

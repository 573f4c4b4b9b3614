"""The state of a trainer in a checkpoint, checked before anything of it is used."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from neural_networks.training.checkpoint import part

Arrays = dict[str, np.ndarray]


class CheckedState(NamedTuple):
    """What a Trainer continues from."""

    steps: int
    values: np.ndarray  # (n,)
    moments: Arrays  # of the optimizer
    average: Arrays  # of the values; empty if there is none


def checked_state(state: Arrays, *, size: int, seed: int, averaging: bool) -> CheckedState:
    """Return the parts of a state that belongs to a trainer.

    Args:
        state: as `Trainer.state` returns it.
        size: n, values of the model.
        seed: of the trainer.
        averaging: whether the trainer averages the values.

    Raises:
        ValueError: if the state belongs to another model, seed or optimizer, or is not whole.
    """
    values = state.get("values")
    if values is None or values.shape != (size,):
        found = "no" if values is None else values.size
        raise ValueError(f"the state has {found} values, this model has {size}")
    steps = _steps(state, seed)
    if not np.isfinite(values).all():
        raise ValueError("the state's values are not finite")
    average = part(state, "average.")
    if bool(average) != averaging:
        has, wants = ("an", "none") if average else ("no", "one")
        raise ValueError(f"the state has {has} average of the weights, this trainer keeps {wants}")
    whole = {"steps", "values"} <= set(average) and average["values"].shape == values.shape
    if average and not whole:
        raise ValueError("the state's average of the weights is not whole")
    moments = part(state, "optimizer.")
    for name, vector in moments.items():
        if name != "steps" and vector.shape != values.shape:
            raise ValueError(
                f"the state's optimizer has {vector.size} numbers in {name}, "
                f"this model has {size} values"
            )
    return CheckedState(steps, values, moments, average)


def _steps(state: Arrays, seed: int) -> int:
    numbers = {name: np.asarray(state.get(name, "none")) for name in ("seed", "steps")}
    missing = [
        name for name, number in numbers.items() if number.shape or number.dtype.kind not in "iu"
    ]
    if missing:
        raise ValueError(f"the state has no {' and no '.join(missing)}")
    steps, found = int(numbers["steps"]), int(numbers["seed"])
    if steps < 0:
        raise ValueError(f"the state has made {steps} steps")
    if found != seed:
        raise ValueError(f"the state was made with seed {found}, this trainer has {seed}")
    return steps

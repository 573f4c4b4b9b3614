"""A sequence model in a station's file: its arrays beside the weights, and the sizes.

model_arrays(model), model_configuration(model)
read_model(arrays, configuration, beats) -> SequenceModel, with random weights
"""

from __future__ import annotations

from typing import Any

import numpy as np

from audio_parsing.components import FRAMES_PER_STEP, LappedComponents
from audio_parsing.frames import FRAME_SIZE
from neural_networks.training.checkpoint import part
from neural_networks.vae.sequence_vae import SequenceVAE
from radio.station.forms import from_array, to_array
from radio.station.learned_songs import LearnedSongs
from radio.station.limits import whole_number
from radio.station.sequence_model import SequenceModel

LARGEST_CALIBRATION = 10
LARGEST_COMPONENT = 1e3  # of a basis, a mean or a deviation; those of music are below 10


def model_arrays(model: SequenceModel) -> dict[str, np.ndarray]:
    """Return the components, the calibration of drawn songs, and the songs it remembers."""
    components = model.components.arrays()
    learned = {}
    if model.learned is not None:
        learned = {**model.learned.arrays(), "forms": to_array(model.forms)}
    return {
        "calibration": model.vae.generator.calibration.astype(np.float32),
        **{f"components_{name}": array for name, array in components.items()},
        **{f"learned_{name}": array for name, array in learned.items()},
    }


def model_configuration(model: SequenceModel) -> dict[str, Any]:
    """Return the sizes that a file needs."""
    generator = model.vae.generator
    return {
        "latent_size": model.latent_size,
        "hidden": generator.decoder.cell.hidden_size,
        "prior_hidden": generator.prior.hidden_size,
        "encoder_hidden": model.vae.encoder.hidden_size,
        "embedding": generator.prior.input.size,
        "step_latents": generator.latent_size,
        "groups": generator.prior.groups,
        "mixtures": generator.prior.mixtures,
        "step_detail": generator.detail_size,
        "plan_beats": generator.conditioning.beats,
        "plan_size": generator.conditioning.plan_size,
        "position": bool(generator.conditioning.position_size),
    }


def read_model(
    arrays: dict[str, np.ndarray], configuration: dict[str, Any], beats: int
) -> SequenceModel:
    """Return the model that a station's file describes, with random weights.

    Raises:
        ValueError: if the sizes don't fit the arrays, before anything large is allocated.
    """
    found = {name: array.astype(np.float32) for name, array in part(arrays, "components_").items()}
    if not all(np.abs(array).max(initial=0) < LARGEST_COMPONENT for array in found.values()):
        raise ValueError("the numbers of its components are out of range")
    components = LappedComponents(**found)
    if components.basis.shape[1:] != (FRAMES_PER_STEP, FRAME_SIZE):
        raise ValueError("its components do not fit its frames")
    configuration = {"mixtures": 1} | configuration  # files from before there were any
    (
        latent_size,
        hidden,
        prior_hidden,
        encoder_hidden,
        embedding,
        step_latents,
        groups,
        mixed,
    ) = (
        whole_number(configuration, key)
        for key in (
            "latent_size",
            "hidden",
            "prior_hidden",
            "encoder_hidden",
            "embedding",
            "step_latents",
            "groups",
            "mixtures",
        )
    )
    step_detail, plan_beats, plan_size = (
        whole_number(configuration, key, least=0)
        for key in ("step_detail", "plan_beats", "plan_size")
    )
    position = configuration["position"]
    if not isinstance(position, bool):
        raise ValueError(f"position is {position!r}")
    largest = (
        latent_size * plan_beats * plan_size
        + (hidden + embedding + step_latents) * components.count
        + 3 * (hidden**2 + prior_hidden**2 + 2 * encoder_hidden**2)
        + prior_hidden * mixed * 2 * (step_latents // groups)
        + embedding * (step_latents + step_detail + latent_size + plan_size)
    )
    if largest > arrays["vae"].size:
        raise ValueError("the weights of the vae don't fit")
    vae = SequenceVAE(
        components.count,
        scales=components.scales,
        values=components.frames_per_step * components.frame_size,
        encoder_hidden=encoder_hidden,
        latent_size=step_latents,
        detail_size=step_detail,
        song_size=latent_size,
        hidden=hidden,
        prior_hidden=prior_hidden,
        groups=groups,
        mixtures=mixed,
        embedding=embedding,
        beats=plan_beats,
        plan_size=plan_size,
        position=position,
        rng=np.random.default_rng(0),
    )
    calibration = arrays["calibration"].astype(np.float64)
    if (
        calibration.shape != (components.count,)
        or not ((calibration > 0) & (calibration < LARGEST_CALIBRATION)).all()
    ):
        raise ValueError("its calibration is none")
    vae.generator.calibration = calibration
    songs = part(arrays, "learned_")
    if not songs:
        return SequenceModel(vae, components)
    learned = LearnedSongs.read(
        songs, latent_size=latent_size, innovation_size=vae.generator.innovation_size
    )
    return SequenceModel(vae, components, learned, from_array(songs["forms"]))

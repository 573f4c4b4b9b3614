"""The variational autoencoder: an encoder and a decoder of one kind around a latent space.

    [mu; log_variance] = encoder(x) at the last time step
    z = mu + exp(log_variance / 2) epsilon          epsilon ~ N(0, 1) (Kingma and Welling 2014)
    y = decoder(z at every time step)
    loss = sum over time of mean((y - x)^2) + beta KL / latent_size

Shapes: x and y (T, B, F), time-major; mu, log_variance and z (B, Z).
"""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple, Unpack

import numpy as np

from neural_networks.components.losses import gaussian_kl, mean_squared_error
from neural_networks.components.module import Module
from neural_networks.components.parameters import pack
from neural_networks.components.recurrent import Recurrent
from neural_networks.optimizers.optimizers import AdamTaperoff, Optimizer
from neural_networks.optimizers.schedules import Schedule
from neural_networks.sequences import batch_first, split, three_axes, time_major
from neural_networks.training.batches import Piece, set_apart
from neural_networks.training.epochs import TrainingOptions, train_epochs
from neural_networks.training.history import History
from neural_networks.vae.fused import Workspace, fused_loss
from neural_networks.vae.vae_file import load_vae, save_vae


class VAECache(NamedTuple):
    """What backward needs of a forward pass, and the posterior for the KL divergence."""

    encoder: Any
    decoder: Any
    mean: np.ndarray  # (B, Z)
    log_variance: np.ndarray  # (B, Z)
    noise: np.ndarray | None  # (B, Z), exp(log_variance / 2) epsilon


class VAE(Module):
    """Two networks of a kind around a latent space.

    Args:
        encoder_args: keyword arguments of the encoder; its outputs are 2 latent_size.
        decoder_args: of the decoder; its inputs are latent_size, its outputs the encoder's inputs.
        latent_size: Z.
        sub_network: the class of both, such as Recurrent.
        rng: draws the first weights and seeds the training; the same each time if not given.
    """

    def __init__(
        self,
        encoder_args: dict[str, Any],
        decoder_args: dict[str, Any],
        latent_size: int,
        sub_network: Callable[..., Any] = Recurrent,
        *,
        rng: np.random.Generator | None = None,
    ) -> None:
        rng = rng or np.random.default_rng(0)
        self.latent_size = latent_size
        self.arguments, self.sub_network = (dict(encoder_args), dict(decoder_args)), sub_network
        self.encoder = sub_network(**encoder_args, rng=rng)
        self.decoder = sub_network(**decoder_args, rng=rng)
        if self.encoder.output_size != 2 * latent_size:
            raise ValueError(
                f"the encoder must end in 2 x latent_size = {2 * latent_size} values, "
                f"not {self.encoder.output_size}"
            )
        if self.decoder.input_size != latent_size:
            raise ValueError(
                f"the decoder's input_size must be latent_size = {latent_size}, "
                f"not {self.decoder.input_size}"
            )
        self.seed = int(rng.integers(1 << 31))
        self.workspace = Workspace(pack(self).values.size)

    def get_time_seperated_data(self, sounds: Sequence[np.ndarray] | np.ndarray) -> np.ndarray:
        """Return sounds of one length n as time steps (N, n / input_size, input_size)."""
        return split(sounds, self.encoder.input_size)

    def train(
        self,
        training_data: np.ndarray,
        *,
        batch_size: int = 100,
        max_epochs: int,
        learning_rate: float | Schedule = 0.001,
        test_data: np.ndarray | None = None,
        test_share: float = 0.0,
        graph: bool = False,
        print_epochs: bool = True,
        time_separated_input: bool = True,
        time_separated_output: bool = True,
        beta: float | Callable[[int], float] = 1.0,
        free_bits: float = 0.0,
        optimizer: Optimizer | None = None,
        **options: Unpack[TrainingOptions],
    ) -> History:
        """Learn to reconstruct the training data from the latent space.

        Args:
            training_data: (N, T, F) where it is separated by time step, else (N, n); a last axis of
                1 may follow.
            batch_size: sounds of a step; at most all there are.
            max_epochs: times that every sound is seen.
            learning_rate: constant, or a schedule of the step.
            test_data: like training_data; its error, without noise and KL, is reported with the
                training's loss.
            test_share: share of the training data that is used for that instead, such as 0.1; the
                sounds are drawn from the seed.
            graph: draw the losses: on the screen, or without one into ./loss_over_time.png.
            print_epochs: print about 20 lines of progress.
            time_separated_input: the encoder gets a time step at a time, else the whole sound as
                one step.
            time_separated_output: the decoder gives a time step at a time, else the whole sound as
                one step.
            beta: weight of the KL divergence, or a function of the step.
            free_bits: nats per latent coordinate that cost nothing.
            optimizer: AdamTaperoff if not given.
            **options: checkpoint, checkpoint_minutes, patience, keep_best, averaging, clip,
                threads: see TrainingOptions.

        Returns:
            The losses, test losses, gradient norms and learning rates.

        Raises:
            ValueError: if the data's shape does not fit the networks, or an option is out of range.
            CheckpointError: if the checkpoint is damaged, or of another training.
            TrainingDiverged: at a loss that is not finite; the network has the last good weights.
        """
        training_data, test_data = set_apart(
            training_data, test_data, test_share=test_share, seed=self.seed
        )
        inputs, targets = self._arrange(training_data, time_separated_input, time_separated_output)
        tested = (
            None
            if test_data is None
            else self._arrange(test_data, time_separated_input, time_separated_output)
        )

        def loss(module: VAE, batch: Piece) -> float:
            weight = beta(batch.step) if callable(beta) else beta
            x = inputs.take(batch.indices, axis=1)
            target = x if targets is inputs else targets.take(batch.indices, axis=1)
            return module.loss(x, target, rng=batch.rng, beta=weight, free_bits=free_bits)

        def test_loss(piece: slice) -> float:
            assert tested is not None
            x, target = (np.ascontiguousarray(part[:, piece]) for part in tested)
            return mean_squared_error(self.forward(x, steps=len(target))[0], target)[0] * len(
                target
            )

        return train_epochs(
            self,
            inputs.shape[1],
            loss,
            batch_size=batch_size,
            max_epochs=max_epochs,
            learning_rate=learning_rate,
            optimizer=optimizer or AdamTaperoff(),
            seed=self.seed,
            data=(inputs, targets, *(tested or ())),
            test_count=tested[0].shape[1] if tested else 0,
            test_loss=test_loss,
            print_epochs=print_epochs,
            graph=graph,
            **options,
        )

    def loss(
        self,
        x: np.ndarray,
        target: np.ndarray,
        *,
        rng: np.random.Generator | None,
        beta: float = 1.0,
        free_bits: float = 0.0,
    ) -> float:
        """Return the loss of x (T, B, F) for a target (T', B, F'), and add its gradients."""
        fused = fused_loss(
            self.encoder,
            self.decoder,
            self.workspace,
            x,
            target,
            latent_size=self.latent_size,
            rng=rng,
            beta=beta,
            free_bits=free_bits,
        )
        if fused is not None:
            return fused
        y, cache = self.forward(x, rng=rng, steps=len(target))
        value, dy = mean_squared_error(y, target)
        steps = len(target)
        dy *= dy.dtype.type(steps)  # the loss is a mean over features and a sum over time
        weight = beta / self.latent_size
        kl, dmean, dlog_variance = gaussian_kl(cache.mean, cache.log_variance, free_bits=free_bits)
        dmean *= dy.dtype.type(weight)
        dlog_variance *= dy.dtype.type(weight)
        self.encoder.add_gradients(
            self._through_latent(dy, cache, dmean, dlog_variance), cache.encoder
        )
        return value * steps + weight * kl

    def forward(
        self, x: np.ndarray, *, rng: np.random.Generator | None = None, steps: int | None = None
    ) -> tuple[np.ndarray, VAECache]:
        """Return y (T, B, F) and the cache.

        Args:
            x: (T, B, F).
            rng: draws epsilon; without it z = mu.
            steps: of y; as many as x has if not given.
        """
        encoded, encoder_cache = self.encoder.forward(x, last=True)
        mean = np.ascontiguousarray(encoded[:, : self.latent_size])
        log_variance = np.ascontiguousarray(encoded[:, self.latent_size :])
        noise = None
        if rng is not None:
            noise = np.exp(log_variance * mean.dtype.type(0.5))
            noise *= rng.standard_normal(mean.shape).astype(mean.dtype)
        z = mean if noise is None else mean + noise
        y, decoder_cache = self.decoder.forward(z, steps=steps or len(x))
        return y, VAECache(encoder_cache, decoder_cache, mean, log_variance, noise)

    def backward(
        self,
        dy: np.ndarray,
        cache: VAECache,
        *,
        dmean: np.ndarray | float = 0.0,
        dlog_variance: np.ndarray | float = 0.0,
    ) -> np.ndarray:
        """Return dx; dmean and dlog_variance (B, Z) are the gradients of the KL divergence."""
        return self.encoder.backward(
            self._through_latent(dy, cache, dmean, dlog_variance), cache.encoder
        )

    def _through_latent(
        self,
        dy: np.ndarray,
        cache: VAECache,
        dmean: np.ndarray | float,
        dlog_variance: np.ndarray | float,
    ) -> np.ndarray:
        """Return the gradient with respect to [mu; log_variance] (B, 2Z)."""
        dz = self.decoder.backward(dy, cache.decoder)
        # dz / dlog_variance = exp(log_variance / 2) epsilon / 2
        through_noise = (
            np.zeros_like(dz) if cache.noise is None else dz * cache.noise * dz.dtype.type(0.5)
        )
        return np.concatenate([dz + dmean, through_noise + dlog_variance], axis=1)

    def encode(self, sounds: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Return mu and log_variance (N, Z) of time-separated sounds (N, T, F)."""
        encoded, _ = self.encoder.forward(time_major(self._steps(sounds)), last=True)
        return encoded[:, : self.latent_size], encoded[:, self.latent_size :]

    def decode(self, z: np.ndarray, steps: int) -> np.ndarray:
        """Return time-separated sounds (N, steps, F) from latent coordinates (N, Z)."""
        y, _ = self.decoder.forward(np.asarray(z), steps=steps)
        return batch_first(y)

    def feedforward(self, sounds: np.ndarray) -> np.ndarray:
        """Return time-separated sounds (N, T, F) reconstructed from mu, without noise."""
        return batch_first(self.forward(time_major(self._steps(sounds)))[0])

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write sizes and weights to a file.

        Raises:
            ValueError: if the networks' arguments are no numbers, words and lists of them.
        """
        save_vae(self, path)

    @classmethod
    def load(cls, path: str | os.PathLike[str]) -> VAE:
        """Return the VAE that `save` wrote.

        Raises:
            CheckpointError: if the file is not one.
        """
        return load_vae(cls, path)

    def _steps(self, data: np.ndarray) -> np.ndarray:
        return three_axes(data, self.encoder.input_size)

    def _arrange(
        self, data: np.ndarray, separated_input: bool, separated_output: bool
    ) -> tuple[np.ndarray, np.ndarray]:
        """Return inputs and targets (T, N, F); a sound that is not separated is one step."""
        if not len(data):
            raise ValueError("there is nothing to train on")
        steps = self._steps(data)
        whole = steps.reshape(len(steps), 1, -1)
        inputs = steps if separated_input else whole
        targets = (
            inputs
            if separated_input == separated_output
            else (steps if separated_output else whole)
        )
        for part, size, name in (
            (inputs, self.encoder.input_size, "encoder"),
            (targets, self.decoder.output_size, "decoder"),
        ):
            if part.shape[2] != size:
                raise ValueError(
                    f"the {name} works on {size} values a time step, the data has {part.shape[2]}"
                )
        turned = time_major(inputs)
        return turned, turned if targets is inputs else time_major(targets)

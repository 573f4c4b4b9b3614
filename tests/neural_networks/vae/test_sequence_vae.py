"""The VAE whose latents move in time: gradients, exact inversion, going on, training."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from neural_networks.components.parameters import FlatParameters, pack
from neural_networks.gradient_check import check_gradients
from neural_networks.optimizers.optimizers import Adam
from neural_networks.training.batches import Piece
from neural_networks.training.trainer import Trainer
from neural_networks.vae import sequence_vae
from neural_networks.vae.scheduled_sampling import own_draws
from neural_networks.vae.sequence_decoder import SequenceDecoder
from neural_networks.vae.sequence_encoder import PosteriorEncoder
from neural_networks.vae.sequence_vae import SequenceVAE
from neural_networks.vae.song_context import PERIOD, Conditioning, position_features
from neural_networks.vae.song_generator import CALIBRATION_BOUNDS, STEPS_AT_ONCE
from neural_networks.vae.step_input import shifted

K, D, Z = 6, 4, 3
SIZES = {
    "latent_size": D,
    "song_size": Z,
    "encoder_hidden": 5,
    "hidden": 7,
    "prior_hidden": 6,
    "embedding": 5,
}
PLANNED = {"beats": 3, "plan_size": 4, "position": True, "steps_per_beat": 2}
V = 2
DETAILED = {**PLANNED, "detail_size": V}
KINDS = [
    {},
    PLANNED,
    {"beats": 2, "plan_size": 3},
    {"position": True},
    {"groups": 4},
    {"groups": 2, **DETAILED},
    {"mixtures": 3},
    {"mixtures": 2, "groups": 2, **DETAILED},
]
SHAPES = [(1, 1), (4, 1), (7, 3)]  # S, B

every_kind = pytest.mark.parametrize(
    "kind",
    KINDS,
    ids=["z", "all", "plan", "position", "groups", "groups-detail", "mixtures", "mixtures-detail"],
)
every_shape = pytest.mark.parametrize("shape", SHAPES, ids=str)


def made(rng: np.random.Generator, dtype: type = np.float64, **options: Any) -> FlatParameters:
    vae = SequenceVAE(K, scales=rng.uniform(0.5, 2, K), values=20, **SIZES, **options, rng=rng)
    for head in (vae.encoder.head, vae.encoder.song_head, vae.generator.prior.head):
        head.weight.value *= 3
    return pack(vae, dtype)


def width(kind: dict) -> int:
    return D + kind.get("detail_size", 0)


def choices(kind: dict) -> int:
    """The innovations of a step that choose components."""
    return kind.get("groups", 1) if kind.get("mixtures", 1) > 1 else 0


def check_parameters(flat: FlatParameters, value: Callable[[], float], step: float = 1e-6) -> None:
    """Compare each parameter's gradient, which `value` adds, with its central differences."""
    flat.zero_grads()
    value()
    claimed = flat.grads.copy()
    rng = np.random.default_rng(5)
    for name, parameter in flat.module.named_parameters():
        saved, direction = parameter.value.copy(), rng.standard_normal(parameter.value.shape)
        flat.grads[:] = claimed
        expected, length = float((parameter.grad * direction).sum()), np.linalg.norm(parameter.grad)
        ends = []
        for sign in (1, -1):
            parameter.value[...] = saved + sign * step * direction
            ends.append(value())
        parameter.value[...] = saved
        measured = (ends[0] - ends[1]) / (2 * step)
        assert abs(expected - measured) < 1e-6 * max(abs(measured), length, 1e-3), (
            name,
            expected,
            measured,
        )
        assert length > 0 or expected == measured == 0, name


@pytest.mark.parametrize("hidden", [1, 5])
@every_shape
def test_encoder_gradients(shape: tuple, hidden: int, rng: np.random.Generator) -> None:
    encoder = PosteriorEncoder(K, D, Z, hidden=hidden, rng=rng)
    check_gradients(encoder, rng.standard_normal((*shape, K)), rng=rng).require()


def test_the_encoder_adds_the_same_without_an_input_gradient(rng: np.random.Generator) -> None:
    flat = pack(PosteriorEncoder(K, D, Z, hidden=5, rng=rng), np.float64)
    y, cache = flat.module.forward(rng.standard_normal((7, 3, K)))
    flat.module.backward(y, cache)
    whole = flat.grads.copy()
    flat.zero_grads()
    flat.module.add_gradients(y, cache)
    np.testing.assert_array_equal(flat.grads, whole)


@every_kind
@every_shape
def test_decoder_gradients(shape: tuple, kind: dict, rng: np.random.Generator) -> None:
    """With its plan: of w and z, through the conditioning."""
    vae = made(rng, **kind).module
    check_gradients(
        vae,
        (rng.standard_normal((*shape, width(kind))), rng.standard_normal((shape[1], Z))),
        rng=rng,
        forward=lambda vae, w, z: vae.generator.decode(w, z),
        backward=lambda vae, dy, cache: vae.generator.decode_backward(dy, cache),
    ).require()


@pytest.mark.parametrize("whole", [False, True])
@every_kind
@every_shape
def test_gradients_of_new_songs(
    shape: tuple, kind: dict, whole: bool, rng: np.random.Generator
) -> None:
    """Of z, of every innovation and of all parameters, through draws and calibration."""
    vae, size = made(rng, **kind).module, (width(kind) if whole else D) + choices(kind)
    vae.generator.calibration = rng.uniform(0.5, 2, K)
    check_gradients(
        vae,
        (rng.standard_normal((shape[1], Z)), rng.standard_normal((*shape, size))),
        rng=rng,
        forward=lambda vae, z, innovations: vae.generator.generate(z, innovations),
        backward=lambda vae, dy, cache: vae.generator.generate_backward(dy, cache),
    ).require()


def test_calibrated_songs_move_as_much_as_the_music(rng: np.random.Generator) -> None:
    vae = made(rng, np.float32).module
    generator, factors = vae.generator, np.linspace(0.6, 3, K)
    z, innovations = (rng.standard_normal(s, np.float32) for s in ((5, Z), (9, 5, D)))
    plain = generator.draw(z, innovations)[0]
    for _ in range(2):  # the second time, drawn songs are calibrated already
        generator.calibrate(generator.draw(z, innovations)[0], plain[:, ::-1] * factors)
        np.testing.assert_allclose(generator.calibration, factors, rtol=1e-5)
    np.testing.assert_allclose(generator.draw(z, innovations)[0], plain * factors, rtol=1e-5)
    w, z = vae.encode(plain)
    drawn = generator.generate(z, generator.innovations(w, z))[0]
    np.testing.assert_allclose(drawn, generator.decode(w, z)[0] * factors, rtol=1e-3, atol=1e-4)
    generator.calibrate(plain, np.zeros_like(plain))
    assert (generator.calibration == CALIBRATION_BOUNDS[0]).all()


@pytest.mark.parametrize(
    "options",
    [
        {"beta": 0.3},
        {"beta": 0.3, "song_beta": 0.9},
        {"beta": 2.0, "free_bits": 1.0, "song_free_bits": 1.4},
        {"beta": 0.3, "detail_beta": 0.7, "detail_share": 0.7},
    ],
    ids=["beta", "two", "free", "detail"],
)
@every_kind
@every_shape
def test_loss_gradients(shape: tuple, kind: dict, options: dict, rng: np.random.Generator) -> None:
    flat = made(rng, **kind)
    x = 3 * rng.standard_normal((*shape, K))
    check_parameters(
        flat, lambda: flat.module.loss(x, **options, rng=np.random.default_rng(7)).loss
    )


def test_loss_gradients_outside_the_bounds(rng: np.random.Generator) -> None:
    """Log-variances that lie outside on either side, of the posterior, of z and of the prior."""
    flat = made(rng)
    vae = flat.module
    assert isinstance(vae, SequenceVAE)
    for bias, size in (
        (vae.encoder.head.bias, D),
        (vae.encoder.song_head.bias, Z),
        (vae.generator.prior.head.bias, D),
    ):
        bias.value[size : size + 2] = -12, 6
    x = rng.standard_normal((5, 2, K))
    check_parameters(flat, lambda: vae.loss(x, beta=0.5, rng=np.random.default_rng(7)).loss)


def test_excerpts_know_at_which_beat_they_begin(rng: np.random.Generator) -> None:
    flat = made(rng, **PLANNED)
    x, first_beat = rng.standard_normal((5, 3, K)), np.array([0, 7, 31])
    check_parameters(
        flat,
        lambda: (
            flat.module.loss(x, beta=0.5, first_beat=first_beat, rng=np.random.default_rng(7)).loss
        ),
    )

    def value(start: Any) -> float:
        return flat.module.loss(x, beta=0.5, first_beat=start, rng=np.random.default_rng(7)).loss

    assert value(None) == pytest.approx(value(np.zeros(3)), rel=1e-14)
    assert value(first_beat) != pytest.approx(value(None), rel=1e-6)
    assert value(first_beat) == pytest.approx(value(first_beat + PERIOD), rel=1e-12)


def test_the_parts_of_the_loss(rng: np.random.Generator) -> None:
    """Against the definition, with K = N and log-variances so low that draws are means."""
    vae = SequenceVAE(K, **SIZES, rng=rng)
    flat = pack(vae, np.float64)
    for head, size in ((vae.encoder.head, D), (vae.encoder.song_head, Z)):
        head.weight.value[:, size:] = 0
        head.bias.value[size:] = -50
    x = rng.standard_normal((5, 2, K))
    parts = vae.loss(x, beta=0.0, rng=rng)
    w, z = vae.encode(x)
    assert (
        parts.loss
        == parts.error
        == pytest.approx(np.mean((vae.generator.decode(w, z)[0] - x) ** 2), rel=0.2)
    )
    assert not flat.view(vae.generator.prior).grads.any()  # nothing asks for it
    parts = vae.loss(x, beta=0.6, song_beta=0.2, rng=rng)
    assert parts.loss == pytest.approx(
        parts.error + (0.6 * parts.step_nats + 0.2 * parts.song_nats / 5) / K, rel=1e-12
    )
    variance = np.exp(-8.0)
    assert parts.song_nats == pytest.approx(
        np.mean(np.sum(z**2 + variance - 1 + 8, axis=1)) / 2, rel=1e-12
    )


def test_detail_is_given_for_some_songs_alone(rng: np.random.Generator) -> None:
    flat = made(rng, **DETAILED)
    vae = flat.module
    assert isinstance(vae, SequenceVAE)
    x = rng.standard_normal((5, 4, K))

    def parts(share: float) -> tuple[Any, np.ndarray]:
        flat.zero_grads()
        options = {"beta": 0.6, "song_beta": 0.0, "detail_beta": 0.8, "detail_share": share}
        loss = vae.loss(x, **options, rng=np.random.default_rng(7))
        # the decoder's weights of what it reads, and what the encoder says of detail
        read = vae.generator.decoder.input.latent_weight.grad[D:]
        said = vae.encoder.head.bias.grad.reshape(2, -1)[:, D:]
        return loss, np.concatenate([read.ravel(), said.ravel()])

    none, gradient = parts(0.0)
    assert not gradient.any() and none.detail_nats == 0
    half, gradient = parts(0.5)
    assert gradient.all()
    assert half.loss == pytest.approx(
        half.error + (0.6 * half.step_nats + 0.5 * 0.8 * half.detail_nats) / 20, rel=1e-12
    )
    mean, log_variance = np.split(vae.posterior(x[:, :2])[0], 2, axis=-1)
    mean, log_variance = mean[..., D:], log_variance[..., D:]
    nats = (np.exp(log_variance) + mean**2 - 1 - log_variance).sum(axis=-1).mean() / 2
    assert half.detail_nats == pytest.approx(nats, rel=1e-12)


def test_new_songs_have_no_detail(rng: np.random.Generator) -> None:
    vae = made(rng, **DETAILED).module
    assert isinstance(vae, SequenceVAE)
    z, innovations = rng.standard_normal((2, Z)), rng.standard_normal((5, 2, D + V))
    innovations[..., D:] = 0
    songs, _ = vae.generator.generate(z, innovations)
    np.testing.assert_array_equal(vae.generator.generate(z, innovations[..., :D])[0], songs)
    innovations[2:, :, D:] = 1
    change = np.abs(vae.generator.generate(z, innovations)[0] - songs).max(axis=(1, 2))
    assert not change[:2].any() and change[2:].all()


@pytest.mark.parametrize("passes", [1, 2])
def test_loss_gradients_with_draws_as_input(
    passes: int, rng: np.random.Generator, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The draws count as given, so that they are held while the weights move."""
    flat = made(rng, **PLANNED)
    x, kept = rng.standard_normal((7, 3, K)), []

    def held(*arguments: Any, **options: Any) -> Any:
        if not kept:
            kept.append(own_draws(*arguments, **options))
        return kept[0]

    monkeypatch.setattr(sequence_vae, "own_draws", held)
    check_parameters(
        flat,
        lambda: (
            flat.module.loss(
                x, beta=0.5, own_share=0.6, passes=passes, rng=np.random.default_rng(7)
            ).loss
        ),
    )
    assert 0 < kept[0][1].mean() < 1


@pytest.mark.parametrize("passes", [1, 2, 3])
def test_passes_come_nearer_to_the_sampled_run(passes: int, rng: np.random.Generator) -> None:
    """With all inputs replaced, n passes make the first n draws of the sampled run."""
    vae = made(rng, **PLANNED).module
    assert isinstance(vae, SequenceVAE)
    w = rng.standard_normal((6, 2, D))
    context, _ = vae.generator.conditioning.forward(rng.standard_normal((2, Z)), 6)
    draws, replaced = own_draws(
        vae.generator.prior, w, context, share=1.0, passes=passes, rng=np.random.default_rng(3)
    )
    assert replaced.all()
    noise = np.random.default_rng(3).standard_normal(w.shape)
    run, _ = vae.generator.prior.sample(noise, context)
    np.testing.assert_allclose(draws[:passes], run[:passes], rtol=0, atol=1e-12)
    assert np.abs(draws[passes:] - run[passes:]).max() > 1e-6
    draws, replaced = own_draws(
        vae.generator.prior, w, context, share=0.0, passes=2, rng=np.random.default_rng(3)
    )
    assert not replaced.any()
    assert not shifted(w)[0].any()


@every_kind
@pytest.mark.parametrize("dtype, limit", [(np.float64, 1e-12), (np.float32, 2e-5)])
def test_the_same_p_is_the_same_song(
    kind: dict, dtype: type, limit: float, rng: np.random.Generator
) -> None:
    """Encode -> (z, innovations) -> generate is the decoder's song, of draws or of means."""
    vae = made(rng, dtype, **kind).module
    assert isinstance(vae, SequenceVAE)
    x = rng.standard_normal((40, 3, K)).astype(dtype)
    for draws in (None, rng):
        w, z = vae.encode(x, rng=draws)
        innovations = vae.generator.innovations(w, z)
        if draws is None:
            for ours, theirs in zip(vae.coordinates(x), (z, innovations), strict=True):
                np.testing.assert_array_equal(ours, theirs)
        song, _ = vae.generator.generate(z, innovations)
        assert song.dtype == innovations.dtype == dtype
        np.testing.assert_allclose(song, vae.generator.decode(w, z)[0], rtol=0, atol=limit)
        np.testing.assert_array_equal(vae.generator.generate(z, innovations)[0], song)


def test_the_generator_is_one_slice_and_needs_no_encoder(rng: np.random.Generator) -> None:
    """What a critic trains: the encoder's gradients stay as they are."""
    flat = made(rng, np.float32, **PLANNED)
    generator = flat.view(flat.module.generator)
    z, innovations = (rng.standard_normal(s, np.float32) for s in ((2, Z), (5, 2, D)))
    song, cache = generator.module.generate(z, innovations)
    generator.module.generate_backward(song, cache)
    assert generator.grads.any() and not flat.view(flat.module.encoder).grads.any()
    assert generator.values.size + flat.view(flat.module.encoder).values.size == flat.values.size


@every_kind
def test_a_song_goes_on(kind: dict, rng: np.random.Generator) -> None:
    """In pieces it is the same song, and a song that was heard goes on from its end."""
    vae = made(rng, **kind).module
    assert isinstance(vae, SequenceVAE)
    size = width(kind) + choices(kind)
    z, innovations = rng.standard_normal((2, Z)), rng.standard_normal((13, 2, size))
    whole, _ = vae.generator.generate(z, innovations)
    state, pieces = None, []
    for begin, end in ((0, 5), (5, 6), (6, 13)):
        piece, cache = vae.generator.generate(z, innovations[begin:end], state=state)
        state = vae.generator.state_after(cache)
        pieces.append(piece)
    np.testing.assert_allclose(np.concatenate(pieces), whole, rtol=0, atol=1e-13)
    assert state is not None and state.step == 13
    x = rng.standard_normal((9, 2, K))
    z, state = vae.listen(x)
    w, _ = vae.encode(x)
    heard = vae.generator.innovations(w, z)
    expected, _ = vae.generator.generate(z, np.concatenate([heard, innovations]))
    np.testing.assert_allclose(
        vae.generator.generate(z, innovations, state=state)[0], expected[9:], rtol=0, atol=1e-12
    )


def test_drawn_in_pieces_it_is_the_same_song(rng: np.random.Generator) -> None:
    vae = made(rng, np.float32, **PLANNED).module
    assert isinstance(vae, SequenceVAE)
    z = rng.standard_normal((2, Z), np.float32)
    innovations = rng.standard_normal((2 * STEPS_AT_ONCE + 3, 2, D), np.float32)
    songs, state = vae.generator.draw(z, innovations)
    whole, cache = vae.generator.generate(z, innovations)
    np.testing.assert_allclose(songs, whole, rtol=0, atol=1e-6)
    assert songs.dtype == np.float32 and state.step == len(innovations)
    for ours, theirs in zip(state, vae.generator.state_after(cache), strict=True):
        np.testing.assert_allclose(ours, theirs, rtol=0, atol=1e-6)


def test_the_beginning_knows_nothing_of_the_end(rng: np.random.Generator) -> None:
    vae = made(rng, **PLANNED).module
    assert isinstance(vae, SequenceVAE)
    z, innovations = rng.standard_normal((2, Z)), rng.standard_normal((10, 2, D))
    song, _ = vae.generator.generate(z, innovations)
    innovations[6:] += 1
    other, _ = vae.generator.generate(z, innovations)
    np.testing.assert_array_equal(other[:6], song[:6])
    assert (other[6:] != song[6:]).all()


def test_everything_of_a_step_is_drawn_from_the_rng(rng: np.random.Generator) -> None:
    flat = made(rng, np.float32, **PLANNED)
    x = rng.standard_normal((8, 2, K)).astype(np.float32)

    def step(seed: int) -> bytes:
        flat.zero_grads()
        flat.module.loss(x, beta=0.1, own_share=0.5, rng=np.random.default_rng(seed))
        return flat.grads.tobytes()

    assert step(1) == step(1) != step(2)


def trainer(threads: int, rng: np.random.Generator) -> Trainer:
    songs = np.random.default_rng(1).standard_normal((12, 8, K)).astype(np.float32)

    def loss(vae: SequenceVAE, piece: Piece) -> float:
        x = np.ascontiguousarray(songs[piece.indices].transpose(1, 0, 2))
        return vae.loss(x, beta=0.01, own_share=0.5, rng=piece.rng).loss

    flat = made(rng, np.float32, **PLANNED)
    return Trainer(
        flat,
        loss,
        Adam(0.9, 0.99),
        lambda step: 3e-3,
        batch_size=6,
        clip=0.5,
        threads=threads,
        pieces=3,
    )


def test_a_trainer_makes_the_same_on_one_thread_and_two_and_resumes() -> None:
    trainers = [trainer(threads, np.random.default_rng(0)) for threads in (1, 2, 1)]
    losses = [trainers[0].run(12, 20), trainers[1].run(12, 20)]
    assert losses[0].tobytes() == losses[1].tobytes()
    values = trainers[0].parameters.values.tobytes()
    assert trainers[1].parameters.values.tobytes() == values
    first = trainer(1, np.random.default_rng(0))
    first.run(12, 9)
    trainers[2].restore(first.state())
    trainers[2].run(12, 20)
    assert trainers[2].parameters.values.tobytes() == values


def test_it_learns_songs_and_what_comes_next(rng: np.random.Generator) -> None:
    """Songs that turn at a speed of their own come back, and the prior knows the next step."""
    angle = rng.uniform(0.2, 0.6, 16) * np.arange(24)[:, None] + rng.uniform(0, 6, 16)
    x = np.stack([np.sin(angle), np.cos(angle)], axis=2).astype(np.float32)
    vae = SequenceVAE(
        2,
        **SIZES | {"hidden": 24, "prior_hidden": 24, "encoder_hidden": 16, "embedding": 16},
        rng=rng,
    )
    flat, optimizer = pack(vae), Adam(0.9, 0.99)
    parts = []
    for _ in range(400):
        flat.zero_grads()
        parts.append(vae.loss(x, beta=0.02, rng=rng))
        optimizer.step(flat.values, flat.grads, 5e-3)
    assert parts[-1].error < 0.05 * x.var()
    w, z = vae.encode(x)
    context, _ = vae.generator.conditioning.forward(z, len(w))
    expected = vae.generator.prior.predict(w, context)[0][..., :D]
    assert (w - expected)[8:].std() < 0.5 * w[8:].std()
    drawn = vae.generator.innovations(*vae.encode(x, rng=rng))[8:]
    assert 0.7 < drawn.std() < 1.3  # as those of a new song


def test_positions_repeat_with_their_periods() -> None:
    beats = np.arange(400) / 4
    positions = position_features(beats)
    assert positions.shape == (400, 18)
    np.testing.assert_allclose(position_features(beats + PERIOD), positions, atol=1e-9)
    np.testing.assert_allclose(positions[0], [0] * 9 + [1] * 9, atol=1e-12)


def test_a_plan_begins_again(rng: np.random.Generator) -> None:
    told = Conditioning(Z, beats=3, plan_size=4, steps_per_beat=2, rng=rng)
    context, _ = told.forward(rng.standard_normal((2, Z)), 9, first_step=1)
    assert context.plan is not None and context.plan.shape == (3, 2, 4) and context.steps == 9
    np.testing.assert_array_equal(context.beats, [0, 1, 1, 2, 2, 0, 0, 1, 1])


def test_refusals(rng: np.random.Generator) -> None:
    for scales in (np.ones(K - 1), np.zeros(K), -np.ones(K)):
        with pytest.raises(ValueError, match=f"scales are {K} positive numbers"):
            SequenceVAE(K, scales=scales, rng=rng)
    with pytest.raises(ValueError, match="a song has at least one step"):
        made(rng).module.generator.draw(np.zeros((2, Z)), np.zeros((0, 2, D)))
    with pytest.raises(ValueError, match="a plan has 0 beats or more"):
        SequenceVAE(K, beats=-1, rng=rng)
    with pytest.raises(ValueError, match="of 1 step or more, not 2 of 0"):
        SequenceVAE(K, beats=2, steps_per_beat=0, rng=rng)
    assert (
        SequenceDecoder(
            K, D, Z, Conditioning(Z, rng=rng), embedding=2, hidden=3, rng=rng
        ).cell.hidden_size
        == 3
    )

"""Calibration: its gradients, the effect of each part, and that a known error is measured."""

import numpy as np
import pytest

from neural_networks.components.parameters import pack
from neural_networks.gradient_check import check_gradients
from neural_networks.vae.calibration import KNOT, Calibration
from neural_networks.vae.calibration_fit import KNOTS, measure
from neural_networks.vae.recurrent_vae import RecurrentVAE


def _nothing(rows: int, width: int) -> dict[str, np.ndarray]:
    taps = np.zeros((3, rows, width))
    taps[1] = 1
    return {
        "taps": taps,
        "curve": np.tile(KNOT * np.arange(KNOTS), (rows * width, 1)),
        "gain": np.zeros(rows * width),
    }


def _any(
    rows: int, width: int, rng: np.random.Generator, taps: int = 3, *, old: bool = False
) -> Calibration:
    curve = np.cumsum(rng.uniform(0.01, 0.05, (rows * width, 9)), axis=1)
    arrays = (
        0.5 * rng.standard_normal((taps, rows, width)),
        curve,
        rng.uniform(0.05, 0.3, rows * width),
    )
    return (
        Calibration(*arrays)
        if old
        else Calibration(
            *arrays, rng.uniform(0.5, 2, (3, width)), rng.standard_normal((width, width))
        )
    )


@pytest.mark.parametrize(
    ("steps", "batch", "rows", "width", "taps"),
    [(1, 1, 1, 1, 1), (1, 2, 3, 2, 5), (5, 1, 2, 3, 7), (4, 3, 6, 1, 3), (2, 2, 1, 5, 7)],
)
@pytest.mark.parametrize("old", [False, True])
def test_gradients(steps, batch, rows, width, taps, old, rng):
    x = 0.2 * rng.standard_normal((steps, batch, rows * width))
    check_gradients(_any(rows, width, rng, taps, old=old), x, rng=rng).require()


def test_through_a_decoder(rng):
    decoder = RecurrentVAE(6, latent_size=3, beats=3, hidden=5, rng=rng).decoder
    decoder.calibration = _any(3, 2, rng)
    check_gradients(decoder, rng.standard_normal((2, 3)), rng=rng).require()


def test_rows_are_joined_over_the_borders_of_steps(rng):
    """Against a convolution of each value over all rows, with taps by the place in the step."""
    taps, x = rng.standard_normal((5, 3, 2)), rng.standard_normal((4, 2, 6))
    y = Calibration(**_nothing(3, 2) | {"taps": taps}).forward(x)[0]
    rows = np.pad(
        x.reshape(4, 2, 3, 2).transpose(1, 0, 2, 3).reshape(2, 12, 2), ((0, 0), (2, 2), (0, 0))
    )
    taps = taps.astype(np.float32)
    joined = np.stack(
        [sum(taps[k, row % 3] * rows[:, row + k] for k in range(5)) for row in range(12)], axis=1
    )
    expected = joined.reshape(2, 4, 6).transpose(1, 0, 2)
    # the curve: as it was
    np.testing.assert_allclose(y[expected < 1], expected[expected < 1], atol=1e-6)


def test_contrasts_widen_a_song_around_its_mean_and_songs_around_their_level(rng):
    x = rng.uniform(0.2, 0.4, (5, 2, 6))
    level, between, within = contrast = np.array([[0.3, 0.1], [1.0, 0.5], [2.0, 1.0]])
    y = Calibration(**_nothing(3, 2), contrast=contrast).forward(x)[0].reshape(5, 2, 3, 2)
    rows = x.reshape(5, 2, 3, 2)
    mean = rows.mean(axis=(0, 2), keepdims=True)
    np.testing.assert_allclose(
        y, level + between * (mean - level) + within * (rows - mean), rtol=1e-5
    )


def test_blended_bands_flutter_together():
    blend = np.array([[1, 0, 0], [0.8, 0.6, 0], [0, 0, 1]])
    calibration = Calibration(**_nothing(2, 3) | {"gain": np.full(6, 0.1)}, blend=blend)
    y = calibration.forward(np.ones((4000, 1, 6), np.float32))[0].reshape(-1, 3)
    np.testing.assert_allclose(np.corrcoef(y.T), [[1, 0.8, 0], [0.8, 1, 0], [0, 0, 1]], atol=0.03)
    np.testing.assert_allclose(y.std(axis=0), 0.1, rtol=0.05)


def test_curves(rng):
    curve = np.array([[0.1, 0.2, 0.6], [0.0, 0.1, 0.1 + KNOT]])
    calibration = Calibration(np.ones((1, 1, 2)), curve, np.zeros(2))
    x = np.array([[[-1.0, -1.0]], [[0.0, 0.0]], [[KNOT / 2, KNOT / 2]], [[1.5 * KNOT, 10.0]]])
    np.testing.assert_allclose(
        calibration.forward(x)[0][:, 0],
        [[-0.9, -1], [0.1, 0], [0.15, 0.05], [0.4, 10 - KNOT + 0.1]],
        rtol=1e-6,
    )


def test_songs_flutter_by_their_gain_and_always_the_same():
    x = np.ones((4000, 2, 6), np.float32)
    x[:, :, 5] = -1
    calibration = Calibration(**_nothing(1, 6) | {"gain": np.array([0, 0.05, 0.1, 0.2, 0.1, 0.1])})
    y = calibration.forward(x)[0]
    np.testing.assert_array_equal(y, calibration.forward(x)[0])
    np.testing.assert_array_equal(y[:, 0], y[:, 1])
    np.testing.assert_array_equal(
        y[:100], calibration.forward(x[:100])[0]
    )  # a longer song begins alike
    np.testing.assert_allclose(y.std(axis=0)[0], [0, 0.05, 0.1, 0.2, 0.1, 0], rtol=0.05)
    np.testing.assert_allclose(y.mean(axis=0)[0], [1, 1, 1, 1, 1, -1], atol=0.02)


def _melodies(rng: np.random.Generator) -> np.ndarray:
    """Return slow songs (200, 8, 6) of three rows a step and two values a row."""
    time = np.arange(600)[:, None] / 40
    rows = 0.3 + 0.2 * np.sin(time + rng.uniform(0, 6, (8, 1, 2)))  # (8, 600, 2)
    return np.ascontiguousarray(rows.reshape(8, 200, 6).transpose(1, 0, 2))


def test_flutter_is_found(rng):
    smooth = _melodies(rng)
    gain = np.tile([0.03, 0.08], 3)
    real = smooth * (1 + gain * rng.standard_normal(smooth.shape))
    found = measure(real, smooth, smooth, rows=3)
    np.testing.assert_allclose(found.gain, gain, rtol=0.3)
    assert measure(smooth, real, real, rows=3).gain.max() < 0.01  # rough enough already


def test_bands_that_flutter_together_are_found(rng):
    smooth = _melodies(rng)
    own, shared = rng.standard_normal((2, 600, 8, 2))
    flutter = 0.06 * np.stack(
        [own[..., 0], 0.7 * own[..., 0] + np.sqrt(0.51) * shared[..., 0]], axis=-1
    )
    real = smooth * (1 + flutter.reshape(200, 3, 8, 2).transpose(0, 2, 1, 3).reshape(200, 8, 6))
    blend = measure(real, smooth, smooth, rows=3).blend
    np.testing.assert_allclose(blend @ blend.T, [[1, 0.7], [0.7, 1]], atol=0.15)
    alone = smooth * (1 + 0.06 * rng.standard_normal(smooth.shape))
    blend = measure(alone, smooth, smooth, rows=3).blend
    np.testing.assert_allclose(blend @ blend.T, np.eye(2), atol=0.15)


def test_contrast_is_found_in_songs_that_move_too_little(rng):
    """Songs whose levels differ more than they move, which a curve alone can't distinguish."""
    loud = rng.uniform(0.2, 0.6, (1, 8, 1))
    real = loud + 0.4 * (_melodies(rng) - 0.3)
    made = loud + 0.3 * (_melodies(rng) - 0.3)  # other melodies: least squares can't widen them
    calibration = measure(real, made, made, rows=3)
    calibrated = calibration.forward(made)[0]
    assert (
        calibration.contrast is not None
        and (calibration.contrast[2] > 1.2).all()
        and (calibration.contrast[1] < 1.1).all()
    )
    assert abs(calibrated.std(axis=0).mean() / real.std(axis=0).mean() - 1) < 0.1


def test_steps_that_do_not_fit_together_are_joined(rng):
    real = _melodies(rng)
    made = (
        real
        + 0.05
        * np.repeat(rng.standard_normal((200, 8, 2)), 3, axis=1).reshape(200, 8, 6)[
            :, :, [0, 3, 1, 4, 2, 5]
        ]
    )
    calibrated = measure(real, made, made, rows=3).forward(made)[0]
    assert np.square(calibrated - real).mean() < 0.6 * np.square(made - real).mean()


def test_levels_spread_as_those_of_real_songs(rng):
    real = np.exp(rng.normal(-2, 0.7, (300, 8, 6))) * (rng.random((300, 8, 6)) < 0.7)
    blurred = 0.5 * real + 0.5 * real.mean()
    calibrated = measure(real, blurred, blurred[:, :3], rows=3).forward(blurred)[0]
    assert (
        abs(calibrated.std() / real.std() - 1) < 0.05
        and abs(calibrated.mean() / real.mean() - 1) < 0.05
    )
    assert blurred.std() < 0.6 * real.std()
    assert np.square(calibrated - real).mean() < 0.2 * np.square(blurred - real).mean()


def test_silence_stays_silence():
    silence = np.zeros((20, 2, 6))
    calibrated = measure(silence, silence, silence, rows=3).forward(silence)[0]
    np.testing.assert_array_equal(calibrated, 0)


def test_it_is_no_parameter_and_a_twin_has_it_too(rng):
    vae = RecurrentVAE(6, latent_size=3, beats=2, hidden=5, rng=rng)
    count = pack(vae).values.size
    vae.decoder.calibration = _any(3, 2, rng)
    flat = pack(vae)
    assert flat.values.size == count
    z = rng.standard_normal((2, 3)).astype(np.float32)
    np.testing.assert_array_equal(
        flat.twin().module.decoder.forward(z)[0], vae.decoder.forward(z)[0]
    )


@pytest.mark.parametrize(
    "wrong",
    [
        {"taps": (2, 3, 2)},
        {"curve": (6, 1)},
        {"curve": (5, 4)},
        {"gain": (5,)},
        {"contrast": (2, 2)},
        {"contrast": (3, 6)},
        {"blend": (2, 3)},
        {"blend": (6, 6)},
    ],
)
def test_what_does_not_fit_is_refused(wrong):
    shapes = {"taps": (3, 3, 2), "curve": (6, 4), "gain": (6,), "contrast": (3, 2), "blend": (2, 2)}
    Calibration(**{name: np.zeros(shape) for name, shape in shapes.items()})
    with pytest.raises(ValueError, match="calibration|fit together"):
        Calibration(**{name: np.zeros(shape) for name, shape in (shapes | wrong).items()})


@pytest.mark.parametrize("name", ["taps", "curve", "gain", "contrast", "blend"])
def test_numbers_that_are_none_are_refused(name):
    arrays = _any(3, 2, np.random.default_rng(0)).arrays()
    with pytest.raises(ValueError, match="not finite"):
        Calibration(**arrays | {name: np.full_like(arrays[name], np.nan)})

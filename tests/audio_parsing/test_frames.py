"""Frames: lengths, levels, pitches, harmony and rhythm survive, silence stays silent."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings, strategies as st

from audio_parsing import analysis, filterbank, kernels
from audio_parsing.analysis import NOTE_BANDS
from audio_parsing.frames import (
    BANDS,
    EXPONENT,
    FRAME_SIZE,
    LOWEST_PITCH,
    SAMPLE_RATE,
    decode,
    encode,
    join,
    raw_frames,
    transpose,
)
from audio_parsing.starter import hop_length, render, starter_songs

HOPS = (363, 441, 656)  # 152 beats a minute, 50 frames a second, 84 beats a minute


def tone(
    pitch: float, seconds: float = 1.5, amplitude: float = 0.3, sample_rate: float = SAMPLE_RATE
) -> np.ndarray:
    time = np.arange(int(seconds * sample_rate)) / sample_rate
    return (amplitude * np.sin(2 * np.pi * 440 * 2 ** ((pitch - 69) / 12) * time)).astype(
        np.float32
    )


def chord_progression() -> np.ndarray:
    """C, F, G, a minor: each a struck chord of four notes with overtones, 0.5 s, twice."""
    sound = []
    for chord in ((48, 60, 64, 67), (41, 60, 65, 69), (43, 59, 62, 67), (45, 60, 64, 69)) * 2:
        decay = np.exp(-3 * np.arange(SAMPLE_RATE // 2) / SAMPLE_RATE)
        overtones = ((1, 0.1), (2, 0.05), (3, 0.03))
        sound.append(
            sum(tone(p + 12 * np.log2(h), 0.5, a) for p in chord for h, a in overtones) * decay
        )
    return np.concatenate(sound).astype(np.float32)


def pitch_of(samples: np.ndarray, sample_rate: float = SAMPLE_RATE) -> float:
    """The MIDI number of the strongest frequency, by a parabola on the log spectrum."""
    level = np.log(np.abs(np.fft.rfft(samples * np.hanning(len(samples)))) + 1e-12)
    k = int(np.argmax(level[1:-1])) + 1
    left, centre, right = level[k - 1 : k + 2]
    k += 0.5 * (left - right) / (left - 2 * centre + right)
    return 69 + 12 * np.log2(k * sample_rate / len(samples) / 440)


def rms(samples: np.ndarray) -> float:
    return float(np.sqrt(np.mean(np.asarray(samples, np.float64) ** 2)))


@settings(max_examples=20)
@given(length=st.integers(1, 5000), hop_length=st.integers(1, 700))
def test_lengths(length: int, hop_length: int) -> None:
    frames = encode(np.ones(length, np.float32), hop_length=hop_length)
    assert frames.shape == (-(-length // hop_length), FRAME_SIZE) and frames.dtype == np.float32
    assert np.isfinite(frames).all() and (frames >= 0).all()
    samples = decode(frames, hop_length=hop_length)
    assert samples.shape == (len(frames) * hop_length,) and samples.dtype == np.float32


@pytest.mark.parametrize("count", (1, 2, 3, 2500))
def test_any_number_of_frames(count: int) -> None:
    samples = decode(np.full((count, FRAME_SIZE), 0.2, np.float32), hop_length=441)
    assert samples.shape == (count * 441,) and np.isfinite(samples).all() and rms(samples) > 0


@pytest.mark.parametrize("hop_length", HOPS)
@pytest.mark.parametrize("pitch", (36.0, 57.0, 69.3, 88.0))
def test_a_sine_keeps_its_pitch_and_level(pitch: float, hop_length: int) -> None:
    samples = tone(pitch)
    copy = decode(encode(samples, hop_length=hop_length), hop_length=hop_length)[: len(samples)]
    middle = slice(len(samples) // 5, -len(samples) // 5)
    assert abs(pitch_of(copy[middle]) - pitch) < 0.1
    assert abs(20 * np.log10(rms(copy[middle]) / rms(samples[middle]))) < 1


def test_frame_values_are_amplitudes() -> None:
    frames = encode(tone(69.0, amplitude=0.5), hop_length=441)[20:-20]
    band = round((69.0 - LOWEST_PITCH) * 2)
    assert (frames[:, :BANDS].argmax(axis=1) == band).all()
    np.testing.assert_allclose(frames[:, band] ** (1 / EXPONENT), 0.5, rtol=0.01)
    assert frames[:, NOTE_BANDS:].max() ** (1 / EXPONENT) < 1e-3


def test_high_noise_comes_back_as_noise(rng: np.random.Generator) -> None:
    spectrum = np.fft.rfft(rng.standard_normal(2 * SAMPLE_RATE))
    hertz = np.fft.rfftfreq(2 * SAMPLE_RATE, 1 / SAMPLE_RATE)
    spectrum[(hertz < 6000) | (hertz > 8000)] = 0
    hiss = np.fft.irfft(spectrum).astype(np.float32)
    hiss[: SAMPLE_RATE // 2] = 0
    frames = encode(hiss, hop_length=441)
    power = np.mean(frames.astype(np.float64) ** (2 / EXPONENT), axis=0)
    inside = (filterbank.band_frequencies() > 5800) & (filterbank.band_frequencies() < 8200)
    assert power[inside].sum() > 0.95 * power.sum()
    copy = decode(frames, hop_length=441)
    assert abs(20 * np.log10(rms(copy) / rms(hiss))) < 1
    assert rms(copy[: SAMPLE_RATE // 2 - 1000]) < 0.05 * rms(copy)
    assert peaked(copy) < 3.5 * peaked(hiss)


def test_a_high_partial_comes_back_as_a_tone() -> None:
    samples = tone(121.3)
    copy = decode(encode(samples, hop_length=441), hop_length=441)[: len(samples)]
    middle = slice(len(samples) // 5, -len(samples) // 5)
    assert abs(pitch_of(copy[middle]) - 121.3) < 0.1
    assert peaked(copy[middle]) > 0.5 * peaked(samples[middle])


def peaked(samples: np.ndarray) -> float:
    """The largest power of a spectral line, over the mean of all that sound."""
    power = np.abs(np.fft.rfft(samples * np.hanning(len(samples)))) ** 2
    return float(power.max() / power[power > 1e-6 * power.max()].mean())


@pytest.mark.parametrize("hop_length", HOPS)
def test_a_chord_progression_keeps_harmony_rhythm_and_level(hop_length: int) -> None:
    samples = chord_progression()
    copy = decode(encode(samples, hop_length=hop_length), hop_length=hop_length)[: len(samples)]
    assert analysis.chroma_correlation(samples, copy) > 0.97
    assert analysis.onset_correlation(samples, copy) > 0.8
    assert analysis.log_spectral_distance(samples, copy) < 6
    assert abs(20 * np.log10(rms(copy) / rms(samples))) < 1


def test_other_sample_rates() -> None:
    # at 8 kHz the highest bands lie beyond what samples can hold
    for sample_rate in (8000, 44100):
        samples = tone(72.0, sample_rate=sample_rate)
        hop_length = sample_rate // 50
        copy = decode(
            encode(samples, hop_length=hop_length, sample_rate=sample_rate),
            hop_length=hop_length,
            sample_rate=sample_rate,
        )
        assert abs(pitch_of(copy[: len(samples)], sample_rate) - 72) < 0.1


def test_silence_stays_silent() -> None:
    frames = encode(np.zeros(5000, np.float32), hop_length=441)
    assert not frames.any()
    assert not decode(frames, hop_length=441).any()
    assert not decode(np.full((20, FRAME_SIZE), -3.0, np.float32), hop_length=441).any()


def test_silence_around_a_note_is_quiet() -> None:
    samples = np.zeros(3 * SAMPLE_RATE, np.float32)
    samples[SAMPLE_RATE : 2 * SAMPLE_RATE] = tone(60.0, 1.0)
    copy = decode(encode(samples, hop_length=441), hop_length=441)
    for part in (copy[: SAMPLE_RATE // 2], copy[-SAMPLE_RATE // 2 :]):
        assert rms(part) < 1e-3 * rms(samples)


def test_attacks_stay_sharp() -> None:
    song = starter_songs(beats=16)[4]
    hop = hop_length(song.bpm)
    frames = encode(render(song), hop_length=hop)
    back = encode(decode(frames, hop_length=hop), hop_length=hop)
    rises = [np.maximum(np.diff(one, axis=0), 0).mean(axis=1) for one in (frames, back)]
    sharp = [rise.std() / rise.mean() for rise in rises]
    assert sharp[1] > 0.92 * sharp[0]
    assert np.linalg.norm(back - frames) < 0.042 * np.linalg.norm(frames)


def test_the_end_does_not_wrap_into_the_beginning() -> None:
    samples = np.zeros(2 * SAMPLE_RATE, np.float32)
    samples[SAMPLE_RATE:] = tone(40.0, 1.0)
    frames = encode(samples, hop_length=441)
    assert frames[:10, :BANDS].max() < 0.15 * frames.max()
    assert rms(decode(frames, hop_length=441)[: SAMPLE_RATE // 4]) < 1e-2 * rms(samples)


def test_decode_is_deterministic_and_writes_nothing() -> None:
    frames = encode(chord_progression(), hop_length=441)
    before = frames.copy()
    first = decode(frames, hop_length=441, seed=3)
    decode(transpose(frames, 4), hop_length=441)
    assert first.tobytes() == decode(frames, hop_length=441, seed=3).tobytes()
    assert (first != decode(frames, hop_length=441, seed=4)).any()
    assert (frames == before).all()


@settings(max_examples=15)
@given(seed=st.integers(0, 10_000), scale=st.sampled_from([0.0, 1e-30, 1e-3, 1.0, 1e3, 3e38]))
def test_extreme_frames_give_finite_samples(seed: int, scale: float) -> None:
    rng = np.random.default_rng(seed)
    frames = (rng.uniform(-1, 1, (rng.integers(1, 40), FRAME_SIZE)) * scale).astype(np.float32)
    samples = decode(frames, hop_length=int(rng.integers(1, 700)))
    assert np.isfinite(samples).all()
    assert np.abs(samples).max() < 1e4


def test_extreme_samples_give_finite_frames(rng: np.random.Generator) -> None:
    for scale in (1e-30, 1e6):
        assert np.isfinite(
            encode((rng.standard_normal(3000) * scale).astype(np.float32), hop_length=441)
        ).all()


def test_what_cannot_be_encoded_is_refused() -> None:
    for samples, message in (
        (np.zeros(0), "non-empty"),
        (np.zeros((4, 2)), r"\(4, 2\)"),
        (np.full(9, np.nan), "finite"),
    ):
        with pytest.raises(ValueError, match=message):
            encode(samples, hop_length=441)
    for wrong in (0, -5, 0.5, np.inf):
        with pytest.raises(ValueError, match=f"hop_length.*{wrong}"):
            encode(np.zeros(100), hop_length=wrong)
    with pytest.raises(ValueError, match="sample_rate.*10"):
        encode(np.zeros(100), hop_length=441, sample_rate=10)


def test_what_cannot_be_decoded_is_refused() -> None:
    for frames in (np.zeros((0, FRAME_SIZE)), np.zeros((5, 92)), np.zeros(FRAME_SIZE)):
        with pytest.raises(ValueError, match="shape"):
            decode(frames, hop_length=441)
    with pytest.raises(ValueError, match="finite"):
        decode(np.full((5, FRAME_SIZE), np.inf), hop_length=441)
    with pytest.raises(ValueError, match="hop_length"):
        decode(np.zeros((5, FRAME_SIZE)), hop_length=0)


@pytest.mark.parametrize("semitones", (-7, -1, 0, 3, 12))
def test_transposing_frames_transposes_the_sound(semitones: int) -> None:
    frames = transpose(encode(tone(60.0), hop_length=441), semitones)
    copy = decode(frames, hop_length=441)
    assert abs(pitch_of(copy[6000:-6000]) - 60 - semitones) < 0.1


def test_transpose_keeps_the_highest_and_loses_only_what_leaves(rng: np.random.Generator) -> None:
    frames = rng.uniform(0, 1, (2, 7, FRAME_SIZE)).astype(np.float32)
    up, down = transpose(frames, 5), transpose(frames, -5)
    assert (down[..., BANDS - 10 :] == frames[..., BANDS - 10 :]).all()
    assert (up[..., 10:BANDS] == frames[..., : BANDS - 10]).all() and not up[..., :10].any()
    assert (transpose(up, -5)[..., : BANDS - 10] == frames[..., : BANDS - 10]).all()
    assert (
        not transpose(frames, 200)[..., :BANDS].any()
        and not transpose(frames, -200)[..., :BANDS].any()
    )


@given(length=st.integers(0, 300), size=st.integers(1, 40))
def test_raw_frames_join_to_the_samples(length: int, size: int) -> None:
    samples = np.arange(length, dtype=np.float32) + 1
    frames = raw_frames(samples, size)
    assert frames.shape == (-(-length // size), size)
    assert (join(frames)[:length] == samples).all() and not join(frames)[length:].any()


def test_raw_frames_refuse_bad_sizes() -> None:
    with pytest.raises(ValueError, match="0"):
        raw_frames(np.zeros(10), 0)
    with pytest.raises(ValueError, match=r"\(2, 5\)"):
        raw_frames(np.zeros((2, 5)), 3)


def random_bank(rng: np.random.Generator) -> tuple[np.ndarray, ...]:
    """A spectrum of 300 bins and 4 windows, one longer than the band signals, one empty."""
    counts = np.array([20, 70, 0, 31])
    first = np.array([5, 40, 100, 260])
    start = np.concatenate([[0], np.cumsum(counts)])
    spectrum = (rng.standard_normal(300) + 1j * rng.standard_normal(300)).astype(np.complex64)
    return spectrum, rng.uniform(0, 1, start[-1]).astype(np.float32), first, start


def test_fold_is_its_plain_twin(rng: np.random.Generator) -> None:
    spectrum, window, first, start = random_bank(rng)
    folded = np.empty((4, 32), np.complex64)
    kernels.fold(folded, spectrum, window, first, start)
    twin = np.zeros((4, 32), np.complex128)
    for k in range(4):
        for i in range(start[k], start[k + 1]):
            position = first[k] + i - start[k]
            twin[k, position % 32] += spectrum[position] * window[i]
    np.testing.assert_allclose(folded, twin, atol=1e-5)


def test_unfold_is_the_adjoint_of_fold(rng: np.random.Generator) -> None:
    spectrum, window, first, start = random_bank(rng)
    bands = (rng.standard_normal((4, 32)) + 1j * rng.standard_normal((4, 32))).astype(np.complex64)
    folded, unfolded = np.empty_like(bands), np.zeros_like(spectrum)
    kernels.fold(folded, spectrum, window, first, start)
    kernels.unfold(unfolded, bands, window, first, start)
    np.testing.assert_allclose(np.vdot(bands, folded), np.vdot(unfolded, spectrum), rtol=1e-4)


@pytest.mark.parametrize("step", (0.4, 3.0, 3.7, 9.0, 9.3))
def test_mean_power_is_the_integral_over_each_frame(step: float, rng: np.random.Generator) -> None:
    signal = (rng.standard_normal(40) + 1j * rng.standard_normal(40)).astype(np.complex64)
    power = np.empty(8, np.float32)
    kernels.mean_power(power, np.abs(signal) ** 2, step)
    # sample 0 stands for [-0.5, 0.5)
    fine = np.arange(0, 8 * step, 1e-3)  # with 9.3 once round the circle, and on
    fine = np.abs(signal[np.floor(fine + 0.5).astype(int) % 40]) ** 2
    twin = [fine[round(t * step * 1000) : round((t + 1) * step * 1000)].mean() for t in range(8)]
    np.testing.assert_allclose(power, twin, rtol=1e-2)


def test_match_frames_is_its_plain_twin(rng: np.random.Generator) -> None:
    bands, count, step = 3, 4, 5.0  # signals of 20 values, 5 a frame
    now, before = (
        (rng.standard_normal((bands, 20)) + 1j * rng.standard_normal((bands, 20))).astype(
            np.complex64
        )
        for _ in range(2)
    )
    target = rng.uniform(0, 4, (bands, count)).astype(np.float32)
    lower = np.minimum(np.arange(20) // 5, count - 2)
    weight, fade = (rng.random(20).astype(np.float32) for _ in range(2))
    out, momentum = np.empty_like(now), 0.4
    workspace = np.empty(count, np.float32)
    places = (lower, weight, fade)
    kernels.match_frames(
        out, workspace, np.empty_like(fade), now, before, target, step, places, np.float32(momentum)
    )
    signal = now + momentum * (now - before)
    power = np.empty((bands, count), np.float32)
    for row, one in zip(power, np.abs(signal).astype(np.float32) ** 2, strict=True):
        kernels.mean_power(row, one, step)
    ratio = target / power
    assert (ratio > 1).any() and (ratio < 1).any() and (ratio > 16).sum() < ratio.size
    gain = np.where(ratio > 1, np.minimum(np.sqrt(ratio), 4), ratio)  # too loud: the square
    between = gain[:, lower] * (1 - weight) + gain[:, lower + 1] * weight
    np.testing.assert_allclose(out, signal * fade * between, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize(("share", "spread"), [(0.2, 1.5), (0.5, 0.7), (0.8, 0.0)])
def test_the_blunter_a_peak_the_more_random_its_phase(share: float, spread: float) -> None:
    """Share of a sinusoid's sharpness, and about how far a phase is from a continued one."""
    steps, sharpness = 400, 2.0
    level = np.tile([-share * sharpness / 2, 0.0, -share * sharpness / 2], (steps, 1))
    frequency = np.array([970.0, 1000.0, 1030.0])
    phases = np.empty((steps, 3), np.float32)
    kernels.continue_phases(
        phases,
        level.astype(np.float32),
        frequency,
        np.zeros(3),
        450.0,
        np.full(3, sharpness),
        7,
    )
    advance = np.exp(1j * (np.diff(phases[:, 1]) - 2 * np.pi * 1000 / 450))
    assert np.abs(np.angle(advance)).mean() == pytest.approx(spread, abs=0.25)

"""Lesson 10: from critic to generator: dL/dw = dL/dG_i * dG_i/dw, drawn on a song's moments.

A generator G makes a song of moments G_i from a coordinate P, a critic D gives the whole song one
score. No target says what a moment should have been; the critic's backward pass does: dL/dG_i, the
gradient of the loss L = -D(G(P)) at every moment. From there the generator's backward pass goes on
to its weights. As backward is linear, the moments' shares add up to the whole:

    dL/dw = sum over moments i of dL/dG_i dG_i/dw
"""

from __future__ import annotations

import copy

import numpy as np
from lesson import BLUE, ORANGE, RED, canvas, run

from gan.losses import negative_score
from neural_networks.components.parameters import pack
from radio.home import SHIPPED, STARTER
from radio.station import Station


def main(fast: bool) -> tuple:
    """Take a song of the starter station through critic and generator, moment by moment."""
    rng = np.random.default_rng(10)
    station = Station.load(SHIPPED / STARTER)
    beats = 32 if fast else 64
    coordinate = station.sample(1, rng)
    model = station.model
    generator, critic = copy.deepcopy(model.vae.generator), station.critic.folded()
    flat = pack(generator, np.float64)
    pack(critic, np.float64)
    z = coordinate[:, : station.latent_size].astype(np.float64)
    events = rng.standard_normal((4 * beats, 1, generator.innovation_size))

    song, made = generator.generate(z, events)  # (4 beats, 1, K)
    score, judged = critic.forward(song)
    value, dscore = negative_score(score)
    dsong = critic.backward(dscore, judged)  # dL/dG_i of every moment i
    flat.zero_grads()
    generator.generate_backward(dsong, made)  # and from there dL/dw of every weight
    whole = flat.grads.copy()
    size = f"{len(song)} moments of {song.shape[2]} values, {whole.size:,} weights"
    print(f"song {station.song_name(coordinate[0])!r}: {size}")
    print(f"score D(G(P)) = {score[0]:.4f}, loss = {value:.4f}")

    # the same with one beat's moments at a time, as if the critic had said nothing of the others
    total, shares = np.zeros_like(whole), []
    for beat in range(beats):
        only = np.zeros_like(dsong)
        moments = slice(4 * beat, 4 * beat + 4)
        only[moments] = dsong[moments]
        flat.zero_grads()
        generator.generate_backward(only, made)
        total += flat.grads
        shares.append(np.linalg.norm(flat.grads))
    apart = float(np.abs(total - whole).max() / np.abs(whole).max())
    print(f"\nthe shares of {beats} beats add up to the whole gradient; relative error {apart:.0e}")

    direction = rng.standard_normal(flat.values.size)
    # a long step would cross bends of the leaky ReLUs, at which no gradient is right
    direction /= np.linalg.norm(direction)
    kept, step, values = flat.values.copy(), 1e-6, []
    for sign in (1, -1):
        flat.values[:] = kept + sign * step * direction
        values.append(negative_score(critic.forward(generator.generate(z, events)[0])[0])[0])
    flat.values[:] = kept
    measured, claimed = (values[0] - values[1]) / (2 * step), float(whole @ direction)
    print(f"along a random direction: backward {claimed:.6g}, differences {measured:.6g}")

    # the famous mistake: the score's gradient, -1, handed to every value, past the critic
    flat.zero_grads()
    generator.generate_backward(np.full_like(song, dscore[0]), made)
    past = float(flat.grads @ whole / np.linalg.norm(flat.grads) / np.linalg.norm(whole))
    print("without the critic's factor dL/dG_i every moment gets the same gradient,")
    print(f"whose cosine with the true one is {past:.2f}")

    # a longer step would change choices of the mixture, which no gradient sees
    rate = 1e-4 / float(np.linalg.norm(whole))
    flat.values -= rate * whole
    after = critic.forward(generator.generate(z, events)[0])[0][0]
    print(f"a step of length 0.0001 against the gradient: score {score[0]:.4f} -> {after:.4f}")
    print("\nLook at the picture: red is where more sound would raise the score, blue where less")
    print("would; the weights learn most from a few beats. The sound is the song.")
    found = {"apart": apart, "error": abs(measured - claimed) / abs(measured), "past": past}
    found |= {"before": float(score[0]), "after": float(after)}
    strength = np.linalg.norm(dsong[:, 0], axis=1)
    frames, higher = (model.to_frames(one)[0] for one in (song, song - dsong))
    sound = station.render(coordinate[0], frames=station.frames_of(song, coordinate)[0])
    return picture(np.maximum(frames, 0), higher - frames, strength, shares), found, sound


def picture(frames: np.ndarray, raises: np.ndarray, strength: np.ndarray, shares: list):
    """Draw the song, the gradient of its score, and the strength of each moment and beat."""
    figure = canvas(12, 7)
    song, over, curves = figure.subplots(3, 1, sharex=True, height_ratios=[3, 3, 1.6])
    beats = len(shares)
    image = dict(origin="lower", aspect="auto", extent=(0, beats, 0, frames.shape[1]))
    song.imshow(frames.T, cmap="magma", **image)
    song.set(title="the song G(P): 202 bands over time", ylabel="band")
    over.imshow(frames.T, cmap="Greys_r", **image)
    top = np.quantile(np.abs(raises), 0.999)
    shown = over.imshow(raises.T, cmap="RdBu_r", alpha=0.7, vmin=-top, vmax=top, **image)
    over.set_title("-dL/dG_i: more here would raise the score (red), less would (blue)")
    over.set_ylabel("band")
    figure.colorbar(shown, ax=[song, over], shrink=0.6)
    moments, bars = (np.arange(len(strength)) + 0.5) / 4, np.arange(beats) + 0.5
    labels = "|dL/dG_i| of a moment", "|share of dL/dw| of a beat"
    curves.plot(moments, strength / strength.mean(), color=BLUE, linewidth=1, label=labels[0])
    curves.bar(bars, shares / np.mean(shares), 0.9, color=ORANGE, alpha=0.5, label=labels[1])
    curves.axhline(1, color=RED, linewidth=0.6, linestyle=":")
    curves.set(xlabel="beat", ylabel="mean 1", xlim=(0, beats))
    curves.legend(loc="upper right", fontsize=8)
    return figure


if __name__ == "__main__":
    found = run(main)

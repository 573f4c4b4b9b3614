"""The latent space of a VAE inside other kernels: draw z, and the way of the gradient back.

draw_latent(z, deviation, encoded, noise, batch, latent)
latent_backward(dencoded, dz, deviation, encoded, noise, batch, latent, costs) -> the KL term

B, Z = batch, latent size; all arrays flat
z, deviation         (B, Z)    out of draw_latent
encoded, dencoded    (B, 2Z)   [mu, log_variance], and its gradient
noise                (B, Z)    epsilon, float64
costs                (kl_weight, free_bits): the weight of the KL divergence, and the nats of
                     each coordinate that cost nothing
"""

from __future__ import annotations

import numpy as np
from numba.extending import register_jitable


@register_jitable
def draw_latent(z, deviation, encoded, noise, batch, latent):
    """Write z = mu + deviation epsilon and the deviation exp(log_variance / 2), (B, Z) each."""
    half = np.float32(0.5)
    for b in range(batch):
        for k in range(latent):
            spread = np.exp(half * encoded[(2 * b + 1) * latent + k])
            deviation[b * latent + k] = spread
            z[b * latent + k] = encoded[2 * b * latent + k] + spread * np.float32(
                noise[b * latent + k]
            )


@register_jitable
def latent_backward(dencoded, dz, deviation, encoded, noise, batch, latent, costs):
    """Write the gradient of `encoded`, through z and from the KL divergence; return the KL term."""
    kl_weight, free_bits = costs
    half, one, scale = np.float32(0.5), np.float32(1), np.float32(kl_weight / batch)
    value = 0.0
    for k in range(latent):
        total = 0.0
        for b in range(batch):
            m, v = encoded[2 * b * latent + k], encoded[(2 * b + 1) * latent + k]
            spread = deviation[b * latent + k]
            total += half * (spread * spread - one - v + m * m)
        free = free_bits > 0 and total / batch <= free_bits
        value += free_bits if free else total / batch
        pull = np.float32(0) if free else scale
        for b in range(batch):
            error, spread = dz[b * latent + k], deviation[b * latent + k]
            dencoded[2 * b * latent + k] = error + pull * encoded[2 * b * latent + k]
            through_noise = error * spread * np.float32(noise[b * latent + k])
            dencoded[(2 * b + 1) * latent + k] = half * (
                through_noise + pull * (spread * spread - one)
            )
    return kl_weight * value

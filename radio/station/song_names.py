"""Names of songs: a coordinate has the same name on every machine and in every session."""

from __future__ import annotations

import hashlib

import numpy as np

FIRST = (
    "Amber Autumn Azure Birch Blue Brass Bright Bronze Candle Cedar Cherry Clear Cloud Copper "
    "Coral Crimson Crystal Dawn Distant Dusk Early Ember Evening Falling Fern Gentle Glass Golden "
    "Granite Green Hazel Hidden Hollow Indigo Iron Ivory Jade Juniper Lantern Late Lilac Linen "
    "Little Lost Maple Marble Midnight Misty Moss Northern Oak Ochre Olive Open Paper Pearl Pine "
    "Quiet Rain Red River Rose Saffron Salt Scarlet Sea Secret Silver Slow Snow Southern Spring "
    "Still Stone Summer Swift Tall Tidal Velvet Violet Wandering Warm White Wild Willow Winter"
).split()
SECOND = (
    "Arcade Avenue Bay Bell Bridge Brook Canyon Carousel Causeway Circle Coast Corner Courtyard "
    "Crossing Dance Delta Door Dream Echo Field Fountain Garden Gate Glade Grove Harbor Hill Hour "
    "Hymn Island Journey Lagoon Lake Lane Letter Light Lullaby March Market Meadow Mill Mirror "
    "Moon Morning Mountain Orchard Parade Passage Path Pavilion Pier Plain Pond Promise Rain Reel "
    "River Road Roof Sail Shore Signal Sky Song Square Stair Star Station Street Sun Terrace Tide "
    "Tower Trail Valley Village Voyage Waltz Water Wave Window Wind Wood Yard"
).split()


def fingerprint(coordinate: np.ndarray) -> int:
    """Return a whole number for a coordinate (D,), from its values as 32-bit floats."""
    values = np.asarray(coordinate, "<f4") + np.float32(0)  # -0.0 becomes 0.0
    return int.from_bytes(hashlib.sha256(values.tobytes()).digest()[:8], "big")


def song_name(coordinate: np.ndarray) -> str:
    """Return two words for a coordinate (D,)."""
    number = fingerprint(coordinate)
    return f"{FIRST[number % len(FIRST)]} {SECOND[number // len(FIRST) % len(SECOND)]}"

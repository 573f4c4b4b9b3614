"""The second original program: compression of audio by autoencoding.

It plays a sound if there is a device, and plots audio_comparison.png into the folder of --output,
or on the screen if there is one. See docs/original_programs.md.
"""

import os

from lesson import arguments

options = arguments(__file__, __doc__)  # it takes seconds with --fast and without
os.chdir(options.output)

# From here on it is the original text.

import audio_parsing.audio_parsing as audio
from compression.compression import (
    train_compressor,
    COMPRESSION_1_INFO,
    compress,
    decompress
)

AMPLITUDE_SCALE = 1
NUM_AMPLITUDES = 15
NUM_FILES = 5

sounds, names = audio.get_raw_data(NUM_FILES, NUM_AMPLITUDES, AMPLITUDE_SCALE)


# This is just a way to test the sound data
song = audio.play_random_sound(sounds, names, AMPLITUDE_SCALE)

train_compressor(sounds, COMPRESSION_1_INFO, 10000)

compressed, ae1 = compress(song, COMPRESSION_1_INFO)
print(f"Current Size of Song: {len(compressed)}")

decompressed = decompress(ae1, compressed, COMPRESSION_1_INFO)
print(f"Current Size of Song: {len(decompressed)}")

audio.play_audio(decompressed, AMPLITUDE_SCALE)

audio.plot_audio_comparison(song, decompressed)

"""The first original program: a recurrent variational autoencoder.

It leaves `sounds` to its reader; here they are what `audio.get_raw_data(5, 15, 1)` returns: the
beginnings of five songs, fifteen samples each. It plots its losses to loss_over_time.png in the
folder of --output, or on the screen if there is one. See docs/original_programs.md.
"""

import os

from lesson import arguments

import audio_parsing.audio_parsing as audio

options = arguments(__file__, __doc__)  # it takes seconds with --fast and without
os.chdir(options.output)
sounds, names = audio.get_raw_data(5, 15, 1)

# From here on it is the original text.

import audio_parsing.audio_parsing as audio
from neural_networks.components.recurrent import Recurrent
from neural_networks.vae.vae import VAE

network: VAE = VAE(
    encoder_args=dict(
        input_size=5, # The number of input values for each time step
        input_layers=(9, 4), # The number of nodes in each layer before the recurrence
        output_layers=(4, 6) # The number of nodes in each layer after the recurrence
    ),
    decoder_args=dict(
        # The number of input values to the decoder
        # Half the number of encoder outputs because half the decoder outputs are for variance
        input_size=3,

        input_layers=(7, 4), # The number of nodes in each layer before the recurrence
        output_layers=(4, 5) # The number of nodes in each layer after the recurrence
    ),
    latent_size=3, # The number of nodes in the latent space (encoding layer) of auto encoder
    sub_network=Recurrent # The type of network that will be used for encoder and decoder
)

# Takes array of inputs and seperates them into timesteps
# Not neccessary if `sounds` is already seperated by time step
time_separated_sounds = network.get_time_seperated_data(sounds)

network.train(
    time_separated_sounds,
    batch_size=5,
    max_epochs=20000,
    graph=True,
    learning_rate=0.001,
    time_separated_input=True, # Expects input data to be seperated by time step
    time_separated_output=True # Expects output data to be seperated by time step
)

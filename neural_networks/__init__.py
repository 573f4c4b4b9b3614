"""Neural networks: layers, losses, optimizers, training, autoencoders. They know arrays only."""

"""The training loop: batches, epochs, early stopping, checkpoints."""

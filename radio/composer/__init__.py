"""Makes songs, learns from ratings, descends to the final song; composer.py is the interface.

Not imported here, as a playing process needs no network: `LocalComposer` is in local_composer.py,
`ComposerProcess` in process.py, its worker in worker.py.
"""

"""Ratings from the slider (slider.py, journal.py) to their database (database.py, repair.py).

`__init__.pyi` lists the public names. Each is imported when it is first used, so that the process
that plays does not load the networks.
"""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)

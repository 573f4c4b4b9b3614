"""Control by other programs: a socket in the home, hooks, and the desktop's media keys (MPRIS).

`__init__.pyi` lists the public names. Each is imported when it is first used, so that the process
that plays does not load the networks.
"""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)

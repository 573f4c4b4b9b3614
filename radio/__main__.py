"""`python -m radio` is `ai-radio`."""

import sys

from radio.cli.main import main

if __name__ == "__main__":
    sys.exit(main())

"""`python -m notmodified` is the same program as `notmodified`."""

import sys

from notmodified.cli import main

if __name__ == "__main__":
    sys.exit(main())

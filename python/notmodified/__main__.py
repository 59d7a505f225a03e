"""`python -m notmodified` is the same program as `notmodified`."""

import sys

from notmodified.cli import main

sys.exit(main())

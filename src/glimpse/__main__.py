"""`python -m glimpse`."""

from glimpse.cli import main

main()

"""``python -m gate``: the `gate` command."""

from gate.cli import main

main()

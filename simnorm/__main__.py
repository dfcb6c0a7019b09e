"""``python -m simnorm`` is the command line."""

from simnorm.cli import main

main()

"""``python -m pipeline`` does what ``urbandet`` does."""

from pipeline.cli.main import main

main()

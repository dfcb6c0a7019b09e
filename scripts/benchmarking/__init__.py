"""The parts of scripts/benchmark: timing in turn, the rivals, the rows with their targets."""

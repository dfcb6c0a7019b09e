"""Studies: each is its sources, its cells, and one pure function from a block to (A, Q)."""

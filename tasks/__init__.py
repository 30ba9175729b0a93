"""The work: one folder per stage, in the order the data goes through them, and `lake`, which they all write to."""

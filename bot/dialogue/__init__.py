"""The pure core of a dialogue: no I/O, no clock, no randomness of its own, no model and no store."""

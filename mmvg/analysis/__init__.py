"""What models cost and what they have learned: parameters and operations, and probes."""

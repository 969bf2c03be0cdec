"""Measure what models cost (parameters and operations) and what they have learned (probes)."""

"""Score answers of any model, from a file, without the model; see docs/scoring.md.

``per_sample`` holds what every expression adds to each number, which comparisons of two models begin with.
"""

from mmvg.scoring.per_sample import PER_SAMPLE_VERSION, SampleRow, read_per_sample, write_per_sample

__all__ = ['PER_SAMPLE_VERSION', 'SampleRow', 'read_per_sample', 'write_per_sample']

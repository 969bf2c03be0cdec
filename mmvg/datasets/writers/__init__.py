"""Other files from datasets: JSON lines from any of them, and the files of gRefCOCO from JSON lines."""

from mmvg.datasets.writers.grefcoco import write_grefcoco
from mmvg.datasets.writers.json_lines import write_json_lines

__all__ = ['write_grefcoco', 'write_json_lines']

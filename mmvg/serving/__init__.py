"""A model behind HTTP: ``mmvg serve``."""

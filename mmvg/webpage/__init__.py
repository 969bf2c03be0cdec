"""A page in the browser to ask sentences about pictures. Importing it loads neither Gradio nor a model."""

from mmvg.webpage.checkpoints import ModelChoice, find_choices

__all__ = ['ModelChoice', 'find_choices']

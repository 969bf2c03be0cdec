"""What becomes of objects that training scripts save beside weights."""

from typing import Any


class InertRecord(dict):
    """Hold the attributes of an object that a checkpoint carries, as a plain dict, without making the object.

    Scripts save their ``argparse.Namespace`` with the weights. Unpickling one fills an object of a foreign class with
    whatever the file says; here the attributes are entries, which nothing calls and nothing looks up as attributes.

    Example:
        >>> import argparse, torch
        >>> from mmvg.weights import load_checkpoint_file
        >>> torch.save(dict(model={}, args=argparse.Namespace(swin_type='base')), 'lavt.pth')
        >>> load_checkpoint_file('lavt.pth')['args']
        {'swin_type': 'base'}
    """

    def __setstate__(self, state: Any) -> None:
        """Take ``state``, the attributes of the object by name; anything else is dropped."""
        if isinstance(state, dict):
            self.update(state)

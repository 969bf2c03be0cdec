"""Hook that has checkpoints carry their config as data, and the files that the model needs to read text."""

import logging

from mmengine.hooks import Hook
from mmengine.logging import print_log
from mmengine.runner import Runner

from mmvg.config.plain_data import to_data
from mmvg.registry import HOOKS
from mmvg.weights.carried_files import carried_files, encode_files


@HOOKS.register_module()
class CarriedConfigHook(Hook):
    """Write ``meta.cfg`` of a checkpoint as plain data, and vocabularies under ``meta.files``.

    MMEngine writes the config as the text of a program, and whoever wants it back has to run it; and a model whose
    vocabulary stays behind can answer only where it was trained. :class:`mmvg.engine.GroundingRunner` adds the hook.

    Example:
        >>> from types import SimpleNamespace
        >>> from mmengine.config import Config
        >>> checkpoint = dict(meta=dict(cfg='lr = 0.1'))
        >>> CarriedConfigHook().before_save_checkpoint(SimpleNamespace(cfg=Config(dict(lr=0.1))), checkpoint)
        >>> checkpoint['meta']
        {'cfg': {'lr': 0.1}, 'files': {}}
    """

    priority = 'LOWEST'

    def before_save_checkpoint(self, runner: Runner, checkpoint: dict) -> None:
        """Replace the text of the config, and add the files."""
        meta = checkpoint.setdefault('meta', {})
        try:
            meta['cfg'] = to_data(runner.cfg)
        except TypeError as error:  # a training does not end for this
            print_log(f'the checkpoint carries its config as text: {error}', 'current', logging.WARNING)
        try:
            meta['files'] = encode_files(carried_files(runner.cfg))
        except (ValueError, OSError) as error:
            print_log(f'the checkpoint carries no files for text: {error}', 'current', logging.WARNING)

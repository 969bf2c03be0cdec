"""Write adapters beside the checkpoints that they are a small part of."""

from pathlib import Path

from mmengine.hooks import Hook

from mmvg.engine.bare_model import bare_model
from mmvg.registry import HOOKS
from mmvg.weights.adapters import adapter_notes, is_adapter, trained_names
from mmvg.weights.checkpoint import save_weights

#: Of the file in the work dir.
ADAPTERS = 'adapters.safetensors'


@HOOKS.register_module()
class AdapterHook(Hook):
    """Writes what a training of adapters has changed into ``adapters.safetensors``, with each checkpoint anew.

    The file holds the adapters and what was trained whole besides, a few megabytes, and notes which weights they belong
    to. Nothing happens with models without adapters. An average of the weights goes into the file, as it is what a
    checkpoint gives to tests.

    Example:
        >>> AdapterHook().priority
        'LOW'
    """

    priority = 'LOW'  # after EMAHook has put the average in the place of the weights

    def __init__(self) -> None:
        self._notes: dict | None = None

    def before_save_checkpoint(self, runner, checkpoint: dict) -> None:
        """Write the file."""
        state = checkpoint['state_dict']
        if not any(map(is_adapter, state)):
            return
        names = trained_names(bare_model(runner.model))
        if self._notes is None:  # the rest does not change
            self._notes = adapter_notes(state, names, str(runner.cfg.filename or runner.experiment_name))
        save_weights({name: state[name] for name in names}, Path(runner.work_dir) / ADAPTERS, self._notes)

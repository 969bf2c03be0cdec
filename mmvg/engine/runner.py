"""mmengine's Runner, with strict weight loading and with several processes on machines without a GPU."""

import os
import os.path as osp

import torch
from mmengine.dist import is_distributed
from mmengine.model import is_model_wrapper
from mmengine.runner import Runner
from torch import nn

from mmvg.engine.checkpoint import load_weights


class GroundingRunner(Runner):
    """The Runner that ``tools/train.py`` and ``tools/test.py`` use; its config keys are those of mmengine's.

    - ``load_from`` must fit the model key by key; mmengine only prints what does not.
    - With a launcher but without CUDA the processes talk through gloo; mmengine insists on a CUDA device.
    """

    def setup_env(self, env_cfg: dict) -> None:
        if self.distributed and not is_distributed() and not torch.cuda.is_available():
            _init_gloo(self._launcher)
        super().setup_env(env_cfg)

    def wrap_model(self, model_wrapper_cfg: dict | None, model: nn.Module) -> nn.Module:
        if self.distributed and not torch.cuda.is_available():
            defaults = dict(
                type='MMDistributedDataParallel',
                broadcast_buffers=False,
                find_unused_parameters=self.cfg.get('find_unused_parameters', False),
            )
            model_wrapper_cfg = {**(model_wrapper_cfg or defaults), 'device_ids': None}
        return super().wrap_model(model_wrapper_cfg, model)

    def load_or_resume(self) -> None:
        """Resume as mmengine does; take the weights of ``load_from`` strictly.

        Raises:
            FileNotFoundError: If the checkpoint to start from is not there.
        """
        if self._load_from is not None and not osp.isfile(self._load_from):
            raise FileNotFoundError(f'{self._load_from}: no such checkpoint; check load_from or --resume')
        if self._has_loaded or self._resume or self._load_from is None:
            super().load_or_resume()
            return
        load_weights(self.bare_model, self._load_from)
        self.logger.info(f'Loaded the weights of {self._load_from}')
        self._has_loaded = True

    @property
    def bare_model(self) -> nn.Module:
        """The model without the wrapper for several processes."""
        return self.model.module if is_model_wrapper(self.model) else self.model


def _init_gloo(launcher: str) -> None:
    """Start the process group of torchrun or srun on the CPU.

    Raises:
        ValueError: If the launcher is another one.
    """
    if launcher == 'slurm':
        os.environ.setdefault('MASTER_PORT', '29500')
        os.environ.setdefault('MASTER_ADDR', '127.0.0.1')
        for ours, theirs in dict(RANK='SLURM_PROCID', WORLD_SIZE='SLURM_NTASKS', LOCAL_RANK='SLURM_LOCALID').items():
            os.environ[ours] = os.environ[theirs]
    elif launcher != 'pytorch':
        raise ValueError(f'without a GPU the launcher must be pytorch or slurm, not {launcher!r}')
    torch.distributed.init_process_group('gloo')

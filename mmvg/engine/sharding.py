"""Training with the weights, gradients and optimizer in parts, one in each process (FSDP2 of torch)."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from mmengine.dist import get_world_size, is_main_process
from mmengine.hooks import Hook
from mmengine.optim import OptimWrapper
from torch import Tensor, nn

from mmvg.models.layers.blocks import encoder_blocks
from mmvg.registry import HOOKS, MODEL_WRAPPERS
from mmvg.weights.sharded import is_sharded, sharded_like, whole


@MODEL_WRAPPERS.register_module()
class FullyShardedModel(nn.Module):
    """Runs a model of which each process holds a part, by ``torch.distributed.fsdp.fully_shard``.

    The blocks of the encoders are collected when they are needed, and let go after that; the rest is collected for the
    whole of a step. mmengine's ``MMFullyShardedDataParallel`` wraps the first form of FSDP, which flattens weights and
    cannot mix those that are trained with those that are not.

    Args:
        module: The model, with its weights.

    Raises:
        ValueError: If a weight is a single number, which cannot be divided.
    """

    def __init__(self, module: nn.Module) -> None:
        super().__init__()
        from torch.distributed.device_mesh import init_device_mesh
        from torch.distributed.fsdp import fully_shard

        numbers = [name for name, parameter in module.named_parameters() if parameter.ndim == 0]
        if numbers:
            raise ValueError(
                f'--fsdp: {", ".join(numbers)} are single numbers, which cannot be divided among processes'
            )
        mesh = init_device_mesh(next(module.parameters()).device.type, (get_world_size(),))
        for block in encoder_blocks(module).values():
            fully_shard(block, mesh=mesh)
        fully_shard(module, mesh=mesh)
        self.module = module

    def forward(self, *inputs: Any, **options: Any) -> Any:
        return self.module(*inputs, **options)

    @contextmanager
    def no_sync(self) -> Iterator[None]:
        """Leave gradients where they are, until the last of several batches."""
        self.module.set_requires_gradient_sync(False)
        try:
            yield
        finally:
            self.module.set_requires_gradient_sync(True)

    def train_step(self, data: dict | tuple | list, optim_wrapper: OptimWrapper) -> dict[str, Tensor]:
        """Compute the losses of a batch, and update the weights; returns what is logged."""
        with optim_wrapper.optim_context(self):
            losses = self._run(data, True, 'loss')
        loss, logged = self.module.parse_losses(losses)
        optim_wrapper.update_params(loss)
        return logged

    def val_step(self, data: dict | tuple | list) -> list:
        """Answer a batch, and let go of the weights of the other processes."""
        answers = self._run(data, False, 'predict')
        self.module.reshard()
        return answers

    test_step = val_step

    def _run(self, data: dict | tuple | list, training: bool, mode: str) -> Any:
        data = self.module.data_preprocessor(data, training)
        return self.module(**data, mode=mode) if isinstance(data, dict) else self.module(*data, mode=mode)


@HOOKS.register_module()
class ShardedCheckpointHook(Hook):
    """Writes checkpoints whole, as those of any other run, and divides them when a run goes on.

    Example:
        >>> ShardedCheckpointHook().priority
        'HIGHEST'
    """

    priority = 'HIGHEST'

    def __init__(self) -> None:
        self._whole: dict[str, Any] = {}

    def before_saving(self, runner) -> None:
        """Collect weights and optimizer; the Runner calls it in all processes."""
        if not isinstance(runner.model, FullyShardedModel):
            return
        collected = dict(
            state_dict=whole(dict(runner.model.module.state_dict())), optimizer=whole(runner.optim_wrapper.state_dict())
        )
        self._whole = collected if is_main_process() else {}

    def before_save_checkpoint(self, runner, checkpoint: dict) -> None:
        """Put them into the checkpoint."""
        checkpoint.update({name: value for name, value in self._whole.items() if name in checkpoint})
        self._whole = {}

    def after_load_checkpoint(self, runner, checkpoint: dict) -> None:
        """Divide the state of the optimizer as the weights are."""
        if not isinstance(runner.model, FullyShardedModel) or 'optimizer' not in checkpoint:
            return
        optimizer = runner.optim_wrapper.optimizer
        parameters = [parameter for group in optimizer.param_groups for parameter in group['params']]
        for number, state in checkpoint['optimizer']['state'].items():
            like = parameters[number]
            for name, value in state.items():
                if is_sharded(like) and isinstance(value, Tensor) and value.shape == like.shape:
                    state[name] = sharded_like(like, value)

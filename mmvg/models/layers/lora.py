"""Low-rank adapters of linear layers (LoRA, arXiv:2106.09685)."""

import math
from collections.abc import Sequence

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from mmvg.models.layers.blocks import encoder_blocks
from mmvg.models.layers.freezing import matching_parameters


class LoRALinear(nn.Linear):
    r"""A linear layer whose weight stays, with a trained change of low rank (arXiv:2106.09685, Eq. 3).

    .. math:: y = W x + b + \frac{\alpha}{r} B A x

    ``A`` is drawn as the weights of a linear layer are, and ``B`` is zero, so that nothing changes at first. Names of
    weight and bias are those of the layer; the adapter is ``lora_a``, ``lora_b`` and ``lora_alpha``
    (:mod:`mmvg.weights.adapters`).

    Args:
        linear: The layer; its weight and bias are shared.
        rank: r.
        alpha: A whole number.

    Raises:
        ValueError: If one of them is below 1.

    Example:
        >>> layer = nn.Linear(8, 4)
        >>> adapted = LoRALinear(layer, rank=2, alpha=4)
        >>> x = torch.randn(3, 8)
        >>> torch.equal(adapted(x), layer(x)), [name for name, _ in adapted.named_parameters()]
        (True, ['weight', 'bias', 'lora_a', 'lora_b'])
    """

    def __init__(self, linear: nn.Linear, rank: int, alpha: int) -> None:
        if rank < 1 or alpha < 1:
            raise ValueError(f'LoRA: rank and alpha must be 1 or more, not {rank} and {alpha}')
        nn.Module.__init__(self)
        self.in_features, self.out_features = linear.in_features, linear.out_features
        self.weight, self.bias = linear.weight, linear.bias
        self.training = linear.training
        like = dict(dtype=linear.weight.dtype, device=linear.weight.device)
        self.lora_a = nn.Parameter(torch.empty(rank, linear.in_features, **like))
        self.lora_b = nn.Parameter(torch.zeros(linear.out_features, rank, **like))
        self.register_buffer('lora_alpha', torch.tensor(alpha, device=linear.weight.device))
        self.scale = alpha / rank
        nn.init.kaiming_uniform_(self.lora_a, a=math.sqrt(5))

    def forward(self, x: Tensor) -> Tensor:
        change = F.linear(F.linear(x, self.lora_a), self.lora_b)
        return super().forward(x) + self.scale * change

    def _load_from_state_dict(self, *arguments, **settings) -> None:
        super()._load_from_state_dict(*arguments, **settings)
        self.scale = float(self.lora_alpha) / len(self.lora_a)

    def extra_repr(self) -> str:
        return f'{super().extra_repr()}, rank={len(self.lora_a)}, scale={self.scale:g}'


def add_adapters(
    model: nn.Module, rank: int, alpha: int | None = None, targets: Sequence[str] = (), trained: Sequence[str] = ()
) -> list[str]:
    """Give linear layers of a model adapters; everything else gets no gradient.

    Args:
        model: Changed in place; names of its weights stay.
        rank: r of every adapter.
        alpha: The change is multiplied by alpha / r; twice the rank by default.
        targets: Names of layers, or of modules that hold them, with ``*``; by default the linear layers in the blocks
            of the encoders.
        trained: Names of modules or weights that are trained whole besides, such as ``'head'``.

    Returns:
        The names of the layers.

    Raises:
        ValueError: If a target holds no linear layer that can be adapted.

    Example:
        >>> from mmvg.models.backbones import BertTextEncoder
        >>> bert = BertTextEncoder(embed_dims=8, num_layers=1, num_heads=2, ffn_channels=16, vocab_size=10)
        >>> add_adapters(bert, rank=2, targets=['*.query'])
        ['bert.encoder.layer.0.attention.self.query']
    """
    layers = _adaptable(model)
    kept = set(matching_parameters(model, trained, '--lora-trained')) if trained else set()
    if targets:
        chosen = {name.rpartition('.')[0] for name in matching_parameters(model, targets, '--lora-targets')}
    else:
        chosen = {
            f'{name}.{inner}' for name, block in encoder_blocks(model).items() for inner, _ in block.named_modules()
        }
    names = [name for name in layers if name in chosen]
    if not names:
        where = f'none of {", ".join(targets)}' if targets else 'no block of the encoders'
        raise ValueError(
            f'--lora: {where} holds a linear layer that is computed by itself and has a gradient (those inside of '
            "torch's own attention are not): name others with --lora-targets, such as "
            f'{", ".join(list(layers)[:2]) or "none, for this model has no such layer"}'
        )
    for name, parameter in model.named_parameters():
        parameter.requires_grad_(name in kept)
    adapted = {id(layers[name]): LoRALinear(layers[name], rank, alpha or 2 * rank) for name in names}
    for module in list(model.modules()):
        for child_name, child in module.named_children():
            if id(child) in adapted:
                setattr(module, child_name, adapted[id(child)])
    return names


def _adaptable(model: nn.Module) -> dict[str, nn.Linear]:
    """Linear layers that are called as modules; attention and encoder layers of torch read weights without a call."""
    fused = (nn.MultiheadAttention, nn.TransformerEncoderLayer)
    inside = {id(child) for module in model.modules() if isinstance(module, fused) for child in module.modules()}
    return {
        name: module
        for name, module in model.named_modules()
        if isinstance(module, nn.Linear)
        and not isinstance(module, LoRALinear)
        and id(module) not in inside
        and module.weight.requires_grad
    }

"""Count parameters and multiply-accumulates of an InstanceVG as Table 16 of its paper (arXiv:2509.13747) does."""

from collections.abc import Sequence
from itertools import accumulate
from math import prod

import torch
from mmcv.ops import MultiScaleDeformableAttention
from torch import Tensor, nn

from mmvg.analysis.complexity import Complexity
from mmvg.models import Grounder

#: Rows of Table 16 (arXiv:2509.13747) and the parts of a grounder that they count, by the beginning of their names.
TABLE16_ROWS = {
    'encoder': ('backbone.',),
    '+ SimFPN': ('neck.projection.', 'neck.pyramid.'),
    '+ APD': ('neck.query_generator.', 'neck.query_decoder.', 'head.boxes.'),
    '+ UNet': ('neck.pixel_decoder.',),
    '+ PIPH': ('head.masks.', 'head.existence.'),
}


def has_table16_parts(model: Grounder) -> bool:
    """Tell whether every row of Table 16 has its parts in ``model``.

    Example:
        >>> from mmvg.config import read_config
        >>> from mmvg.analysis.complexity import build_blank
        >>> has_table16_parts(build_blank(read_config('configs/lavt/tiny.py')))
        False
    """
    names = [name for name, _ in model.named_modules()]
    return all(
        any(name.startswith(prefix) for name in names) for prefixes in TABLE16_ROWS.values() for prefix in prefixes
    )


def table16_complexity(model: Grounder, inputs: dict[str, Tensor]) -> list[Complexity]:
    """Count as Table 16 does, with the rules of the ``thop`` package, and split as it does.

    Only called modules of the kinds Linear, convolution, LayerNorm and BatchNorm count. That leaves out embeddings,
    free parameters, LayerNorm over maps, the projections of ``nn.MultiheadAttention`` and every product of two
    activations; transposed convolutions of stride s are taken s*s times too high, and norms as 4 per element. The
    authors' unused projection of CLS, which our models do without, belongs to the second row; and deformable attention
    counts as if it projected all cells, as theirs does, where ours projects what it has sampled.

    Args:
        model: An InstanceVG.
        inputs: As :func:`dummy_inputs` makes them.

    Returns:
        One row per row of the table.

    Raises:
        ValueError: If the model has not the parts of an InstanceVG.

    Example:
        >>> from mmvg.config import read_config
        >>> from mmvg.analysis.complexity import build_blank, dummy_inputs
        >>> cfg = read_config('configs/instancevg/tiny.py')
        >>> [row.part for row in table16_complexity(build_blank(cfg), dummy_inputs(cfg))]
        ['encoder', '+ SimFPN', '+ APD', '+ UNet', '+ PIPH']
    """
    if not has_table16_parts(model):
        raise ValueError('Table 16 is about InstanceVG; this model has not all of its parts')
    counted = _count_by_module_type(model, inputs)
    counted |= _count_projected_cells(model, inputs)
    rows = []
    for row, prefixes in TABLE16_ROWS.items():
        names = [name for name in counted if name.startswith(prefixes)]
        rows.append(Complexity(row, *(sum(counted[name][i] for name in names) for i in (0, 1))))
    if model.neck['projection'].sentence is None:
        unused = model.neck['projection'].text.weight.numel()
        rows[1].parameters += unused
        rows[1].macs += unused
    return rows


def rounded_steps(values: Sequence[int], unit: float) -> list[str]:
    """Compute what each value adds to the sum, as Table 16 prints it: differences between sums rounded to two digits.

    Example:
        >>> rounded_steps([1_004_000, 1_004_000], 1e6)  # 1.00, then 2.01
        ['1.00', '1.01']
    """
    sums = [round(100 * value / unit) for value in accumulate(values)]
    return [f'{(after - before) / 100:.2f}' for before, after in zip([0, *sums], sums, strict=False)]


def _count_by_module_type(model: nn.Module, inputs: dict[str, Tensor]) -> dict[str, tuple[int, int]]:
    """Run ``model`` and return parameters and multiply-accumulates of the modules that ``thop`` knows."""
    counted = {}

    def count_in(name: str):
        def hook(module: nn.Module, args: tuple, output: Tensor) -> None:
            parameters = sum(p.numel() for p in module.parameters())
            counted[name] = parameters, counted.get(name, (0, 0))[1] + _macs(module, args[0], output)

        return hook

    kinds = (nn.Linear, nn.Conv2d, nn.ConvTranspose2d, nn.LayerNorm, nn.BatchNorm2d)
    handles = [
        module.register_forward_hook(count_in(name))
        for name, module in model.named_modules()
        if isinstance(module, kinds)
    ]
    try:
        with torch.no_grad():
            model.eval()(inputs, mode='tensor')
    finally:
        for handle in handles:
            handle.remove()
    return counted


def _count_projected_cells(model: Grounder, inputs: dict[str, Tensor]) -> dict[str, tuple[int, int]]:
    """Parameters and multiply-accumulates of projecting all cells for the deformable attention of the query decoder."""
    cells = 0

    def count(module: nn.Module, args: tuple) -> None:
        nonlocal cells
        cells = sum(x[:, 0].numel() for x in args[0].images)

    decoder = model.neck['query_decoder']
    handle = decoder.register_forward_pre_hook(count)
    with handle, torch.no_grad():
        model.eval()(inputs, mode='tensor')
    return {
        f'neck.query_decoder.{name}.value_proj': (
            sum(p.numel() for p in module.value_proj.parameters()),
            cells * module.value_proj.weight.numel(),
        )
        for name, module in decoder.named_modules()
        if isinstance(module, MultiScaleDeformableAttention)
    }


def _macs(module: nn.Module, given: Tensor, output: Tensor) -> int:
    """Count multiply-accumulates of one call by the rules of ``thop``."""
    if isinstance(module, nn.Linear):
        return output.numel() * module.in_features
    if isinstance(module, (nn.Conv2d, nn.ConvTranspose2d)):
        return output.numel() * (module.in_channels // module.groups) * prod(module.kernel_size)
    return 4 * given.numel()

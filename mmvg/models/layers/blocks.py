"""The blocks that an encoder is a chain of, found in any encoder."""

from torch import nn


def encoder_blocks(model: nn.Module) -> dict[str, nn.Module]:
    """Find the repeated blocks of the backbone of a model: layers of transformers, blocks of Swin, bottlenecks.

    They are the entries of a ``ModuleList`` or ``Sequential`` whose entries with parameters are all of one class and
    made of other modules; of lists in each other, as stages of blocks, the innermost. A block is always called as a
    module, which a stage may not be. Of a backbone with an ``image`` and a ``text`` encoder, what
    fuses them is left out.

    Args:
        model: With a ``backbone``; one without is searched whole.

    Returns:
        Modules by their name in ``model``, in the order in which they stand there.

    Example:
        >>> from mmvg.models.backbones import BertTextEncoder
        >>> bert = BertTextEncoder(embed_dims=8, num_layers=2, num_heads=2, ffn_channels=16, vocab_size=10)
        >>> list(encoder_blocks(bert))
        ['bert.encoder.layer.0', 'bert.encoder.layer.1']
    """
    root = getattr(model, 'backbone', model)
    towers = [tower for tower in (getattr(root, 'image', None), getattr(root, 'text', None)) if tower is not None]
    names = {id(module): name for name, module in model.named_modules()}
    return {names[id(block)]: block for part in towers or [root] for block in _innermost(part)}


def has_batch_statistics(module: nn.Module) -> bool:
    """Whether a forward pass of ``module`` in training changes running statistics.

    Example:
        >>> has_batch_statistics(nn.Sequential(nn.BatchNorm2d(3))), has_batch_statistics(nn.LayerNorm(3))
        (True, False)
    """
    norms = nn.modules.batchnorm._NormBase
    return any(isinstance(each, norms) and each.track_running_stats for each in module.modules())


def _innermost(module: nn.Module) -> list[nn.Module]:
    found = [block for child in module.children() for block in _innermost(child)]
    if found or not isinstance(module, (nn.ModuleList, nn.Sequential)):
        return found
    entries = [child for child in module if any(True for _ in child.parameters())]
    composed = all(any(True for _ in child.children()) for child in entries)
    return entries if composed and len({type(child) for child in entries}) == 1 else []

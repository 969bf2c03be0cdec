"""Optimizers and wrappers of optimizers that neither PyTorch nor mmengine has."""

from mmvg.engine.optimizers.adafactor import adafactor
from mmvg.engine.optimizers.bf16_optim_wrapper import BF16OptimWrapper
from mmvg.engine.optimizers.finite_optim_wrapper import FiniteOptimWrapper
from mmvg.engine.optimizers.muon_adamw import MuonAdamW

__all__ = ['BF16OptimWrapper', 'FiniteOptimWrapper', 'MuonAdamW', 'adafactor']

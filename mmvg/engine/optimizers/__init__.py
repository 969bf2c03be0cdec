"""Optimizers that neither PyTorch nor mmengine has."""

from mmvg.engine.optimizers.muon_adamw import MuonAdamW

__all__ = ['MuonAdamW']

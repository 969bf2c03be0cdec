from mmvg.models.heads.auxiliary_mask_head import AuxiliaryMaskHead
from mmvg.models.heads.instance_head import InstanceHead

__all__ = ['AuxiliaryMaskHead', 'InstanceHead']

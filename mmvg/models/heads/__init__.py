from mmvg.models.heads.instance_head import InstanceHead

__all__ = ['InstanceHead']

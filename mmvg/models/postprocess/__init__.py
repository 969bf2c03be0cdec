"""From raw outputs to answers on samples; a head builds the part that its ``postprocess`` names."""

from mmvg.models.postprocess.base_postprocess import BasePostprocess
from mmvg.models.postprocess.box_postprocess import BoxPostprocess
from mmvg.models.postprocess.grasp_postprocess import GraspPostprocess
from mmvg.models.postprocess.instance_postprocess import InstancePostprocess
from mmvg.models.postprocess.mask_postprocess import MaskPostprocess
from mmvg.models.postprocess.proposal_postprocess import ProposalPostprocess
from mmvg.models.postprocess.proposals import BoxUnit, Proposals

__all__ = [
    'BasePostprocess',
    'BoxPostprocess',
    'BoxUnit',
    'GraspPostprocess',
    'InstancePostprocess',
    'MaskPostprocess',
    'ProposalPostprocess',
    'Proposals',
]

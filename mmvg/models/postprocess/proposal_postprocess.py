"""From the proposals of a model of another library to answered samples."""

import logging

import torch
import torch.nn.functional as F
from mmcv.ops import nms
from mmengine.logging import print_log
from mmengine.structures import InstanceData
from torch import Tensor

from mmvg.checks import check_choice
from mmvg.models.postprocess.base_postprocess import BasePostprocess
from mmvg.models.postprocess.proposals import BoxUnit, Proposals
from mmvg.registry import MODELS
from mmvg.structures import GroundingSample

BOX_RULES = ('all', 'best_scored', 'first')


@MODELS.register_module()
class ProposalPostprocess(BasePostprocess):
    """Writes what a model of another library proposes onto samples, by a declared unit and a declared rule.

    Args:
        unit: In what boxes are counted: ``'pixel'``, ``'permille'`` or ``'fraction'``.
        box_frame: Of which picture: ``'original'``, ``'resized'``, ``'padded-corner'`` or ``'padded-center'``; see
            :class:`BoxUnit`.
        box_rule: Which proposals count: ``'all'``; ``'best_scored'``, the first of equals; or ``'first'``, for models
            that name boxes without scoring them.
        score_thr: What scores more than this is there.
        mask_thr: A pixel whose probability is more than this belongs to a mask.
        nms_thr: A box that overlaps a better one by more than this IoU is left out.
        max_candidates: So many of the best are kept.
        frame: ``'original'``, for pictures go to these models as they are.

    Raises:
        ValueError: If a choice is unknown, or a threshold is not in [0, 1].

    Example:
        >>> sample = GroundingSample(metainfo=dict(ori_shape=(32, 64), img_shape=(32, 64)))
        >>> found = Proposals(boxes=torch.tensor([[0.0, 0, 0.5, 1], [0.5, 0.5, 1, 1]]), scores=torch.tensor([0.2, 0.9]))
        >>> (answer,) = ProposalPostprocess(unit='fraction', box_rule='best_scored')([found], [sample])
        >>> answer.pred_instances.bboxes, answer.pred_no_target
        (tensor([[32., 16., 64., 32.]]), False)
    """

    def __init__(
        self,
        unit: str,
        box_frame: str = 'original',
        box_rule: str = 'all',
        score_thr: float = 0.5,
        mask_thr: float = 0.5,
        nms_thr: float | None = None,
        max_candidates: int = 100,
        frame: str = 'original',
    ) -> None:
        super().__init__(score_thr, mask_thr, frame, align_corners=False)
        self.unit = BoxUnit(unit, box_frame)
        self.box_rule = check_choice('ProposalPostprocess.box_rule', box_rule, BOX_RULES)
        self.nms_thr = nms_thr
        self.max_candidates = max_candidates
        self._warned = False

    @torch.no_grad()
    def __call__(self, proposals: list[Proposals], samples: list[GroundingSample]) -> list[GroundingSample]:
        """Write ``pred_instances``, ``target_score``, ``pred_no_target`` and, where there are masks, their union.

        The score that anything is meant is the best score, 0 where nothing is proposed.
        """
        for proposal, sample in zip(proposals, samples, strict=True):
            size = tuple(sample.ori_shape[:2])
            if proposal.answer is not None:
                self._check_extent(proposal, size)
            boxes = self.unit.to_original(proposal.boxes.float(), size, proposal.input_size)
            scores = proposal.scores.float()
            kept = self._choose(boxes, scores)
            sample.pred_instances = InstanceData(bboxes=boxes[kept], scores=scores[kept])
            if proposal.masks is not None:
                sample.pred_instances.masks = self._masks(proposal.masks[kept], size)
            if proposal.answer is not None:
                sample.set_metainfo(dict(raw_answer=proposal.answer))
            self.decide(sample, float(scores[kept].max()) if len(kept) else 0.0, None, 'instance')
        return samples

    def _check_extent(self, proposal: Proposals, size: tuple[int, int]) -> None:
        """Warn once of numbers that are impossible in the declared unit; they are cut at the border all the same."""
        extent = proposal.boxes.new_tensor(self.unit.extent(size, proposal.input_size))
        beyond = proposal.boxes.unflatten(-1, (2, 2)) > 1.02 * extent + 1e-6
        if beyond.any() and not self._warned:
            self._warned = True
            print_log(
                f'an answer has {proposal.boxes.max():g}, but in {self.unit.unit} of the {self.unit.frame} picture the '
                f'borders are at {extent.tolist()}: is the unit right? Answer: {proposal.answer!r:.200}',
                'current',
                logging.WARNING,
            )

    def _choose(self, boxes: Tensor, scores: Tensor) -> Tensor:
        """Indices (K,) of the boxes (Q, 4) that count, in their order."""
        if self.box_rule == 'first':
            return torch.arange(min(len(boxes), 1), device=boxes.device)
        order = scores.argsort(descending=True, stable=True)
        if self.nms_thr is not None and len(order):
            order = order[nms(boxes[order], scores[order], self.nms_thr)[1]]
        order = order[: 1 if self.box_rule == 'best_scored' else self.max_candidates]
        return order.sort().values

    def _masks(self, probabilities: Tensor, size: tuple[int, int]) -> Tensor:
        """Masks (K, H, W) bool of the original size from maps (K, h, w), one after the other to save memory."""
        masks = torch.zeros((len(probabilities), *size), dtype=torch.bool, device=probabilities.device)
        for mask, probability in zip(masks, probabilities.float(), strict=True):
            mask[:] = self.binary(F.interpolate(probability[None, None], size=size, mode='bilinear')[0, 0])
        return masks

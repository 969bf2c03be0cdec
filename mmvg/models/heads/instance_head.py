"""The head of InstanceVG: points, boxes and masks that belong together, and the no-target verdict."""

from mmengine.model import BaseModule
from torch import Tensor

from mmvg.models.features import GroundingFeatures
from mmvg.models.heads.box_branch import BoxBranch
from mmvg.models.heads.mask_branch import MaskBranch
from mmvg.models.heads.no_target_branch import NoTargetBranch
from mmvg.models.losses import GroundingTargets
from mmvg.registry import MODELS
from mmvg.structures import GroundingSample


@MODELS.register_module()
class InstanceHead(BaseModule):
    """Predict a point, box, score and mask per query, one global mask, and whether there is a target.

    This is the point and instance perception head (PIPH) of InstanceVG (arXiv:2509.13747, Sec. 3.3 to 3.5). It reads
    ``query_states``, ``references``, ``points``, ``attention`` and ``pixels``; ``references``, ``points`` and
    ``attention`` may be missing if the query decoder, the match costs and the losses do without them.

    Args:
        in_channels: Channels C of the query states and of the pixels.
        matcher: Pairs queries with targets, usually a :class:`SetMatcher`.
        detection_loss: Usually a :class:`DetectionCriterion`.
        mask_loss: Usually a :class:`MaskCriterion`. Any other :class:`MaskLoss` trains the global mask alone.
        no_target_loss: Usually a :class:`NoTargetLoss`.
        postprocess: Usually a :class:`mmvg.models.postprocess.InstancePostprocess`.
        minimap_loss: Usually a :class:`MinimapLoss`; ``None`` if there is no attention map.

    Examples:
        >>> import torch
        >>> from mmdet.models.task_modules.assigners import BBoxL1Cost, HungarianAssigner
        >>> from mmvg.models import GroundingFeatures
        >>> from mmvg.models.heads import InstanceHead
        >>> costs = [dict(type=BBoxL1Cost, box_format='xywh')]
        >>> head = InstanceHead(
        ...     in_channels=8,
        ...     matcher=dict(type='SetMatcher', assigner=dict(type=HungarianAssigner, match_costs=costs)),
        ...     detection_loss=dict(type='DetectionCriterion'),
        ...     mask_loss=dict(type='MaskCriterion'),
        ...     no_target_loss=dict(type='NoTargetLoss'),
        ...     postprocess=dict(type='InstancePostprocess'),
        ... )
        >>> states, pixels = torch.randn(3, 2, 5, 8), torch.randn(2, 8, 16, 16)
        >>> features = GroundingFeatures(images=[], query_states=states, pixels=pixels)
        >>> {name: tuple(x.shape) for name, x in head(features).items() if x is not None}
        {'class_logits': (3, 2, 5, 2), 'boxes_cxcywh_norm': (3, 2, 5, 4), 'instance_mask_logits': (2, 5, 16, 16),
         'global_mask_logits': (2, 1, 16, 16), 'no_target_logits': (2, 2)}
    """

    def __init__(
        self,
        in_channels: int,
        matcher: dict,
        detection_loss: dict,
        mask_loss: dict,
        no_target_loss: dict,
        postprocess: dict,
        minimap_loss: dict | None = None,
        init_cfg: dict | None = None,
    ) -> None:
        super().__init__(init_cfg)
        self.boxes = BoxBranch(in_channels)
        self.masks = MaskBranch(in_channels)
        self.existence = NoTargetBranch(in_channels)
        self.matcher = MODELS.build(matcher)
        self.detection_loss = MODELS.build(detection_loss)
        self.mask_loss = MODELS.build(mask_loss)
        self.no_target_loss = MODELS.build(no_target_loss)
        self.minimap_loss = None if minimap_loss is None else MODELS.build(minimap_loss)
        self.postprocess = MODELS.build(postprocess)

    def forward(self, features: GroundingFeatures) -> dict[str, Tensor | None]:
        """Return the raw outputs by name.

        - ``class_logits`` (D, B, Q, 2) of the D decoder layers, class 0 = target, class 1 = nothing.
        - ``boxes_cxcywh_norm`` (D, B, Q, 4), fractions of the input image.
        - ``instance_mask_logits`` (B, Q, h, w) and ``global_mask_logits`` (B, 1, h, w), usually at stride 4.
        - ``no_target_logits`` (B, 2), class 0 = has a target, class 1 = has none.
        - ``points`` (B, Q, 2), fractions of the input image, and ``attention`` (B, h', w'), as they came.

        Raises:
            ValueError: If a neck that this head depends on is missing.
        """
        for name, part in (('query_states', 'a query decoder'), ('pixels', 'a pixel decoder')):
            if getattr(features, name) is None:
                raise ValueError(f"InstanceHead reads '{name}', which {part} has to fill in; add one to the neck")
        class_logits, boxes = self.boxes(features.query_states, features.references)
        global_logits, instance_logits = self.masks(features.query_states[-1], features.pixels)
        return dict(
            class_logits=class_logits,
            boxes_cxcywh_norm=boxes,
            instance_mask_logits=instance_logits,
            global_mask_logits=global_logits,
            no_target_logits=self.existence(features.pixels),
            points=features.points,
            attention=features.attention,
        )

    def loss(self, features: GroundingFeatures, data_samples: list[GroundingSample]) -> dict[str, Tensor]:
        """Return the named losses, already weighted; their plain sum is Eq. 6 with the minimap loss added.

        Raises:
            ValueError: If ground truth is not in input pixels or lacks what a loss needs, or if ``minimap_loss`` is
                set and no neck made an attention map.
        """
        outputs = self(features)
        targets = GroundingTargets.from_samples(data_samples, features.pixels.device)
        class_logits, boxes = outputs['class_logits'], outputs['boxes_cxcywh_norm']
        matching = self.matcher(class_logits, boxes, outputs['points'], targets)
        losses = self.detection_loss(class_logits, boxes, matching, targets)
        masks = [outputs['global_mask_logits'], targets]
        if self.mask_loss.reads_instances:
            masks += [outputs['instance_mask_logits'], matching]
        losses |= self.mask_loss(*masks)
        losses |= self.no_target_loss(outputs['no_target_logits'], targets)
        if self.minimap_loss is not None:
            if outputs['attention'] is None:
                raise ValueError('minimap_loss is set, but no neck made an attention map; set minimap_loss=None')
            losses |= self.minimap_loss(outputs['attention'], targets)
        return losses

    def predict(self, features: GroundingFeatures, data_samples: list[GroundingSample]) -> list[GroundingSample]:
        """Return ``data_samples`` with the predictions that :class:`GroundingSample` lists, on all queries."""
        return self.postprocess(self(features), data_samples)

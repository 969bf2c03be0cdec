"""Predict a mask and grasps from five maps, as they are or refined once more."""

from mmengine.model import BaseModule
from torch import Tensor

from mmvg.models.features import GroundingFeatures
from mmvg.models.heads.no_target_branch import target_probability
from mmvg.models.losses import GraspTargets
from mmvg.registry import MODELS
from mmvg.structures import GroundingSample


@MODELS.register_module()
class GraspHead(BaseModule):
    """Predict mask and grasp maps in two stages, with a loss on each (LGGD, arXiv:2512.21065, Sec. IV-D to IV-F).

    Without a refinement there is one stage, as in CROG, GR-ConvNet and GG-CNN.

    Args:
        coarse: Makes logits (B, 5, h, w) of ``pixels``, or of the one map of ``images`` where no neck fills them in,
            and ``sentence``: a :class:`DynamicConvBranch`, :class:`SharedKernelBranch` or :class:`ConvBranch`.
        criterion: Usually a :class:`GraspCriterion`.
        postprocess: Usually a :class:`mmvg.models.postprocess.GraspPostprocess`.
        refinement: Turns coarse logits into better ones, usually a :class:`MapRefinement`. With ``None`` the coarse
            ones are final, and are the only ones with a loss (Table VI without RM).
        coarse_weight: lambda of Eq. 32, the weight of the losses of the coarse stage if there is another.
        existence: Tells from the last of ``images``, which a fusion has shown the sentence, and from ``sentence``
            whether anything is meant: a :class:`PooledExistenceBranch`. The paper has none: with ``None`` the mask is
            all that tells.
        no_target_loss: Of that branch, a :class:`NoTargetLoss`.

    Raises:
        ValueError: If one of ``existence`` and ``no_target_loss`` is given without the other.

    Examples:
        >>> import torch
        >>> from mmvg.models import GroundingFeatures
        >>> from mmvg.models.heads import GraspHead
        >>> head = GraspHead(
        ...     coarse=dict(type='DynamicConvBranch', in_channels=8, channels=4, sentence_channels=6),
        ...     criterion=dict(type='GraspCriterion'),
        ...     postprocess=dict(type='GraspPostprocess'),
        ... )
        >>> features = GroundingFeatures(images=[], pixels=torch.randn(2, 8, 16, 16), sentence=torch.randn(2, 6))
        >>> head(features)['logits'].shape
        torch.Size([2, 5, 16, 16])
    """

    def __init__(
        self,
        coarse: dict,
        criterion: dict,
        postprocess: dict,
        refinement: dict | None = None,
        coarse_weight: float = 0.5,
        existence: dict | None = None,
        no_target_loss: dict | None = None,
        init_cfg: dict | None = None,
    ) -> None:
        super().__init__(init_cfg)
        if (existence is None) != (no_target_loss is None):
            raise ValueError('GraspHead: existence and no_target_loss belong together: give both, or none')
        self.coarse = MODELS.build(coarse)
        self.refinement = None if refinement is None else MODELS.build(refinement)
        self.criterion = MODELS.build(criterion)
        self.coarse_weight = coarse_weight
        self.existence = None if existence is None else MODELS.build(existence)
        self.no_target_loss = None if no_target_loss is None else MODELS.build(no_target_loss)
        self.postprocess = MODELS.build(postprocess)

    def forward(self, features: GroundingFeatures) -> dict[str, Tensor | None]:
        """Return the raw maps by name, in the order mask, quality, cos(2 theta), sin(2 theta), width.

        All but cos and sin are logits.

        - ``logits`` (B, 5, h, w), the answer.
        - ``coarse_logits`` (B, 5, h, w), before the refinement; ``None`` if there is none.
        - ``no_target_logits`` (B, 2): target, none; only with a branch for it.

        Raises:
            ValueError: If no neck has made ``pixels``, and there is not one map alone.
        """
        if features.pixels is None and len(features.images) != 1:
            raise ValueError(
                "GraspHead reads 'pixels', which LanguageGuidedUpsampling or a pixel decoder has to fill in, or one "
                f'map, but there are {len(features.images)}'
            )
        pixels = features.images[0] if features.pixels is None else features.pixels
        coarse = self.coarse(pixels, features.sentence)
        if self.refinement is None:
            outputs = dict(logits=coarse, coarse_logits=None)
        else:
            outputs = dict(logits=self.refinement(coarse), coarse_logits=coarse)
        if self.existence is not None:
            outputs['no_target_logits'] = self.existence(features.images[-1], features.sentence)
        return outputs

    def loss(self, features: GroundingFeatures, data_samples: list[GroundingSample]) -> dict[str, Tensor]:
        """Return ``loss_mask``, ``loss_grasp``, and with a refinement ``loss_coarse_mask`` and ``loss_coarse_grasp``.

        They are weighted; their plain sum is Eq. 32. The branch for existence adds that of ``no_target_loss``.
        """
        outputs = self(features)
        targets = GraspTargets.from_samples(data_samples, outputs['logits'].device)
        losses = self.criterion(outputs['logits'], targets)
        if outputs['coarse_logits'] is not None:
            coarse = self.criterion(outputs['coarse_logits'], targets)
            losses |= {name.replace('loss', 'loss_coarse'): self.coarse_weight * x for name, x in coarse.items()}
        if self.no_target_loss is not None:
            losses |= self.no_target_loss(outputs['no_target_logits'], targets)
        return losses

    def predict(self, features: GroundingFeatures, data_samples: list[GroundingSample]) -> list[GroundingSample]:
        """Return ``data_samples`` with a mask and ranked grasps in original pixels, see :class:`GraspPostprocess`."""
        outputs = self(features)
        return self.postprocess(outputs['logits'], data_samples, target_probability(outputs))

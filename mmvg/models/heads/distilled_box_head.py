"""The head of SimVG: a decoder that looks at the image again, and a linear map that has learned to do without."""

from dataclasses import replace

import torch
from mmdet.models.layers import MLP
from mmengine.model import BaseModule
from torch import Tensor, nn

from mmvg.checks import check_choice
from mmvg.models.features import GroundingFeatures
from mmvg.models.heads.box_branch import BoxBranch
from mmvg.models.losses import GroundingTargets, Matching, to_host
from mmvg.registry import MODELS
from mmvg.structures import GroundingSample

BRANCHES = ('token', 'decoder')


@MODELS.register_module()
class DistilledBoxHead(BaseModule):
    """Predict boxes from queries by two branches, the larger of which teaches the other (SimVG, arXiv:2409.17531).

    The decoder branch (DB) lets the queries attend to the image. The token branch (TB) adds the sentence vector, which
    has seen image and text in the encoder, to the queries, and has nothing but an MLP. Either answers; the other one is
    not computed then.

    Args:
        in_channels: Channels C of ``queries``, ``sentence`` and the last map.
        decoder: A neck that sets ``query_states`` from ``queries`` and ``images``, usually a
            :class:`mmvg.models.necks.DETRDecoder`.
        matcher: Pairs queries with targets, usually a :class:`SetMatcher`.
        detection_loss: Of every layer and branch, usually a :class:`DetectionCriterion`.
        postprocess: Usually a :class:`mmvg.models.postprocess.BoxPostprocess`.
        distillation: Trains the token branch, usually a :class:`WeightBalancedDistillation`; None trains the decoder
            alone.
        branch: Which one answers, ``'token'`` or ``'decoder'``.
        token_layers: Linear maps of the MLP of the token branch, with ReLU between them.
        size_bias: First bias of widths and heights, see :class:`BoxBranch`.

    Raises:
        ValueError: If ``branch`` is unknown, or is the token branch and nothing trains it.

    Examples:
        >>> import torch
        >>> from mmdet.models.task_modules.assigners import BBoxL1Cost, HungarianAssigner
        >>> from mmvg.models import GroundingFeatures
        >>> from mmvg.models.heads import DistilledBoxHead
        >>> costs = [dict(type=BBoxL1Cost, box_format='xywh')]
        >>> head = DistilledBoxHead(
        ...     in_channels=8,
        ...     decoder=dict(type='DETRDecoder', embed_dims=8, num_heads=2, ffn_channels=16),
        ...     matcher=dict(type='SetMatcher', assigner=dict(type=HungarianAssigner, match_costs=costs)),
        ...     detection_loss=dict(type='DetectionCriterion'),
        ...     postprocess=dict(type='BoxPostprocess'),
        ...     distillation=dict(type='WeightBalancedDistillation'),
        ... )
        >>> maps, queries, sentence = [torch.randn(2, 8, 4, 4)], torch.randn(2, 5, 8), torch.randn(2, 8)
        >>> outputs = head.eval()(GroundingFeatures(images=maps, queries=queries, sentence=sentence))
        >>> {name: tuple(x.shape) for name, x in outputs.items()}
        {'token_class_logits': (1, 2, 5, 2), 'token_boxes_cxcywh_norm': (1, 2, 5, 4)}
    """

    def __init__(
        self,
        in_channels: int,
        decoder: dict,
        matcher: dict,
        detection_loss: dict,
        postprocess: dict,
        distillation: dict | None = None,
        branch: str = 'token',
        token_layers: int = 1,
        size_bias: float | None = None,
        init_cfg: dict | None = None,
    ) -> None:
        super().__init__(init_cfg)
        check_choice('DistilledBoxHead.branch', branch, BRANCHES)
        if branch == 'token' and distillation is None:
            raise ValueError("DistilledBoxHead: branch='token' needs a distillation; without one, branch='decoder'")
        self.branch = branch
        self.decoder = MODELS.build(decoder)
        self.mlp = MLP(in_channels, in_channels, in_channels, token_layers)
        self.boxes = nn.ModuleDict({name: BoxBranch(in_channels, size_bias) for name in BRANCHES})
        self.matcher = MODELS.build(matcher)
        self.detection_loss = MODELS.build(detection_loss)
        self.distillation = None if distillation is None else MODELS.build(distillation)
        self.postprocess = MODELS.build(postprocess)

    def forward(self, features: GroundingFeatures) -> dict[str, Tensor]:
        """Return the raw outputs of the branch that answers, and in training of all that learn, by name.

        - ``<branch>_class_logits`` (D, B, Q, 2), class 0 = target, class 1 = nothing.
        - ``<branch>_boxes_cxcywh_norm`` (D, B, Q, 4), fractions of the input image.

        D is the number of layers of the decoder; the token branch has one.

        Raises:
            ValueError: If no neck makes queries, or the encoder has no sentence vector.
        """
        if features.queries is None:
            raise ValueError("DistilledBoxHead reads 'queries', which a query generator has to fill in; add one")
        learns = self.training and self.distillation is not None
        outputs = {}
        if learns or self.branch == 'token':
            if features.sentence is None:
                raise ValueError('DistilledBoxHead needs a backbone that gives a sentence vector')
            outputs['token'] = self.mlp(features.queries + features.sentence[:, None])[None]
        if self.training or self.branch == 'decoder':
            outputs['decoder'] = self.decoder(features).query_states
        named = {}
        for name, states in outputs.items():
            logits, boxes = self.boxes[name](states, None)
            named |= {f'{name}_class_logits': logits, f'{name}_boxes_cxcywh_norm': boxes}
        return named

    def loss(self, features: GroundingFeatures, data_samples: list[GroundingSample]) -> dict[str, Tensor]:
        """Return the named losses of the decoder, and those of the token branch if it learns.

        All pairs are found on the host after one transfer, those of the token branch with the teacher too.

        Raises:
            ValueError: If ground truth is not in input pixels.
        """
        outputs = self(features)
        decoded = outputs['decoder_class_logits'], outputs['decoder_boxes_cxcywh_norm']
        targets = GroundingTargets.from_samples(data_samples, decoded[0].device)
        if self.distillation is None:
            return self.detection_loss(*decoded, self.matcher(*decoded, None, targets), targets)
        token = outputs['token_class_logits'], outputs['token_boxes_cxcywh_norm']
        *predicted, wanted = to_host(
            [*(torch.cat(pair) for pair in zip(decoded, token, strict=True)), targets.boxes_cxcywh_norm]
        )
        assigned = self.matcher(*predicted, None, replace(targets, boxes_cxcywh_norm=wanted)).assigned
        by_decoder, by_token = Matching(assigned[:-1]), Matching(assigned[-1:])
        losses = self.detection_loss(*decoded, by_decoder, targets)
        taught, balance = self.distillation.teach(decoded[0][-1], decoded[1][-1], by_decoder, targets)
        found = predicted[1][-2].flatten(0, 1)[by_decoder.positives().flatten()]
        by_teacher = self.matcher(*(part[-1:] for part in predicted), None, replace(taught, boxes_cxcywh_norm=found))
        return losses | self.distillation(
            self.detection_loss(*token, by_token, targets), self.detection_loss(*token, by_teacher, taught), balance
        )

    def predict(self, features: GroundingFeatures, data_samples: list[GroundingSample]) -> list[GroundingSample]:
        """Return ``data_samples`` with boxes, scores and verdict of the branch that answers."""
        outputs = self(features)
        logits, boxes = outputs[f'{self.branch}_class_logits'], outputs[f'{self.branch}_boxes_cxcywh_norm']
        return self.postprocess(logits[-1], boxes[-1], data_samples)

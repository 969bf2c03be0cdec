"""Queries that are the same for every image."""

from mmengine.model import BaseModule
from torch import nn

from mmvg.models.features import GroundingFeatures
from mmvg.registry import MODELS


@MODELS.register_module()
class LearnedQueries(BaseModule):
    """Use a table of learned queries: the baselines without APD of InstanceVG's Tables 7, 9 and 17.

    Args:
        num_queries: Number Q of queries.
        channels: Channels C.
        points: Whether each query also has a reference point, a sigmoid of a linear map of the query, as in Deformable
            DETR (arXiv:2010.04159, Sec. 4.1). Before a ``PointPriorDecoder(point_reference='point')`` this makes the
            deformable decoders without point prior of Table 9.

    Examples:
        >>> import torch
        >>> from mmvg.models import GroundingFeatures
        >>> from mmvg.models.necks import LearnedQueries
        >>> neck = LearnedQueries(num_queries=3, channels=8, points=True)
        >>> features = neck(GroundingFeatures(images=[torch.ones(2, 8, 4, 4)]))
        >>> features.queries.shape, features.points.shape
        (torch.Size([2, 3, 8]), torch.Size([2, 3, 2]))
    """

    def __init__(self, num_queries: int, channels: int, points: bool = False) -> None:
        super().__init__()
        self.table = nn.Embedding(num_queries, channels)
        self.point = None
        if points:
            self.point = nn.Linear(channels, 2)
            nn.init.xavier_uniform_(self.point.weight)
            nn.init.zeros_(self.point.bias)

    def forward(self, features: GroundingFeatures) -> GroundingFeatures:
        """Set ``queries`` (B, Q, C) and, if asked for, ``points`` (B, Q, 2): x, y in fractions, with a gradient."""
        table, batch = self.table.weight, features.images[0].shape[0]
        features = features.replace(queries=table.expand(batch, -1, -1))
        if self.point is None:
            return features
        return features.replace(points=self.point(table).sigmoid().expand(batch, -1, -1))

"""Answers that the page keeps to draw them anew at another threshold: small, and bounded in number of bytes."""

import secrets
from collections import OrderedDict
from dataclasses import dataclass
from threading import Lock

import numpy as np
from mmengine.structures import InstanceData
from torch import from_numpy

from mmvg.masks import PackedMasks, encode_mask
from mmvg.structures import Candidates, GroundingSample

_BESIDES_MASKS = 8_000  # bytes of a sample with its boxes and names


@dataclass
class AskedPicture:
    """A picture with the samples of all sentences that were asked about it.

    Args:
        picture: (h, w, 3) uint8 RGB, as much of it as is drawn.
        size: Height and width of the picture that was asked about.
        samples: One per sentence, with everything that the model proposes, packed.
        own_thr: The threshold of the model.
    """

    picture: np.ndarray
    size: tuple[int, int]
    samples: list[GroundingSample]
    own_thr: float

    @property
    def nbytes(self) -> int:
        """Bytes of memory that this takes, about."""
        return self.picture.nbytes + sum(map(packed_bytes, self.samples))


def pack_sample(sample: GroundingSample) -> GroundingSample:
    """Copy the predictions of a sample, with masks as RLE: some kilobytes in place of a byte per pixel and query."""
    made = Candidates.from_sample(sample)
    packed = GroundingSample(metainfo=sample.metainfo)
    for name in ('text', 'pred_no_target', 'target_score'):
        if name in sample:
            setattr(packed, name, sample.get(name))
    columns = dict(bboxes=made.boxes, scores=made.scores, points=made.points)
    columns = {name: from_numpy(values) for name, values in columns.items() if values is not None}
    if made.masks is not None:
        columns['masks'] = PackedMasks.of(made.masks)
    if columns:
        packed.pred_instances = InstanceData(**columns)
    if made.global_mask is not None:
        packed.pred_global_mask = encode_mask(made.global_mask)
    if made.grasps is not None:
        packed.pred_grasps = InstanceData(grasps=from_numpy(made.grasps), scores=from_numpy(made.grasp_scores))
    if 'pred_attention' in sample:
        packed.pred_attention = sample.pred_attention.detach().cpu()
    return packed


def packed_bytes(sample: GroundingSample) -> int:
    """Bytes of memory that a packed sample takes, about."""
    masks = sample.get('pred_instances', {}).get('masks')
    whole, attention = sample.get('pred_global_mask'), sample.get('pred_attention')
    return (
        _BESIDES_MASKS
        + (0 if masks is None else masks.nbytes)
        + (0 if whole is None else len(whole['counts']))
        + (0 if attention is None else attention.numel() * attention.element_size())
    )


class KeptAnswers:
    """Answers by ticket; when they take too much memory, those that were used longest ago are dropped.

    Args:
        max_bytes: Of all together.
    """

    def __init__(self, max_bytes: int) -> None:
        self.max_bytes = max_bytes
        self.nbytes = 0
        self._kept: OrderedDict[str, AskedPicture] = OrderedDict()
        self._lock = Lock()

    def put(self, asked: AskedPicture, instead_of: str | None = None) -> str:
        """Keep answers in place of others, and return their ticket, which cannot be guessed."""
        ticket = secrets.token_hex(16)
        with self._lock:
            self._drop(instead_of)
            self._kept[ticket] = asked
            self.nbytes += asked.nbytes
            while self.nbytes > self.max_bytes and len(self._kept) > 1:
                self._drop(next(iter(self._kept)))
        return ticket

    def get(self, ticket: str) -> AskedPicture:
        """The answers of a ticket.

        Raises:
            ValueError: If they have been dropped.
        """
        with self._lock:
            if ticket not in self._kept:
                raise ValueError('these answers are no longer kept; press Find again')
            self._kept.move_to_end(ticket)
            return self._kept[ticket]

    def drop(self, ticket: str | None) -> None:
        """Forget answers; nothing happens if they are gone."""
        with self._lock:
            self._drop(ticket)

    def _drop(self, ticket: str | None) -> None:
        if (asked := self._kept.pop(ticket, None)) is not None:
            self.nbytes -= asked.nbytes

import numpy as np
import pytest
import torch
from mmengine.structures import PixelData

from mmvg.models import GroundingFeatures
from mmvg.models.heads import DynamicConvBranch, GraspHead, MapRefinement, PooledExistenceBranch
from mmvg.models.losses import GraspCriterion, NoTargetLoss
from mmvg.models.postprocess import GraspPostprocess
from mmvg.structures import GroundingSample

COARSE = dict(type=DynamicConvBranch, in_channels=6, channels=4, sentence_channels=8, num_kernels=2, hidden_channels=4)
REFINEMENT = dict(type=MapRefinement, widths=(4, 4, 8, 8))


def make(**changes):
    torch.manual_seed(0)
    settings = dict(
        coarse=COARSE,
        criterion=dict(type=GraspCriterion),
        postprocess=dict(type=GraspPostprocess),
        refinement=REFINEMENT,
    )
    return GraspHead(**settings | changes)


def features(batch=2, size=32):
    torch.manual_seed(1)
    return GroundingFeatures(images=[], pixels=torch.randn(batch, 6, size, size), sentence=torch.randn(batch, 8))


def samples(batch=2, size=32):
    made = []
    for i in range(batch):
        sample = GroundingSample(
            metainfo=dict(img_shape=(size, size), ori_shape=(size, size), homography_matrix=np.eye(3))
        )
        mask = torch.zeros(1, size, size, dtype=torch.uint8)
        mask[:, 4:20, 4 : 4 + 12 * i] = 1  # the first has no pixel
        sample.gt_sem_seg = PixelData(sem_seg=mask)
        sample.gt_grasp_maps = PixelData(maps=torch.rand(4, size, size), painted=mask.bool())
        made.append(sample)
    return made


def test_both_stages_are_trained_and_named(awake, unlearned):
    head = make()
    losses = head.loss(features(), samples())
    assert set(losses) == {'loss_mask', 'loss_grasp', 'loss_coarse_mask', 'loss_coarse_grasp'}
    for name in ('mask', 'grasp'):  # refined maps start as the coarse ones
        assert losses[f'loss_coarse_{name}'].item() == pytest.approx(0.5 * losses[f'loss_{name}'].item(), rel=1e-6)
    sum(awake(head).loss(features(), samples()).values()).backward()
    assert unlearned(head) == []


def test_without_refinement_the_coarse_maps_are_final_and_have_one_loss():
    head = make(refinement=None)
    outputs = head(features())
    assert outputs['coarse_logits'] is None
    losses = head.loss(features(), samples())
    assert set(losses) == {'loss_mask', 'loss_grasp'}
    assert losses['loss_mask'].item() == pytest.approx(make().loss(features(), samples())['loss_mask'].item(), rel=1e-6)


def test_maps_smaller_than_the_input_are_compared_at_its_size():
    losses = make(refinement=None).loss(features(size=16), samples(size=32))
    assert all(loss.isfinite() for loss in losses.values())


@pytest.mark.parametrize('batch', [1, 2])
def test_every_sample_gets_a_mask_and_ranked_grasps(batch):
    answers = (
        make(postprocess=dict(type=GraspPostprocess, gate='off', num_grasps=3))
        .eval()
        .predict(features(batch), samples(batch))
    )
    assert len(answers) == batch
    for answer in answers:
        assert answer.pred_sem_seg.sem_seg.shape == (1, 32, 32)
        assert answer.pred_grasps.grasps.shape == (3, 5)
        assert answer.pred_grasps.grasps.isfinite().all()
        assert 0 <= answer.target_score <= 1


def test_a_missing_neck_is_named():
    with pytest.raises(ValueError, match="'pixels', which LanguageGuidedUpsampling"):
        make()(GroundingFeatures(images=[]))


def with_branch(**changes):
    return make(
        existence=dict(type=PooledExistenceBranch, in_channels=6, sentence_channels=8, channels=16),
        no_target_loss=dict(type=NoTargetLoss, loss_weight=1.0),
        **changes,
    )


def fused(batch=2, size=32):
    made = features(batch, size)
    return made.replace(images=[torch.randn(batch, 6, 8, 8, generator=torch.Generator().manual_seed(2))])


def test_a_branch_learns_whether_anything_is_meant(unlearned):
    head = with_branch(refinement=None)
    step = torch.optim.Adam(head.existence.parameters(), lr=0.01)
    for _ in range(60):
        losses = head.loss(fused(), samples())  # nothing is meant in the first
        step.zero_grad()
        losses['loss_no_target'].backward()
        step.step()
    assert unlearned(head.existence) == []
    assert losses['loss_no_target'] < 0.1
    nothing, something = head.eval().predict(fused(), samples())
    assert (nothing.pred_no_target, something.pred_no_target) == (True, False)
    assert something.target_score > 0.8


def test_a_branch_without_a_loss_is_refused():
    with pytest.raises(ValueError, match='existence and no_target_loss belong together'):
        make(no_target_loss=dict(type=NoTargetLoss))

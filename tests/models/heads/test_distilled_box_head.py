import pytest
import torch
from mmdet.models.task_modules.assigners import BBoxL1Cost, ClassificationCost, HungarianAssigner, IoUCost

from mmvg.models.features import GroundingFeatures
from mmvg.models.heads import DistilledBoxHead
from mmvg.models.losses import DetectionCriterion, GroundingTargets, SetMatcher, WeightBalancedDistillation
from mmvg.models.necks import DETRDecoder
from mmvg.models.postprocess import BoxPostprocess

COSTS = [
    dict(type=ClassificationCost, weight=1.0),
    dict(type=BBoxL1Cost, box_format='xywh', weight=5.0),
    dict(type=IoUCost, iou_mode='giou', weight=2.0),
]


@pytest.fixture
def make():
    def make(**changes):
        settings = dict(
            in_channels=8,
            decoder=dict(type=DETRDecoder, embed_dims=8, num_layers=2, num_heads=2, ffn_channels=16, dropout=0.0),
            matcher=dict(type=SetMatcher, assigner=dict(type=HungarianAssigner, match_costs=COSTS)),
            detection_loss=dict(type=DetectionCriterion, loss_weight=1.0, aux_loss_weighted=True),
            distillation=dict(type=WeightBalancedDistillation),
            postprocess=dict(type=BoxPostprocess),
        )
        torch.manual_seed(0)
        return DistilledBoxHead(**settings | changes)

    return make


def features_of(queries=3, **changes):
    torch.manual_seed(1)
    settings = dict(
        images=[torch.randn(2, 8, 4, 4, requires_grad=True)],
        queries=torch.randn(2, queries, 8, requires_grad=True),
        sentence=torch.randn(2, 8, requires_grad=True),
    )
    return GroundingFeatures(**settings | changes)


def test_in_training_both_branches_answer_and_later_the_chosen_one_alone(make):
    for branch, layers in (('token', 1), ('decoder', 2)):
        head = make(branch=branch)
        both = {name: tuple(value.shape) for name, value in head(features_of()).items()}
        assert both == dict(
            token_class_logits=(1, 2, 3, 2),
            token_boxes_cxcywh_norm=(1, 2, 3, 4),
            decoder_class_logits=(2, 2, 3, 2),
            decoder_boxes_cxcywh_norm=(2, 2, 3, 4),
        )
        one = head.eval()(features_of())
        assert {name: len(value) for name, value in one.items()} == {
            f'{branch}_class_logits': layers,
            f'{branch}_boxes_cxcywh_norm': layers,
        }


@torch.no_grad()
def test_the_token_branch_sees_the_sentence_and_not_the_map(make):
    head, given = make().eval(), features_of()
    outputs = head(given)
    other = head(features_of(images=[torch.zeros(2, 8, 4, 4)]))
    assert torch.equal(other['token_boxes_cxcywh_norm'], outputs['token_boxes_cxcywh_norm'])
    state = head.mlp(given.queries[1, 2] + given.sentence[1])
    torch.testing.assert_close(
        outputs['token_boxes_cxcywh_norm'][0, 1, 2], head.boxes['token'].regress(state).sigmoid()
    )


@torch.no_grad()
def test_predictions_are_those_of_the_last_layer_of_the_branch(make, make_sample):
    for branch in ('token', 'decoder'):
        head = make(branch=branch).eval()
        outputs = head(features_of())
        samples = head.predict(features_of(), [make_sample(1), make_sample(0)])
        scores = outputs[f'{branch}_class_logits'][-1].softmax(-1)[..., 0]
        assert torch.equal(torch.stack([sample.pred_instances.scores for sample in samples]), scores)


@pytest.mark.parametrize('queries', [1, 3])
@pytest.mark.parametrize('counts', [(0, 0), (1, 1), (0, 2), (5, 4)])
def test_any_number_of_targets_gives_finite_losses_and_a_gradient_to_every_parameter(
    make, make_sample, unlearned, queries, counts
):
    head, features = make(), features_of(queries)
    losses = head.loss(features, [make_sample(count) for count in counts])
    assert all(loss.isfinite() and loss.ndim == 0 for loss in losses.values())
    sum(loss for name, loss in losses.items() if 'loss' in name).backward()
    first = 'decoder.decoder.layers.0'
    silent = {f'{first}.self_attn.attn.in_proj_weight', f'{first}.self_attn.attn.out_proj.weight'}
    silent.add(f'{first}.norms.0.weight')  # among queries that start from zero
    others = set(unlearned(head)) - silent
    if queries == 1:  # a query alone attends to itself whatever it is like
        others = {name for name in others if 'self_attn' not in name}
    assert all(any(counts) or 'regress' in name for name in others), others


def test_losses_carry_the_documented_names(make, make_sample):
    losses = make().loss(features_of(), [make_sample(0), make_sample(2)])
    names = ('loss_cls', 'loss_bbox', 'loss_giou')
    prefixes = ('', 'd0.', 'token.', 'taught.')
    assert set(losses) == {f'{prefix}{name}' for prefix in prefixes for name in names} | {'teacher_trust'}


def test_without_distillation_the_decoder_learns_alone(make, make_sample):
    head = make(distillation=None, branch='decoder')
    losses = head.loss(features_of(), [make_sample(1), make_sample(2)])
    assert set(losses) == {
        f'{prefix}{name}' for prefix in ('', 'd0.') for name in ('loss_cls', 'loss_bbox', 'loss_giou')
    }
    taught = make(branch='decoder').loss(features_of(), [make_sample(1), make_sample(2)])
    for name, value in losses.items():
        torch.testing.assert_close(value, taught[name])


def test_pairs_that_are_found_at_once_are_those_that_are_found_one_by_one(make, make_sample):
    """The losses are those of three matchings, each on its own."""
    head, samples = make(), [make_sample(2), make_sample(1)]
    outputs = head(features_of())
    decoded = outputs['decoder_class_logits'], outputs['decoder_boxes_cxcywh_norm']
    token = outputs['token_class_logits'], outputs['token_boxes_cxcywh_norm']
    targets = GroundingTargets.from_samples(samples, torch.device('cpu'))
    by_decoder = head.matcher(*decoded, None, targets)
    taught, balance = head.distillation.teach(decoded[0][-1], decoded[1][-1], by_decoder, targets)
    expected = head.detection_loss(*decoded, by_decoder, targets)
    against = dict(token=(targets, 2 * (1 - balance)), taught=(taught, balance))
    for kind, (wanted, weight) in against.items():
        found = head.detection_loss(*token, head.matcher(*token, None, wanted), wanted)
        expected |= {f'{kind}.{name}': weight * value for name, value in found.items()}
    losses = head.loss(features_of(), samples)
    assert 0 < losses.pop('teacher_trust') < 1
    assert losses.keys() == expected.keys()
    for name, value in losses.items():
        torch.testing.assert_close(value, expected[name])


def test_gradient_descent_lets_both_branches_find_the_targets(make, make_sample):
    head, samples = make(), [make_sample(2), make_sample(0)]
    features = features_of()
    free = [features.queries, features.sentence, features.images[0]]
    optimizer = torch.optim.Adam([*head.parameters(), *free], lr=0.01)
    for _ in range(200):
        optimizer.zero_grad()
        losses = head.loss(features, samples)
        sum(loss for name, loss in losses.items() if 'loss' in name).backward()
        optimizer.step()
    assert losses['teacher_trust'] > 0.8  # the student has come to listen to its teacher
    for branch in ('token', 'decoder'):
        head.branch = branch
        two, none = head.eval().predict(features, [make_sample(2), make_sample(0)])
        assert none.pred_no_target
        found = two.pred_instances
        best = found.bboxes[found.scores > 0.7]
        assert len(best) == 2
        wanted = torch.tensor([[4.0, 0, 20, 12], [4, 6, 20, 18]])  # of 64 x 48 pixels
        assert (best[best[:, 1].argsort()] - wanted).abs().max() < 3


def test_what_cannot_be_is_refused(make):
    with pytest.raises(ValueError, match='needs a distillation'):
        make(distillation=None)
    with pytest.raises(ValueError, match='branch'):
        make(branch='student')
    with pytest.raises(ValueError, match='query generator'):
        make()(features_of(queries=3, **dict(images=[torch.zeros(2, 8, 4, 4)]) | {}).replace(queries=None))
    with pytest.raises(ValueError, match='sentence vector'):
        make()(features_of(sentence=None))

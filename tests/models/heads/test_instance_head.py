import pytest
import torch

from mmvg.models.features import GroundingFeatures
from mmvg.models.losses import DetectionCriterion, GroundingTargets, MaskCriterion


def features_of(queries=3, batch=2, layers=3, **changes):
    torch.manual_seed(1)
    settings = dict(
        images=[],
        query_states=torch.randn(layers, batch, queries, 8, requires_grad=True),
        references=torch.rand(batch, queries, 2) * 2,
        points=torch.rand(batch, queries, 2),
        attention=torch.rand(batch, 2, 2).requires_grad_(),
        pixels=torch.rand(batch, 8, 8, 8, requires_grad=True),
    )
    return GroundingFeatures(**settings | changes)


def test_outputs_have_the_documented_shapes(make_head):
    features = features_of()
    outputs = make_head()(features)
    shapes = {name: tuple(value.shape) for name, value in outputs.items()}
    assert shapes == dict(
        class_logits=(3, 2, 3, 2),
        boxes_cxcywh_norm=(3, 2, 3, 4),
        instance_mask_logits=(2, 3, 8, 8),
        global_mask_logits=(2, 1, 8, 8),
        no_target_logits=(2, 2),
        points=(2, 3, 2),
        attention=(2, 2, 2),
    )
    assert outputs['points'] is features.points
    assert outputs['attention'] is features.attention


def test_boxes_of_all_layers_start_from_the_reference_point(make_head):
    features = features_of(layers=2, references=torch.tensor([[[0.3, 0.6], [1.7, -0.2], [0.0, 1.0]]]), batch=1)
    head = make_head()
    boxes = head(features)['boxes_cxcywh_norm'].detach()
    t = head.boxes.regress(features.query_states).detach()
    for layer in range(2):
        for query, reference in enumerate([(0.3, 0.6), (0.999, 0.001), (0.001, 0.999)]):  # 1e-3 away from the ends
            for axis in range(2):
                p = torch.tensor(reference[axis])
                expected = torch.sigmoid(t[layer, 0, query, axis] + torch.log(p / (1 - p)))
                torch.testing.assert_close(boxes[layer, 0, query, axis], expected, atol=1e-5, rtol=0)
    torch.testing.assert_close(boxes[..., 2:], t[..., 2:].sigmoid())


def test_without_reference_points_boxes_are_those_of_detr(make_head):
    head, features = make_head(), features_of(references=None)
    torch.testing.assert_close(head(features)['boxes_cxcywh_norm'], head.boxes.regress(features.query_states).sigmoid())


def test_fresh_boxes_are_small(make_head):
    features = features_of(query_states=torch.zeros(1, 2, 3, 8))
    head = make_head()
    assert head.boxes.regress.layers[-1].bias[2:].tolist() == [-2.0, -2.0]
    assert head(features)['boxes_cxcywh_norm'][..., 2:].max() < 0.2


def test_instance_masks_are_dot_products_of_the_last_states_with_the_pixels(make_head):
    features = features_of()
    logits = make_head()(features)['instance_mask_logits']
    expected = (features.query_states[-1, 1, 2] * features.pixels[1, :, 3, 5]).sum()
    torch.testing.assert_close(logits[1, 2, 3, 5], expected)


def test_existence_is_the_mean_of_the_verdicts_of_all_pixels(make_head):
    head, features = make_head(), features_of()
    verdicts = torch.stack([head.existence.mlp(features.pixels[0, :, y, x]) for y in range(8) for x in range(8)])
    torch.testing.assert_close(head(features)['no_target_logits'][0], verdicts.mean(0))


@pytest.mark.parametrize('queries', [1, 3])
@pytest.mark.parametrize('counts', [(0, 0), (1, 1), (0, 2), (3, 3), (5, 4)])
def test_any_number_of_targets_gives_finite_losses_and_a_gradient_to_every_parameter(
    make_head, make_sample, unlearned, queries, counts
):
    head, features = make_head(), features_of(queries)
    losses = head.loss(features, [make_sample(count) for count in counts])
    assert all(loss.isfinite() and loss.ndim == 0 for loss in losses.values())
    sum(losses.values()).backward()
    assert all(any(counts) or name.startswith('boxes.regress') for name in unlearned(head))
    for name in ('query_states', 'attention', 'pixels'):
        assert getattr(features, name).grad.isfinite().all(), name


def test_losses_carry_the_documented_names(make_head, make_sample):
    losses = make_head().loss(features_of(), [make_sample(0), make_sample(2)])
    detection = {f'{p}loss_{n}' for p in ('', 'd0.', 'd1.') for n in ('cls', 'bbox', 'giou')}
    masks = {f'loss_mask_{n}_{k}' for n in ('global', 'pos', 'neg') for k in ('bce', 'dice')}
    assert set(losses) == detection | masks | {'loss_minimap_bce', 'loss_minimap_dice', 'loss_no_target'}


def test_the_masks_are_paired_by_the_last_layer_and_not_by_the_others(make_head, make_sample):
    head, features, samples = make_head(), features_of(), [make_sample(1), make_sample(2)]
    seen = {}
    head.mask_loss.register_forward_pre_hook(lambda _, args: seen.update(matching=args[3]))
    head.loss(features, samples)
    outputs = head(features)
    targets = GroundingTargets.from_samples(samples, torch.device('cpu'))
    last = head.matcher(
        outputs['class_logits'][-1:], outputs['boxes_cxcywh_norm'][-1:], outputs['points'], targets
    ).assigned[0]
    assert seen['matching'].positives().equal(last >= 0)
    assert seen['matching'].targets().equal(last[last >= 0])


def test_gradient_descent_on_the_losses_finds_the_targets(make_head, make_sample):
    """The only free things are the head, the states and the pixels: they can be fitted to two samples."""
    head, samples = make_head(), [make_sample(2), make_sample(0)]
    features = features_of(references=torch.full((2, 3, 2), 0.4))
    free = [features.query_states, features.pixels]
    optimizer = torch.optim.Adam([*head.parameters(), *free], lr=0.01)
    for _ in range(200):
        optimizer.zero_grad()
        sum(head.loss(features, samples).values()).backward()
        optimizer.step()
    with_targets, without = head.predict(
        features, [make_sample(2, ori_shape=(32, 32), homography_matrix=None), make_sample(0)]
    )
    assert not with_targets.pred_no_target
    assert without.pred_no_target
    found = with_targets.pred_instances[with_targets.pred_instances.scores > 0.7]
    assert len(found) == 2
    order = found.bboxes[:, 1].argsort()
    torch.testing.assert_close(found.bboxes[order].detach(), samples[0].gt_instances.bboxes, atol=1.5, rtol=0)


def test_half_precision_keeps_boxes_masks_and_losses_in_float32(make_head, make_sample):
    head, features = make_head(), features_of()
    with torch.autocast('cpu', dtype=torch.bfloat16):
        outputs = head(features)
        losses = head.loss(features, [make_sample(1), make_sample(0)])
    assert outputs['boxes_cxcywh_norm'].dtype == torch.float32
    assert outputs['instance_mask_logits'].dtype == torch.float32
    expected = (features.query_states[-1, 0, 0] * features.pixels[0, :, 2, 2]).sum()
    torch.testing.assert_close(outputs['instance_mask_logits'][0, 0, 2, 2], expected, rtol=1e-5, atol=1e-5)
    assert {loss.dtype for loss in losses.values()} == {torch.float32}


def test_ablated_losses_leave_no_parameter_without_gradient(make_head, make_sample, unlearned):
    head = make_head(
        detection_loss=dict(type=DetectionCriterion, loss_weight=0.0),
        mask_loss=dict(type=MaskCriterion, global_weight=0.0, positive_weight=0.0, negative_weight=0.0),
        minimap_loss=None,
    )
    losses = head.loss(features_of(attention=None), [make_sample(1), make_sample(2)])
    sum(losses.values()).backward()
    assert {
        name for name, p in head.named_parameters() if p.grad is None
    } == set()  # DistributedDataParallel would wait
    assert unlearned(head) == [name for name, _ in head.named_parameters() if not name.startswith('existence')]
    assert sum(losses.values()).item() == pytest.approx(losses['loss_no_target'].item())


@pytest.mark.parametrize(
    ('changes', 'message'),
    [
        (dict(query_states=None), "'query_states', which a query decoder"),
        (dict(pixels=None), "'pixels', which a pixel decoder"),
        (dict(attention=None), 'minimap_loss=None'),
    ],
)
def test_a_missing_neck_is_an_error_that_names_it(make_head, make_sample, changes, message):
    with pytest.raises(ValueError, match=message):
        make_head().loss(features_of(**changes), [make_sample(1), make_sample(0)])


def boxes_only(sample):
    del sample.gt_instances.masks
    del sample.gt_sem_seg
    sample.set_metainfo(dict(boxes_only=True))
    return sample


def test_images_with_boxes_only_teach_boxes_and_no_masks(make_head, make_sample, unlearned):
    head, features = make_head(), features_of()
    losses = head.loss(features, [boxes_only(make_sample(1)), boxes_only(make_sample(2))])
    about_masks = {name: loss.item() for name, loss in losses.items() if 'mask' in name or 'minimap' in name}
    assert len(about_masks) == 8
    assert not any(about_masks.values())
    assert losses['loss_bbox'] > 0
    sum(losses.values()).backward()
    assert all(name.startswith(('masks', 'boxes.regress')) for name in unlearned(head))


def test_masks_learn_from_those_images_of_a_batch_that_have_them(make_head, make_sample):
    head, samples = make_head(), [make_sample(1), make_sample(2)]
    features = features_of()
    whole = head.loss(features, samples)
    halves = features.replace(
        query_states=features.query_states[:, 1:],
        references=features.references[1:],
        points=features.points[1:],
        attention=features.attention[1:],
        pixels=features.pixels[1:],
    )
    second = head.loss(halves, samples[1:])
    mixed = head.loss(features, [boxes_only(samples[0]), samples[1]])
    for name in whole:
        same_as = second if 'mask' in name or 'minimap' in name else whole
        torch.testing.assert_close(mixed[name], same_as[name])


def test_a_loss_of_the_one_mask_alone_refuses_boxes(make_head, make_sample):
    head = make_head(mask_loss=dict(type='BinaryMaskLoss'))
    with pytest.raises(ValueError, match=r'BinaryMaskLoss learns from masks, but 1 of the 1 .*custom_data'):
        head.loss(features_of(batch=1), [boxes_only(make_sample(1))])

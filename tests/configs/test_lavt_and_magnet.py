"""Configs of LAVT and MagNet: every number of the recipe, and batches that fit the models.

LAVT's numbers are those of its public code, which MagNet keeps; MagNet's losses, decoder and ablations are the paper's.
"""

import pytest
import torch
from mmengine.optim import build_optim_wrapper
from mmengine.runner import Runner
from shipped_configs import build, on_drawn_data, read, size, step_with
from torch import nn

from mmvg.models.backbones import BertTextEncoder
from mmvg.models.fusions import CrossModalAlignmentFusion, PixelWordFusion
from mmvg.models.heads import MaskedQueryHead, PixelMaskHead

#: Data set and, for RefCOCOg, whose split.
DATASETS = {
    'refcoco': ('refcoco', None),
    'refcocoplus': ('refcoco+', None),
    'refcocog': ('refcocog', None),  # UMD's is the default
    'refcocog_google': ('refcocog', 'google'),
}
BIG = [f'{paper}/{name}.py' for paper in ('lavt', 'magnet') for name in DATASETS] + ['magnet/refcoco_mixed.py']
ABLATIONS = ['lavt/refcoco_224.py', 'magnet/refcoco_224.py', 'magnet/refcoco_224_cam.py']


@pytest.mark.parametrize('config', [*BIG, *ABLATIONS])
def test_images_and_sentences_are_prepared_as_in_lavt(config):
    cfg = read(config)
    side = 224 if config in ABLATIONS else 448 if 'mixed' in config else 480  # as their script for three data sets
    for loader, frame in ((cfg.train_dataloader, 'skip'), (cfg.val_dataloader, 'keep'), (cfg.test_dataloader, 'keep')):
        pipeline = loader.dataset.pipeline
        resize = step_with('scale', pipeline)
        assert (resize.scale, resize.keep_ratio) == ((side, side), False)
        assert step_with('max_length', pipeline).max_length == 20
        assert (step_with('reader', pipeline).reader, step_with('reader', pipeline).empty) == ('raw', frame)
        assert step_with('tokenizer', pipeline).tokenizer.vocab == 'data/weights/bert-base-uncased'
        assert not any('Flip' in str(step['type']) for step in pipeline)  # no augmentation at all
    normalisation = cfg.model.data_preprocessor
    assert normalisation.mean == [123.675, 116.28, 103.53]
    assert normalisation.std == [58.395, 57.12, 57.375]
    assert normalisation.bgr_to_rgb


@pytest.mark.parametrize('config', [*BIG, *ABLATIONS])
def test_batches_are_32_on_four_gpus_and_of_the_data_set_that_the_name_says(config):
    cfg = read(config)
    assert cfg.train_dataloader.batch_size == 8
    assert cfg.train_dataloader.drop_last
    assert cfg.train_dataloader.sampler.shuffle
    assert cfg.val_evaluator == cfg.test_evaluator
    assert [metric['type'].__name__ for metric in cfg.val_evaluator] == ['RESMetric']
    assert cfg.default_hooks.checkpoint.save_best == 'res/oIoU'
    name = config.split('/')[1].removesuffix('.py')
    dataset, split_by = DATASETS.get(name, ('refcoco', None))
    for loader in (cfg.val_dataloader, cfg.test_dataloader):
        assert (loader.dataset.dataset, loader.dataset.get('split_by')) == (dataset, split_by)
    train = cfg.train_dataloader.dataset
    if name == 'refcoco_mixed':
        assert train.leakage == 'drop'  # no image of any evaluation split
    else:
        assert (train.dataset, train.get('split_by'), train.split) == (dataset, split_by, 'train')
        assert train.sentence_mode == 'random'  # one of an object's sentences, drawn anew in every epoch


@pytest.mark.parametrize('config', [*BIG, *ABLATIONS])
def test_the_rate_starts_at_5e5_and_falls_polynomially_at_every_iteration(config):
    cfg = read(config)
    epochs, iterations = (10 if config in ABLATIONS else 40), 5
    assert cfg.train_cfg.max_epochs == epochs
    wrapper = build_optim_wrapper(nn.Linear(1, 1), cfg.optim_wrapper)
    assert type(wrapper.optimizer) is torch.optim.AdamW
    (schedule,) = cfg.param_scheduler
    assert schedule.pop('convert_to_iter_based')
    scheduler = schedule.pop('type').build_iter_from_epoch(wrapper, **schedule, epoch_length=iterations)
    total, rates = epochs * iterations, []
    for _ in range(total):
        rates.append(wrapper.optimizer.param_groups[0]['lr'])
        wrapper.optimizer.step()
        scheduler.step()
    assert rates == pytest.approx([5e-5 * (1 - step / (total - 1)) ** 0.9 for step in range(total)], rel=1e-6)


@pytest.mark.parametrize('config', ['lavt/refcoco.py', 'magnet/refcoco.py'])
def test_weights_decay_by_a_hundredth_but_for_norms_and_position_biases(config):
    cfg = read(config)
    model = build(config)
    wrapper = build_optim_wrapper(model, cfg.optim_wrapper)
    names = {id(p): name for name, p in model.named_parameters()}
    groups = [(names[id(p)], group) for group in wrapper.optimizer.param_groups for p in group['params']]
    assert {name for name, _ in groups} == set(names.values())  # BERT is trained whole, and nothing is frozen
    assert {group['lr'] for _, group in groups} == {5e-5}  # the decoder too
    for name, group in groups:
        free = 'norm' in name or 'relative_position_bias_table' in name
        assert group['weight_decay'] == (0 if free else 0.01), name
    assert any(name.endswith('relative_position_bias_table') for name, _ in groups)


@pytest.mark.parametrize('config', [*BIG, *ABLATIONS])
def test_magnet_clips_gradients_and_lavts_decoder_has_synchronised_statistics(config):
    cfg = read(config)
    plain = config.startswith('lavt') or config in ABLATIONS  # the decoder of LAVT
    assert cfg.optim_wrapper.get('clip_grad') == (None if plain else dict(max_norm=0.1))
    assert cfg.get('sync_bn') == ('torch' if plain else None)
    assert any(isinstance(module, nn.BatchNorm2d) for module in build(config).modules()) == plain


@pytest.mark.parametrize('config', [*BIG, *ABLATIONS])
def test_the_encoder_is_swin_b_of_window_12_with_bert(config):
    image = read(config).model.backbone.image
    assert (image.embed_dims, image.depths, image.num_heads) == (128, (2, 2, 18, 2), (4, 8, 16, 32))
    assert (image.window_size, image.drop_path_rate) == (12, 0.3)
    assert image.checkpoint == 'data/weights/swin_base_patch4_window12_384_22k.pth'
    backbone = build(config).backbone
    assert isinstance(backbone.text, BertTextEncoder)
    assert size(backbone.image) == pytest.approx(86.88e6, rel=1e-4)
    assert size(backbone.text) == pytest.approx(108.89e6, rel=1e-4)
    aligned = config.startswith('magnet') and config not in ABLATIONS[:2]
    assert type(backbone.fusion) is (CrossModalAlignmentFusion if aligned else PixelWordFusion)
    if aligned:
        assert read(config).model.backbone.fusion.scales == (1, 2, 3, 6)


@pytest.mark.parametrize('config', ['lavt/refcoco.py', 'lavt/refcoco_224.py', 'magnet/refcoco_224.py'])
def test_lavt_learns_two_classes_with_weights_and_no_dice(config):
    head = read(config).model.head
    assert head.type is PixelMaskHead
    assert head.num_logits == 2
    assert (head.mask_loss.class_weights, head.mask_loss.dice_weight) == ((0.9, 1.1), 0.0)
    assert head.mask_loss.get('bce_weight', 1.0) == 1.0
    assert read(config).model.neck.decoder.channels == 512
    assert read(config).model.head.postprocess.mask_thr == 0.5


@pytest.mark.parametrize('config', [config for config in BIG if config.startswith('magnet')])
def test_magnet_weighs_its_losses_and_layers_as_the_paper(config):
    cfg, model = read(config), build(config)
    assert cfg.model.head.type is MaskedQueryHead
    assert (cfg.model.head.mask_loss.bce_weight, cfg.model.head.mask_loss.dice_weight) == (2.0, 2.0)
    assert (cfg.model.neck.decoder.channels, cfg.model.head.in_channels) == (256, 256)
    assert cfg.model.head.postprocess.mask_thr == 0.5
    grounding, alignment = model.aux_heads.grounding, model.aux_heads.alignment
    assert (alignment.pixel_weight, alignment.text_weight) == (0.5, 0.5)
    assert (grounding.mask_rate, grounding.replace_rate, grounding.mask_id) == (0.15, 0.9, 103)
    assert (grounding.loss_weight, grounding.mask_code) == (1.0, 'center')
    assert (cfg.model.aux_heads.grounding.vocab_size, cfg.model.aux_heads.grounding.embed_channels) == (30522, 768)
    assert size(grounding) == pytest.approx(7.1e6, rel=0.01)  # eight layers of width 256


@pytest.mark.parametrize('config', ['lavt/refcocog_google.py', 'magnet/refcoco_mixed.py', 'magnet/refcoco_224.py'])
def test_loaders_give_batches_that_fit_the_model(config, refshapes_tiny):
    cfg = on_drawn_data(read(config), refshapes_tiny, batch_size=2)
    side = cfg.size
    for loader, frame in ((cfg.train_dataloader, 'input'), (cfg.val_dataloader, 'original')):
        loader.dataset.pop('split_by', None)  # RefShapes is split in one way
        batch = next(iter(Runner.build_dataloader(loader, seed=0)))
        assert [tuple(image.shape) for image in batch['inputs']] == [(3, side, side)] * 2
        assert {(sample.gt_frame, len(sample.input_ids)) for sample in batch['data_samples']} == {(frame, 20)}


RELEASED = ['lavt/refcoco_released.py', 'magnet/refcoco_released.py']
#: Data with none or several targets: whose metric, and what tells that nothing is meant.
GENERALIZED = {
    'lavt/grefcoco.py': ('GRESMetric', 'mask'),
    'lavt/refzom.py': ('RefZOMMetric', 'mask'),
    'lavt/rrefcoco.py': ('RRefMetric', 'mask'),
    'lavt/rrefcoco_existence.py': ('RRefMetric', 'flag'),
}


@pytest.mark.parametrize('config', [*BIG, *RELEASED])
def test_released_weights_are_scored_on_pictures_resized_by_pil_and_masks_by_its_rule(config):
    cfg = read(config)
    for loader in (cfg.val_dataloader, cfg.test_dataloader):
        pipeline = loader.dataset.pipeline
        released = config in RELEASED
        assert step_with('scale', pipeline).get('backend', 'cv2') == ('pillow' if released else 'cv2')
        truth = step_with('mask_rule', pipeline)
        assert (truth.frame, truth.mask_rule) == ('input' if released else 'original', 'center')
    assert cfg.test_evaluator[0].resolution == cfg.model.head.postprocess.frame == truth.frame


@pytest.mark.parametrize('config', GENERALIZED)
def test_lavt_on_data_without_targets_is_trained_as_on_refcoco(config):
    cfg, plain = read(config), read('lavt/refcoco.py')
    metric, told_by = GENERALIZED[config]
    (evaluator,) = cfg.test_evaluator
    assert (evaluator.type.__name__, evaluator.get('no_target_from', 'mask')) == (metric, told_by)
    for loader in (cfg.train_dataloader, cfg.val_dataloader, cfg.test_dataloader):
        pipeline = loader.dataset.pipeline
        assert step_with('scale', pipeline).scale == (480, 480)
        assert (step_with('max_length', pipeline).max_length, step_with('reader', pipeline).reader) == (20, 'raw')
    assert (cfg.train_dataloader.batch_size, cfg.sync_bn) == (8, 'torch')
    assert (cfg.optim_wrapper, cfg.param_scheduler) == (plain.optim_wrapper, plain.param_scheduler)
    head = cfg.model.head
    assert (head.get('no_target_loss') is not None, head.postprocess.get('score_thr', 0.0)) == (
        ('existence' in config),
        0.5 if 'existence' in config else 0.0,
    )


def test_rows_of_the_papers_are_options_of_the_same_model():
    assert {build('lavt/refcoco_mha.py').backbone.fusion.attention[i].num_heads for i in range(4)} == {4}
    assert size(build('lavt/refcoco_mha.py')) == size(build('lavt/refcoco.py'))
    loss = build('lavt/refcoco_dice.py').head.mask_loss
    assert (loss.bce_weight, loss.dice_weight, loss.dice_classes) == (0.0, 1.0, 2)
    frozen = build('lavt/refcoco.py', 'model.backbone.text.frozen_layers=2').backbone.text.bert
    kept = {name.split('.')[2] for name, p in frozen.named_parameters() if not p.requires_grad and 'layer.' in name}
    assert kept == {'10', '11'}
    heads = build('magnet/refcoco_224_masked_vlm.py').aux_heads
    assert sorted(heads) == ['grounding', 'patches']
    assert heads.grounding.inputs == ('text', 'image')
    assert heads.patches.patch_size == 32

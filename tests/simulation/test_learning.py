"""The configs of RefScenes read what the data command writes, and learn from it."""

import pytest
import torch
from mmengine.runner import Runner
from shipped_configs import on_drawn_data, read

from mmvg.registry import METRICS, MODELS

NARROW = 'channels=8 sentence_channels=8 map_channels=4 top_channels=8 model.head.refinement.widths=(4,4,8,8)'
NARROW += ' model.neck.fusion.num_heads=2 model.neck.fusion.ffn_channels=16 model.backbone.image_blocks=(0,0,1)'


@pytest.mark.parametrize(('config', 'folder'), [('refscenes', 'ocid_vlg'), ('refscenes_generalized', 'jsonl')])
def test_losses_are_finite_and_answers_are_scored(config, folder, refscenes):
    cfg = on_drawn_data(read(f'lggd/{config}.py', NARROW), refscenes[0], batch_size=8, folder=folder)
    torch.manual_seed(0)
    model = MODELS.build(cfg.model)
    batch = next(iter(Runner.build_dataloader(cfg.train_dataloader, seed=0)))
    assert batch['inputs'][0].shape == ((3, 144, 192) if folder == 'jsonl' else (3, 96, 128))
    losses = model(**model.data_preprocessor(batch, training=True), mode='loss')
    assert all(torch.as_tensor(value).isfinite().all() for value in losses.values())
    if folder == 'jsonl':
        assert {bool(sample.no_target) for sample in batch['data_samples']} == {False, True}
    model.eval()
    metrics = [METRICS.build(metric) for metric in cfg.val_evaluator]
    batch = next(iter(Runner.build_dataloader(cfg.val_dataloader, seed=0)))
    with torch.no_grad():
        answers = model(**model.data_preprocessor(batch, training=False), mode='predict')
    for metric in metrics:
        metric.process({}, [answer.to_dict() for answer in answers])
    scores = {key: value for metric in metrics for key, value in metric.evaluate(size=len(answers)).items()}
    assert 'grasp/J@1_strict' in scores
    assert ('gres/N-acc' in scores) == (folder == 'jsonl')

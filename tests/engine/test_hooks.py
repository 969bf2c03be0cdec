import json
from types import SimpleNamespace

import mmcv
import numpy as np
import pytest
import torch
from mmengine.logging import MMLogger
from mmengine.structures import InstanceData, PixelData
from mmengine.visualization import Visualizer

from mmvg.engine.hooks import GroundingVisualizationHook, PredictionDumpHook
from mmvg.structures import Answer, GroundingSample
from mmvg.visualization import GroundingVisualizer

RED = (220, 20, 30)  # RGB


@pytest.fixture
def image_file(tmp_path):
    file = tmp_path / 'red.png'
    mmcv.imwrite(np.full((20, 30, 3), RED[::-1], np.uint8), str(file))  # BGR
    return str(file)


def answered(sent_id, image_file='', num_queries=2):
    sample = GroundingSample(
        metainfo=dict(dataset='toy', img_id=5, ref_id=6, sent_id=sent_id, img_path=image_file, pred_frame='original')
    )
    sample.text = 'the red wall'
    sample.no_target = False
    sample.gt_instances = InstanceData(bboxes=torch.tensor([[1.0, 2.0, 11.0, 17.0]]))
    masks = torch.zeros(num_queries, 20, 30, dtype=torch.bool)
    masks[:, 2:17, 1:11] = True
    sample.pred_instances = InstanceData(
        bboxes=torch.tensor([[1.0, 2.0, 11.0, 17.0]]).repeat(num_queries, 1),
        scores=torch.linspace(0.25, 0.75, num_queries),
        masks=masks,
        points=torch.full((num_queries, 2), 4.5),
    )
    sample.pred_sem_seg = PixelData(sem_seg=torch.ones(1, 20, 30, dtype=torch.bool))
    sample.pred_no_target = False
    sample.target_score = 0.75
    return sample


def runner_for(folder, total, visualizer=None):
    loader = SimpleNamespace(dataset=range(total))
    return SimpleNamespace(
        work_dir=str(folder),
        val_dataloader=loader,
        test_dataloader=loader,
        visualizer=visualizer or GroundingVisualizer(panel_size=100),
        message_hub=SimpleNamespace(runtime_info=dict(iter=40)),
        logger=MMLogger.get_instance('test_hooks'),
        cfg=SimpleNamespace(filename='toy.py'),
    )


def run(hook, runner, split, samples, batch_size=2):
    getattr(hook, f'before_{split}_epoch')(runner)
    for start in range(0, len(samples), batch_size):
        getattr(hook, f'after_{split}_iter')(runner, start, outputs=samples[start : start + batch_size])
    getattr(hook, f'after_{split}_epoch')(runner, metrics={'toy/score': 12.5})


@pytest.mark.parametrize('split', ['val', 'test'])
def test_samples_are_spread_evenly_and_drawn_with_a_sheet(split, tmp_path, image_file):
    hook = GroundingVisualizationHook(num_samples=3)
    run(hook, runner_for(tmp_path, 9), split, [answered(index, image_file) for index in range(9)])
    assert {file.name for file in (tmp_path / 'show' / split).iterdir()} == {f'toy_5_6_{i}.png' for i in (0, 4, 8)}
    sheet = mmcv.imread(tmp_path / 'show/predictions.png', channel_order='rgb')
    assert (sheet == np.array(RED)).all(-1).mean() > 0.1  # red is not blue


def test_a_split_with_fewer_samples_is_drawn_whole_and_the_next_run_begins_anew(tmp_path, image_file):
    hook = GroundingVisualizationHook(num_samples=10, out_dir=str(tmp_path / 'there'))
    runner = runner_for(tmp_path, 3)
    for _ in range(2):
        run(hook, runner, 'val', [answered(index, image_file) for index in range(3)])
        assert len(list((tmp_path / 'there/val').iterdir())) == 3
    assert not (tmp_path / 'show').exists()


def test_backends_keep_the_sheet_of_each_iteration(tmp_path, image_file):
    visualizer = GroundingVisualizer(
        name='hooked', panel_size=80, vis_backends=[dict(type='LocalVisBackend')], save_dir=str(tmp_path)
    )
    run(GroundingVisualizationHook(), runner_for(tmp_path, 1, visualizer), 'val', [answered(0, image_file)])
    assert (tmp_path / 'vis_data/vis_image/predictions_40.png').is_file()


def test_it_draws_without_a_grounding_visualizer_too(tmp_path, image_file):
    run(GroundingVisualizationHook(), runner_for(tmp_path, 1, Visualizer()), 'val', [answered(0, image_file)])
    assert (tmp_path / 'show/predictions.png').is_file()


def test_all_records_are_written_with_the_metrics(tmp_path):
    file = tmp_path / 'folder/answers.json'
    run(PredictionDumpHook(str(file)), runner_for(tmp_path, 5), 'test', [answered(index) for index in range(5)])
    content = json.loads(file.read_text())
    assert (content['version'], content['config']) == (2, 'toy.py')
    assert content['metrics'] == {'toy/score': 12.5}
    assert [record['sent_id'] for record in content['predictions']] == [0, 1, 2, 3, 4]
    assert content['predictions'][0] == Answer.from_sample(answered(0)).to_record(whole=True)


def test_wrong_arguments_are_refused():
    with pytest.raises(ValueError, match=r'answers\.pkl.*json'):
        PredictionDumpHook('answers.pkl')
    with pytest.raises(ValueError, match='num_samples'):
        GroundingVisualizationHook(num_samples=0)

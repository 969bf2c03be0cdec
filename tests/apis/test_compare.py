"""Files of answers of two constructed models, compared on RefShapes with pictures."""

import base64
import csv
import io
import json
from html import unescape

import numpy as np
import pytest
from mmengine.config import Config
from mmengine.registry import init_default_scope
from PIL import Image

from mmvg.apis import compare as api
from mmvg.apis.compare import pictures_of_answers, table_of_answers
from mmvg.apis.rescore import PredictionError, score_predictions
from mmvg.cli import main
from mmvg.evaluation.functional.expression_kinds import DATA_KINDS
from mmvg.masks import decode_mask, polygons_to_rle
from mmvg.registry import DATASETS
from mmvg.scoring import write_per_sample
from mmvg.structures import ANSWER_VERSION, Candidates

METRICS = [
    dict(type='GRECMetric', score_thr=0.5),
    dict(type='GRESMetric'),
]


@pytest.fixture(scope='module')
def cfg(refshapes_tiny):
    init_default_scope('mmvg')
    dataset = dict(
        type='GRefCOCODataset',
        split='val',
        data_root=str(refshapes_tiny),
        pipeline=[
            dict(type='LoadImage'),
            dict(type='Letterbox', size=(64, 64), pad_value=127),
            dict(type='LoadGroundingAnnotations'),
        ],
    )
    loader = dict(dataset=dataset)
    return Config(dict(test_dataloader=loader, test_evaluator=METRICS, default_scope='mmvg'))


def write_answers(cfg, path, weak_at):
    """Answer everything right, but for expressions of one kind, whose boxes and masks are those of a corner."""
    dataset = DATASETS.build({**cfg.test_dataloader.dataset, 'pipeline': []})
    records = []
    for index in range(len(dataset)):
        item = dataset.get_data_info(index)
        sentence, size = item['sentences'][0], (item['height'], item['width'])
        masks = [decode_mask(polygons_to_rle(instance['mask'], *size)) for instance in item['instances']]
        boxes = [instance['bbox'] for instance in item['instances']]
        if DATA_KINDS.get(sentence['kind'], sentence['kind']) == weak_at:
            boxes = [[0.0, 0.0, 8.0, 8.0]] * len(boxes)
            masks = [mask & False for mask in masks]
        records.append(_record(item, sentence, size, boxes, masks))
    path.write_text(json.dumps(dict(version=ANSWER_VERSION, predictions=records)))
    return path


def _record(item, sentence, size, boxes, masks):
    made = Candidates(
        boxes=np.array(boxes, dtype=np.float32).reshape(-1, 4),
        scores=np.full(len(boxes), 0.9, dtype=np.float32),
        masks=np.array(masks, dtype=bool).reshape(-1, *size),
        mask_output='instance',
        target_score=0.9 if boxes else 0.1,
    )
    if not len(masks):
        made.global_mask, made.mask_output = np.zeros(size, bool), 'global'
    ids = dict(dataset=item['dataset'], img_id=item['img_id'], ref_id=item['ref_id'], sent_id=sentence['sent_id'])
    return made.at(0.5, size=size, expression=sentence['text'], ids=ids).to_record(whole=True)


@pytest.fixture(scope='module')
def files(cfg, tmp_path_factory):
    folder = tmp_path_factory.mktemp('answers')
    return [
        write_answers(cfg, folder / 'blind.json', 'relation'),
        write_answers(cfg, folder / 'rowless.json', 'place'),
    ]


def test_the_table_adds_up_to_the_scores_of_the_file(cfg, files):
    table = table_of_answers(cfg, files[0], 'A')
    scores = score_predictions(cfg, files[0])
    table_with_scores = type(table)(table.name, table.rows, table.about | dict(scores=scores))
    table_with_scores.check_sums(files[0])
    assert {name for row in table.rows for name in row.parts} >= {'grec/F1', 'gres/gIoU', 'gres/cIoU', 'grec/N-acc'}
    assert len(table.rows) == scores['grec/num_samples']
    assert table.about['protocol']['grec/score'] == '>= 0.5'
    assert 0 < max(row.area for row in table.rows) < 1
    assert {row.facts['kind'] for row in table.rows} > {'relation', 'place'}
    assert min(row.targets for row in table.rows) == 0


def test_the_models_differ_where_they_were_made_to(cfg, files, tmp_path, capsys, monkeypatch):
    monkeypatch.setattr('mmvg.apis.load_config', lambda *_: cfg)
    arguments = [*map(str, files), '--data', 'x.py', '--out-dir', str(tmp_path), '--resamples', '300', '--num', '6']
    main(['compare', *arguments, '--names', 'A model,B model'])
    printed = capsys.readouterr().out
    groups = {(row['by'], row['group']): row for row in csv.DictReader((tmp_path / 'groups.csv').open(newline=''))}
    relation, place = groups['kind', 'relation'], groups['kind', 'place']
    assert int(relation['B wins']) == int(relation['expressions']) > 1
    assert int(place['B loses']) == int(place['expressions']) > 1
    assert float(groups['targets', 'none']['B - A']) == 0
    page = (tmp_path / 'index.html').read_text()
    pictures = page.count('src="data:image/jpeg;base64,')
    assert pictures == 3 * 6
    assert 'A model' in page
    assert 'scores.csv' in printed
    assert 'kind=relation' in printed
    source = unescape(page.split('src="data:image/jpeg;base64,')[1].split('"')[0])
    assert max(Image.open(io.BytesIO(base64.b64decode(source))).size) == 384


def test_pictures_stop_where_the_page_would_grow_too_large(cfg, files, monkeypatch):
    keys = [row.key for row in table_of_answers(cfg, files[0]).rows[:5]]
    drawn = pictures_of_answers(cfg, files, keys)
    assert list(drawn) == keys
    size = sum(len(panel) for panel in drawn[keys[0]])
    monkeypatch.setattr(api, 'MAX_BYTES', size)
    assert list(pictures_of_answers(cfg, files, keys)) == keys[:1]


def test_answers_of_other_data_are_an_error(cfg, files, tmp_path):
    content = json.loads(files[0].read_text())
    content['predictions'] = content['predictions'][:-1]
    (tmp_path / 'short.json').write_text(json.dumps(content))
    with pytest.raises(PredictionError, match='no answer to'):
        table_of_answers(cfg, tmp_path / 'short.json')


def test_a_metric_in_another_one_counts_by_itself(cfg, files):
    nested = Config(cfg.to_dict() | dict(test_evaluator=[dict(type='ByGroup', metric=dict(type='GRESMetric'))]))
    assert 'gres/gIoU' in table_of_answers(nested, files[0]).rows[0].parts


def test_a_file_of_answers_needs_to_know_what_it_answers(files, capsys):
    with pytest.raises(SystemExit) as ended:
        main(['compare', *map(str, files)])
    assert ended.value.code == 2
    assert '--data CONFIG' in capsys.readouterr().err


def test_tables_are_known_by_their_content(cfg, files, tmp_path, capsys):
    rows = table_of_answers(cfg, files[0]).rows
    for name in ('a.json', 'b.json'):
        write_per_sample(tmp_path / name, dict(protocol=dict(name='gres')), rows)
    main(['compare', str(tmp_path / 'a.json'), str(tmp_path / 'b.json'), '--resamples', '100'])
    assert 'too few images (8) to tell a difference between a and b' in capsys.readouterr().out


def test_options_of_a_config_need_one(files, capsys):
    with pytest.raises(SystemExit) as ended:
        main(['compare', *map(str, files), '--cfg-options', 'a=1'])
    assert ended.value.code == 2
    assert 'of no effect without --data CONFIG' in ' '.join(capsys.readouterr().err.replace('│', ' ').split())


def test_files_that_are_not_there_are_named(tmp_path, capsys):
    with pytest.raises(SystemExit) as ended:
        main(['compare', str(tmp_path / 'a.jsonl'), str(tmp_path / 'b.jsonl')])
    assert ended.value.code == 2
    assert 'a.jsonl' in capsys.readouterr().err

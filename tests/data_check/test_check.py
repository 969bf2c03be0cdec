"""The data check on sound data, and on data with one seeded corruption of each kind."""

import json
import pickle
import runpy
import shutil
import sys
from pathlib import Path

import numpy as np
import pytest
from mmengine.config import Config
from mmengine.dataset import BaseDataset
from PIL import Image

from mmvg.data_check import FindingReport, check_config_data, check_folder, compare_with_released
from mmvg.datasets.readers import pack_pictures

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope='module')
def sound(refshapes_tiny):
    return refshapes_tiny


@pytest.fixture
def copy(sound, tmp_path):
    """A copy with links to the images, and the content of one data set in it."""

    class Copy:
        root = tmp_path / 'data'

        def __init__(self):
            self.root.mkdir()
            (self.root / 'images').symlink_to(sound / 'images')

        def load(self, name, refs_file):
            shutil.copytree(sound / name, self.root / name)
            self.instances_file, self.refs_file = self.root / name / 'instances.json', self.root / name / refs_file
            self.instances = json.loads(self.instances_file.read_text())
            content = self.refs_file.read_bytes()
            self.refs = pickle.loads(content) if self.refs_file.suffix == '.p' else json.loads(content)
            for other in self.refs_file.parent.glob('*refs(*'):
                if other != self.refs_file:
                    other.unlink()
            return self

        def save(self):
            self.instances_file.write_text(json.dumps(self.instances))
            if self.refs_file.suffix == '.p':
                self.refs_file.write_bytes(pickle.dumps(self.refs, 2))
            else:
                self.refs_file.write_text(json.dumps(self.refs))

        def own_image(self, image):
            """The file of an image, which may be changed."""
            images = self.root / 'images'
            if images.is_symlink():
                images.unlink()
                shutil.copytree(sound / 'images', images)
            return next(images.rglob(image['file_name']))

    return Copy()


def test_sound_data_gives_no_errors(sound):
    result = check_folder(sound)
    assert result.report.errors == []
    checked = {row[0] for row in result.counts}
    assert {'refcoco', 'refcoco+', 'refcocog', 'grefcoco', 'ref-zom', 'rrefcoco', 'phrasecut'} <= checked
    rows = {(row[0], row[1], row[2]): row[3:] for row in result.counts}
    refs = [ref for ref in json.loads((sound / 'grefcoco/grefs(unc).json').read_text()) if ref['split'] == 'val']
    sentences = [ref['no_target'] for ref in refs for _ in ref['sentences']]
    images = {ref['image_id'] for ref in refs}
    assert rows['grefcoco', 'grefs(unc).json', 'val'] == (len(refs), len(sentences), sum(sentences), len(images))


REFCOCO, GREFCOCO, ZOM, RREF = (
    ('refcoco', 'refs(unc).p'),
    ('grefcoco', 'grefs(unc).json'),
    ('ref-zom', 'refs(final).p'),
    ('rrefcoco', 'refs(unc).p'),
)
CORRUPTIONS = {}


def corruption(*data, problem):
    """Register a function of (copy, record drawn at random) that does damage and returns what the finding names."""

    def register(function):
        for where in data:
            CORRUPTIONS[f'{function.__name__}-{where[0]}'] = (where, function, problem)
        return function

    return register


def picked(copy, rng, kind):
    if kind == 'ref':
        usable = [
            ref for ref in copy.refs if ref['sentences'] and ref['ann_id'] != [-1] and ref.get('source') != 'zero'
        ]
        return usable[rng.integers(len(usable))]
    records = copy.instances[f'{kind}s']
    return records[rng.integers(len(records))]


def set_field(name, kind, key, value, problem, *data):
    """A corruption that sets one field of a record."""

    def corrupt(copy, rng):
        record = picked(copy, rng, kind)
        name_of = f'{"ref_" if kind == "ref" else ""}id {record["ref_id" if kind == "ref" else "id"]}'
        record[key] = value(record) if callable(value) else value
        return name_of if key not in ('id', 'ref_id') else ''

    corrupt.__name__ = name
    corruption(*data, problem=problem)(corrupt)


def drop_field(name, kind, key, problem, *data):
    """A corruption that removes one field of a record."""

    def corrupt(copy, rng):
        picked(copy, rng, kind).pop(key)
        return ''

    corrupt.__name__ = name
    corruption(*data, problem=problem)(corrupt)


def sentence_field(name, key, value, problem, *data):
    def corrupt(copy, rng):
        ref = picked(copy, rng, 'ref')
        ref['sentences'][rng.integers(len(ref['sentences']))][key] = value
        return f'ref_id {ref["ref_id"]}'

    corrupt.__name__ = name
    corruption(*data, problem=problem)(corrupt)


NAN, INF = float('nan'), float('inf')
set_field(
    'nan_in_a_polygon', 'annotation', 'segmentation', [[1, 1, 5, NAN, 5, 5]], 'damaged polygon', REFCOCO, GREFCOCO
)
set_field('infinity_in_a_polygon', 'annotation', 'segmentation', [[1, 1, 5, INF, 5, 5]], 'damaged polygon', REFCOCO)
set_field('short_polygon', 'annotation', 'segmentation', [[1, 1, 5, 5]], 'damaged polygon', REFCOCO)
set_field('odd_polygon', 'annotation', 'segmentation', [[1, 1, 5, 1, 5, 5, 2]], 'damaged polygon', REFCOCO)
set_field('huge_polygon', 'annotation', 'segmentation', [[1, 1, 1e7, 1, 5, 5]], 'damaged polygon', REFCOCO)
set_field('polygon_outside', 'annotation', 'segmentation', [[300, 300, 310, 300, 310, 310]], 'mask without a', REFCOCO)
set_field('no_polygon', 'annotation', 'segmentation', [], 'empty segmentation', REFCOCO)
set_field('empty_polygon', 'annotation', 'segmentation', [[]], 'damaged polygon', REFCOCO)
set_field('null_segmentation', 'annotation', 'segmentation', None, 'empty segmentation', GREFCOCO)
set_field('rle_of_another_size', 'annotation', 'segmentation', dict(size=[3, 3], counts=[9]), 'damaged RLE', REFCOCO)
set_field('rle_too_short', 'annotation', 'segmentation', dict(size=[120, 160], counts=[5, 5]), 'damaged RLE', GREFCOCO)
set_field(
    'rle_of_foreign_letters', 'annotation', 'segmentation', dict(size=[1, 1], counts='\x01'), 'damaged RLE', REFCOCO
)
set_field('box_without_width', 'annotation', 'bbox', [5, 5, 0, 9], 'box without area', REFCOCO)
set_field('negative_box', 'annotation', 'bbox', [50, 50, -9, 9], 'box without area', REFCOCO)
set_field('box_outside', 'annotation', 'bbox', [900, 900, 9, 9], 'box without area', GREFCOCO)
set_field('null_box', 'annotation', 'bbox', None, 'bbox that is not', REFCOCO)
set_field('nan_box', 'annotation', 'bbox', [1, NAN, 2, 2], 'bbox that is not', REFCOCO)
set_field('three_numbers', 'annotation', 'bbox', [1, 2, 3], 'bbox that is not', REFCOCO)
set_field('crowd_of_two', 'annotation', 'iscrowd', 2, 'iscrowd that is', REFCOCO)
set_field('unknown_category', 'annotation', 'category_id', 999, 'category_id that is not in', REFCOCO)
set_field('nan_area', 'annotation', 'area', NAN, 'area that is not', REFCOCO)
set_field('annotation_id_as_text', 'annotation', 'id', lambda r: str(r['id']), 'id not written', REFCOCO)
set_field('annotation_in_unknown_image', 'annotation', 'image_id', 10**9, 'image_id that is not in', REFCOCO)
set_field('image_without_height', 'image', 'height', None, 'image without a size', REFCOCO, GREFCOCO)
set_field('image_without_name', 'image', 'file_name', '', 'image without a file_name', REFCOCO)
set_field('image_of_another_size', 'image', 'width', lambda r: r['width'] + 1, 'image of another size', REFCOCO)
set_field('image_not_there', 'image', 'file_name', 'gone.jpg', 'missing image file', REFCOCO)
drop_field('image_without_id', 'image', 'id', 'image without id', REFCOCO)
drop_field('annotation_without_id', 'annotation', 'id', 'annotation without id', REFCOCO)
set_field('ref_in_unknown_image', 'ref', 'image_id', 10**9, 'image_id that is not in', REFCOCO, GREFCOCO)
set_field('ref_to_unknown_annotation', 'ref', 'ann_id', 10**9, 'annotation that does not exist', REFCOCO)
set_field('grefs_to_unknown_annotation', 'ref', 'ann_id', [10**9], 'annotation that does not exist', GREFCOCO)
set_field('ref_id_as_text', 'ref', 'ref_id', lambda r: str(r['ref_id']), 'id not written', REFCOCO)
set_field('ref_id_of_a_word', 'ref', 'ref_id', 'seven', 'id that is not a number', REFCOCO)
set_field(
    'several_targets', 'ref', 'ann_id', lambda r: [r['ann_id'], r['ann_id']], 'ref that has not exactly', REFCOCO, RREF
)
set_field('none_beside_targets', 'ref', 'ann_id', lambda r: [*r['ann_id'], -1], '-1 beside real ids', GREFCOCO)
set_field('contradicting_flag', 'ref', 'no_target', True, 'no_target that contradicts', GREFCOCO)
set_field('short_categories', 'ref', 'category_id', [], 'category_id that is not as long', GREFCOCO)
set_field('unknown_split', 'ref', 'split', 'valid', 'split that is not one of', REFCOCO, GREFCOCO, ZOM)
set_field('sentences_of_text', 'ref', 'sentences', 'the mug', 'sentences that are not', REFCOCO)
set_field('other_sent_ids', 'ref', 'sent_ids', [1], 'sent_ids that differ', REFCOCO)
set_field('source_of_a_number', 'ref', 'source', 1, 'source that is not', ZOM)
drop_field('ref_without_annotation', 'ref', 'ann_id', 'ref without ann_id', REFCOCO)
drop_field('ref_without_image', 'ref', 'image_id', 'ref without image_id', GREFCOCO)
sentence_field('empty_expression', 'sent', ' ', 'expression without a word', REFCOCO)
sentence_field('punctuation_only', 'raw', '...!', 'expression without a word', GREFCOCO)
sentence_field('expression_of_a_number', 'raw', 7, 'expression that is not a string', REFCOCO)
sentence_field('exist_of_text', 'exist', 'yes', 'exist that is neither', RREF)


@corruption(REFCOCO, GREFCOCO, problem='duplicate ref_id')
def two_refs_with_one_id(copy, rng):
    copy.refs.append(dict(picked(copy, rng, 'ref'), sentences=[], sent_ids=[]))
    return f'ref_id {copy.refs[-1]["ref_id"]}'


@corruption(REFCOCO, problem='duplicate sent_id')
def two_sentences_with_one_id(copy, rng):
    first, second = copy.refs[0], copy.refs[-1]
    second['sentences'][0]['sent_id'] = second['sent_ids'][0] = first['sentences'][0]['sent_id']
    return f'ref_id {second["ref_id"]}'


@corruption(REFCOCO, problem='duplicate image id')
def two_images_with_one_id(copy, rng):
    copy.instances['images'].append(dict(picked(copy, rng, 'image'), width=7))
    return f'image id {copy.instances["images"][-1]["id"]}'


@corruption(REFCOCO, problem='duplicate annotation id')
def two_annotations_with_one_id(copy, rng):
    copy.instances['annotations'].append(dict(picked(copy, rng, 'annotation')))
    return f'annotation id {copy.instances["annotations"][-1]["id"]}'


@corruption(REFCOCO, problem='annotation of another image')
def a_target_in_another_image(copy, rng):
    ref = picked(copy, rng, 'ref')
    others = [a for a in copy.instances['annotations'] if a['image_id'] != ref['image_id']]
    ref['ann_id'] = others[0]['id']
    return f'ref_id {ref["ref_id"]}'


@corruption(REFCOCO, GREFCOCO, problem='image shared by splits')
def an_image_in_two_splits(copy, rng):
    ref = next(ref for ref in copy.refs if ref['split'] == 'train')
    twin = next(r for r in copy.refs if r is not ref and r['image_id'] == ref['image_id'])
    twin['split'] = 'val'
    return f'such as image_id {ref["image_id"]}'


@corruption(REFCOCO, problem='ref that is not a dict')
def a_ref_of_a_number(copy, rng):
    copy.refs.insert(3, 5)
    return 'entry 3'


@corruption(REFCOCO, problem="no list 'annotations'")
def no_annotations(copy, rng):
    del copy.instances['annotations']
    return 'the file'


@pytest.mark.parametrize('name', CORRUPTIONS)
def test_each_corruption_is_found_with_its_file_record_and_cure(copy, name):
    where, corrupt, problem = CORRUPTIONS[name]
    copy.load(*where)
    record = corrupt(copy, np.random.default_rng(len(name)))
    copy.save()
    errors = check_folder(copy.root, decode=False).report.errors
    hits = [error for error in errors if error.problem.startswith(problem) and record in error.record]
    assert hits, errors
    assert all(Path(error.file).exists() or 'missing' in error.problem for error in hits)
    assert all(error.cure for error in hits)


def test_at_least_forty_kinds_are_tried():
    assert len({corrupt.__name__ for _, corrupt, _ in CORRUPTIONS.values()}) >= 40


FILES = {
    'truncated_json': ('instances.json', lambda content: content[:-20], 'unreadable file'),
    'empty_file': ('instances.json', lambda _: b'', 'unreadable file'),
    'web_page': ('instances.json', lambda _: b'<!DOCTYPE html><html>', 'unreadable file'),
    'lfs_pointer': ('refs(unc).p', lambda _: b'version https://git-lfs.github.com/spec/v1\n', 'unreadable file'),
    'truncated_pickle': ('refs(unc).p', lambda content: content[:-20], 'unreadable file'),
    'list_for_dict': ('instances.json', lambda _: b'[]', 'unreadable file'),
    'pickle_of_a_class': ('refs(unc).p', lambda _: pickle.dumps(Path), 'unreadable file'),
    'missing_instances': ('instances.json', None, 'missing file'),
    'missing_refs': ('refs(unc).p', None, 'missing file'),
}


@pytest.mark.parametrize('name', FILES)
def test_damaged_files_are_named(copy, name):
    file, damage, problem = FILES[name]
    copy.load(*REFCOCO)
    path = copy.root / 'refcoco' / file
    if damage is None:
        path.unlink()
    else:
        path.write_bytes(damage(path.read_bytes()))
    errors = check_folder(copy.root, decode=False).report.errors
    assert [error.problem.startswith(problem) for error in errors] == [True]
    assert errors[0].file.startswith(str(copy.root / 'refcoco'))


@pytest.mark.parametrize(('content', 'decode'), [(b'', False), (b'text', False), (None, True)])
def test_images_that_cannot_be_decoded(copy, content, decode):
    copy.load(*REFCOCO)
    path = copy.own_image(copy.instances['images'][4])
    path.write_bytes(path.read_bytes()[:800] if content is None else content)
    (error,) = check_folder(copy.root, decode=decode).report.errors
    assert error.problem.startswith('image that cannot be decoded')
    assert error.file == str(next(copy.root.rglob(path.name)))


def test_an_image_beyond_the_limit_of_pillow_is_a_finding(tmp_path):
    (tmp_path / 'images').mkdir()
    Image.new('1', (20000, 10000)).save(tmp_path / 'images/big.png')
    for size in ({}, dict(width=20000, height=10000)):
        line = dict(image='big.png', expression='the red block', boxes=[[10, 20, 40, 60]], **size)
        (tmp_path / 'all.jsonl').write_text(json.dumps(line))
        (finding,) = check_folder(tmp_path / 'all.jsonl', 'images').report.errors
        assert finding.problem.startswith('image of an impossible size' if size else 'image that cannot be decoded')
        assert 'big.png' in finding.file + finding.record
        assert 'MMVG_MAX_IMAGE_PIXELS' in finding.record + finding.problem


def test_grasps_of_json_lines_are_checked(tmp_path):
    (tmp_path / 'images').mkdir()
    Image.new('RGB', (64, 48)).save(tmp_path / 'images/scene.png')
    sound = [20, 20, 10, 5, 0.3]
    given = [[sound], [sound, [20, 20, 10, 5, 45]], [[20, 20, 0, 5, 0]], [sound, [90, 20, 10, 5, 0]], []]
    lines = [
        dict(image='scene.png', expression='the red block', boxes=[[10, 10, 40, 40]], grasps=grasps, ref_id=number)
        for number, grasps in enumerate(given)
    ]
    lines.append(dict(image='scene.png', expression='the zebra', boxes=[], no_target=True, grasps=[sound], ref_id=9))
    (tmp_path / 'all.jsonl').write_text('\n'.join(map(json.dumps, lines)))
    findings = check_folder(tmp_path / 'all.jsonl', 'images').report.findings
    found = {(finding.record.split(':')[0], finding.problem, finding.level) for finding in findings}
    assert {entry for entry in found if 'grasp' in entry[1]} == {
        ('line 2', 'grasp turned by degrees', 'error'),
        ('line 3', 'grasp that is no rectangle', 'error'),
        ('line 3', 'expression without a grasp', 'note'),
        ('line 4', 'grasp outside of the image', 'note'),
        ('line 5', 'expression without a grasp', 'note'),
        ('line 6', 'grasps where nothing is meant', 'error'),
    }


def test_a_single_file_is_refused_with_the_folder_to_give(copy):
    file = copy.load('grefcoco', 'grefs(unc).json').refs_file
    with pytest.raises(FileNotFoundError, match='this is a file; give the data root, in which its folder lies'):
        check_folder(file)


def test_several_corruptions_at_once_are_all_found(copy):
    copy.load(*REFCOCO)
    broken = copy.instances['annotations'][::10]
    for annotation in broken:
        annotation['bbox'] = [0, 0, 0, 0]
    copy.save()
    errors = check_folder(copy.root, decode=False).report.errors
    found = {error.record.split(' (')[0] for error in errors}
    assert found == {f'annotation id {annotation["id"]}' for annotation in broken}


def test_a_config_is_checked_through_its_datasets(sound, monkeypatch):
    from mmvg.apis import load_config

    cfg = load_config(str(ROOT / 'configs/instancevg/tiny.py'))
    for loader in (cfg.train_dataloader, cfg.val_dataloader, cfg.test_dataloader):
        loader.dataset.update(data_root=str(sound))
    assert check_config_data(cfg, decode=False).report.errors == []
    cfg.val_dataloader.dataset.split = 'nowhere'
    problems = [error.problem for error in check_config_data(cfg, decode=False).report.errors]
    assert len(problems) == 1
    assert 'nowhere' in problems[0]


def test_datasets_inside_of_others_are_checked(sound):
    from mmvg.apis import load_config

    cfg = load_config(str(ROOT / 'configs/instancevg/rrefcoco.py'))
    for settings in (*cfg.train_dataloader.dataset.datasets, cfg.val_dataloader.dataset, cfg.test_dataloader.dataset):
        settings.data_root = str(sound)
    result = check_config_data(cfg, decode=False)
    assert result.report.errors == []
    assert {row.dataset for row in result.counts} == {'rrefcoco', 'rrefcoco+', 'rrefcocog'}
    cfg.train_dataloader.dataset.datasets[1].split = 'nowhere'
    assert [error.record for error in check_config_data(cfg, decode=False).report.errors] == ['train']


@pytest.fixture
def config_of_lines(tmp_path):
    """A config whose loaders read one file of JSON lines about one picture, and the folder of both."""
    (tmp_path / 'images').mkdir()
    Image.fromarray(np.zeros((48, 64, 3), np.uint8)).save(tmp_path / 'images/a.png')
    lines = [
        dict(image='a.png', expression='the mug', boxes=[[1, 2, 9, 9]], split='train'),
        dict(image='a.png', expression='a cup', boxes=[[1, 2, 9, 9]], split='val'),
    ]
    (tmp_path / 'all.jsonl').write_text('\n'.join(map(json.dumps, lines)))
    data = dict(type='JSONLDataset', ann_file='all.jsonl', data_root=str(tmp_path))
    loaders = {f'{split}_dataloader': dict(dataset=dict(data, split=split)) for split in ('train', 'val')}
    return Config(loaders), tmp_path


def test_the_lines_of_a_config_are_checked_as_the_file_is(config_of_lines):
    cfg, root = config_of_lines
    result, alone = check_config_data(cfg), check_folder(root / 'all.jsonl', 'images')
    assert result.report.findings == alone.report.findings
    assert [error.problem for error in result.report.errors] == ['image shared by splits']
    assert [(row.dataset, row.split, row.sentences) for row in result.counts] == [
        ('jsonl', 'train', 1),
        ('jsonl', 'val', 1),
    ]


def test_pictures_that_lie_in_a_pack_alone_are_checked_there(config_of_lines):
    cfg, root = config_of_lines
    cfg.pop('val_dataloader')
    pack_pictures(root / 'pictures.lmdb', root, ['images/a.png'], 'lmdb')
    shutil.rmtree(root / 'images')
    cfg.train_dataloader.dataset.update(pictures='pictures.lmdb')
    lines = json.loads((root / 'all.jsonl').read_text().splitlines()[0]) | dict(width=64, height=48)
    (root / 'all.jsonl').write_text(json.dumps(lines))
    result = check_config_data(cfg)
    assert result.report.errors == []
    assert [(row.dataset, row.images) for row in result.counts] == [('custom', 1)]
    (root / 'all.jsonl').write_text(json.dumps(lines | dict(width=48)))
    assert 'image of another size, 64 x 48' in check_config_data(cfg).report.errors[0].problem


def run(monkeypatch, *arguments):
    monkeypatch.setattr(sys, 'argv', ['data.py', *map(str, arguments)])
    try:
        runpy.run_path(str(ROOT / 'tools/data.py'), run_name='__main__')
    except SystemExit as end:
        return end.code or 0
    return 0


def test_the_command_prints_tables_and_its_exit_code_says_whether_data_are_sound(copy, monkeypatch, capsys):
    copy.load(*REFCOCO)
    assert run(monkeypatch, 'check', copy.root, '--headers-only') == 0
    assert '0 errors' in capsys.readouterr().out
    copy.instances['annotations'][0]['segmentation'] = []
    copy.save()
    assert run(monkeypatch, 'check', copy.root, '--headers-only') == 1
    printed = capsys.readouterr().out
    assert '1 errors' in printed
    assert 'empty segmentation' in printed
    assert run(monkeypatch, 'check', copy.root / 'nowhere') == 2
    assert 'there is no such folder' in capsys.readouterr().err


@pytest.mark.parametrize(
    ('words', 'message'),
    [
        ('all.jsonl --splits val', '--splits means nothing for data without a --format'),
        ('all.jsonl --unit pixel', '--unit means nothing for data without a --format'),
        ('all.jsonl --format jsonl --splits val', '--splits means nothing for --format jsonl'),
        ('all.jsonl --format odvg --outside-images', '--outside-images means nothing for --format odvg'),
        ('instancevg/tiny --images images', '--images means nothing for a config'),
        ('all.jsonl --most -1', '--most'),
        ('instancevg/tny', 'there is no such folder'),
    ],
)
def test_an_option_that_would_be_of_no_effect_is_refused(words, message, config_of_lines, monkeypatch, capsys):
    monkeypatch.chdir(config_of_lines[1])
    assert run(monkeypatch, 'check', *words.split()) == 2
    assert message in capsys.readouterr().err


def test_a_config_is_checked_by_its_name(sound, monkeypatch, capsys, tmp_path):
    (tmp_path / 'data').mkdir()
    (tmp_path / 'data/refshapes_tiny').symlink_to(sound)
    monkeypatch.chdir(tmp_path)
    assert run(monkeypatch, 'check', 'instancevg/tiny', '--headers-only') == 0
    assert '0 errors' in capsys.readouterr().out


def test_pictures_of_lines_are_looked_for_where_the_data_set_does(config_of_lines):
    _, root = config_of_lines
    for target in (root, root / 'all.jsonl'):
        assert [error.problem for error in check_folder(target).report.errors] == ['image shared by splits']
    (root / 'images/a.png').rename(root / 'a.png')
    (root / 'images').rmdir()
    assert [error.problem for error in check_folder(root).report.errors] == ['image shared by splits']


def test_counts_are_compared_with_the_released_ones():
    report = FindingReport()
    whole = [('refcoco', 'refs(unc).p', 'val', 3811, 10834, 0, 1500), ('phrasecut', 'f', 'miniv', 821, 821, 0, 100)]
    whole += [
        ('refcocog', 'refs(umd).p', 'val', 2573, 4896, 0, 1300),
        ('refcoco', 'refs(google).p', 'val', 5000, 1, 0, 4559),
    ]
    whole += [('grefcoco', 'grefs(unc).json', 'train', 1, 209344, 0, 1), ('grefcoco', 'f', 'val', 1, 50515, 0, 1)]
    compare_with_released(whole, report)
    assert report.findings == []
    part = [('refcoco', 'refs(unc).p', 'val', 3810, 10834, 0, 1499), ('grefcoco', 'grefs(unc).json', 'val', 1, 5, 0, 1)]
    compare_with_released(part, report)
    assert [finding.problem.split(': ')[1] for finding in report.errors] == [
        '3810 refs instead of 3811',
        '1499 images instead of 1500',
        '5 expressions instead of 259859',
    ]


def odvg_line(image):
    regions = [dict(bbox=[1, 2, 30, 40], phrase='the mug')]
    return dict(filename=image, height=48, width=64, grounding=dict(caption='the mug', regions=regions))


def test_a_data_set_of_a_config_without_a_check_of_its_own_is_read(tmp_path):
    (tmp_path / 'images').mkdir()
    for name in ('a.png', 'b.png'):
        pixels = np.random.default_rng(ord(name[0])).integers(0, 255, (48, 64, 3), np.uint8)
        Image.fromarray(pixels).save(tmp_path / 'images' / name)
    for folder, images in (('one', ['a.png']), ('two', ['b.png'])):
        (tmp_path / folder).mkdir()
        (tmp_path / folder / 'lines.jsonl').write_text('\n'.join(json.dumps(odvg_line(image)) for image in images))
    data = dict(type='ODVGDataset', data_root=str(tmp_path), img_prefix='images')
    files = dict(train='one/lines.jsonl', val='two/lines.jsonl')
    cfg = Config({f'{name}_dataloader': dict(dataset=dict(data, ann_file=files[name], split=name)) for name in files})
    result = check_config_data(cfg)
    assert result.report.findings == []
    assert [(row.file, row.split, row.images) for row in result.counts] == [
        (str(tmp_path / file), split, 1) for split, file in files.items()
    ]
    shutil.copy(tmp_path / 'images/a.png', tmp_path / 'images/b.png')
    (finding,) = check_config_data(cfg).report.errors
    assert finding.problem == 'one picture in two splits under two names'
    (tmp_path / 'images/b.png').write_bytes((tmp_path / 'images/a.png').read_bytes()[:700])
    (finding,) = check_config_data(cfg).report.errors
    assert finding.problem.startswith('image that cannot be decoded')


def test_what_is_no_data_set_of_expressions_is_said_to_be_unchecked():
    cfg = Config(dict(train_dataloader=dict(dataset=dict(type=BaseDataset, lazy_init=True))))
    (finding,) = check_config_data(cfg).report.errors
    assert finding.problem == 'dataset that the check cannot look into: BaseDataset'


def test_every_file_of_lines_is_compared_with_those_of_other_splits(config_of_lines):
    cfg, root = config_of_lines
    Image.fromarray(np.full((48, 64, 3), 9, np.uint8)).save(root / 'images/b.png')
    line = dict(expression='the mug', boxes=[[1, 2, 9, 9]])
    for file, image in (('one/train', 'a.png'), ('two/train', 'b.png'), ('val', 'a.png')):
        (root / file).parent.mkdir(exist_ok=True)
        (root / f'{file}.jsonl').write_text(json.dumps(dict(line, image=image)))
    data = dict(cfg.train_dataloader.dataset, split='train')
    parts = [dict(data, ann_file=f'{folder}/train.jsonl', img_prefix='images') for folder in ('one', 'two')]
    cfg.val_dataloader.dataset.update(ann_file='val.jsonl')
    for several in (parts, parts[::-1]):
        cfg.train_dataloader.dataset = dict(type='ConcatDataset', datasets=several)
        result = check_config_data(cfg)
        assert [finding.problem for finding in result.report.errors] == ['image shared by splits']
        assert {row.file for row in result.counts} == {*(str(root / one['ann_file']) for one in parts), 'val.jsonl'}

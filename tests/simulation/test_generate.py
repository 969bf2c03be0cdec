import json
from collections import Counter

import cv2
import numpy as np
import pytest

pytest.importorskip('mujoco', reason="needs pip install 'mmvg[sim]'")

from mmvg.datasets import GraspAnythingDataset, JSONLDataset, OCIDVLGDataset
from mmvg.refshapes import DatasetConflictError
from mmvg.simulation.generate import generate_tables, split_of

NUMBER = 8  # two chunks, so that two workers have something to do


@pytest.fixture(scope='module')
def drawn(refscenes):
    root, number, counts = refscenes
    assert number == NUMBER
    return root.parent, counts


@pytest.fixture(scope='module')
def lines(drawn):
    return [json.loads(line) for line in (drawn[0] / 'one/scenes.jsonl').read_text().splitlines()]


def test_two_workers_write_the_same_bytes_as_one(drawn):
    root, counts = drawn
    assert generate_tables(root / 'two', NUMBER, seed=3, workers=2) == counts
    first, second = (
        {path.relative_to(root / name): path.read_bytes() for path in (root / name).rglob('*') if path.is_file()}
        for name in ('one', 'two')
    )
    assert first == second
    assert len(first) > 4 * NUMBER


def test_the_reader_of_ocid_vlg_reads_them(drawn, lines):
    folder = drawn[0] / 'one/ocid_vlg'
    total = 0
    for split in ('train', 'val', 'test'):
        dataset = OCIDVLGDataset('multiple', split, data_root=str(folder), mode='strict', check_images=True)
        for item in dataset:
            scene = lines[int(item['img_path'][-12:-4])]
            thing = scene['objects'][item['instances'][0]['ann_id'] - 1]
            assert scene['split'] == split
            assert item['category'] == thing['kind']
            wanted = [
                entry['grasp']
                for entry in thing['grasps']
                if entry['part'] == 'handle' or 'handle' not in item['text'].split()
            ]
            np.testing.assert_allclose(item['grasps'][:, :4], np.array(wanted)[:, :4], atol=0.03)
            assert item['expression_type'] != 'unknown'
            total += 1
    assert total > 3 * NUMBER


def test_the_reader_of_grasp_anything_reads_them(drawn):
    folder = drawn[0] / 'one/grasp_anything'
    items = [
        dataset[index]
        for split in ('train', 'test')
        for dataset in [GraspAnythingDataset(split, data_root=str(folder))]
        for index in range(len(dataset))
    ]
    assert len(items) > NUMBER
    for item in items:
        x1, y1, x2, y2 = item['instances'][0]['bbox']
        near = [x1 - 8 < x < x2 + 8 and y1 - 8 < y < y2 + 8 for x, y in item['grasps'][:, :2]]
        assert near
        if item['part_id'].endswith('_1'):
            assert 'handle' in item['text']
            assert all(near)


def test_the_reader_of_json_lines_reads_every_sentence(drawn, lines):
    folder = drawn[0] / 'one/jsonl'
    kinds = Counter()
    for split in ('train', 'val', 'test'):
        dataset = JSONLDataset('all.jsonl', split, data_root=str(folder), img_prefix='images', with_mask=True)
        for item in dataset:
            scene = lines[int(item['img_path'][-10:-4])]
            (sentence,) = (entry for entry in scene['sentences'] if entry['text'] == item['text'])
            assert item['no_target'] == (not sentence['targets'])
            assert len(item['instances']) == len(sentence['targets'])
            assert bool(len(item['grasps'])) == bool(sentence['targets'])
            kinds[sentence['kind']] += 1
    assert kinds['no_target'] > 3
    assert kinds['group'] + kinds['count'] + kinds['conjunction'] > 1
    assert kinds['part'] > 3
    sentences = [sentence for scene in lines for sentence in scene['sentences']]
    assert drawn[1]['sentences'] == len(sentences)
    assert drawn[1]['left_out_of_jsonl'] == len(sentences) - kinds.total() > 0


def test_the_unique_version_of_ocid_vlg_has_the_first_expression_about_each_object(drawn):
    folder = drawn[0] / 'one/ocid_vlg/refer'
    for split in ('train', 'val', 'test'):
        several, unique = (
            json.loads((folder / version / f'{split}_expressions.json').read_text())['data']
            for version in ('multiple', 'unique')
        )
        seen = set()
        firsts = []
        for record in several:
            if (record['image_filename'], record['answer']) not in seen:
                firsts.append(record)
            seen.add((record['image_filename'], record['answer']))
        assert unique == firsts


def test_a_format_is_added_later_without_a_change_of_the_others(renderer, tmp_path):
    generate_tables(tmp_path / 'new', 3, seed=1, workers=1, formats=['ocid_vlg'])
    before = {path: path.read_bytes() for path in (tmp_path / 'new/ocid_vlg').rglob('*') if path.is_file()}
    assert generate_tables(tmp_path / 'new', 3, seed=1, workers=1, formats=['jsonl'])['tables'] == 3
    assert (tmp_path / 'new/jsonl/all.jsonl').is_file()
    assert all(path.read_bytes() == content for path, content in before.items())
    assert generate_tables(tmp_path / 'new', 3, seed=1, formats=['jsonl', 'ocid_vlg']) == {}


def test_depth_is_in_millimetres_beside_the_pictures(drawn, lines):
    for path in sorted((drawn[0] / 'one/ocid_vlg').rglob('depth/*.png')):
        depth = cv2.imread(str(path), cv2.IMREAD_UNCHANGED)
        height = lines[int(path.stem[-8:])]['camera_to_table'][2][3]
        assert depth.dtype == np.uint16
        assert depth.shape == (240, 320)
        assert 0.6 * height < np.median(depth) / 1000 < 1.4 * height


def test_noise_changes_depth_and_nothing_else(renderer, tmp_path):
    for name, noise in (('clean', False), ('noisy', True)):
        generate_tables(tmp_path / name, 3, seed=1, workers=1, formats=['ocid_vlg'], noise=noise)
    clean = {path.relative_to(tmp_path / 'clean') for path in (tmp_path / 'clean/ocid_vlg').rglob('*.*')}
    differ = {
        path for path in clean if (tmp_path / 'clean' / path).read_bytes() != (tmp_path / 'noisy' / path).read_bytes()
    }
    assert {path.parent.name for path in differ} == {'depth'}
    assert len(differ) == 3


def test_every_split_has_tables_and_they_come_one_after_another():
    for number in (3, 5, 100, 2000):
        splits = [split_of(index, number) for index in range(number)]
        assert sorted(splits, key=('train', 'val', 'test').index) == splits
        assert set(splits) == {'train', 'val', 'test'}


def test_a_finished_data_set_is_left_alone_and_another_folder_is_not_touched(drawn, tmp_path):
    root, _ = drawn
    assert generate_tables(root / 'one', NUMBER, seed=3) == {}
    with pytest.raises(DatasetConflictError, match='--force'):
        generate_tables(root / 'one', NUMBER, seed=4)
    (tmp_path / 'notes.txt').write_text('mine')
    with pytest.raises(DatasetConflictError, match='will not be touched'):
        generate_tables(tmp_path, NUMBER, force=True)
    with pytest.raises(ValueError, match='formats'):
        generate_tables(tmp_path / 'new', NUMBER, formats=['coco'])
    with pytest.raises(ValueError, match='too few'):
        generate_tables(tmp_path / 'new', 2)

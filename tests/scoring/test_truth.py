import tracemalloc

import numpy as np
import pytest

from mmvg.datasets import JSONLDataset, RefCOCODataset
from mmvg.datasets.readers import DataError
from mmvg.datasets.writers import write_json_lines
from mmvg.scoring import Truth, open_truth


def plain(sample):
    return {**vars(sample), 'boxes': np.asarray(sample.boxes).tolist(), 'image': sample.image.rsplit('/', 1)[-1]}


def test_lines_are_read_one_by_one_as_their_data_set_reads_them(refshapes_tiny, tmp_path):
    dataset = RefCOCODataset('refcoco', 'val', data_root=str(refshapes_tiny))
    write_json_lines(dataset, tmp_path / 'val.jsonl', 'val')
    images = str(dataset.image_folder.resolve())
    whole = Truth('lines', JSONLDataset('val.jsonl', 'val', data_root=str(tmp_path), img_prefix=images))
    streamed = open_truth(str(tmp_path / 'val.jsonl'), images=images)
    assert [plain(sample) for sample in streamed] == [plain(sample) for sample in whole]
    assert len(list(streamed)) == 62


def test_other_splits_of_lines_are_left_out(truth_file):
    lines = truth_file.read_text().splitlines()
    truth_file.write_text('\n'.join([lines[0].replace('{', '{"split": "train", ', 1), *lines[1:]]))
    assert [sample.sentence for sample in open_truth(str(truth_file), split='val')] == [
        'the cup',
        'the vessels',
        'the dog',
    ]
    assert len(list(open_truth(str(truth_file)))) == 4


def test_lines_are_not_held_in_memory(write_lines):
    line = dict(image='a.png', expression='the mug', boxes=[[8, 6, 40, 30]], width=80, height=60)
    path = write_lines('long.jsonl', [dict(line, expression='mug ' * 2000)] * 2000)  # 16 MB
    truth = open_truth(str(path))
    tracemalloc.start()
    try:
        assert sum(1 for _ in truth) == 2000
        assert tracemalloc.get_traced_memory()[1] < 2e6
    finally:
        tracemalloc.stop()


@pytest.mark.parametrize(
    ('content', 'message'),
    [
        ('<html>Log in', 'is a web page'),
        ('{"image": "a.png"\n', 'line that is not JSON: line 1'),
        ('{"image": "a.png", "expression": "x", "boxes": [[5, 5, 1, 1]], "width": 9, "height": 9}', 'line 1'),
    ],
)
def test_lines_that_are_no_truth_are_errors(content, message, tmp_path):
    (tmp_path / 'a.jsonl').write_text('\ufeff' + content, encoding='utf-8')
    with pytest.raises(DataError, match=message):
        list(open_truth(str(tmp_path / 'a.jsonl')))


def test_a_config_and_a_name_mean_the_same_data(refshapes_tiny, benchmarks_tiny):
    by_name = open_truth('refcoco:val', str(refshapes_tiny))
    assert next(iter(by_name)).sentence == 'Ring below the dotted ring'
    by_config = open_truth('instancevg/refshapes', str(refshapes_tiny))
    assert len(list(by_config)) > 10

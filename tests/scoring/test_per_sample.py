import json

import pytest

from mmvg.scoring import PerSampleWriter, SampleRow, read_per_sample

ROW = SampleRow(
    dict(dataset='a', img_id=1, ref_id=2, sent_id=3),
    'the mug',
    image='a/1.jpg',
    size=(480, 640),
    targets=1,
    area=0.25,
    facts=dict(expression_type='attr'),
    parts={'rec/P@0.5': (1.0, 1), 'res/oIoU': (12, 40)},
)


def test_rows_survive_the_file(tmp_path):
    path = tmp_path / 'new/rows.jsonl'
    with PerSampleWriter(path) as table:
        table.add([ROW])
        table.add([ROW])
        table.finish(dict(protocol=dict(name='rec'), scores={'rec/P@0.5': 100.0}))
    about, rows = read_per_sample(path)
    assert about == dict(version=1, protocol=dict(name='rec'), scores={'rec/P@0.5': 100.0})
    assert rows == [ROW, ROW]
    assert rows[0].key == ('a', 1, 2, 3)


@pytest.mark.parametrize(
    ('lines', 'message'),
    [
        ([], 'line 1 does not begin a table of version 1'),
        ([dict(version=2, protocol={})], 'line 1 does not begin a table of version 1'),
        ([dict(version=1, protocol={}), '{"id": {'], 'line 2 is not whole JSON'),
        ([dict(version=1, protocol={}), [1, 2]], 'line 2 is not an object'),
        ([dict(version=1, protocol={}), dict(id={}, sentence='x')], "line 2 is no row of scores: KeyError: 'parts'"),
        ([dict(version=1, protocol={}), dict(id={}, parts={}, sentence='x', more=1)], 'line 2 is no row of scores'),
    ],
)
def test_a_file_of_another_kind_is_an_error_with_its_line(tmp_path, lines, message):
    path = tmp_path / 'rows.jsonl'
    path.write_text('\n'.join(line if isinstance(line, str) else json.dumps(line) for line in lines))
    with pytest.raises(ValueError, match=message):
        read_per_sample(path)

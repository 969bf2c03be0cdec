"""``mmvg score`` of any model's answers."""

import json
import re
import subprocess
import sys

import pytest

from mmvg.cli import main
from mmvg.scoring import open_truth, read_per_sample


@pytest.fixture
def answers(refshapes_tiny, tmp_path):
    """Right answers to RefCOCO's val in the format of RefShapes, as texts in permille."""
    path = tmp_path / 'answers.jsonl'
    with path.open('w') as file:
        for sample in open_truth('refcoco:val', str(refshapes_tiny)):
            width, height = sample.size
            x1, y1, x2, y2 = sample.boxes[0].tolist()
            parts = [
                round(1000 * side / whole) for side, whole in zip((x1, y1, x2, y2), (width, height) * 2, strict=True)
            ]
            file.write(json.dumps(dict(sample.ids, text=f'It is at {parts}.')) + '\n')
    return path


@pytest.fixture
def command(refshapes_tiny, answers):
    return ['score', '--data', 'refcoco:val', '--data-root', str(refshapes_tiny), '--answers', str(answers)]


DECLARED = ['--protocol', 'rec', '--text-format', 'brackets', '--unit', 'permille', '--rule', 'first']


def test_the_report_says_how_it_was_scored(command, tmp_path, capsys):
    table, out = tmp_path / 'rows.jsonl', tmp_path / 'scores.json'
    main([*command, *DECLARED, '--set', 'thresholds=[0.5]', '--per-sample', str(table), '--out', str(out)])
    lines = capsys.readouterr().out.splitlines()[-7:]
    assert lines[0] == 'protocol: name=rec, metric=RECMetric, resolution=original'
    assert lines[1] == 'declared: unit=permille, rule=first, frame=original, layout=xyxy, text_format=brackets'
    assert re.fullmatch(r'data:     refcoco:val, 62 expressions, sha256 [0-9a-f]{16}', lines[2])
    assert re.fullmatch(r'answers:  answers.jsonl, 62 answers, sha256 [0-9a-f]{16}', lines[3])
    assert lines[4:] == ['unparsed: 0', 'rec/P@0.5: 100.0000', 'rec/num_samples: 62.0000']
    written = json.loads(out.read_text())
    assert written['scores'] == {'rec/P@0.5': 100.0, 'rec/num_samples': 62}
    about, rows = read_per_sample(table)
    assert about['scores'] == written['scores']
    assert len(rows) == 62


@pytest.mark.parametrize(
    ('words', 'message'),
    [
        (
            ['--protocol', 'rec', '--text-format', 'brackets', '--rule', 'first'],
            'the unit of the boxes is not declared',
        ),
        (['--protocol', 'rec', '--unit', 'permille', '--rule', 'first'], 'the format of the texts is not declared'),
        (['--protocol', 'rec', '--text-format', 'brackets', '--unit', 'permille'], 'which box counts is not declared'),
        ([*DECLARED, '--set', 'thresholds'], "'thresholds' is not KEY=VALUE"),
        ([], '--data, --answers and --protocol go together'),
    ],
)
def test_a_mistake_ends_with_its_message_and_exit_code_2(words, message, command, capsys):
    with pytest.raises(SystemExit) as end:
        main([*command, *words])
    assert end.value.code == 2
    assert message in ' '.join(capsys.readouterr().err.replace('│', ' ').split())


@pytest.mark.parametrize(
    ('words', 'named'),
    [
        (['x.py', 'p.json', '--per-sample', 'a.jsonl', '--rule', 'first'], '--rule, --per-sample: of no effect'),
        (['x.py', 'p.json', '--set', 'a=1', '--allow', 'double', '--processes', '2'], '--allow, --set, --processes:'),
        (['x.py', 'p.json', '--split', 'val', '--protocol', 'rec'], '--protocol, --split: of no effect with a config'),
        (['--data', 'x', '--answers', 'y', '--protocol', 'rec', '--cfg-options', 'a=1'], '--cfg-options: of no effect'),
    ],
)
def test_options_of_the_other_form_are_refused(words, named, capsys):
    with pytest.raises(SystemExit) as end:
        main(['score', *words])
    assert end.value.code == 2
    assert named in ' '.join(capsys.readouterr().err.replace('│', ' ').split())


@pytest.mark.parametrize('option', ['--out', '--per-sample'])
def test_nothing_that_is_read_is_written_over(option, command, answers, tmp_path, capsys):
    before = answers.read_bytes()
    for path, message in ((answers, 'is the file that is asked about'), (tmp_path, 'is a folder; name a file')):
        with pytest.raises(SystemExit) as end:
            main([*command, *DECLARED, option, str(path)])
        assert end.value.code == 2
        assert message in capsys.readouterr().err
    assert answers.read_bytes() == before


def test_without_data_a_config_and_predictions_are_needed(capsys):
    with pytest.raises(SystemExit) as end:
        main(['score', 'instancevg/tiny'])
    assert end.value.code == 2
    assert 'or a config and what mmvg test --out wrote' in ' '.join(capsys.readouterr().err.replace('│', ' ').split())


def test_a_thousand_answers_are_scored_in_three_seconds_of_processor_time(tmp_path):
    truth, answers = tmp_path / 'truth.jsonl', tmp_path / 'answers.jsonl'
    mask = [[8, 6, 40, 6, 40, 30, 8, 30]]
    lines = [
        dict(image='a.png', expression=f'mug {number}', boxes=[[8, 6, 40, 30]], masks=[mask], width=80, height=60)
        for number in range(1000)
    ]
    truth.write_text('\n'.join(map(json.dumps, lines)))
    made = [dict(sent_id=number, boxes=[[8, 6, 40, 30]], masks=[mask]) for number in range(1, 1001)]
    answers.write_text('\n'.join(map(json.dumps, made)))
    words = ['score', '--data', str(truth), '--answers', str(answers), '--unit', 'pixel', '--rule', 'first']
    code = (
        'import sys, time; from mmvg.cli import main\n'
        'try: main(sys.argv[1:])\n'
        'finally: print("seconds", time.process_time())'
    )
    done = subprocess.run(
        [sys.executable, '-c', code, *words, '--protocol', 'res'], capture_output=True, text=True, check=True
    )
    assert 'res/mIoU: 100.0000' in done.stdout
    assert float(done.stdout.split()[-1]) < 3

"""The inferencer on a small InstanceVG with random weights, whose answers depend on image and text all the same."""

import json
import runpy
import sys
from pathlib import Path

import cv2
import numpy as np
import pytest
import torch
from mmengine.config import Config
from PIL import Image
from pycocotools import mask as coco_mask

from mmvg.apis import GroundingInferencer, answer_record, describe_answer
from mmvg.config import ConfigError
from mmvg.refshapes import draw_scene, sample_scene
from mmvg.structures import Answer, GroundingSample

ROOT = Path(__file__).parents[2]
SENTENCES = ['the red ring', 'both stars', 'the mug by its handle', 'left', 'the blue disc and the white heart']


@pytest.fixture(scope='module')
def checkpoint(random_checkpoint):
    return random_checkpoint('instancevg')


@pytest.fixture(scope='module')
def images(tmp_path_factory):
    folder = tmp_path_factory.mktemp('images')
    for i in range(3):
        cv2.imwrite(str(folder / f'{i}.png'), draw_scene(sample_scene(np.random.default_rng(i))).image)
    return sorted(folder.iterdir())


@pytest.fixture(scope='module')
def find(checkpoint):
    return GroundingInferencer(str(checkpoint), device='cpu', score_thr=0, show_progress=False)


def test_three_lines_give_json_in_pixels_of_the_picture(find, images):
    predictions = find(images[0], SENTENCES)['predictions']
    assert [record['expression'] for record in predictions] == SENTENCES
    assert json.loads(json.dumps(predictions)) == predictions
    height, width = cv2.imread(str(images[0])).shape[:2]
    for record in predictions:
        assert record['size'] == [height, width]
        assert record['image'] == str(images[0])
        assert len(record['boxes']) == len(record['scores']) == len(record['masks']) == len(record['points'])
        assert 1 <= len(record['boxes']) <= 4
        assert min(record['scores']) > 0  # those that NMS suppressed are left out
        boxes = np.array(record['boxes'])
        assert (boxes >= 0).all()
        assert (boxes <= [width, height, width, height]).all()
        assert record['scores'] == sorted(record['scores'], reverse=True)
        assert coco_mask.decode(record['mask']).shape == (height, width)
        assert isinstance(record['no_target'], bool)


def test_a_config_that_is_scored_in_input_pixels_answers_in_those_of_the_picture(find, checkpoint, images):
    cfg = Config.fromstring(torch.load(checkpoint)['meta']['cfg'], '.py')
    cfg.model.head.postprocess.frame = 'input'
    other = GroundingInferencer(cfg, str(checkpoint), device='cpu', score_thr=0)
    assert other(images[0], SENTENCES)['predictions'] == find(images[0], SENTENCES)['predictions']


def test_the_threshold_leaves_out_instances(find, images):
    records = find(images, SENTENCES, score_thr=0.0, batch_size=1)['predictions']
    everything = next(record for record in records if len(record['scores']) > 1)
    record = find(everything['image'], everything['expression'], score_thr=everything['scores'][1])['predictions'][0]
    assert record['boxes'] == everything['boxes'][:1]  # a score that is the threshold is not more


@pytest.mark.parametrize('threshold', [None, 0.3, 0.99])
def test_a_sample_says_what_the_record_does_at_the_threshold(find, images, threshold):
    samples = find(images[0], SENTENCES, return_datasamples=True, score_thr=threshold)['predictions']
    records = find(images[0], SENTENCES, score_thr=threshold)['predictions']
    assert [answer_record(sample) for sample in samples] == records
    for sample, record in zip(samples, records, strict=True):
        assert (sample.pred_no_target, sample.score_thr) == (record['no_target'], record['score_thr'])
        if not sample.pred_no_target:  # where nothing is meant, a protocol may score a mask all the same
            assert sample.pred_sem_seg.sem_seg[0].sum() == coco_mask.area(record['mask'])
        assert len(sample.pred_instances) == 4  # all candidates are there


def test_products_and_pairs(find, images):
    asked = [(r['image'], r['expression']) for r in find(images[:2], SENTENCES[:2])['predictions']]
    assert asked == [(str(image), sentence) for image in images[:2] for sentence in SENTENCES[:2]]
    asked = [(r['image'], r['expression']) for r in find(images[:2], SENTENCES[:2], pairs=True)['predictions']]
    assert asked == [(str(image), sentence) for image, sentence in zip(images[:2], SENTENCES[:2], strict=True)]
    assert len(find(images[0].parent, SENTENCES[0])['predictions']) == len(images)
    with pytest.raises(ValueError, match='2 images and 1 expressions'):
        find(images[:2], SENTENCES[:1], pairs=True)


def test_an_answer_about_an_array_has_the_place_of_its_picture(find, images):
    pictures = [cv2.imread(str(image)) for image in images[:2]]
    asked = [(r['image'], r['expression']) for r in find(pictures, SENTENCES[:3], batch_size=2)['predictions']]
    assert asked == [(place, sentence) for place in range(2) for sentence in SENTENCES[:3]]
    assert [r['image'] for r in find(pictures, SENTENCES[:2], pairs=True)['predictions']] == [0, 1]


def test_pictures_may_come_from_a_generator(find, images):
    lazy = find((path for path in images[:2]), 'the red ring')['predictions']
    assert lazy == find(images[:2], 'the red ring')['predictions']


@pytest.mark.parametrize('batch_size', [1, 8])
def test_a_picture_that_cannot_be_read_is_left_out_if_asked_for(find, images, tmp_path, batch_size):
    (tmp_path / 'empty.jpg').touch()
    asked = [images[0], tmp_path / 'empty.jpg', images[1]]
    results = find(asked, SENTENCES[:2], batch_size=batch_size, draw=True, skip_unreadable=True)
    assert [record['image'] for record in results['predictions']] == [str(images[k]) for k in (0, 0, 1, 1)]
    assert len(results['visualization']) == 4
    assert results['unreadable'] == [f'{tmp_path / "empty.jpg"}: the file is empty: download the file again']
    with pytest.raises(ValueError, match='empty'):
        find(asked, SENTENCES[:2])


@pytest.mark.parametrize('device', ['gpu', 'cuda:99'])
def test_a_device_that_is_not_there_is_named(checkpoint, device):
    with pytest.raises(ValueError, match=f"device '{device}' is not there"):
        GroundingInferencer(str(checkpoint), device=device)


@pytest.mark.parametrize('name', ['model.pth.tar', 'pytorch_model.bin', 'BEST.PTH', 'last_checkpoint'])
def test_a_checkpoint_may_have_any_name(find, checkpoint, images, tmp_path, name):
    path = tmp_path / name
    path.write_text(f'{checkpoint}\n') if name == 'last_checkpoint' else path.symlink_to(checkpoint)
    other = GroundingInferencer(str(path), device='cpu', score_thr=0)
    assert other(images[0], SENTENCES[0]) == find(images[0], SENTENCES[0])


def test_an_answer_does_not_depend_on_its_neighbours(find, images):
    pairs = [(image, sentence) for image in images for sentence in SENTENCES]
    order = np.random.default_rng(0).permutation(len(pairs))

    def ask(indices, batch_size):
        chosen = [pairs[i] for i in indices]
        samples = find(
            [image for image, _ in chosen],
            [sentence for _, sentence in chosen],
            pairs=True,
            batch_size=batch_size,
            return_datasamples=True,
        )['predictions']
        return dict(zip(indices, samples, strict=True))

    alone, together, shuffled = ask(range(len(pairs)), 1), ask(range(len(pairs)), 8), ask(order.tolist(), 8)
    for i, sample in alone.items():
        for other in (together[i], shuffled[i]):
            assert isinstance(other, GroundingSample)
            torch.testing.assert_close(sample.pred_instances.scores, other.pred_instances.scores, atol=1e-5, rtol=0)
            torch.testing.assert_close(sample.pred_instances.bboxes, other.pred_instances.bboxes, atol=1e-3, rtol=0)
            assert abs(sample.target_score - other.target_score) <= 1e-5
            differing = sample.pred_instances.masks ^ other.pred_instances.masks
            assert differing.float().mean() <= 1e-3  # pixels whose probability is the threshold
    scores = torch.stack([sample.pred_instances.scores for sample in alone.values()])
    assert scores.std(0).min() > 1e-4  # they do depend on image and text


def test_every_kind_of_picture_gets_an_answer(find):
    picture = draw_scene(sample_scene(np.random.default_rng(5))).image
    wanted = find(picture, 'the red ring')['predictions'][0]
    assert wanted['image'] == 0
    assert find(Image.fromarray(picture[..., ::-1]), 'the red ring')['predictions'][0] == wanted
    grey = Image.fromarray(picture[..., 0])
    assert find(grey, 'the red ring')['predictions'][0]['size'] == wanted['size']


def test_answers_are_drawn(find, images):
    result = find(images[0], SENTENCES[:2], draw=True)
    assert len(result['visualization']) == 2
    assert all(picture.dtype == np.uint8 and picture.shape[2] == 3 for picture in result['visualization'])
    assert (result['visualization'][0] != result['visualization'][0][0, 0]).any()


@pytest.mark.parametrize(
    ('arguments', 'message'),
    [
        (('',), 'no word in it'),
        ((['the ring', '  ...'],), 'expression 1'),
        (([],), 'no expression'),
        (([3],), 'must be text'),
        (('ring ' * 1000,), '1000 words'),
        (('ring' * 1000,), '4000 letters'),
        (('the \ud800 ring',), 'halves of letters'),
        ((None,), 'a list of texts, not None'),
        ((b'the ring',), 'a list of texts, not b'),
        ((3,), 'a list of texts, not 3'),
        ((dict(a='the ring'),), 'a list of texts'),
    ],
)
def test_expressions_that_cannot_be_asked(find, images, arguments, message):
    with pytest.raises(ValueError, match=message):
        find(images[0], *arguments)


def test_what_the_model_does_not_read_is_in_the_record_and_logged_once(find, images, monkeypatch):
    logged = []
    monkeypatch.setattr('mmvg.apis.inferencer.print_log', lambda message, *_: logged.append(message))
    long = ' '.join(['the red ring'] * 20)
    records = find(images[:2], ['xyzzy ring', 'the red ring', long])['predictions']
    assert [record.get('unknown_words') for record in records] == [['xyzzy'], None, None] * 2
    assert [bool(record.get('unread_text')) for record in records] == [False, False, True] * 2
    assert long.endswith(records[2]['unread_text'])
    assert len(logged) == 2
    assert "'xyzzy ring': unknown: 'xyzzy'" in logged[0]
    assert f'not read: {records[2]["unread_text"]!r}'[:60] in logged[1]
    assert "(unknown: 'xyzzy')" in describe_answer(records[0])
    assert Answer.from_record(records[0]).unknown_words == ['xyzzy']


@pytest.mark.parametrize('batch_size', [0, -1, 2.5, '8', None, True])
def test_batch_sizes_that_are_none(find, images, batch_size):
    with pytest.raises(ValueError, match='batch_size must be a whole number, 1 or more'):
        find(images[0], 'the ring', batch_size=batch_size)


@pytest.mark.parametrize(
    ('source', 'message'),
    [
        ('', 'its path is empty'),
        ([], 'no image was given'),
        ('~nobody-is-called-so/a.jpg', 'there is no such picture'),
        ('a\0b.jpg', 'there is no such picture'),
        ('http://', 'addresses are not fetched'),
        (7, 'not int'),
        ([None], 'not NoneType'),
        (b'', 'the file is empty'),
        (torch.zeros(3, 4, 4), 'not Tensor'),
        (dict(a=1), 'not dict'),
    ],
)
def test_what_is_no_picture_is_said_to_be_none(find, source, message):
    with pytest.raises((ValueError, OSError, TypeError), match=message):
        find(source, 'the ring')


@pytest.mark.parametrize('threshold', [-0.1, 1.5, float('nan'), 'high'])
def test_thresholds_outside_of_0_to_1(find, images, threshold):
    with pytest.raises(ValueError, match=r'\[0, 1\]'):
        find(images[0], 'the ring', score_thr=threshold)


def test_models_that_are_not_there_or_do_not_fit(checkpoint, tmp_path):
    with pytest.raises(ValueError, match='instancevg_grefcoco'):
        GroundingInferencer('instancevg_grefcco')
    with pytest.raises(FileNotFoundError, match=r'gone\.pth'):
        GroundingInferencer(str(tmp_path / 'gone.pth'))
    config = str(ROOT / 'configs/instancevg/tiny.py')
    with pytest.raises(ValueError, match='without weights'):
        GroundingInferencer(config)
    bare = tmp_path / 'bare.pth'
    torch.save(dict(state_dict={'a': torch.zeros(1)}), bare)
    with pytest.raises(ValueError, match='does not carry its config'):
        GroundingInferencer(str(bare))
    cfg = Config.fromstring(torch.load(checkpoint)['meta']['cfg'], '.py')
    with pytest.raises(ValueError, match=r'bare\.pth does not fit'):
        GroundingInferencer(cfg, str(bare))


def test_an_exported_model_takes_no_other_weights(tmp_path):
    (tmp_path / 'export.json').touch()
    with pytest.raises(ValueError, match=r'an exported model brings its weights; leave last\.pth out'):
        GroundingInferencer(tmp_path, 'last.pth')


def test_a_stored_config_runs_only_if_it_is_trusted(checkpoint, tmp_path):
    content, trace = torch.load(checkpoint), tmp_path / 'trace'
    cfg = Config.fromstring(content['meta']['cfg'], '.py')
    content['meta']['cfg'] += f'\nopen({str(trace)!r}, "w").close()\n'
    torch.save(content, tmp_path / 'foreign.pth')
    GroundingInferencer(cfg, str(tmp_path / 'foreign.pth'), device='cpu')
    with pytest.raises(ConfigError, match='trust_config=True'):
        GroundingInferencer(str(tmp_path / 'foreign.pth'), device='cpu')
    assert not trace.exists()
    GroundingInferencer(str(tmp_path / 'foreign.pth'), device='cpu', trust_config=True)
    assert trace.exists()


def run_demo(monkeypatch, *arguments):
    monkeypatch.setattr(sys, 'argv', ['image_demo.py', *map(str, arguments)])
    try:
        runpy.run_path(str(ROOT / 'demo/image_demo.py'), run_name='__main__')
    except SystemExit as end:
        return end.code
    return 0


def test_the_demo_writes_pictures_and_json(checkpoint, images, tmp_path, monkeypatch, capsys):
    code = run_demo(
        monkeypatch, images[0].parent, 'the red ring', 'both stars', '--checkpoint', checkpoint,
        '--out-dir', tmp_path / 'out', '--json', tmp_path / 'answers.json', '--score-thr', 0,
    )  # fmt: skip
    assert code == 0
    records = json.loads((tmp_path / 'answers.json').read_text())['predictions']
    assert len(records) == 6
    assert len(list((tmp_path / 'out').iterdir())) == 6
    assert f'{images[2]}  "both stars": ' in capsys.readouterr().out


def test_the_demo_keeps_the_answers_of_a_folder_with_a_bad_picture(checkpoint, images, tmp_path, monkeypatch, capsys):
    folder = tmp_path / 'images'
    folder.mkdir()
    (folder / '0.png').write_bytes(images[0].read_bytes())
    (folder / 'z.jpg').touch()
    answers = tmp_path / 'answers.json'
    assert run_demo(monkeypatch, folder, 'the red ring', '--checkpoint', checkpoint, '--json', answers) == 2
    assert [record['image'] for record in json.loads(answers.read_text())['predictions']] == [str(folder / '0.png')]
    assert f'1 pictures of {folder} were left out: {folder}/z.jpg: the file is empty' in capsys.readouterr().err


@pytest.mark.parametrize(
    ('image', 'arguments', 'message'),
    [
        ('nowhere.jpg', ['the ring'], 'there is no such picture'),
        ('notes.jpg', ['the ring'], 'is not a picture'),
        ('0.png', [' '], 'no word in it'),
        ('0.png', ['the ring', '--score-thr', '2'], '[0, 1]'),
    ],
)
def test_mistakes_at_the_command_line_end_in_a_sentence(
    checkpoint, images, tmp_path, monkeypatch, capsys, image, arguments, message
):
    (tmp_path / 'notes.jpg').write_text('notes')
    (tmp_path / '0.png').write_bytes(images[0].read_bytes())
    code = run_demo(monkeypatch, tmp_path / image, *arguments, '--checkpoint', checkpoint)
    assert code == 2
    error = capsys.readouterr().err
    assert message in error
    assert 'Traceback' not in error

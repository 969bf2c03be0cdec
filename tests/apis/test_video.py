"""Films and cameras, on a small model with random weights."""

import json
import runpy
import sys
from pathlib import Path

import cv2
import numpy as np
import pytest

from mmvg.apis import FrameSource, GroundingInferencer, answer_video
from mmvg.apis.answer_records import answer_of
from mmvg.apis.video import FilmWriter, VideoError
from mmvg.refshapes import draw_scene, sample_scene

ROOT = Path(__file__).parents[2]
NUM_FRAMES, FPS = 7, 10


@pytest.fixture(scope='module')
def checkpoint(random_checkpoint):
    return random_checkpoint('instancevg')


@pytest.fixture(scope='module')
def find(checkpoint):
    return GroundingInferencer(checkpoint, device='cpu', score_thr=0.05, show_progress=False)


@pytest.fixture(scope='module')
def film(tmp_path_factory):
    """A scene that gets brighter from frame to frame."""
    path = tmp_path_factory.mktemp('film') / 'scene.avi'
    image = draw_scene(sample_scene(np.random.default_rng(3))).image
    writer = cv2.VideoWriter(str(path), cv2.VideoWriter.fourcc(*'MJPG'), FPS, image.shape[1::-1])
    for number in range(NUM_FRAMES):
        writer.write(np.clip(image.astype(int) + 12 * number, 0, 255).astype(np.uint8))
    writer.release()
    return path


def frames_of(path):
    capture = cv2.VideoCapture(str(path))
    frames = []
    while (read := capture.read())[0]:
        frames.append(read[1])
    return frames, capture.get(cv2.CAP_PROP_FPS)


@pytest.mark.parametrize('suffix', ['mp4', 'avi'])
def test_every_frame_is_asked_every_sentence(find, film, tmp_path, suffix):
    out, lines = tmp_path / f'new/answers.{suffix}', tmp_path / 'new/answers.jsonl'
    assert answer_video(find, FrameSource(film), ['the red ring', 'both stars'], out, lines, 4) == NUM_FRAMES
    records = [json.loads(line) for line in lines.read_text().splitlines()]
    assert [(row['frame_number'], row['expression']) for row in records] == [
        (number, sentence) for number in range(NUM_FRAMES) for sentence in ('the red ring', 'both stars')
    ]
    assert [row['seconds'] for row in records[::2]] == [number / FPS for number in range(NUM_FRAMES)]
    originals = frames_of(film)[0]
    alone = find(originals[4], 'both stars')['predictions'][0]
    assert records[9]['size'] == alone['size'] == list(originals[4].shape[:2])
    np.testing.assert_allclose(records[9]['scores'], alone['scores'], atol=1e-5)
    frames, fps = frames_of(out)
    assert len(frames) == NUM_FRAMES
    assert fps == FPS
    assert all(side % 2 == 0 for side in frames[0].shape[:2])
    assert frames[0].shape[1] > 2 * 0.6 * 480  # two panels side by side
    assert frames[6].mean() > frames[0].mean() + 10  # the frames are in order


def test_frames_are_left_out_and_the_film_keeps_its_length(find, film, tmp_path):
    source = FrameSource(film, every=3)
    assert source.total == 3
    assert answer_video(find, source, 'a ring', tmp_path / 'a.mp4', tmp_path / 'a.jsonl') == 3
    records = [json.loads(line) for line in (tmp_path / 'a.jsonl').read_text().splitlines()]
    assert [(row['frame_number'], row['seconds']) for row in records] == [(0, 0.0), (3, 0.3), (6, 0.6)]
    frames, fps = frames_of(tmp_path / 'a.mp4')
    assert len(frames) == 3
    assert fps == pytest.approx(FPS / 3, rel=0.01)
    assert answer_video(find, FrameSource(film, max_frames=2), 'a ring', json_lines=tmp_path / 'b.jsonl') == 2


def test_a_camera_is_read_until_it_ends_and_then_given_back(find, monkeypatch, tmp_path):
    """OpenCV stands in for a camera: frames come, but neither their number nor a rate."""
    image = draw_scene(sample_scene(np.random.default_rng(3))).image

    opened = []

    class Camera:
        def __init__(self, number):
            assert number == 0
            self.left, self.open = 3, True
            opened.append(self)

        def isOpened(self):  # noqa: N802
            return self.open

        def get(self, _):
            return 0.0

        def read(self):
            self.left -= 1
            return (True, image) if self.left >= 0 else (False, None)

        def release(self):
            self.open = False

    monkeypatch.setattr(cv2, 'VideoCapture', Camera)
    camera = FrameSource(0)
    assert (camera.total, camera.fps) == (None, 25.0)
    assert answer_video(find, camera, 'a ring', json_lines=tmp_path / 'a.jsonl') == 3
    assert [each.open for each in opened] == [False]


def test_what_was_answered_before_an_interruption_is_whole(find, film, tmp_path, monkeypatch):
    forward, calls = find.forward, []

    def until_the_third(*args, **kwargs):
        calls.append(1)
        if len(calls) == 3:
            raise KeyboardInterrupt
        return forward(*args, **kwargs)

    monkeypatch.setattr(find, 'forward', until_the_third)
    with pytest.raises(KeyboardInterrupt):
        answer_video(find, FrameSource(film), 'a ring', tmp_path / 'a.mp4', tmp_path / 'a.jsonl', batch_size=2)
    assert len(frames_of(tmp_path / 'a.mp4')[0]) == 4
    rows = [json.loads(line) for line in (tmp_path / 'a.jsonl').read_text().splitlines()]
    assert [row['frame_number'] for row in rows] == [0, 1, 2, 3]


def test_pictures_of_another_size_are_cut_or_filled_up(tmp_path):
    writer = FilmWriter(tmp_path / 'a.avi', 5)
    for shape in ((20, 31), (10, 50), (40, 10)):
        writer.write(np.zeros((*shape, 3), np.uint8))
    writer.close()
    frames, _ = frames_of(tmp_path / 'a.avi')
    assert [frame.shape for frame in frames] == [(20, 32, 3)] * 3
    assert frames[1][15, 5].min() > 200
    assert frames[1][5, 5].max() < 50
    assert frames[2][15, 20].min() > 200


def test_answers_go_neither_over_the_film_nor_over_one_another(find, film, tmp_path):
    source, link = tmp_path / 'scene.avi', tmp_path / 'link.avi'
    source.write_bytes(film.read_bytes())
    link.symlink_to(source)
    new = tmp_path / 'new.avi'
    for out, lines, problem in (
        (source, None, 'out .* is the file of source'),
        (link, None, 'out .* is the file of source'),
        (None, link, 'json_lines .* is the file of source'),
        (new, tmp_path / 'a/../new.avi', 'json_lines .* is the file of out'),
    ):
        with pytest.raises(VideoError, match=problem):
            answer_video(find, FrameSource(source), 'a ring', out, lines)
    assert source.read_bytes() == film.read_bytes()
    assert not new.exists()


def test_a_film_that_ends_early_is_named_when_its_frames_are_answered(find, film, tmp_path):
    whole, cut = tmp_path / 'whole.avi', tmp_path / 'cut.avi'
    writer = FilmWriter(whole, FPS)
    for frame in frames_of(film)[0] * 2:
        writer.write(frame[..., ::-1])
    writer.close()
    cut.write_bytes(whole.read_bytes()[: whole.stat().st_size // 2])
    with pytest.raises(VideoError, match=r'cut\.avi: \d of 14 frames could be decoded') as error:
        answer_video(find, FrameSource(cut), 'a ring', json_lines=tmp_path / 'a.jsonl', batch_size=4)
    answered = len((tmp_path / 'a.jsonl').read_text().splitlines())
    assert f'{answered} of 14' in str(error.value)
    assert answered > 3
    assert answer_video(find, FrameSource(cut, max_frames=2), 'a ring', json_lines=tmp_path / 'a.jsonl') == 2
    assert answer_video(find, FrameSource(whole, every=5), 'a ring', json_lines=tmp_path / 'a.jsonl') == 3


@pytest.mark.skipif(not Path('/dev/full').exists(), reason='a full disk is one of Linux')
def test_a_film_on_a_full_disk_is_no_film(tmp_path):
    (tmp_path / 'a.avi').symlink_to('/dev/full')
    writer = FilmWriter(tmp_path / 'a.avi', FPS)
    writer.write(np.zeros((48, 64, 3), np.uint8))
    with pytest.raises(VideoError, match=r'a\.avi: the film could not be written whole'):
        writer.close()


def test_an_exported_model_answers_a_film(find, film, tmp_path):
    class Exported:
        """Answers as an ``ExportedInferencer`` does."""

        score_thr = find.score_thr

        def __call__(self, *arguments, **options):
            return dict(predictions=[answer_of(sample) for sample in find(*arguments, **options)['predictions']])

    for name, model in (('a', find), ('b', Exported())):
        answer_video(model, FrameSource(film, every=4), 'a ring', tmp_path / f'{name}.avi', tmp_path / f'{name}.jsonl')
    for suffix in ('avi', 'jsonl'):
        assert (tmp_path / f'a.{suffix}').read_bytes() == (tmp_path / f'b.{suffix}').read_bytes()


def test_sources_that_are_none(tmp_path, film):
    (tmp_path / 'notes.mp4').write_text('notes')
    (tmp_path / 'cut.avi').write_bytes(film.read_bytes()[:3000])
    with pytest.raises(FileNotFoundError, match='no such film'):
        FrameSource(tmp_path / 'gone.mp4')
    with pytest.raises(VideoError, match=r'notes\.mp4: is not a film'):
        FrameSource(tmp_path / 'notes.mp4')
    with pytest.raises(VideoError, match='there is no camera 99'):
        FrameSource(99)
    with pytest.raises(VideoError, match='every must be 1 or more'):
        FrameSource(film, every=0)
    with pytest.raises(VideoError, match=r'cut\.avi: (is not a film|no frame)'):
        list(FrameSource(tmp_path / 'cut.avi'))
    with pytest.raises(VideoError, match=r'written as \.mp4'):
        FilmWriter(tmp_path / 'a.gif', 5)


def run_demo(monkeypatch, *arguments):
    monkeypatch.setattr(sys, 'argv', ['video_demo.py', *map(str, arguments)])
    try:
        runpy.run_path(str(ROOT / 'demo/video_demo.py'), run_name='__main__')
    except SystemExit as end:
        return end.code
    return 0


def test_the_demo_from_film_to_film(checkpoint, film, tmp_path, monkeypatch, capsys):
    words = [film, 'the red ring', '--checkpoint', checkpoint, '--device', 'cpu']
    assert run_demo(monkeypatch, *words, '--out', tmp_path / 'a.mp4', '--json', tmp_path / 'a.jsonl') == 0
    assert f'{NUM_FRAMES} frames of' in capsys.readouterr().out
    assert len(frames_of(tmp_path / 'a.mp4')[0]) == NUM_FRAMES
    assert run_demo(monkeypatch, *words) == 2
    assert 'give --out, --json, or both' in capsys.readouterr().err
    assert run_demo(monkeypatch, tmp_path / 'gone.mp4', *words[1:], '--json', tmp_path / 'a.jsonl') == 2
    error = capsys.readouterr().err
    assert 'there is no such film' in error
    assert 'Traceback' not in error

"""A picture is prepared once for all its sentences, and each sentence gets what it got alone."""

import numpy as np
import torch
from mmengine.dataset import Compose
from mmengine.registry import TRANSFORMS
from shipped_configs import read

from mmvg.apis.preparing import QuestionPipeline, answering_pipeline, data_item

SENTENCES = ['the red ring', 'both stars', 'the left one']


def pictures():
    rng = np.random.default_rng(0)
    return [rng.integers(0, 256, size, dtype=np.uint8) for size in ((48, 64, 3), (70, 50, 3))]


def counted(pipeline):
    calls = []
    for step in pipeline.transforms:
        run = step.transform
        name = type(step).__name__
        step.transform = lambda results, run=run, name=name: calls.append(name) or run(results)
    return calls


def test_each_sentence_gets_what_it_got_alone(refshapes_tiny):
    for system in ('instancevg', 'cris'):
        cfg = read(f'{system}/tiny.py', f'vocab_file={refshapes_tiny}/vocab.txt')
        pipeline = answering_pipeline(cfg)
        questions = [
            (2 * i + j, 'a.jpg', text, p) for i, p in enumerate(pictures()) for j, text in enumerate(SENTENCES)
        ]
        prepare = QuestionPipeline(pipeline)
        for question in questions:
            together, alone = prepare(*question), pipeline(data_item(*question))
            assert torch.equal(together['inputs'], alone['inputs'])
            one, other = together['data_samples'], alone['data_samples']
            assert one.keys() == other.keys()
            assert torch.equal(one.input_ids, other.input_ids)
            assert one.metainfo.keys() == other.metainfo.keys()
            for key, value in one.metainfo.items():
                assert np.array_equal(value, other.metainfo[key]), key


def test_the_picture_is_resized_once_and_sentences_are_read_one_by_one(refshapes_tiny):
    pipeline = answering_pipeline(read('instancevg/tiny.py', f'vocab_file={refshapes_tiny}/vocab.txt'))
    calls, prepare = counted(pipeline), QuestionPipeline(pipeline)
    for number, text in enumerate(SENTENCES):
        prepare(number, 'a.jpg', text, pictures()[0] if number == 0 else prepare._last[0])
    assert calls.count('Resize') == 1
    assert calls.count('Tokenize') == calls.count('PackGroundingInputs') == 3


def test_steps_that_may_read_the_sentence_run_for_each(refshapes_tiny):
    @TRANSFORMS.register_module(force=True)
    class Dims:
        def __call__(self, results):
            results['img'] //= len(results['text'])
            return results

    resize = dict(type='mmvg.Resize', scale=(16, 16), keep_ratio=False)
    picture = np.full((8, 8, 3), 240, np.uint8)
    for steps, resized in (([Dims(), resize], 0), ([resize, Dims()], 1)):
        prepare = QuestionPipeline(Compose(steps))
        assert len(prepare.of_picture.transforms) == resized
        found = [prepare(0, 'a.jpg', text, picture)['img'].max() for text in ('ab', 'abc', 'ab')]
        assert found == [120, 80, 120]
    assert (picture == 240).all()

import json
from pathlib import Path

import pytest
import torch

from mmvg import apis
from mmvg.analysis.latency import PHASES, Timing, dummy_batch, measure_latency
from mmvg.apis.benchmark import benchmark
from mmvg.cli import main
from mmvg.registry import MODELS

CONFIGS = Path(__file__).parents[2] / 'configs'


@pytest.fixture
def cfg(refshapes_tiny):
    """The tiny InstanceVG with its vocabulary."""
    return apis.load_config(str(CONFIGS / 'instancevg/tiny.py'), dict(vocab_file=str(refshapes_tiny / 'vocab.txt')))


class SlowPostprocess:
    """Takes ten times as long as the clock ticks, and passes on what it is asked for."""

    score_thr = 0.3

    def __init__(self, clock):
        self.clock = clock

    def __call__(self, outputs, samples):
        self.clock.now += 10
        return samples


class CountedModel(torch.nn.Module):
    """Moves a clock by 2 when it prepares and by 100 when it runs, 10 of which after the network."""

    def __init__(self, clock):
        super().__init__()
        self.clock = clock
        self.head = torch.nn.Module()
        self.head.postprocess = SlowPostprocess(clock)
        self.answers = 0

    def data_preprocessor(self, data, training):
        assert not training
        self.clock.now += 2
        return data

    def forward(self, inputs, data_samples, mode):
        assert mode == 'predict'
        assert torch.is_inference_mode_enabled()
        self.answers += 1
        self.clock.now += 90
        assert self.head.postprocess.score_thr == 0.3
        return self.head.postprocess(inputs, data_samples)


class Clock:
    now = 0.0

    def __call__(self):
        return self.now


def test_every_phase_gets_its_own_time(monkeypatch):
    clock = Clock()
    monkeypatch.setattr('mmvg.analysis.latency.time.perf_counter', clock)
    model = CountedModel(clock)
    own = model.head.postprocess

    def prepare():
        clock.now += 3
        return dict(inputs=None, data_samples=[])

    found = measure_latency(model, prepare, warm_up=2, repetitions=4)
    assert tuple(found) == PHASES
    assert {phase: timing.seconds for phase, timing in found.items()} == {
        'preprocessing': (5.0,) * 4,
        'network': (90.0,) * 4,
        'post-processing': (10.0,) * 4,
        'total': (105.0,) * 4,
    }
    assert model.answers == 6
    assert model.head.postprocess is own  # as it was


def test_percentiles_are_of_the_repetitions():
    timing = Timing(tuple(range(1, 101)))
    assert (timing.mean, timing.percentile(50), timing.percentile(95)) == (50.5, 50.5, pytest.approx(95.05))


@pytest.mark.parametrize('system', ['instancevg', 'lggd', 'lavt'])
def test_a_batch_without_a_tokenizer_is_answered(system):
    cfg = apis.load_config(str(CONFIGS / system / 'tiny.py'))
    model = MODELS.build(cfg.model).eval()
    (first, _) = model.test_step(dummy_batch(cfg, 2, (50, 40)))
    mask = first.pred_sem_seg.sem_seg
    assert mask.shape == (1, 40, 50)


def test_a_model_is_timed_with_its_own_pipeline(cfg):
    found, remarks = benchmark(cfg, batch=2, device='cpu', picture=(64, 48), warm_up=0, repetitions=2)
    for phase in PHASES:
        assert len(found[phase].seconds) == 2
        assert found[phase].mean > 0
    assert found['total'].mean >= found['network'].mean + found['post-processing'].mean
    assert ['random' in remark for remark in remarks] == [True]


def test_without_the_files_of_a_tokenizer_preprocessing_is_left_out_and_that_is_said():
    cfg = apis.load_config(str(CONFIGS / 'instancevg/tiny.py'), dict(vocab_file='lost.txt'))
    found, remarks = benchmark(cfg, device='cpu', picture=(64, 48), warm_up=0, repetitions=1)
    assert found['network'].mean > 0
    assert 'preprocessing is left out' in remarks[1]
    assert 'lost.txt' in remarks[1]
    with pytest.raises(FileNotFoundError, match='nowhere'):
        benchmark(cfg, 'nowhere.pth', device='cpu')


def test_the_command_prints_a_table_and_writes_all_times(refshapes_tiny, tmp_path, capsys):
    out = tmp_path / 'times/latency.json'
    main(
        [
            *(
                'benchmark',
                str(CONFIGS / 'lggd/tiny.py'),
                '--device',
                'cpu',
                '--batch',
                '2',
                '--amp',
                '--picture',
                '64',
                '48',
            ),
            *('--warm-up', '0', '--repetitions', '2', '--out', str(out)),
            *('--cfg-options', f'vocab_file={refshapes_tiny / "vocab.txt"}'),
        ]
    )
    printed = capsys.readouterr().out
    for word in (*PHASES, 'p95', 'pictures a second', 'MiB at most (the process)', 'bf16'):
        assert word in printed
    written = json.loads(out.read_text())
    assert written['batch'] == 2
    assert [len(written['seconds'][phase]) for phase in PHASES] == [2] * 4
    assert written['peak_bytes'] > 2**20

"""docs/metrics.md names what exists."""

import re
from pathlib import Path

import pytest

import mmvg
from mmvg.evaluation.metrics import (
    CGF1Metric,
    ConfidenceMetric,
    CoverAcc,
    GraspMetric,
    GraspSuccessMetric,
    GRECMetric,
    GRESMetric,
    HumanRefMetric,
    InstanceF1Metric,
    PhraseCutMetric,
    PrecisionAtKMetric,
    RECMetric,
    RefL4Metric,
    RefZOMMetric,
    RESMetric,
    RRefMetric,
    VerdictMetric,
)
from mmvg.registry import METRICS

PAGE = (Path(mmvg.__file__).parents[1] / 'docs' / 'metrics.md').read_text()
PROTOCOLS = {}
exec(re.search(r'```python\n(.*?)```', PAGE, re.DOTALL)[1], PROTOCOLS)
PROTOCOLS = {name: cfg for name, cfg in PROTOCOLS.items() if not name.startswith('__')}


@pytest.mark.parametrize('name', PROTOCOLS)
def test_every_protocol_of_the_page_can_be_built(name):
    metric = METRICS.build(dict(PROTOCOLS[name]))
    for option, value in PROTOCOLS[name].items():
        assert option == 'type' or getattr(metric, option) == value


def test_the_comparison_table_and_the_code_name_the_same_protocols():
    table = PAGE.split('## To compare with a paper')[1].split('```')[0]
    named = {name for row in table.splitlines() if row.startswith('| ') for name in re.findall(r'`(\w+)`', row)}
    assert named - {'crowd', 'mask_rule'} == set(PROTOCOLS) - {'cover_instancevg'}


@pytest.mark.parametrize(
    'metric',
    [
        RECMetric,
        RESMetric,
        GRECMetric,
        GRESMetric,
        RefZOMMetric,
        RRefMetric,
        PhraseCutMetric,
        GraspMetric,
        GraspSuccessMetric,
        CGF1Metric,
        InstanceF1Metric,
        PrecisionAtKMetric,
        VerdictMetric,
        ConfidenceMetric,
        RefL4Metric,
        HumanRefMetric,
        CoverAcc,
    ],
)
def test_every_key_of_a_result_is_on_the_page(metric):
    keys = metric().evaluate(0)
    start = PAGE.index(f'| `{metric.__name__}`')
    rows = PAGE[start : PAGE.index('\n\n', start)]
    for key in keys:
        name = key.split('/')[1]
        assert name in rows or name.split('@')[0] + '@...' in rows or name in ('P@0.6', 'P@0.7', 'P@0.8', 'num_samples')

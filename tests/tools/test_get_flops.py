"""``tools/analysis_tools/get_flops.py`` prints the rows of Table 16 (arXiv:2509.13747) to the last digit."""

import re
import runpy
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


@pytest.mark.slow
def test_rows_of_table_16_come_out_as_printed(monkeypatch, capsys):
    config = ROOT / 'configs/instancevg/refcoco.py'
    monkeypatch.setattr(sys, 'argv', ['get_flops.py', str(config)])
    runpy.run_path(str(ROOT / 'tools/analysis_tools/get_flops.py'), run_name='__main__')
    truth, table16 = capsys.readouterr().out.split('As Table 16')
    cells = {
        line[0].strip(): [cell.strip() for cell in line[1:]]
        for line in (re.findall(r'[│](.*?)(?=[│])', line) for line in table16.splitlines())
        if line
    }
    parameters = {row: cells[row][1] for row in cells}
    assert parameters == {
        'encoder': '170.89',
        '+ SimFPN': '3.42',
        '+ APD': '2.94',
        '+ UNet': '5.31',
        '+ PIPH': '0.13',
        'total': '182.69',
    }
    macs = {row: float(cells[row][2]) for row in cells}
    assert (macs['encoder'], macs['total']) == (36.10, 59.42)
    assert macs['+ SimFPN'] + macs['+ APD'] == pytest.approx(3.92 + 3.67)  # only the sum can be reproduced
    assert macs['+ UNet'] == pytest.approx(14.86, abs=0.03)  # 14.88 with BatchNorm
    assert macs['+ PIPH'] == pytest.approx(0.87, abs=0.03)  # as the total of the paper implies; it prints 1.13
    # each learnable tensor once; the authors' 234,334,412 have 264,705 more without effect
    assert '234,069,707' in truth
    assert '39.26' in truth

"""One run at a time in a work dir."""

import subprocess
import sys

import pytest

from mmvg.engine.errors import RunError
from mmvg.engine.work_dir_lock import work_dir_lock

HOLD = """
import sys
from mmvg.engine.work_dir_lock import work_dir_lock
with work_dir_lock(sys.argv[1]):
    print("held", flush=True)
    sys.stdin.read()
"""


def test_a_second_run_is_refused_until_the_first_is_gone_even_by_kill(tmp_path):
    first = subprocess.Popen(
        [sys.executable, '-c', HOLD, str(tmp_path)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    assert 'held\n' in iter(first.stdout.readline, '')
    with (
        pytest.raises(
            RunError, match=f'process {first.pid} on .* trains there; give this run another --work-dir'
        ) as end,
        work_dir_lock(tmp_path),
    ):
        pass
    assert end.value.exit_code == 2
    first.kill()
    first.wait()
    with work_dir_lock(tmp_path):
        pass
    with work_dir_lock(tmp_path):  # given back
        pass

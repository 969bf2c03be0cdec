"""The pages whose code is run, block by block, as a reader would."""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[1]


def test_the_page_on_custom_data(tmp_path):
    for name in ('configs', 'tools', 'demo'):
        shutil.copytree(ROOT / name, tmp_path / name)
    page = (ROOT / 'docs/custom_data.md').read_text()
    blocks = re.findall(r'^```(python config|python|bash)\n(.*?)^```', page, re.DOTALL | re.MULTILINE)
    assert [kind for kind, _ in blocks] == ['python', 'bash', 'python config', 'bash', 'bash', 'bash']
    environment = dict(os.environ, OMP_NUM_THREADS='1', PATH=f'{Path(sys.executable).parent}:{os.environ["PATH"]}')
    for kind, code in blocks:
        if kind == 'python config':
            (tmp_path / 'configs/custom').mkdir()
            (tmp_path / 'configs/custom/mine.py').write_text(code)
            continue
        command = [sys.executable, '-c', code] if kind == 'python' else ['bash', '-euo', 'pipefail', '-c', code]
        done = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True, check=False)
        assert done.returncode == 0, f'{code}\n{done.stdout[-2000:]}\n{done.stderr[-3000:]}'
    assert len(list((tmp_path / 'work_dirs/mine/answers').iterdir())) == 1
    assert (tmp_path / 'work_dirs/mine/browse/browse.png').is_file()
    assert len((tmp_path / 'data/mine/again.jsonl').read_text().splitlines()) == 16

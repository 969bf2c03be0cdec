import subprocess
import sys


def test_importing_the_tokenizers_loads_none_of_their_libraries():
    check = (
        'import sys; import mmvg.datasets.tokenizers; '
        "print([m for m in ('transformers', 'tokenizers', 'open_clip', 'sentencepiece') if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, '-c', check], capture_output=True, text=True, check=True)
    assert done.stdout.strip().splitlines()[-1] == '[]'

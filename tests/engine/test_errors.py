"""What torch says of a lost process is told in a sentence."""

import pytest

from mmvg.engine.errors import explain_loss


@pytest.mark.parametrize(
    ('text', 'meaning'),
    [
        ('DataLoader worker (pid 77) is killed by signal: Killed. ', 'process 77) was killed (Killed)'),
        ('DataLoader worker (pid(s) 77, 78) exited unexpectedly', 'process 77, 78) has ended'),
        (
            'DataLoader worker (pid 77) is killed by signal: Bus error. It is possible that they are out of memory',
            '/dev/shm',
        ),
        ('unable to allocate shared memory(shm) for file </torch_1>: No space left on device (28)', '/dev/shm'),
        ('[../gloo/transport/tcp/pair.cc:538] Connection closed by peer [127.0.0.1]:7177', 'it has died'),
        ('shape mismatch: 3 and 4', None),
    ],
)
def test_the_cause_is_named(text, meaning):
    found = explain_loss(RuntimeError(text))
    assert found is None if meaning is None else meaning in found


def wrapped(error, told):
    """``told``, raised while ``error`` is handled."""
    try:
        try:
            raise error
        except type(error):
            raise told  # noqa: B904 - as mmengine does
    except type(told) as caught:
        return caught


def test_the_cause_is_found_behind_what_a_library_made_of_it():
    """Torch raises from a signal handler, thus anywhere: mmengine calls it a mistake in the config it was writing."""
    told = SyntaxError('Failed to format the config file')
    assert explain_loss(told) is None
    killed = RuntimeError('DataLoader worker (pid 77) is killed by signal: Killed. ')
    assert 'process 77) was killed' in explain_loss(wrapped(killed, told))

import pytest
from mmengine.registry import DefaultScope


@pytest.fixture(autouse=True)
def leave_no_default_scope():
    """A Runner sets MMEngine's default scope for the whole process; the next test must not look names up in it."""
    DefaultScope._instance_dict.clear()
    yield
    DefaultScope._instance_dict.clear()

"""Tests that are marked ``faults`` run only where they are asked for: ``make test-faults``."""


def pytest_collection_modifyitems(config, items):
    if 'faults' not in (config.option.markexpr or ''):
        left_out = [item for item in items if item.get_closest_marker('faults')]
        config.hook.pytest_deselected(items=left_out)
        items[:] = [item for item in items if item not in left_out]

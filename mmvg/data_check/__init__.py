"""Find what is wrong with data before a training does: all of it, with file, record and what to do."""

from mmvg.data_check.check import CheckResult, CountRow, check_config_data, check_folder, check_format
from mmvg.data_check.findings import Finding, FindingReport
from mmvg.data_check.released import compare_with_released

__all__ = [
    'CheckResult',
    'CountRow',
    'Finding',
    'FindingReport',
    'check_config_data',
    'check_folder',
    'check_format',
    'compare_with_released',
]

"""Finding out what is wrong with data before a training does."""

from mmvg.data_check.doctor import Diagnosis, check_config, check_folder
from mmvg.data_check.findings import Finding, FindingReport
from mmvg.data_check.released import compare_with_released

__all__ = ['Diagnosis', 'Finding', 'FindingReport', 'check_config', 'check_folder', 'compare_with_released']

"""Write tables in the on-disk formats of grasp data sets, so that their own readers read them.

A new format is a class like :class:`TableWriter` and a line in ``TABLE_WRITERS``.
"""

from .finished_table import FinishedTable
from .grasp_anything import GraspAnythingTables
from .json_lines import JSONLinesTables
from .ocid_vlg import OCIDVLGTables
from .table_writer import TableWriter

TABLE_WRITERS: dict[str, type[TableWriter]] = {
    'ocid_vlg': OCIDVLGTables,
    'grasp_anything': GraspAnythingTables,
    'jsonl': JSONLinesTables,
}

__all__ = ['TABLE_WRITERS', 'FinishedTable', 'GraspAnythingTables', 'JSONLinesTables', 'OCIDVLGTables', 'TableWriter']

"""RefScenes: tables with objects, settled and rendered by MuJoCo, with sentences and grasps that were tried.

Needs the extra ``sim``; MuJoCo is imported when something is simulated.
"""

from .backend import NoRendererError, load_mujoco
from .grasps import TableGrasp, tried_grasps
from .gripper import LiftTrial, LiftTrials, finger_pose, lift_trial
from .kinds import HANDLED, KINDS
from .layout import draw_table
from .objects import SceneCamera, TableObject
from .render import TableView, paint, view_of
from .scene import LAYOUTS, TableScene, render_table
from .sentences import TableSentence

__all__ = [
    'HANDLED',
    'KINDS',
    'LAYOUTS',
    'LiftTrial',
    'LiftTrials',
    'NoRendererError',
    'SceneCamera',
    'TableGrasp',
    'TableObject',
    'TableScene',
    'TableSentence',
    'TableView',
    'draw_table',
    'finger_pose',
    'lift_trial',
    'load_mujoco',
    'paint',
    'render_table',
    'tried_grasps',
    'view_of',
]

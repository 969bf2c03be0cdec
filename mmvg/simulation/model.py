"""Make MuJoCo models: the whole table for pictures and robots, and small ones without a look for physics alone."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from scipy.spatial.transform import Rotation

from mmvg.apis.grasp import PinholeCamera

from .appearance import Look, cube_texture, table_texture, tint_colour
from .backend import load_mujoco
from .objects import SceneCamera, TableObject
from .pieces import lathe_mesh

TABLE_SIZE = (0.9, 0.7, 0.04)  # metres
_FLOOR = -0.75
SEEN_GROUP, SOLID_GROUP = 0, 3  # groups of geoms; the second one is not rendered
_FRICTION = (0.7, 0.01, 0.0006)
CAMERA = 'scene'


def new_spec(timestep: float = 0.002) -> Any:
    """An empty ``MjSpec`` with the options of all our models."""
    mujoco = load_mujoco()
    spec = mujoco.MjSpec()
    spec.option.timestep = timestep
    spec.option.integrator = mujoco.mjtIntegrator.mjINT_IMPLICITFAST
    spec.option.cone = mujoco.mjtCone.mjCONE_ELLIPTIC
    spec.option.impratio = 10
    spec.compiler.autolimits = True
    return spec


def table_spec(objects: Sequence[TableObject], camera: SceneCamera, look: Look) -> Any:
    """The whole table, see :meth:`mmvg.simulation.TableScene.mjcf`."""
    mujoco = load_mujoco()
    spec = new_spec()
    spec.stat.extent, spec.stat.center = 1.0, (0, 0, 0)
    spec.visual.map.znear, spec.visual.map.zfar = 0.02, 8.0
    spec.visual.quality.shadowsize, spec.visual.quality.offsamples = 1024, 4
    spec.visual.headlight.ambient = 3 * [look.ambient]
    spec.visual.headlight.diffuse = spec.visual.headlight.specular = (0.06, 0.06, 0.06)
    k = camera.intrinsics
    spec.visual.global_.offwidth, spec.visual.global_.offheight = max(k.width, 640), max(k.height, 480)
    for light in look.lights:
        where = np.array(light.position)
        spec.worldbody.add_light(
            pos=where,
            dir=-where / np.linalg.norm(where),
            diffuse=light.brightness * np.array(light.warmth),
            specular=3 * [0.5 * light.brightness],
            ambient=(0, 0, 0),
            castshadow=light.shadow,
            cutoff=60,
            exponent=1,
        )
    texture = table_texture(look)
    _add_texture(spec, 'table', texture, mujoco.mjtTexture.mjTEXTURE_2D, texture.shape[0])
    _add_material(spec, 'table', 'table', shine=0.2 * look.shine)
    add_table(spec, material='table')
    floor = spec.worldbody.add_geom(
        name='floor', type=mujoco.mjtGeom.mjGEOM_PLANE, size=(3, 3, 0.1), pos=(0, 0, _FLOOR)
    )
    floor.rgba, floor.contype, floor.conaffinity = (0.32, 0.31, 0.30, 1), 1, 1
    add_camera(spec, camera)
    for index, thing in enumerate(objects):
        add_object(spec, thing, index, look=look)
    return spec


def add_table(spec: Any, material: str | None = None) -> None:
    """Add the table, whose top lies at z = 0."""
    mujoco = load_mujoco()
    half = np.array(TABLE_SIZE) / 2
    geom = spec.worldbody.add_geom(name='table', type=mujoco.mjtGeom.mjGEOM_BOX, size=half, pos=(0, 0, -half[2]))
    geom.friction, geom.solref = _FRICTION, (0.01, 1)
    if material:
        geom.material = material


def add_camera(spec: Any, camera: SceneCamera) -> None:
    """Add the camera ``scene`` with its intrinsics."""
    pose = camera.camera_to_table
    turn = pose[:3, :3] @ np.diag([1.0, -1.0, -1.0])  # MuJoCo's cameras look along -z, y up
    set_intrinsics(spec.worldbody.add_camera(name=CAMERA, pos=pose[:3, 3], quat=to_quat(turn)), camera.intrinsics)


def set_intrinsics(seen: Any, k: PinholeCamera) -> None:
    """Give a camera of a ``mujoco.MjSpec`` the intrinsics ``k``."""
    seen.resolution = (k.width, k.height)
    seen.sensor_size = (k.width * 1e-5, k.height * 1e-5)
    seen.focal_pixel = (k.fx, k.fy)
    # our (0, 0) is the centre of the first pixel; MuJoCo says by how much the middle of the picture is off the axis
    seen.principal_pixel = (k.width / 2 - k.cx - 0.5, k.height / 2 - k.cy - 0.5)


def add_object(spec: Any, thing: TableObject, index: int, look: Look | None = None, free: bool = True) -> None:
    """Add a body ``object_<index>`` at its pose.

    Args:
        spec: Of the model.
        thing: The object.
        index: Its number.
        look: What it is lit by; without one, only what is solid is added.
        free: It may move; otherwise it is fixed where it is.
    """
    body = spec.worldbody.add_body(name=f'object_{index}', pos=thing.pose[:3, 3], quat=to_quat(thing.pose[:3, :3]))
    if free:
        body.add_freejoint(name=f'object_{index}')
    volume = sum(piece.volume for piece in thing.pieces if piece.solid)
    types = _geom_types()
    for number, piece in enumerate(thing.pieces):
        if not piece.solid and (look is None or not piece.seen):
            continue
        geom = body.add_geom(name=f'object_{index}_{number}', type=types[piece.shape])
        geom.pos, geom.quat = piece.position, to_quat(piece.rotation)
        if piece.shape == 'lathe':
            geom.meshname = _add_mesh(spec, f'object_{index}_{number}', piece.profile)
        else:
            geom.size = (*piece.size, 0.0)[:3]
        if piece.solid:
            geom.mass = thing.mass * piece.volume / volume
            geom.friction, geom.condim, geom.solref = _FRICTION, 6 if thing.rolls else 4, (0.01, 1)
        else:
            geom.mass, geom.contype, geom.conaffinity = 0, 0, 0
        if look is not None:
            geom.group = SEEN_GROUP if piece.seen else SOLID_GROUP
            geom.material = _material_of(spec, thing, index, piece.tint, look.shine)


def to_quat(rotation: np.ndarray) -> np.ndarray:
    """(4,) w, x, y, z of a rotation (3, 3)."""
    return Rotation.from_matrix(rotation).as_quat()[[3, 0, 1, 2]]


def _geom_types() -> dict[str, Any]:
    kinds = load_mujoco().mjtGeom
    return {
        'box': kinds.mjGEOM_BOX,
        'cylinder': kinds.mjGEOM_CYLINDER,
        'capsule': kinds.mjGEOM_CAPSULE,
        'ellipsoid': kinds.mjGEOM_ELLIPSOID,
        'lathe': kinds.mjGEOM_MESH,
    }


def _add_mesh(spec: Any, name: str, profile: tuple[tuple[float, float], ...]) -> str:
    """Add the mesh of a lathe, and return its name."""
    mujoco = load_mujoco()
    vertices, triangles = lathe_mesh(profile)
    mesh = spec.add_mesh(name=name)
    mesh.uservert, mesh.userface = vertices.ravel(), triangles.ravel()
    mesh.inertia = mujoco.mjtMeshInertia.mjMESH_INERTIA_SHELL
    return name


def _material_of(spec: Any, thing: TableObject, index: int, tint: str, shine: float) -> str:
    """The name of the material of a tint on an object; it is added when it is new."""
    mujoco = load_mujoco()
    name = f'object_{index}_{tint}'
    if any(material.name == name for material in spec.materials):
        return name
    if thing.pattern != 'plain' and tint in ('main', 'dark'):
        pixels = cube_texture(thing.pattern, thing.colour, thing.shade, tint)
        _add_texture(spec, name, pixels, mujoco.mjtTexture.mjTEXTURE_CUBE, pixels.shape[1])
        _add_material(spec, name, name, shine)
    else:
        _add_material(spec, name, None, shine, tint_colour(tint, thing.colour, thing.shade))
    return name


def _add_texture(spec: Any, name: str, pixels: np.ndarray, kind: Any, width: int) -> None:
    texture = spec.add_texture(name=name, type=kind, nchannel=3, width=width, height=pixels.shape[0])
    texture.data = pixels.tobytes()


def _add_material(spec: Any, name: str, texture: str | None, shine: float, rgb: np.ndarray | None = None) -> None:
    mujoco = load_mujoco()
    material = spec.add_material(name=name, specular=shine, shininess=0.4, reflectance=0)
    if texture:
        textures = list(material.textures)
        textures[mujoco.mjtTextureRole.mjTEXROLE_RGB] = texture
        material.textures = textures
    if rgb is not None:
        material.rgba = (*rgb, 1.0)

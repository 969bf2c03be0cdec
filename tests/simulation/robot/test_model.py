import numpy as np
import pytest

from mmvg.simulation.robot.model import HAND_EYE, JOINTS, STROKE, TCP_HEIGHT, arm_model, robot_spec

pytestmark = pytest.mark.usefixtures('arm')


def compiled(robot='iiwa'):
    import mujoco

    spec, gripper = robot_spec(robot)
    model = spec.compile()
    data = mujoco.MjData(model)
    mujoco.mj_forward(model, data)
    return model, data, gripper


def test_links_and_ranges_are_those_of_the_data_sheet():
    _, data, _ = compiled()
    assert data.site('flange').xpos == pytest.approx([0, 0, 0.36 + 0.42 + 0.40 + 0.126])  # stretched out, upright
    assert data.site('tcp').xpos[2] - data.site('flange').xpos[2] == pytest.approx(TCP_HEIGHT)
    model = arm_model()
    ranges = np.rad2deg([model.joint(name).range for name in JOINTS])
    assert ranges[:, 1] == pytest.approx([170, 120, 170, 120, 170, 120, 175])
    assert ranges[:, 0] == pytest.approx(-ranges[:, 1])


def test_bending_the_shoulder_and_the_elbow_leads_forwards():
    import mujoco

    model = arm_model()
    data = mujoco.MjData(model)
    data.qpos[[1, 3, 5]] = np.deg2rad([45, -90, 45])  # upper arm up and ahead, forearm down and ahead, gripper down
    mujoco.mj_forward(model, data)
    reach = (0.42 + 0.40) * np.sqrt(0.5)
    height = 0.36 + (0.42 - 0.40) * np.sqrt(0.5) - 0.126 - TCP_HEIGHT
    assert data.site('tcp').xpos == pytest.approx([reach, 0, height], abs=1e-6)
    assert data.site('tcp').xmat.reshape(3, 3)[:, 2] == pytest.approx([0, 0, -1], abs=1e-6)


def test_the_pads_are_as_far_apart_as_the_control_says():
    import mujoco

    model, data, gripper = compiled()
    for opening in (STROKE, 0.03):
        data.ctrl[model.actuator(gripper.actuator).id] = gripper.control(opening)
        for _ in range(400):
            mujoco.mj_step(model, data)
        left, right = (data.geom(f'2f85/{side}_pad').xpos for side in ('left', 'right'))
        assert np.linalg.norm(left - right) - 0.008 == pytest.approx(opening, abs=1e-3)  # pads are 8 mm thick
    across = data.site('tcp').xmat.reshape(3, 3)[:, 0]
    assert abs((right - left) / np.linalg.norm(right - left) @ across) == pytest.approx(1, abs=1e-3)


def test_the_camera_is_where_the_hand_eye_matrix_says():
    _, data, _ = compiled()
    camera, flange = data.camera('wrist_camera'), data.site('flange')
    assert camera.xpos == pytest.approx(flange.xpos + flange.xmat.reshape(3, 3) @ HAND_EYE[:3, 3])
    assert -camera.xmat.reshape(3, 3)[:, 2] == pytest.approx(flange.xmat.reshape(3, 3) @ HAND_EYE[:3, 2])


def test_the_menagerie_is_attached_by_its_names(tmp_path, monkeypatch):
    pytest.importorskip('mujoco_menagerie')
    joints = ''.join(f'<body name="link{n}"><joint name="joint{n}" range="-2 2"/><geom size="0.05" pos="0 0 {n}"/>'
                     for n in range(1, 8))  # fmt: skip
    motors = ''.join(f'<position name="actuator{n}" joint="joint{n}" kp="10" kv="1"/>' for n in range(1, 8))
    write(
        tmp_path / 'kuka_iiwa_14/iiwa14.xml',
        f"""<mujoco><compiler autolimits="true" angle="radian"/><worldbody>
        <body name="base">{joints}<site name="attachment_site" pos="0 0 0.1"/>{'</body>' * 7}</body></worldbody>
        <actuator>{motors}</actuator></mujoco>""",
    )
    write(
        tmp_path / 'robotiq_2f85/2f85.xml',
        """<mujoco><compiler autolimits="true" angle="radian"/><worldbody>
        <body name="base_mount"><geom size="0.03"/>
        <body name="left_pad" pos="0 -0.04 0.14"><joint name="left_driver_joint" type="slide" axis="0 1 0"
        range="0 0.04"/><geom type="box" size="0.01 0.004 0.01"/></body>
        <body name="right_pad" pos="0 0.04 0.14"><geom type="box" size="0.01 0.004 0.01"/></body></body></worldbody>
        <actuator><general name="fingers_actuator" joint="left_driver_joint"/></actuator></mujoco>""",
    )
    monkeypatch.setenv('MENAGERIE_ROOT', str(tmp_path))
    model, data, gripper = compiled('menagerie')
    assert gripper.control(STROKE) == 0
    assert gripper.control(0) == 255
    between = data.body(gripper.pads[1]).xpos - data.body(gripper.pads[0]).xpos
    assert data.site('tcp').xmat.reshape(3, 3)[:, 0] @ between == pytest.approx(0.08)  # opens along x
    assert model.actuator(gripper.actuator).id >= 0


def write(path, text):
    path.parent.mkdir(parents=True)
    path.write_text(text)


@pytest.mark.parametrize('variable', ['MENAGERIE_ROOT', 'MENAGERIE_CACHE_DIR'])
def test_a_menagerie_that_is_not_there_is_named_and_not_downloaded(variable, tmp_path, monkeypatch):
    pytest.importorskip('mujoco_menagerie')
    monkeypatch.delenv('MENAGERIE_ROOT', raising=False)
    monkeypatch.setenv(variable, str(tmp_path / 'models'))
    monkeypatch.setattr('urllib.request.urlopen', lambda *_, **__: pytest.fail('a download was begun'))
    with pytest.raises(FileNotFoundError, match=f'{tmp_path}.*MENAGERIE_ROOT.*prefetch kuka_iiwa_14'):
        robot_spec('menagerie')

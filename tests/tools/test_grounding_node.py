"""The node in a small stand-in for rclpy, whose messages are those that ``rosbags`` knows."""

import json
import sys
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path
from types import ModuleType, SimpleNamespace

import pytest

pytest.importorskip('rosbags')

from camera_messages import FRAME, KnowingModel, camera_info, colours, depths

from mmvg.apis.grasp_bag import messages_of, ros_message

FILE = Path(__file__).parents[2] / 'tools/ros/grounding_node.py'
TYPESTORE = messages_of()


class FakeNode:
    """What the node needs of ``rclpy.node.Node``: parameters, topics, services, a clock and a log."""

    overrides: dict = {}

    def __init__(self, name):
        self.name, self.parameters = name, {}
        self.subscriptions, self.services, self.published, self.log = {}, {}, [], []

    def declare_parameter(self, name, default):
        value = self.overrides.get(name, default)
        assert type(value) is type(default)  # as ROS demands
        self.parameters[name] = SimpleNamespace(value=value)
        return self.parameters[name]

    def get_parameter(self, name):
        return self.parameters[name]

    def create_subscription(self, kind, topic, callback, qos):
        self.subscriptions[topic] = (kind, callback)

    def create_publisher(self, kind, topic, qos):
        return SimpleNamespace(publish=lambda message: self.published.append((topic, kind, message.value)))

    def create_service(self, kind, name, callback):
        self.services[name] = callback

    def get_clock(self):
        return SimpleNamespace(now=lambda: SimpleNamespace(nanoseconds=10_300_000_000))

    def get_logger(self):
        return SimpleNamespace(**dict.fromkeys(('info', 'warning', 'error'), self.log.append))


class FakeBuffer:
    """Knows that the camera looks down from a metre above the base, or nothing."""

    knows = True

    def lookup_transform(self, target, source, time, timeout):
        if not self.knows:
            raise LookupError('no such frame')
        assert (target, source, time) == ('base', FRAME, dict(seconds=10, nanoseconds=0))
        turn = SimpleNamespace(x=1.0, y=0.0, z=0.0, w=0.0)
        return SimpleNamespace(
            transform=SimpleNamespace(translation=SimpleNamespace(x=0.4, y=0.1, z=1.0), rotation=turn)
        )


def message_kind(package, name):
    return type(name, (SimpleNamespace,), dict(full_name=f'{package}/msg/{name}'))


def set_message_fields(message, fields):
    message.value = ros_message(TYPESTORE, message.full_name, fields)


@pytest.fixture
def start(monkeypatch):
    """Function: the node with parameters, as ``--ros-args -p name:=value`` gives them."""
    msgs = {
        'geometry_msgs': ('PoseStamped',),
        'sensor_msgs': ('CameraInfo', 'Image'),
        'std_msgs': ('String',),
        'vision_msgs': ('Detection2DArray', 'Detection3DArray'),
    }
    fakes = {
        'rclpy': {},
        'rclpy.duration': dict(Duration=lambda **span: span),
        'rclpy.executors': dict(ExternalShutdownException=KeyboardInterrupt, MultiThreadedExecutor=None),
        'rclpy.node': dict(Node=FakeNode),
        'rclpy.qos': dict(qos_profile_sensor_data='sensor data'),
        'rclpy.time': dict(Time=lambda **time: time),
        'rosidl_runtime_py': {},
        'rosidl_runtime_py.set_message': dict(set_message_fields=set_message_fields),
        'std_srvs.srv': dict(Trigger='std_srvs/srv/Trigger'),
        'tf2_ros': dict(Buffer=FakeBuffer, TransformException=LookupError, TransformListener=lambda *about: about),
    }
    fakes |= {
        f'{package}.msg': {name: message_kind(package, name) for name in names} for package, names in msgs.items()
    }
    fakes |= {name: {} for name in (*msgs, 'std_srvs')}
    for name, content in fakes.items():
        module = ModuleType(name)
        vars(module).update(content)
        monkeypatch.setitem(sys.modules, name, module)
    spec = spec_from_file_location('grounding_node', FILE)
    module = module_from_spec(spec)
    spec.loader.exec_module(module)
    monkeypatch.setattr(module, 'GroundingInferencer', lambda *about, **options: KnowingModel())

    def make(**parameters):
        monkeypatch.setattr(FakeNode, 'overrides', dict(model='lggd_refshapes') | parameters)
        node = module.GroundingNode()
        for topic, message in (('image', colours()), ('depth', depths()), ('camera_info', camera_info())):
            node.subscriptions[topic][1](message)
        return node

    return make


def find(node):
    return node.services['~/find'](None, SimpleNamespace(success=None, message=''))


def test_a_sentence_on_the_topic_is_answered_with_messages(start):
    node = start()
    node.subscriptions['~/sentence'][1](SimpleNamespace(data='the box'))
    (_, pose), (_, grasps), (_, boxes) = ((topic, message) for topic, _, message in node.published)
    assert [topic for topic, *_ in node.published] == ['~/grasp', '~/grasps', '~/detections']
    assert (pose.header.frame_id, pose.pose.position.z) == (FRAME, pytest.approx(0.6))
    assert len(grasps.detections) == 2
    assert boxes.detections[0].results[0].hypothesis.class_id == 'the box'
    assert node.log == ["'the box': 2 grasps"]


def test_the_service_answers_the_sentence_of_the_parameter(start):
    node = start(sentence='the box')
    response = find(node)
    assert response.success
    assert json.loads(response.message)['grasps'][0]['opening'] == pytest.approx(0.06)
    node.parameters['sentence'] = SimpleNamespace(value='the zebra')
    response = find(node)
    assert not response.success
    assert json.loads(response.message)['no_target']
    assert [topic for topic, *_ in node.published] == [
        *('~/grasp', '~/grasps', '~/detections'),
        *('~/grasps', '~/detections'),  # no pose of what is not there
    ]


def test_poses_are_given_in_the_base_where_tf2_knows_it(start, monkeypatch):
    node = start(sentence='the box', base_frame='base', approach='vertical')
    assert json.loads(find(node).message)['grasps'][0]['position'] == pytest.approx([0.4, 0.1, 0.4])
    assert node.published[0][2].header.frame_id == 'base'
    monkeypatch.setattr(FakeBuffer, 'knows', False)
    response = find(node)
    assert not response.success
    assert 'tf2 does not know how' in response.message


def test_a_problem_ends_the_sentence_and_not_the_node(start):
    node = start(sentence='the box', max_age=0.1)
    response = find(node)
    assert not response.success
    assert '0.3 s old' in response.message
    assert not node.published
    assert node.log == [f"'the box': {response.message}"]


def test_an_error_of_the_model_ends_the_sentence_and_not_the_node(start, monkeypatch):
    node = start(sentence='the box')

    def fail(*about):
        raise RuntimeError('CUDA out of memory')

    with monkeypatch.context() as patch:
        patch.setattr(node.service, 'ask', fail)
        response = find(node)
    assert (response.success, response.message) == (False, 'RuntimeError: CUDA out of memory')
    assert node.log == ["'the box': RuntimeError: CUDA out of memory"]
    assert find(node).success


def test_doubts_are_logged_as_warnings(start):
    node = start(sentence='the box')
    node.service._depths.clear()
    node.subscriptions['depth'][1](depths(metres=0))
    assert not find(node).success
    assert 'no pixel of the depth image' in node.log[0]


def test_a_node_without_a_model_says_so(start):
    with pytest.raises(ValueError, match='name a model'):
        start(model='')


def test_nothing_else_in_mmvg_imports_rclpy():
    root = FILE.parents[2]
    files = [*(root / 'mmvg').rglob('*.py'), *(root / 'tools').rglob('*.py')]
    assert [file for file in files if 'import rclpy' in file.read_text()] == [FILE]

"""A ROS 2 node that answers sentences with grasps: the only file of mmvg that imports rclpy.

    python tools/ros/grounding_node.py --ros-args -p model:=work_dirs/lggd/iter_1000.pth \\
        -r image:=/camera/color/image_raw -r depth:=/camera/aligned_depth_to_color/image_raw \\
        -r camera_info:=/camera/color/camera_info

A sentence comes in on the topic ``~/sentence``, or stands in the parameter ``sentence`` when the service ``~/find`` is
called. The messages are standard ones, so no package has to be built; docs/grasping.md lists them.
"""

import json
from typing import Any

import numpy as np
import rclpy
from geometry_msgs.msg import PoseStamped
from rclpy.duration import Duration
from rclpy.executors import ExternalShutdownException, MultiThreadedExecutor
from rclpy.node import Node
from rclpy.qos import qos_profile_sensor_data
from rclpy.time import Time
from rosidl_runtime_py.set_message import set_message_fields
from sensor_msgs.msg import CameraInfo, Image
from std_msgs.msg import String
from std_srvs.srv import Trigger
from tf2_ros import Buffer, TransformException, TransformListener
from vision_msgs.msg import Detection2DArray, Detection3DArray

from mmvg.apis import GroundingInferencer, run_command
from mmvg.apis.grasp_service import GraspReply, GraspService, GraspSettings, NotReadyError, transform_matrix

#: Parameter -> what it is where nothing is given. 0 for max_opening: any; '' for base_frame: poses are in the camera's.
PARAMETERS = {
    'model': '',
    'weights': '',
    'device': '',
    'sentence': '',
    'base_frame': '',
    'approach': 'camera',
    'min_score': 0.0,
    'max_opening': 0.0,
    'reach': 0.0,
    'rectified': False,
    'strict': False,
    'max_skew': 0.05,
    'max_age': 1.0,
}


class GroundingNode(Node):
    """Hands messages to a :class:`mmvg.apis.grasp_service.GraspService`, and what it replies to publishers."""

    def __init__(self) -> None:
        super().__init__('mmvg')
        given = {name: self.declare_parameter(name, default).value for name, default in PARAMETERS.items()}
        names = ('approach', 'min_score', 'reach', 'rectified', 'strict', 'max_skew', 'max_age')
        if not given['model']:
            raise ValueError('name a model: --ros-args -p model:=work_dirs/lggd/iter_1000.pth')
        settings = GraspSettings(
            max_opening=given['max_opening'] or None,
            base_frame=given['base_frame'],
            to_base=self.to_base if given['base_frame'] else None,
            **{name: given[name] for name in names},
        )
        inferencer = GroundingInferencer(
            given['model'], weights=given['weights'] or None, device=given['device'] or None, show_progress=False
        )
        self.service = GraspService(inferencer, settings)
        self.buffer = Buffer()
        self.listener = TransformListener(self.buffer, self)
        self.pose = self.create_publisher(PoseStamped, '~/grasp', 10)
        self.grasps = self.create_publisher(Detection3DArray, '~/grasps', 10)
        self.detections = self.create_publisher(Detection2DArray, '~/detections', 10)
        self.create_subscription(Image, 'image', self.service.on_image, qos_profile_sensor_data)
        self.create_subscription(Image, 'depth', self.service.on_depth, qos_profile_sensor_data)
        self.create_subscription(CameraInfo, 'camera_info', self.service.on_camera_info, qos_profile_sensor_data)
        self.create_subscription(String, '~/sentence', lambda message: self.answer(message.data), 10)
        self.create_service(Trigger, '~/find', self.find)

    def to_base(self, frame: str, stamp: tuple[int, int]) -> np.ndarray:
        """Matrix (4, 4) from the optical frame to the base at the time of an image, as tf2 knows it."""
        base = self.service.settings.base_frame
        try:
            found = self.buffer.lookup_transform(
                base, frame, Time(seconds=stamp[0], nanoseconds=stamp[1]), Duration(seconds=0.5)
            )
        except TransformException as error:
            raise NotReadyError(
                f'tf2 does not know how {frame} lies in {base} when the image was taken: {error}'
            ) from error
        return transform_matrix(found.transform)

    def find(self, request: Any, response: Any) -> Any:
        """Answer the sentence of the parameter; ``message`` is the answer as JSON, or what went wrong."""
        reply, response.message = self.answer(self.get_parameter('sentence').value)
        response.success = bool(reply and reply.poses)
        return response

    def answer(self, sentence: str) -> tuple[GraspReply | None, str]:
        """Answer, publish and log; a problem ends the sentence, not the node."""
        try:
            return self._answer(sentence)
        except Exception as error:  # of PyTorch too, such as a lack of memory
            problem = str(error) if isinstance(error, ValueError) else f'{type(error).__name__}: {error}'
            self.get_logger().error(f'{sentence!r}: {problem}')
            return None, problem

    def _answer(self, sentence: str) -> tuple[GraspReply, str]:
        reply = self.service.ask(sentence, self.get_clock().now().nanoseconds * 1e-9)
        for doubt in reply.doubts:
            self.get_logger().warning(doubt)
        for publisher, kind, fields in (
            (self.pose, PoseStamped, reply.pose()),
            (self.grasps, Detection3DArray, reply.grasps()),
            (self.detections, Detection2DArray, reply.detections()),
        ):
            if fields is not None:
                message = kind()
                set_message_fields(message, fields)
                publisher.publish(message)
        self.get_logger().info(f'{sentence!r}: {len(reply.poses)} grasps')
        return reply, json.dumps(reply.summary())


def main() -> None:
    rclpy.init()
    node = GroundingNode()
    executor = MultiThreadedExecutor(2)  # tf2 goes on listening while a sentence waits for it
    executor.add_node(node)
    try:
        executor.spin()
    except (KeyboardInterrupt, ExternalShutdownException):
        pass
    finally:
        node.destroy_node()
        if rclpy.ok():
            rclpy.shutdown()


if __name__ == '__main__':
    run_command(main)

"""Answer sentences about a recorded bag, without ROS: what the node would have said.

    python tools/ros/answer_bag.py bag "the blue mug" --model work_dirs/lggd/iter_1000.pth --out answers

Prints a line of JSON per answer, and writes a bag with the poses and detections that the node publishes.
"""

import argparse
import json
from dataclasses import replace
from pathlib import Path

from mmvg.apis import run_command


def parse_args() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('bag', type=Path, help='folder of a ROS 2 bag, or a .bag of ROS 1')
    parser.add_argument('sentences', nargs='+', help='what is to be grasped')
    parser.add_argument('--model', required=True, help='as GroundingInferencer takes it: a checkpoint, folder or name')
    parser.add_argument('--weights', help='a checkpoint, where the model is a config')
    parser.add_argument('--device', help='such as cpu or cuda:0')
    parser.add_argument('--out', type=Path, metavar='DIR', help='a new bag for the answers')
    parser.add_argument('--every', type=float, default=1.0, metavar='SECONDS', help='of the recording, between answers')
    for name in ('image', 'depth', 'camera-info'):
        parser.add_argument(f'--{name}-topic', help='found by its type and name where there is one only')
    parser.add_argument('--hand-eye', metavar='FILE', help='camera to base: 4 lines of 4 numbers, the shift in metres')
    parser.add_argument('--base-frame', default='base_link', help='what --hand-eye leads to')
    parser.add_argument('--approach', default='camera', help='camera, or vertical with --hand-eye')
    parser.add_argument('--min-score', type=float, default=0.0)
    parser.add_argument('--max-opening', type=float, metavar='METRES', help='of the gripper')
    parser.add_argument('--reach', type=float, default=0.0, metavar='METRES', help='beyond the visible surface')
    parser.add_argument('--rectified', action='store_true', help='the images are rectified: P of camera_info holds')
    parser.add_argument('--strict', action='store_true', help='unlikely depth and calibration are errors too')
    return parser.parse_args()


def main() -> None:
    args = parse_args()

    import numpy as np

    from mmvg.apis.grasp import approach_direction
    from mmvg.apis.grasp_bag import answer_bag, check_bag
    from mmvg.apis.grasp_input import check_hand_eye
    from mmvg.apis.grasp_service import GraspService, GraspSettings

    check_bag(args.bag, args.out)  # and what else is wrong, before the model is loaded
    settings = GraspSettings(
        args.min_score, args.max_opening, args.reach, args.approach, args.base_frame, None, args.rectified, args.strict
    )
    matrix = None
    if args.hand_eye:
        matrix = check_hand_eye(np.loadtxt(args.hand_eye))
        settings = replace(settings, to_base=lambda frame, stamp: matrix)
    approach_direction(args.approach, matrix)

    from mmvg.apis import GroundingInferencer

    find = GroundingInferencer(args.model, weights=args.weights, device=args.device, show_progress=False)
    service = GraspService(find, settings)
    topics = (args.image_topic, args.depth_topic, args.camera_info_topic)
    for reply in answer_bag(service, args.bag, args.sentences, args.out, args.every, *topics):
        print(json.dumps(reply.summary()))
    if args.out:
        print(f'the answers are in {args.out}')


if __name__ == '__main__':
    run_command(main)

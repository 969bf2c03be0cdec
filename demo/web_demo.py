"""A page in the browser: upload a picture, type sentences, see what is found.

    python demo/web_demo.py

It starts on the checkpoint that `make demo` leaves in work_dirs; others that are there can be chosen on the page.
"""

import argparse
from importlib.util import find_spec

from mmvg.apis import run_command


def parse_args() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('--checkpoint', help='start on these weights (.pth or .safetensors)')
    parser.add_argument('--config', help='a config or a name of `mmvg models`; not needed if the checkpoint carries it')
    parser.add_argument('--work-dir', default='work_dirs', metavar='DIR', help='offer the checkpoints in this folder')
    parser.add_argument('--device', help='such as cpu or cuda:0; default: a GPU if there is one')
    parser.add_argument('--host', default='127.0.0.1', help='0.0.0.0 lets other machines use the page')
    parser.add_argument('--port', type=int, help='default: the first free one from 7860')
    return parser.parse_args()


def main() -> None:
    args = parse_args()
    if find_spec('gradio') is None:
        raise FileNotFoundError('the page needs Gradio: pip install -r requirements/web.txt')

    from mmvg.webpage import ModelChoice, find_choices

    asked_for = []
    if args.config or args.checkpoint:
        model, weights = (args.config, args.checkpoint) if args.config else (args.checkpoint, None)
        asked_for = [ModelChoice(model, weights)]
    choices = find_choices(args.work_dir, asked_for)

    from mmvg.webpage.desk import Desk
    from mmvg.webpage.page import build_page, launch_page

    launch_page(build_page(Desk(choices, args.device)), args.host, args.port)


if __name__ == '__main__':
    run_command(main)

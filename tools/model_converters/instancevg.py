"""Convert Microsoft's BEiT-3 or a released InstanceVG: ``python tools/model_converters/instancevg.py SRC DST``.

What comes of BEiT-3 is for ``model.backbone.checkpoint`` (which reads Microsoft's file as well); what comes of
InstanceVG is for ``tools/test.py`` and ``load_from``.
"""

import argparse

from mmvg.apis import run_command


def parse_args() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument('source', metavar='SRC', help='beit3_*_patch16_224.pth (or .zip), or InstanceVG-*.pth')
    parser.add_argument('target', metavar='DST', help='where to write: .pth or .safetensors')
    parser.add_argument('--img-size', type=int, help='resize the image positions for squares of this many pixels')
    parser.add_argument('--ema', action='store_true', help='take the averaged weights of an InstanceVG file')
    args = parser.parse_args()
    if not args.target.endswith(('.pth', '.safetensors')):
        parser.error(f'{args.target}: the name must end in .pth or .safetensors')
    return args


def main() -> None:
    args = parse_args()
    from mmvg.weights.checkpoint import save_weights
    from mmvg.weights.conversion import convert_checkpoint

    state, meta = convert_checkpoint(args.source, args.img_size, args.ema)
    save_weights(state, args.target, meta)
    numbers = sum(value.numel() for value in state.values())
    print(f'{args.target}: {len(state)} tensors, {numbers:,} numbers ({meta["layout"]} layout)')
    print(f'without effect, and left out: {meta["dropped"] or "nothing"}')


if __name__ == '__main__':
    run_command(main)

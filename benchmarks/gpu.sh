#!/usr/bin/env bash
# For the day a GPU is there, at most eight minutes: tables of equality and speed, the test suite on CUDA and mmcv's compiled
# ops, and a training on RefShapes. Everything is left in $OUT. Wheels in .whl/, where there are any, are installed first.
#     OUT=work_dirs/gpu benchmarks/gpu.sh [SECONDS FOR THE TRAINING] [OPTIONS OF tools/train.py]
set -uo pipefail
cd "$(dirname "$0")/.."
OUT=$(realpath -m "${OUT:-work_dirs/gpu}")
PYTHON=${PYTHON:-python3}
SECONDS_OF_TRAINING=${1:-150}
mkdir -p "$OUT"
if ls .whl/*.whl >/dev/null 2>&1; then
    SITE=$(mktemp -d)
    "$PYTHON" -m pip install --quiet --no-index --no-deps --target "$SITE" .whl/*.whl
    export PYTHONPATH=$SITE:$PWD
fi
echo "== $(date +%T) tables"
timeout 150 "$PYTHON" benchmarks/gpu.py --out "$OUT/gpu.md" >"$OUT/gpu.log" 2>&1 || tail -n 20 "$OUT/gpu.log"
echo "== $(date +%T) training on RefShapes, tests beside it"
"$PYTHON" tools/dataset_converters/refshapes.py --out data/refshapes --size small --seed 0 --formats grefcoco >"$OUT/draw.log" 2>&1
timeout "$SECONDS_OF_TRAINING" "$PYTHON" tools/train.py configs/instancevg/refshapes.py --work-dir "$OUT/train" "${@:2}" \
    >"$OUT/train.log" 2>&1 &
OMP_NUM_THREADS=1 timeout 240 "$PYTHON" -m pytest -q -n 12 --dist loadfile tests >"$OUT/tests.log" 2>&1
tail -n 25 "$OUT/tests.log"
wait
echo "== $(date +%T) done"
cat "$OUT/gpu.md"
grep -E "gIoU|loss" "$OUT/train.log" | tail -n 3

#!/usr/bin/env bash
# For the day a GPU is there, at most eight minutes: one table of equality, speed and memory (gpu.md), the test suite on CUDA
# and mmcv's compiled ops, and a training on RefShapes, whose rows end the table. Everything is left in $OUT. Wheels in .whl/,
# where there are any, are installed first. TESTS names what of the suite is run, GPU_OPTIONS is for benchmarks/gpu.py.
#     OUT=work_dirs/gpu benchmarks/gpu.sh [SECONDS FOR THE TRAINING] [OPTIONS OF tools/train.py]
set -uo pipefail
cd "$(dirname "$0")/.."
OUT=$(realpath -m "${OUT:-work_dirs/gpu}")
PYTHON=${PYTHON:-python3}
SECONDS_OF_TRAINING=${1:-150}
GPU_OPTIONS=${GPU_OPTIONS:-}
TESTS=${TESTS:-tests}
mkdir -p "$OUT"
if ls .whl/*.whl >/dev/null 2>&1; then
    SITE=$(mktemp -d)
    "$PYTHON" -m pip install --quiet --no-index --no-deps --target "$SITE" .whl/*.whl
    export PYTHONPATH=$SITE:$PWD
fi
echo "== $(date +%T) tables"
timeout 210 "$PYTHON" benchmarks/gpu.py --seconds 150 --out "$OUT/gpu.md" $GPU_OPTIONS >"$OUT/gpu.log" 2>&1 ||
    tail -n 20 "$OUT/gpu.log"
echo "== $(date +%T) training on RefShapes, tests beside it"
"$PYTHON" tools/dataset_converters/refshapes.py --out data/refshapes --size small --seed 0 --formats grefcoco >"$OUT/draw.log" 2>&1
timeout "$SECONDS_OF_TRAINING" "$PYTHON" tools/train.py configs/instancevg/refshapes.py --work-dir "$OUT/train" "${@:2}" \
    >"$OUT/train.log" 2>&1 &
OMP_NUM_THREADS=1 timeout 240 "$PYTHON" -m pytest -q -n "${WORKERS:-12}" --dist loadfile $TESTS >"$OUT/tests.log" 2>&1
tail -n 25 "$OUT/tests.log"
wait
"$PYTHON" benchmarks/gpu.py --training "$OUT/train" --out "$OUT/gpu.md" >>"$OUT/gpu.log" 2>&1 || tail -n 3 "$OUT/train.log"
echo "== $(date +%T) done"
cat "$OUT/gpu.md"

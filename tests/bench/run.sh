#!/bin/sh
# run.sh [ORT_FOLDER] - speed of the backbone; with a folder in which `npm install --ignore-scripts
# onnxruntime-node` was run, alternating with ONNX Runtime, and the ratios of the best times.
set -eu
cd "$(dirname "$0")/../.."
bench=build/release/tests/bench_backbone
peer=${1-}
rounds=${ROUNDS-3} seconds=${SECONDS_EACH-2}

field() { sed "s/.*\"$1\": *\([0-9.]*\).*/\1/"; }           # field NAME: of a line of JSON
least() { sort -n | head -n 1; }

compare() {         # compare WIDTH RESOLUTION THREADS [ssd]
    ours= theirs= halves=
    for _ in $(seq "$rounds"); do
        set -- "$1" "$2" "$3" ${4+"$4"}
        options="--width $1 --resolution $2 --threads $3 --seconds $seconds ${4+--ssd}"
        # shellcheck disable=SC2086
        ours="$ours $($bench $options | field min_ms)" halves="$halves $($bench $options --precision bf16 | field min_ms)"
        [ -z "$peer" ] || theirs="$theirs $(echo "$seconds" |
            node tests/bench/onnxruntime.js "$peer" "$@" | field min_ms)"
    done
    f32=$(printf '%s\n' $ours | least) bf16=$(printf '%s\n' $halves | least)
    ort=$(printf '%s\n' ${theirs:-0} | least)
    awk -v name="$1-$2 ${4-}" -v n="$3" -v f32="$f32" -v bf16="$bf16" -v ort="$ort" 'BEGIN {
        printf "%-14s %d thread(s)  f32 %8.3f ms  bf16 %8.3f ms", name, n, f32, bf16
        if (ort > 0) printf "  ONNX Runtime f32 %8.3f ms  ratio %.3f, %.3f", ort, f32 / ort, bf16 / ort
        print "" }'
}

for threads in 1 2; do
    compare 1 224 "$threads"
    compare 0.25 128 "$threads"
    compare 1 512 "$threads"
    compare 1 512 "$threads" ssd
done

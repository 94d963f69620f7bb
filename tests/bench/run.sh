#!/bin/sh
# run.sh [ORT_FOLDER] - speed of the backbone in every precision, on one thread and on two; with a folder
# in which `npm install --ignore-scripts onnxruntime-node` was run, alternating with ONNX Runtime (float32),
# and the ratios of the best times. ROUNDS: how often (3); SECONDS_EACH: each time (2); NETWORKS: which.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
bench=$here/../../build/release/cygnet-model
peer=${1-}
rounds=${ROUNDS-3} seconds=${SECONDS_EACH-2}
[ -z "$peer" ] || [ -d "$peer/node_modules/onnxruntime-node" ] || {
    echo "$peer: found no node_modules/onnxruntime-node, expected it from: npm install --ignore-scripts onnxruntime-node" >&2
    exit 2
}

least_of() {        # least_of NAME: lines "NAME MS" of lines of JSON
    sed "s/.*\"precision\": \"\([a-z0-9]*\)\".*\"min_ms\": \([0-9.]*\).*/\1 \2/; s/^{\"min_ms\":\([0-9.]*\).*/$1 \1/"
}

compare() {         # compare WIDTH RESOLUTION THREADS [ssd]
    for _ in $(seq "$rounds"); do
        "$bench" bench --width "$1" --resolution "$2" --threads "$3" --seconds "$seconds" ${4+--ssd} --json | least_of ours
        [ -z "$peer" ] || echo "$seconds" | node "$here/onnxruntime.js" "$peer" "$@" | least_of ort
    done | awk -v name="${4-}$1-$2" -v threads="$3" '
        !($1 in least) { order[n++] = $1; least[$1] = $2 }
        $2 < least[$1] { least[$1] = $2 }
        END {
            for (i = 0; i < n; i++) {
                p = order[i]
                if (p == "ort") continue
                printf "| %s | %d | %s | %.3f |", name, threads, p, least[p]
                if ("ort" in least) printf " %.3f | %.2f |", least["ort"], least[p] / least["ort"]
                print ""
            }
        }'
}

if [ -z "$peer" ]; then
    printf '| network | threads | precision | ms |\n|---|---|---|---|\n'
else
    printf '| network | threads | precision | ms | ONNX Runtime f32 ms | ratio |\n|---|---|---|---|---|---|\n'
fi
for threads in 1 2; do
    for network in ${NETWORKS-1-224 0.25-128 1-512-ssd}; do
        case $network in
            *-ssd) size=${network%-ssd}; compare "${size%-*}" "${size#*-}" "$threads" ssd ;;
            *) compare "${network%-*}" "${network#*-}" "$threads" ;;
        esac
    done
done

#!/bin/sh
# resolutions.sh BIN PHOTO... - what a smaller input costs in faces and saves in time: a pass of the face
# detector in each precision, and how many faces it finds in the photos at thresholds .5 and .3, in f32 and i8.
set -eu
bin=$1
shift
model=face-ssd-mobilenet-v1

faces() {           # faces RESOLUTION PRECISION THRESHOLD PHOTO...
    resolution=$1 precision=$2 threshold=$3
    shift 3
    "$bin/cygnet-annotate" --no-config -q --no-video --records - --resolution "$resolution" --precision "$precision" \
        -t "$threshold" "$@" | grep -o '"src":"detect"' | wc -l
}

ms() {              # ms RESOLUTION PRECISION: the least
    "$bin/cygnet-model" bench "$model" --resolution "$1" --precision "$2" --json | sed 's/.*"min_ms": \([0-9.]*\).*/\1/'
}

echo '| resolution | f32 ms | bf16 ms | i8 ms | faces above .5, f32 | i8 | above .3, f32 | i8 |'
echo '|---|---|---|---|---|---|---|---|'
for r in 512 384 320 256; do
    printf '| %d | %.1f | %.1f | %.1f | %d | %d | %d | %d |\n' $r "$(ms $r f32)" "$(ms $r bf16)" "$(ms $r i8)" \
        "$(faces $r f32 .5 "$@")" "$(faces $r i8 .5 "$@")" "$(faces $r f32 .3 "$@")" "$(faces $r i8 .3 "$@")"
done

#!/bin/sh
# resolutions.sh BIN PHOTO... - what a smaller input costs in faces and saves in time: a pass of the face
# detector in each precision, and how many faces it finds in the photos at thresholds .5 and .3.
set -eu
bin=$1
shift
model=face-ssd-mobilenet-v1

faces() {           # faces RESOLUTION THRESHOLD PHOTO...
    resolution=$1 threshold=$2
    shift 2
    "$bin/cygnet-annotate" --no-config -q --no-video --records - --resolution "$resolution" -t "$threshold" "$@" |
        grep -o '"src":"detect"' | wc -l
}

ms() {              # ms RESOLUTION PRECISION: the median
    "$bin/cygnet-model" bench "$model" --resolution "$1" --precision "$2" --json | sed 's/.*"median_ms": \([0-9.]*\).*/\1/'
}

echo '| resolution | f32 ms | bf16 ms | faces above .5 | faces above .3 |'
echo '|---|---|---|---|---|'
for r in 512 384 320 256; do
    printf '| %d | %.1f | %.1f | %d | %d |\n' $r "$(ms $r f32)" "$(ms $r bf16)" "$(faces $r .5 "$@")" "$(faces $r .3 "$@")"
done

#!/bin/sh
# camera_guest.sh - what camera.sh has done in its machine: lists the camera, plays it in two formats, analyses it,
# is refused a third, unplugs it and plugs it in again. Its last line is "camera: passed" or "camera: failed".
set -u
view=$1/cygnet-view
cd "$HOME" || exit
driver=/sys/bus/platform/drivers/vivid
bad=0

check() {           # check WHAT COMMAND...: one line of the report
    what=$1
    shift
    if "$@"; then echo "camera: ok: $what"; else echo "camera: NOT OK: $what"; bad=1; fi
}

has() { grep -q -- "$1" "$2"; }

comes() {           # comes TEXT FILE: within two minutes, an emulated machine is slow
    for _ in $(seq 120); do
        grep -q -- "$1" "$2" && return 0
        sleep 1
    done
    return 1
}

play() {            # play OPTION...: small and unanalysed as far as can be; what it says is in the file said
    "$view" --no-config --headless --resolution 128 --size 320x180 --fps 30 -v "$@" /dev/video0 >said 2>&1
    code=$?
    sed 's/^/    /' said
}

"$view" --list-devices >list
check 'the list ends with 0' test $? = 0
sed -n 's/^/    /; 1,4p' list
check 'it names the camera' has '^/dev/video0: vivid$' list
check 'it has yuyv422' has '^  yuyv422 (YUYV 4:2:2)$' list
check 'it has nv12' has '^  nv12 (' list
check 'it has size and rates' has '^    320x180 at 1, .*, 60/s$' list

for format in yuyv422 nv12; do
    play --frames 100 --pixel-format "$format"
    check "$format ends with 0" test "$code" = 0
    check "$format is what the camera gives" has "320x180, rawvideo, $format, 30 frames/s" said
    check "$format: 100 pictures" has ': 100 pictures shown' said
done

"$view" --no-config --headless --resolution 128 --size 320x180 --records - -v >records 2>said &
viewer=$!
check 'no argument is the first camera, and its pictures are analysed' comes '"type":"frame"' records
kill -TERM "$viewer"
wait "$viewer"
check 'its records have their end' has '"type":"summary".*"interrupted":true' records
cut -c 1-160 records | sed -n 's/^/    /; 1,2p; $p'

"$view" --headless /dev/video7 >list 2>said
check 'a camera that never was: exit 4' test $? = 4
check 'a camera that never was: says so' has '/dev/video7: no such camera' said
check 'a camera that never was: says what there is' has '^/dev/video0: vivid$' said

play --frames 100 --time-limit 10 --pixel-format h264
check 'a format that the camera has not: exit 8' test "$code" = 8
check 'a format that the camera has not: says so' has '/dev/video0: .*trying again' said

"$view" --no-config --headless --resolution 128 --size 320x180 -v /dev/video0 >said 2>&1 &
viewer=$!
check 'plays before it is unplugged' comes 'first picture' said
echo vivid.0 >$driver/unbind
check 'unplugged: is lost' comes 'trying again' said
check 'unplugged: the device is gone' test ! -e /dev/video0
echo vivid.0 >$driver/bind
check 'plugged in: plays again' comes 'there again' said
kill -TERM "$viewer"
wait "$viewer"
code=$?
check "terminated: ends with $code, expected 143" test "$code" = 143
sed 's/^/    /' said

[ "$bad" = 0 ] && echo 'camera: passed' || echo 'camera: failed'

#!/bin/sh
# view_window.sh - a real window on a display of its own: its keys and mouse are used, and the screen is read back.
. "$(dirname "$0")/lib.sh"
need_program ffmpeg Xvfb xdotool
[ -x "$BIN/tests/screen" ] || skip 'built without libX11'
need_model
view=$BIN/cygnet-view screen=$BIN/tests/screen
photo=$MODELS/../cache/face-api/demo/sample1.jpg

mkfifo number
Xvfb -displayfd 9 -screen 0 1280x800x24 -nolisten tcp -noreset 9>number 2>xvfb.txt &
xvfb=$!
trap 'kill $xvfb 2>/dev/null; rm -rf "$work"' EXIT
read -r display <number
export DISPLAY=":$display" SDL_RENDER_DRIVER=software SDL_FRAMEBUFFER_ACCELERATION=0
export LSAN_OPTIONS="suppressions=$SOURCE/tests/lsan.supp:print_suppressions=0"
unset WAYLAND_DISPLAY

shot() { "$screen" shot "$1.ppm" || fail "no picture of the screen"; }
key() { xdotool key --clearmodifiers "$@"; }
differs() { shot now; [ "$("$screen" differ "$1.ppm" now.ppm)" != '0 0 0 0' ]; }        # differs FROM
equals() { shot now; [ "$("$screen" differ "$1.ppm" now.ppm)" = '0 0 0 0' ]; }
becomes() { until_true 10 equals "$1" || fail "the screen is not as $1 again: $2"; }
changes() { until_true 10 differs "$1" || fail "nothing to see of: $2"; }
at() { shot now; [ "$("$screen" content now.ppm)" = "$1" ]; }                          # at "X Y WIDTH HEIGHT"

# open ARGUMENTS: the viewer in the background, when its picture is on the screen
open() {
    : >records.txt >err.txt
    until_true 10 nothing
    "$view" -v "$@" >records.txt 2>err.txt &
    pid=$!
    until_true 20 something || { fail "no window: $*"; cat err.txt; }
}
# leave KEY: pressed again where a window that was just resized has missed it
leave() { until_true 20 left_by "$1" || fail "$1 does not end it"; }
left_by() { [ ! -e /proc/$pid/exe ] || { key "$1"; [ ! -e /proc/$pid/exe ]; }; }
nothing() { ! something; }
something() { shot now; [ "$("$screen" content now.ppm)" != '0 0 0 0' ]; }
# ends CODE: soon after what was done last; a busy machine may need more than the second that is promised
ends() {
    began=$(date +%s%N)
    wait $pid
    same $? "$1" 'exit code'
    took=$((($(date +%s%N) - began) / 1000000))
    [ $took -le 20000 ] || fail "took $took ms to end"
    ! grep -qE 'Sanitizer|runtime error|not freed' err.txt || { fail sanitizer; cat err.txt; }
}

# --- a still picture, so that every difference is the key's ------------------------------------
ffmpeg -nostdin -v error -y -f lavfi -i testsrc=s=960x540 -frames:v 1 -q:v 2 still.jpg
open --no-figures --no-describe still.jpg
until_true 10 at '160 130 960 540' || fail "the picture is at $("$screen" content now.ppm)"
shot plain
key h; changes plain 'h: figures'; key h; becomes plain 'h again'
key question; changes plain '?: keys'; key Escape; becomes plain 'Esc closes the help'
key m
mirrored() { shot now; "$screen" mirrored plain.ppm now.ppm; }
until_true 10 mirrored || fail 'm does not mirror the picture'
key m; becomes plain 'm again'
key space; changes plain 'Space: paused'; key space; becomes plain 'Space again'
key plus; changes plain '+: the threshold is told'; becomes plain 'and gone after a while'
window=$(xdotool search --name Cygnet)
xdotool windowsize "$window" 600 600
until_true 10 at '160 261 600 338' || fail "resized, the picture is at $("$screen" content now.ppm)"
xdotool windowsize "$window" 960 540
becomes plain 'the first size again'
leave q
ends 0

# --- shape and colours: pixels twice as wide as high; colours that drivers do not know --------------------
ffmpeg -nostdin -v error -y -f lavfi -i testsrc=s=240x270 -vf setsar=2 -frames:v 1 -c:v ffv1 wide.mkv
open --no-figures --no-describe wide.mkv
until_true 10 at '160 130 960 540' || fail "pixels of 2:1: the picture is at $("$screen" content now.ppm)"
leave q
ends 0
printf 'P6\n6 1\n255\n\320\040\020\040\300\060\020\060\320\340\320\040\200\200\200\360\360\360' >colours.ppm
# near "R G B" "R G B": within 2 levels
near() { echo "$1 $2" | awk '{ for (i = 1; i < 4; i++) if ($i - $(i + 3) > 2 || $(i + 3) - $i > 2) exit 1 }'; }
for kind in bt709:bt709:pc bt709:bt709:tv smpte170m:smpte170m:tv smpte170m:smpte170m:pc bt2020:bt2020nc:tv; do
    range=${kind##*:} matrix=${kind%%:*} name=${kind%:*}
    to=out_color_matrix=$matrix:out_range=$range:flags=accurate_rnd+full_chroma_int,format=yuv420p
    ffmpeg -nostdin -v error -y -i colours.ppm -frames:v 1 -c:v libx264 -qp 0 -vf "scale=960:540:flags=neighbor,scale=$to" \
        -colorspace "${name#*:}" -color_range "$range" colours.mkv || fail "cannot make $kind"
    open --no-figures --no-describe colours.mkv
    until_true 10 at '160 130 960 540'
    patch=0
    for colour in '208 32 16' '32 192 48' '16 48 208' '224 208 32' '128 128 128' '240 240 240'; do
        found=$("$screen" pixel now.ppm $((240 + 160 * patch)) 400)
        near "$found" "$colour" || fail "$kind: found $found, expected $colour"
        patch=$((patch + 1))
    done
    leave q
    ends 0
done

# --- the whole screen, which takes a window manager ----------------------------------------------
if command -v openbox >/dev/null; then
    openbox --config-file /dev/null 2>/dev/null &
    manager=$!
    open --no-figures --no-describe --full-screen still.jpg
    filled() { at '0 40 1280 720'; }
    until_true 10 filled || fail "full screen, the picture is at $("$screen" content now.ppm)"
    key f
    reduced() { ! filled && something; }
    until_true 10 reduced || fail 'f: no window again'
    key F11
    until_true 10 filled || fail "F11, the picture is at $("$screen" content now.ppm)"
    leave q
    ends 0
    kill $manager; wait $manager 2>/dev/null
else
    echo 'no openbox: full screen is not tested'
fi

# --- every way to end ----------------------------------------------------------------------------
clip c.mp4 20
for how in Escape close INT TERM; do
    if [ $how = INT ]; then
        until_true 10 nothing
        env --default-signal=INT "$view" c.mp4 2>err.txt &
        pid=$!
        until_true 20 something
    else open c.mp4; fi
    case $how in
        Escape) leave Escape; ends 0 ;;
        close) "$screen" close; ends 0 ;;
        INT) kill -s INT $pid; ends 130 ;;
        TERM) kill $pid; ends 143 ;;
    esac
done
open --time-limit 2 c.mp4
wait $pid; same $? 0 'time limit'
clip short.mp4 1
open short.mp4
wait $pid; same $? 0 'end of the video'

# --- a recording: whole after r, playable after kill -9 --------------------------------------------
mkdir rec
open --no-describe -o rec c.mp4
key r
recording() { ls rec/.*.part >/dev/null 2>&1; }
until_true 10 recording || fail 'r: no recording begins'
key r
recorded() { grep -q 'recorded' err.txt; }
until_true 10 recorded || fail 'r again: the recording does not end'
leave q
ends 0
file=$(ls rec/*.mp4)
decodes "$file"
[ "$(frames_of "$file")" -ge 1 ] || fail "no frames in $file"
gone rec/.*.part
rm -rf rec && mkdir rec
open --no-describe -o rec c.mp4
key r
until_true 10 recording || fail 'r: no recording begins'
long_enough() { [ "$(frames_of rec/.*.part 2>/dev/null)" -ge 20 ] 2>/dev/null; }
until_true 20 long_enough || fail 'the recording does not grow'
kill -9 $pid; wait $pid 2>/dev/null

# --- faces: the pair of screenshots, the mouse, a name ------------------------------------------------
[ -r "$photo" ] || { echo "no $photo: not tested with faces"; finish; }
mkdir stills
open --no-figures --gallery people -o stills --records - "$photo"
quiet() { shot was; sleep 0.3; equals was; }
found() { has_lines 2 records.txt && grep -q '"score"' records.txt; }
until_true 30 found || fail 'no face is found'
until_true 20 quiet
shot faces
key s
saved() { grep -q 'saved' err.txt; }
until_true 20 saved || fail 's: no screenshot'
clean=$(ls stills/*_clean.png) annotated=$(ls stills/*_annotated.png)
for f in "$clean" "$annotated"; do ffmpeg -nostdin -v error -y -i "$f" "$f.ppm" || fail "$f is no picture"; done
# box and label: the label is a line above or below, and may be wider
boxes=$(sed -n '/"score"/{s/"box":\[\([^]]*\)\]/\n\1\n/g;p;q}' records.txt | grep -E '^[-0-9.]+,' |
    awk -F, '{ h = 60; print $1 - h, $2 - h, $3 + 6 * h, $4 + h }')
# shellcheck disable=SC2086
same "$("$screen" outside "$clean.ppm" "$annotated.ppm" $boxes)" 0 'pixels that differ outside of boxes and labels'
[ "$("$screen" differ "$clean.ppm" "$annotated.ppm")" != '0 0 0 0' ] || fail 'nothing is drawn in the screenshot'
becomes faces 'the sentence about it is gone'
key b; changes faces 'b: blurred faces'; key b; becomes faces 'b again'
key l; changes faces 'l: labels'; key l; becomes faces 'l again'
key Tab; changes faces 'Tab: a face is selected'
shot selected
xdotool mousemove 110 50 click 1
becomes faces 'a click beside every face selects none'
key Tab; becomes selected 'Tab selects the same face'
key e; changes selected 'e: a question'
xdotool type --delay 40 'Ada q'
key BackSpace BackSpace Return
is_named() { grep -q 'is Ada from now on' err.txt; }
until_true 20 is_named || { fail 'no face is named'; cat err.txt; }
xdotool mousemove 110 50 click 1
leave q
ends 0
"$BIN/cygnet-faces" list people >list.txt || fail 'the gallery'
grep -q 'Ada$' list.txt || { fail 'nobody is called Ada:'; cat list.txt; }

# Known again by another run: the same picture but for the label. Without the gallery there is no difference.
open --no-figures --records - "$photo"
becomes faces 'without a gallery'
leave q; ends 0
open --no-figures --gallery people --records - "$photo"
until_true 20 found || fail 'no face is found again'
until_true 10 differs faces || fail 'nobody is known again'
leave q; ends 0
finish

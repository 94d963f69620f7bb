#!/bin/sh
# view_headless.sh - the viewer without a window: limits, ends, records, exit codes, and no word to the display.
. "$(dirname "$0")/lib.sh"
need_program ffmpeg
need_model
view=$BIN/cygnet-view
unset DISPLAY WAYLAND_DISPLAY
clip c.mp4 3
clip long.mp4 60

"$view" --no-config --print-config | cmp -s - "$SOURCE/config/view.yaml" ||
    fail 'config/view.yaml is not what cygnet-view --no-config --print-config prints'

# shown N: so many pictures were shown, says the last line
shown() { grep -qE ": $1 pictures shown" err.txt || { fail "not $1 pictures shown:"; cat err.txt; }; }
seconds() { awk -v a="$1" -v b="$(date +%s.%N)" 'BEGIN { printf "%.2f", b - a }'; }
within() { awk -v x="$1" -v low="$2" -v high="$3" 'BEGIN { exit !(x >= low && x <= high) }' || fail "$4: $1 s, not $2 to $3"; }

# The ends: so many pictures, so much time, the video's own.
expect 0 "$view" --headless --frames 10 c.mp4
shown 10
expect 0 "$view" --headless --frames 1 c.mp4
shown 1
expect 2 "$view" --headless --frames 1 --classes fase test:64x48         # however soon the end
expect 2 "$view" --headless --classes fase c.mp4; says "did you mean 'face'?"
expect 0 "$view" --headless --verbose --no-describe --frames 60 test:320x180; says 'test:320x180: 320x180, rawvideo'
began=$(date +%s.%N)
expect 0 "$view" --headless --time-limit 1 c.mp4
within "$(seconds "$began")" 1 20 'a limit of 1 s'
began=$(date +%s.%N)
expect 0 "$view" --headless c.mp4
within "$(seconds "$began")" 2.9 20 'a video of 3 s at its own rate'
grep -qE ': (8[5-9]|90) pictures shown' err.txt || { fail 'not all of 90 pictures were shown'; cat err.txt; }

# What is wrong, and nothing else, is said.
expect 4 "$view" --headless nosuch.mp4
says 'nosuch.mp4'
expect 4 "$view" --headless /dev/video63                # never was there: nothing to wait for
says '/dev/video63: no such camera'
if ! ls /dev/video* >/dev/null 2>&1; then
    says "no camera found; 'cygnet-view test:'"
    expect 4 "$view"                                    # nor is there a display: nothing asks for it
    says 'no source is named'
    says "no camera found; 'cygnet-view test:'"
    expect 0 "$view" --list-devices
    says "no camera found; 'cygnet-view test:'"
fi
expect 2 "$view" --headless --size 12 c.mp4
says "found '12', expected WxH"
expect 2 "$view" --thresold 0.5
expect 5 "$view" --headless --model nosuch c.mp4
head -c 1000 "$MODELS/face-ssd-mobilenet-v1.safetensors" >damaged.safetensors
expect 5 "$view" --headless --model ./damaged.safetensors c.mp4
says 'damaged.safetensors'
expect 6 env SDL_VIDEODRIVER=none "$view" --frames 1 c.mp4
says 'no window'

# Records: the annotator's form, whole at the end, and at an interrupt.
expect 0 "$view" --headless --records - c.mp4
records out.txt >counts || fail 'records of a whole video'
same "$(field summary <counts)" 1
# Each picture has the faces that it has alone, and a last one is waited for.
photos=$MODELS/../cache/face-api/demo
boxes() { sed -n 's/,"track":[0-9]*\|"track":[0-9]*,//g; /"type":"frame"/s/.*"objects"://p' "$1"; }
if [ -r "$photos/sample1.jpg" ]; then
    expect 0 "$view" --headless --no-describe --records - --set run.repeat=40 "$photos/sample2.jpg"      # takes its time
    boxes out.txt >alone
    [ "$(grep -c '"box"' alone)" = 1 ] || fail 'a picture alone was not analysed'
    expect 0 "$view" --headless --no-describe --records - "$photos/sample1.jpg" "$photos/sample2.jpg"
    boxes out.txt | tail -n 1 | cmp - alone || fail 'the second of two pictures has other faces than alone'

    # Each input has records of its own, and one that fails is told of between.
    expect 8 "$view" --headless --no-describe --records - "$photos/sample1.jpg" nosuch.mp4 "$photos/sample2.jpg"
    awk '/"type":"header"/ { n++ } { print >"part" n ".jsonl" }' out.txt
    gone part4.jsonl
    for n in 1 2 3; do records part$n.jsonl >counts$n; done         # as many tracks as it says, and all of theirs
    same "$(field frames <counts1) $(field objects <counts1) $(field errors <counts1)" '1 3 0'
    same "$(field frames <counts2) $(field objects <counts2) $(field errors <counts2)" '0 0 1'
    same "$(field frames <counts3) $(field objects <counts3) $(field errors <counts3)" '1 3 0'
    grep -q 'sample1.jpg' part1.jsonl && grep -q 'sample2.jpg' part3.jsonl || fail 'not told which input it is'
    [ "$(grep -c '"type":"track"' part3.jsonl)" = 3 ] || fail 'no tracks'
fi

for signal in INT TERM; do
    : >live.txt
    env --default-signal=INT "$view" --headless --records - long.mp4 >live.txt 2>err.txt &
    pid=$!
    until_true 30 has_lines 2 live.txt || fail 'no records'
    began=$(date +%s.%N)
    kill -s $signal $pid
    wait $pid
    code=$?
    case $signal in INT) same $code 130 ;; TERM) same $code 143 ;; esac
    within "$(seconds "$began")" 0 20 "after $signal"       # not the length of the video; a busy machine may take its time
    records live.txt >counts || fail "records after $signal"
    same "$(field interrupted <counts)" 1 "$signal"
done

# Nobody reads the records any more.
("$view" --headless --records - long.mp4 2>err.txt; echo $? >code) | head -n 1 >/dev/null
same "$(cat code)" 6 'a closed pipe'

# Not one function of SDL is called: the loader would have to find it first.
LD_DEBUG=bindings LD_DEBUG_OUTPUT=bound "$view" --headless --frames 2 c.mp4 2>/dev/null || fail 'under LD_DEBUG'
cat bound.* >all-bound
grep -q 'symbol .avformat_open_input' all-bound || fail 'the loader told nothing'
! grep -E "cygnet-view .*symbol .SDL_" all-bound || fail 'functions of SDL are called'
finish

#!/bin/sh
# annotate_stop.sh - 20 interrupts and 20 kills, each at a moment of its own, that a line of
# progress gives: what was promised is there afterwards.
. "$(dirname "$0")/lib.sh"
need_program ffmpeg ffprobe
need_model
clip c.mp4 40
mkfifo progress
seed=${SEED:-$(date +%s)}
echo "SEED=$seed"

# stop_at SIGNAL LINES: runs, and sends the signal after so many lines of progress; sets code
stop_at() {
    rm -rf out && mkdir out
    env --default-signal=INT "$annotate" c.mp4 -o out/ --progress jsonl 2>progress &
    pid=$! seen=0
    while IFS= read -r line; do
        case $line in '{"type":"progress"'*) seen=$((seen + 1)) ;; *Sanitizer*) fail "$line" ;; esac
        [ "$seen" = "$2" ] && { seen=$((seen + 1)); kill -s "$1" "$pid" 2>/dev/null; }
    done <progress
    wait "$pid" 2>/dev/null
    code=$?
}
moment() { seed=$(((seed * 1103515245 + 12345) % 2147483648)); when=$((seed / 65536 % 12 + 1)); }

stopped=0
for i in $(seq 20); do
    moment
    signal=INT want=130
    [ $((i % 2)) = 0 ] && signal=TERM want=143
    stop_at $signal $when
    [ "$code" = 0 ] && continue             # it was done before
    stopped=$((stopped + 1))
    same "$code" $want "$signal after $when lines"
    checked=$(records out/c.jsonl)
    same "$(echo "$checked" | field interrupted)" 1
    decodes out/c_annotated.mp4
    same "$(frames_of out/c_annotated.mp4)" "$(echo "$checked" | field frames)" "frames after $signal at $when"
    same "$(find out -name '.*' -type f | wc -l)" 0 'hidden files left'
done
[ "$stopped" -ge 10 ] || fail "only $stopped of 20 runs were interrupted"

# kill -9: the hidden files stay, playable up to the last second; the records have every frame of the video.
killed=0 most=0
for i in $(seq 20); do
    moment
    stop_at KILL $when
    [ "$code" = 0 ] && continue
    killed=$((killed + 1))
    same "$code" 137
    gone out/c_annotated.mp4 out/c.jsonl
    there out/.c_annotated.mp4.part out/.c.jsonl.part
    told=$(records --cut out/.c.jsonl.part | field frames)
    held=$(frames_of out/.c_annotated.mp4.part 2>/dev/null)
    [ "${held:-0}" -gt 0 ] || held=0
    [ "$held" -le "$told" ] || fail "the video has $held frames, its records $told"
    [ $((told - held)) -gt $most ] && most=$((told - held))
done
[ "$killed" -ge 10 ] || fail "only $killed of 20 runs were killed"
[ "$most" -le 45 ] || fail "after a kill the video lacked $most frames of 30 a second"
echo "$stopped interrupted, $killed killed, at most $most frames lost"

# What a kill left does not stand in the way.
expect 0 "$annotate" c.mp4 -o out/
same "$(find out -name '.*' -type f | wc -l)" 0 'hidden files left'
finish

#!/bin/sh
# annotate_damaged.sh - a folder full of trouble: the good ones are done, each other one is one
# error record and one sentence, and the exit code says that some failed.
. "$(dirname "$0")/lib.sh"
need_program ffmpeg ffprobe
need_model
[ -d "$DATA/damaged" ] || skip "no $DATA/damaged"

cp -r "$DATA/damaged" in && chmod -R u+w in
clip in/good.mp4 0.5
: >in/zero.mp4
echo 'not a picture' >in/text.jpg
mkdir in/folder.mp4
cp in/good.mp4 in/unreadable.mp4
chmod 0 in/unreadable.mp4
run=
if [ "$(id -u)" = 0 ]; then         # root reads everything: be somebody else, if that one reaches the program
    chmod 711 "$work"; chmod 755 in; mkdir out; chown -R 65534:65534 in out
    run='setpriv --reuid=65534 --regid=65534 --clear-groups'
    $run "$annotate" --version >/dev/null 2>&1 || { echo 'unreadable file not tested: no other user'; run=; rm in/unreadable.mp4; }
fi

expect 0 "$annotate" --dry-run in -o out
cp out.txt plan.txt
$run "$annotate" in -o out --records jsonl -r jsonl 2>err.txt
same $? 3
! grep -qE 'Sanitizer|runtime error' err.txt || { fail sanitizer; cat err.txt; }

good=0 bad=0
cut -f 1 plan.txt >inputs.txt
for file in $(find out -name '*.jsonl' | sort); do
    checked=$(records "$file")
    errors=$(echo "$checked" | field errors)
    frames=$(echo "$checked" | field frames)
    media=$(find "${file%/*}" -name "$(basename "${file%.jsonl}")_annotated.*" ! -name '*.jsonl' | wc -l)
    same "$(echo "$checked" | field summary)" 1 "$file"
    same "$media" $((frames > 0)) "outputs of $file"
    [ "$errors" -le 1 ] || fail "$file: $errors errors"
    [ "$errors" = 0 ] && good=$((good + 1)) || bad=$((bad + 1))
done
same $((good + bad)) "$(wc -l <inputs.txt)" 'a records file for each input'
same "$bad" "$(grep '^cygnet-annotate: ' err.txt | grep -vc '^cygnet-annotate: warning: ')" 'a sentence for each error'
[ "$good" -ge 20 ] || fail "only $good are good"
for name in zero text folder ${run:+unreadable}; do
    same "$(records "out/${name}.jsonl" | field errors)" 1 "$name"
done
there out/good_annotated.mp4
same "$(find in out -name '.*.part' | wc -l)" 0 'hidden files left'
echo "$good good, $bad bad"
finish

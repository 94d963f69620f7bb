#!/bin/sh
# annotate_codes.sh - every exit code that a user can meet, and its one sentence.
. "$(dirname "$0")/lib.sh"
need_program ffmpeg ffprobe

expect 0 "$annotate" --help;              silent
expect 0 "$annotate" --version;           silent
expect 2 "$annotate";                     says 'no input'
expect 2 "$annotate" --thresold 0.3 x;    says '--threshold'
expect 2 "$annotate" --threshold 7 x
expect 2 "$annotate" a.mp4 b.mp4 -o '';   same "$(wc -l <err.txt)" 1 'one sentence'

"$annotate" --no-config --print-config | cmp -s - "$SOURCE/config/annotate.yaml" ||
    fail 'config/annotate.yaml is not what cygnet-annotate --no-config --print-config prints'

need_model
clip good.mp4 1
echo 'no video' >bad.mp4

expect 0 "$annotate" good.mp4 -o ok/;     there ok/good_annotated.mp4 ok/good.jsonl
expect 3 "$annotate" good.mp4 bad.mp4 -o some/; there some/good_annotated.mp4; says bad.mp4
expect 4 "$annotate" bad.mp4 -o none/;    same "$(wc -l <err.txt)" 1 'one sentence'
gone none/bad_annotated.mp4
same "$(records none/bad.jsonl)" 'frames 0 objects 0 errors 1 interrupted 0 summary 1'
expect 4 "$annotate" nosuch.mp4;          says 'nosuch.mp4: No such file'
gone nosuch.jsonl

expect 5 "$annotate" good.mp4 -o m/ --model nosuch;             says nosuch
expect 5 "$annotate" good.mp4 -o m/ --model ./bad.mp4;          says bad.mp4
expect 5 "$annotate" good.mp4 -o m/ --isa sse9;                 says sse9
gone m/good_annotated.mp4 m/good.jsonl
expect 2 "$annotate" good.mp4 -o m/ --classes fase;             says "did you mean 'face'?"
expect 0 "$annotate" good.mp4 -o classes/ --classes face

touch file
expect 6 "$annotate" good.mp4 -o file/x/; says 'file/x'
expect 6 "$annotate" good.mp4 -o c/ --codec nosuch;             says nosuch
gone c/good_annotated.mp4 c/good.jsonl c/.good.jsonl.part
if [ -w /dev/full ]; then
    "$annotate" good.mp4 --no-video --records - -q >/dev/full 2>err.txt
    same $? 6 'standard output that is full'
    says 'standard output'
fi

# Another process writes the same: a lock on the hidden file of the records.
mkdir busy
flock busy/.good.jsonl.part "$annotate" good.mp4 -o busy/ 2>err.txt
same $? 75
says 'another process'
gone busy/good_annotated.mp4
expect 0 "$annotate" good.mp4 -o busy/
# Or on that of the video or picture, whatever becomes of the records.
[ -e photo.jpg ] || ffmpeg -nostdin -v error -y -i good.mp4 -frames:v 1 photo.jpg
for input in good.mp4 photo.jpg; do
    for form in none - jsonl; do
        flock "busy/.new.${input#*.}.part" "$annotate" --records $form $input -o "busy/new.${input#*.}" >out.txt 2>err.txt
        same $? 75 "$input, --records $form"
        says 'another process'
        gone "busy/new.${input#*.}"
    done
done

expect 2 "$annotate" --config nosuch.yaml good.mp4;             says nosuch.yaml
printf 'detect:\n  treshold: 0.4\n' >s.yaml
expect 2 "$annotate" --config s.yaml good.mp4;                  says 's.yaml:2:3'
says threshold
finish

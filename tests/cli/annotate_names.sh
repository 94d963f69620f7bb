#!/bin/sh
# annotate_names.sh - cygnet-annotate --gallery: who is known has a name in records and pictures, a stranger none.
. "$(dirname "$0")/lib.sh"
faces=$BIN/cygnet-faces
need_model
[ -r "$MODELS/faceres.safetensors" ] || skip "no faceres in $MODELS (./dev models)"
[ -d "$DATA/lfw/images" ] || skip "no pictures in $DATA/lfw"
need_program ffmpeg ffprobe
lfw=$DATA/lfw/images
set -- $(ls "$lfw" | sed -n 's/_0002\.jpg$//p' | head -n 2)
cp "$lfw/${1}_0001.jpg" enrolled.jpg
cp "$lfw/${1}_0002.jpg" known.jpg               # another picture of the same person
cp "$lfw/${2}_0001.jpg" stranger.jpg
expect 0 "$faces" enroll g Ada enrolled.jpg

# named FILE: of its lines; with how alike the face is, and how often a stranger is that
named() { grep -cE '"name":"Ada","cosine":0\.[0-9]+,"false_match":[0-9.e-]+[,}]' "$1"; }
nameless() { if grep -qE '"name":"Ada"|"cosine":' "$1"; then fail "$1: a name"; fi; }

# Photos. Without scores and numbers a label is the name and what was described, so the name alone makes the difference.
expect 0 "$annotate" --gallery g known.jpg stranger.jpg -o photos/
same "$(named photos/known.jsonl)" 1
grep -q '"class":"face"' photos/stranger.jsonl || fail 'the stranger has no face'
grep -q '"age":' photos/stranger.jsonl || fail '--gallery does not describe'
nameless photos/stranger.jsonl
expect 0 "$annotate" --describe known.jpg stranger.jpg -o plain/
nameless plain/known.jsonl
cmp -s photos/stranger_annotated.jpg plain/stranger_annotated.jpg || fail 'a stranger is drawn otherwise'
! cmp -s photos/known_annotated.jpg plain/known_annotated.jpg || fail 'no name is drawn'

# A clip: every frame of the track, and the track itself.
for who in known stranger; do
    ffmpeg -nostdin -v error -y -loop 1 -i $who.jpg -t 0.4 -r 10 -c:v libx264 -pix_fmt yuv420p $who.mp4
    expect 0 "$annotate" --every 1 --gallery g $who.mp4
done
same "$(grep '"type":"frame"' known.jsonl >k.txt; named k.txt)" 4
same "$(grep '"type":"track"' known.jsonl >k.txt; named k.txt)" 1
nameless stranger.jsonl
cmp -s photos/known.jsonl photos/stranger.jsonl && fail 'the same records'

# Two faces share what may go wrong; below what was measured that is said.
expect 0 "$annotate" --gallery g --false-match 3e-5 known.jpg -o rare/
! grep -q 'not measured' err.txt || fail "$(cat err.txt)"
expect 0 "$faces" enroll g2 Ada enrolled.jpg
expect 0 "$faces" enroll g2 Bob stranger.jpg
expect 0 "$annotate" --gallery g2 --false-match 3e-5 known.jpg -o rarer/
says 'g2: among 2 faces a stranger may be given a name in 0.004 % of cases, not in 0.003 %'

# What is wrong says so, before anything is written.
expect 7 "$annotate" --gallery nosuch known.jpg -o never/;  says nosuch
cp -r g damaged
printf 'this is no gallery at all' >damaged/faces.db
rm -f damaged/faces.db-*
expect 7 "$annotate" --gallery damaged known.jpg -o never/; says damaged
same "$(wc -l <err.txt)" 1
expect 2 "$annotate" --gallery g --false-match 1e-9 known.jpg -o never/;    says --false-match
"$BIN/tests/make_gallery" other                 # of other embeddings
"$faces" export --format csv --embeddings other >untouched.csv
expect 7 "$annotate" --gallery other known.jpg -o never/;   says 'cannot be mixed'
same "$(wc -l <err.txt)" 1
expect 7 "$BIN/cygnet-view" --headless --time-limit 60 --gallery other test:320x180;  says 'cannot be mixed'
expect 0 "$faces" export --format csv --embeddings other
cmp -s out.txt untouched.csv || fail 'a gallery that was refused has changed'
mkdir -p few/bin                                # a program that is nowhere near the models
cp "$annotate" few/bin/
ln -s "$MODELS/face-ssd-mobilenet-v1.safetensors" few/
HOME=$work XDG_DATA_HOME='' CYGNET_MODELS=$work/few expect 5 few/bin/cygnet-annotate --gallery g known.jpg -o never/
says faceres
gone never
finish

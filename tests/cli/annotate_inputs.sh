#!/bin/sh
# annotate_inputs.sh - what may be named, where it goes, and what is never replaced.
. "$(dirname "$0")/lib.sh"
need_program ffmpeg ffprobe
need_model
clip c.mp4 0.2

# A folder: recursive, its tree kept below -o, what is no media or an output passed over.
mkdir -p tree/deep/er tree/.hidden
cp c.mp4 tree/a.mp4; cp c.mp4 tree/deep/b.mp4; cp c.mp4 tree/deep/er/c.MP4
cp c.mp4 tree/.hidden/d.mp4; echo text >tree/notes.md; ln -s .. tree/deep/circle
mkfifo tree/pipe.mp4
expect 3 "$annotate" tree -o out -v
there out/a_annotated.mp4 out/deep/b_annotated.mp4 out/deep/er/c_annotated.mp4 out/deep/er/c.jsonl
says 'tree/pipe.mp4: is no ordinary file'
says '1 files that are no video or picture passed over'
says '3 of 4 inputs annotated'
same "$(find out -type f | wc -l)" 7
rm tree/pipe.mp4

# Beside the inputs; a second time the outputs are neither inputs nor replaced.
expect 0 "$annotate" tree
there tree/a_annotated.mp4 tree/deep/b.jsonl
before=$(cksum tree/a_annotated.mp4)
expect 4 "$annotate" tree -v
says '3 outputs of earlier runs passed over'
says 'tree/a_annotated.mp4: is there already'
same "$(cksum tree/a_annotated.mp4)" "$before"
expect 0 "$annotate" tree --overwrite

# An output that would replace an input, even when it may overwrite.
cp c.mp4 c_annotated.mp4
expect 3 "$annotate" c.mp4 c_annotated.mp4 --overwrite
says 'c_annotated.mp4: is an input'
cmp -s c.mp4 c_annotated.mp4 || fail 'an input was replaced'
rm -f c_annotated.* c_annotated_annotated.*
expect 4 "$annotate" c.mp4 -o c.mp4 --overwrite

# Names as people give them.
newline='line
break.mp4'
for name in 'with space.mp4' 'ünï 漢字.mp4' "$newline" '-dash.mp4' 'co:lon.mp4' 'http:x.mp4' '100%d.mp4' '[x].mp4'; do
    cp c.mp4 "./$name"
    expect 0 "$annotate" -q -o names -- "$name"
    there "names/${name%.mp4}_annotated.mp4" "names/${name%.mp4}.jsonl"
done
esc=$(printf 'esc\033[2J.mp4')
cp c.mp4 "$esc"
expect 0 "$annotate" "$esc" -o names
if grep -q "$(printf '\033')" err.txt; then fail 'an escape sequence reached standard error'; fi
says 'esc\x1b[2J.mp4'

# Same stem: each keeps its ending. Same name: the second is refused.
ffmpeg -nostdin -v error -i c.mp4 -frames:v 1 c.jpg
cp c.mp4 c.mkv
expect 0 "$annotate" c.mp4 c.jpg -o stems
there stems/c.mp4_annotated.mp4 stems/c.jpg_annotated.jpg stems/c.mp4.jsonl stems/c.jpg.jsonl
mkdir d; cp c.mp4 d/c.mp4
expect 3 "$annotate" c.mp4 d/c.mp4 -o twice
says 'd/c.mp4: its output would have the name of that of c.mp4'
same "$(find twice -name '*.mp4' | wc -l)" 1

# Lists, globs, standard input, a named output file.
printf 'c.mp4\r\nwith space.mp4\n' >list.txt
expect 0 "$annotate" list.txt -o listed;         there listed/c_annotated.mp4 'listed/with space_annotated.mp4'
expect 0 "$annotate" 'w*.mp4' -o globbed;        there 'globbed/with space_annotated.mp4'
expect 4 "$annotate" 'q*.mp4' -o globbed;        says 'no file matches'
expect 0 sh -c "'$annotate' - -o piped.mkv <c.mkv"; there piped.mkv piped.jsonl
same "$(frames_of piped.mkv)" "$(frames_of c.mkv)"
expect 0 "$annotate" c.mp4 -o new/named.mkv;     there new/named.mkv new/named.jsonl
expect 2 "$annotate" c.mp4 c.mkv -o c.mkv;       says 'several inputs need a folder'

# No password is ever shown.
expect 4 "$annotate" --records - 'http://user:secret@127.0.0.1:1/x.mp4'
if grep -q secret out.txt err.txt; then fail 'a password was shown'; fi
records out.txt >checked.txt

# A dry run writes nothing.
expect 0 "$annotate" --dry-run c.mp4 -o dry
same "$(cat out.txt)" "$(printf 'c.mp4\tdry/c_annotated.*')"
gone dry
# Many pictures at once are what they are one by one: JPEG and PNG, one of them damaged, and a video between them.
mkdir many
for i in 1 2 3 4 5 6 7; do
    ffmpeg -nostdin -v error -y -f lavfi -i testsrc2=s=160x120:d=0.04 -frames:v 1 -vf "hue=h=$((40 * i))" \
        many/$i.$([ $i = 4 ] && echo png || echo jpg)
done
head -c 300 many/1.jpg >many/broken.jpg
clip many/5_video.mp4 0.2
for threads in 1 3; do
    expect 3 "$annotate" -j $threads many -o at_once_$threads/
    says '8 of 9 inputs'
done
same "$(ls at_once_3)" "$(ls at_once_1)"
for file in at_once_1/*_annotated.*; do cmp "$file" "at_once_3/${file#*/}" || fail "$file differs"; done
for file in at_once_1/*.jsonl; do
    same "$(grep '"type":"frame"' "at_once_3/${file#*/}")" "$(grep '"type":"frame"' "$file")" "$file"
done
expect 3 "$annotate" -j 3 --no-video --records - many   # each input's lines together
awk -F'"' '/"type":"header"/ { open++ } /"type":"summary"/ { open-- } open > 1 { exit 1 }' out.txt || fail 'records mixed'

finish

#!/bin/sh
# faces_gallery.sh - cygnet-faces on a gallery of made-up faces: all that needs no network.
. "$(dirname "$0")/lib.sh"
faces=$BIN/cygnet-faces

expect 0 "$faces" --help;                       silent
expect 0 "$faces" --version;                    silent
expect 2 "$faces";                              says 'cygnet-faces'
expect 2 "$faces" lits;                         says 'list'
for verb in index enroll search verify calibrate list name cluster dedupe remove purge check stats export; do
    expect 0 "$faces" $verb --help;             silent
    grep -q 'Exit status' out.txt || fail "$verb --help tells no exit codes"
    expect 2 "$faces" $verb --nosuch;           says '--nosuch'
    expect 2 "$faces" $verb;                    same "$(wc -l <err.txt)" 1 'one sentence'
done
for verb in list check stats export 'purge --missing'; do
    expect 2 "$faces" $verb nosuch;             says 'no such gallery'
done
gone nosuch

"$BIN/tests/make_gallery" g || fail make_gallery

# --- list, stats
expect 0 "$faces" list g
same "$(wc -l <out.txt)" 2; grep -q 'person:1 .*1 faces.*Ada' out.txt || fail "Ada: $(cat out.txt)"
expect 0 "$faces" list --what files g
same "$(wc -l <out.txt)" 5; grep -q 'failed: /nowhere/broken.jpg: not a picture' out.txt || fail 'the failed file'
if grep -q "$(printf '\033')" out.txt; then fail 'an escape sequence reached the terminal'; fi
expect 0 "$faces" list -w files --failed g;     same "$(wc -l <out.txt)" 1
expect 0 "$faces" list -w faces g;              same "$(wc -l <out.txt)" 4
grep -q 'too small, cut off' out.txt || fail 'no flaws'
expect 0 "$faces" list -w faces --unknown g;    same "$(wc -l <out.txt)" 2
expect 0 "$faces" list -w faces --person Ada g; same "$(wc -l <out.txt)" 1
expect 0 "$faces" list -w faces --person 2 g;   same "$(wc -l <out.txt)" 1
expect 2 "$faces" list -w faces --person Eve g; says 'nobody is called "Eve"'
expect 0 "$faces" list -w files -f csv g
grep -q "^\"'=cmd|'x'!A1,\"\"<script>" out.txt || fail "a formula in CSV: $(cat out.txt)"
for what in people files faces; do
    expect 0 "$faces" list -w $what -f jsonl g
    if command -v node >/dev/null; then
        node -e 'require("fs").readFileSync(0, "utf8").trim().split("\n").forEach(l => JSON.parse(l))' <out.txt ||
            fail "$what: not JSON Lines"
    fi
done
expect 0 "$faces" stats g
grep -q '^faces *4 (1 named, 1 grouped, 2 of nobody)' out.txt || fail "stats: $(cat out.txt)"
expect 0 "$faces" stats -f jsonl g;             grep -q '"files":5,' out.txt || fail 'stats as JSON'

# --- name
expect 0 "$faces" name g 'Bo <b>' person:2;     silent
expect 0 "$faces" name g Ada face:3
expect 0 "$faces" list g;                       grep -q '2 faces in *2 files *Ada' out.txt || fail "$(cat out.txt)"
expect 0 "$faces" name --not g Ada face:3
expect 0 "$faces" list g;                       grep -q '1 faces in *1 files *Ada' out.txt || fail "$(cat out.txt)"
expect 0 "$faces" name g Ada person:2           # the two become one
expect 0 "$faces" list g;                       same "$(wc -l <out.txt)" 1
expect 0 "$faces" list -w faces --person 'Bo <b>' g; same "$(wc -l <out.txt)" 2
expect 2 "$faces" name g Eve face:99;           says 'face:99'
expect 2 "$faces" name g Eve face;              says 'expected face:NUMBER'
expect 2 "$faces" name --not g Eve face:1;      says 'nobody is called'
expect 2 "$faces" name g "$(printf 'a\nb')" face:1; says 'printable'
expect 0 "$faces" list g;                       same "$(wc -l <out.txt)" 1 'a failed command changes nothing'

# --- one writer
flock g/lock "$faces" name g Eve face:4 2>err.txt
same $? 75 'another writer';                    says 'another process is writing'
flock g/lock "$faces" list g >out.txt || fail 'a reader waits for a writer'
(flock 9; exec "$faces" name --wait 1h g Eve face:4 9>&-) 9>other || fail 'waiting for nobody'

# --- export
expect 0 "$faces" export -o out g;              same "$(wc -l <out.txt)" 4
there out/Ada/face-1.jpg out/Ada/face-2.jpg out/Eve/face-4.jpg out/unknown/face-3.jpg
same "$(stat -c %a out/Ada)" 700
grep -q thumbnail-of-face-2 out/Ada/face-2.jpg || fail 'another thumbnail'
expect 6 "$faces" export -o out g;              says 'overwrite'
expect 0 "$faces" export -o out -y g
expect 0 "$faces" export --format csv --embeddings g
same "$(sed -n 2p out.txt | awk -F, '{ print NF }')" 23 'columns with the embedding'

# --- remove: the bytes go too
has() { grep -rqF "$1" g; }
has thumbnail-of-face-2 || fail 'no thumbnail in the gallery'
expect 0 "$faces" remove g face:2
if has thumbnail-of-face-2; then fail 'a removed thumbnail is still in the gallery'; fi
expect 2 "$faces" remove g face:1 face:2;       says 'face:2'
expect 0 "$faces" list -w faces g;              same "$(wc -l <out.txt)" 3 'all or none'
expect 0 "$faces" remove --keep-faces g person:Eve
expect 0 "$faces" remove g file:/nowhere/film.mp4
if has thumbnail-of-face-4; then fail 'thumbnail of a removed file'; fi
expect 0 "$faces" remove g person:Ada
if has thumbnail-of-face-1; then fail 'thumbnail of a removed person'; fi
if has Ada; then fail 'name of a removed person'; fi
expect 0 "$faces" list -w faces g;              same "$(wc -l <out.txt)" 1

# --- purge
rm -r g
"$BIN/tests/make_gallery" g
expect 2 "$faces" purge g;                      says '--older-than'
expect 2 "$faces" purge --older-than 30 g;      says '30d'
expect 0 "$faces" purge -n --older-than 30d g;  same "$(cat out.txt)" /nowhere/b.jpg; says 'would be'
expect 0 "$faces" list -w files g;              same "$(wc -l <out.txt)" 5
expect 0 "$faces" purge --older-than 30d g;     same "$(cat out.txt)" /nowhere/b.jpg
if has thumbnail-of-face-2; then fail 'thumbnail of a purged file'; fi
expect 0 "$faces" purge --missing g;            same "$(wc -l <out.txt)" 4
expect 0 "$faces" list -w faces g;              same "$(wc -l <out.txt)" 0
expect 0 "$faces" check g;                      same "$(cat out.txt)" sound

# --- check: damage
rm -r g
"$BIN/tests/make_gallery" g
chmod 755 g
expect 7 "$faces" check g;                      says 'others may read it'
expect 0 "$faces" check --repair g
expect 0 "$faces" check g;                      same "$(cat out.txt)" sound
printf x | dd of=g/vectors bs=1 seek=4100 conv=notrunc 2>dd.txt
expect 7 "$faces" check g;                      says 'vectors'
expect 0 "$faces" check --repair g
expect 0 "$faces" check g
printf '\001' | dd of=g/vectors bs=1 seek=8 conv=notrunc 2>dd.txt     # as an earlier version wrote it
expect 0 "$faces" check g;                      same "$(cat out.txt)" sound
expect 0 "$faces" check --repair g;             same "$(cat out.txt)" sound
same "$(od -An -tu1 -j8 -N1 g/vectors | tr -d ' ')" 2
cp g/faces.db good.db
printf 'no database, but long enough to look like one at the very first glance' | dd of=g/faces.db conv=notrunc 2>dd.txt
for verb in list check 'check --repair' 'purge --missing' stats export; do
    expect 7 "$faces" $verb g;                  same "$(wc -l <err.txt)" 1 "one sentence: $verb"
done
cp good.db g/faces.db
expect 0 "$faces" check g
truncate -s 20000 g/faces.db
expect 7 "$faces" check g
mkdir photos && touch photos/a.jpg
expect 2 "$faces" list photos;                  says 'not a gallery'
expect 7 "$faces" list photos/a.jpg;            says 'a file, not a gallery'

# --- a full standard output, no network
cp good.db g/faces.db
if [ -w /dev/full ]; then
    "$faces" list g >/dev/full 2>err.txt
    same $? 6 'standard output that is full'
fi
for verb in list stats check export 'purge --missing'; do
    without_socket "$faces" $verb g
done
finish

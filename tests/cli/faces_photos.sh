#!/bin/sh
# faces_photos.sh - cygnet-faces from photos to answers, with the real networks and real faces.
. "$(dirname "$0")/lib.sh"
faces=$BIN/cygnet-faces
need_model
[ -r "$MODELS/faceres.safetensors" ] || skip "no faceres in $MODELS (./dev models)"
[ -d "$DATA/lfw/images" ] || skip "no pictures in $DATA/lfw"
need_program ffmpeg
lfw=$DATA/lfw/images

# Four people, two pictures each.
mkdir photos photos/more
people=$(ls "$lfw" | sed -n 's/_0002\.jpg$//p' | head -n 4)
set -- $people
for p; do cp "$lfw/${p}_0001.jpg" photos/; cp "$lfw/${p}_0002.jpg" photos/more/; done
one=$1 two=$2

expect 2 "$faces" index g;                              says 'found 1 words'
expect 5 "$faces" index --describer nosuch g photos;    says nosuch
expect 5 "$faces" index --describer face-ssd-mobilenet-v1 g photos
expect 2 "$faces" index photos photos;                  says 'other files in it'
gone g
expect 0 "$faces" index --progress jsonl g photos;      says '8 files looked at'
grep -q '"type":"progress",.*"name":"g","files":[1-8],"of":8,"faces":[1-8],' err.txt || fail "progress: $(cat err.txt)"
same "$(stat -c %a g)" 700
same "$(find g -type f ! -perm 600)" ''
expect 0 "$faces" check g;                              same "$(cat out.txt)" sound
expect 0 "$faces" list -w files g;                      same "$(grep -c '  1 faces' out.txt)" 8

# --- again: unchanged, touched, changed, moved, copied, gone
expect 0 "$faces" index g photos;                       says '0 files looked at, 8 unchanged'
touch "photos/${one}_0001.jpg"
expect 0 "$faces" index g photos;                       says '0 files looked at, 8 unchanged'
expect 0 "$faces" name g Ada "face:$("$faces" list -w faces -f csv g | grep "${one}_0001" | cut -d, -f1)"
mv "photos/${one}_0001.jpg" photos/moved.jpg
expect 0 "$faces" index g photos;                       says '0 files looked at, 7 unchanged, 1 moved'
expect 0 "$faces" list -w faces --person Ada g;         grep -q photos/moved.jpg out.txt || fail "$(cat out.txt)"
ffmpeg -nostdin -v error -y -i photos/moved.jpg -vf scale=300:-1 -q:v 3 changed.jpg && mv changed.jpg photos/moved.jpg
expect 0 "$faces" index g photos;                       says '1 files looked at, 7 unchanged'
expect 0 "$faces" list -w faces --person Ada g
same "$(wc -l <out.txt)" 1 'a changed file keeps its names'
cp "photos/${two}_0001.jpg" photos/copy.jpg
expect 0 "$faces" index g photos;                       says '1 files looked at, 8 unchanged'
rm photos/copy.jpg
expect 0 "$faces" index g photos;                       says '1 files are no longer there'
expect 0 "$faces" purge --missing g
expect 0 "$faces" index --again g photos;               says '8 files looked at'

# --- enrolment: known files too; what is no good face says why, and nobody is made of nothing
expect 0 "$faces" enroll g Bob "photos/${two}_0001.jpg" "photos/more/${two}_0002.jpg"
says '2 files looked at'
cp "photos/${two}_0001.jpg" bob.jpg
expect 0 "$faces" enroll g Bob bob.jpg;                 says '1 files looked at'
expect 0 "$faces" list -w faces --person Bob g;         same "$(wc -l <out.txt)" 3 'enrolled'
expect 2 "$faces" enroll g "$(printf 'a\nb')" bob.jpg
ffmpeg -nostdin -v error -y -i bob.jpg -vf boxblur=4:2 blurred.jpg
ffmpeg -nostdin -v error -y -f lavfi -i color=gray:s=200x200 -frames:v 1 grey.jpg
expect 4 "$faces" enroll g Eve blurred.jpg grey.jpg;    says 'blurred; --poor keeps it'; says 'grey.jpg: no face in it'
expect 2 "$faces" list -w faces --person Eve g
expect 3 "$faces" enroll --poor g Eve blurred.jpg grey.jpg
expect 0 "$faces" remove g person:Eve
expect 2 "$faces" enrol g Bob bob.jpg;                  says "did you mean 'enroll'"
expect 0 "$faces" remove g person:Bob
expect 0 "$faces" index --again g photos

# --- what is left out is told with its reasons
mkdir poor
cp blurred.jpg poor/
ffmpeg -nostdin -v error -y -f lavfi -i color=gray:s=320x240 -i bob.jpg -filter_complex '[1]scale=60:-1[s];[0][s]overlay=100:60' \
    -frames:v 1 -q:v 2 poor/small.jpg
expect 0 "$faces" index -v g2 poor;                     says "0 faces, 2 left out (1 too small, 1 blurred)"
says "poor/small.jpg: 0 faces, 1 left out (1 too small)"
ffmpeg -nostdin -v error -y -i bob.jpg -i poor/small.jpg -filter_complex '[0]pad=250:490[b];[b][1]overlay=0:250' -q:v 2 beside.jpg
expect 0 "$faces" enroll g2 Bob beside.jpg;             says "1 faces, 1 left out (1 too small)"
expect 0 "$faces" enroll --poor g3 Bob beside.jpg;      says "2 faces, 0 left out"

# --- search and verify
expect 0 "$faces" search -k 2 -t 0.4 g "photos/more/${one}_0002.jpg"
same "$(sed -n 1p out.txt | grep -c "cosine 1.000.*${one}_0002")" 1
same "$(sed -n 2p out.txt | grep -c 'Ada.*moved.jpg')" 1 'the other picture'
expect 0 "$faces" search -f jsonl -t 0.4 -k 3 g "photos/more/${one}_0002.jpg"
grep -q '"rank":2,.*"name":"Ada"' out.txt || fail "JSON: $(cat out.txt)"
expect 0 "$faces" search -t 0.4 --person Ada g "photos/more/${one}_0002.jpg"; same "$(wc -l <out.txt)" 1
expect 0 "$faces" search -t 0.4 -k 1 g "photos/more/${one}_0002.jpg" photos/moved.jpg   # fused
expect 1 "$faces" search -t 0.4 --kind video g photos/moved.jpg
expect 1 "$faces" search -t 1 g photos/more/"${two}"_0002.jpg --person Ada
expect 2 "$faces" search --face 0 g photos/moved.jpg;   says '--face'
expect 4 "$faces" search --face 7 g photos/moved.jpg;   says 'no number 7'
expect 4 "$faces" search g grey.jpg;                    says 'no face'
expect 3 "$faces" search -t 0.4 g photos/moved.jpg grey.jpg
expect 4 "$faces" search g nosuch.jpg;                  says nosuch.jpg
expect 0 "$faces" verify -t 0.4 photos/moved.jpg "photos/more/${one}_0002.jpg"
expect 1 "$faces" verify -t 0.6 photos/moved.jpg "photos/more/${two}_0002.jpg"
expect 4 "$faces" verify photos/moved.jpg grey.jpg;     says 'no face'

expect 0 "$faces" verify --false-match 0.01 photos/moved.jpg "photos/more/${one}_0002.jpg"
expect 2 "$faces" verify --false-match 1e-8 photos/moved.jpg grey.jpg; says 'found 1e-08, expected 2e-05 or more'
expect 2 "$faces" search --false-match 1e-8 g photos/moved.jpg; says 'not measured'

# --- the page: hostile names stay text, nothing is fetched from anywhere
expect 0 "$faces" name g '<script>alert("x")</script>' "face:$("$faces" list -w faces -f csv g | grep "${two}_0001" | cut -d, -f1)"
cp photos/moved.jpg 'photos/"><img src=x onerror=alert(1)>.jpg'
expect 0 "$faces" index g photos
expect 0 "$faces" search -t -1 --html page.html g photos/moved.jpg
grep -q 'data:image/jpeg;base64,' page.html || fail 'no pictures on the page'
if grep -qE '<script|<img src=x|https?:|<link' page.html; then fail 'something dangerous on the page'; fi
grep -qF '&lt;script&gt;alert(&quot;x&quot;)' page.html || fail 'no escaped name'
expect 6 "$faces" search -t -1 --html page.html g photos/moved.jpg
expect 0 "$faces" search -t -1 --html page.html -y g photos/moved.jpg

# --- all eight orientations are the same face
mkdir turned
upright=photos/more/${one}_0002.jpg
for k in 1 2 3 4 5 6 7 8; do
    case $k in
        1) filter=null ;; 2) filter=hflip ;; 3) filter=hflip,vflip ;; 4) filter=vflip ;;
        5) filter=transpose=0 ;; 6) filter=transpose=2 ;; 7) filter=transpose=3 ;; 8) filter=transpose=1 ;;
    esac
    ffmpeg -nostdin -v error -y -i "$upright" -vf $filter -q:v 1 plain.jpg
    { printf '\377\330\377\341\000\042Exif\000\000MM\000*\000\000\000\010\000\001\001\022\000\003\000\000\000\001\000'
      printf "\\$(printf %03o $k)\000\000\000\000\000\000"
      tail -c +3 plain.jpg; } >turned/$k.jpg
done
expect 0 "$faces" index t turned;                       says '8 files looked at'
expect 0 "$faces" search -t 0.98 t "$upright";          same "$(wc -l <out.txt)" 8 'orientations'

# --- a video gives one entry for each stretch of a face
ffmpeg -nostdin -v error -y -loop 1 -t 3 -i "$upright" -loop 1 -t 3 -i "photos/more/${two}_0002.jpg" \
    -filter_complex '[0][1]concat=n=2,format=yuv420p,fps=10' -c:v libx264 -preset ultrafast film.mp4
expect 0 "$faces" index v film.mp4
expect 0 "$faces" list -w faces -f csv v;               same "$(wc -l <out.txt)" 3 'two faces and the head line'
expect 0 "$faces" search -k 1 -t 0.9 -f csv v "$upright"
awk -F, 'NR == 2 && $10 < 0.6 && $11 > 2 && $11 < 3.1 { ok = 1 } END { exit !ok }' out.txt || fail "times: $(cat out.txt)"

# --- people found: stable, never twice in a photo, and what was said stays said
mkdir album
for p in $people; do cp "$lfw/${p}_0001.jpg" "$lfw/${p}_0002.jpg" album/; done
expect 0 "$faces" index c album
expect 0 "$faces" cluster -n -t 0.45 c;                 found=$(cat out.txt)
expect 0 "$faces" cluster -t 0.45 c;                    same "$(cat out.txt)" "$found" 'the dry run told the same'
expect 0 "$faces" list c;                               cp out.txt people.txt
[ "$(wc -l <people.txt)" -ge 3 ] || fail "people: $(cat people.txt)"
for p in $people; do        # both pictures of each are of one person, or of nobody
    expect 0 "$faces" list -w faces -f csv c
    same "$(grep "$p" out.txt | cut -d, -f13 | sort -u | wc -l)" 1 "$p"
done
expect 0 "$faces" cluster -t 0.45 c;                    grep -q '^0 new people' out.txt || fail "again: $(cat out.txt)"
expect 0 "$faces" list c;                               cmp -s out.txt people.txt || fail 'people changed without new faces'
face=$("$faces" list -w faces -f csv c | awk -F, '$13 == 1 { print $1; exit }')
expect 0 "$faces" name c Ada person:1
expect 0 "$faces" name --not c Ada "face:$face"
expect 0 "$faces" cluster -t 0.45 c
expect 0 "$faces" list -w faces --person Ada c;         same "$(grep -c "face:$face " out.txt)" 0 'what was rejected'
ffmpeg -nostdin -v error -y -i "$upright" -i "$upright" -filter_complex hstack twins.jpg
expect 0 "$faces" index c2 twins.jpg
expect 0 "$faces" list -w faces -f csv c2;              same "$(wc -l <out.txt)" 3 'twins'
expect 0 "$faces" cluster --least 1 c2
expect 0 "$faces" list c2;                              same "$(wc -l <out.txt)" 2 'one person once in a photo'

# --- damaged inputs, another recipe, a second writer, interruption
printf 'no picture' >bad.jpg
expect 3 "$faces" index v film.mp4 bad.jpg grey.jpg;    says bad.jpg
expect 0 "$faces" list -w files --failed v;             same "$(wc -l <out.txt)" 1
expect 4 "$faces" index v bad.jpg nosuch.jpg
expect 4 "$faces" index w rtsp://127.0.0.1:1/x;         says 'a stream'
"$BIN/tests/make_gallery" other
"$faces" export --format csv --embeddings other >untouched.csv
for verb in 'index other' 'enroll other Ada' 'search other'; do
    expect 7 "$faces" $verb photos/moved.jpg;           says 'cannot be mixed'
    same "$(wc -l <err.txt)" 1 "one sentence: $verb"
done
expect 0 "$faces" export --format csv --embeddings other
cmp -s out.txt untouched.csv || fail 'a gallery that was refused has changed'
expect 7 "$faces" index --set describe.precision=bf16 g photos; says 'upright, bf16'
expect 0 "$faces" index --precision f32 g photos
flock g/lock "$faces" index g photos 2>err.txt
same $? 75;                                             says 'another process is writing'
mkdir many
for i in $(seq 60); do cp "photos/more/${one}_0002.jpg" many/$i.jpg; printf "$i" >>many/$i.jpg; done
timeout --preserve-status -s INT 1.5 "$faces" index k many 2>err.txt
case $? in 130|0) ;; *) fail "interrupted: $(cat err.txt)" ;; esac
expect 0 "$faces" index k many
expect 0 "$faces" check k
expect 0 "$faces" list -w files k;                      same "$(wc -l <out.txt)" 60

# --- killed at any moment
i=0
while [ $i -lt 6 ]; do
    rm -rf n
    timeout -s KILL 0.$((3 + i)) "$faces" index n many 2>err.txt
    [ ! -s n/faces.db ] || { expect 0 "$faces" index n many; expect 0 "$faces" check n; same "$(cat out.txt)" sound; }
    i=$((i + 1))
done

# --- no network
without_socket "$faces" index n2 photos film.mp4
without_socket "$faces" enroll n2 Ada "$upright"
without_socket "$faces" search -t -1 --html watched.html n2 "$upright"
without_socket "$faces" verify "$upright" "$upright"
without_socket "$annotate" --describe -o watched "$upright" film.mp4
without_socket "$BIN/cygnet-model" info "$MODELS/faceres.safetensors"
finish

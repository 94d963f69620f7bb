#!/bin/sh
# faces_tools.sh - cygnet-faces cluster --html, dedupe and calibrate, with the real networks and real faces.
. "$(dirname "$0")/lib.sh"
faces=$BIN/cygnet-faces
need_model
[ -r "$MODELS/faceres.safetensors" ] || skip "no faceres in $MODELS (./dev models)"
[ -d "$DATA/lfw/images" ] || skip "no pictures in $DATA/lfw"
need_program ffmpeg
lfw=$DATA/lfw/images

# Four people, two pictures each; of the first also copies of four kinds.
mkdir photos
people=$(ls "$lfw" | sed -n 's/_0002\.jpg$//p' | head -n 4)
set -- $people
for p; do cp "$lfw/${p}_0001.jpg" "$lfw/${p}_0002.jpg" photos/; done
one=$1
(
    cd photos
    cp "${one}_0001.jpg" '"><img src=x onerror=alert(1)>.jpg'
    ffmpeg -nostdin -v error -y -i "${one}_0001.jpg" -q:v 10 saved.jpg
    ffmpeg -nostdin -v error -y -i "${one}_0001.jpg" -vf scale=200:-1 -q:v 3 small.jpg
    ffmpeg -nostdin -v error -y -i "${one}_0001.jpg" -vf crop=230:230:20:0 -q:v 2 cut.jpg
)
expect 0 "$faces" index g photos;                       says '12 files looked at'

# --- dedupe: told, and only told; then removed from the gallery alone, with what was said of them
expect 0 "$faces" dedupe g;                             cp out.txt told.txt
same "$(grep -c 'nearly the same' told.txt)" 1
grep -q '^4 files' told.txt || fail "$(cat told.txt)"
same "$(grep -c 'same bytes' told.txt)" 1
grep -q 'cosine .* 200 x 200 .*small.jpg' told.txt || fail "$(cat told.txt)"
grep -q 'nothing was removed' told.txt || fail "$(cat told.txt)"
expect 0 "$faces" dedupe --faces g;                     grep -q '^5 faces' out.txt || fail "faces: $(cat out.txt)"
expect 0 "$faces" dedupe -t 1 g;                        grep -q '^2 files' out.txt || fail "copies: $(cat out.txt)"
expect 0 "$faces" dedupe -f jsonl g;                    same "$(wc -l <out.txt)" 1
grep -q '{"type":"duplicates","of":"files","items":\[{"path":.*"keep":true.*"keep":false,"same_bytes":' out.txt ||
    fail "JSON: $(cat out.txt)"
expect 0 "$faces" list -w files g;                      same "$(wc -l <out.txt)" 12
expect 0 "$faces" name g Ada "face:$("$faces" list -w faces -f csv g | grep small.jpg | cut -d, -f1)"
expect 0 "$faces" dedupe --remove g;                    grep -q 'not from the disk' out.txt || fail "$(cat out.txt)"
expect 0 "$faces" list -w files g;                      same "$(wc -l <out.txt)" 9
expect 0 "$faces" list -w faces --person Ada g;         same "$(grep -c small.jpg out.txt):$(wc -l <out.txt)" 0:1 'the name stays'
expect 0 "$faces" check g;                              same "$(cat out.txt)" sound
same "$(ls photos | wc -l)" 12
expect 0 "$faces" dedupe g;                             grep -q '^0 groups' out.txt || fail "again: $(cat out.txt)"
without_socket "$faces" dedupe g
expect 2 "$faces" dedupe nowhere

# --- cluster --html: hostile names stay text, nothing comes from elsewhere, nothing is kept by a dry run
expect 0 "$faces" index g photos
expect 0 "$faces" name g '<script>alert("x")</script>' "face:$("$faces" list -w faces -f csv g | grep cut.jpg | cut -d, -f1)"
expect 0 "$faces" cluster -n -t 0.45 --html dry.html g; grep -q 'nothing of this is kept' dry.html || fail 'dry page'
grep -q 'Somebody new' dry.html || fail 'no new people on the dry page'
expect 0 "$faces" list g;                               same "$(wc -l <out.txt)" 2
expect 0 "$faces" cluster -t 0.45 --html page.html g
grep -q 'data:image/jpeg;base64,' page.html || fail 'no pictures on the page'
if grep -qE '<script|<img src=x|https?:|<link' page.html; then fail 'something dangerous on the page'; fi
grep -qF '&lt;script&gt;alert(&quot;x&quot;)' page.html || fail 'no escaped name'
grep -q '<h2>person:[0-9]' page.html || fail 'no nameless people on the page'
expect 6 "$faces" cluster --html page.html g;           says 'page.html'
without_socket "$faces" cluster -y --html page.html g

# --- calibrate: what pairs can show, and no more
cd photos
{
    echo 'first,second,same'
    for a in $people; do
        for b in $people; do
            [ "$a" = "$b" ] && echo "${a}_0001.jpg,${a}_0002.jpg,yes" || echo "${a}_0001.jpg,${b}_0002.jpg,no"
        done
    done
} >../pairs.csv
expect 0 "$faces" calibrate --false-match 0.3 -o ../mine.yaml ../pairs.csv
grep -q '^4 pairs of one person, 12 of strangers, of 8 photos' out.txt || fail "pairs: $(cat out.txt)"
grep -qE 'strangers that reach it:   0 of 12 = 0; the rate is below 0.22 with 95 %' out.txt || fail "bound: $(cat out.txt)"
grep -q 'depend on each other' out.txt || fail "shared photos: $(cat out.txt)"
threshold=$(sed -n 's/^threshold \([0-9.]*\),.*/\1/p' out.txt)
expect 0 "$faces" verify --config ../mine.yaml "${one}_0001.jpg" small.jpg
grep -q "yes from $(printf %.3f "$threshold")" out.txt || fail "settings: $(cat out.txt), threshold $threshold"
expect 6 "$faces" calibrate --false-match 0.3 -o ../mine.yaml ../pairs.csv
expect 1 "$faces" calibrate --false-match 0.001 ../pairs.csv
grep -q 'no threshold: 12 pairs of strangers show a rate of 0.22 at best.*takes 2995 pairs' out.txt || fail "$(cat out.txt)"
printf 'a.jpg\tb.jpg\n' >../bad.tsv
expect 2 "$faces" calibrate ../bad.tsv;                 says 'bad.tsv:1: expected PHOTO, PHOTO, SAME'
printf 'saved.jpg\tsmall.jpg\tperhaps\n' >../bad.tsv
expect 2 "$faces" calibrate ../bad.tsv;                 says 'found "perhaps"'
printf '%s\tsmall.jpg\tno\nnosuch.jpg\tsmall.jpg\tyes\n' "${one}_0001.jpg" >../few.tsv
expect 1 "$faces" calibrate ../few.tsv;                 says 'nosuch.jpg'
printf 'a.jpg\tb.jpg\tyes\0no\n' >../bad.tsv
expect 2 "$faces" calibrate ../bad.tsv;                 says 'found a byte of 0'
printf '\357\273\277%s,small.jpg,no\n' "${one}_0001.jpg" >../mark.csv        # of a program that marks its UTF-8
expect 1 "$faces" calibrate ../mark.csv;                grep -q '1 of strangers, of 2 photos$' out.txt || fail "$(cat out.txt)"
expect 2 "$faces" calibrate ../nosuch.csv
finish

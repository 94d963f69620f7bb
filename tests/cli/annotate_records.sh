#!/bin/sh
# annotate_records.sh - records tell exactly the frames of the video, whatever is asked for.
. "$(dirname "$0")/lib.sh"
need_program ffmpeg ffprobe
need_model
clip c.mp4 2

# Frame for frame, stamp for stamp; stamps that vary, too.
ffmpeg -nostdin -v error -i c.mp4 -an -vf "select='not(eq(mod(n,5),2))',setpts='PTS+mod(N,3)*100'" -fps_mode passthrough vfr.mp4
for f in c vfr; do
    expect 0 "$annotate" "$f.mp4"
    stamps_of "$f.mp4" >in.txt
    stamps_of "${f}_annotated.mp4" >video.txt
    records --pts "${f}.jsonl" >records.txt
    cmp -s in.txt records.txt || fail "$f: the stamps of the records are not those of the input"
    cmp -s in.txt video.txt || fail "$f: the stamps of the output are not those of the input"
done
[ "$(sort -u in.txt | wc -l)" -gt 40 ] || fail 'the stamps of vfr.mp4 do not vary'
same "$(records c.jsonl | field frames)" 60

# A part of it.
expect 0 "$annotate" c.mp4 --start 0.5 --end 1.5 -o part.mp4
same "$(records part.jsonl | field frames)" 30
same "$(frames_of part.mp4)" 30
stamps_of c.mp4 | sed -n 16,45p >in.txt
records --pts part.jsonl >records.txt
cmp -s in.txt records.txt || fail 'the stamps of a part are not those of the input'

# Forms.
expect 0 "$annotate" c.mp4 --records both -o both/; there both/c.jsonl both/c.csv
same "$(head -n 1 both/c.csv)" 'source,n,pts,t,class,score,x1,y1,x2,y2,src,track,name'
expect 0 "$annotate" c.mp4 --records csv -o csv/;   there csv/c.csv; gone csv/c.jsonl
expect 0 "$annotate" c.mp4 --records none -o none/; there none/c_annotated.mp4
same "$(find none -type f | wc -l)" 1
expect 0 "$annotate" c.mp4 --no-video -o only/;     there only/c.jsonl; gone only/c_annotated.mp4
expect 0 "$annotate" c.mp4 vfr.mp4 --no-video --records - -q; silent
same "$(grep -c '"type":"header"' out.txt)" 2
head -n 62 out.txt >first.txt
same "$(records first.txt | field frames)" 60
expect 0 "$annotate" c.mp4 --no-video --records - --progress jsonl
if grep -qv '^{' err.txt; then fail 'a line of --progress jsonl is no JSON'; fi
"$annotate" c.mp4 --no-video --records - 2>err.txt | head -n 1 >out.txt
grep -q '"schema":"cygnet.records/1"' out.txt || fail 'no header through a pipe'

# Real faces: the objects in CSV are those in JSON; --every tells where the others come from.
film=$DATA/videos/short_hamilton_clip.mp4
if [ -r "$film" ]; then
    expect 0 "$annotate" "$film" --every 1 --end 1 --records both -o film.mp4
    total=$(records film.jsonl | field objects)
    [ "$total" -gt 0 ] || fail 'no face in the film'
    same "$(tail -n +2 film.csv | wc -l)" "$total"
    expect 0 "$annotate" "$film" --no-track --every 1 --end 1 -o plain.mp4
    same "$(records --src plain.jsonl | grep -c fill)" 0
    if grep -q '"track":[0-9]*,"class"' plain.jsonl; then fail '--no-track: a track'; fi
    expect 0 "$annotate" "$film" --end 1 --every 4 -o every.mp4
    records --src every.jsonl >src.txt
    awk '{ for (i = 2; i <= NF; i++) if (($i == "detect") != ($1 % 4 == 0)) bad = 1 } END { exit bad }' src.txt ||
        fail '--every: a source of boxes is wrong'
    same "$(frames_of every.mp4)" "$(frames_of film.mp4)"
    sum=$(sha256sum "$film" | cut -d ' ' -f 1)
    grep -q "\"sha256\":\"$sum\",\"bytes\":$(stat -L -c %s "$film")" film.jsonl || fail 'the sha256 of the source'
fi
finish

#!/bin/sh
# annotate_1080p.sh BIN PHOTO PHOTO - what cygnet-annotate takes for a 1080p clip made of two photos: the
# pipeline without detection and with it on every frame, in each precision; its stages alone, and the peak
# of memory over a short and a long run.
set -eu
annotate=$1/cygnet-annotate
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
move="zoompan=z='1.0+0.001*on':d=1:x='on':y='on/2':s=1920x1080:fps=30,setsar=1"
ffmpeg -nostdin -v error -loop 1 -t 12 -i "$2" -loop 1 -t 12 -i "$3" -f lavfi -i sine=d=20 -filter_complex \
    "[0]scale=2304:-2,${move}[a];[1]scale=2304:-2,${move}[b];[a][b]concat=n=2[v]" -map '[v]' -map 2 \
    -c:v libx264 -preset veryfast -crf 20 -pix_fmt yuv420p -c:a aac -shortest "$work/clip.mp4"

run() {             # run NAME OPTION...: one line of the table
    name=$1
    shift
    /usr/bin/time -o "$work/time" -f '%e %U %S %M' "$annotate" --no-config -q --overwrite "$work/clip.mp4" -o "$work/out.mp4" "$@"
    tail -n 1 "$work/out.jsonl" | tr ',{}' '\n' | awk -F: -v name="$name" -v usage="$(cat "$work/time")" -v whole="$work/rate" '
        { gsub(/"/, "", $1); v[$1] = $2 }
        END { split(usage, u, " "); rate = v["frames"] / u[1]
              if (name ~ /^no detection/) print rate >whole
              else getline base <whole
              printf "| %s | %d | %.1f | %.2f | %.1f | %.2f | %.2f | %.2f | %.2f | %d |\n", name, v["frames"],
              rate, (base ? rate / base : 1), 1000 * (u[2] + u[3]) / v["frames"], v["decode"], v["detect"], v["draw"], v["encode"], u[4] / 1024 }'
}

echo '| run | frames | frames/s | share | CPU ms a frame | decode ms | detect ms | draw ms | encode ms | peak MB |'
echo '|---|---|---|---|---|---|---|---|---|---|'
run 'no detection (`--every 1000000`)' --every 1000000
run 'f32' --precision f32
run 'bf16' --precision bf16
run 'i8' --precision i8
run 'no detection, again' --every 1000000
run 'bf16, 2 s' --precision bf16 --end 2
run 'bf16, detect alone (`--no-video`)' --precision bf16 --no-video
run 'bf16, one detector (`-j 1`)' --precision bf16 -j 1

#!/bin/sh
# shutdown.sh [BUILD [ROUNDS]] - how long cygnet-view takes to end, by every way to end there is, in milliseconds:
# the least, the median and the most of some rounds, and the longest of all at last.
# Where no outside sign says when the end began (a limit, the end of a video), the start counts as well.
BIN=$(cd "${1:-build/release}" && pwd) SOURCE=$(cd "$(dirname "$0")/../.." && pwd) rounds=${2:-5}
MODELS=${MODELS:-$SOURCE/assets/models} DATA=
export BIN SOURCE MODELS DATA
. "$SOURCE/tests/cli/lib.sh"
need_program ffmpeg Xvfb xdotool node
need_model
view=$BIN/cygnet-view screen=$BIN/tests/screen

mkfifo number
Xvfb -displayfd 9 -screen 0 1280x800x24 -nolisten tcp -noreset 9>number 2>/dev/null &
xvfb=$!
# A server that accepts and says nothing, and one that begins a video and then says nothing more.
ffmpeg -nostdin -v error -y -f lavfi -i testsrc2=s=1280x720:r=30:d=2 -f mpjpeg stalled.mpjpeg
node -e 'const net = require("net"), fs = require("fs"), open = new Set();
    const serve = bytes => net.createServer(c => { open.add(c); c.on("error", () => {}); if (bytes) c.write(bytes); });
    const begun = Buffer.concat([Buffer.from("HTTP/1.0 200 OK\r\n\r\n"), fs.readFileSync("stalled.mpjpeg")]);
    const a = serve(null), b = serve(begun);
    a.listen(0, "127.0.0.1", () => b.listen(0, "127.0.0.1", () => console.log(a.address().port, b.address().port)));' >ports &
servers=$!
trap 'kill $xvfb $servers 2>/dev/null; rm -rf "$work"' EXIT
read -r display <number
export DISPLAY=":$display" SDL_RENDER_DRIVER=software SDL_FRAMEBUFFER_ACCELERATION=0
unset WAYLAND_DISPLAY
has_ports() { [ -s ports ]; }
until_true 100 has_ports || fail 'no servers'
read -r silent stalled <ports
ffmpeg -nostdin -v error -y -f lavfi -i testsrc2=s=1280x720:r=30:d=60 -c:v libx264 -preset ultrafast c.mp4
ffmpeg -nostdin -v error -y -i c.mp4 -t 1 -c copy short.mp4

now() { date +%s%N; }
shown() { grep -q 'first picture' err.txt; }
opened() { xdotool search --name Cygnet >/dev/null 2>&1; }
tries() { opened && grep -q 'trying again' err.txt; }
loading() { grep -q safetensors /proc/$pid/maps 2>/dev/null; }
recording() { ls ./.cygnet*.part >/dev/null 2>&1; }
grown() { [ "$(wc -c <"$(ls ./.cygnet*.part)")" -gt 1000000 ]; }
key() { xdotool key --clearmodifiers "$1"; }

# way NAME SIGN ACTION ARGUMENTS...: starts the viewer, waits for the sign, acts, and waits for the end
way() {
    name=$1 sign=$2 action=$3
    shift 3
    : >times
    for _ in $(seq "$rounds"); do
        : >err.txt
        rm -f ./*-*.mp4
        env --default-signal=INT "$view" --no-config --time-limit 30 -v "$@" >/dev/null 2>err.txt &
        pid=$!
        until_true 20 $sign || { fail "$name: no $sign"; cat err.txt; }
        began=$(now)
        $action
        wait $pid
        echo $((($(now) - began) / 1000000)) >>times
        ! grep -q 'not freed' err.txt || fail "$name: $(cat err.txt)"
    done
    sort -n times | awk -v name="$name" '{ t[NR] = $1 } END {
        printf "%-44s %5d %5d %5d\n", name, t[1], t[int((NR + 1) / 2)], t[NR] }' | tee -a all
}
press_q() { key q; }
press_escape() { key Escape; }
close_it() { "$screen" close; }
interrupt() { kill -s INT $pid; }
terminate() { kill -s TERM $pid; }
nothing() { :; }
record() { key r; until_true 20 recording; until_true 60 grown; began=$(now); key q; }

echo "milliseconds                                  least median most"
way 'key q' shown press_q c.mp4
way 'key Esc' shown press_escape c.mp4
way 'close button' shown close_it c.mp4
way 'SIGINT' shown interrupt c.mp4
way 'SIGTERM' shown terminate c.mp4
way 'SIGTERM, without a window' shown terminate --headless --records - c.mp4
way 'q amid a recording' shown record --no-describe c.mp4
way 'q, a network 20 times slower' shown press_q --set run.repeat=20 c.mp4
way 'SIGTERM at the very start' nothing terminate c.mp4
way 'SIGTERM while the models load' loading terminate c.mp4
way 'SIGTERM while names are to be read' loading terminate --gallery people c.mp4
way 'q, stream refused' tries press_q rtsp://127.0.0.1:9/x
way 'q, stream that never answers' opened press_q "http://127.0.0.1:$silent/x"
way 'q, RTSP that never answers' opened press_q "rtsp://127.0.0.1:$silent/x"
way 'q, stream that stands still' shown press_q "http://127.0.0.1:$stalled/x"
way 'SIGTERM, address of nobody' opened terminate rtsp://192.0.2.1/x
way 'start to the limit of 1 picture' nothing nothing --frames 1 c.mp4
way 'start to the time limit of 1 s' nothing nothing --time-limit 1 c.mp4
way 'start to the end of a video of 1 s' nothing nothing short.mp4
awk '!/^start/ { if ($NF > most) { most = $NF; line = $0 } } END { print "longest: " line }' all
finish

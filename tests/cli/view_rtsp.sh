#!/bin/sh
# view_rtsp.sh [LOSSES] - the viewer on a real RTSP server that asks for a password, dies, hangs, talks rubbish, damages
# packets, hangs up.
# With a number of at least 50 also: memory stays flat over so many losses, a good second each.
. "$(dirname "$0")/lib.sh"
[ -x "$BIN/tests/rtsp_server" ] || skip 'built without libgstrtspserver'
need_model
export LSAN_OPTIONS="suppressions=$SOURCE/tests/lsan.supp:print_suppressions=0"
view=$BIN/cygnet-view losses=${1:-1}
server=
trap 'kill -9 $server $pid 2>/dev/null; rm -rf "$work"' EXIT
pid=

# serve PORT [USER:PASSWORD | rubbish]: sets server and port
serve() {
    : >port.txt
    "$BIN/tests/rtsp_server" "$@" >port.txt 2>server.txt &
    server=$!
    until_true 60 answered || { cat server.txt; skip 'no RTSP server'; }
    port=$(head -n 1 port.txt)
}
answered() { has_lines 1 port.txt; }
end_server() { kill -9 $server; wait $server 2>/dev/null; }

# What the viewer says of it: so often lost, so often back.
is_lost() { [ "$(grep -c 'trying again' live.err)" = "$expected" ]; }
is_back() { [ "$(grep -c 'there again' live.err)" = "$expected" ]; }
has_more() { has_lines $((lines + 5)) live.txt; }
plays() { lines=$(wc -l <live.txt); until_true 20 has_more || { fail "no pictures: $1"; cat live.err; }; }
loses() {
    expected=$((expected + 1))
    until_true 20 is_lost || { fail "not lost: $1"; cat live.err; }
}
goes_on() {
    until_true 40 is_back || { fail "not found again: $1"; cat live.err; }
    plays "$1"
}
memory() { awk '/^VmRSS/ { print $2 }' /proc/$pid/status; }

# --- who may see it ------------------------------------------------------------------------------------
serve 0 ada:geheim77
for transport in tcp udp; do
    expect 0 "$view" --headless --transport $transport --frames 20 -v "rtsp://ada:geheim77@127.0.0.1:$port/test"
    says '20 pictures shown'
    says '320x240, h264, yuv420p, 15 frames/s'
    ! grep -q geheim77 err.txt || fail 'the password is shown'
done
for login in ada:falsch88@ ''; do
    expect 8 "$view" --headless --records - --time-limit 0.7 -v "rtsp://${login}127.0.0.1:$port/test"
    says '401'
    ! grep -q falsch88 err.txt out.txt || fail 'a wrong password is shown'
done
end_server

# --- one run through everything ---------------------------------------------------------------------------
expected=0
serve 0 ada:geheim77
printf 'source:\n  stall: 1\n' >view.yaml
: >live.txt
"$view" --headless --config view.yaml --records - -v "rtsp://ada:geheim77@127.0.0.1:$port/test" >live.txt 2>live.err &
pid=$!
plays 'the first time'

end_server
loses 'kill -9'
serve "$port" ada:geheim77
goes_on 'a new server'

kill -s STOP $server
loses 'a server that stands still'
tail -n 1 live.err | grep -q 'no picture for 1 s' || { fail 'not by the watchdog:'; tail -n 1 live.err; }
kill -s CONT $server
goes_on 'a server that goes on'

end_server
loses 'kill -9'
serve "$port" rubbish
has_heard() { has_lines 3 port.txt; }
until_true 20 has_heard || fail 'rubbish is not tried twice'
end_server
serve "$port" ada:geheim77
goes_on 'after rubbish'

kill -s USR1 $server
has_damaged() { has_lines 6 port.txt; }                 # 150 packets or more
until_true 60 has_damaged || fail 'nothing is damaged'
kill -s USR1 $server
all_back() { [ "$(grep -c 'trying again' live.err)" = "$(grep -c 'there again' live.err)" ]; }
until_true 40 all_back || { fail 'not found again: damaged packets'; cat live.err; }
plays 'after damaged packets'
expected=$(grep -c 'trying again' live.err)

hang_ups=0
while [ $hang_ups -lt "$losses" ]; do
    kill -s HUP $server
    loses "hung up $hang_ups times before"
    goes_on "hung up $hang_ups times before"
    hang_ups=$((hang_ups + 1))
    [ $hang_ups != 20 ] || early=$(memory)
    [ $((hang_ups % 20)) != 0 ] || echo "$hang_ups losses: $(memory) kB"
done
[ "$losses" -lt 50 ] || [ "$(memory)" -le $((early + 4096)) ] || fail "from $early to $(memory) kB of memory"

kill $pid
wait $pid
same $? 143 'exit code'
records live.txt >counts
same "$(field interrupted <counts)" 1
! grep -qE 'Sanitizer|runtime error|not freed' live.err || { fail sanitizer; cat live.err; }
! grep -q geheim77 live.txt live.err || fail 'the password is shown'
finish

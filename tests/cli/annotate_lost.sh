#!/bin/sh
# annotate_lost.sh - a stream that hangs up, and one that never answers: exit codes, and what is left.
. "$(dirname "$0")/lib.sh"
need_program ffmpeg ffprobe node
need_model

# A server on a free port: /stream.ts comes whole, then it hangs up; to all else it never answers.
ffmpeg -nostdin -v error -f lavfi -i testsrc2=s=160x120:r=25:d=1 -c:v mpeg2video stream.ts || fail 'cannot make stream.ts'
mkfifo port
node -e '
    const fs = require("fs"), bytes = fs.readFileSync("stream.ts");
    const server = require("net").createServer(c => c.on("error", () => {}).on("data", d => {
        if (String(d).includes("/stream.ts")) { c.write("HTTP/1.0 200 OK\r\n\r\n"); c.end(bytes); }
        else console.log("asked");
    }));
    server.listen(0, "127.0.0.1", () => console.log(server.address().port));' >port &
node=$!
trap 'kill $node; rm -rf "$work"' EXIT
exec 3<port
read -r number <&3

expect 8 "$annotate" "http://u:secret@127.0.0.1:$number/stream.ts" -o out/
says 'stream.ts: '
same "$(frames_of out/stream_annotated.ts | head -n 1)" 25
if grep -rq secret out.txt err.txt out/*.jsonl; then fail 'a password was shown'; fi

# An interrupt while it still waits for the first answer.
env --default-signal=INT "$annotate" "http://127.0.0.1:$number/never" -o out/ 2>err.txt &
pid=$!
read -r asked <&3
same "$asked" asked
began=$(date +%s%N)
kill -s INT "$pid"
wait "$pid"
same $? 130 'interrupted while opening'
[ $(($(date +%s%N) - began)) -lt 1000000000 ] || fail 'it took more than a second to stop'
finish

#!/bin/sh
# annotate_full.sh - a disk that is full: exit 6, one sentence, nothing left behind.
. "$(dirname "$0")/lib.sh"
need_program ffmpeg
need_model
mkdir disk
mount -t tmpfs -o size=300k tmpfs disk 2>/dev/null || skip 'no right to mount a small disk'
trap 'umount "$work/disk"; rm -rf "$work"' EXIT
ffmpeg -nostdin -v error -f lavfi -i 'testsrc2=s=640x480:r=30:d=8,noise=alls=20:allf=t' -c:v libx264 -preset ultrafast c.mp4

expect 6 "$annotate" c.mp4 -o disk/
same "$(wc -l <err.txt)" 1 'one sentence'
says 'No space left on device'
same "$(find disk -type f | wc -l)" 0 'files left on the full disk'

# Full from the start, and full for the records alone.
dd if=/dev/zero of=disk/filler bs=1k 2>/dev/null
expect 6 "$annotate" c.mp4 -o disk/
same "$(find disk -type f)" disk/filler
expect 6 "$annotate" c.mp4 --no-video -o disk/
same "$(find disk -type f)" disk/filler
ffmpeg -nostdin -v error -i c.mp4 -frames:v 1 p.jpg
expect 6 "$annotate" p.jpg -o disk/
same "$(find disk -type f)" disk/filler
finish

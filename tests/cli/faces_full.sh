#!/bin/sh
# faces_full.sh - cygnet-faces index on a disk that really fills up: exit 6, the gallery sound, and whole once there is room.
. "$(dirname "$0")/lib.sh"
faces=$BIN/cygnet-faces
need_model
[ -r "$MODELS/faceres.safetensors" ] || skip "no faceres in $MODELS (./dev models)"
[ -d "$DATA/lfw/images" ] || skip "no pictures in $DATA/lfw"
mkdir disk photos
mount -t tmpfs -o size=600k tmpfs disk 2>/dev/null || skip 'no tmpfs can be mounted'
trap 'umount "$work/disk"; rm -rf "$work"' EXIT
for p in $(ls "$DATA/lfw/images" | head -n 25); do cp "$DATA/lfw/images/$p" photos/; done
expect 6 "$faces" index disk/g photos;                  says 'disk is full'
expect 0 "$faces" check disk/g;                         same "$(cat out.txt)" sound
expect 0 "$faces" list -w files disk/g;                 kept=$(wc -l <out.txt)
[ "$kept" -gt 0 ] || fail 'nothing was kept of what was done'
mount -o remount,size=8m disk
expect 0 "$faces" index disk/g photos;                  says "$kept unchanged"
expect 0 "$faces" check disk/g;                         same "$(cat out.txt)" sound
expect 0 "$faces" list -w files disk/g;                 same "$(wc -l <out.txt)" 25
finish

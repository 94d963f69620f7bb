#!/bin/sh
# manuals.sh - every manual page is there, and groff finds nothing wrong with it.
. "$(dirname "$0")/lib.sh"
need_program groff

for page in "$BIN"/man/*.1; do
    expect 0 groff -man -Tutf8 -P-cbou -ww -rCHECKSTYLE=3 "$page"
    silent
    grep -q "^SYNOPSIS" out.txt || fail "$page has no text"
done
finish

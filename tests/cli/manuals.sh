#!/bin/sh
# manuals.sh - every manual page is there, and groff finds nothing wrong with it.
. "$(dirname "$0")/lib.sh"
need_program groff

for page in cygnet-annotate cygnet-model cygnet-model-convert cygnet-model-info cygnet-model-bench; do
    there "$BIN/man/$page.1"
    expect 0 groff -man -Tutf8 -P-cbou -ww -rCHECKSTYLE=3 "$BIN/man/$page.1"
    silent
    grep -q "^SYNOPSIS" out.txt || fail "$page has no text"
done
finish

# lib.sh - what the scripts share; a script begins with: . "$(dirname "$0")/lib.sh"
#
# BIN, SOURCE, DATA and MODELS come from ctest. Each script works in a folder of its own.
set -u
export LC_ALL=C.UTF-8 CYGNET_MODELS="$MODELS"
unset NO_COLOR
annotate=$BIN/cygnet-annotate
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work" || exit 2
failures=0

# Most scripts are not about faces: one look at the first frame is enough. The others pass --every 1.
export XDG_CONFIG_HOME="$work/settings"
mkdir -p "$XDG_CONFIG_HOME/cygnet"
printf 'detect:\n  every: 1000\n' >"$XDG_CONFIG_HOME/cygnet/annotate.yaml"

skip() { echo "skipped: $*"; exit 77; }
fail() { echo "FAIL: $*"; failures=$((failures + 1)); }
finish() { [ "$failures" = 0 ] && echo "all passed"; exit $((failures != 0)); }

need_model() { [ -r "$MODELS/face-ssd-mobilenet-v1.safetensors" ] || skip "no model in $MODELS (./dev models)"; }
need_program() { for p; do command -v "$p" >/dev/null || skip "no $p"; done; }

# expect CODE COMMAND...: its output goes to out.txt and err.txt
expect() {
    want=$1
    shift
    "$@" >out.txt 2>err.txt
    got=$?
    [ "$got" = "$want" ] || { fail "exit $got, expected $want: $*"; cat err.txt; }
    ! grep -qE 'Sanitizer|runtime error|not freed' err.txt || { fail "sanitizer: $*"; cat err.txt; }
}
says() { grep -qF -- "$1" err.txt || { fail "no '$1' in:"; cat err.txt; }; }
silent() { [ ! -s err.txt ] || { fail "expected nothing on standard error, found:"; cat err.txt; }; }
same() { [ "$1" = "$2" ] || fail "found '$1', expected '$2'${3:+ ($3)}"; }
there() { for f; do [ -e "$f" ] || fail "no $f"; done; }
gone() { for f; do [ ! -e "$f" ] || fail "$f is there"; done; }

# Where the machine lets one program watch another: COMMAND... ends well, and opens no socket, of whatever kind.
may_watch() { strace -o watched.txt true 2>/dev/null; }
without_socket() {
    may_watch || return 0
    # what is watched cannot be searched for leaks
    ASAN_OPTIONS=${ASAN_OPTIONS:+$ASAN_OPTIONS:}detect_leaks=0 \
        strace -f -o watched.txt -e trace=network,exit_group "$@" >out.txt 2>err.txt || fail "under strace: $*"
    grep -q exit_group watched.txt || fail "strace saw nothing: $*"
    ! grep -E 'socket|connect|sendto' watched.txt || fail "a socket: $*"
}

# clip FILE SECONDS [FILTER]: a moving test picture, 30 frames a second, with a tone
clip() {
    ffmpeg -nostdin -v error -y -f lavfi -i "testsrc2=s=320x240:r=30:d=$2" -f lavfi -i "sine=d=$2" ${3:+-vf "$3"} \
        -c:v libx264 -preset ultrafast -g 30 -c:a aac -shortest "$1" || fail "cannot make $1"
}
frames_of() { ffprobe -v error -select_streams v:0 -count_frames -show_entries stream=nb_read_frames -of csv=p=0 "$1"; }
stamps_of() { ffprobe -v error -select_streams v:0 -show_entries frame=pts -of csv=p=0 "$1" | tr -d , | grep .; }
records() { "$BIN/tests/check_records" "$@" || fail "records $*"; }
# field NAME: of a line "NAME VALUE NAME VALUE ..." on standard input
field() { awk -v name="$1" '{ for (i = 1; i < NF; i += 2) if ($i == name) print $(i + 1) }'; }
decodes() { [ -z "$(ffmpeg -nostdin -v error -i "$1" -f null - 2>&1)" ] || fail "$1 does not decode cleanly"; }
has_lines() { [ "$(wc -l <"$2")" -ge "$1" ]; }      # has_lines N FILE
# until_true SECONDS COMMAND...: tries it again and again; false if it never is
until_true() {
    tries=$(($1 * 20))
    shift
    while ! "$@"; do
        tries=$((tries - 1))
        [ $tries -gt 0 ] || return 1
        sleep 0.05
    done
}

#!/bin/sh
# layers.sh - the dependency direction: apps -> heads -> backbone, never back; and each
# outside library behind one door.
cd "$(dirname "$0")/.." || exit 2
bad=0

files() { find $1 -name '*.[ch]' | grep -vE "$2" | sort; }     # files FOLDER PATTERN: all but PATTERN

no() {  # no FILES PATTERN: none of FILES may include a header that matches PATTERN
    [ -n "$1" ] || return
    if grep -nE "^#[[:space:]]*include[[:space:]]*[\"<]($2)" $1 /dev/null; then
        echo "^ not allowed there: $2"
        bad=1
    fi
}

outside='SDL|libav|libsw|sqlite|libpq|yaml|cairo|pango|jpeglib|libexif|pthread'
no "$(files backbone NONE)"                      "heads|head\.h|frame\.h|$outside"
no "$(files backbone '/kernels/')"               'immintrin|arm_neon'
no "$(files backbone/kernels NONE)"              'jansson|ops\.h|\.\./'
no "$(files heads NONE)"                         "kernels|frame\.h|$outside"
no "$(files apps NONE)"                          'kernels|immintrin|arm_neon'
no "$(files apps '/model(_[a-z]+)?\.[ch]')"      'ops\.h'
no "$(files apps '/window\.c')"                  'SDL'
no "$(files apps '/video_|/hash\.c')"            'libav|libsw'
no "$(files apps '/gallery')"                    'sqlite|libpq'
no "$(files apps '/picture|/thumbnail\.c')"       'jpeglib|libexif'
no "$(files apps '/options_yaml\.c|/recipe\.c|/yaml_')" 'yaml'
no "$(files apps '/overlay')"                    'cairo|pango'
exit $bad

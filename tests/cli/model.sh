#!/bin/sh
# model.sh - cygnet-model: a small network of made-up weights, then the published one if it is there.
set -u
model=$BIN/cygnet-model
work=$(mktemp -d) || exit 1
trap 'rm -rf "$work"' EXIT
cd "$work" || exit 1
bad=0

fail() { printf '%s\n' "FAILED: $*"; bad=1; }

# expect CODE PART COMMAND...: the command ends with CODE and says PART on stderr
expect() {
    code=$1 part=$2
    shift 2
    "$@" >out 2>err
    got=$?
    [ "$got" = "$code" ] || fail "$*: exit $got, expected $code: $(cat err)"
    [ -z "$part" ] || grep -qF -- "$part" err || fail "$*: \"$(cat err)\", expected \"$part\""
}

# --- a network of width 1/16 with made-up weights ---------------------------------------
tiny() {            # the manifest and its shard
    awk 'BEGIN {
        printf "[{\"paths\":[\"tiny.bin\"],\"weights\":["
        split("8 8 8 8 16 16 32 32 32 32 32 32 64 64", c, " ")
        put("conv0/weights", "3,3,3,8", 216)
        put("conv0/bias", "8", 8)
        for (i = 1; i <= 13; i++) {
            put("conv" i "_dw/weights", "3,3," c[i] ",1", 9 * c[i])
            put("conv" i "_pw/weights", "1,1," c[i] "," c[i + 1], c[i] * c[i + 1])
            put("conv" i "_pw/bias", c[i + 1], c[i + 1])
        }
        printf "]}]"
        printf "%d", total > "total"
    }
    function put(name, shape, count) {
        printf "%s{\"name\":\"%s\",\"shape\":[%s],\"dtype\":\"float32\",", total ? "," : "", name, shape
        printf "\"quantization\":{\"dtype\":\"uint8\",\"scale\":0.001,\"min\":-0.1}}"
        total += count
    }' >tiny.json
    yes 'made-up weights' | head -c "$(cat total)" >tiny.bin
}

recipe() {          # a recipe for it
    cat <<YAML
name: tiny
summary: A small network for tests.
backbone:
  family: mobilenet_v1
  width: 0.0625
  input: { width: 32, height: 32, channels: rgb, mean: [0, 0, 0], scale: [1, 1, 1],
           sample: corner, letterbox: corner, border: black }
  activation: relu6
  taps: [conv13_pw]
heads: []
source:
  package: tests
  version: 1
  files:
    tiny.json: $(sha256sum tiny.json | cut -d ' ' -f 1)
    tiny.bin: $(sha256sum tiny.bin | cut -d ' ' -f 1)
licence: { code: MIT, weights: MIT }
tensors:
  conv0/weights: conv0/weights
  conv0/bias: conv0/bias
  conv{1..13}_dw/weights: conv{}_dw/weights
  conv{1..13}_pw/weights: conv{}_pw/weights
  conv{1..13}_pw/bias: conv{}_pw/bias
YAML
}

tiny
recipe >tiny.yaml
expect 0 'a.safetensors: 41 tensors' "$model" convert tiny.yaml tiny.json -o a.safetensors
expect 0 'b.safetensors: 41 tensors' "$model" convert -o b.safetensors tiny.yaml tiny.json
cmp a.safetensors b.safetensors || fail 'two conversions differ'
expect 0 '' "$model" info a.safetensors
grep -qE '^  conv13_pw +1x1 +1x1x64 +-> 1x1x64 +4,096 +4,160$' out || fail "info: $(cat out)"
expect 0 '' "$model" info --json a.safetensors
grep -q '"mult_adds": 4096' out || fail "info --json: $(cat out)"

# --- what must not happen -----------------------------------------------------------------
cp a.safetensors before
expect 6 'a.safetensors: exists already (--overwrite replaces it)' "$model" convert tiny.yaml tiny.json -o a.safetensors
cmp -s a.safetensors before || fail 'an existing file was touched'
expect 0 '' "$model" convert --overwrite tiny.yaml tiny.json -o a.safetensors
expect 6 'no/a.safetensors: cannot be written' "$model" convert tiny.yaml tiny.json -o no/a.safetensors
(
    trap '' XFSZ
    ulimit -f 8             # blocks of 512 bytes: the disk is full, so to speak
    "$model" convert tiny.yaml tiny.json -o full.safetensors 2>err
    [ $? = 6 ]
) || fail "a full disk: $(cat err)"
[ -z "$(find . -name '*full*')" ] || fail 'a full disk left something behind'

expect 2 'found no recipe' "$model" convert
expect 2 'found no -o FILE' "$model" convert tiny.yaml tiny.json
expect 2 "unknown command 'convrt'; did you mean 'convert'?" "$model" convrt
expect 2 'none.yaml: No such file' "$model" convert none.yaml tiny.json -o c.safetensors
sed 's/activation/activaton/' tiny.yaml >slip.yaml
expect 2 "slip.yaml:8:3: unknown key 'activaton'; did you mean 'activation'?" \
    "$model" convert slip.yaml tiny.json -o c.safetensors
sed 's/conv{}_dw/conv{}_wd/' tiny.yaml >slip.yaml
expect 2 "slip.yaml: tensor 'conv1_dw/weights': found no 'conv1_wd/weights' in the source" \
    "$model" convert slip.yaml tiny.json -o c.safetensors
sed '/conv0.bias/d' tiny.yaml >slip.yaml
expect 2 "slip.yaml: found 'conv0/bias' in the source, expected it under tensors or unused" \
    "$model" convert slip.yaml tiny.json -o c.safetensors
sed 's/width: 0.0625/width: 0.25/' tiny.yaml >slip.yaml
expect 2 "c.safetensors: tensor 'conv1_pw/weights': found 1x1x8x8, expected 1x1x8x16" \
    "$model" convert slip.yaml tiny.json -o c.safetensors

expect 5 'none.json: No such file' "$model" convert tiny.yaml none.json -o c.safetensors
cp tiny.bin whole.bin
printf X | dd of=tiny.bin bs=1 seek=100 conv=notrunc status=none
expect 5 "tiny.json: 'tiny.bin': found SHA-256" "$model" convert tiny.yaml tiny.json -o c.safetensors
head -c 100 whole.bin >tiny.bin
expect 5 'tiny.json: found 100 bytes in the files of group 0, expected' \
    "$model" convert tiny.yaml tiny.json -o c.safetensors
[ ! -e c.safetensors ] || fail 'a failed conversion left a file'

expect 0 '' "$model" info --width 0.75 --resolution 160       # 166.4 million mult-adds, 2.57 million weights
grep -qE '^  total +166,396,800 +2,577,352$' out || fail "info --width: $(cat out)"
grep -qE '^  1x1 +154,828,800 +93.05 % +1,766,016 +68.77 %$' out || fail "info --width: $(cat out)"
expect 0 '' "$model" info --json --family mobilenet_v1_shallow --classes 0
grep -q '"mult_adds": 306299392' out || fail "info --family: $(cat out)"
expect 2 "found 'mobilenet_v9', expected mobilenet_v1," "$model" info --family mobilenet_v9
expect 2 'expected one of both' "$model" info a.safetensors --width 1
expect 5 'none.safetensors: No such file' "$model" info none.safetensors
head -c 1000 a.safetensors >cut.safetensors
expect 5 'cut.safetensors: found a header of' "$model" info cut.safetensors
expect 5 'found a header of' "$model" info tiny.yaml
expect 2 'expected one MODEL' "$model" info a.safetensors b.safetensors
[ ! -e /dev/full ] || {
    "$model" info a.safetensors >/dev/full 2>err
    [ $? = 6 ] || fail 'info into a full disk'
}

# --- bench ------------------------------------------------------------------------------------
expect 0 '' "$model" bench --seconds .001 --layers a.safetensors
grep -qE '^[a-z0-9]+ +f32 +1 ' out && grep -qE '^  conv0( |$)' out && grep -qE '^  heads ' out || fail "bench: $(cat out)"
for family in conv shallow pose; do
    expect 0 '' "$model" bench --family mobilenet_v1_$family --width 0.1 --resolution 32 --precision f32 --seconds .001
    grep -qE ' f32 +1 ' out || fail "bench --family: $(cat out)"
done
expect 2 "found 'mobilenet_v9', expected mobilenet_v1," "$model" bench --family mobilenet_v9
expect 2 'expected mobilenet_v1 for an SSD' "$model" bench --family mobilenet_v1_conv --ssd
expect 0 '' "$model" bench --width 0.1 --resolution 32 --precision bf16 --isa ref --threads 2 --seconds .001 --json
[ "$(wc -l <out)" = 1 ] && grep -q '"isa": "ref", "precision": "bf16", "threads": 2' out &&
    grep -qE '"min_ms": [0-9.e-]+, "median_ms": [0-9.e-]+' out || fail "bench --json: $(cat out)"
expect 0 '' "$model" bench --width 0.1 --resolution 64 --ssd --isa all --threads 1,2 --seconds .001 --json
[ "$(grep -c '"precision": "f32", "threads": 2' out)" = "$(grep -c '"precision": "f32", "threads": 1' out)" ] ||
    fail "bench --threads 1,2: $(cat out)"
expect 2 "instruction set 'z80'" "$model" bench --isa z80
expect 2 "precision 'f32x'" "$model" bench --precision f32x
expect 2 '--resolution: found 8' "$model" bench --resolution 8
expect 2 "list: found ''" "$model" bench --precision f32,
expect 2 "--threads: found '0', expected 1 to 64" "$model" bench --threads 0
expect 2 'expected one MODEL or none' "$model" bench a.safetensors b.safetensors
expect 5 'none.safetensors: No such file' "$model" bench none.safetensors
expect 5 'cut.safetensors: found a header of' "$model" bench cut.safetensors

# --- quantize ---------------------------------------------------------------------------------
mkdir -p empty
expect 2 'found no --images' "$model" quantize a.safetensors -o q.safetensors
expect 4 'no video or picture in this folder' "$model" quantize a.safetensors --images empty -o q.safetensors
expect 4 'nowhere' "$model" quantize a.safetensors --images nowhere -o q.safetensors
echo text >broken.jpg
expect 4 'found no picture that can be read' "$model" quantize a.safetensors --images broken.jpg -o q.safetensors
expect 5 'cut.safetensors: found a header of' "$model" quantize cut.safetensors --images broken.jpg -o q.safetensors
[ ! -e q.safetensors ] || fail 'quantize left a file'

# --- the published network -----------------------------------------------------------------
value() { awk -v name="$1" -v key="$2:" '$1 == "-" { on = $3 == name } on && $1 == key { print $2 }' "$SOURCE/assets/MANIFEST.yaml"; }

name=face-ssd-mobilenet-v1
source=$SOURCE/assets/cache/$(value $name source)
if [ -e "$source" ]; then
    expect 0 'tensors' "$model" convert "$SOURCE/$(value $name recipe)" "$source" -o $name.safetensors
    [ "$(sha256sum <$name.safetensors | cut -d ' ' -f 1)" = "$(value $name sha256)" ] ||
        fail "$name: SHA-256 is not that of assets/MANIFEST.yaml"
    expect 0 '' "$model" info $name.safetensors
    grep -qE '^  total +3,143,007,488 +5,520,167$' out || fail "info of $name: $(cat out)"
    photos=$SOURCE/assets/cache/face-api/demo
    if [ -e "$photos/sample1.jpg" ]; then
        expect 0 '' "$model" quantize $name.safetensors --images "$photos/sample?.jpg" -o q.safetensors
        grep -q '6 pictures, 6 regions' out && [ "$(grep -c '22 of 22 detections found again, 0 more.*: equal' out)" = 2 ] ||
            fail "quantize: $(cat out)"
        expect 6 'exists' "$model" quantize $name.safetensors --images "$photos/sample1.jpg" -o q.safetensors
        expect 0 '' "$model" bench --precision i8 --seconds .001 q.safetensors
    fi
else
    printf '%s\n' "not there, so not converted: $source"
fi
exit $bad

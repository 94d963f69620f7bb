#!/bin/sh
# model_tflite.sh - TensorFlow Lite files: convert, classify, embed; small ones of made-up weights.
. "$(dirname "$0")/lib.sh"
model=$BIN/cygnet-model
small=$SOURCE/tests/fuzz/corpus/tflite
need_program ffmpeg node

picture() {         # picture FILE COLOUR
    ffmpeg -nostdin -v error -y -f lavfi -i "color=$2:s=40x30" -frames:v 1 "$1" || fail "cannot make $1"
}
picture red.png red
picture blue.jpg blue
picture grey.png gray

# --- convert ------------------------------------------------------------------------------
expect 0 "$model" convert "$small/int8.tflite" -o int8.safetensors
says 'int8.safetensors: assumed: labels are numbers'
says 'int8.safetensors: 84 tensors'
expect 0 "$model" convert --range 0..1 --name five "$small/float.tflite" -o float.safetensors
! grep -q 'black is' err.txt || fail "--range was not taken: $(cat err.txt)"
expect 0 "$model" info float.safetensors
grep -qx 'five' out.txt || fail "--name: $(cat out.txt)"
expect 0 "$model" convert "$small/ssd.tflite" -o ssd.safetensors
expect 0 "$model" info ssd.safetensors
grep -q 'cat, dog, , bird' out.txt || fail "labels attached to a file: $(cat out.txt)"

printf 'dark\nlight\nother\n' >labels.txt
expect 6 "$model" convert --labels labels.txt "$small/int8.tflite" -o int8.safetensors
expect 0 "$model" convert --overwrite --labels labels.txt "$small/int8.tflite" -o int8.safetensors
printf 'dark\n' >few.txt
expect 5 "$model" convert --labels few.txt "$small/int8.tflite" -o never.safetensors
says 'few.txt: found 1 labels, expected 3, one for each class'
expect 5 "$model" convert "$small/add.tflite" -o never.safetensors
says "add.tflite: operator 7 (ADD, 't22'): expected DEPTHWISE_CONV_2D 3x3 (conv4_dw of MobileNetV1)"
head -c 5000 "$small/int8.tflite" >cut.tflite
expect 5 "$model" convert cut.tflite -o never.safetensors
says 'cut.tflite: found a damaged file'
echo nothing >none.tflite
expect 5 "$model" convert none.tflite -o never.safetensors
says "none.tflite: found no 'TFL3' at byte 4"
expect 2 "$model" convert --range 1..1 "$small/float.tflite" -o never.safetensors
says "--range: found '1..1'"
expect 2 "$model" convert --labels labels.txt recipe.yaml weights.json -o never.safetensors
says 'found a recipe, expected a TensorFlow Lite file'
gone never.safetensors

# --- classify -----------------------------------------------------------------------------
expect 0 "$model" classify --top 2 int8.safetensors red.png blue.jpg
silent
same "$(grep -c '^  0\.' out.txt)" 4
expect 0 "$model" classify --json int8.safetensors red.png blue.jpg
node -e '
    const [header, ...pictures] = require("fs").readFileSync("out.txt", "utf8").trim().split("\n").map(JSON.parse);
    const sum = (p) => p.classes.reduce((s, c) => s + c.score, 0), bad = (what) => { console.log(what); process.exit(1); };
    if (header.type !== "header" || header.schema !== "cygnet.classes/1" || header.model.sha256.length !== 64) bad("header");
    if (pictures.map((p) => p.input).join() !== "red.png,blue.jpg") bad("order");
    for (const p of pictures) if (p.classes.length !== 3 || Math.abs(sum(p) - 1) > 1e-5) bad("classes");
    for (const p of pictures) for (const c of p.classes) if (["dark", "light", "other"][c.class] !== c.label) bad("labels");
' || fail "classify --json: $(cat out.txt)"
clip clip.mp4 3
expect 0 "$model" classify --step 1 --json int8.safetensors clip.mp4
same "$(grep -o '"t":[0-9.]*' out.txt | tr '\n' ' ')" '"t":0.0 "t":1.0 "t":2.0 '
expect 3 "$model" classify --json int8.safetensors red.png cut.tflite
same "$(grep -c '"type":"error"' out.txt)" 1
expect 4 "$model" classify int8.safetensors none.png
says 'none.png: No such file or directory'
expect 5 "$model" classify ssd.safetensors red.png
says "has no head of type 'classifier'"
expect 2 "$model" classify --precision f99 int8.safetensors red.png
expect 2 "$model" classify int8.safetensors
says 'found no input'
[ ! -e /dev/full ] || {
    "$model" classify int8.safetensors red.png >/dev/full 2>err.txt
    same $? 6 'a full disk'
}

# --- embed --------------------------------------------------------------------------------
expect 0 "$model" embed int8.safetensors red.png blue.jpg grey.png -o rows.npy
expect 3 "$model" embed int8.safetensors red.png none.png grey.png -o gap.npy
says 'none.png: No such file or directory'
node -e '
    const fs = require("fs");
    const read = (path) => {
        const b = fs.readFileSync(path), n = b.readUInt16LE(8), header = b.toString("latin1", 10, 10 + n);
        if (b.toString("latin1", 1, 6) !== "NUMPY" || b[6] !== 1 || b[7] !== 0 || (10 + n) % 64 || header.at(-1) !== "\n")
            throw path;
        const shape = /shape.: \((\d+), (\d+)\)/.exec(header).slice(1).map(Number);
        if (!header.includes("\x27descr\x27: \x27<f4\x27") || b.length !== 10 + n + 4 * shape[0] * shape[1]) throw header;
        return Array.from({ length: shape[0] }, (_, i) => Array.from({ length: shape[1] },
            (_, k) => b.readFloatLE(10 + n + 4 * (i * shape[1] + k))));
    };
    const all = read("rows.npy"), gap = read("gap.npy"), same = (a, b) => a.every((v, i) => v === b[i]);
    if (all.length !== 3 || all[0].length !== 8 || same(all[0], all[1])) throw "rows";
    if (!same(all[0], gap[0]) || !same(all[2], gap[2]) || !gap[1].every(Number.isNaN)) throw "a failed row is NaN";
' 2>err.txt || { fail 'embed'; cat err.txt; }
expect 6 "$model" embed int8.safetensors red.png -o rows.npy
expect 4 "$model" embed int8.safetensors none.png -o never.npy
expect 3 "$model" embed int8.safetensors red.png clip.mp4 -o first.npy
says 'clip.mp4: found a video, expected a picture'
expect 2 "$model" embed int8.safetensors --map nose red.png -o never.npy
says "found no map 'nose'"
expect 0 "$model" embed --map conv11_pw ssd.safetensors red.png -o map.npy
head -c 128 map.npy | grep -q "'shape': (1, 2, 2, 8)" || fail "the shape of a map: $(head -c 128 map.npy)"
expect 2 "$model" embed int8.safetensors red.png
gone never.npy
finish

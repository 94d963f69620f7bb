// eval_tflite.mjs - published classifiers on labelled pictures, by the plain interpreter of tests/golden/tflite.mjs, with
// cropping and resizing of its own: what cygnet-model classify is held against.
//
//   cygnet-model classify --json MODEL FOLDER >classes.jsonl
//   node eval_tflite.mjs FOLDER classes.jsonl FILE.tflite [HEAD.tflite]
//
// FOLDER has labels.tsv: name, class. Each network runs twice: with real values, and rounded to its integers' levels.
import { execFileSync } from 'node:child_process';
import fs from 'node:fs';
import path from 'node:path';
import { load, logits, run } from '../golden/tflite.mjs';

const CROP = 0.875;
const [folder, classes, ...files] = process.argv.slice(2);

function decode(file) {
    const probe = execFileSync('ffprobe', ['-v', 'error', '-show_entries', 'stream=width,height', '-of', 'csv=p=0', file]);
    const [width, height] = probe.toString().trim().split(',').map(Number);
    const pixels = execFileSync('ffmpeg', ['-v', 'error', '-i', file, '-f', 'rawvideo', '-pix_fmt', 'rgb24', '-'],
        { maxBuffer: 1 << 30 });
    return { width, height, pixels };
}

// The middle square, bilinear, sampled at the centres of pixels: 0 .. 255, [side][side][3]
function shrink({ width, height, pixels }, side) {
    const step = CROP * Math.min(width, height) / side, out = new Float64Array(side * side * 3);
    const place = (i, size) => {
        const x = Math.min(Math.max((size - step * side) / 2 + (i + .5) * step - .5, 0), size - 1);
        const at = Math.min(Math.floor(x), size - 2);
        return [at, x - at];
    };
    for (let r = 0; r < side; r++) for (let c = 0; c < side; c++) {
        const [y, v] = place(r, height), [x, u] = place(c, width);
        for (let k = 0; k < 3; k++) {
            const p = (i, j) => pixels[((y + i) * width + x + j) * 3 + k];
            out[(r * side + c) * 3 + k] =
                (p(0, 0) * (1 - u) + p(0, 1) * u) * (1 - v) + (p(1, 0) * (1 - u) + p(1, 1) * u) * v;
        }
    }
    return out;
}

const nets = files.map(load), input = nets[0].tensors[nets[0].inputs[0]], side = input.shape[1];
const normalised = (v) => input.type === 0 ? v / 127.5 - 1
    : input.scale[0] * (v - (input.type === 9 ? 128 : 0) - input.zero[0]);

function classify(picture, rounded) {       // classes by falling logit
    let values = picture.map((v) => normalised(rounded && input.type ? Math.round(v) : v));
    for (const net of nets.slice(0, -1)) values = run(net, values, { rounded })[net.outputs[0]];
    const net = nets.at(-1), last = run(net, values, { rounded })[logits(net)];
    return Array.from(last.keys()).sort((a, b) => last[b] - last[a]);
}

const ours = new Map(fs.readFileSync(classes, 'utf8').trim().split('\n').map(JSON.parse)
    .filter((r) => r.type === 'picture').map((r) => [path.basename(r.input), r.classes.map((c) => c.class)]));
const rows = fs.readFileSync(path.join(folder, 'labels.tsv'), 'utf8').trim().split('\n').map((l) => l.split('\t'))
    .filter(([name]) => ours.has(name));
const count = { ours: [0, 0], real: [0, 0], rounded: [0, 0] }, same = { real: 0, rounded: 0 };
for (const [name, wanted] of rows) {
    const picture = shrink(decode(path.join(folder, name)), side);
    const found = { ours: ours.get(name), real: classify(picture, false), rounded: classify(picture, true) };
    for (const [who, order] of Object.entries(found)) {
        count[who][0] += order[0] === Number(wanted);
        count[who][1] += order.slice(0, 5).includes(Number(wanted));
    }
    for (const who of ['real', 'rounded']) same[who] += found[who][0] === found.ours[0];
}
const percent = (n) => (100 * n / rows.length).toFixed(1);
for (const [who, [one, five]] of Object.entries(count))
    console.log(`${who.padEnd(8)} top-1 ${percent(one)}  top-5 ${percent(five)}` + (who in same ? `  same as ours ${same[who]} of ${rows.length}` : ''));

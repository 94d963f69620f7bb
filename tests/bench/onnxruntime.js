// onnxruntime.js - the same networks on ONNX Runtime (npm install onnxruntime-node, outside of this
// repository), for tests/bench/run.sh. Prints one line of JSON for every line on standard input.
//
//     node onnxruntime.js ORT_FOLDER WIDTH RESOLUTION THREADS [ssd]
'use strict';
const path = require('path');
const [folder, widthText, sizeText, threadsText, ssd] = process.argv.slice(2);
const width = Number(widthText), size = Number(sizeText), threads = Number(threadsText);
const ort = require(path.join(path.resolve(folder), 'node_modules/onnxruntime-node'));

// --- protocol buffers, as much as a model needs -------------------------------------------
function varint(n) {
    const out = [];
    for (n = BigInt(n); n > 127n; n >>= 7n) out.push(Number(n & 127n) | 128);
    return Buffer.from([...out, Number(n)]);
}
const number = (field, n) => Buffer.concat([varint(field << 3), varint(n)]);
const bytes = (field, b) => Buffer.concat([varint(field << 3 | 2), varint(b.length), b]);
const text = (field, s) => bytes(field, Buffer.from(s));
const all = (...parts) => Buffer.concat(parts);

// --- the model -----------------------------------------------------------------------------
let seed = 1;
function random(lo, hi) {
    seed = (Math.imul(seed, 1664525) + 1013904223) >>> 0;
    return lo + (hi - lo) * (seed >>> 8) / (1 << 24);
}
const tensors = [], nodes = [];
function tensor(name, shape, lo, hi) {
    const data = Float32Array.from({ length: shape.reduce((a, b) => a * b, 1) }, () => random(lo, hi));
    tensors.push(bytes(5, all(...shape.map((n) => number(1, n)), number(2, 1), text(8, name),
                              bytes(9, Buffer.from(data.buffer)))));
    return name;
}
const ints = (name, list) => bytes(5, all(text(1, name), ...list.map((n) => number(8, n)), number(20, 7)));
const int = (name, n) => bytes(5, all(text(1, name), number(3, n), number(20, 2)));
const string = (name, s) => bytes(5, all(text(1, name), text(4, s), number(20, 3)));
function node(op, inputs, output, ...attributes) {
    nodes.push(bytes(1, all(...inputs.map((s) => text(1, s)), text(2, output), text(4, op), ...attributes)));
    return output;
}
let layers = 0;
function conv(input, kernel, stride, inputs, outputs, { depthwise = false, activation = true } = {}) {
    const name = `layer${layers++}`, each = depthwise ? 1 : inputs, range = 2.4 / (kernel * kernel * each);
    const weights = tensor(`${name}w`, [outputs, each, kernel, kernel], -range, 1.5 * range);
    const y = node('Conv', [input, weights, tensor(`${name}b`, [outputs], -.1, .4)], `${name}y`,
                   ints('kernel_shape', [kernel, kernel]), ints('strides', [stride, stride]),
                   int('group', depthwise ? inputs : 1), string('auto_pad', 'SAME_UPPER'));
    return activation ? node('Clip', [y, 'zero', 'six'], `${name}a`) : y;
}
const blocks = [[1, 64], [2, 128], [1, 128], [2, 256], [1, 256], [2, 512], [1, 512], [1, 512], [1, 512],
                [1, 512], [1, 512], [2, 1024], [1, 1024]];
const scaled = (c) => Math.max(8, Math.floor(c * width));
tensors.push(bytes(5, all(number(2, 1), text(8, 'zero'), bytes(9, Buffer.from(Float32Array.of(0).buffer)))));
tensors.push(bytes(5, all(number(2, 1), text(8, 'six'), bytes(9, Buffer.from(Float32Array.of(6).buffer)))));
const outputs = [];
let x = conv('input', 3, 2, 3, scaled(32)), channels = scaled(32);
function predictors(map, inputs, boxes) {
    for (const values of [4, 3])
        outputs.push(conv(map, 1, 1, inputs, boxes * values, { activation: false }));
}
blocks.forEach(([stride, c], i) => {
    x = conv(x, 3, stride, channels, channels, { depthwise: true });
    x = conv(x, 1, 1, channels, scaled(c));
    channels = scaled(c);
    if (ssd && i === 10) predictors(x, channels, 3);
});
if (ssd) {
    predictors(x, channels, 6);
    for (const [reduced, c] of [[256, 512], [128, 256], [128, 256], [64, 128]]) {
        x = conv(conv(x, 1, 1, channels, reduced), 3, 2, reduced, c);
        predictors(x, channels = c, 6);
    }
} else {
    const pool = node('Flatten', [node('GlobalAveragePool', [x], 'pool')], 'flat');
    outputs.push(node('Gemm', [pool, tensor('classes', [channels, 1000], -.01, .01), tensor('bias', [1000], 0, 1)], 'logits'));
}
const shape = (dims) => bytes(2, bytes(1, all(number(1, 1), bytes(2, all(...dims.map((n) => bytes(1, number(1, n))))))));
const graph = all(...nodes, text(2, 'mobilenet'), ...tensors, bytes(11, all(text(1, 'input'), shape([1, 3, size, size]))),
                  ...outputs.map((name) => bytes(12, all(text(1, name), bytes(2, bytes(1, number(1, 1)))))));
const model = all(number(1, 8), bytes(7, graph), bytes(8, all(text(1, ''), number(2, 13))));

// --- timing ---------------------------------------------------------------------------------
async function main() {
    const session = await ort.InferenceSession.create(model, {
        intraOpNumThreads: threads, interOpNumThreads: 1, executionMode: 'sequential', graphOptimizationLevel: 'all' });
    const input = new ort.Tensor('float32', Float32Array.from({ length: 3 * size * size }, () => random(-1, 1)), [1, 3, size, size]);
    for (let i = 0; i < 5; i++) await session.run({ input });
    for await (const line of require('readline').createInterface({ input: process.stdin })) {
        const times = [], cpu = [], seconds = Number(line);
        for (const start = performance.now(); times.length < 5 || performance.now() - start < seconds * 1e3; ) {
            const before = process.cpuUsage(), begin = performance.now();
            await session.run({ input });
            times.push(performance.now() - begin);
            const used = process.cpuUsage(before);
            cpu.push((used.user + used.system) / 1e3);
        }
        times.sort((a, b) => a - b);
        cpu.sort((a, b) => a - b);
        console.log(JSON.stringify({ min_ms: times[0], median_ms: times[times.length >> 1], cpu_ms: cpu[0], runs: times.length }));
    }
}
main();

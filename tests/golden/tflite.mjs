// tflite.mjs - a plain interpreter of TensorFlow Lite files, in double: what the import is held against.
// It shares nothing with the C code: the file is read as a FlatBuffer of schema.fbs, version 3, without any checks,
// and every operator is the loop that its definition says.
//
//     const net = load("mobilenet.tflite");
//     const all = run(net, input, { rounded: false });     // input: Float64Array [height][width][3], as the graph sees it
//     all[net.outputs[0]]                                   // every tensor's values
//
// rounded: each quantised tensor is rounded to its levels and cut off at their ends, as the integers are; else it keeps
// its real values, and only an activation cuts off: one that is fused, or that the ends 0 and 6 of a range stand for.
import fs from 'fs';

const TYPE = { f32: 0, f16: 1, i32: 2, u8: 3, i64: 4, i8: 9 };

class Flat {
    constructor(bytes) { this.b = bytes; this.v = new DataView(bytes.buffer, bytes.byteOffset, bytes.length); }
    i8(p) { return this.v.getInt8(p); }
    u16(p) { return this.v.getUint16(p, true); }
    i32(p) { return this.v.getInt32(p, true); }
    u32(p) { return this.v.getUint32(p, true); }
    f32(p) { return this.v.getFloat32(p, true); }
    field(t, i) {
        const list = t - this.i32(t), entry = 4 + 2 * i;
        const offset = entry < this.u16(list) ? this.u16(list + entry) : 0;
        return offset ? t + offset : 0;
    }
    child(t, i) { const p = t && this.field(t, i); return p ? p + this.u32(p) : 0; }
    list(t, i, size, get) {
        const p = this.child(t, i);
        return p ? Array.from({ length: this.u32(p) }, (_, k) => get(p + 4 + size * k)) : [];
    }
    tables(t, i) { return this.list(t, i, 4, (p) => p + this.u32(p)); }
    ints(t, i) { return this.list(t, i, 4, (p) => this.i32(p)); }
    bytes(t, i) { const p = this.child(t, i); return p ? this.b.subarray(p + 4, p + 4 + this.u32(p)) : null; }
    int(t, i, absent = 0) { const p = t && this.field(t, i); return p ? this.i32(p) : absent; }
    byte(t, i, absent = 0) { const p = t && this.field(t, i); return p ? this.i8(p) : absent; }
}

function half(bits) {
    const e = bits >> 10 & 31, m = bits & 1023, s = bits >> 15 ? -1 : 1;
    return s * (e ? (1024 + m) * 2 ** (e - 25) : m * 2 ** -24);
}

function constants(type, data) {
    const v = new DataView(data.buffer, data.byteOffset, data.length);
    const of = (size, get) => Float64Array.from({ length: data.length / size }, (_, i) => get(i * size));
    switch (type) {
    case TYPE.f32: return of(4, (p) => v.getFloat32(p, true));
    case TYPE.f16: return of(2, (p) => half(v.getUint16(p, true)));
    case TYPE.i32: return of(4, (p) => v.getInt32(p, true));
    case TYPE.u8: return of(1, (p) => v.getUint8(p));
    case TYPE.i8: return of(1, (p) => v.getInt8(p));
    default: return null;
    }
}

// scale * (q - zero), one for all or along an axis
function dequantise(t) {
    if (!t.scale.length || !t.values) return;
    let inner = 1;
    for (let d = t.axis + 1; d < t.shape.length; d++) inner *= t.shape[d];
    for (let i = 0; i < t.values.length; i++) {
        const k = t.scale.length === 1 ? 0 : Math.floor(i / inner) % t.shape[t.axis];
        t.values[i] = t.scale[k] * (t.values[i] - (t.zero[k] ?? 0));
    }
}

export function load(path) {
    const f = new Flat(fs.readFileSync(path)), model = f.u32(0), graph = f.tables(model, 2)[0];
    const codes = f.tables(model, 1).map((t) => ({
        code: Math.max(f.byte(t, 0), f.int(t, 3)), custom: f.bytes(t, 1)?.toString() ?? '' }));
    const buffers = f.tables(model, 4).map((t) => f.bytes(t, 0));
    const tensors = f.tables(graph, 0).map((t) => {
        const q = f.child(t, 4), type = f.byte(t, 1), data = buffers[f.int(t, 2)];
        const tensor = {
            name: f.bytes(t, 3)?.toString() ?? '', shape: f.ints(t, 0), type,
            scale: q ? f.list(q, 2, 4, (p) => f.f32(p)) : [], zero: q ? f.list(q, 3, 8, (p) => Number(f.v.getBigInt64(p, true))) : [],
            axis: q ? f.int(q, 6) : 0, values: data?.length ? constants(type, data) : null };
        dequantise(tensor);
        return tensor;
    });
    const operators = f.tables(graph, 3).map((o) => ({
        ...codes[f.int(o, 0)], inputs: f.ints(o, 1), outputs: f.ints(o, 2), options: f.child(o, 4) }));
    return { f, tensors, operators, inputs: f.ints(graph, 1), outputs: f.ints(graph, 2) };
}

// ---- Operators ----------------------------------------------------------------------------------

function window(f, o, at) {            // padding, strides and dilation of a convolution or a pool
    return { same: f.byte(o.options, at.padding) === 0, sx: f.int(o.options, at.stride), sy: f.int(o.options, at.stride + 1) };
}

const before = (same, size, out, kernel, stride) =>
    same ? Math.max(0, (out - 1) * stride + kernel - size) >> 1 : 0;

function conv(f, o, x, w, b, out, depthwise) {
    const { same, sx, sy } = window(f, o, { padding: 0, stride: 1 });
    const [, H, W, C] = x.shape, [, OH, OW, K] = out.shape, [, KH, KW] = w.shape;
    const y0 = before(same, H, OH, KH, sy), x0 = before(same, W, OW, KW, sx);
    const y = new Float64Array(OH * OW * K), X = x.values, Q = w.values;
    for (let r = 0; r < OH; r++) for (let c = 0; c < OW; c++) {
        const at = (r * OW + c) * K;
        for (let k = 0; k < K; k++) y[at + k] = b ? b.values[k] : 0;
        for (let i = 0; i < KH; i++) for (let j = 0; j < KW; j++) {
            const u = r * sy - y0 + i, v = c * sx - x0 + j;
            if (u < 0 || u >= H || v < 0 || v >= W) continue;
            const from = (u * W + v) * C;
            for (let k = 0; k < K; k++) {
                if (depthwise) { y[at + k] += X[from + k] * Q[(i * KW + j) * K + k]; continue; }
                let sum = 0, q = ((k * KH + i) * KW + j) * C;
                for (let n = 0; n < C; n++) sum += X[from + n] * Q[q + n];
                y[at + k] += sum;
            }
        }
    }
    return y;
}

function pool(f, o, x, out) {
    const { same, sx, sy } = window(f, o, { padding: 0, stride: 1 });
    const [, H, W, C] = x.shape, [, OH, OW] = out.shape, KW = f.int(o.options, 3), KH = f.int(o.options, 4);
    const y0 = before(same, H, OH, KH, sy), x0 = before(same, W, OW, KW, sx), y = new Float64Array(OH * OW * C);
    for (let r = 0; r < OH; r++) for (let c = 0; c < OW; c++) for (let k = 0; k < C; k++) {
        let sum = 0, count = 0;
        for (let u = Math.max(0, r * sy - y0); u < Math.min(H, r * sy - y0 + KH); u++)
            for (let v = Math.max(0, c * sx - x0); v < Math.min(W, c * sx - x0 + KW); v++) { sum += x.values[(u * W + v) * C + k]; count++; }
        y[(r * OW + c) * C + k] = sum / count;
    }
    return y;
}

function mean(x) {                      // over height and width
    const [, H, W, C] = x.shape, y = new Float64Array(C);
    for (let i = 0; i < H * W; i++) for (let k = 0; k < C; k++) y[k] += x.values[i * C + k] / (H * W);
    return y;
}

function pad(x, amounts, out) {
    const [, H, W, C] = x.shape, [, OH, OW] = out.shape, y = new Float64Array(OH * OW * C), top = amounts.values[2], left = amounts.values[4];
    for (let r = 0; r < H; r++) for (let i = 0; i < W * C; i++) y[((r + top) * OW + left) * C + i] = x.values[r * W * C + i];
    return y;
}

function dense(x, w, b) {
    const [K, C] = w.shape;
    return Float64Array.from({ length: K }, (_, k) => {
        let sum = b ? b.values[k] : 0;
        for (let n = 0; n < C; n++) sum += x.values[n] * w.values[k * C + n];
        return sum;
    });
}

function softmax(x) {
    const C = x.shape.at(-1), y = new Float64Array(x.values.length);
    for (let i = 0; i < y.length; i += C) {
        let top = -Infinity, sum = 0;
        for (let k = 0; k < C; k++) top = Math.max(top, x.values[i + k]);
        for (let k = 0; k < C; k++) sum += y[i + k] = Math.exp(x.values[i + k] - top);
        for (let k = 0; k < C; k++) y[i + k] /= sum;
    }
    return y;
}

function concatenate(parts) {           // of [1, n, ...], along n
    const y = new Float64Array(parts.reduce((n, p) => n + p.values.length, 0));
    parts.reduce((at, p) => (y.set(p.values, at), at + p.values.length), 0);
    return y;
}

function apply(f, o, x, out) {
    switch (o.code) {
    case 1: return pool(f, o, x[0], out);
    case 2: return concatenate(x);
    case 3: return conv(f, o, x[0], x[1], x[2], out, false);
    case 4: return conv(f, o, x[0], x[1], x[2], out, true);
    case 9: return dense(x[0], x[1], x[2]);
    case 14: return x[0].values.map((v) => 1 / (1 + Math.exp(-v)));
    case 19: return x[0].values.map((v) => Math.max(v, 0));
    case 21: return x[0].values.map((v) => Math.min(Math.max(v, 0), 6));
    case 6: case 22: case 43: case 114: return x[0].values.slice();
    case 25: return softmax(x[0]);
    case 34: return pad(x[0], x[1], out);
    case 40: return mean(x[0]);
    default: return null;               // what comes behind the scores
    }
}

// ---- Ends ---------------------------------------------------------------------------------------

const FUSED_AT = { 1: 5, 2: 1, 3: 3, 4: 4, 9: 0 };

function ends(f, o, out, rounded) {
    const fused = o.code in FUSED_AT ? f.byte(o.options, FUSED_AT[o.code]) : 0;
    let low = fused ? 0 : -Infinity, high = fused === 3 ? 6 : Infinity;
    if (out.scale.length === 1 && (out.type === TYPE.u8 || out.type === TYPE.i8)) {
        const least = out.type === TYPE.i8 ? -128 : 0, s = out.scale[0], z = out.zero[0];
        const from = s * (least - z), to = s * (least + 255 - z);
        if (rounded) { low = Math.max(low, from); high = Math.min(high, to); }
        else if ((o.code === 3 || o.code === 4) && !fused && from === 0) { low = 0; if (Math.abs(to - 6) < .06) high = 6; }
    }
    return [low, high];
}

function finish(f, o, y, out, rounded) {
    const [low, high] = ends(f, o, out, rounded), s = out.scale[0], z = out.zero[0] ?? 0;
    const levels = rounded && out.scale.length === 1 && (out.type === TYPE.u8 || out.type === TYPE.i8);
    for (let i = 0; i < y.length; i++) {
        const v = Math.min(Math.max(y[i], low), high);
        y[i] = levels ? s * (Math.min(Math.max(Math.round(v / s) + z, out.type === TYPE.i8 ? -128 : 0), out.type === TYPE.i8 ? 127 : 255) - z) : v;
    }
    return y;
}

export function run(net, input, { rounded = false } = {}) {
    const tensors = net.tensors.map((t) => ({ ...t }));
    tensors[net.inputs[0]].values = input;
    for (const o of net.operators) {
        const out = tensors[o.outputs[0]], y = apply(net.f, o, o.inputs.map((i) => tensors[i]), out);
        if (y) out.values = finish(net.f, o, y, out, rounded);
    }
    return tensors.map((t) => t.values);
}

// The tensor before the scores: what the softmax or the logistic reads; else the output.
export function logits(net) {
    const last = net.operators.filter((o) => o.code === 25 || o.code === 14).at(-1);
    return last ? last.inputs[0] : net.outputs[0];
}

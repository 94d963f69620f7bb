// make_tflite.mjs - small TensorFlow Lite files, and what an independent interpreter (tflite.mjs) makes of them and of
// published ones.
//
//   node make_tflite.mjs files ../fuzz/corpus/tflite      writes the small files: MobileNetV1 with 8 channels in each layer
//   node make_tflite.mjs goldens ../fuzz/corpus/tflite MODELS tflite.json     computes the goldens of both
//
// The input is sin(0.01 i) at flat index i of [height][width][3], as the network sees it. Of each tensor: its length, its
// L2 norm, the place of its largest value, and 16 values, the k-th at flat index (floor(k n / 16) + 37 k) mod n.
import fs from 'fs';
import path from 'path';
import { load, logits, run } from './tflite.mjs';

// ---- A FlatBuffer, written from front to back -------------------------------------------------------

// table([field, ...]): null is absent; i8, i32, f32 are numbers; anything else is written behind and pointed to
const i8 = (v) => ({ size: 1, put: (b, p) => b.writeInt8(v, p) });
const i32 = (v) => ({ size: 4, put: (b, p) => b.writeInt32LE(v, p) });
const f32 = (v) => ({ size: 4, put: (b, p) => b.writeFloatLE(v, p) });
const table = (fields) => ({ fields });
const list = (items) => ({ items });
const ints = (v) => ({ raw: Buffer.from(Int32Array.from(v).buffer), count: v.length });
const floats = (v) => ({ raw: Buffer.from(Float32Array.from(v).buffer), count: v.length });
const longs = (v) => ({ raw: Buffer.from(BigInt64Array.from(v, BigInt).buffer), count: v.length });
const bytes = (v) => ({ raw: Buffer.from(v), count: v.length });
const text = (v) => bytes(Buffer.from(v + '\0').subarray(0, -1));

function flatbuffer(root, identifier) {
    let b = Buffer.alloc(1 << 16), end = 8;
    const later = [];                           // [place of an offset, what it points to]
    const grow = (size) => {
        end = (end + 3) & ~3;                   // everything aligned to 4
        if (end + size > b.length) b = Buffer.concat([b, Buffer.alloc(b.length + size)]);
        end += size;
        return end - size;
    };
    const put = {
        table(t) {
            const fields = t.fields, listed = grow(4 + 2 * fields.length), at = grow(4 + 4 * fields.length);
            b.writeUInt16LE(4 + 2 * fields.length, listed);
            b.writeUInt16LE(4 + 4 * fields.length, listed + 2);
            b.writeInt32LE(at - listed, at);
            fields.forEach((f, i) => {
                if (!f) return;
                b.writeUInt16LE(4 + 4 * i, listed + 4 + 2 * i);
                if (f.put) f.put(b, at + 4 + 4 * i);
                else later.push([at + 4 + 4 * i, f]);
            });
            return at;
        },
        list(l) {
            const at = grow(4 + 4 * l.items.length);
            b.writeUInt32LE(l.items.length, at);
            l.items.forEach((item, i) => later.push([at + 4 + 4 * i, item]));
            return at;
        },
        raw(v) {
            const at = grow(4 + v.raw.length + 1);
            b.writeUInt32LE(v.count, at);
            v.raw.copy(b, at + 4);
            return at;
        },
    };
    later.push([0, root]);
    b.write(identifier, 4, 'latin1');
    for (let next; (next = later.shift()); ) {
        const [place, what] = next, at = what.fields ? put.table(what) : what.items ? put.list(what) : put.raw(what);
        b.writeUInt32LE(at - place, place);
    }
    return Buffer.from(b.subarray(0, end));
}

// A map of numbers as a FlexBuffer: [[name, "int" or "float", value], ...], by rising name
function flexbuffer(entries) {
    const keys = [], parts = [];
    let at = 0;
    const add = (buffer) => { parts.push(buffer); at += buffer.length; };
    const u32 = (v) => { const b = Buffer.alloc(4); b.writeUInt32LE(v); return b; };
    for (const [name] of entries) { keys.push(at); add(Buffer.from(name + '\0')); }
    while (at % 4) add(Buffer.alloc(1));
    add(u32(entries.length));
    const list = at;
    keys.forEach((key) => add(u32(at - key)));
    add(u32(at - list));
    add(u32(4));
    add(u32(entries.length));
    const map = at;
    for (const [, kind, value] of entries) {
        const b = Buffer.alloc(4);
        if (kind === 'int') b.writeInt32LE(value); else b.writeFloatLE(value);
        add(b);
    }
    add(Buffer.from(entries.map(([, kind]) => (kind === 'int' ? 1 : 3) << 2 | 2)));
    const root = at - map;
    add(Buffer.from([root, 9 << 2 | 2, 1]));
    return Buffer.concat(parts);
}

// An archive of one stored file, as it lies behind `before` bytes
function zip(name, data, before) {
    const local = Buffer.alloc(30), entry = Buffer.alloc(46), end = Buffer.alloc(22), n = Buffer.from(name);
    local.write('PK\x03\x04', 'latin1'); entry.write('PK\x01\x02', 'latin1'); end.write('PK\x05\x06', 'latin1');
    for (const [b, at] of [[local, 18], [entry, 20]]) { b.writeUInt32LE(data.length, at); b.writeUInt32LE(data.length, at + 4); }
    local.writeUInt16LE(n.length, 26);
    entry.writeUInt16LE(n.length, 28);
    entry.writeUInt32LE(before, 42);
    end.writeUInt16LE(1, 8); end.writeUInt16LE(1, 10);
    end.writeUInt32LE(46 + n.length, 12);
    end.writeUInt32LE(before + 30 + n.length + data.length, 16);
    return Buffer.concat([local, n, data, entry, n, end]);
}

// ---- A network: tensors and operators of the schema -------------------------------------------------

const F32 = 0, I32 = 2, U8 = 3, I8 = 9, SIZE = 32, CHANNELS = 8;
const AVERAGE_POOL = 1, CONCATENATION = 2, CONV = 3, DEPTHWISE = 4, DENSE = 9, LOGISTIC = 14, RESHAPE = 22, SOFTMAX = 25,
    CUSTOM = 32, PAD = 34, MEAN = 40, STRIDED_SLICE = 45, SHAPE = 77, PACK = 83, ADD = 0;
const STRIDES = [1, 2, 1, 2, 1, 2, 1, 1, 1, 1, 1, 2, 1];

class Network {
    constructor(kind, activation) {
        Object.assign(this, { kind, activation, tensors: [], operators: [], codes: [], buffers: [bytes([])], seed: 1 });
    }
    random() {                                  // -1 .. 1
        this.seed = (Math.imul(this.seed, 1664525) + 1013904223) >>> 0;
        return (this.seed >>> 8) / (1 << 23) - 1;
    }
    tensor(shape, type, data, scale, zero, axis = 0) {
        if (data) this.buffers.push(bytes(data));
        const q = scale ? table([null, null, floats(scale), longs(zero), null, null, i32(axis)]) : null;
        this.tensors.push({ shape, scale, zero, table: table([ints(shape), i8(type), i32(data ? this.buffers.length - 1 : 0),
            text(`t${this.tensors.length}`), q]) });
        return this.tensors.length - 1;
    }
    operator(code, inputs, outputs, options, custom = null) {
        const key = code + (custom?.name ?? '');
        if (!this.codes.includes(key)) this.codes.push(key);
        this.operators.push({ code, custom, table: table([i32(this.codes.indexOf(key)), ints(inputs), ints(outputs), null,
            options ? table(options) : null, custom ? bytes(custom.settings) : null]) });
        return outputs[0];
    }
    // what a layer computes, [1, height, width, channels]; ends: [low, high] of a quantised one
    map(height, width, channels, [low, high]) {
        if (this.kind === F32) return this.tensor([1, height, width, channels], F32);
        const scale = (high - low) / 255, zero = Math.round(-low / scale);
        return this.tensor([1, height, width, channels], this.kind, null, [scale], [this.kind === I8 ? zero - 128 : zero]);
    }
    constant(shape, size, outputs, axis, inScale) {     // weights, and the bias of `outputs`
        const n = shape.reduce((a, b) => a * b), w = Array.from({ length: n }, () => this.random() * size + size / 5);
        const b = Array.from({ length: outputs }, () => this.random() * .2 + .2);
        if (this.kind === F32)
            return [this.tensor(shape, F32, floats(w).raw), this.tensor([outputs], F32, floats(b).raw)];
        const per = this.kind === I8, scale = per ? Array.from({ length: outputs }, (_, k) => size / (90 + k)) : [size / 100];
        const zero = per ? scale.map(() => 0) : [117], inner = axis === 0 ? n / outputs : 1;
        const q = w.map((v, i) => {
            const k = per ? Math.floor(i / inner) % outputs : 0, value = Math.round(v / scale[k]) + zero[k];
            return per ? Math.max(-127, Math.min(127, value)) & 255 : Math.max(0, Math.min(255, value));
        });
        const steps = scale.map((s) => s * inScale);
        const ib = b.map((v, k) => Math.round(v / steps[per ? k : 0]));
        return [this.tensor(shape, this.kind, q, scale, zero, per ? axis : 0),
            this.tensor([outputs], I32, ints(ib).raw, steps, steps.map(() => 0))];
    }
    layer(code, from, kernel, stride, channels, { activation = this.activation, ends = [0, 6], zeros = false } = {}) {
        let [, H, W, C] = this.tensors[from].shape, depthwise = code === DEPTHWISE;
        const OH = Math.ceil(H / stride), OW = Math.ceil(W / stride);
        const shape = depthwise ? [1, kernel, kernel, C] : [channels, kernel, kernel, C];
        const [w, b] = this.constant(shape, 3 / (kernel * kernel * (depthwise ? 1 : C)), channels, depthwise ? 3 : 0,
            this.tensors[from].scale?.[0]);
        if (zeros) {                            // Keras puts the zeros there by hand
            const amounts = this.tensor([4, 2], I32, ints([0, 0, 0, 1, 0, 1, 0, 0]).raw);
            from = this.operator(PAD, [from, amounts], [this.tensor([1, H + 1, W + 1, C], F32)], []);
        }
        const padding = i8(zeros ? 1 : 0), out = this.map(OH, OW, channels, ends);
        return this.operator(code, [from, w, b], [out], depthwise ? [padding, i32(stride), i32(stride), i32(1), i8(activation)]
            : [padding, i32(stride), i32(stride), i8(activation)]);
    }
    input(scale, zero) {
        return this.tensor([1, SIZE, SIZE, 3], this.kind, null, this.kind === F32 ? null : [scale], [zero]);
    }
    body(at, { zeros = false, until = STRIDES.length } = {}) {
        at = this.layer(CONV, at, 3, 2, CHANNELS, { zeros });
        STRIDES.slice(0, until).forEach((stride) => {
            at = this.layer(DEPTHWISE, at, 3, stride, CHANNELS, { zeros: zeros && stride === 2 });
            at = this.layer(CONV, at, 1, 1, CHANNELS);
        });
        return at;
    }
    reshape(from, shape) {
        const t = this.tensors[from], sizes = this.tensor([shape.length], I32, ints(shape).raw);
        return this.operator(RESHAPE, [from, sizes], [this.tensor(shape, this.kind, null, t.scale, t.zero)], []);
    }
    file(inputs, outputs, metadata) {
        const codes = this.codes.map((key) => this.operators.find((o) => o.code + (o.custom?.name ?? '') === key));
        const buffers = [...this.buffers, ...metadata ? [bytes(metadata)] : []].map((data) => table([data.count ? data : null]));
        return flatbuffer(table([i32(3), list(codes.map((o) => table([i8(o.code), o.custom ? text(o.custom.name) : null, i32(1)]))),
            list([table([list(this.tensors.map((t) => t.table)), ints(inputs), ints(outputs), list(this.operators.map((o) => o.table))])]),
            text('made by make_tflite.mjs'), list(buffers), null,
            metadata ? list([table([text('TFLITE_METADATA'), i32(this.buffers.length)])]) : null]), 'TFL3');
    }
}

// Floats as Keras leaves them: zeros by hand, MEAN, a dense layer, a shape computed for any batch, softmax over five classes
function floatFile() {
    const n = new Network(F32, 3), input = n.input();
    const map = n.body(input, { zeros: true });
    const pooled = n.operator(MEAN, [map, n.tensor([2], I32, ints([1, 2]).raw)], [n.tensor([1, CHANNELS], F32)], [i8(0)]);
    const [w, b] = n.constant([5, CHANNELS], 1, 5, 0);
    const dense = n.operator(DENSE, [pooled, w, b], [n.tensor([1, 5], F32)], [i8(0)]);
    const one = (value) => n.tensor([1], I32, ints([value]).raw), zero = one(0), next = one(1);
    const shape = n.operator(SHAPE, [dense], [n.tensor([2], I32)], [i8(I32)]);
    const batch = n.operator(STRIDED_SLICE, [shape, zero, next, next], [n.tensor([], I32)], [i32(0), i32(0), i32(0), i32(0), i32(1)]);
    const sizes = n.operator(PACK, [batch, one(5)], [n.tensor([2], I32)], [i32(2), i32(0)]);
    const flat = n.operator(RESHAPE, [dense, sizes], [n.tensor([1, 5], F32)], []);
    return n.file([input], [n.operator(SOFTMAX, [flat], [n.tensor([1, 5], F32)], [f32(1)])]);
}

// int8 by channel with ReLU: a pool, a 1x1 convolution, softmax over three classes
function int8File() {
    const n = new Network(I8, 1), input = n.input(1 / 255, -128), map = n.body(input);
    const pooled = n.operator(AVERAGE_POOL, [map], [n.map(1, 1, CHANNELS, [0, 6])], [i8(1), i32(1), i32(1), i32(1), i32(1)]);
    const scores = n.reshape(n.layer(CONV, pooled, 1, 1, 3, { activation: 0, ends: [-5, 5] }), [1, 3]);
    return n.file([input], [n.operator(SOFTMAX, [scores], [n.tensor([1, 3], I8, null, [1 / 256], [-128])], [f32(1)])]);
}

// The anchors of the rule, [count][4], rounded to 8 bits
function anchors(sizes, scales, ratios) {
    const all = [];
    sizes.forEach((size, m) => {
        const shapes = m === 0 ? [[.1, 1], [scales[0], 2], [scales[0], .5]]
            : [...ratios.map((r) => [scales[m], r]), [Math.sqrt(scales[m] * scales[m + 1]), 1]];
        for (let y = 0; y < size; y++) for (let x = 0; x < size; x++) for (const [s, r] of shapes)
            all.push((y + .5) / size, (x + .5) / size, s / Math.sqrt(r), s * Math.sqrt(r));
    });
    const scale = Math.max(...all) / 255;
    return { scale, count: all.length / 4, data: all.map((v) => Math.round(v / scale)) };
}

// uint8 by tensor: an SSD of three maps, background and four classes, labels with a gap attached
function ssdFile() {
    const n = new Network(U8, 0), input = n.input(1 / 128, 128);
    const taps = [], boxes = [], scores = [], classes = 5;
    let at = n.body(input, { until: 11 });
    taps.push(at);                              // conv11_pw, 2x2
    for (const stride of STRIDES.slice(11)) at = n.layer(CONV, n.layer(DEPTHWISE, at, 3, stride, CHANNELS), 1, 1, CHANNELS);
    taps.push(at);                              // conv13_pw, 1x1
    at = n.layer(CONV, at, 1, 1, CHANNELS, { activation: 3, ends: [-6, 7] });
    taps.push(n.layer(CONV, at, 3, 2, CHANNELS, { activation: 3, ends: [-6, 7] }));     // extra1, 1x1
    taps.forEach((tap, m) => {
        const [, H, W] = n.tensors[tap].shape, shapes = m ? 6 : 3;
        const b = n.layer(CONV, tap, 1, 1, 4 * shapes, { ends: [-8, 8] }), s = n.layer(CONV, tap, 1, 1, classes * shapes, { ends: [-8, 8] });
        boxes.push(n.reshape(b, [1, H * W * shapes, 1, 4]));
        scores.push(n.reshape(s, [1, H * W * shapes, classes]));
    });
    const a = anchors([2, 1, 1], [.2, .55, .9, 1], [1, 2, .5, 3, 1 / 3]), q = [16 / 255], z = [128];
    const allBoxes = n.operator(CONCATENATION, boxes, [n.tensor([1, a.count, 1, 4], U8, null, q, z)], [i32(1), i8(0)]);
    const allScores = n.operator(CONCATENATION, scores, [n.tensor([1, a.count, classes], U8, null, q, z)], [i32(1), i8(0)]);
    const sure = n.operator(LOGISTIC, [allScores], [n.tensor([1, a.count, classes], U8, null, [1 / 256], [0])], null);
    const constant = n.tensor([a.count, 4], U8, a.data, [a.scale], [0]);
    const outputs = [0, 1, 2, 3].map(() => n.tensor([], F32));
    n.operator(CUSTOM, [n.reshape(allBoxes, [1, a.count, 4]), sure, constant], outputs, null, { name: 'TFLite_Detection_PostProcess',
        settings: flexbuffer([['h_scale', 'float', 5], ['max_detections', 'int', 10], ['nms_iou_threshold', 'float', .6],
            ['num_classes', 'int', 4], ['w_scale', 'float', 5], ['x_scale', 'float', 10], ['y_scale', 'float', 10]]) });
    const file = [text('labels.txt'), null, i8(3)], unit = table([i8(1), table([floats([127.5]), floats([127.5])])]);
    const metadata = flatbuffer(table([text('made'), null, text('v1'), list([table([null, null,
        list([table([text('image'), null, null, null, list([unit])])]),
        list([table([text('boxes')]), table([text('classes'), null, null, null, null, null, list([table(file)])])])])]),
        text('nobody'), text('CC0')]), 'M001');
    const body = n.file([input], outputs, metadata);
    return Buffer.concat([body, zip('labels.txt', Buffer.from('cat\ndog\n???\nbird\n'), body.length)]);
}

// Not of the family: a residual ADD behind the third block
function addFile() {
    const n = new Network(F32, 3), input = n.input(), map = n.body(input, { until: 3 });
    const sum = n.operator(ADD, [map, map], [n.tensor(n.tensors[map].shape, F32)], [i8(0)]);
    return n.file([input], [sum]);
}

const files = { 'float.tflite': floatFile, 'int8.tflite': int8File, 'ssd.tflite': ssdFile, 'add.tflite': addFile };

// ---- Goldens ------------------------------------------------------------------------------------------

function sample(values) {
    const n = values.length, norm = Math.sqrt(values.reduce((sum, v) => sum + v * v, 0));
    return { length: n, norm, best: values.indexOf(values.reduce((a, b) => Math.max(a, b))),
        values: Array.from({ length: 16 }, (_, k) => values[(Math.floor(k * n / 16) + 37 * k) % n]) };
}

function golden(names) {
    const nets = names.map(load), [, H, W] = nets[0].tensors[nets[0].inputs[0]].shape;
    let input = Float64Array.from({ length: H * W * 3 }, (_, i) => Math.fround(Math.sin(.01 * i)));
    nets.slice(0, -1).forEach((net) => { input = run(net, input)[net.outputs[0]]; });
    const net = nets.at(-1), all = run(net, input), post = net.operators.find((o) => o.code === CUSTOM);
    const out = { files: names.map((n) => path.basename(n)), height: H, width: W };
    if (post) out.boxes = sample(all[post.inputs[0]]);
    out.logits = sample(all[logits(net)]);
    return out;
}

const [what, folder, models, to] = process.argv.slice(2);
if (what === 'files') {
    fs.mkdirSync(folder, { recursive: true });
    for (const [name, make] of Object.entries(files)) fs.writeFileSync(path.join(folder, name), make());
} else {
    const small = ['float.tflite', 'int8.tflite', 'ssd.tflite'].map((name) => [path.join(folder, name)]);
    const published = ['mobilenet_v1_0.25_128_quant', 'mobilenet_v1_0.25_224_float', 'mobilenet_v1_0.25_224_quant',
        'mobilenet_v1_0.5_160_quant', 'mobilenet_v1_0.75_192_quant', 'vww_96_float', 'vww_96_int8',
        'coco_ssd_mobilenet_v1_1.0_quant_2018_06_29', 'mobilenet_v1_1.0_224_quant_embedding_extractor',
        ['mobilenet_v1_1.0_224_quant_embedding_extractor', 'mobilenet_quant_v1_224_head_layers']]
        .map((names) => [names].flat().map((n) => path.join(models, n + '.tflite')));
    const text = [...small, ...published].map((names) => JSON.stringify(golden(names)));
    fs.writeFileSync(to, `[\n${text.join(',\n')}\n]\n`);
}

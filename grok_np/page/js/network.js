"use strict";
// Learned networks: from the page's data to effective weights, waves and logits.
//
// A network at a step is {A, B, C, bias, activation, shares}: A[i], B[i], C[i] say what neuron i does with each of the p
// numbers a, b and answers c; shares[i][k] is how much of the power of A[i] frequency k has. Phases as in `reading.fourier`: a wave of frequency k and phase phi is cos(2 pi k x / p - phi).

const ACTIVATIONS = {relu: x => (x > 0 ? x : 0), square: x => x * x, abs: Math.abs};
const turns = {}; // cos and sin of 2 pi x / p, by p
const turn = p =>
  (turns[p] ??= {
    cos: Float64Array.from({length: p}, (_, x) => Math.cos((2 * Math.PI * x) / p)),
    sin: Float64Array.from({length: p}, (_, x) => Math.sin((2 * Math.PI * x) / p)),
  });

// Sums over x of row[x] cos(2 pi k x / p) and of row[x] sin(2 pi k x / p).
function fourierSums(row, k) {
  const p = row.length,
    {cos, sin} = turn(p);
  let re = 0,
    im = 0;
  for (let x = 0, place = 0; x < p; x++, place += k, place -= place >= p ? p : 0) {
    re += row[x] * cos[place];
    im += row[x] * sin[place];
  }
  return [re, im];
}

// The wave of frequency k in a row: amplitude cos(2 pi k x / p - phase).
function wave(row, k) {
  const [re, im] = fourierSums(row, k);
  return {amplitude: (Math.hypot(re, im) * (2 * k === row.length ? 1 : 2)) / row.length, phase: Math.atan2(im, re)};
}

// Share of the row's power, the constant excepted, at each frequency 0 .. p/2.
function shares(row) {
  const p = row.length;
  const powers = Float64Array.from({length: (p >> 1) + 1}, (_, k) =>
    k === 0 ? 0 : (2 * k === p ? 1 : 2) * fourierSums(row, k).reduce((sum, x) => sum + x * x, 0),
  );
  const all = powers.reduce((sum, x) => sum + x, 0) || 1;
  return powers.map(x => x / all);
}

// The numbers in the order in which a wave of frequency k is one period long.
const inTurn = (k, p) => Array.from({length: p}, (_, x) => x).sort((x, y) => ((k * x) % p) - ((k * y) % p));

// What these neurons add to the logits of the pair (a, b).
function logits({A, B, C, bias, activation}, a, b, neurons) {
  const sum = new Float64Array(C[0].length),
    act = ACTIVATIONS[activation];
  for (const i of neurons) {
    const post = act(A[i][a] + B[i][b] + bias[i]),
      row = C[i];
    if (post) for (let c = 0; c < sum.length; c++) sum[c] += post * row[c];
  }
  return sum;
}

const argmax = values => values.reduce((best, x, i) => (x > values[best] ? i : best), 0);
const centred = values => {
  const mean = values.reduce((sum, x) => sum + x, 0) / values.length;
  return values.map(x => x - mean);
};
const largest = values => values.reduce((most, x) => Math.max(most, Math.abs(x)), 0);
const median = values => {
  const sorted = Float64Array.from(values).sort(),
    n = sorted.length;
  return n ? (sorted[(n - 1) >> 1] + sorted[n >> 1]) / 2 : NaN;
};
const wrapped = angle => Math.atan2(Math.sin(angle), Math.cos(angle));
const degrees = angle => (wrapped(angle) * 180) / Math.PI;

// Columns of a history in base64, as arrays.
function history_(curves) {
  return Object.fromEntries(
    Object.entries(curves).map(([name, column]) => [
      name,
      typeof column === "string" ? page.bytes(column, Float32Array) : column,
    ]),
  );
}

// A network of the page's data, decoded once: at(place) its weights at a checkpoint, right(place, a, b), ...
function learned(i) {
  const raw = page.data.networks[Math.min(i, page.data.networks.length - 1)];
  return (raw.decoded ??= decoded(raw));
}

function decoded(raw) {
  const {p, neurons: h, activation, steps} = raw;
  const tables = Object.fromEntries(
    ["A", "B", "C"]
      .filter(name => raw[name])
      .map(name => [
        name,
        {integers: page.bytes(raw[name].integers, Int8Array), scale: page.bytes(raw[name].scale, Float32Array)},
      ]),
  );
  const biases = raw.bias ? page.bytes(raw.bias, Float32Array) : new Float32Array(steps.length * h);
  const rows = (name, place) =>
    Array.from({length: h}, (_, i) => {
      const {integers, scale} = tables[name],
        row = place * h + i,
        out = new Float32Array(p);
      for (let x = 0; x < p; x++) out[x] = integers[row * p + x] * scale[row];
      return out;
    });
  const rightBits = page.bytes(raw.right),
    trainingBits = raw.training ? page.bytes(raw.training) : null;
  const bit = (bytes, i) => (bytes[i >> 3] >> (7 - (i & 7))) & 1;
  const labels = raw.labels ? page.bytes(raw.labels, Uint16Array) : null;
  const kept = new Map();
  const inRings = new Set(raw.rings.flatMap(({neurons}) => neurons));
  const others = Array.from({length: h}, (_, i) => i).filter(i => !inRings.has(i));
  return {
    ...raw,
    raw,
    others,
    history: raw.history && history_(raw.history),
    label: (a, b) => (labels ? labels[a * p + b] : (a + b) % p),
    right: (place, a, b) => bit(rightBits, place * p * p + a * p + b),
    training: (a, b) => (trainingBits ? bit(trainingBits, a * p + b) : 0),
    // groups: the rings of the last step, then what is in none; ring is -1 there
    groups: [
      ...raw.rings.map((ring, i) => ({...ring, ring: i, name: `frequency ${ring.frequency}`})),
      ...(others.length ? [{neurons: others, ring: -1, name: raw.rings.length ? "in no ring" : "all neurons"}] : []),
    ],
    at(place) {
      if (!kept.has(place)) {
        if (kept.size > 80) kept.clear();
        const A = rows("A", place);
        kept.set(place, {
          A,
          B: tables.B ? rows("B", place) : A,
          C: rows("C", place),
          bias: biases.subarray(place * h, (place + 1) * h),
          activation,
          shares: A.map(shares),
        });
      }
      return kept.get(place);
    },
  };
}

// A ring at a checkpoint: of each neuron phase and amplitude of its input waves and of its output wave, at the ring's
// frequency; the error is output - input phases (a - b: difference), in degrees.
function ringAt(net, {frequency: k, neurons, sign}, place) {
  const {A, B, C} = net.at(place);
  return neurons.map(i => {
    const a = wave(A[i], k),
      b = A === B ? a : wave(B[i], k),
      c = wave(C[i], k);
    return {neuron: i, input: a, second: b, output: c, error: degrees(c.phase - a.phase - sign * b.phase)};
  });
}

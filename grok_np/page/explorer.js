"use strict";
// The explorable page: first the mathematics, then one function for each picture, then the controls.
//
// A network is {A, B, C, bias, activation}: A[i], B[i] and C[i] are what neuron i does with each of the p numbers a, b
// and answers c. (`mlp.Effective` has A and B the other way round, (p, h).) Phases follow `fourier`:
// a wave of frequency k and phase phi is cos(2 pi k x / p - phi).

const run = JSON.parse(document.getElementById("data").textContent);
const {BLACK, ORANGE, YELLOW, BLUE, RED, CYCLE, DIVERGING} = run.colours;
const GREY = "#999999", PALE = "#dddddd";
const ACTIVATIONS = {relu: x => Math.max(x, 0), square: x => x * x, abs: Math.abs};
const ACTIVATION_NAMES = {relu: "ReLU", square: "x²", abs: "|x|"};

const range = n => Array.from({length: n}, (_, i) => i);
const mean = values => values.reduce((sum, x) => sum + x, 0) / values.length;
const centred = values => { const middle = mean(values); return Array.from(values, x => x - middle); };
const largest = values => values.reduce((most, x) => Math.max(most, Math.abs(x)), 0);
const argmax = values => values.reduce((best, x, i) => x > values[best] ? i : best, 0);
const median = values => [...values].sort((x, y) => x - y)[values.length >> 1];
const divisor = (x, y) => y === 0 ? x : divisor(y, x % y);
const degrees = angle => Math.atan2(Math.sin(angle), Math.cos(angle)) * 180 / Math.PI; // wrapped to +-180

// What these neurons add to the logits of the pair (a, b): post = activation(A[a] + B[b] + bias), times C.
function logits(network, a, b, neurons) {
  const {A, B, C, bias, activation} = network, sum = new Float64Array(C[0].length);
  for (const i of neurons) {
    const post = ACTIVATIONS[activation](A[i][a] + B[i][b] + bias[i]), row = C[i];
    for (let c = 0; c < sum.length; c++) sum[c] += post * row[c];
  }
  return sum;
}

// The right logit minus the largest wrong one, [a][b], for addition mod p: positive is right, and a tie, which is wrong,
// is 0: what 64 roundings of the largest logit can make (`analytic.margins`, `layers.TIE`).
function margins(network, p) {
  const neurons = range(network.C.length);
  let most = 0;
  const table = range(p).map(a => range(p).map(b => {
    const out = logits(network, a, b, neurons), answer = (a + b) % p;
    let wrong = -Infinity;
    for (let c = 0; c < p; c++) {
      if (c !== answer && out[c] > wrong) wrong = out[c];
      most = Math.max(most, Math.abs(out[c]));
    }
    return out[answer] - wrong;
  }));
  return table.map(row => row.map(margin => Math.abs(margin) > 64 * Number.EPSILON * most ? margin : 0));
}

// The star of N neurons, both rings turning alike (`analytic.star`) or b's ring winding faster (`untied_star`).
function star(p, N, k, winding, activation) {
  const ring = turns => range(N).map(i => Float64Array.from(range(p), x =>
    Math.cos(2 * Math.PI * (k * x % p / p - turns * i / N))));
  return {A: ring(1), B: ring(winding), C: ring(1 + winding), bias: new Float64Array(N), activation};
}

// Sums over x of row[x] cos(2 pi k x / p) and of row[x] sin(2 pi k x / p), for a row of the run's p numbers.
function fourierSums(row, k) {
  let re = 0, im = 0;
  for (let x = 0; x < p; x++) {
    re += row[x] * COS[k * x % p];
    im += row[x] * SIN[k * x % p];
  }
  return [re, im];
}

// The wave of frequency k in a row: amplitude cos(2 pi k x / p - phase).
function wave(row, k) {
  const [re, im] = fourierSums(row, k);
  return {amplitude: Math.hypot(re, im) * (2 * k === p ? 1 : 2) / p, phase: Math.atan2(im, re)};
}

// Norm of a row at each frequency 0 .. p/2 in the orthonormal basis: the root of `fourier.power`.
function spectrum(row) {
  return range((p >> 1) + 1).map(k => Math.hypot(...fourierSums(row, k)) * Math.sqrt((k && 2 * k !== p ? 2 : 1) / p));
}

// Share of a spectrum's power, the constant excepted, at frequency k.
const share = (amplitudes, k) => amplitudes[k] ** 2 / (amplitudes.slice(1).reduce((sum, x) => sum + x * x, 0) || 1);

// The run: base64 back to arrays, and the network at each checkpoint as views into them.

const {p} = run, h = run.neurons;
const COS = range(p).map(x => Math.cos(2 * Math.PI * x / p)), SIN = range(p).map(x => Math.sin(2 * Math.PI * x / p));

function decode(text, Type) {
  const characters = atob(text), bytes = new Uint8Array(characters.length);
  for (let i = 0; i < bytes.length; i++) bytes[i] = characters.charCodeAt(i);
  return new Type(bytes.buffer);
}

const weights = Object.fromEntries(["A", "B", "C", "bias"].map(name =>
  [name, decode(run[name] ?? run.A, Float32Array)]));
const rightAt = decode(run.right, Uint8Array);

function networkAt(checkpoint) {
  const neurons = range(h).map(i => checkpoint * h + i);
  const rows = name => neurons.map(i => weights[name].subarray(i * p, (i + 1) * p));
  const bias = neurons.map(i => weights.bias[i]);
  return {A: rows("A"), B: rows("B"), C: rows("C"), bias, activation: run.activation};
}

const inRings = run.rings.flatMap(ring => ring.neurons);
const others = range(h).filter(i => !inRings.includes(i));
const groups = [...run.rings.map(ring => ({name: `k = ${ring.frequency}`, neurons: ring.neurons})),
  ...(others.length ? [{name: run.rings.length ? "rest" : "all", neurons: others}] : [])];
const colourOf = group => group < run.rings.length ? CYCLE[group % CYCLE.length] : GREY;

// Pictures, each from what the sliders say when it is drawn. Rows of panels share one pair of axes, each row shifted
// down, which is several times as fast as axes for each; marks are shapes, which Plotly moves without drawing the rest.

const narrow = window.matchMedia("(max-width: 700px)");
const element = id => document.getElementById(id);
const value = id => Number(element(id).value);
const percent = share => share === 1 ? "100 %" : `${(100 * share).toFixed(share > 0.995 || share < 0.01 ? 2 : 1)} %`;
const grouped = number => number.toLocaleString("en");
const question = (a, b) => run.question.replaceAll(/\b[ab]\b/g, letter => letter === "a" ? a : b);
const judged = right => right ? `<span class="right">✓ right</span>` : `<span class="wrong">✗ wrong</span>`;
const swatch = (colour, text) =>
  `<span class="key"><span class="swatch" style="background:${colour}"></span>${text}</span> `;
const chained = lines => lines.flatMap(line => [...line, null]); // many lines as one trace, with gaps

function draw(id, title, data, {height, ...layout}, config) {
  element(`${id}-title`).textContent = title;
  element(id).style.height = `${height}px`; // not Plotly's own height, which it forgets when the window is resized
  for (const axis of Object.keys(layout).filter(name => /^[xy]axis/.test(name))) {
    layout[axis] = {zeroline: false, fixedrange: true, ...layout[axis]};
  }
  Plotly.react(id, data, {
    margin: {l: 56, r: 12, t: 8, b: 40}, showlegend: false, dragmode: false, hovermode: "closest",
    font: {family: "system-ui, sans-serif", size: 12, color: "#1a1a1a"}, ...layout,
  }, {displayModeBar: false, responsive: true, ...config});
}

const visible = step => Math.max(step, 0.8); // step 0 has no place on a logarithmic axis
const stepMark = () => ({x0: visible(run.steps[value("step")]), x1: visible(run.steps[value("step")])});

function drawTraining() {
  const {history} = run, end = Math.log10(visible(history.step.at(-1))) + 0.1;
  const curve = (column, name, colour, dash) => ({x: history.step.map(visible), y: history[column], mode: "lines", name,
    line: {color: colour, dash}, ...(column.endsWith("loss") ? {yaxis: "y2", showlegend: false} : {})});
  const [memorised, grokked] = ["train", "test"].map(name =>
    history.step.find((_, i) => history[`${name}_accuracy`][i] === 1));
  const title = memorised === undefined ? "The training pairs are not all right yet" :
    `Training pairs all right from step ${grouped(memorised)}, ` + (grokked === undefined ?
      `held-out pairs ${percent(history.test_accuracy.at(-1))} right at the end` :
      `held-out pairs only from step ${grouped(grokked)}`);
  draw("training", title, [
    curve("train_accuracy", "training pairs", BLUE, "solid"), curve("test_accuracy", "held-out pairs", RED, "dash"),
    curve("train_loss", "training pairs", BLUE, "solid"), curve("test_loss", "held-out pairs", RED, "dash"),
  ], {height: 440, showlegend: true, legend: {orientation: "h", x: 0.5, xanchor: "center", y: 1, yanchor: "bottom"},
    margin: {l: 56, r: 12, t: 30, b: 40}, shapes: [{type: "line", yref: "paper", y0: 0, y1: 1, ...stepMark()}],
    xaxis: {type: "log", range: [-0.15, end], dtick: 1, exponentformat: "power", title: {text: "step"}, anchor: "y2"},
    yaxis: {domain: [0.54, 1], range: [-0.03, 1.05], title: {text: "accuracy"}},
    yaxis2: {domain: [0, 0.46], type: "log", nticks: 5, exponentformat: "power",
      title: {text: "loss (nats)", standoff: 2}},
  });
}

const PAIR_COLOURS = {"held-out, wrong": RED, "training, wrong": ORANGE, "training, right": "#c9e2f2",
  "held-out, right": BLUE};

function drawPairs() {
  const start = value("step") * p * p;
  const code = (a, b) => rightAt[start + a * p + b] ? 3 - run.training[a][b] : run.training[a][b];
  const z = range(p).map(b => range(p).map(a => code(a, b)));
  const colorscale = Object.values(PAIR_COLOURS).flatMap((colour, i) => [[i / 4, colour], [(i + 1) / 4, colour]]);
  const share = percent(mean(z.flat().map(code => +(code > 1))));
  drawMap("pairs", `At this step ${share} of all ${grouped(p * p)} pairs are right`,
    {z, zmin: -0.5, zmax: 3.5, colorscale, hovertemplate: "a = %{x}, b = %{y}<extra></extra>"}, ["a", "b"], showPair);
  element("pairs-legend").innerHTML = "Click a pair to choose it. " +
    Object.entries(PAIR_COLOURS).map(([text, colour]) => swatch(colour, text)).join("");
}

// A square map of all pairs, with a ring around the one that the two sliders choose; a click chooses another.
function drawMap(id, title, heatmap, sliders, showPair) {
  const first = !element(id).layout, [xanchor, yanchor] = sliders.map(value);
  draw(id, title, [{type: "heatmap", showscale: false, ...heatmap}], {height: narrow.matches ? 325 : 440,
    xaxis: {title: {text: "a", standoff: 6}, constrain: "domain"},
    yaxis: {title: {text: "b"}, scaleanchor: "x", constrain: "domain", constraintoward: "top"},
    shapes: [{color: "white", width: 6}, {color: BLACK, width: 2.5}].map(line => ({type: "circle", line,
      xsizemode: "pixel", ysizemode: "pixel", xanchor, yanchor, x0: -7, x1: 7, y0: -7, y1: 7}))});
  if (first) element(id).on("plotly_click", ({points: [{x, y}]}) => {
    sliders.forEach((slider, i) => { element(slider).value = [x, y][i]; });
    showPair();
  });
}

const ROWS = {ticks: "outside", tickcolor: "#0000", ticklen: 8}; // keeps the names of rows clear of the lines

// What each part {name, values, colour} adds to the logits of the answers c, and the sum, all in one scale; the right
// answer is marked, and what the network says.
function drawParts(id, title, parts, answer, said) {
  const rows = parts.map(part => centred(part.values));
  const half = Math.max(...rows.slice(0, -1).map(largest)) || 1, last = Math.max(1.3 * largest(rows.at(-1)), 0.7 * half);
  const middles = rows.map((_, i) => i < rows.length - 1 ? -2.2 * half * i : -2.2 * half * (i - 0.5) - last);
  const data = parts.map(({name, colour}, i) => ({x: range(rows[i].length), y: rows[i].map(x => x + middles[i]),
    customdata: rows[i], mode: "lines", name, line: {color: colour, width: i < rows.length - 1 ? 1.8 : 2.5},
    hovertemplate: `c = %{x}: %{customdata:.3g}<extra>${name}</extra>`}));
  data.push({x: [said], y: [data.at(-1).y[said]], mode: "markers", name: "says", hoverinfo: "skip",
    marker: {color: said === answer ? BLUE : RED, size: 12, symbol: said === answer ? "circle" : "x"}});
  draw(id, title, data, {height: 440, margin: {l: 78, r: 12, t: 8, b: 40},
    xaxis: {title: {text: "answer c"}, showgrid: false},
    yaxis: {...ROWS, range: [middles.at(-1) - last, 1.2 * half], tickvals: middles,
      ticktext: parts.map(({name}) => name)},
    shapes: [{type: "rect", x0: answer - 0.6, x1: answer + 0.6, y0: 0, y1: 1, yref: "paper", layer: "below",
      line: {width: 0}, fillcolor: "#c8c8c8"}]});
}

function drawContributions() {
  const [a, b, network] = [value("a"), value("b"), networkAt(value("step"))], answer = run.labels[a][b];
  const sum = logits(network, a, b, range(h)), said = argmax(sum);
  const parts = groups.map(({name, neurons}, i) =>
    ({name, colour: colourOf(i), values: logits(network, a, b, neurons)}));
  drawParts("contributions", `${question(a, b)}: the sum is largest at c = ${said}` +
    (said === answer ? ", the right answer" : `; right would be ${answer}`),
  [...parts, {name: "sum", colour: BLACK, values: sum}], answer, said);
}

// Circles, each at its place [column, row], with rings of neurons in them: {label, place, rings}, a ring being
// {phases, radii, colour, numbered}, drawn thin where it is GREY. The largest ring fills its circle, but for its numbers.
function drawCircles(id, title, circles, height) {
  const point = ([column, row], radius, angle) =>
    ({x: 2.4 * column + radius * Math.cos(angle), y: -2.7 * row + radius * Math.sin(angle)});
  const closed = (place, radii, phases) => [...phases.keys(), 0].map(i => point(place, radii[i], phases[i]));
  const edge = range(60).map(i => 2 * Math.PI * i / 60);
  const lines = {[PALE]: circles.map(({place}) => closed(place, edge.map(() => 1), edge))}; // by colour
  const texts = circles.map(({label, place}) => ({text: label, ...point(place, 1.17, Math.PI / 2)}));
  for (const {place, rings} of circles) {
    const size = (rings[0].numbered ? 1.5 : 1.15) * Math.max(...rings.flatMap(({radii}) => radii));
    for (const {phases, radii, colour, numbered} of rings) {
      (lines[colour] ??= []).push(closed(place, radii.map(radius => radius / size), phases));
      if (numbered) texts.push(...numbers(phases).map(([text, phase]) => ({text, ...point(place, 0.86, phase)})));
    }
  }
  const data = Object.entries(lines).map(([color, points]) => ({
    x: chained(points).map(point => point?.x), y: chained(points).map(point => point?.y), name: color,
    mode: color === PALE || color === GREY ? "lines" : "lines+markers",
    line: {color, width: color === GREY ? 1 : 1.6}, marker: {color, size: 8}}));
  data.push({x: texts.map(({x}) => x), y: texts.map(({y}) => y), text: texts.map(({text}) => text), mode: "text"});
  const [columns, rows] = [0, 1].map(axis => 1 + Math.max(...circles.map(({place}) => place[axis])));
  draw(id, title, data, {height, margin: {l: 4, r: 4, t: 4, b: 4},
    xaxis: {visible: false, range: [-1.1, 2.4 * columns - 1.3]},
    yaxis: {visible: false, range: [-2.7 * rows + 1.6, 1.35], scaleanchor: "x"}}, {staticPlot: true});
}

// The neurons at each phase of a ring, as [text, phase]: those that share a phase share a text.
function numbers(phases) {
  const same = (x, y) => Math.cos(x - y) > 1 - 1e-9;
  const first = phases.filter((phase, i) => phases.findIndex(other => same(other, phase)) === i);
  return first.map(phase => [[...phases.keys()].filter(i => same(phases[i], phase)).join(", "), phase]);
}

function drawStars() {
  const network = networkAt(value("step")), errors = []; // degrees, the median of each ring
  const labels = run.B ? ["in, a", "in, b", "out"] : ["in", "out"];
  const circles = run.rings.flatMap(({frequency, neurons, sign}, ring) => {
    const waves = neurons.map(i => ["A", "B", "C"].map(name => wave(network[name][i], frequency)))
      .sort(([x], [y]) => x.phase - y.phase);
    const inputs = waves.map(([input]) => input.phase);
    // The sum of the input phases where the network adds, their difference where it subtracts.
    errors.push(median(waves.map(([A, B, C]) => Math.abs(degrees(C.phase - A.phase - sign * B.phase)))));
    // The regular ring in the rotation nearest to the input phases (`reading.rings.Ring.regular_phases`).
    const even = neurons.map((_, i) => 2 * Math.PI * i / neurons.length);
    const turn = Math.atan2(...[Math.sin, Math.cos].map(f => mean(inputs.map((phase, i) => f(phase - even[i])))));
    return labels.map((label, side) => {
      const table = label === "out" ? 2 : side; // of A, B, C
      const radii = waves.map(all => all[table].amplitude), learned = waves.map(all => all[table].phase);
      const regular = {phases: even.map(x => (1 + side) * (x + turn)), radii: radii.map(() => mean(radii)), colour: GREY};
      return {label: `${label}, k = ${frequency}`, place: narrow.matches ? [side, ring] : [ring, side],
        rings: [...(run.B ? [] : [regular]), {phases: learned, radii, colour: colourOf(ring)}]};
    });
  });
  const formed = errors.filter(error => error < 15);
  const law = run.B ? `the ${run.rings[0].sign > 0 ? "sum" : "difference"} of both input phases` : "twice the input phase";
  const title = formed.length ? `In ${formed.length} of ${errors.length} rings the output phase is ${law}, ` +
    `within ${Math.max(...formed).toFixed(1)}° (median)` :
    `No stars yet: output phases are ${Math.min(...errors).toFixed(0)}° or more off ${law} (median)`;
  drawCircles("stars", title, circles, narrow.matches ? (run.B ? 135 : 175) * run.rings.length : run.B ? 640 : 440);
}

function drawWaves() {
  const network = networkAt(value("step")), turned = range(p).map(x => x / p), middles = [], names = [];
  const data = run.rings.flatMap(({frequency, neurons}, ring) => {
    const order = range(p).sort((x, y) => frequency * x % p - frequency * y % p);
    const [input, output] = ["A", "C"].map(name => neurons.map(i => order.map(x => network[name][i][x])));
    const sizes = [input, output].map(lines => Math.max(...lines.map(largest)));
    middles.push(-2.3 * ring);
    names.push(`k = ${frequency}<br>in ±${sizes[0].toPrecision(2)}<br>out ±${sizes[1].toPrecision(2)}`);
    return [input, output].map((lines, side) => ({
      x: chained(lines.map(() => turned)), y: chained(lines.map(line => line.map(x => x / sizes[side] - 2.3 * ring))),
      name: `${"AC"[side]} ${frequency}`, xaxis: ["x", "x2"][side], mode: "lines",
      line: {color: colourOf(ring), width: 1.3}}));
  });
  const pure = mean(run.rings.flatMap(({frequency, neurons}) =>
    neurons.map(i => share(spectrum(network.A[i]), frequency))));
  const title = pure > 0.8 ? "Neurons of one frequency are one wave, shifted" : "Not all neurons are waves yet";
  const turns = narrow.matches ? ["in", "out"] : ["in: k a mod p, turns", "out: k c mod p, turns"];
  draw("waves", `${title}: ${percent(pure)} of their input's power is at the frequency they end with`, data, {
    height: 60 + 125 * Math.max(run.rings.length, 2), margin: {l: 76, r: 12, t: 8, b: 44},
    xaxis: {domain: [0, 0.49], nticks: 3, title: {text: turns[0]}},
    xaxis2: {domain: [0.51, 1], nticks: 3, title: {text: turns[1]}},
    yaxis: {...ROWS, range: [middles.at(-1) - 1.15, 1.15], tickvals: middles, ticktext: names},
  }, {staticPlot: true});
}

function drawWeights() {
  const network = networkAt(value("step")), tables = run.B ? ["A", "B", "C"] : ["A", "C"];
  const rows = groups.flatMap(group => group.neurons), middles = [], names = [], limits = [], borders = [];
  const data = tables.flatMap((name, table) => {
    const top = table * (h + 1.5), y = rows.map((_, i) => top + i); // a gap of a row and a half between the tables
    const z = rows.map(i => network[name][i]), limit = Math.max(...z.map(largest));
    limits.push(`${name} ±${limit.toPrecision(2)}`);
    let start = top - 0.5;
    for (const group of groups) {
      if (start >= top) borders.push([start, start]);
      middles.push(start + group.neurons.length / 2);
      names.push(`${name}, ${group.name}`);
      start += group.neurons.length;
    }
    return [{type: "heatmap", y, z, zmin: -limit, zmax: limit, colorscale: DIVERGING, showscale: false, name},
      {type: "heatmap", y, z: z.map(spectrum), zmin: 0, colorscale: "Greys", reversescale: true, showscale: false,
        xaxis: "x2", name: `${name} by frequency`}];
  });
  for (const [xaxis, end] of [["x", p - 0.5], ["x2", (p >> 1) + 0.5]]) {
    data.push({x: chained(borders.map(() => [-0.5, end])), y: chained(borders), mode: "lines", xaxis,
      line: {color: "#606060", width: 1}});
  }
  const pure = mean(rows.map(i => {
    const amplitudes = spectrum(network.A[i]);
    return Math.max(...range(p >> 1).map(k => share(amplitudes, k + 1)));
  }));
  const title = pure > 0.8 ? "The same weights twice: by frequency, a neuron is one point" :
    "By frequency, a neuron is still spread over many waves";
  draw("weights", `${title} (${percent(pure)} of its input's power in the strongest)`, data, {
    height: 60 + 190 * tables.length, margin: {l: 78, r: 12, t: 8, b: 40},
    xaxis: {domain: [0, 0.49], title: {text: run.B ? "a, b or c" : "a or c", standoff: 6}, showgrid: false, nticks: 6},
    xaxis2: {domain: [0.51, 1], title: {text: "frequency", standoff: 6}, showgrid: false, nticks: 6},
    yaxis: {range: [tables.length * (h + 1.5) - 2, -0.5], showgrid: false, tickvals: middles, ticktext: names},
  }, {staticPlot: true});
  element("weights-scale").textContent = limits.join(", ");
}

// Pictures in sight are drawn at once, the others one by one in the next pause.

const PICTURES = {training: drawTraining, pairs: drawPairs, contributions: drawContributions, stars: drawStars,
  waves: drawWaves, weights: drawWeights,
  margins: drawMargins, votes: drawVotes, rings: drawRings, moments: drawMoments};
const OF_RINGS = run.rings.length ? ["stars", "waves"] : [];
const waiting = new Set();
let pause = null;

function inSight(id) {
  const {top, bottom} = element(id).parentElement.getBoundingClientRect();
  return top < window.innerHeight && bottom > 0;
}

function show(...ids) {
  ids.forEach(id => waiting.add(id));
  [...waiting].filter(inSight).forEach(drawWaiting);
  clearTimeout(pause);
  pause = setTimeout(drawInPause, 80);
}

function drawWaiting(id) {
  waiting.delete(id);
  PICTURES[id]();
}

function drawInPause() {
  const [id] = waiting;
  if (id) {
    drawWaiting(id);
    pause = setTimeout(drawInPause);
  }
}

// Move the mark of a picture, which is all its shapes, if it has been drawn.
function move(id, place) {
  const shapes = element(id).layout?.shapes ?? [];
  const changes = shapes.flatMap((_, i) => Object.entries(place).map(([name, x]) => [`shapes[${i}].${name}`, x]));
  if (changes.length) Plotly.relayout(id, Object.fromEntries(changes));
}

// The page of the run.

function sayPair() {
  const [a, b] = [value("a"), value("b")], answer = run.labels[a][b];
  const said = argmax(logits(networkAt(value("step")), a, b, range(h)));
  element("a-value").textContent = a;
  element("b-value").textContent = b;
  element("verdict").innerHTML = `${question(a, b)} = ${answer} (mod ${p}); the network says ${said}: ` +
    `${judged(rightAt[(value("step") * p + a) * p + b])} (${run.training[a][b] ? "training" : "held-out"} pair)`;
}

function showPair() {
  sayPair();
  move("pairs", {xanchor: value("a"), yanchor: value("b")});
  show("contributions");
}

function showStep() {
  const step = run.steps[value("step")], training = run.training.flat();
  const right = rightAt.subarray(value("step") * p * p, (value("step") + 1) * p * p);
  const share = known => percent(mean([...right].filter((_, i) => training[i] === known)));
  element("step-value").textContent = grouped(step);
  element("step").setAttribute("aria-valuetext", `step ${step}`);
  element("accuracy").innerHTML =
    `Right: <b>${share(1)}</b> of the training pairs, <b>${share(0)}</b> of the held-out ones`;
  sayPair();
  move("training", stepMark());
  show("pairs", "contributions", ...OF_RINGS, "weights");
}

let timer = null;

function play(on) {
  clearInterval(timer);
  timer = on ? setInterval(() => {
    if (value("step") >= run.steps.length - 1) return play(false);
    element("step").value = value("step") + 1;
    showStep();
  }, 350) : null;
  element("play").textContent = on ? "❚❚ pause" : "▶ play";
}

// The page of the networks that are written down.

const untied = () => element("network").value === "untied";
const windings = () => [1, untied() ? value("winding") : 1];
let written = null; // what the sliders say: {p, N, k, activation, network, table of margins [a][b], wrong: how many}

// Orders that must not be multiples of N, by name (`analytic.required_moments`, `analytic.untied_star`).
function forbidden() {
  const [x, y] = windings();
  if (!untied()) return Object.fromEntries(run.required[written.activation].map(n => [`M${"₀₁₂₃₄"[n]}`, n]));
  return {"2x": 2 * x, "2y": 2 * y, "2x+2y": 2 * (x + y), "x+y": x + y, "x−y": x - y, "3x+y": 3 * x + y,
    "x+3y": x + 3 * y};
}

// Why all pairs are right, or not.
function reason() {
  const {p, N, k, activation, wrong} = written, shared = divisor(k, p), named = ACTIVATION_NAMES[activation];
  const blocked = Object.entries(forbidden()).filter(([, n]) => n % N === 0).map(([name]) => name).join(" and ");
  if (shared > 1) {
    return `k and p are both multiples of ${shared}: numbers ${p / shared} apart look the same to every neuron.`;
  }
  if (blocked) {
    return `N = ${N} divides ${untied() ? "" : "the order of "}${blocked}: unwanted waves survive the sum over the ` +
      "ring" + (wrong ? "." : `, but do not matter yet at p = ${p}.`);
  }
  if (untied()) return "No unwanted wave survives the sum over the ring: exact for every p, even ones too.";
  if (p % 2 === 0 && wrong === p) {
    return "p is even: where a and b are half a turn apart, all neurons are silent. The untied star has no such pairs.";
  }
  if (activation === "square") return "Every moment that x² needs to vanish does: the ring is exact.";
  return `The moments of the large errors vanish. ${named} has small ones left, which ` +
    (wrong ? "decide here: try a smaller p or another N." : `do not matter yet at p = ${p}.`);
}

function drawMargins() {
  const {p, table, wrong} = written, most = Math.max(...table.map(largest)) || 1;
  // Cube root, so that thin margins show; the shades begin well away from white, so that the sign shows.
  const shade = margin => margin > 0 ? 0.001 + Math.cbrt(margin / most) :
    -0.001 + Math.cbrt(Math.min(0, margin) / most);
  const customdata = range(p).map(b => table.map(row => row[b]));
  drawMap("margins", wrong ? `${grouped(wrong)} of ${grouped(p * p)} pairs are wrong or undecided` :
    `All ${grouped(p * p)} pairs are decided rightly`,
  {z: customdata.map(row => row.map(shade)), zmin: -1, zmax: 1, customdata,
    colorscale: [[0, "#8c3a00"], [0.499, "#f6b26b"], [0.501, "#cfe4f3"], [1, "#00507f"]],
    hovertemplate: "a = %{x}, b = %{y}: margin %{customdata:.3g}<extra></extra>"},
  ["written-a", "written-b"], showWrittenPair);
  element("margins-legend").innerHTML = "Margin: right logit less the largest wrong one. Click a pair to choose it. " +
    swatch("#00507f", "right, clearly") + swatch("#cfe4f3", "right, barely") +
    swatch("#f6b26b", "wrong or undecided") + swatch("#8c3a00", "wrong, clearly");
}

function drawVotes() {
  const {N, network} = written, {a, b, answer, said} = writtenPair();
  const parts = range(N).map(i => ({name: `neuron ${i}`, colour: ORANGE, values: logits(network, a, b, [i])}));
  drawParts("votes", said === answer ? `The waves of the neurons add up at c = ${answer}, the right answer` :
    `The sum is no larger at c = ${answer}, the right answer, than at c = ${said}`,
  [...parts, {name: "sum", colour: BLACK, values: logits(network, a, b, range(N))}], answer, said);
}

function drawRings() {
  const {N} = written, [x, y] = windings(), distinct = N / divisor(x + y, N);
  const ring = (label, turns, colour, column) => ({label, place: [column, 0], rings: [{colour, numbered: true,
    phases: range(N).map(i => 2 * Math.PI * turns * i / N), radii: range(N).map(() => 1)}]});
  const circles = untied() ? [ring("in, a", x, BLUE, 0), ring(`in, b: ${y} times as fast`, y, BLUE, 1),
    ring(`out: ${x + y} times`, x + y, RED, 2)] : [ring("in", 1, BLUE, 0), ring("out: twice as fast", 2, RED, 1)];
  drawCircles("rings", `Neurons: ${N}; different output phases: ${distinct < N ? "only " : ""}${distinct}`, circles,
    narrow.matches ? 180 : 300);
}

function drawMoments() {
  const {N} = written, mustVanish = forbidden(), names = Object.keys(mustVanish);
  const orders = untied() ? Object.values(mustVanish) : range(12).map(i => i + 1);
  const required = orders.map(n => Object.values(mustVanish).includes(n));
  const size = orders.map(n => +(n % N === 0)); // |mean of exp(2 pi i n j / N)| over the neurons j
  const left = names.filter(name => mustVanish[name] % N === 0).join(", ");
  const ticktext = untied() ? names.map((name, i) => `${name}<br>${orders[i]}`) : orders;
  draw("moments", left ? `What must vanish (shaded) does not at ${left}` : "All that must vanish (shaded) does", [
    {type: "bar", x: range(orders.length), y: size.map(x => Math.max(x, 0.012)), hoverinfo: "skip",
      marker: {color: orders.map((_, i) => required[i] && size[i] ? RED : BLUE)}}],
  {height: 300, bargap: 0.45,
    xaxis: {tickvals: range(orders.length), ticktext, title: {text: untied() ? "" : "order n"}},
    yaxis: {range: [0, 1.08], title: {text: untied() ? "share left" : "|M<sub>n</sub>| / N"}, nticks: 3},
    shapes: range(orders.length).filter(i => required[i]).map(i => ({type: "rect", x0: i - 0.5, x1: i + 0.5,
      y0: 0, y1: 1, yref: "paper", fillcolor: YELLOW, opacity: 0.35, line: {width: 0}, layer: "below"}))});
  element("moments-note").innerHTML = untied() ? "Waves that the product of the three cosines calls up, with x and y " +
    "the windings of a and b: the sum over the ring leaves one only where N divides its order." :
    "M<sub>n</sub> = Σ exp(2πi n j/N) over the neurons j: N where N divides n, else 0.";
}

// The chosen pair, its answer, and what the network says: where the right answer is no larger than another, the other.
function writtenPair() {
  const [a, b] = [value("written-a"), value("written-b")], answer = (a + b) % written.p;
  const sum = logits(written.network, a, b, range(written.N));
  const said = written.table[a][b] > 0 ? answer : argmax(sum.map((x, c) => c === answer ? -Infinity : x));
  return {a, b, answer, said};
}

function sayWrittenPair() {
  const {a, b, answer, said} = writtenPair();
  element("written-a-value").textContent = a;
  element("written-b-value").textContent = b;
  element("written-verdict").innerHTML = `${a} + ${b} = ${answer} (mod ${written.p}): ${judged(said === answer)}`;
}

function showWrittenPair() {
  sayWrittenPair();
  move("margins", {xanchor: value("written-a"), yanchor: value("written-b")});
  show("votes");
}

function showWritten() {
  if (untied()) element("activation").value = "square"; // ReLU and |x| have no untied star (`analytic`)
  element("activation").disabled = untied();
  element("winding").disabled = !untied();
  element("k").max = value("p") >> 1;
  for (const id of ["written-a", "written-b"]) element(id).max = value("p") - 1;
  for (const id of ["N", "p", "k", "winding"]) element(`${id}-value`).textContent = value(id);
  if (!untied()) element("winding-value").textContent = "–";

  const [p, N, k] = ["p", "N", "k"].map(value), activation = element("activation").value;
  const network = star(p, N, k, windings()[1], activation), table = margins(network, p);
  const wrong = table.flat().filter(margin => margin <= 0).length;
  written = {p, N, k, activation, network, table, wrong};
  const share = percent(1 - wrong / p ** 2);
  element("share").innerHTML = `N = ${N}: <b class="${wrong ? "wrong" : "right"}">${share} of the pairs</b> are right`;
  element("reason").textContent = reason();
  sayWrittenPair();
  show("margins", "votes", "rings", "moments");
}

// Controls.

function showTab() {
  const tab = document.querySelector("input[name=tab]:checked").value;
  for (const id of ["learned", "written"]) element(id).hidden = id !== tab;
  play(false);
  waiting.clear();
  if (tab === "written") return showWritten();
  showStep();
  show("training");
}

element("summary").textContent = `${run.name}: a one-layer network of ${h} ` +
  `${ACTIVATION_NAMES[run.activation]} neurons learns ${run.question} mod ${p}. Move through its training, or choose ` +
  "a network that was written down instead." +
  (run.rings.length ? "" : " At the last step no three neurons share a frequency, so there are no rings to show.");
for (const id of ["stars", "waves"]) element(id).parentElement.hidden = !OF_RINGS.includes(id);
element("step").max = run.steps.length - 1;
for (const [id, start] of [["a", 20], ["b", 30]]) {
  element(id).max = p - 1;
  element(id).value = start % p;
}
element("step").addEventListener("input", () => { play(false); showStep(); });
element("a").addEventListener("input", showPair);
element("b").addEventListener("input", showPair);
element("play").addEventListener("click", () => {
  if (!timer && value("step") >= run.steps.length - 1) element("step").value = 0;
  play(!timer);
});
for (const id of ["network", "activation", "N", "p", "k", "winding"]) {
  element(id).addEventListener("input", showWritten);
}
for (const id of ["written-a", "written-b"]) element(id).addEventListener("input", showWrittenPair);
for (const tab of document.querySelectorAll("input[name=tab]")) tab.addEventListener("change", showTab);
narrow.addEventListener("change", showTab);
element("step").value = run.steps.length - 1;
showTab();

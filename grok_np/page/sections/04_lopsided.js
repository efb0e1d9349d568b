{
// 4. Why lopsided? A ring whose neurons can be dragged, and all that follows from it, at once.

const {TAU, range, sum, REQUIRED} = maths, LAST = 8, FULL = 2; // the weight at the rim, where the mean is 1
const SHAPES = {cosine: maths.COSINE, learned: maths.LEARNED};
const SUBSCRIPT = n => [...String(n)].map(digit => "₀₁₂₃₄₅₆₇₈₉"[digit]).join("");
const M = n => `M${SUBSCRIPT(n)}`;

// A ring in the URL: degrees and weight in hundredths, 0:100_72:100_...
const written = ({phases, weights}) => phases.map((phase, i) =>
  `${+(phase * 180 / Math.PI).toFixed(3)}:${+(100 * weights[i]).toFixed(1)}`).join("_");
function parsed(words) {
  const pairs = words.split("_").map(pair => pair.split(":").map(Number));
  if (pairs.length < 3 || pairs.length > 12 || !pairs.every(([angle, weight]) => Number.isFinite(angle) &&
    weight > 0)) return null;
  return {phases: pairs.map(([angle]) => maths.wrapped(angle * Math.PI / 180)),
    weights: pairs.map(([, weight]) => Math.min(weight / 100, FULL))};
}
const even = ({phases, weights}) => { // 1 for a regular ring, less for a lopsided one
  const n = phases.length, [re, im] = [Math.cos, Math.sin].map(part =>
    sum(phases.map((phase, i) => weights[i] * part(n * phase))));
  return Math.hypot(re, im) / sum(weights);
};
// A common factor on the weights changes nothing: their mean is 1, or less where one would leave the picture.
const scaled = ({phases, weights}) => {
  const factor = Math.min(weights.length / sum(weights), FULL / Math.max(...weights));
  return {phases: phases.map(maths.wrapped), weights: weights.map(weight => weight * factor)};
};

const felt = {}; // how strongly each moment is felt, by wave

// All that is shown of a ring, from the ring alone.
function read(ring, p, wave) {
  const Z = maths.sinusoids(maths.star(p, ring, "relu", SHAPES[wave])), margins = maths.margins(Z),
    total = sum(ring.weights);
  const sizes = maths.moments(ring, LAST).map(([re, im]) => Math.hypot(re, im)),
    strengths = felt[wave] ??= maths.strengths("relu", SHAPES[wave], LAST);
  const errors = sizes.map((size, i) => size * strengths[i]), blame = 1 + errors.indexOf(Math.max(...errors));
  return {p, Z, margins, sizes, strengths, errors, blame, right: maths.share(margins), off: maths.deviations(Z),
    margin: margins.reduce((least, margin) => Math.min(least, margin), Infinity) / total,
      loss: maths.loss(Z, p * p / total)};
}

// A lopsided ring that is right on all pairs, by drawing rings and moving them to where more and more moments vanish.
function search(n, p, shape, random = Math.random) {
  for (let top = 4; top <= Math.min(7, n - 1); top++) {
    for (let i = 0; i < 60; i++) {
      const drawn = {phases: range(n).map(() => TAU * random()), weights: range(n).map(() => 0.6 + 0.8 * random())};
      const ring = maths.project(drawn, range(top).map(order => order + 1));
      if (!ring) continue;
      const found = scaled(ring);
      if (Math.min(...found.weights) < 0.2 || even(found) > 0.9) continue;
      if (maths.share(maths.margins(maths.sinusoids(maths.star(p, found, "relu", shape)))) === 1) return found;
    }
  }
  return null;
}
function mount(body) {
  make("p", {textContent: "Rings that training finds are often lopsided. Why do they work all the same? Drag the " +
    "neurons below and find out. The angle of a neuron is the direction in which it listens, its distance from the " +
    "middle how much it counts."}, body);
  make("p", {textContent: "One number for each n says what is wrong with a ring. Take the arrows to all neurons, " +
    "turn each to n times its angle, and add them up: the length of the sum, over the sum of the lengths, is the " +
    "moment Mₙ. If the arrows cancel, it is 0. A neuron with ReLU lets M₁ to M₄ through to the answer, strongly, and " +
    "M₆ a little. So these must cancel. A regular ring of five does it, and fewer neurons cannot: that is why five are " +
    "enough. With five there is no other way. With six or more there is: M₅ and M₇ are free, as long as the waves " +
    "are pure cosines, and one free moment is enough to be lopsided."}, body);
  const hint = make("p", {textContent: "Try "}, body), start = {shape: "", neurons: 6, lean: 0, wave: "cosine",
    mod: 31};
  hint.append(jump("a regular pentagon", {...start, neurons: 5}), ", ", jump("a regular hexagon", start), ", then ", jump("a lopsided one", {...start, lean: 0.8}), ", ",
    jump("the same with waves as learned", {...start, lean: 0.8, wave: "learned"}),
    " and ", jump("a regular octagon of these", {...start, neurons: 8, wave: "learned"}), ". Then drag.");
  const fig = figure(body, {name: "drag"});
  slider(fig.controls, {key: "neurons", label: "neurons", min: 3, max: 12});
  const lean = slider(fig.controls, {key: "lean", label: "lopsided", min: 0, max: 0.95, step: 0.05, text: value =>
    value.toFixed(2)});
  choice(fig.controls, {key: "wave", label: "wave", options: {cosine: "cosine", learned: "as learned"}});
  choice(fig.controls, {key: "mod", label: "p", options: {13: "13", 31: "31", 67: "67"}});
  const buttons = make("div", {className: "controls"}, fig.controls);
  fig.body.classList.add("two");
  const disc = picture(fig, {height: width => Math.min(width, 430),
    label: "the ring; each neuron can be dragged, or moved with the arrow keys"});
  const column = make("div", {}, fig.body);
  const chart = picture(fig, {height: 190, parent: column}), pointing = picture(fig, {height: 230, parent: column});
  const numbers = make("p", {});
  fig.body.after(numbers, fig.controls); // what moves stays beside what moves it
  // The ring, and what the URL says when it shows this ring: so a ring keeps all its digits while it is here.
  let now = null, said, known, circle, running = 0, missing = "";
  const last = {}, ideal = {};

  const keep = next => {
    now = scaled(next);
    said = written(now);
    last.neurons = now.phases.length;
  };
  const use = next => {
    running = 0;
    missing = "";
    keep(next);
    page.set({shape: said, neurons: last.neurons});
  };

  press(buttons, "make it regular", () => use(maths.regularRing(now.phases.length)));
  press(buttons, "cancel M₁ to M₄", () => {
    const found = maths.project(now, REQUIRED.relu);
    if (found) return use(found);
    missing = now.phases.length < 5 ? "Fewer than five neurons cannot cancel M₁ to M₄. " :
      "No ring near this one cancels M₁ to M₄. ";
    page.show();
  });
  press(buttons, "find a lopsided ring that works", () => {
    const found = search(now.phases.length, known.p, SHAPES[page.state.wave]);
    if (found) return use(found);
    missing = now.phases.length < 6 ?
      "With five neurons or fewer only the regular pentagon cancels M₁ to M₄: there is nothing lopsided to find. " :
      "Several hundred rings were tried, and none was lopsided and right. ";
    page.show();
  });
  press(buttons, "go downhill to the best ring", () => {
    const total = known.p ** 2, problem = {p: known.p, activation: "relu", shape: SHAPES[page.state.wave], total};
    const state = maths.descent(x => maths.ringLoss(x, problem), maths.unknowns(now)), mine = running = Math.random();
    let stuck = 0, steps = 0;
    const go = () => {
      if (running !== mine) return;
      for (let i = 0; i < (page.reduced ? 250 : 2) && stuck < 2; i++, steps++) stuck = state.step() ? 0 : stuck + 1;
      keep(maths.ringOf(state.x, total));
      page.set({shape: said});
      if (stuck < 2 && steps < 500 && !page.reduced) requestAnimationFrame(go);
      else running = 0;
    };
    go();
  });

  page.lopsided = () => ({...now, ...known, running}); // for the tests

  disc.paint = pen => {
    const radius = Math.min(pen.width, pen.height) / 2 - 26;
    circle = {x: pen.width / 2, y: pen.height / 2, radius};
    stroke(pen, c => c.arc(circle.x, circle.y, radius / FULL, 0, TAU), {colour: "line", width: 1, dash: [3, 4]});
    const order = range(now.phases.length).sort((i, j) => now.phases[i] - now.phases[j]);
    const points = order.map(i => ({phase: now.phases[i], amplitude: now.weights[i] / FULL}));
    for (const {phase, amplitude} of points) stroke(pen, c => {
      c.moveTo(circle.x, circle.y);
      c.lineTo(circle.x + radius * amplitude * Math.cos(phase), circle.y - radius * amplitude * Math.sin(phase));
    }, {colour: "line", width: 1.5});
    ring(pen, circle, points, {colour: "accent", size: 10});
    text(pen, "inner circle: weight 1", circle.x, pen.height - 4, {align: "center", size: 12, colour: "soft"});
  };
  const place = i => ({x: circle.x + circle.radius * now.weights[i] / FULL * Math.cos(now.phases[i]),
    y: circle.y - circle.radius * now.weights[i] / FULL * Math.sin(now.phases[i])});
  handles(disc, {
    list: () => circle ? now.phases.map((phase, i) =>
      ({...place(i), name: `neuron ${i + 1} of ${now.phases.length}`, value: Math.round(degrees(phase)),
      says: `${degrees(phase).toFixed(0)} degrees, weight ${now.weights[i].toFixed(2)}`})) : [],
    move: (i, x, y) => change(i, Math.atan2(circle.y - y, x - circle.x),
      Math.hypot(x - circle.x, y - circle.y) / circle.radius * FULL),
    turn: (i, by, key) => key === "ArrowUp" || key === "ArrowDown" ? change(i, now.phases[i], now.weights[i] +
      0.05 * by) :
      change(i, now.phases[i] + by * Math.PI / 180, now.weights[i]),
  });
  // One neuron moved; the others stay where they are in the picture.
  const change = (i, phase, weight) => {
    running = 0;
    missing = "";
    now.phases[i] = maths.wrapped(phase);
    now.weights[i] = Math.min(FULL, Math.max(0.05, weight));
    said = written(now);
    page.set({shape: said});
  };

  chart.paint = pen => {
    const at = axes(pen, {left: 34, top: 22, bottom: 26, x: {min: 0, max: LAST, hidden: true},
      y: {min: 0, max: 1, ticks: [[0, "0"], [0.5, "0.5"], [1, "1"]]}});
    text(pen, "moments; pale: not felt by this wave", at.left, 8, {base: "middle", size: 12, colour: "soft"});
    bars(pen, at, known.sizes.map((value, i) => ({label: M(i + 1), value, pale: known.strengths[i] < 0.01})));
  };
  pointing.paint = pen => {
    const {p, off} = known, span = Math.max(1,
      Math.min(4, 1.1 * off.reduce((most, e) => Math.max(most, Math.abs(e)), 0) * p / TAU));
    const at = axes(pen, {left: 34, top: 22, bottom: 34,
      x: {min: 0, max: 360, ticks: [[0, "0°"], [90, "90°"], [180, "180°"], [270, "270°"], [360, "360°"]],
      label: "where a and b together point"}, y: {min: -span, max: span}});
    text(pen, "places off the answer; in the band: right", at.left, 8, {base: "middle", size: 12, colour: "soft"});
    pen.c.fillStyle = colour("line");
    pen.c.fillRect(at.left, at.y(0.5), at.right - at.left, at.y(-0.5) - at.y(0.5));
    pen.c.fillStyle = colour("ink");
    for (let a = 0; a < p; a++) for (let b = a; b < p; b++) {
      const middle = (180 * (a + b) / p + (2 * (b - a) > p ? 180 : 0)) % 360,
        miss = Math.min(span, Math.max(-span, off[a * p + b] * p / TAU));
      pen.c.fillRect(at.x(middle) - 1.25, at.y(miss) - 1.25, 2.5, 2.5);
    }
  };
  fig.note("“As learned”: real neurons are flatter on top than a cosine, cos t − 0.12 cos 2t + 0.09. Such a ring " +
    "sees pairs far apart, where a ring of cosines is nearly blind, but it also feels M₅ and M₇. The slider " +
    "“lopsided” follows the law of six: all rings of N neurons whose moments vanish but the last that can, M of N − " +
    "1, are given by that moment alone. Loss: mean over all pairs in nats, all weights together being p². Keyboard: " +
    "tab to a neuron; left and right turn it, up and down change its weight.");

  return state => {
    if (state.shape !== said) { // a link, or the first time
      keep(parsed(state.shape) ?? (state.neurons < 6 ? maths.regularRing(state.neurons) :
        maths.unevenRing(state.neurons, state.lean)));
      said = state.shape;
      if (state.neurons !== last.neurons) page.set({neurons: last.neurons});
    } else if (state.neurons !== last.neurons) use(maths.regularRing(state.neurons));
    else if (state.lean !== last.lean && now.phases.length >= 6) use(maths.unevenRing(now.phases.length, state.lean));
    last.lean = state.lean;
    lean.box.hidden = now.phases.length < 6;
    const p = Number(state.mod), shape = SHAPES[state.wave];
    known = read(now, p, state.wave);
    ideal[p + state.wave] ??= maths.loss(maths.sinusoids(maths.star(p, maths.regularRing(64), "relu", shape)),
      p * p / 64);
    const {right, sizes, blame, strengths} = known, lopsided = even(now) < 0.95;
    const free = range(LAST).filter(i => i >= 4 && strengths[i] < 0.01 && sizes[i] >= 0.1).map(i => i + 1);
    const most = known.off.reduce((x, e) => Math.max(x, Math.abs(e)), 0);
    fig.sentence(missing + (right === 1 ?
      `${lopsided ? "Lopsided, and yet all" : "All"} ${grouped(p * p)} pairs are right` +
        (free.length ? `: ${free.map(order => `${M(order)} = ${sizes[order - 1].toFixed(2)}`).join(" and ")} ` +
          `${free.length > 1 ? "are" : "is"} not felt.` :
          `: ${M(blame)}, the moment that hurts most, is only ${sizes[blame - 1].toFixed(2)}.`) :
      `${percent(right)} of the pairs are right: ${M(blame)} = ${sizes[blame - 1].toFixed(2)} hurts most; the answer ` +
        `is missed by up to ${(most * p / TAU).toFixed(1)} places.`));
    numbers.textContent = `right ${percent(right)} · smallest lead ${short(known.margin).replace("-", "−")} of the ` +
      `total weight · loss ${known.loss.toPrecision(3)} nats ` +
      `(of a ring with no error at all: ${ideal[p + state.wave].toPrecision(3)})`;
    fig.command(command(now, p, state.wave));
    for (const pic of fig.pictures) pic.draw();
    if (document.activeElement?.classList.contains("knob")) page.say(`${percent(right)} of the pairs right`);
  };
}

// The same in Python.
function command({phases, weights}, p, wave) {
  const list = values => `np.array([${values.map(value => +value.toFixed(6)).join(", ")}])`;
  const learned = [`t = 2 * np.pi / ${p} * np.arange(${p})[:, None] - phases`,
    "A = 0.09 + np.cos(t) - 0.12 * np.cos(2 * t)", "r = dataclasses.replace(r, A=A, B=A)"];
  return `python -c "${["import dataclasses, numpy as np", "from grok_np import analytic",
    `phases, weights = ${list(phases)}, ${list(weights)}`, `r = analytic.ring(${p}, phases, 1, weights, 'relu')`,
    ...(wave === "learned" ? learned : []), `m = analytic.margins(analytic.logits(r, ${p}))`,
    `print((m > 0).mean(), m.min() / weights.sum(), abs(analytic.moments(phases, weights, ${LAST})))`].join("; ")}"`;
}

section({
  id: "lopsided", number: 4, title: "Why lopsided?", keys: {shape: "", neurons: 6, lean: 0, wave: "cosine", mod: 31},
    mount,
});
}

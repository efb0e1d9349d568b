{
// 5. Written down: nothing is trained, the ring is a formula. Does it add?

const {TAU, range, REQUIRED} = maths, LAST = 12;
const SUBSCRIPT = n => [...String(n)].map(digit => "₀₁₂₃₄₅₆₇₈₉"[digit]).join("");
const M = n => `M${SUBSCRIPT(n)}`;
const NAMES = {square: "x²", relu: "ReLU", abs: "|x|"};
const listed = words => words.length < 2 ? words.join("") : `${words.slice(0, -1).join(", ")} and ${words.at(-1)}`;

// The orders that decide whether the untied star of x² is exact: N must divide none (`analytic.untied_star`).
const orders = (x, y) => ({"2x": 2 * x, "2y": 2 * y, "2x + 2y": 2 * x + 2 * y, "x + y": x + y, "x − y": x - y,
  "3x + y": 3 * x + y, "x + 3y": x + 3 * y});

// What the controls say as a ring and a network; untied: both rings have phases of their own.
function build({form, size, modulus, act, winding}) {
  const turned = ({phases, weights}) =>
    ({phases: [...phases, ...phases.map(phase => phase + Math.PI / (2 * phases.length))],
    weights: [...weights, ...weights]});
  const ring = form === "pentagons" ? turned(maths.regularRing(5)) : maths.regularRing(size);
  const network = form === "untied" ? maths.untiedStar(modulus, size, [1, winding]) : maths.star(modulus, ring, act);
  return {ring, network, activation: form === "untied" ? "square" : act};
}
page.written = build;

function mount(body) {
  make("p", {textContent: "If the ring is the idea, then it must work without any training. So write it down: neuron " +
    "number i of N listens in the direction i/N of a full turn and pushes in twice that direction. That is the whole " +
    "network. With x² in place of ReLU three neurons add without any error, for every odd p. Four do not."}, body);
  const hint = make("p", {textContent: "Try "}, body), start = {form: "regular", act: "square", size: 3, modulus: 67,
    winding: 4};
  hint.append(jump("three neurons", start), ", ", jump("four", {...start, size: 4}), ", ",
    jump("an even p", {...start, modulus: 66}), " and ",
    jump("its cure", {...start, form: "untied", size: 6, modulus: 66}), "; with ReLU ",
      jump("six neurons", {...start, act: "relu", size: 6}), ", ", jump("five", {...start, act: "relu", size: 5}),
      ", and ",
    jump("two pentagons", {...start, act: "relu", form: "pentagons"}), ".");
  const fig = figure(body, {name: "written"});
  fig.body.classList.add("two");
  const table = picture(fig, {height: width => Math.min(width, 400) + 20}), column = make("div", {}, fig.body);
  const rings = picture(fig, {height: width =>
    Math.min(230, width / (one && one.network.A !== one.network.B ? 3 : 2) + 36), parent: column}),
    chart = picture(fig, {height: 180, parent: column});
  fig.body.after(fig.controls);
  choice(fig.controls, {key: "form", label: "network", options: {regular: "regular ring", pentagons: "two pentagons",
    untied: "untied"}});
  const activation = choice(fig.controls, {key: "act", label: "neuron", options: NAMES});
  const size = slider(fig.controls, {key: "size", label: "neurons N", min: 1, max: 12});
  slider(fig.controls, {key: "modulus", label: "numbers p", min: 3, max: 131});
  const winding = slider(fig.controls, {key: "winding", label: "turns of b", min: 2, max: 11});
  let one, margins, p, sizes, state;

  table.paint = pen => {
    const side = Math.min(pen.width - 44, pen.height - 44), box = {left: 34, top: 8, width: side, height: side};
    const [right, wrong, thin] = ["right", "wrong", "right-known"].map(name => rgb(colour(name))),
      most = largest(margins);
    map(pen, box, p, p, (row, a) => { // four powers of ten from the lightest to the thinnest
      const margin = margins[a * p + p - 1 - row];
      return margin > 0 ? blend(right, thin, Math.min(1, -Math.log10(margin / most) / 4)) : wrong;
    });
    stroke(pen, c => c.rect(box.left, box.top, side, side), {colour: "line", width: 1});
    for (const [value, label] of ticks(0, p - 1, 5)) {
      text(pen, label, box.left + (value + 0.5) * side / p, box.top + side + 6,
        {align: "center", base: "top", size: 12, colour: "soft"});
      text(pen, label, box.left - 6, box.top + side - (value + 0.5) * side / p,
        {align: "right", base: "middle", size: 12, colour: "soft"});
    }
    text(pen, "a to the right, b upwards", box.left + side, box.top + side + 34,
      {align: "right", size: 12, colour: "soft"});
  };
  rings.paint = pen => {
    const {A, B, outputs} = one.network, phase = row =>
      Math.atan2(row.reduce((sum, x, i) => sum + x * Math.sin(TAU * i / p), 0),
      row.reduce((sum, x, i) => sum + x * Math.cos(TAU * i / p), 0));
    const order = range(outputs.length).sort((x, y) => state.form === "pentagons" ?
      one.ring.phases[x] - one.ring.phases[y] : x - y);
    const groups = A === B ? [["in", A.map(phase)], ["out", outputs]] :
      [["in, a", A.map(phase)], ["in, b", B.map(phase)], ["out", outputs]];
    const w = pen.width / groups.length, numbered = w >= 140, radius = Math.min(w / 2 - (numbered ? 24 : 10),
      pen.height / 2 - 36);
    groups.forEach(([name, phases], i) => {
      const circle = {x: w * (i + 0.5), y: pen.height / 2 + 12, radius};
      text(pen, name, circle.x, 14, {align: "center", bold: true});
      ring(pen, circle, order.map(j => ({phase: phases[j]})), {colour: "f0", size: 5});
      const places = {}; // neurons with one direction share a text
      phases.forEach((phase, j) => { (places[(Math.round(phase / TAU * 7200) + 7200) % 7200] ??= []).push(j + 1); });
      for (const [angle, members] of numbered ? Object.entries(places) : []) {
        const t = TAU * angle / 7200, out = radius + 14 + 3 * (members.length - 1) * Math.abs(Math.cos(t));
        text(pen, members.join(","), circle.x + out * Math.cos(t), circle.y - out * Math.sin(t),
          {align: "center", base: "middle", size: 12, colour: "soft"});
      }
    });
  };
  chart.paint = pen => {
    const needed = REQUIRED[one.activation];
    const at = axes(pen, {left: 34, top: 22, bottom: 26, x: {min: 0, max: LAST, hidden: true},
      y: {min: 0, max: 1, ticks: [[0, "0"], [1, "1"]]}});
    text(pen, state.form === "untied" ? "moments of the ring of a" :
      `moments; bold: must be 0 for ${NAMES[one.activation]}`, at.left, 8, {base: "middle", size: 12, colour: "soft"});
    bars(pen, at, sizes.map((value, i) =>
      ({label: pen.width < 420 ? String(i + 1) : M(i + 1), value, pale: state.form !== "untied" &&
      !needed.includes(i + 1)})));
  };
  const reach = {};
  const note = "Light: right, the greyer the narrower; dark: wrong. Everything here is computed in this page as you " +
    "move it, for all pairs (a, b); a tie counts as wrong. Every frequency that shares no factor with p does the " +
    "same with the numbers renamed.";

  return now => {
    state = now;
    p = state.modulus;
    one = build(state);
    margins = maths.margins(maths.sinusoids(one.network));
    sizes = maths.moments(one.ring, LAST).map(([re, im]) => Math.hypot(re, im));
    const share = maths.share(margins), n = one.ring.phases.length, {activation: kind} = one,
      untied = state.form === "untied";
    for (const control of [size.box]) control.hidden = state.form === "pentagons";
    winding.box.hidden = !untied;
    activation.box.hidden = untied;
    const start = state.form === "pentagons" ? "Two pentagons, turned against each other by 18°" :
      `${n} ${n > 1 ? "neurons" : "neuron"}`;
    const verdict = share === 1 ? `all ${grouped(p * p)} pairs are right` : `${percent(share)} of the pairs are right`;
    const left = REQUIRED[kind].filter(order => sizes[order - 1] > 1e-9), even = p % 2 === 0 && !untied;
    let because = "";
    if (untied) {
      const blocking = Object.entries(orders(1, state.winding)).filter(([, value]) =>
        value % n === 0).map(([name, value]) => `${name} = ${value}`);
      because = blocking.length ? `: N divides ${listed(blocking)}.` :
        ": N divides none of the sums that would let an error through. Each pair is as safe as any other.";
    } else if (left.length) because = `: ${listed(left.map(M))} ${left.length > 1 ? "do" : "does"} not vanish.`;
    else if (kind === "square") because = even ?
      `: the moments vanish, but p is even, and a tied ring is blind where a and b are p/2 apart.` :
      ": M₂ and M₄ vanish, and x² feels nothing else.";
    else {
      const key = `${kind}${state.form}${n}`, first = 1 + maths.moments(one.ring, 40).findIndex((z, i) => i > 3 &&
        i % 2 && Math.hypot(...z) > 1e-9);
      reach[key] ??= maths.reach(one.ring, kind, 1101);
      const limit = reach[key] > 1099 ? "to 1,101 at least" : `to ${grouped(reach[key] ?? 0)}`;
      because = (even ? ": p is even, and a tied ring is blind where a and b are p/2 apart" :
        `: ${M(first)} is the first error left`) + `. It adds for every odd p up ${limit}.`;
    }
    fig.sentence(`${start}: ${verdict}${because}`);
    fig.note(note + (untied ? "Untied: a and b have rings of their own, and that of b winds faster; its neurons are " +
      "x²." : ""));
    fig.command(command(state));
    for (const pic of fig.pictures) pic.draw();
  };
}

// The same in Python.
function command({form, size, modulus, act, winding}) {
  const star = form === "untied" ? `untied_star(${modulus}, ${size}, (1, ${winding}), allow_inexact=True)` :
    form === "pentagons" ? `ring(${modulus}, np.radians([*range(0, 360, 72), *range(18, 360, 72)]), ` +
      `activation='${act}')` :
      `star(${modulus}, ${size}, activation='${act}', allow_inexact=True)`;
  return `python -c "import numpy as np; from grok_np import analytic as an; print((an.margins(an.logits(an.${star}, ` +
    `${modulus})) > 0).mean())"`;
}

section({
  id: "written", number: 5, title: "Written down", keys: {form: "regular", act: "square", size: 3, modulus: 67,
    winding: 4}, mount,
});
}

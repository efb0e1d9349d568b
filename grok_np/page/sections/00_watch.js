{
// 0. Watch one grok: a network trains in a worker of this page when the reader asks for it.

// Steps a second, so that a fast machine does not skip the story, and after how many a run that has not grokked ends.
const RECIPES = {
  31: {p: 31, d: 64, h: 24, lr: 0.006, eps: 31e-8, pace: 60, last: 2000, known: 75},
  67: {p: 67, d: 64, h: 24, lr: 0.01, eps: 67e-8, pace: 18, last: 1000, known: 50},
};
const PURE = 0.75; // share of a neuron's power at one frequency from which it counts as a wave

// The frequency at which each neuron is strongest, its share of the power, and the phase of this wave.
function neuronsOf(A, p, h) {
  return Array.from({length: h}, (_, j) => {
    const row = Float64Array.from({length: p}, (_, a) => A[a * h + j]), powers = shares(row), k = argmax(powers);
    return {frequency: k, share: powers[k], input: wave(row, k).phase};
  });
}

function mount(body) {
  make("p", {textContent: "Press start. A network of 24 neurons is shown some of the sums on a clock face, over and " +
    "over, and is corrected after each round. It trains here, in this page, and every start is another one. Watch " +
    "two things: which sums it gets right, and what its neurons do in the meantime."}, body);
  const fig = figure(body, {name: "watch"});
  fig.body.classList.add("two");
  const chart = picture(fig, {height: 270}),
    right = make("div", {className: "pictures", style: "grid-template-columns: 1fr 1fr"}, fig.body);
  const pairs = picture(fig, {height: width => Math.min(width, 250) + 20, parent: right}),
    discs = picture(fig, {height: width => Math.min(width, 250) + 20, parent: right});
  const below = make("div", {className: "controls"});
  fig.body.after(below);
  const go = press(fig.controls, "", () => {
    if (running) return pause();
    if (over()) begin();
    run();
  });
  press(fig.controls, "another start", () => { page.set({draw: page.state.draw + 1}); wanted = true; });
  const never = press(fig.controls, "", () => {
    page.set({decay: page.state.decay > 0 ? 0 : 1, known: RECIPES[page.state.hours].known, draw: page.state.draw + 1});
    wanted = true;
  });
  choice(below, {key: "hours", label: "numbers", options: {31: "31", 67: "67"}});
  slider(below, {key: "decay", label: "decay", min: 0, max: 5, step: 0.25, text: value => value.toFixed(2)});
  slider(below, {key: "known", label: "pairs shown", min: 10, max: 90, step: 5, text: value => `${value} %`});
  fig.note("Decay pulls every weight towards 0 a little at each step; it can be changed while the network learns. In " +
    "the square each cell is a pair (a, b): light is right, dark is wrong, a little greyer the pairs it is shown. In " +
    "the circle each dot is a neuron, in the direction of its strongest wave; the purer the wave, the closer to the " +
    "rim. Waves of one frequency get one colour, and a line joins them.");

  let worker = null, running = false, wanted = false, recipe, now = null, history, memorised, grokked, hues, spoken;
  const settings = {};
  const over = () => now && (now.step >= recipe.last || grokked && now.step >= 1.4 * grokked + 100);

  // A fresh network from the state, standing still at step 0.
  function begin() {
    worker?.terminate();
    const {hours, known, decay, draw} = page.state;
    recipe = RECIPES[hours];
    Object.assign(settings, {hours, known, decay, draw});
    [now, history, memorised, grokked, hues, spoken, running] = [null, {step: [], train: [], test: [], trainLoss: [],
      testLoss: []}, 0, 0, [], "", false];
    worker = new Worker(URL.createObjectURL(new Blob([document.getElementById("learner").textContent],
      {type: "text/javascript"})));
    worker.onmessage = ({data}) => hear(data);
    worker.postMessage({start: {...recipe, decay, share: known / 100, seed: draw}});
  }
  const run = () => { running = true; worker.postMessage({go: true}); refresh(); };
  const pause = () => { running = false; worker.postMessage({go: false}); refresh(); };
  const mine = page.sections.find(({id}) => id === "watch");
  let waiting = null;
  const refresh = () => { // this section alone, once a frame
    waiting ??= requestAnimationFrame(() => {
      waiting = null;
      if (mine.near) page.draw(mine);
      else mine.stale = true;
    });
  };
  page.training = () => ({now, history, memorised, grokked, running}); // for the tests

  function hear(data) {
    now = data;
    now.neurons = neuronsOf(now.A, recipe.p, recipe.h);
    const {step, train, test} = now;
    if (history.step.at(-1) !== step) {
      for (const [name, value] of Object.entries({step, train: train.accuracy, test: test.accuracy,
        trainLoss: train.loss, testLoss: test.loss})) history[name].push(value);
    }
    if (!memorised && train.accuracy === 1) memorised = step;
    if (!grokked && test.accuracy === 1 && train.accuracy === 1) grokked = step;
    for (const k of new Set(now.neurons.map(({frequency}) => frequency))) {
      if (!hues.includes(k) && now.neurons.filter(({frequency, share}) => frequency === k &&
        share > PURE).length > 2) hues.push(k);
    }
    if (running && over()) pause();
    refresh();
  }

  chart.paint = pen => {
    if (!now) return;
    const end = Math.max(100, now.step), narrow = pen.width < 420, x = {min: 0, max: end, n: narrow ? 4 : 5},
      middle = pen.height * 0.56;
    const curves = (at, train, test) => {
      line(pen, at, history.step, train, {width: 1.4, dash: [5, 4]});
      line(pen, at, history.step, test, {width: 2.6});
    };
    legend(pen, 46, 10, [{label: "pairs shown", dash: [5, 4], width: 1.4}, {label: "pairs held out", width: 2.6}]);
    curves(axes(pen, {x: {...x, ticks: []}, y: {min: 0, max: 1.04, ticks: [[0, "0 %"], [0.5, "50 %"], [1, "100 %"]]},
      top: 24, bottom: pen.height - middle}), history.train, history.test);
    const losses = [...history.trainLoss, ...history.testLoss].filter(value => value > 0);
    const at = axes(pen, {x: {...x, label: "step"},
      y: {log: true, n: 3, min: 10 ** Math.floor(Math.log10(Math.min(...losses, 0.1))),
      max: 10 ** Math.ceil(Math.log10(Math.max(...losses, 10)))},
      top: middle + 26, bottom: 36});
    curves(at, history.trainLoss, history.testLoss);
    text(pen, "loss (nats a pair)", 46, middle + 13, {base: "middle", size: 12, colour: "soft"});
  };
  pairs.paint = pen => {
    if (!now) return;
    const {p} = recipe, side = Math.min(pen.width - 20, pen.height - 24), tones = ["wrong", "right", "wrong-known",
      "right-known"].map(name => rgb(colour(name)));
    const box = {left: 18, top: 2, width: side, height: side}, cell = (a, b) => now.right[a * p + b] +
      2 * now.shown[a * p + b];
    map(pen, box, p, p, (row, a) => tones[cell(a, p - 1 - row)]);
    text(pen, "a", box.left + side / 2, side + 6, {align: "center", base: "top", bold: true});
    text(pen, "b", 2, 2 + side / 2, {base: "middle", bold: true});
  };
  discs.paint = pen => {
    if (!now) return;
    const radius = Math.min(pen.width, pen.height - 20) / 2 - 8, circle = {x: pen.width / 2, y: radius + 8, radius};
    stroke(pen, c => c.arc(circle.x, circle.y, radius, 0, 2 * Math.PI), {colour: "line", width: 1.5});
    hues.slice(0, FREQUENCIES).forEach((k, i) => {
      const members = now.neurons.filter(({frequency, share}) => frequency === k && share > PURE).sort((x, y) =>
        x.input - y.input);
      ring(pen, circle, members.map(({input, share}) => ({phase: input, amplitude: share})),
        {colour: `f${i}`, rim: false, size: 5, width: 1.4});
    });
    for (const {frequency: k, share, input} of now.neurons) {
      if (share > PURE && hues.slice(0, FREQUENCIES).includes(k)) continue;
      dot(pen, circle.x + radius * share * Math.cos(input), circle.y - radius * share * Math.sin(input),
        {colour: "soft", radius: 4});
    }
    text(pen, "24 neurons", circle.x, pen.height - 2, {align: "center", size: 12, colour: "soft"});
  };

  function sentence() {
    const {step, train, test} = now, pure = now.neurons.filter(({share}) => share > PURE).length,
      at = `Step ${grouped(step)}: `;
    if (!step) return `Nothing learned yet: ${percent(train.accuracy)} of the ${grouped(now.pairs[0])} pairs that it ` +
      `will be shown are right, and ${percent(test.accuracy)} of the ${grouped(now.pairs[1])} held out.`;
    if (grokked) return `Grokked: at step ${grouped(grokked)} every pair is right, also those it was never shown, ` +
      `${grouped(grokked - memorised)} steps after it knew its own by heart. ` +
      `${pure} of 24 neurons are waves.`;
    if (step >= recipe.last) return `It has not grokked in ${grouped(step)} steps: ${percent(test.accuracy)} of the ` +
      `pairs held out are right. ` +
      (Number(page.state.decay) === 0 ? "Decay is 0." : train.accuracy < 1 ? "It could not even learn its own." :
        "More pairs, or another decay, may help.");
    if (!memorised) return `${at}${percent(train.accuracy)} of the pairs it is shown are right, and ` +
      `${percent(test.accuracy)} of the others.`;
    return `${at}it knows its own pairs by heart (since step ${grouped(memorised)}); of those it never saw ` +
      `${percent(test.accuracy)} are right. ` +
      (pure ? `${pure} of 24 neurons are waves.` : "No neuron is a wave yet.");
  }

  return state => {
    const {hours, known, draw, decay} = state;
    if (settings.hours && settings.hours !== hours &&
      settings.known === known) return page.set({known: RECIPES[hours].known});
    if (["hours", "known", "draw"].some(key => settings[key] !== state[key])) {
      const again = running || wanted;
      begin();
      wanted = false;
      if (again) run();
    } else if (settings.decay !== decay) worker.postMessage({decay: settings.decay = decay});
    go.textContent = running ? "❚❚ stop" : over() ? "▶ once more" : now?.step ? "▶ go on" : "▶ start";
    never.textContent = decay > 0 ? "make it never grok" : "let it grok again";
    fig.command(`python -c "from grok_np import MLP, AdamW, ModularArithmetic, train; train(MLP(${recipe.p}, ` +
      `d_embed=${recipe.d}, n_hidden=${recipe.h}), ModularArithmetic(${recipe.p}, ` +
      `train_fraction=${known / 100}, symmetric=True), AdamW(lr=${recipe.lr}, eps=${recipe.p}e-8, ` +
        `weight_decay=${decay}), ${recipe.last})"`);
    if (!now) return;
    fig.sentence(sentence());
    for (const pic of fig.pictures) pic.draw();
    const stage = grokked ? 2 : memorised ? 1 : 0;
    if (stage > (spoken || 0)) page.say(["", `memorised at step ${memorised}`,
      `grokked at step ${grokked}`][spoken = stage]);
  };
}

section({
  id: "watch", number: 0, title: "Watch one grok", keys: {hours: 31, decay: 1, known: 75, draw: 3}, mount,
});
}

{
  // 8. Sparse parity over time: which bits count?

  const bits = i => {
    const raw = page.data.parity[Math.min(i, page.data.parity.length - 1)];
    return (raw.decoded ??= (() => {
      const {neurons: h, n_bits: n} = raw,
        into = page.bytes(raw.W_in.integers, Int8Array),
        scale = page.bytes(raw.W_in.scale, Float32Array);
      const out = page.bytes(raw.W_out.integers, Int8Array),
        outScale = page.bytes(raw.W_out.scale, Float32Array);
      const weight = (place, i, bit) => into[(place * h + i) * (n + 1) + bit] * scale[place * h + i];
      const output = (place, i) => out[place * h + i] * outScale[place];
      const last = raw.steps.length - 1;
      const strength = (place, i) =>
        Math.abs(output(place, i)) * Math.hypot(...Array.from({length: n + 1}, (_, bit) => weight(place, i, bit)));
      const order = Array.from({length: h}, (_, i) => i)
        .map(i => [strength(last, i), i])
        .sort((x, y) => y[0] - x[0])
        .map(([, i]) => i);
      return {...raw, history: history_(raw.history), weight, output, strength, order};
    })());
  };
  page.parity = bits;

  // Where it opens: at the last checkpoint before nine of ten held-out strings are right, if they ever are.
  const opens = ({steps, history}) => {
    const found = steps.findLastIndex(step => history.test_accuracy[nearest(history.step, step)] < 0.9);
    return found < 0 ? steps.length - 1 : found;
  };

  function mount(body) {
    const runs = page.data.parity,
      {n_bits: n, k} = runs[0];
    make(
      "p",
      {
        textContent:
          `Another task, with no circle in it. A string of ${n} coins lies on the table; the answer is whether the first ${k} of them show an odd number of heads. ` +
          `The network is not told which coins count. Each of its ${runs[0].neurons} neurons has one weight for each coin.`,
      },
      body,
    );
    const fig = figure(body, {name: "parity"});
    choiceByName(fig.controls, "bits", "run", runs);
    let run, place;
    const chart = timeline(fig, "bstep", () => ({...run, place}));
    const losses = picture(fig, {height: 140});
    losses.paint = pen => {
      const {step, train_loss, test_loss} = run.history,
        x = step.map(value => Math.max(1, value));
      const all = [...train_loss, ...test_loss].filter(value => value > 0);
      const at = axes(pen, {
        x: {min: 1, max: Math.max(2, x.at(-1)), log: true},
        y: {
          min: 10 ** Math.floor(Math.log10(Math.min(...all))),
          max: 10 ** Math.ceil(Math.log10(Math.max(...all))),
          log: true,
          n: 3,
        },
        bottom: 24,
        top: 22,
      });
      line(pen, at, x, train_loss, {width: 1.4, dash: [5, 4]});
      line(pen, at, x, test_loss, {width: 2.6});
      text(pen, "loss (nats a string)", at.left, 10, {base: "middle", size: 12, colour: "soft"});
      const px = at.x(Math.max(1, run.steps[place]));
      upright(pen, at, px);
    };
    const pic = picture(fig, {height: width => (width < 620 ? 300 : 330)});
    pic.paint = pen => {
      const {n_bits, neurons: h, order} = run,
        box = {left: 54, top: 8, width: pen.width - 62, height: pen.height - 34};
      let most = 0;
      for (let i = 0; i < h; i++)
        for (let bit = 0; bit < n_bits; bit++) most = Math.max(most, Math.abs(run.weight(place, i, bit)));
      const middle = blend([0, 0, 0], [255, 255, 255], 0.62);
      map(pen, box, n_bits, h, (bit, column) => {
        const value = run.weight(place, order[column], bit) / (most || 1);
        return value > 0
          ? blend(middle, [0, 0, 0], Math.min(1, value ** 0.7))
          : blend(middle, [255, 255, 255], Math.min(1, (-value) ** 0.7));
      });
      const y = box.top + (run.k / n_bits) * box.height;
      stroke(
        pen,
        c => {
          c.moveTo(box.left - 50, y);
          c.lineTo(box.left + box.width, y);
        },
        {colour: "accent", width: 1.5},
      );
      text(pen, "count", 4, (box.top + y) / 2, {base: "middle", size: 12, bold: true});
      text(pen, "do not", 4, y + 16, {base: "middle", size: 12, colour: "soft"});
      text(pen, "neurons, the strongest at the end first", box.left, pen.height - 8, {size: 12, colour: "soft"});
    };
    const paths = picture(fig, {height: 230});
    paths.paint = pen => {
      const {steps, order, n_bits} = run,
        x = steps.map(step => Math.max(1, step)),
        few = order.slice(0, 16);
      const lines = few.flatMap(i =>
        Array.from({length: n_bits}, (_, bit) => ({bit, y: steps.map((_, at) => run.weight(at, i, bit))})),
      );
      const most = Math.max(...lines.map(({y}) => largest(y))) || 1;
      const at = axes(pen, {
        x: {min: 1, max: Math.max(2, x.at(-1)), log: true, label: "step"},
        y: {min: -most, max: most, label: "weights of the 16 strongest neurons"},
      });
      for (const {y} of lines.filter(({bit}) => bit >= run.k)) line(pen, at, x, y, {colour: "soft", width: 0.6});
      for (const {y} of lines.filter(({bit}) => bit < run.k)) line(pen, at, x, y, {colour: "ink", width: 1.6});
      axis = at;
      mark.style.transform = `translateX(${at.x(Math.max(1, steps[place]))}px)`;
    };
    const mark = make("div", {className: "mark"}, paths.box); // moves alone: the lines are some hundred
    let axis, drawn;
    fig.note(
      "Map: dark is a positive weight, light a negative one, grey nothing; the rows above the line are the coins that count. Lines: thick for coins that count, thin for the others.",
    );
    return state => {
      run = bits(state.bits);
      place = state.bstep < 0 ? opens(run) : Math.min(state.bstep, run.steps.length - 1);
      fig.command(run.command);
      chart.draw();
      losses.draw();
      pic.draw();
      if (drawn !== run || !axis) paths.draw();
      drawn = run;
      if (axis) mark.style.transform = `translateX(${axis.x(Math.max(1, run.steps[place]))}px)`;
      let counts = 0,
        all = 0,
        alive = 0;
      const strengths = run.order.map(i => run.strength(place, i)),
        top = Math.max(...strengths);
      for (let i = 0; i < run.neurons; i++) {
        alive += strengths[i] > 0.01 * top;
        for (let bit = 0; bit < run.n_bits; bit++) {
          const square = run.weight(place, i, bit) ** 2;
          all += square;
          if (bit < run.k) counts += square;
        }
      }
      const at = nearest(run.history.step, run.steps[place]);
      fig.sentence(
        `Step ${grouped(run.steps[place])}: the ${run.k} coins that count hold ${percent(counts / (all || 1))} of the squared weights (by chance ${percent(run.k / run.n_bits)}), ` +
          `${alive} of ${run.neurons} neurons are alive; ${percent(run.history.test_accuracy[at])} of the held-out strings are right.`,
      );
    };
  }

  section({
    id: "parity",
    number: 8,
    title: "Sparse parity",
    keys: {bits: 0, bstep: -1},
    has: data => data.parity.length > 0,
    make: "python examples/sparse_parity.py",
    mount,
  });
}

{
  // 3. Five neurons, twenty numbers: the star forms.

  // float16 to numbers.
  const halves = text => {
    const words = page.bytes(text, Uint16Array);
    return Float64Array.from(words, word => {
      const exponent = (word >> 10) & 31,
        fraction = word & 1023,
        sign = word >> 15 ? -1 : 1;
      return sign * (exponent ? 2 ** (exponent - 15) * (1 + fraction / 1024) : (2 ** -14 * fraction) / 1024);
    });
  };

  // The run i: at(place) gives each neuron's two arrows, {input: {phase, amplitude}, output: {...}}.
  const five = i => {
    const raw = page.data.five[Math.min(i, page.data.five.length - 1)];
    return (raw.decoded ??= (() => {
      const into = halves(raw.W_in),
        out = halves(raw.W_out),
        h = raw.neurons;
      const arrow = (values, place, i) => {
        const x = values[2 * (place * h + i)],
          y = values[2 * (place * h + i) + 1];
        return {phase: Math.atan2(y, x), amplitude: Math.hypot(x, y)};
      };
      return {
        ...raw,
        history: history_(raw.history),
        at: place => Array.from({length: h}, (_, i) => ({input: arrow(into, place, i), output: arrow(out, place, i)})),
      };
    })());
  };
  page.five = five;

  // Which run the state means: -1 is the first that ended with everything right.
  const ended = run => ["train", "test"].every(name => !(run.history[`${name}_accuracy`].at(-1) < 1)); // NaN: none held out
  const chosen = state => {
    if (state.five >= 0) return Math.min(state.five, page.data.five.length - 1);
    return Math.max(
      0,
      page.data.five.findIndex((_, i) => ended(five(i))),
    );
  };

  // Neurons in the order of their directions; how far neighbours are from evenly spaced, outputs from twice the inputs.
  const reading = neurons => {
    const order = neurons.map((_, i) => i).sort((x, y) => neurons[x].input.phase - neurons[y].input.phase),
      n = order.length;
    const gaps = order.map(
      (i, j) => (((neurons[order[(j + 1) % n]].input.phase - neurons[i].input.phase) * 180) / Math.PI + 360) % 360,
    );
    const strength = neurons.map(one => one.input.amplitude * one.output.amplitude);
    return {
      order,
      uneven: Math.max(...gaps.map(gap => Math.abs(gap - 360 / n))),
      off: Math.max(...neurons.map(one => Math.abs(degrees(one.output.phase - 2 * one.input.phase)))),
      weak: strength.filter(x => x < 0.01 * Math.max(...strength)).length,
    };
  };
  page.fiveReading = reading;

  function mount(body) {
    const runs = page.data.five,
      h = runs[0].neurons,
      {p} = runs[0];
    make(
      "p",
      {
        textContent:
          `How small can it be? Fix the numbers on the circle, like a clock face of ${p} hours, and leave the network only ${h} neurons: for each, one arrow in ` +
          `(which direction it listens to) and one arrow out (which direction it pushes to). That is ${4 * h} numbers in all. If training succeeds, the arrows in form a regular ` +
          `${h === 5 ? "pentagon" : "polygon"} and the arrows out a star.`,
      },
      body,
    );
    make("p", {}, body).append(
      "Why are five enough? A half-wave brings more than the wave that is twice as fast: a constant, the wave itself, and a mirror image of the wanted wave. " +
        "Each would push the sum of the neurons astray. Five directions, evenly spread, cancel all three; ",
      jump("four do not", {form: "regular", act: "relu", size: 4, modulus: p}, "written"),
      ". And five have no other way to draw a star: they must be regular. Six or more are free to be lopsided.",
    );
    const fig = figure(body, {name: "five", command: runs[0].command});
    let run = five(chosen(page.state)),
      place;
    const time = slider(fig.controls, {
      key: "fstep",
      label: "step",
      min: 0,
      max: run.steps.length - 1,
      text: () => {
        const one = five(chosen(page.state));
        return grouped(
          one.steps[page.state.fstep < 0 ? one.steps.length - 1 : Math.min(page.state.fstep, one.steps.length - 1)],
        );
      },
    });
    const pic = picture(fig, {
      height: width => (width < 620 ? 2 * Math.min(width, 330) + 20 : Math.min(width / 2, 380)),
    });
    pic.paint = pen => {
      const narrow = pen.width < 620,
        cell = narrow ? pen.width : pen.width / 2,
        tall = narrow ? pen.height / 2 : pen.height;
      const radius = Math.min(cell, tall) / 2 - 30,
        now = run.at(place),
        {order} = reading(now);
      const last = run.at(run.steps.length - 1);
      [
        ["input", "in: listens to"],
        ["output", "out: pushes to"],
      ].forEach(([part, title], side) => {
        const circle = {
          x: narrow ? cell / 2 : cell * (side + 0.5),
          y: narrow ? tall * (side + 0.5) + 8 : tall / 2 + 8,
          radius,
        };
        const most = 1.08 * Math.max(...[now, last].flatMap(all => all.map(one => one[part].amplitude)));
        text(pen, title, circle.x, circle.y - radius - 12, {align: "center", size: 13, bold: true});
        for (let i = 0; i < run.neurons; i++) {
          // where it came from
          const path = Array.from({length: place + 1}, (_, at) => run.at(at)[i][part]);
          stroke(
            pen,
            c =>
              path.forEach(({phase, amplitude}, at) => {
                const r = radius * Math.min(amplitude / most, 1);
                c[at ? "lineTo" : "moveTo"](circle.x + r * Math.cos(phase), circle.y - r * Math.sin(phase));
              }),
            {colour: "soft", width: 1},
          );
        }
        ring(
          pen,
          circle,
          order.map(i => ({phase: now[i][part].phase, amplitude: now[i][part].amplitude / most})),
          {colour: "f0", size: 6, width: 2.2},
        );
        order.forEach((i, j) => {
          const {phase, amplitude} = now[i][part],
            r = (radius * amplitude) / most + 15;
          text(pen, String(j + 1), circle.x + r * Math.cos(phase), circle.y - r * Math.sin(phase), {
            align: "center",
            base: "middle",
            size: 13,
            bold: true,
          });
        });
      });
    };
    const chart = timeline(fig, "fstep", () => ({...run, place}));
    fig.note(
      "Grey: the ways of the arrows' tips since the start. Both polygons join the neurons in the order of their directions in.",
    );

    const all = figure(body, {name: "five-seeds", command: runs[0].command});
    const gallery = make("div", {className: "gallery"}, all.body);
    const ends = runs.map((_, i) => ended(five(i)));
    const tiles = runs.map((raw, i) => {
      const one = five(i),
        right = one.history.test_accuracy.at(-1);
      return tile(gallery, {
        words: `${raw.name}\n${percent(right)}`,
        label: `${raw.name}: ${percent(right)} of the held-out pairs right`,
        choose: () => page.set({five: i, fstep: -1}),
        draw: pen => {
          const neurons = one.at(one.steps.length - 1),
            {order} = reading(neurons),
            most = Math.max(...neurons.map(each => each.output.amplitude));
          ring(
            pen,
            {x: 46, y: 46, radius: 40},
            order.map(j => ({phase: neurons[j].output.phase, amplitude: neurons[j].output.amplitude / most})),
            {colour: ends[i] ? "f0" : "soft", size: 3.5},
          );
        },
      });
    });
    const good = runs
      .map((_, i) => five(i))
      .filter((_, i) => ends[i])
      .map(one => reading(one.at(one.steps.length - 1)));
    all.sentence(
      `${good.length} of ${runs.length} start${runs.length > 1 ? "s" : ""} ended with every pair right` +
        (good.length
          ? `; their neighbours are ${360 / h}° apart to within ${Math.max(...good.map(({uneven}) => uneven)).toFixed(1)}°, outputs turn twice as fast to within ${Math.max(...good.map(({off}) => off)).toFixed(1)}°.`
          : "."),
    );
    all.note("The outputs at the end of each run; grey: not all pairs right. Choose one to see it form.");

    return state => {
      run = five(chosen(state));
      time.limit(0, run.steps.length - 1);
      place = state.fstep < 0 ? run.steps.length - 1 : Math.min(state.fstep, run.steps.length - 1);
      time.input.value = place;
      pic.draw();
      chart.draw();
      const {uneven, off, weak} = reading(run.at(place)),
        i = nearest(run.history.step, run.steps[place]),
        right = run.history.test_accuracy[i];
      fig.sentence(
        `${run.name}, step ${grouped(run.steps[place])}: neighbours are ${uneven.toFixed(1)}° or less from the even ${360 / h}°, outputs ${off.toFixed(1)}° or less from twice the input` +
          `${weak ? `, ${weak} of the neurons ${weak > 1 ? "are" : "is"} as good as dead` : ""}; ${percent(right)} of the held-out pairs are right.`,
      );
      tiles.forEach((one, j) => one.chosen(j === chosen(state)));
    };
  }

  section({
    id: "five",
    number: 3,
    title: "Five neurons",
    keys: {five: -1, fstep: -1},
    has: data => data.five.length > 0,
    make: "python examples/five_neurons.py",
    mount,
  });
}

{
  // 7. All the seeds: other networks of the same recipe. Choosing one changes sections 1 and 2.

  function mount(body) {
    const {networks, published} = page.data;
    make(
      "p",
      {
        textContent:
          "A network starts from random weights, and where it ends depends on them: on which frequencies it settles, how many neurons each gets, and whether it groks at all in the time it is given. " +
          "Choose one: the first two sections change to it.",
      },
      body,
    );
    const fig = figure(body, {
      name: "seeds",
      command: [...new Set(networks.map(one => one.command).filter(Boolean))].join("; "),
    });
    const gallery = make("div", {className: "gallery wide"}, fig.body);
    const accuracy = networks.map((_, i) => {
      const last = learned(i).history?.test_accuracy.at(-1);
      return last >= 0 ? last : null; // NaN: nothing is held out
    });
    const share = i => {
      const net = learned(i),
        {p} = net;
      let count = 0;
      for (let a = 0; a < p; a++) for (let b = 0; b < p; b++) count += net.right(net.steps.length - 1, a, b);
      return count / (p * p);
    };
    const shares_ = networks.map((_, i) => share(i));
    const tiles = networks.map((raw, i) => {
      const net = learned(i),
        {rings} = raw,
        frequencies = rings.map(({frequency}) => frequency).join(", ");
      return tile(gallery, {
        words: `${raw.name}\n${percent(accuracy[i] ?? shares_[i])}`,
        choose: () => page.set({net: i, step: -1, ring: 0}),
        label: `${raw.name}: ${percent(accuracy[i] ?? shares_[i])} right; frequencies ${frequencies || "none"}`,
        draw: pen => {
          const n = rings.length,
            across = n <= 1 ? 1 : 2,
            radius = across === 1 ? 40 : 20;
          if (!n) text(pen, "no ring", 46, 46, {align: "center", base: "middle", size: 12, colour: "soft"});
          rings.slice(0, 4).forEach((one, j) => {
            const members = ringAt(net, one, net.steps.length - 1),
              most = Math.max(...members.map(({output}) => output.amplitude)) || 1;
            ring(
              pen,
              across === 1
                ? {x: 46, y: 46, radius}
                : {x: 23 + 46 * (j % 2), y: (n === 2 ? 46 : 23) + 46 * (j >> 1), radius},
              members.map(({output}) => ({phase: output.phase, amplitude: output.amplitude / most})),
              {colour: `f${j % FREQUENCIES}`, size: 1.8, width: 1.1},
            );
          });
        },
      });
    });
    const grokked = shares_.filter((x, i) => x === 1).length;
    fig.sentence(
      `${grokked} of the ${networks.length} networks here ${grokked === 1 ? "has" : "have"} every pair right at the end` +
        (networks.length > 1
          ? `; the others range from ${percent(Math.min(...shares_))} to ${percent(Math.max(...shares_.filter(x => x < 1), 0))}.`
          : "."),
    );
    fig.note(
      "Each small star is one frequency: the directions in which its neurons push, joined in the order in which they listen. The share is that of the held-out pairs right, where some are held out.",
    );

    let draw = () => {};
    if (published) {
      make("h3", {textContent: "The article's own 225 networks"}, body);
      const other = figure(body, {name: "published", command: "python -m grok_np.page mlp_seeds.npz"});
      const {networks: n, steps, p} = published,
        frequencies = page.bytes(published.frequencies, Uint8Array),
        neurons = page.bytes(published.neurons, Uint8Array);
      const losses = page.bytes(published.losses, Uint8Array); // (2, n, steps): 20 (log10(nats) + 10)
      const nats = (which, i) => steps.map((_, j) => 10 ** (losses[(which * n + i) * steps.length + j] / 20 - 10));
      const half = (p - 1) / 2,
        table = Array.from({length: n}, (_, i) => {
          const row = new Uint8Array(half + 1);
          for (let j = 0; j < 6; j++) if (frequencies[6 * i + j]) row[frequencies[6 * i + j]] = neurons[6 * i + j];
          return row;
        });
      const order = table
        .map((_, i) => i)
        .sort(
          (x, y) =>
            table[x].filter(Boolean).length - table[y].filter(Boolean).length ||
            table[x].findIndex(Boolean) - table[y].findIndex(Boolean),
        );
      slider(other.controls, {key: "pub", label: "network", min: 0, max: n - 1, text: value => `${value + 1} of ${n}`});
      const pic = picture(other, {height: 230}),
        chart = picture(other, {height: 170});
      let box;
      pic.paint = pen => {
        box = {left: 34, top: 8, width: pen.width - 44, height: 196};
        const card = rgb(colour("card")),
          ink = rgb(colour("ink")),
          most = Math.max(...neurons);
        map(pen, box, half, n, (row, column) =>
          blend(
            card,
            ink,
            table[order[column]][half - row] ? 0.25 + (0.75 * table[order[column]][half - row]) / most : 0,
          ),
        );
        stroke(pen, c => c.rect(box.left, box.top, box.width, box.height), {colour: "line", width: 1});
        for (const k of [1, 10, 20, 30, half])
          if (k === half || half - k > 2)
            text(pen, String(k), 28, box.top + ((half - k + 0.5) / half) * box.height, {
              align: "right",
              base: "middle",
              size: 12,
              colour: "soft",
            });
        text(pen, "frequency", 4, 224, {size: 12, colour: "soft"});
        const x = box.left + ((page.state.pub + 0.5) / n) * box.width;
        stroke(
          pen,
          c =>
            c.rect(x - Math.max(3, box.width / n / 2 + 1), box.top - 3, Math.max(6, box.width / n + 2), box.height + 6),
          {colour: "accent", width: 2},
        );
      };
      const pick = x => page.set({pub: Math.min(n - 1, Math.max(0, Math.floor(((x - box.left) / box.width) * n)))});
      pic.pointer({down: pick, move: pick});
      pic.canvas.classList.add("drag");
      chart.paint = pen => {
        const i = order[page.state.pub],
          at = axes(pen, {
            x: {min: 0, max: steps.at(-1), label: "step", n: pen.width / 110},
            y: {min: 1e-9, max: 1e3, log: true, n: 4},
            top: 24,
          });
        line(pen, at, steps, nats(0, i), {width: 1.4, dash: [5, 4]});
        line(pen, at, steps, nats(1, i), {width: 2.6});
        legend(pen, at.left, 11, [
          {label: "training loss (nats)", dash: [5, 4], width: 1.4},
          {label: "held-out loss", width: 2.6},
        ]);
      };
      other.note(
        "One column a network, frequencies upwards, the stronger the mark the more neurons. Pearce et al. 2023 (Apache-2.0): every second network of their sweep; frequencies and losses are published, weights are not, so there are no stars to draw.",
      );
      const sizes = table.map(row => row.filter(Boolean).length),
        three = sizes.filter(size => size === 3).length;
      draw = state => {
        pic.draw();
        chart.draw();
        const row = table[order[state.pub]],
          held = [...row.keys()].filter(k => row[k]);
        other.sentence(
          `${three} of the ${n} settled on three frequencies, ${sizes.filter(size => size === 4).length} on four; the chosen one on ` +
            `${held.map(k => `${k} (${row[k]} neurons)`).join(", ")}.`,
        );
      };
    }
    return state => {
      tiles.forEach((one, i) => one.chosen(i === Math.min(state.net, networks.length - 1)));
      draw(state);
    };
  }

  section({
    id: "seeds",
    number: 7,
    title: "All the seeds",
    keys: {pub: 0},
    has: data => data.networks.length > 1 || data.published,
    make: "python examples/mlp_seeds.py",
    mount,
  });
}

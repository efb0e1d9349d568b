{
  // 9. The transformer, clock and pizza.

  const TURN = 2 * Math.PI;

  function mount(body) {
    const all = page.data.transformers,
      curves = all.find(({measures}) => measures?.train_loss.length);
    make(
      "p",
      {
        textContent:
          "A transformer, the kind of network that language models are made of, groks the same sum, and also settles on a few frequencies. Inside, it can add in two ways. " +
          "The clock turns the hand of a on by b. The pizza takes the middle between the hands of a and b, as a ring does, and is nearly blind where they point opposite ways.",
      },
      body,
    );

    const dial = figure(body, {
      name: "dial",
      command: "cos(w(a + b − c)), and |cos(w(a − b)/2)| cos(w(a + b − c)): Zhong et al. 2023",
    });
    slider(dial.controls, {key: "ta", label: "a", min: 0, max: 58, text: String});
    slider(dial.controls, {key: "tb", label: "b", min: 0, max: 58, text: String});
    const faces = picture(dial, {
      height: width => (width < 560 ? 2 * Math.min(width, 300) + 30 : Math.min(width / 2, 330)),
    });
    let knobs = [];
    faces.paint = pen => {
      const narrow = pen.width < 560,
        p = 59,
        a = (TURN * page.state.ta) / p,
        b = (TURN * page.state.tb) / p;
      const w = narrow ? pen.width : pen.width / 2,
        h = narrow ? pen.height / 2 : pen.height,
        radius = Math.min(w, h) / 2 - 42;
      const answer = (page.state.ta + page.state.tb) % p,
        strength = Math.abs(Math.cos((a - b) / 2));
      knobs = [];
      [
        ["the clock turns on", 1],
        ["the pizza takes the middle", strength],
      ].forEach(([title, size], i) => {
        const x = narrow ? w / 2 : w * (i + 0.5),
          y = (narrow ? h * (i + 0.5) : h / 2) + 10;
        const end = (angle, length = 1) => [
          x + radius * length * Math.cos(angle),
          y - radius * length * Math.sin(angle),
        ];
        const hand = (angle, length, style) =>
          stroke(
            pen,
            c => {
              c.moveTo(x, y);
              c.lineTo(...end(angle, length));
            },
            style,
          );
        stroke(pen, c => c.arc(x, y, radius, 0, TURN), {colour: "line", width: 1.5});
        text(pen, title, x, y - radius - 26, {align: "center", size: 13, bold: true});
        for (const [angle, name] of [
          [a, "a"],
          [b, "b"],
        ]) {
          hand(angle, 1, {colour: "accent", width: 2});
          dot(pen, ...end(angle), {colour: "accent", radius: 8});
          text(pen, name, ...end(angle, 1.14), {
            align: "center",
            base: "middle",
            size: 13,
            bold: true,
            colour: "accent",
          });
          if (!i) knobs.push({x: end(angle)[0], y: end(angle)[1], centre: [x, y]});
        }
        if (i) {
          const middle = Math.atan2(Math.sin(a) + Math.sin(b), Math.cos(a) + Math.cos(b));
          stroke(
            pen,
            c => {
              c.moveTo(...end(a));
              c.lineTo(...end(b));
            },
            {colour: "soft", width: 1, dash: [3, 4]},
          );
          dot(pen, ...end(middle, strength), {colour: "ink", radius: 5});
        } else if (b) stroke(pen, c => c.arc(x, y, radius * 0.5, -a, -(a + b), true), {colour: "soft", width: 1.5});
        hand(a + b, size, {colour: "ink", width: 4});
        text(pen, String(answer), ...end(a + b, 1.14), {align: "center", base: "middle", size: 13, bold: true});
      });
    };
    const number = (x, y, [cx, cy]) => (Math.round((Math.atan2(cy - y, x - cx) / TURN) * 59) + 59) % 59;
    handles(faces, {
      list: () =>
        knobs.map(({x, y}, i) => ({
          x,
          y,
          name: "ab"[i],
          says: String(page.state[["ta", "tb"][i]]),
          value: page.state[["ta", "tb"][i]],
          min: 0,
          max: 58,
        })),
      move: (i, x, y) => page.set({[["ta", "tb"][i]]: number(x, y, knobs[i].centre)}),
      turn: (i, by) => {
        const key = ["ta", "tb"][i];
        page.set({[key]: (page.state[key] + by + 118) % 59});
      },
    });
    dial.note("The thick hand points to the answer; its length is how loud it is said.");

    let losses, chart;
    if (curves) {
      make("h3", {textContent: "Four losses"}, body);
      losses = figure(body, {name: "losses", command: curves.command});
      chart = picture(losses, {height: width => (width < 620 ? 280 : 320)});
      const {steps, measures, phases} = curves;
      chart.paint = pen => {
        const values = Object.values(measures).flat(),
          x = steps;
        const at = axes(pen, {
          x: {min: 0, max: steps.at(-1), label: "step", n: pen.width / 110},
          y: {
            min: 10 ** Math.floor(Math.log10(Math.min(...values))),
            max: 10 ** Math.ceil(Math.log10(Math.max(...values))),
            log: true,
            n: 6,
          },
          top: 46,
          left: 52,
        });
        const ends = [0, ...phases.filter(step => step !== null), steps.at(-1)],
          names = ["memorise", "build", "clean up", "done"];
        ends.slice(1).forEach((to, i) => {
          const from = at.x(ends[i]),
            until = at.x(to);
          if (i % 2 === 0) {
            pen.c.globalAlpha = 0.35;
            pen.c.fillStyle = colour("line");
            pen.c.fillRect(from, at.top, until - from, at.bottom - at.top);
            pen.c.globalAlpha = 1;
          }
          if (until - from > 40)
            text(pen, names[i], (from + until) / 2, at.top + 12, {
              align: "center",
              base: "middle",
              size: 12,
              colour: "soft",
            });
        });
        line(pen, at, x, measures.train_loss, {width: 1.4, dash: [5, 4]});
        line(pen, at, x, measures.test_loss, {width: 2.6});
        line(pen, at, x, measures.restricted_loss, {colour: "soft", width: 2});
        line(pen, at, x, measures.excluded_loss, {colour: "soft", width: 2.2, dash: [1, 5]});
        const end = legend(pen, at.left, 12, [
          {label: "training loss", dash: [5, 4], width: 1.4},
          {label: "held-out loss", width: 2.6},
        ]);
        const narrow = pen.width < 620;
        legend(pen, narrow ? at.left : end, narrow ? 32 : 12, [
          {label: narrow ? "only key waves" : "key waves alone", colour: "soft"},
          {label: "without them", colour: "soft", dash: [1, 5], width: 2.2},
        ]);
      };
      losses.note(
        "Losses in nats, on a logarithmic axis. Grey line (restricted loss): nothing but the key frequencies is left, all pairs. Dotted (excluded loss): the training pairs without them. " +
          "Bands by rule: the held-out loss is highest; it stays below a guess; it is within ten times its last value.",
      );
    }

    const heads = all.filter(one => one.heads);
    let headFig, headPic;
    if (heads.length) {
      make("h3", {textContent: "What attention looks at"}, body);
      headFig = figure(body, {name: "heads", command: heads[0].command});
      choiceByName(headFig.controls, "heads", "network", heads);
      headPic = picture(headFig, {height: width => (width < 600 ? 130 * 4 : 190)});
      const table = one =>
        (one.table ??= (() => {
          const integers = page.bytes(one.heads.integers, Int8Array),
            scale = page.bytes(one.heads.scale, Float32Array);
          return Array.from(scale, (size, head) =>
            Float32Array.from({length: one.p}, (_, x) => integers[head * one.p + x] * size),
          );
        })());
      headPic.paint = pen => {
        const one = heads[Math.min(page.state.heads, heads.length - 1)],
          rows = table(one),
          most = 1.05 * Math.max(...rows.map(row => largest(centred(row))));
        rows.forEach((row, i) => {
          const k = one.head_frequencies[i],
            at = panel(pen, i, rows.length, one.p, most),
            order = inTurn(k, one.p),
            flat = centred(row);
          line(
            pen,
            at,
            order.map((_, x) => x),
            order.map(x => flat[x]),
            {colour: one.frequencies.includes(k) ? `f${one.frequencies.indexOf(k) % FREQUENCIES}` : "soft", width: 2},
          );
          text(pen, `head ${i}: frequency ${k}`, at.left, at.top - 12, {base: "middle", size: 12, bold: true});
        });
      };
      headFig.note(
        "How much each head wants to look at the number a (its score), with the numbers in the order of the head's strongest frequency; less its mean.",
      );
    }

    make("h3", {textContent: "Clock or pizza?"}, body);
    const plane = figure(body, {name: "plane", command: [...new Set(all.map(one => one.command))].join("; ")});
    choiceByName(plane.controls, "slice", "network", all);
    plane.body.classList.add("two");
    const map1 = picture(plane, {height: width => Math.min(width, 400)}),
      map2 = picture(plane, {height: width => Math.min(width, 400)});
    const now = () => all[Math.min(page.state.slice, all.length - 1)];
    let spots = [];
    const irrelevance = one => one.irrelevance ?? 1; // where the right answer is always said equally loud, nothing matters
    map1.paint = pen => {
      const at = axes(pen, {
        x: {
          min: -0.05,
          max: 1.05,
          label: "same pull on a and b (gradient symmetricity)",
          ticks: [
            [0, "0"],
            [0.5, "0.5"],
            [1, "1"],
          ],
        },
        y: {
          min: 0,
          max: 1.05,
          label: "a − b does not matter (distance irrelevance)",
          ticks: [
            [0, "0"],
            [0.5, "0.5"],
            [1, "1"],
          ],
        },
        left: 34,
      });
      text(pen, "clock", at.x(0.2), at.y(0.7), {align: "center", base: "middle", size: 14, bold: true, colour: "soft"});
      text(pen, "pizza", at.x(0.75), at.y(0.06), {
        align: "center",
        base: "middle",
        size: 14,
        bold: true,
        colour: "soft",
      });
      spots = all.map(one => [at.x(one.symmetricity), at.y(irrelevance(one))]);
      all.forEach((one, i) =>
        dot(pen, ...spots[i], {
          colour: one === now() ? "accent" : "ink",
          radius: one === now() ? 8 : 5,
          hollow: one !== now(),
        }),
      );
    };
    map1.pointer({
      down: (x, y) => {
        const far = spots.map(([sx, sy]) => Math.hypot(sx - x, sy - y)),
          best = far.indexOf(Math.min(...far));
        if (far[best] < 40) page.set({slice: best});
      },
    });
    map2.paint = pen => {
      const one = now(),
        {p} = one,
        bytes = page.bytes(one.correct),
        size = Math.min(pen.width - 26, pen.height - 30),
        box = {left: 24, top: 4, width: size, height: size};
      map(pen, box, p, p, (row, column) =>
        blend([30, 36, 44], [236, 241, 244], bytes[row * p + ((column + (p >> 1) + 1) % p)] / 255),
      );
      text(pen, "a − b, from −p/2 to p/2", box.left, box.top + size + 6, {base: "top", size: 12, colour: "soft"});
      text(pen, "a + b", 10, box.top + size / 2 + 20, {size: 12, colour: "soft", turned: true});
    };
    plane.note(
      "Right or below: how loud the right answer is said, over a − b and a + b; light is loud. A pizza has dark columns, where it is blind; a clock does not care.",
    );

    return state => {
      const p = 59,
        strength = Math.abs(Math.cos((Math.PI * (state.ta - state.tb)) / p));
      faces.draw();
      dial.sentence(
        `${state.ta} + ${state.tb} = ${(state.ta + state.tb) % p}: the clock says it at full strength, the pizza at ${percent(strength)}` +
          (strength < 0.2
            ? ": nearly blind, for the hands point opposite ways."
            : strength > 0.98
              ? ": the hands agree."
              : "."),
      );
      if (curves) {
        chart.draw();
        const {halfway: half, frequencies, explained} = curves;
        const early = half.restricted_loss < half.test_loss;
        losses.sentence(
          `Key frequencies ${frequencies.join(", ")} explain ${percent(explained)} of the logits' variance. Half way, the excluded loss is at step ${grouped(half.excluded_loss)}, the restricted one at ${grouped(half.restricted_loss)}, ` +
            `the held-out one at ${grouped(half.test_loss)}: ${early ? "the circuit is there before it shows." : "here the circuit does not come first."}`,
        );
      }
      if (headFig) {
        headPic.draw();
        const one = heads[Math.min(state.heads, heads.length - 1)];
        headFig.command(one.command);
        headFig.sentence(
          `One frequency holds ${percent(Math.min(...one.head_shares))} or more of each head's score: ${Math.min(...one.head_shares) > 0.7 ? "what a head looks at is a wave of a." : "not every head is one clean wave."}`,
        );
      }
      map1.draw();
      map2.draw();
      const one = now(),
        kind =
          one.accuracy < 0.99
            ? "neither, for it does not add"
            : one.symmetricity >= 0.95 && irrelevance(one) <= 0.5
              ? "a pizza"
              : one.symmetricity <= 0.6 && irrelevance(one) >= 0.6
                ? "a clock"
                : "between the two";
      plane.sentence(
        `${one.name} (p = ${one.p}): ${percent(one.accuracy)} of the pairs right, symmetricity ${one.symmetricity.toFixed(2)}, irrelevance ${irrelevance(one).toFixed(2)}: ${kind}.`,
      );
    };
  }

  section({
    id: "transformer",
    number: 9,
    title: "The transformer, clock and pizza",
    keys: {ta: 12, tb: 30, heads: 0, slice: 0},
    has: data => data.transformers.length > 0,
    make: "python examples/transformer_grokking.py",
    mount,
  });
}

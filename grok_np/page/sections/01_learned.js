{
  // 1. What did it learn? The chart is the axis of time for everything in this section and the next.

  const OPENS = 0.35; // where the page opens: where held-out accuracy is still below this and training is over

  // The checkpoint that the state means: -1 is "memorised, not yet understood", where the story begins.
  page.place = state => {
    const net = learned(state.net),
      last = net.steps.length - 1;
    if (state.step >= 0) return Math.min(state.step, last);
    if (!net.history) return last;
    const {step, train_accuracy: train, test_accuracy: test} = net.history;
    const known = step.findIndex((_, i) => train[i] === 1);
    const found = known < 0 ? -1 : net.steps.findLastIndex(at => at >= step[known] && test[nearest(step, at)] < OPENS);
    return found < 0 ? last : found;
  };

  // Where section 2 begins: at the end, when there is something to explain.
  page.placeAtEnd = state => (state.step < 0 ? learned(state.net).steps.length - 1 : page.place(state));

  const shown = step => Math.max(step, 1); // step 0 has no place on a logarithmic axis
  const firstAll = (net, name) => {
    const i = net.history[`${name}_accuracy`].indexOf(1);
    return i < 0 ? null : net.history.step[i];
  };

  function mount(body) {
    const words = make("p", {}, body),
      story = make("p", {}, body);
    const bar = make("div", {className: "time"}, body);
    const fig = figure(bar, {name: "time"});
    const chart = picture(fig, {height: width => (width < 600 ? 116 : 230)});
    chart.canvas.classList.add("drag");
    const row = fig.controls;
    fig.element.append(row);
    let net, place, at, playing;

    const go = (step, state = page.state) => page.set({step: nearest(learned(state.net).steps, step)});
    chart.paint = pen => {
      const {step, train_accuracy, test_accuracy, train_loss, test_loss} = net.history,
        x = step.map(shown);
      const narrow = pen.width < 600,
        gap = narrow ? 0 : 56;
      const split = narrow ? pen.width : (pen.width - gap) / 2;
      const axis = {min: 1, max: shown(step.at(-1)), log: true, n: narrow ? 5 : 5};
      at = [
        axes(pen, {
          x: {...axis, label: ""},
          y: {
            min: 0,
            max: 1.04,
            ticks: narrow
              ? [
                  [0, "0 %"],
                  [1, "100 %"],
                ]
              : [
                  [0, "0 %"],
                  [0.5, "50 %"],
                  [1, "100 %"],
                ],
          },
          right: pen.width - split + 12,
          top: 26,
          bottom: 24,
        }),
      ];
      const both = (one, train, test) => {
        line(pen, one, x, train, {colour: "ink", width: 1.4, dash: [5, 4]});
        line(pen, one, x, test, {colour: "ink", width: 2.6});
      };
      both(at[0], train_accuracy, test_accuracy);
      legend(pen, at[0].left, 12, [
        {label: narrow ? "training" : "training pairs right", dash: [5, 4], width: 1.4},
        {label: narrow ? "held out" : "held-out pairs right", width: 2.6},
      ]);
      if (!narrow) {
        const all = [...train_loss, ...test_loss].filter(value => value > 0);
        at.push(
          axes(pen, {
            x: {...axis},
            left: split + gap,
            right: 12,
            top: 26,
            bottom: 24,
            y: {
              log: true,
              n: 5,
              min: 10 ** Math.floor(Math.log10(Math.min(...all))),
              max: 10 ** Math.ceil(Math.log10(Math.max(...all))),
            },
          }),
        );
        both(at[1], train_loss, test_loss);
        text(
          pen,
          `loss (nats a pair)${pen.width > 900 ? ": how surprised it is by the right answer" : ""}`,
          split + gap,
          12,
          {base: "middle", size: 12, colour: "soft"},
        );
      }
      text(pen, "step", 4, at[0].bottom + 6, {base: "top", size: 12, colour: "soft"});
      for (const one of at) {
        const px = one.x(shown(net.steps[place]));
        upright(pen, one, px);
        dot(pen, px, one.bottom, {colour: "accent", radius: 8});
      }
    };
    chart.pointer({
      down: x => {
        stop();
        follow(x);
      },
      move: x => follow(x),
    });
    const follow = x => {
      const one = at.length > 1 && x > at[1].left - 28 ? at[1] : at[0];
      go(one.valueX(Math.min(Math.max(x, one.left), one.right)));
    };
    handles(chart, {
      list: () =>
        at
          ? [
              {
                x: at[0].x(shown(net.steps[place])),
                y: at[0].bottom,
                name: "step of training",
                says: `step ${grouped(net.steps[place])}`,
                value: place,
                min: 0,
                max: net.steps.length - 1,
              },
            ]
          : [],
      move: (_, x) => follow(x),
      turn: (_, by) => page.set({step: Math.min(net.steps.length - 1, Math.max(0, place + by))}),
    });
    const stop = () => {
      clearInterval(playing);
      playing = null;
      button.textContent = "▶ play";
    };
    const button = press(row, "▶ play", () => {
      if (playing) return stop();
      let next = place === net.steps.length - 1 ? 0 : place;
      button.textContent = "❚❚ pause";
      playing = setInterval(
        () => {
          if (next >= net.steps.length - 1) return stop();
          page.set({step: ++next});
        },
        page.reduced ? 700 : 160,
      );
    });
    const stops = make("span", {className: "stops"}, row);

    // The map of all pairs.
    const both = make("div", {className: "columns"}, body);
    const pairs = figure(both, {name: "pairs"});
    const pairMap = picture(pairs, {height: width => Math.min(width, 460) + 6});
    let square;
    pairMap.paint = pen => {
      const {p} = net,
        size = Math.min(pen.width - 34, pen.height - 34);
      square = {left: 30, top: 4, width: size, height: size};
      const tones = ["wrong", "right", "wrong-known", "right-known"].map(name => rgb(colour(name)));
      map(pen, square, p, p, (row, a) => {
        const b = p - 1 - row;
        return tones[net.right(place, a, b) + 2 * net.training(a, b)];
      });
      for (const value of [0, p - 1]) {
        text(pen, String(value), square.left + ((value + 0.5) / p) * size, square.top + size + 5, {
          align: "center",
          base: "top",
          size: 12,
          colour: "soft",
        });
        text(pen, String(value), square.left - 5, square.top + size - ((value + 0.5) / p) * size, {
          align: "right",
          base: "middle",
          size: 12,
          colour: "soft",
        });
      }
      text(pen, "a", square.left + size / 2, square.top + size + 5, {
        align: "center",
        base: "top",
        size: 13,
        bold: true,
      });
      text(pen, "b", square.left - 10, square.top + size / 2, {align: "right", base: "middle", size: 13, bold: true});
      const x = square.left + (((page.state.a % p) + 0.5) / p) * size,
        y = square.top + size - (((page.state.b % p) + 0.5) / p) * size;
      for (const [ink, width] of [
        ["card", 5],
        ["accent", 2.5],
      ])
        stroke(pen, c => c.arc(x, y, 8, 0, 2 * Math.PI), {colour: ink, width});
    };
    const choosePair = (x, y) => {
      if (!square) return;
      const {p} = net,
        clip = value => Math.min(p - 1, Math.max(0, Math.floor(value)));
      page.set({a: clip(((x - square.left) / square.width) * p), b: clip((1 - (y - square.top) / square.height) * p)});
    };
    pairMap.pointer({down: choosePair, move: choosePair});
    handles(pairMap, {
      list: () =>
        square
          ? [
              {
                x: square.left + (((page.state.a % net.p) + 0.5) / net.p) * square.width,
                y: square.top + (1 - ((page.state.b % net.p) + 0.5) / net.p) * square.height,
                name: "chosen pair",
                says: `${page.state.a} and ${page.state.b}`,
                value: page.state.a,
                min: 0,
                max: net.p - 1,
              },
            ]
          : [],
      move: (_, x, y) => choosePair(x, y),
      turn: (_, by, key) => {
        // left and right change a, up and down b
        const name = key === "ArrowUp" || key === "ArrowDown" ? "b" : "a";
        page.set({[name]: (((page.state[name] + by) % net.p) + net.p) % net.p});
      },
    });

    // Weights: a row a neuron, in the colour of its frequency; what is negative is grey.
    const weights = figure(both, {name: "weights"});
    const weightMap = picture(weights, {height: width => Math.max(300, Math.min(width, 460)) + 6});
    weightMap.paint = pen => {
      const {A, B, C} = net.at(place),
        {p} = net,
        parts =
          A === B
            ? [
                ["in: number a or b", A],
                ["out: answer c", C],
              ]
            : [
                ["in: a", A],
                ["in: b", B],
                ["out: c", C],
              ];
      const order = net.groups.flatMap(({neurons, ring}) => neurons.map(i => [i, ring]));
      const card = rgb(colour("card")),
        soft = rgb(colour("soft"));
      const hues = order.map(([, ring]) => (ring < 0 ? rgb(colour("ink")) : rgb(colour(`f${ring % FREQUENCIES}`))));
      const gap = 12,
        left = 4,
        width = (pen.width - left - 4 - gap * (parts.length - 1)) / parts.length,
        height = pen.height - 44;
      parts.forEach(([name, table], part) => {
        const most = Math.max(...table.map(largest)) || 1,
          x = left + part * (width + gap);
        map(pen, {left: x, top: 22, width, height}, order.length, p, (row, column) => {
          const value = table[order[row][0]][column] / most;
          return blend(
            card,
            value > 0 ? hues[row] : soft,
            Math.min(1, 1.25 * Math.abs(value)) * (value > 0 ? 1 : 0.75),
          );
        });
        text(pen, name, x, 14, {size: 12, colour: "soft"});
        text(pen, "0", x, pen.height - 4, {size: 12, colour: "soft"});
        text(pen, String(p - 1), x + width, pen.height - 4, {size: 12, colour: "soft", align: "right"});
      });
      let row = 0;
      for (const {neurons} of net.groups.slice(0, -1)) {
        row += neurons.length;
        const y = 22 + (row / order.length) * height;
        stroke(
          pen,
          c => {
            c.moveTo(left, y);
            c.lineTo(pen.width - 4, y);
          },
          {colour: "card", width: 3},
        );
      }
    };

    // Waves: the rings' neurons over the number, turned so that each wave is one period long.
    const waves = figure(body, {name: "waves"});
    const columns = () => Math.max(1, net.raw.rings.length);
    const waveChart = picture(waves, {height: width => (width < 600 ? 150 * columns() : 220)});
    waveChart.paint = pen => {
      const {A} = net.at(place),
        {p} = net,
        list = net.raw.rings.length ? net.groups.filter(({ring}) => ring >= 0) : [{...net.groups[0], frequency: 1}];
      const most = 1.05 * Math.max(...A.map(largest)) || 1;
      list.forEach(({frequency: k, neurons, ring, name}, i) => {
        const one = panel(pen, i, list.length, p, most);
        const x = Array.from({length: p}, (_, j) => j),
          order = inTurn(k, p);
        for (const neuron of neurons) {
          line(
            pen,
            one,
            x,
            x.map(j => A[neuron][order[j]]),
            {colour: ring < 0 ? "soft" : `f${ring % FREQUENCIES}`, width: 1.3},
          );
        }
        text(pen, `${name}, ${neurons.length} neurons`, one.left, one.top - 10, {
          size: 13,
          bold: true,
          colour: ring < 0 ? "soft" : `f${ring % FREQUENCIES}`,
        });
        text(
          pen,
          one.right - one.left < 280 ? `${k} · a mod ${p}` : `turned number ${k} · a mod ${p}`,
          (one.left + one.right) / 2,
          one.bottom + 7,
          {align: "center", base: "top", size: 12, colour: "soft"},
        );
      });
    };
    weights.note(
      "One row a neuron: the colour is its frequency where the weight is positive, grey where it is negative.",
    );
    pairs.note(
      "Light: right. Dark: wrong. A little greyer: pairs it was trained on. Drag the circle to choose a pair.",
    );

    return state => {
      if (net !== learned(state.net)) {
        net = learned(state.net);
        tell();
      }
      place = page.place(state);
      chart.draw();
      pairMap.draw();
      weightMap.draw();
      waveChart.draw();
      const {p} = net,
        step = net.steps[place],
        at = net.history && nearest(net.history.step, step);
      let right = 0,
        unseen = 0,
        heldRight = 0;
      for (let a = 0; a < p; a++)
        for (let b = 0; b < p; b++) {
          const ok = net.right(place, a, b);
          right += ok;
          if (!net.training(a, b)) {
            unseen++;
            heldRight += ok;
          }
        }
      const train = (right - heldRight) / (p * p - unseen || 1),
        test = unseen ? heldRight / unseen : NaN;
      const verdict =
        train < 0.99
          ? "it is still learning its examples"
          : !(test >= 0)
            ? "nothing is held out"
            : test < 0.1
              ? "it knows its examples by heart and nothing else"
              : test < 0.99
                ? "it begins to understand"
                : test < 1
                  ? "it has understood nearly everything"
                  : "it has understood";
      fig.sentence(
        `Step ${grouped(step)}: ${percent(train)} of the training pairs ${unseen ? "and " : ""}` +
          (unseen ? `${percent(test)} of those it never saw are right: ${verdict}.` : "are right; none is held out."),
      );
      page.say(`Step ${grouped(step)}, held-out pairs right: ${unseen ? percent(test) : "none is held out"}`);
      const a = state.a % p,
        b = state.b % p,
        said = argmax(
          logits(
            net.at(place),
            a,
            b,
            Array.from({length: net.neurons}, (_, i) => i),
          ),
        );
      const ok = net.right(place, a, b);
      pairs.sentence(
        `${percent(right / (p * p))} of all ${grouped(p * p)} pairs are right. ` +
          `${net.question.replace(/\ba\b/g, a).replace(/\bb\b/g, b)}: it says ${ok ? net.label(a, b) : said}, ${ok ? "right" : `but ${net.label(a, b)} is right`}.`,
      );
      const best = net.at(place).shares.map(row => Math.max(...row)),
        pure = best.filter(share => share > 0.9).length;
      weights.sentence(
        pure >= net.neurons / 2
          ? `${pure} of the ${net.neurons} neurons are waves: over 90 % of what they do with a number is one frequency.`
          : `${median(best) < 0.3 ? "Noise" : "Order comes in"}: half of the neurons have ${percent(median(best))} or less of their power at one frequency.`,
      );
      const rings = net.raw.rings.map(ring => held(ring, place));
      waves.sentence(
        !rings.length
          ? "No three neurons share a frequency at the end, so there is no ring to follow."
          : Math.min(...rings) > 0.9
            ? `Each frequency is one wave, held by several neurons that start at different places of it: ` +
              `${net.raw.rings.map(({frequency, neurons}) => `${neurons.length} at frequency ${frequency}`).join(", ")}.`
            : `At this step the later waves hold ${rings.map(percent).join(", ")} of their neurons' power: ${Math.max(...rings) < 0.3 ? "nothing to be seen yet" : "they come out of the noise"}.`,
      );
      if (place === net.steps.length - 1 && playing) stop();
    };

    // How much of its neurons' power a ring's frequency holds at a checkpoint: the median neuron's share.
    function held({frequency, neurons}, at) {
      return median(neurons.map(i => net.at(at).shares[i][frequency]));
    }

    function tell() {
      const {p, name, neurons} = net;
      const trained = net.history ? firstAll(net, "train") : null,
        tested = net.history ? firstAll(net, "test") : null;
      const heldOut = !net.history || net.history.test_accuracy.some(share => share >= 0);
      bar.style.display = net.history ? "" : "none";
      words.textContent =
        `The task: ${net.question} on a clock face of ${p} hours (so after ${p - 1} comes 0 again). ` +
        `The network has ${neurons} neurons. It is shown some of the ${grouped(p * p)} sums, again and again; the others are held out, ` +
        `to see whether it has understood. Drag the chart: everything below moves with it.`;
      story.replaceChildren();
      const say = (...parts) => story.append(...parts);
      const to = (label, step) => jump(label, {step: nearest(net.steps, step)}, "learned");
      if (!net.history) say(`This network (${name}) came without its training: what follows is its last state.`);
      else {
        say("At first its weights are ", to("noise", 0), ". ");
        if (trained === null) say("It never got all its training pairs right. ");
        else {
          say(
            "By ",
            to(`step ${grouped(trained)}`, trained),
            " it has all its training pairs right, and nothing else. ",
          );
          if (!heldOut)
            say("No pair was held out, so nothing can be said of understanding: ", to("its end", Infinity), ".");
          else if (tested === null) say("It never got all held-out pairs right: ", to("its end", Infinity), ".");
          else {
            const first = net.steps.findIndex((_, at) => net.raw.rings.some(ring => held(ring, at) > 0.5));
            if (first > 0 && net.steps[first] < tested) {
              say(
                net.steps[first] > trained ? "Long nothing seems to happen. Yet by " : "Yet already by ",
                to(`step ${grouped(net.steps[first])}`, net.steps[first]),
                " most of what some neurons do is one wave, below. ",
              );
            }
            say("At ", to(`step ${grouped(tested)}`, tested), ", suddenly, all the others are right, too.");
          }
        }
      }
      stops.replaceChildren();
      const last = net.steps.length - 1;
      for (const [label, step] of [
        ["start", 0],
        ["memorised", trained],
        ["grokked", tested],
        ["end", net.steps[last]],
      ]) {
        if (step !== null) stops.append(jump(label, {step: nearest(net.steps, step)}, null));
      }
      for (const one of [fig, pairs, weights, waves]) one.command(net.command);
    }
  }

  section({
    id: "learned",
    number: 1,
    title: "What did it learn?",
    has: data => data.networks.length > 0,
    make: "python examples/mlp_grokking.py",
    mount,
  });
}

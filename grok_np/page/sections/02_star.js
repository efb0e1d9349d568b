{
  // 2. One wave per neuron, twice as fast out: what a ring does with a and b.

  const RIGHT = 2 * Math.PI;

  function mount(body) {
    const lead = make("p", {}, body);
    lead.textContent =
      "Put the numbers on a circle, and let the circle turn k times until all are used up: k is the frequency. " +
      "Number a is then a direction, and b another. A neuron has a direction of its own, too. It adds up how far a and b point its way, " +
      "and passes that on if it is more than nothing. What it passes on pushes the answer in another direction: twice as far round the circle.";

    // One ring at work.
    const work = figure(body, {name: "work"}),
      tools = work.controls;
    const which = make("span", {}, tools);
    slider(tools, {key: "a", label: "a", min: 0, max: 66, text: value => String(value)});
    slider(tools, {key: "b", label: "b", min: 0, max: 66, text: value => String(value)});
    const clock = picture(work, {
      height: width => (width < 620 ? 1.84 * Math.min(width, 340) + 40 : Math.min(0.5 * width, 420)),
    });
    let net, place, group, geometry, neuronsNow;

    const radians = (k, x, p) => (RIGHT * ((k * x) % p)) / p;
    clock.paint = pen => {
      const narrow = pen.width < 620,
        {p} = net,
        {frequency: k, ring: i, sign} = group,
        hue = `f${i % FREQUENCIES}`;
      const a = page.state.a % p,
        b = page.state.b % p,
        angleA = radians(k, a, p),
        angleB = radians(k, sign * b + p, p);
      const cell = narrow ? {w: pen.width, h: pen.height / 2} : {w: pen.width / 2, h: pen.height};
      const radius = Math.min(cell.w, cell.h) / 2 - 36;
      const left = {x: cell.w / 2, y: cell.h / 2 + 8, radius},
        out = narrow ? {...left, y: left.y + cell.h} : {...left, x: left.x + cell.w};
      geometry = {left, angleA, angleB: radians(k, b, p), k, p};
      text(pen, "in: who listens?", left.x, left.y - radius - 24, {align: "center", size: 13, bold: true});
      text(pen, "out: where do they push?", out.x, out.y - radius - 24, {align: "center", size: 13, bold: true});
      const strongest = Math.max(...neuronsNow.map(one => one.push)) || 1,
        most = Math.max(...neuronsNow.map(one => one.input.amplitude));
      for (const {x, y} of [left, out]) stroke(pen, c => c.arc(x, y, radius, 0, RIGHT), {colour: "line", width: 1.5});
      const end = ({x, y}, angle, length = 1) => [
        x + radius * length * Math.cos(angle),
        y - radius * length * Math.sin(angle),
      ];
      const hand = (circle, angle, length, style) =>
        stroke(
          pen,
          c => {
            c.moveTo(circle.x, circle.y);
            c.lineTo(...end(circle, angle, length));
          },
          style,
        );
      // the two hands and their middle: the neurons on its side are on
      const middle = Math.atan2(
        Math.sin(geometry.angleA) + Math.sin(geometry.angleB),
        Math.cos(geometry.angleA) + Math.cos(geometry.angleB),
      );
      const length = Math.abs(Math.cos((geometry.angleA - geometry.angleB) / 2));
      if (net.activation === "relu" && sign > 0) {
        pen.c.fillStyle = colour("line");
        pen.c.globalAlpha = 0.5;
        pen.c.beginPath();
        pen.c.arc(left.x, left.y, radius, -middle - Math.PI / 2, -middle + Math.PI / 2);
        pen.c.fill();
        pen.c.globalAlpha = 1;
      }
      for (const [angle, label] of [
        [geometry.angleA, "a"],
        [geometry.angleB, "b"],
      ]) {
        hand(left, angle, 1, {colour: "accent", width: 2});
        const [x, y] = end(left, angle, 1.14);
        dot(pen, ...end(left, angle), {colour: "accent", radius: 9});
        text(
          pen,
          narrow ? label : `${label} = ${label === "a" ? a : b}`,
          x,
          y + (label === "b" && Math.cos(angleA - geometry.angleB) > 0.98 ? 14 : 0),
          {
            align: Math.cos(angle) > 0.4 ? "left" : Math.cos(angle) < -0.4 ? "right" : "center",
            base: "middle",
            size: 13,
            bold: true,
            colour: "accent",
          },
        );
      }
      if (sign > 0) {
        hand(left, middle, length, {colour: "ink", width: 2.5, dash: [2, 5]});
        text(pen, "middle", ...end(left, middle, length + 0.09), {
          align: "center",
          base: "middle",
          size: 12,
          colour: "soft",
        });
      }
      for (const one of neuronsNow) {
        const [x, y] = end(left, one.input.phase, (0.86 * one.input.amplitude) / most);
        dot(pen, x, y, {colour: hue, radius: 3.5 + (6 * one.push) / strongest, hollow: one.push <= 0});
      }
      // the pushes from the middle, and their sum
      const total = neuronsNow.reduce((sum, one) => sum + Math.max(one.push, 0), 0) || 1;
      for (const one of neuronsNow) {
        const n = (0.92 * one.push) / strongest;
        hand(out, one.output.phase, n, {colour: hue, width: 2.2});
        dot(pen, ...end(out, one.output.phase, n), {colour: hue, radius: 4});
      }
      const {sum, loud, answer} = pushed();
      hand(out, sum, Math.min(0.98, (1.6 * loud) / total + 0.1), {colour: "ink", width: 4});
      const [x, y] = end(out, answer, 1);
      dot(pen, x, y, {colour: "ink", radius: 7, hollow: true});
      text(pen, `${net.label(a, b)}`, ...end(out, answer, 1.13), {
        align: "center",
        base: "middle",
        size: 13,
        bold: true,
      });
    };
    // The direction and the strength of all pushes together, and the direction of the right answer.
    const pushed = () => {
      const re = neuronsNow.reduce((s, one) => s + one.push * Math.cos(one.output.phase), 0),
        im = neuronsNow.reduce((s, one) => s + one.push * Math.sin(one.output.phase), 0);
      const {a, b} = page.state,
        {p} = net;
      return {
        sum: Math.atan2(im, re),
        loud: Math.hypot(re, im),
        answer: radians(group.frequency, net.label(a % p, b % p), p),
      };
    };
    const token = angle => {
      // the number whose direction is nearest
      const {k, p} = geometry,
        turns = ((((angle / RIGHT) % 1) + 1) % 1) * p;
      let best = 0;
      const far = x => {
        const d = Math.abs(((k * x) % p) - turns);
        return Math.min(d, p - d);
      };
      for (let x = 1; x < p; x++) if (far(x) < far(best)) best = x;
      return best;
    };
    const knob = (angle, name) => ({
      x: geometry.left.x + geometry.left.radius * Math.cos(angle),
      y: geometry.left.y - geometry.left.radius * Math.sin(angle),
      name,
      says: `${page.state[name]}`,
      value: page.state[name],
      min: 0,
      max: geometry.p - 1,
    });
    handles(clock, {
      list: () => (geometry ? [knob(geometry.angleA, "a"), knob(geometry.angleB, "b")] : []),
      move: (i, x, y) => page.set({["ab"[i]]: token(Math.atan2(geometry.left.y - y, x - geometry.left.x))}),
      turn: (i, by) => page.set({["ab"[i]]: (((page.state["ab"[i]] + by) % geometry.p) + geometry.p) % geometry.p}),
    });
    work.note(
      "Drag a and b. A neuron's dot lies in its direction; the stronger it speaks, the larger the dot, hollow is silent. Right or below: each line " +
        "is a neuron's push, the thick one their sum, the circle the right answer.",
    );

    // All rings as stars.
    make("h3", {textContent: "Rings and stars"}, body);
    const stars = figure(body, {name: "stars"});
    if (page.data.networks.some(one => one.steps.length > 1)) {
      var time = slider(stars.controls, {
        key: "step",
        label: "step",
        min: 0,
        max: 1,
        text: value => {
          const one = learned(page.state.net);
          return grouped(one.steps[page.placeAtEnd(page.state)]);
        },
      });
    }
    const sky = picture(stars, {
      height: width =>
        width < 620 ? net.raw.rings.length * 190 : Math.min((2 * width) / Math.max(net.raw.rings.length, 2), 430) + 20,
    });
    sky.paint = pen => {
      const n = net.raw.rings.length,
        narrow = pen.width < 620;
      net.groups
        .filter(({ring}) => ring >= 0)
        .forEach((one, i) => {
          const members = ringAt(net, one, place),
            hue = `f${i % FREQUENCIES}`;
          const w = narrow ? pen.width / 2 : pen.width / Math.max(n, 2),
            h = narrow ? 190 : (pen.height - 20) / 2,
            radius = Math.min(w, h) / 2 - 14;
          const at = side =>
            narrow
              ? {x: w * (side + 0.5), y: 190 * i + 105, radius: Math.min(radius, 74)}
              : {x: w * (i + 0.5), y: 24 + h * (side + 0.5), radius};
          const points = part => {
            const most = Math.max(...members.map(member => member[part].amplitude)) || 1;
            return members.map(member => ({phase: member[part].phase, amplitude: member[part].amplitude / most}));
          };
          const even = members.map((_, j) => (RIGHT * j) / members.length);
          const shift = Math.atan2(
            members.reduce((s, m, j) => s + Math.sin(m.input.phase - even[j]), 0),
            members.reduce((s, m, j) => s + Math.cos(m.input.phase - even[j]), 0),
          );
          for (const [side, part, times] of [
            [0, "input", 1],
            [1, "output", 2],
          ]) {
            ring(
              pen,
              at(side),
              even.map(phase => ({phase: times * (phase + shift)})),
              {ghost: true, rim: false},
            );
            ring(pen, at(side), points(part), {colour: hue, size: 4});
          }
          text(pen, `frequency ${one.frequency}`, narrow ? 4 : w * (i + 0.5), narrow ? 190 * i + 16 : 12, {
            align: narrow ? "left" : "center",
            size: 13,
            bold: true,
            colour: hue,
          });
        });
    };
    stars.note(
      "Above or left: the directions in which the neurons listen, joined in order. Below or right: the directions in which the same neurons push, joined in " +
        "the same order. Thin: the perfectly even ring and its star.",
    );

    // Who says what.
    make("h3", {textContent: "Several frequencies vote"}, body);
    const votes = figure(body, {name: "votes"});
    const poll = picture(votes, {height: width => (width < 620 ? 380 : 340)});
    let parts;
    poll.paint = pen => {
      const {p} = net,
        c = Array.from({length: p}, (_, i) => i),
        top = 1.05 * Math.max(...parts.flatMap(part => [...part.values].map(Math.abs)), 1e-9);
      const answer = net.label(page.state.a % p, page.state.b % p);
      const at = axes(pen, {
        x: {min: -0.5, max: p - 0.5, label: "answer c", ticks: ticks(0, p - 1, pen.width / 80)},
        y: {min: -top, max: top, label: "votes (logits)", ticks: ticks(-top, top, 5)},
      });
      pen.c.fillStyle = colour("line");
      pen.c.fillRect(at.x(answer - 0.5), at.top, at.x(answer + 0.5) - at.x(answer - 0.5), at.bottom - at.top);
      for (const {values, ring: i, all} of parts)
        line(
          pen,
          at,
          c,
          values,
          all ? {colour: "ink", width: 3} : {colour: i < 0 ? "soft" : `f${i % FREQUENCIES}`, width: 1.6},
        );
      const said = argmax(parts.at(-1).values);
      dot(pen, at.x(said), at.y(parts.at(-1).values[said]), {colour: "ink", radius: 6, hollow: said !== answer});
      text(pen, String(said), at.x(said) + 10, at.y(parts.at(-1).values[said]), {bold: true, base: "middle"});
    };
    votes.note(
      "One line a frequency in its colour, the sum thick, each less its mean; the stripe is the right answer.",
    );

    // Why twice as fast: the fold.
    make("h3", {textContent: "Why twice as fast?"}, body);
    make(
      "p",
      {
        textContent:
          "The middle between two directions is not enough: turn a once round the circle and the answer is the same, but the middle lies on the other side. " +
          "A half-wave cures this. Cut off what is negative, and a wave becomes a constant, itself at half height, and a wave twice as fast. Evenly spread neurons cancel the first two. The third cannot tell a direction from its opposite: the circle is folded.",
      },
      body,
    );
    const fold = figure(body, {name: "fold"});
    slider(fold.controls, {key: "turned", label: "direction", min: 0, max: 360, step: 5, text: value => `${value}°`});
    const folded = picture(fold, {height: width => (width < 620 ? 430 : 250)});
    let knobs = [];
    folded.paint = pen => {
      const narrow = pen.width < 620,
        angle = (page.state.turned * Math.PI) / 180,
        radius = narrow ? 66 : 88;
      const left = {x: narrow ? pen.width * 0.27 : 120, y: narrow ? 106 : 136, radius},
        right = {...left, x: narrow ? pen.width * 0.75 : 370};
      const at = (circle, phase) => [circle.x + radius * Math.cos(phase), circle.y - radius * Math.sin(phase)];
      text(pen, "the middle", left.x, 14, {align: "center", size: 13, bold: true});
      text(pen, narrow ? "folded" : "folded: twice the angle", right.x, 14, {align: "center", size: 13, bold: true});
      for (const {x, y} of [left, right]) stroke(pen, c => c.arc(x, y, radius, 0, RIGHT), {colour: "line", width: 1.5});
      stroke(
        pen,
        c => {
          c.moveTo(...at(left, angle));
          c.lineTo(...at(left, angle + Math.PI));
        },
        {colour: "soft", width: 1, dash: [3, 4]},
      );
      dot(pen, ...at(left, angle), {colour: "accent", radius: 9});
      dot(pen, ...at(left, angle + Math.PI), {colour: "ink", radius: 7, hollow: true});
      dot(pen, ...at(right, 2 * angle), {colour: "ink", radius: 9});
      knobs = [{x: at(left, angle)[0], y: at(left, angle)[1], left}];
      const one = axes(pen, {
        left: narrow ? 30 : 520,
        top: narrow ? 216 : 24,
        bottom: 36,
        x: {
          min: 0,
          max: 360,
          ticks: [
            [0, "0°"],
            [90, "90°"],
            [180, "180°"],
            [270, "270°"],
            [360, "360°"],
          ],
        },
        y: {
          min: -0.55,
          max: 1.1,
          ticks: [
            [0, "0"],
            [1, "1"],
          ],
        },
      });
      const x = Array.from({length: 181}, (_, i) => 2 * i),
        t = x.map(value => (value * Math.PI) / 180);
      line(
        pen,
        one,
        x,
        t.map(() => 1 / Math.PI),
        {colour: "soft", width: 1.5, dash: [2, 5]},
      );
      line(
        pen,
        one,
        x,
        t.map(v => 0.5 * Math.cos(v)),
        {colour: "soft", width: 1.5, dash: [8, 4]},
      );
      line(
        pen,
        one,
        x,
        t.map(v => (2 / (3 * Math.PI)) * Math.cos(2 * v)),
        {colour: "ink", width: 3},
      );
      line(
        pen,
        one,
        x,
        t.map(v => Math.max(0, Math.cos(v))),
        {colour: "soft", width: 1.5},
      );
      for (const v of [page.state.turned % 360, (page.state.turned + 180) % 360])
        dot(pen, one.x(v), one.y((2 / (3 * Math.PI)) * Math.cos((2 * v * Math.PI) / 180)), {colour: "ink", radius: 6});
    };
    handles(folded, {
      list: () =>
        knobs.map(({x, y}) => ({
          x,
          y,
          name: "direction of the middle",
          says: `${page.state.turned} degrees`,
          value: page.state.turned,
          min: 0,
          max: 360,
        })),
      move: (_, x, y) => {
        const {left} = knobs[0];
        page.set({turned: Math.round(((Math.atan2(left.y - y, x - left.x) * 180) / Math.PI + 360) % 360)});
      },
      turn: (_, by) => page.set({turned: (page.state.turned + 5 * by + 360) % 360}),
    });

    fold.note(
      "Below or right, over the direction: thin, the half-wave; dotted and dashed, its constant and its wave of the same speed; thick, its part that is twice as fast.",
    );

    return state => {
      if (net !== learned(state.net)) {
        net = learned(state.net);
        which.replaceChildren();
        if (net.raw.rings.length > 1)
          choice(which, {
            key: "ring",
            label: "frequency",
            options: Object.fromEntries(net.raw.rings.map((one, i) => [i, one.frequency])),
          });
        for (const input of tools.querySelectorAll("input[type=range]")) input.max = net.p - 1;
        time?.limit(0, net.steps.length - 1);
        for (const fig of [work, stars, votes]) fig.command(net.command);
        for (const one of [work, stars]) one.element.hidden = !net.raw.rings.length;
      }
      place = page.placeAtEnd(state);
      if (time) time.input.value = place;
      const {p} = net,
        a = state.a % p,
        b = state.b % p,
        weights = net.at(place),
        act = ACTIVATIONS[net.activation];
      if (net.raw.rings.length) {
        group = net.groups[Math.min(state.ring, net.raw.rings.length - 1)];
        neuronsNow = ringAt(net, group, place).map(one => ({
          ...one,
          push:
            act(weights.A[one.neuron][a] + weights.B[one.neuron][b] + weights.bias[one.neuron]) * one.output.amplitude,
        }));
        clock.draw();
        const {sum, answer: right} = pushed(),
          off = Math.abs(degrees(sum - right)),
          silent = neuronsNow.filter(({push}) => push <= 0).length;
        work.sentence(
          `${silent} of ${neuronsNow.length} neurons of frequency ${group.frequency} are silent; the pushes of the others add up to a direction ` +
            (off < 30
              ? `${off.toFixed(0)}° from the right answer.`
              : `${off.toFixed(0)}° away from the right answer: ${place < net.steps.length - 1 ? "not learned yet." : "this ring alone errs here."}`),
        );
        sky.draw();
        const errors = net.raw.rings.map(one => median(ringAt(net, one, place).map(({error}) => Math.abs(error)))),
          formed = errors.filter(error => error < 15);
        stars.sentence(
          formed.length
            ? `In ${formed.length} of ${errors.length} ring${errors.length > 1 ? "s" : ""} each neuron pushes twice as far round as it listens, to within ${Math.max(...formed).toFixed(1)}° (median).`
            : `No stars yet: the neurons push ${Math.min(...errors).toFixed(0)}° or more away from twice the direction in which they listen.`,
        );
      }
      parts = [
        ...net.groups.map(({neurons, ring: i}) => ({values: centred(logits(weights, a, b, neurons)), ring: i})),
        {
          values: centred(
            logits(
              weights,
              a,
              b,
              Array.from({length: net.neurons}, (_, i) => i),
            ),
          ),
          all: true,
        },
      ];
      poll.draw();
      const said = argmax(parts.at(-1).values),
        alone = parts
          .slice(0, -1)
          .filter(({ring: i}) => i >= 0)
          .map(({values}) => argmax(values));
      const ok = net.right(place, a, b),
        answer = net.label(a, b);
      votes.sentence(
        `${net.question.replace(/\ba\b/g, a).replace(/\bb\b/g, b)}: ` +
          (alone.length > 1
            ? `alone the frequencies would say ${alone.join(", ")}; together they say `
            : "the network says ") +
          `${ok ? answer : said}, ${ok ? "which is right" : `but ${answer} is right`}.`,
      );
      folded.draw();
      fold.sentence(
        `${state.turned}° and ${(state.turned + 180) % 360}° become one: ${(2 * state.turned) % 360}°. Whichever side the middle falls on, the answer is the same.`,
      );
    };
  }

  section({
    id: "star",
    number: 2,
    title: "One wave per neuron, twice as fast out",
    keys: {ring: 0, turned: 40},
    has: data => data.networks.length > 0,
    make: "python examples/mlp_grokking.py",
    mount,
  });
}

{
  // 10. Strange runs: training that does not end where it seemed to go.

  function mount(body) {
    const runs = page.data.strange;
    const at = i => (runs[i].decoded ??= {...runs[i], history: history_(runs[i].history)});
    make(
      "p",
      {
        textContent:
          "Understanding is not always the end of the story. Some networks lose again what they knew; some swing between knowing and forgetting. " +
          "On a logarithmic axis the beginning is wide; on a plain one, the end is.",
      },
      body,
    );
    const fig = figure(body, {name: "strange"});
    choiceByName(fig.controls, "odd", "run", runs);
    choice(fig.controls, {key: "clock", label: "time", options: {log: "logarithmic", plain: "plain"}});
    const charts = [picture(fig, {height: 190}), picture(fig, {height: 190}), picture(fig, {height: 150})];
    let run,
      history,
      hover = -1;
    const frame = (pen, y) => {
      const log = page.state.clock === "log",
        last = history.step.at(-1);
      return axes(pen, {
        x: log ? {min: 1, max: last, log} : {min: 0, max: last, n: pen.width / 110},
        y,
        bottom: 26,
        top: 24,
        left: 52,
      });
    };
    const xs = () => (page.state.clock === "log" ? history.step.map(step => Math.max(1, step)) : history.step);
    let place;
    const mark = (pen, one) => {
      place = one;
      if (hover < 0) return;
      const px = one.x(xs()[hover]);
      upright(pen, one, px);
    };
    const range = (...columns) => {
      const all = columns.flatMap(column => [...column]).filter(value => value > 0);
      return {
        min: 10 ** Math.floor(Math.log10(Math.min(...all))),
        max: 10 ** Math.ceil(Math.log10(Math.max(...all))),
        log: true,
        n: 4,
      };
    };
    const two = (pen, one, name) => {
      line(pen, one, xs(), history[`train_${name}`], {width: 1.4, dash: [5, 4]});
      line(pen, one, xs(), history[`test_${name}`], {width: 2.4});
      legend(pen, one.left, 11, [
        {label: `training ${name}`, dash: [5, 4], width: 1.4},
        {label: `held-out ${name}`, width: 2.4},
      ]);
      mark(pen, one);
    };
    charts[0].paint = pen =>
      two(
        pen,
        frame(pen, {
          min: 0,
          max: 1.05,
          ticks: [
            [0, "0 %"],
            [0.5, "50 %"],
            [1, "100 %"],
          ],
        }),
        "accuracy",
      );
    charts[1].paint = pen => two(pen, frame(pen, range(history.train_loss, history.test_loss)), "loss");
    charts[2].paint = pen => {
      const norm = history.l2_norm,
        one = frame(pen, {min: 0, max: 1.1 * Math.max(...norm), n: 3});
      line(pen, one, xs(), norm, {width: 2.4});
      legend(pen, one.left, 11, [{label: "size of all weights (norm)", width: 2.4}]);
      mark(pen, one);
    };
    for (const chart of charts) {
      const follow = x => {
        hover = nearest(xs(), place.valueX(Math.min(Math.max(x, place.left), place.right)));
        for (const one of charts) one.draw();
        say();
      };
      chart.pointer({down: follow, move: follow, hover: follow});
      chart.canvas.classList.add("drag");
    }
    const say = () => {
      const {step, train_accuracy: train, test_accuracy: test, train_loss: loss} = history,
        last = step.length - 1;
      const best = argmax(test),
        late = Array.from(loss.slice(Math.floor(last / 3)));
      const swing = Math.max(...late) / Math.max(Math.min(...late), 1e-12);
      const lost = test[best] - test[last] > 0.05;
      let words = lost
        ? `${run.name}: ${percent(test[best])} of the held-out examples are right at step ${grouped(step[best])}, only ${percent(test[last])} at the end, when ${percent(train[last])} of the training examples are.`
        : swing > 1000
          ? `${run.name}: after the first third the training loss still swings between ${short(Math.min(...late))} and ${short(Math.max(...late))}.`
          : `${run.name}: ${percent(train[last])} of the training examples and ${percent(test[last])} of the held-out ones are right at the end.`;
      if (hover >= 0) words += ` Step ${grouped(step[hover])}: ${percent(train[hover])} and ${percent(test[hover])}.`;
      fig.sentence(words);
    };
    return state => {
      const next = at(Math.min(state.odd, runs.length - 1));
      if (run !== next) hover = -1;
      run = next;
      ({history} = run);
      fig.command(run.command);
      for (const chart of charts) chart.draw();
      say();
    };
  }

  section({
    id: "strange",
    number: 10,
    title: "Strange runs",
    keys: {odd: 0, clock: "log"},
    has: data => data.strange.length > 0,
    make: "python examples/strange_runs.py",
    mount,
  });
}

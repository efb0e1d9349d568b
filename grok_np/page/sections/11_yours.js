{
  // 11. Your own: how to make what is shown here, and the same page of one's own run.

  section({
    id: "yours",
    number: 11,
    title: "Your own",
    mount(body, page) {
      const commands = (pairs, parent = body) => {
        const list = make("dl", {className: "commands"}, parent);
        for (const [command, words] of pairs) {
          make("code", {textContent: command}, make("dt", {}, list));
          make("dd", {textContent: words}, list);
        }
      };
      make(
        "p",
        {
          textContent:
            "Everything here was trained, read and drawn by a small program that needs nothing but NumPy and its friends. It runs on a laptop.",
        },
        body,
      );
      commands([
        [
          "pip install -e . && python examples/mlp_grokking.py",
          "trains the network of the first two sections; less than a minute on a free core",
        ],
        ["python -m grok_np.page runs/mlp_grokking", "makes this page of that run"],
        ["python examples/five_neurons.py", "twenty networks of five neurons"],
        [
          "python -m grok_np.page runs/mlp_grokking runs/five_neurons/*",
          "one page of many runs: each section takes what it can show",
        ],
      ]);
      make(
        "p",
        {
          textContent:
            "Any run of the package will do, finished, stopped or failed: a + b, a − b and other operations; x², |x| and ReLU; transformers; sparse parity. So will a checkpoint that somebody else published, and a table of a sweep (.jsonl).",
        },
        body,
      );
      commands([
        ["python -m grok_np.page checkpoint.npz", "the last state of a published network: waves, stars, votes"],
      ]);
      const fig = figure(body, {name: "inside", command: page.data.command}),
        list = make("ul", {}, fig.body);
      const {networks, five, parity, transformers, sweeps, strange} = page.data;
      const kinds = [
        [networks, "on pairs of numbers", "learned"],
        [five, "of a few neurons on the circle", "five"],
        [parity, "on strings of bits", "parity"],
        [transformers, "with attention", "transformer"],
        [strange, "strange", "strange"],
        [sweeps, "table of a sweep", "sweeps"],
      ];
      let n = 0;
      for (const [all, words, id] of kinds) {
        n += all.length;
        if (all.length)
          make("li", {}, list).append(
            jump(`${all.length} ${words}`, {}, id),
            `: ${all
              .slice(0, 6)
              .map(one => one.name)
              .join(", ")}${all.length > 6 ? ", …" : ""}`,
          );
      }
      fig.sentence(`This page was made of ${n} run${n === 1 ? "" : "s"} and table${n === 1 ? "" : "s"}.`);
    },
  });
}

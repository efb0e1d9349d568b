{
  // 6. When does it grok? Tables of many networks, two settings at a time.

  // In the order of collect.FATES; the last two where it is not known when a network had memorised.
  const SHORT = ["learn nothing", "only memorise", "grok", "understand at once", "understand", "do not"];
  const words = name => name.replace(/_/g, " ");

  function mount(body) {
    const tables = page.data.sweeps;
    make(
      "p",
      {
        textContent:
          "Whether a network groks is no accident of one run. Train hundreds with different settings: with little data or little weight decay they memorise and stay there, with much data they understand " +
          "at once, and between the two they grok. Weight decay is a steady pull of all weights towards zero: it makes what is learned by heart expensive, and waves cheap.",
      },
      body,
    );
    const fig = figure(body, {name: "sweep"});
    choiceByName(fig.controls, "sweep", "networks", tables);
    const pickers = make("span", {className: "controls"}, fig.controls),
      holders = make("span", {className: "controls"}, fig.controls);
    const pic = picture(fig, {height: width => Math.min(width * 0.62, 400) + 50});
    const strip = picture(fig, {height: 120});
    const names = () => Object.keys(table.axes);
    let table, box, cells, x, y;
    const tones = () =>
      [0.12, 0.34, 1, 0.6, 1, 0.2].map(share => blend(rgb(colour("card")), rgb(colour("ink")), share));
    const css = ([r, g, b]) => `rgb(${r | 0},${g | 0},${b | 0})`;
    pic.paint = pen => {
      const xs = table.axes[x],
        ys = table.axes[y],
        {c} = pen,
        ink = tones();
      const left = typeof ys[0] === "string" ? 128 : 64;
      box = {left, top: 10, width: pen.width - left - 10, height: pen.height - 84, columns: xs.length, rows: ys.length};
      const w = box.width / xs.length,
        h = box.height / ys.length;
      cells.forEach((cell, i) => {
        const column = i % xs.length,
          row = Math.floor(i / xs.length),
          left = box.left + column * w + 2,
          top = box.top + (ys.length - 1 - row) * h + 2;
        const total = cell.length;
        let done = 0;
        for (const kind of SHORT.keys()) {
          const share = cell.filter(one => one.kind === kind).length / (total || 1);
          c.fillStyle = css(ink[kind]);
          c.fillRect(left + done * (w - 4), top, share * (w - 4), h - 4);
          done += share;
        }
        if (!total)
          stroke(
            pen,
            path => {
              path.moveTo(left, top + h - 4);
              path.lineTo(left + w - 4, top);
            },
            {colour: "line", width: 1},
          );
      });
      xs.forEach((value, i) =>
        text(
          pen,
          typeof value === "string" ? words(value) : String(value),
          box.left + (i + 0.5) * w,
          box.top + box.height + 6,
          {align: "center", base: "top", size: w < 60 ? 10 : 12, colour: "soft"},
        ),
      );
      ys.forEach((value, i) =>
        text(
          pen,
          typeof value === "string" ? words(value) : String(value),
          box.left - 6,
          box.top + (ys.length - 0.5 - i) * h,
          {align: "right", base: "middle", size: 12, colour: "soft"},
        ),
      );
      text(pen, words(x), box.left + box.width, box.top + box.height + 24, {
        align: "right",
        base: "top",
        size: 12,
        bold: true,
      });
      text(pen, words(y), 12, box.top + box.height / 2, {
        align: "center",
        base: "middle",
        size: 12,
        bold: true,
        turned: true,
      });
      let at = 0,
        low = pen.height - 34;
      SHORT.forEach((_, kind) => {
        if (!table.rows.some(row => row[names().length] === kind)) return;
        c.font = "12px system-ui, sans-serif";
        const wide = 19 + c.measureText(SHORT[kind]).width + 14;
        if (at + wide > pen.width) [at, low] = [0, low + 18];
        c.fillStyle = css(ink[kind]);
        c.fillRect(at, low, 14, 14);
        text(pen, SHORT[kind], at + 19, low + 7, {base: "middle", size: 12, colour: "soft"});
        at += wide;
      });
      const cell = Math.min(page.state.cell, cells.length - 1),
        column = cell % xs.length,
        row = Math.floor(cell / xs.length);
      stroke(pen, path => path.rect(box.left + column * w, box.top + (ys.length - 1 - row) * h, w, h), {
        colour: "accent",
        width: 3,
      });
    };
    const pick = (px, py) => {
      const column = Math.floor(((px - box.left) / box.width) * box.columns),
        row = box.rows - 1 - Math.floor(((py - box.top) / box.height) * box.rows);
      if (column >= 0 && column < box.columns && row >= 0 && row < box.rows)
        page.set({cell: row * box.columns + column});
    };
    pic.pointer({down: pick, move: pick, hover: pick});
    handles(pic, {
      list: () => {
        if (!box) return [];
        const cell = Math.min(page.state.cell, cells.length - 1),
          column = cell % box.columns,
          row = Math.floor(cell / box.columns);
        return [
          {
            x: box.left + ((column + 0.5) * box.width) / box.columns,
            y: box.top + ((box.rows - 0.5 - row) * box.height) / box.rows,
            name: "chosen settings",
            says: `${words(x)} ${table.axes[x][column]}, ${words(y)} ${table.axes[y][row]}`,
            value: cell,
            min: 0,
            max: cells.length - 1,
          },
        ];
      },
      move: (_, px, py) => pick(px, py),
      turn: (_, by) => page.set({cell: Math.min(cells.length - 1, Math.max(0, page.state.cell + by))}),
    });
    // of the chosen cell, each network: from memorised to understood
    strip.paint = pen => {
      const cell = cells[Math.min(page.state.cell, cells.length - 1)].filter(
        one => one.memorised !== null && one.memorised !== undefined,
      );
      if (!cell.length) return;
      const all = cells
        .flat()
        .flatMap(one => [one.memorised, one.generalised])
        .filter(Boolean);
      const at = axes(pen, {
        x: {
          min: 10 ** Math.floor(Math.log10(Math.min(...all))),
          max: Math.max(...all) * 1.1,
          log: true,
          label: "step: dot by heart, ring understood",
        },
        y: {min: -1, max: cell.length, hidden: true},
        left: 10,
      });
      cell.forEach((one, i) => {
        const from = at.x(one.memorised);
        if (one.generalised) {
          stroke(
            pen,
            c => {
              c.moveTo(from, at.y(i));
              c.lineTo(at.x(one.generalised), at.y(i));
            },
            {colour: "ink", width: 2},
          );
          dot(pen, at.x(one.generalised), at.y(i), {radius: 5, hollow: true});
        }
        dot(pen, from, at.y(i), {radius: 4});
      });
    };
    fig.note("Each field is a setting, filled by the shares of what its networks do. Point at one.");
    let shown, offered;
    return state => {
      table = tables[Math.min(state.sweep, tables.length - 1)];
      const list = names();
      const named = list.find(name => typeof table.axes[name][0] === "string"); // words have room at the left only
      x = list.includes(state.across) ? state.across : list.filter(name => name !== named).at(list.length > 2 ? 1 : 0);
      y =
        list.includes(state.up) && state.up !== x
          ? state.up
          : named && named !== x
            ? named
            : list.find(name => name !== x);
      if (shown !== table) {
        shown = table;
        pickers.replaceChildren();
        if (list.length > 2)
          for (const [key, label] of [
            ["across", "across"],
            ["up", "upwards"],
          ])
            choice(pickers, {key, label, options: Object.fromEntries(list.map(name => [name, words(name)]))});
        fig.command(table.command);
      }
      for (const input of pickers.querySelectorAll("input"))
        input.checked = input.value === (input.closest("fieldset") === pickers.firstChild ? x : y);
      // The picture has two settings, the others are held: at first where most networks are, of equals in the middle.
      let held = [{name: "", rows: table.rows}];
      for (const other of list.filter(name => name !== x && name !== y))
        held = held
          .flatMap(({name, rows}) =>
            table.axes[other].map((value, i) => ({
              name: `${name && `${name}, `}${words(other)} ${words(String(value))}`,
              rows: rows.filter(row => row[list.indexOf(other)] === i),
            })),
          )
          .filter(({rows}) => rows.length);
      const most = Math.max(...held.map(({rows}) => rows.length)),
        largest = held.filter(({rows}) => rows.length === most);
      const chosen = held[state.held] ?? largest[largest.length >> 1],
        offer = held.map(({name}) => name).join();
      if (offered !== offer) {
        offered = offer;
        holders.replaceChildren();
        choiceByName(holders, "held", "at", held);
      }
      for (const input of holders.querySelectorAll("input")) input.checked = held[input.value] === chosen;
      const place = [list.indexOf(x), list.indexOf(y)],
        columns = table.axes[x].length;
      cells = Array.from({length: columns * table.axes[y].length}, () => []);
      for (const row of chosen.rows) {
        const [kind, memorised, generalised] = row.slice(list.length);
        cells[row[place[1]] * columns + row[place[0]]].push({kind, memorised, generalised});
      }
      pic.draw();
      const timed = table.rows.some(row => row[list.length + 1] !== null);
      strip.box.hidden = !timed;
      if (timed) strip.draw();
      const n = chosen.rows.length,
        count = (rows, kind) => rows.filter(one => one.kind === kind).length;
      const shares = SHORT.map((what, kind) => [count(cells.flat(), kind) / n, what])
        .filter(([share]) => share)
        .map(([share, what]) => `${percent(share)} ${what}`)
        .join(", ");
      const i = Math.min(state.cell, cells.length - 1);
      const here = SHORT.map((what, kind) => [count(cells[i], kind), what])
        .filter(([many]) => many)
        .map(([many, what]) => `${many} ${what}`)
        .join(", ");
      fig.sentence(
        `${grouped(n)} networks${chosen.name && ` at ${chosen.name}`}: ${shares}. ` +
          `At ${words(x)} ${words(String(table.axes[x][i % columns]))}, ` +
          `${words(y)} ${words(String(table.axes[y][Math.floor(i / columns)]))}: ${here || "none was trained"}.`,
      );
    };
  }

  section({
    id: "when",
    number: 6,
    title: "When does it grok?",
    keys: {sweep: 0, across: "", up: "", held: -1, cell: 0},
    has: data => data.sweeps.length > 0,
    make: "python examples/sparse_parity_sweep.py",
    mount,
  });
}

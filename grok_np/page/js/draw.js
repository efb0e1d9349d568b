"use strict";
// Figures and what is drawn in them: one canvas a picture, in CSS pixels, in the colours of the theme.
// Colour says which frequency, and nothing else (README.md).

const figures = [];

// A figure: sentence, controls, pictures, plain words, and the command that made it.
function figure(body, {name, command}) {
  const element = make("figure", {id: `fig-${name}`}, body);
  const sentence = make("p", {className: "sentence", id: `fig-${name}-says`}, element);
  const controls = make("div", {className: "controls"}, element);
  const inside = make("div", {className: "pictures"}, element);
  const note = make("figcaption", {}, element);
  const made = make("p", {className: "made", textContent: "made by "}, element),
    code = make("code", {}, made);
  const one = {
    name,
    element,
    controls,
    body: inside,
    pictures: [],
    sentence(text) {
      if (sentence.textContent !== text) sentence.textContent = text;
    },
    note(text) {
      note.textContent = text;
    },
    command(text) {
      code.textContent = text;
      made.hidden = !text;
    },
  };
  one.command(command);
  figures.push(one);
  return one;
}

// A canvas as wide as its parent. paint(pen) is set by the section; draw() paints at once if it is on screen, else when
// it comes there.
function picture(fig, {height, parent = fig.body, label}) {
  const box = make("div", {className: "picture"}, parent);
  const canvas = make("canvas", {role: "img"}, box);
  if (label) canvas.setAttribute("aria-label", label);
  else canvas.setAttribute("aria-labelledby", `fig-${fig.name}-says`);
  const pic = {fig, box, canvas, paint: () => {}, width: 0, height: 0, seen: false};
  pic.draw = () => {
    const width = box.clientWidth,
      tall = Math.round(typeof height === "function" ? height(width) : height);
    if (!width) return;
    canvas.style.height = `${tall}px`;
    pic.stale = !pic.seen;
    if (pic.stale) return; // what was painted before stays, stretched if need be
    const scale = Math.min(devicePixelRatio || 1, 2.5);
    if (pic.width !== width || pic.height !== tall || pic.scale !== scale) {
      Object.assign(pic, {width, height: tall, scale});
      canvas.width = Math.round(width * scale);
      canvas.height = Math.round(tall * scale);
    }
    const c = canvas.getContext("2d");
    c.setTransform(scale, 0, 0, scale, 0, 0);
    c.clearRect(0, 0, width, tall);
    c.lineJoin = c.lineCap = "round";
    pic.paint({c, width, height: tall, scale, colour, frequency});
  };
  // down(x, y) and move(x, y) of a finger or a pressed mouse; hover(x, y) and leave() of a mouse.
  pic.pointer = ({down, move, up, hover, leave}) => {
    const place = event => {
      const {left, top} = canvas.getBoundingClientRect();
      return [event.clientX - left, event.clientY - top];
    };
    let held = false;
    canvas.addEventListener("pointerdown", event => {
      if (event.button || down?.(...place(event)) === false) return;
      held = true;
      canvas.setPointerCapture(event.pointerId);
    });
    canvas.addEventListener("pointermove", event => (held ? move : hover)?.(...place(event)));
    canvas.addEventListener("pointerleave", () => held || leave?.());
    for (const end of ["pointerup", "pointercancel"])
      canvas.addEventListener(end, () => {
        held = false;
        up?.();
      });
  };
  new IntersectionObserver(
    entries => {
      pic.seen = entries.at(-1).isIntersecting;
      if (pic.seen && pic.stale) pic.draw();
    },
    {rootMargin: "60px"},
  ).observe(box);
  new ResizeObserver(() => {
    if (box.clientWidth !== pic.width) pic.draw();
  }).observe(box);
  fig.pictures.push(pic);
  return pic;
}

// The colours of the theme, read once and again when it changes.
let palette = {};
function colour(name) {
  return (palette[name] ??= getComputedStyle(document.documentElement).getPropertyValue(`--${name}`).trim());
}
const FREQUENCIES = 5;
const frequency = i => colour(i === null || i < 0 ? "soft" : `f${i % FREQUENCIES}`);
matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => {
  palette = {};
  for (const fig of figures) for (const pic of fig.pictures) pic.draw();
  for (const paint of themed) paint();
});
addEventListener("beforeprint", () => {
  for (const fig of figures)
    for (const pic of fig.pictures) {
      pic.seen = true;
      pic.draw();
    }
});
const themed = []; // what else is painted in the theme's colours
// "#rrggbb" to [red, green, blue].
const rgb = hex => [1, 3, 5].map(i => parseInt(hex.slice(i, i + 2), 16));
const blend = (from, to, share) => from.map((x, i) => x + (to[i] - x) * share);

function text(
  pen,
  words,
  x,
  y,
  {align = "left", base = "alphabetic", size = 13, colour: ink = "ink", bold, turned} = {},
) {
  const {c} = pen;
  c.save();
  c.font = `${bold ? "600 " : ""}${size}px system-ui, sans-serif`;
  c.fillStyle = ink.startsWith("#") ? ink : colour(ink);
  c.textAlign = align;
  c.textBaseline = base;
  c.translate(x, y);
  if (turned) c.rotate(-Math.PI / 2);
  c.fillText(words, 0, 0);
  c.restore();
}

function stroke(pen, path, {colour: ink = "ink", width = 1.5, dash = []} = {}) {
  const {c} = pen;
  c.strokeStyle = ink.startsWith("#") ? ink : colour(ink);
  c.lineWidth = width;
  c.setLineDash(dash);
  c.beginPath();
  path(c);
  c.stroke();
  c.setLineDash([]);
}

// Where the reader stands in time: an upright line through axes `at`.
function upright(pen, at, px) {
  const path = c => {
    c.moveTo(px, at.top);
    c.lineTo(px, at.bottom);
  };
  stroke(pen, path, {colour: "accent", width: 2});
}

const SUPERSCRIPT = n =>
  String(n)
    .replace("-", "⁻")
    .replace(/\d/g, digit => "⁰¹²³⁴⁵⁶⁷⁸⁹"[digit]);
const power = n =>
  n === 0 ? "1" : n === 1 ? "10" : n === 2 ? "100" : n === 3 ? "1,000" : n === 4 ? "10,000" : `10${SUPERSCRIPT(n)}`;

// Round values from min to max, about n of them.
function ticks(min, max, n, log) {
  if (log) {
    const from = Math.ceil(Math.log10(min) - 1e-9),
      to = Math.floor(Math.log10(max) + 1e-9);
    const every = Math.max(1, Math.ceil((to - from + 1) / n));
    return Array.from({length: to - from + 1}, (_, i) => from + i)
      .filter(e => (e - to) % every === 0)
      .map(e => [10 ** e, power(e)]);
  }
  const rough = (max - min) / n,
    unit = 10 ** Math.floor(Math.log10(rough));
  const size = [1, 2, 5, 10].map(m => m * unit).find(step => step >= rough * 0.999);
  const found = [];
  for (let i = Math.ceil(min / size - 1e-9); i * size <= max + size * 1e-9; i++) {
    const value = i * size;
    found.push([value, Math.abs(value) >= 1000 ? grouped(value) : String(Number(value.toPrecision(6)))]);
  }
  return found;
}

// Axes in a box (by default the whole picture), with light lines at the ticks. x, y: {min, max, log, label, ticks, n}.
function axes(pen, {x, y, left = 46, right = 10, top = 10, bottom = 38}) {
  const box = {left, top, right: pen.width - right, bottom: pen.height - bottom};
  const scaled = (axis, from, to) => {
    const f = axis.log ? Math.log10 : value => value,
      low = f(axis.min),
      high = f(axis.max);
    return [
      value => from + ((f(axis.log ? Math.max(value, axis.min) : value) - low) / (high - low)) * (to - from),
      px => (v => (axis.log ? 10 ** v : v))(low + ((px - from) / (to - from)) * (high - low)),
    ];
  };
  const [toX, valueX] = scaled(x, box.left, box.right),
    [toY, valueY] = scaled(y, box.bottom, box.top);
  const at = {...box, x: toX, y: toY, valueX, valueY};
  if (!x.hidden)
    for (const [value, label] of x.ticks ??
      ticks(x.min, x.max, x.n ?? Math.max(2, (box.right - box.left) / 80), x.log)) {
      stroke(
        pen,
        c => {
          c.moveTo(toX(value), box.top);
          c.lineTo(toX(value), box.bottom);
        },
        {colour: "line", width: 1},
      );
      const edge = toX(value) > pen.width - 26;
      text(pen, label, edge ? Math.min(pen.width - 1, toX(value) + 14) : toX(value), box.bottom + 6, {
        align: edge ? "right" : "center",
        base: "top",
        size: 12,
        colour: "soft",
      });
    }
  if (!y.hidden)
    for (const [value, label] of y.ticks ??
      ticks(y.min, y.max, y.n ?? Math.max(2, (box.bottom - box.top) / 44), y.log)) {
      stroke(
        pen,
        c => {
          c.moveTo(box.left, toY(value));
          c.lineTo(box.right, toY(value));
        },
        {colour: "line", width: 1},
      );
      text(pen, label, box.left - 6, toY(value), {align: "right", base: "middle", size: 12, colour: "soft"});
    }
  if (x.label) text(pen, x.label, box.right, pen.height - 4, {align: "right", size: 12, colour: "soft"});
  if (y.label) text(pen, y.label, box.left + 4, box.top + 4, {base: "top", size: 12, colour: "soft"});
  return at;
}

// Axes of panel i of n, side by side or, where the page is narrow, one below the other: the numbers 0 .. p - 1 to the
// right, and up to `most` up and down.
function panel(pen, i, n, p, most) {
  const narrow = pen.width < 600,
    width = narrow ? pen.width : pen.width / n,
    height = narrow ? pen.height / n : pen.height,
    left = narrow ? 0 : i * width,
    top = narrow ? i * height : 0;
  const ends = [
    [0, "0"],
    [p - 1, String(p - 1)],
  ];
  return axes(pen, {
    left: left + 10,
    right: pen.width - left - width + 16, // keeps "66" of one panel off the "0" of the next
    top: top + 24,
    bottom: pen.height - top - height + 24,
    x: {min: 0, max: p - 1, ticks: ends},
    y: {min: -most, max: most, ticks: [[0, ""]]},
  });
}

function line(pen, at, xs, ys, style) {
  stroke(
    pen,
    c => {
      let down = false;
      for (let i = 0; i < xs.length; i++) {
        const y = ys[i] === null || Number.isNaN(ys[i]) ? NaN : at.y(ys[i]);
        if (Number.isNaN(y)) {
          down = false;
          continue;
        }
        if (down) c.lineTo(at.x(xs[i]), y);
        else c.moveTo(at.x(xs[i]), y);
        down = true;
      }
    },
    style,
  );
}

function dot(pen, x, y, {colour: ink = "ink", radius = 4, hollow} = {}) {
  const {c} = pen;
  c.beginPath();
  c.arc(x, y, radius, 0, 2 * Math.PI);
  c.fillStyle = hollow ? colour("card") : ink.startsWith("#") ? ink : colour(ink);
  c.fill();
  if (hollow) stroke(pen, path => path.arc(x, y, radius, 0, 2 * Math.PI), {colour: ink, width: 2});
}
const dots = (pen, at, xs, ys, style) => {
  for (let i = 0; i < xs.length; i++) dot(pen, at.x(xs[i]), at.y(ys[i]), style);
};

// Bars of {label, value, colour, ceiling}; the axes have x from 0 to the number of bars.
function bars(pen, at, list) {
  list.forEach(({label, value, colour: ink = "ink", pale}, i) => {
    const [x0, x1] = [at.x(i + 0.18), at.x(i + 0.82)],
      y = at.y(value);
    pen.c.fillStyle = ink.startsWith("#") ? ink : colour(ink);
    pen.c.globalAlpha = pale ? 0.35 : 1;
    pen.c.fillRect(x0, y, x1 - x0, Math.max(at.bottom - y, 1));
    pen.c.globalAlpha = 1;
    text(pen, label, (x0 + x1) / 2, at.bottom + 6, {
      align: "center",
      base: "top",
      size: 12,
      bold: !pale,
      colour: pale ? "soft" : "ink",
    });
  });
}

// A table of cells, each [red, green, blue] of 0 to 255; row 0 on top. Painted at one pixel a cell, then enlarged.
function map(pen, {left, top, width, height}, rows, columns, cell) {
  const sheet = (map.sheet ??= document.createElement("canvas"));
  if (sheet.width !== columns || sheet.height !== rows) [sheet.width, sheet.height] = [columns, rows];
  const c = sheet.getContext("2d", {willReadFrequently: false}),
    image = c.createImageData(columns, rows);
  for (let row = 0, i = 0; row < rows; row++)
    for (let column = 0; column < columns; column++, i += 4) {
      const [red, green, blue] = cell(row, column);
      image.data[i] = red;
      image.data[i + 1] = green;
      image.data[i + 2] = blue;
      image.data[i + 3] = 255;
    }
  c.putImageData(image, 0, 0);
  pen.c.imageSmoothingEnabled = false;
  pen.c.drawImage(sheet, left, top, width, height);
}

// Points on a circle, angle 0 to the right, turning left: [{phase, amplitude (1 is the rim), label}]. Returns pixels.
function ring(
  pen,
  {x, y, radius},
  points,
  {colour: ink = "ink", joined = true, ghost = false, rim = true, size = 5, width} = {},
) {
  const places = points.map(({phase, amplitude = 1}) => [
    x + radius * amplitude * Math.cos(phase),
    y - radius * amplitude * Math.sin(phase),
  ]);
  if (rim) stroke(pen, c => c.arc(x, y, radius, 0, 2 * Math.PI), {colour: "line", width: 1.5});
  if (joined && places.length > 1)
    stroke(
      pen,
      c => {
        places.forEach(([px, py], i) => (i ? c.lineTo(px, py) : c.moveTo(px, py)));
        c.closePath();
      },
      {colour: ghost ? "soft" : ink, width: width ?? (ghost ? 0.7 : 1.8)},
    );
  if (!ghost)
    places.forEach(([px, py], i) => {
      dot(pen, px, py, {colour: ink, radius: size});
      if (points[i].label) {
        const {phase} = points[i],
          out = radius * 1.17;
        text(pen, points[i].label, x + out * Math.cos(phase), y - out * Math.sin(phase), {
          align: "center",
          base: "middle",
          size: 12,
          colour: "soft",
        });
      }
    });
  return places;
}

// A small picture on a button that chooses something: canvas, words, and who is chosen.
function tile(parent, {words, label, size = 92, draw, choose}) {
  const button = make("button", {type: "button", className: "tile", ariaLabel: label}, parent);
  const canvas = make("canvas", {}, button);
  make("span", {textContent: words}, button);
  button.addEventListener("click", choose);
  const scale = Math.min(devicePixelRatio || 1, 2);
  canvas.width = canvas.height = size * scale;
  const paint = () => {
    const c = canvas.getContext("2d");
    c.setTransform(scale, 0, 0, scale, 0, 0);
    c.clearRect(0, 0, size, size);
    draw({c, width: size, height: size, scale, colour, frequency});
  };
  paint();
  themed.push(paint);
  return {chosen: yes => button.setAttribute("aria-pressed", yes)};
}

// A legend in one row: [{label, colour, dash, width}]; returns where it ends.
function legend(pen, x, y, entries) {
  for (const {label, colour: ink = "ink", dash, width = 2} of entries) {
    stroke(
      pen,
      c => {
        c.moveTo(x, y);
        c.lineTo(x + 22, y);
      },
      {colour: ink, dash, width},
    );
    text(pen, label, x + 28, y, {base: "middle", size: 12, colour: "soft"});
    pen.c.font = "12px system-ui, sans-serif";
    x += 28 + pen.c.measureText(label).width + 16;
  }
  return x;
}

"use strict";
// What can be touched, each bound to a key of the state: it follows a link as well as a hand, and is 44 px high.

let controls = 0;

function slider(parent, {key, label, min, max, step = 1, text: words = String, compact}) {
  const box = make("div", {className: compact ? "slider compact" : "slider"}, parent),
    id = `control-${++controls}`;
  make("label", {htmlFor: id, textContent: label}, box);
  const less = make("button", {type: "button", textContent: "−", ariaLabel: `${label}: less`}, box);
  const input = make("input", {type: "range", id, min, max, step}, box);
  const more = make("button", {type: "button", textContent: "+", ariaLabel: `${label}: more`}, box);
  const value = make("span", {className: "value"}, box);
  const set = x => page.set({[key]: Math.min(input.max, Math.max(input.min, x))});
  input.addEventListener("input", () => set(Number(input.value)));
  less.addEventListener("click", () => set(Number(input.value) - Number(input.step)));
  more.addEventListener("click", () => set(Number(input.value) + Number(input.step)));
  const follow = state => {
    if (Number(input.value) !== Number(state[key])) input.value = state[key];
    const says = words(Number(state[key]));
    if (value.textContent !== says) {
      value.textContent = says;
      input.setAttribute("aria-valuetext", says);
    }
  };
  page.watchers.push(follow);
  follow(page.state);
  return {
    box,
    input,
    limit(low, high) {
      if (Number(input.min) !== low || Number(input.max) !== high) [input.min, input.max] = [low, high];
    },
  };
}

function choice(parent, {key, label, options}) {
  const box = make("fieldset", {className: "choice"}, parent),
    name = `choice-${++controls}`;
  make("legend", {textContent: label}, box);
  const inputs = Object.entries(options).map(([value, words]) => {
    const one = make("label", {}, box),
      input = make("input", {type: "radio", name, value}, one);
    make("span", {textContent: words}, one);
    input.addEventListener("change", () => page.set({[key]: value}));
    return input;
  });
  const follow = state => {
    for (const input of inputs) input.checked = input.value === String(state[key]);
  };
  page.watchers.push(follow);
  follow(page.state);
  return {box, inputs};
}

// Which of a list, by its members' names; nothing to choose where there is only one.
function choiceByName(parent, key, label, list) {
  if (list.length > 1)
    choice(parent, {key, label, options: Object.fromEntries(list.map(({name}, i) => [i, name]))});
}

function press(parent, words, action) {
  const button = make("button", {type: "button", className: "press", textContent: words}, parent);
  button.addEventListener("click", action);
  return button;
}

// Words that lead to a moment: an ordinary link, so that it can be copied.
function jump(words, changes, id) {
  const link = make("a", {className: "jump", textContent: words, href: "#"});
  link.addEventListener("focus", () => {
    link.href = page.link(changes, id ?? page.at);
  });
  link.addEventListener("pointerenter", () => {
    link.href = page.link(changes, id ?? page.at);
  });
  link.addEventListener("click", event => {
    if (event.ctrlKey || event.metaKey || event.shiftKey) return;
    event.preventDefault();
    if (id) page.land(document.getElementById(id));
    page.set(changes);
  });
  return link;
}

// Dots that can be dragged; each has an invisible element over it that the keyboard reaches (role slider).
function handles(pic, {list, move, turn}) {
  const knobs = [];
  let held = -1;
  const update = () => {
    const all = list();
    while (knobs.length > all.length) knobs.pop().remove();
    while (knobs.length < all.length) {
      const i = knobs.length,
        knob = make("span", {className: "knob", role: "slider", tabIndex: 0}, pic.box);
      knob.addEventListener("keydown", event => {
        const steps = {ArrowRight: 1, ArrowUp: 1, ArrowLeft: -1, ArrowDown: -1, PageUp: 10, PageDown: -10}[event.key];
        if (!steps) return;
        event.preventDefault();
        turn(i, steps, event.key);
      });
      knobs.push(knob);
    }
    all.forEach(({x, y, name, says, value = 0, min = -180, max = 180}, i) => {
      knobs[i].style.transform = `translate(${x - 22}px, ${y - 22}px)`;
      const said = {
        "aria-label": name,
        "aria-valuetext": says,
        "aria-valuenow": value,
        "aria-valuemin": min,
        "aria-valuemax": max,
      };
      for (const [key, content] of Object.entries(said)) knobs[i].setAttribute(key, content);
    });
  };
  const place = event => {
    const {left, top} = pic.canvas.getBoundingClientRect();
    return [event.clientX - left, event.clientY - top];
  };
  pic.box.addEventListener("pointerdown", event => {
    const [x, y] = place(event),
      near = list().map(one => Math.hypot(one.x - x, one.y - y));
    held = near.indexOf(Math.min(...near));
    if (event.button || !(near[held] < 30)) {
      held = -1;
      return;
    }
    event.preventDefault();
    knobs[held]?.focus({preventScroll: true});
    pic.box.setPointerCapture(event.pointerId);
  });
  pic.box.addEventListener("pointermove", event => held >= 0 && move(held, ...place(event)));
  for (const end of ["pointerup", "pointercancel"])
    pic.box.addEventListener(end, () => {
      held = -1;
    });
  pic.box.classList.add("handles");
  const draw = pic.draw;
  pic.draw = () => {
    draw();
    update();
  };
  return {update};
}

// Accuracy over the steps as the axis of time: drag it, or move its knob. now() is {history, steps, place}.
function timeline(fig, key, now, height = 130) {
  const chart = picture(fig, {height});
  let at;
  const follow = x => page.set({[key]: nearest(now().steps, at.valueX(Math.min(Math.max(x, at.left), at.right)))});
  chart.paint = pen => {
    const {
        history: {step, train_accuracy, test_accuracy},
        steps,
        place,
      } = now(),
      x = step.map(value => Math.max(value, 1));
    at = axes(pen, {
      x: {min: 1, max: Math.max(2, x.at(-1)), log: true},
      y: {
        min: 0,
        max: 1.05,
        ticks: [
          [0, "0 %"],
          [1, "100 %"],
        ],
      },
      bottom: 24,
      top: 22,
    });
    line(pen, at, x, train_accuracy, {width: 1.4, dash: [5, 4]});
    line(pen, at, x, test_accuracy, {width: 2.6});
    legend(pen, at.left, 10, [
      {label: "training right", dash: [5, 4], width: 1.4},
      {label: "held-out right", width: 2.6},
    ]);
    const px = at.x(Math.max(1, steps[place]));
    upright(pen, at, px);
    dot(pen, px, at.bottom, {colour: "accent", radius: 8});
  };
  chart.pointer({down: follow, move: follow});
  chart.canvas.classList.add("drag");
  handles(chart, {
    list: () => {
      if (!at) return [];
      const {steps, place} = now();
      return [
        {
          x: at.x(Math.max(1, steps[place])),
          y: at.bottom,
          name: "step of training",
          says: `step ${grouped(steps[place])}`,
          value: place,
          min: 0,
          max: steps.length - 1,
        },
      ];
    },
    move: (_, x) => follow(x),
    turn: (_, by) => {
      const {steps, place} = now();
      page.set({[key]: Math.min(steps.length - 1, Math.max(0, place + by))});
    },
  });
  return chart;
}

// The place in ascending steps that is nearest to a step.
function nearest(steps, at) {
  let low = 0,
    high = steps.length - 1;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (steps[middle] < at) low = middle + 1;
    else high = middle;
  }
  return low && at - steps[low - 1] < steps[low] - at ? low - 1 : low;
}

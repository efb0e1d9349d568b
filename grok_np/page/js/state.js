"use strict";
// The state of the page and its place in the URL, the sections, the theme, and the one voice for screen readers.
// How sections are written: README.md beside this file.

const page = {
  data: JSON.parse(document.getElementById("data").textContent),
  state: {},
  sections: [],
  reduced: matchMedia("(prefers-reduced-motion: reduce)").matches,
};
const first = {net: 0, step: -1, a: 20, b: 30}; // step -1: wherever section 1 opens
Object.assign(page.state, first);

// Base64 to a typed array.
page.bytes = (text, Type = Uint8Array) => {
  const characters = atob(text),
    bytes = new Uint8Array(characters.length);
  for (let i = 0; i < bytes.length; i++) bytes[i] = characters.charCodeAt(i);
  return new Type(bytes.buffer);
};

// One message at a time, and only when a movement has come to rest: a slider does not chatter.
page.say = text => {
  clearTimeout(page.saying);
  page.saying = setTimeout(() => {
    document.getElementById("voice").textContent = text;
  }, 600);
};

page.set = changes => {
  for (const [key, value] of Object.entries(changes)) {
    page.state[key] = typeof first[key] === "number" ? Number(value) : String(value);
  }
  page.show();
};

// All sections on screen, at most once a frame; the URL when the state has come to rest.
page.show = () => {
  page.waiting ??= requestAnimationFrame(() => {
    page.waiting = null;
    for (const watcher of page.watchers) watcher(page.state);
    for (const one of page.sections) {
      one.stale = true;
      if (one.near) page.draw(one);
    }
    clearTimeout(page.writing);
    page.writing = setTimeout(page.write, 300);
  });
};
page.watchers = []; // controls that follow the state
page.draw = one => {
  one.stale = false;
  one.show?.(page.state);
};

// #id&key=value: the section, then what differs from the first values.
page.link = (changes, id) => {
  const state = {...page.state, ...changes};
  const pairs = Object.keys(first)
    .filter(key => state[key] !== first[key])
    .map(key => `${key}=${encodeURIComponent(state[key])}`);
  return `#${[id, ...pairs].join("&")}`;
};
page.write = () => history.replaceState(null, "", page.link({}, page.at ?? page.sections[0].id));

page.read = () => {
  const [id, ...pairs] = location.hash.slice(1).split("&");
  const found = Object.fromEntries(
    pairs
      .map(pair => pair.split("="))
      .filter(([key]) => key in first)
      .map(([key, value]) => [key, decodeURIComponent(value ?? "")]),
  );
  const one = page.sections.find(({id: name}) => name === id);
  if (one) page.at = id;
  page.set({...first, ...found});
  if (one) page.land(one.element);
};

// To a section, at once; and again while those around it are still finding their heights, unless the reader moves on.
page.land = element => {
  element.scrollIntoView({behavior: "instant"});
  const settle = new ResizeObserver(() => element.scrollIntoView({behavior: "instant"})),
    stop = () => settle.disconnect();
  settle.observe(document.querySelector("main"));
  setTimeout(stop, 1500);
  for (const event of ["wheel", "touchstart", "pointerdown", "keydown"]) addEventListener(event, stop, {once: true});
};

function section(description) {
  Object.assign(first, description.keys);
  Object.assign(page.state, description.keys);
  page.sections.push(description);
}

// The frame of every section, at once; what is in it when it comes near the screen.
page.start = () => {
  const main = document.querySelector("main"),
    list = document.querySelector("nav ul");
  const watch = new IntersectionObserver(
    entries => {
      for (const {target, isIntersecting} of entries) {
        const one = page.sections.find(({element}) => element === target);
        one.near = isIntersecting;
        if (!isIntersecting) continue;
        if (!one.mounted) {
          one.mounted = true;
          if (one.there) one.show = one.mount(one.body, page);
          target.classList.add("mounted");
          one.stale = true;
        }
        if (one.stale) page.draw(one);
      }
    },
    {rootMargin: "300px"},
  );
  const reading = new IntersectionObserver(
    entries => {
      for (const {target, isIntersecting} of entries) if (isIntersecting) page.at = target.id;
    },
    {rootMargin: "-45% 0px -50% 0px"},
  );
  page.sections.sort((x, y) => x.number - y.number);
  for (const one of page.sections) {
    one.there = one.has?.(page.data) ?? true;
    one.element = make("section", {id: one.id, ariaLabelledby: `${one.id}-title`, className: "part"}, main);
    make("h2", {id: `${one.id}-title`, textContent: `${one.number}. ${one.title}`}, one.element);
    one.body = make("div", {className: "body"}, one.element);
    make("a", {href: `#${one.id}`, textContent: one.title}, make("li", {}, list));
    if (!one.there) {
      const words = make("p", {className: "missing"}, one.body);
      words.append(
        "This page was built without data for this section. They are made by ",
        make("code", {textContent: one.make}),
        ", and shown by naming the folder when the page is built.",
      );
    }
    watch.observe(one.element);
    reading.observe(one.element);
  }
  addEventListener("hashchange", page.read);
  page.read();
};

// An element with these properties, at the end of its parent.
function make(name, properties = {}, parent) {
  const element = document.createElement(name),
    {ariaLabelledby, role, style, ...rest} = properties;
  Object.assign(element, rest);
  if (role) element.setAttribute("role", role);
  if (ariaLabelledby) element.setAttribute("aria-labelledby", ariaLabelledby);
  if (style) element.style.cssText = style;
  parent?.append(element);
  return element;
}

// Numbers in words, the same everywhere.
const grouped = number => number.toLocaleString("en");
const percent = share =>
  share === 1
    ? "100 %"
    : share === 0
      ? "0 %"
      : share > 0.9999
        ? "over 99.99 %"
        : `${(100 * share).toFixed(share > 0.995 || share < 0.01 ? 2 : 1)} %`;
const short = number =>
  number === 0
    ? "0"
    : Math.abs(number) < 0.001 || Math.abs(number) >= 1e5
      ? number
          .toExponential(1)
          .replace("e-", "·10⁻")
          .replace("e+", "·10")
          .replace(/\d+$/, digits => [...digits].map(digit => "⁰¹²³⁴⁵⁶⁷⁸⁹"[digit]).join(""))
      : String(Number(number.toPrecision(3)));

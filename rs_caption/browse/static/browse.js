// What the page does beyond its links: filters while one types, lights what a caption speaks of,
// zooms. Nothing here makes HTML of text: the server escapes, this only moves and marks.
"use strict";

const numbers = (element) => new Set(element.dataset.boxes.split(" ").filter(Boolean));

// --- lighting: a caption, or a part of it, lights its boxes; a box lights what speaks of it

let pinned = null;

function light(scope, boxes) {
  const picture = scope.querySelector("svg");
  if (!picture) return;
  picture.classList.toggle("lighting", boxes.size > 0);
  for (const shape of picture.querySelectorAll("[data-box]")) {
    shape.classList.toggle("lit", boxes.has(shape.dataset.box));
  }
}

function heat(scope, hot) {
  for (const said of scope.querySelectorAll("[data-boxes]")) said.classList.toggle("hot", hot(said));
}

function show(target) {
  const scope = target && target.closest(".scope");
  if (!scope) return false;
  const said = target.closest("[data-boxes]");
  if (said && said.dataset.boxes) {
    light(scope, numbers(said));
    heat(scope, (one) => one === said);
    return true;
  }
  const shape = target.closest("[data-box]");
  if (shape) {
    light(scope, new Set([shape.dataset.box]));
    heat(scope, (one) => one.matches(".item, .kinds li") && numbers(one).has(shape.dataset.box));
    return true;
  }
  return false;
}

function rest(scope) {
  if (pinned && scope.contains(pinned)) {
    show(pinned);
  } else {
    light(scope, new Set());
    heat(scope, () => false);
  }
}

for (const begin of ["pointerover", "focusin"]) {
  document.addEventListener(begin, (event) => {
    const scope = event.target.closest && event.target.closest(".scope");
    if (scope && !show(event.target)) rest(scope);
  });
}
for (const end of ["pointerout", "focusout"]) {
  document.addEventListener(end, (event) => {
    const scope = event.target.closest && event.target.closest(".scope");
    if (scope && !(event.relatedTarget && scope.contains(event.relatedTarget))) rest(scope);
  });
}

function pin(said) {
  if (pinned) pinned.removeAttribute("aria-pressed");
  pinned = pinned === said ? null : said;
  if (pinned) pinned.setAttribute("aria-pressed", "true");
  rest(said.closest(".scope"));
}

document.addEventListener("click", (event) => {
  const said = event.target.closest(".said li[data-boxes]");
  if (said && said.dataset.boxes) pin(said);
});

// --- keys: arrows go to the neighbours, Escape back, Enter pins

document.addEventListener("keydown", (event) => {
  if (event.target.closest("input, select, button") || event.ctrlKey || event.metaKey || event.altKey) return;
  const said = event.target.closest(".said li[data-boxes]");
  if (said && (event.key === "Enter" || event.key === " ")) {
    event.preventDefault();
    pin(said);
    return;
  }
  const link = { ArrowLeft: "before", ArrowRight: "after", Escape: "back" }[event.key];
  const found = link && document.getElementById(link);
  if (found) found.click();
});

// --- the filter: answers while one types

const form = document.getElementById("filter");
let asked = null;
let waiting = 0;

function address() {
  const said = new URLSearchParams();
  for (const [name, value] of new FormData(form)) if (value) said.append(name, value);
  const text = said.toString();
  return text ? `?${text}` : "";
}

async function ask() {
  const wanted = address();
  const results = document.getElementById("results");
  if (asked) asked.abort();
  const mine = (asked = new AbortController());
  results.setAttribute("aria-busy", "true");
  try {
    const answer = await fetch(`/rows${wanted}`, { signal: mine.signal });
    if (!answer.ok && answer.status !== 400) throw new Error(`${answer.status}`); // 400 says why
    results.innerHTML = await answer.text(); // the server's own template, every value escaped
    if (answer.ok) history.replaceState(null, "", `/${wanted}`);
    form.querySelector("legend .of").textContent = form.elements.kind.value ? "of this class" : "of all classes";
  } catch (error) {
    if (error.name === "AbortError") return;
    results.querySelector(".summary").textContent = "The program does not answer; is it still running?";
  }
  results.removeAttribute("aria-busy");
}

if (form) {
  form.addEventListener("input", () => {
    clearTimeout(waiting);
    waiting = setTimeout(ask, 150);
  });
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    clearTimeout(waiting);
    ask();
  });
  if (matchMedia("(max-width: 580px)").matches) document.getElementById("more").open = false;
}
for (const select of document.querySelectorAll("select.submits")) {
  select.addEventListener("change", () => select.form.submit());
}

// --- one picture: regions of its mask, what is drawn, zoom

const picture = document.getElementById("picture");

async function drawRegions() {
  const answer = await fetch(picture.dataset.regions);
  if (!answer.ok) return;
  const outlines = await answer.json();
  const layer = document.getElementById("regions");
  for (const [number, outline] of Object.entries(outlines)) {
    const box = picture.querySelector(`rect[data-box="${Number(number)}"]`);
    const region = document.createElementNS("http://www.w3.org/2000/svg", "path");
    region.setAttribute("d", outline);
    region.setAttribute("fill-rule", "evenodd");
    region.setAttribute("class", box.getAttribute("class").replace("box", "region"));
    region.dataset.box = number;
    layer.append(region);
  }
  if (Object.keys(outlines).length) {
    document.getElementById("regions-label").hidden = false;
    document.body.classList.add("with-regions");
    if (pinned) show(pinned);
  }
}

function zooms() {
  const [, , width, height] = picture.getAttribute("viewBox").split(" ").map(Number);
  const most = Math.max(8, Math.max(width, height) / 100);
  let zoom = 1;
  let [x, y] = [width / 2, height / 2]; // what is in the middle

  function draw() {
    zoom = Math.min(Math.max(zoom, 1), most);
    const [w, h] = [width / zoom, height / zoom];
    x = Math.min(Math.max(x, w / 2), width - w / 2);
    y = Math.min(Math.max(y, h / 2), height - h / 2);
    picture.setAttribute("viewBox", `${x - w / 2} ${y - h / 2} ${w} ${h}`);
    picture.classList.toggle("zoomed", zoom > 1);
  }

  function at(event) {
    const point = new DOMPoint(event.clientX, event.clientY);
    return point.matrixTransform(picture.getScreenCTM().inverse());
  }

  const by = (factor) => () => { zoom *= factor; draw(); };
  document.getElementById("in").addEventListener("click", by(1.6));
  document.getElementById("out").addEventListener("click", by(1 / 1.6));
  document.getElementById("fit").addEventListener("click", by(0));
  picture.addEventListener("wheel", (event) => {
    if (!event.ctrlKey && zoom === 1 && event.deltaY > 0) return; // the page scrolls
    event.preventDefault();
    const here = at(event);
    const factor = Math.min(Math.max(zoom * Math.exp(-event.deltaY / 400), 1), most) / zoom;
    zoom *= factor;
    x = here.x + (x - here.x) / factor;
    y = here.y + (y - here.y) / factor;
    draw();
  }, { passive: false });

  let held = null;
  picture.addEventListener("pointerdown", (event) => {
    if (zoom > 1) { held = at(event); picture.setPointerCapture(event.pointerId); }
  });
  picture.addEventListener("pointermove", (event) => {
    if (!held) return;
    const here = at(event);
    x += held.x - here.x;
    y += held.y - here.y;
    draw();
  });
  for (const end of ["pointerup", "pointercancel"]) picture.addEventListener(end, () => { held = null; });
}

if (picture) {
  zooms();
  if (picture.dataset.regions) drawRegions();
  for (const layer of ["boxes", "regions"]) {
    const tick = document.getElementById(`show-${layer}`);
    if (tick) tick.addEventListener("change", () => document.getElementById(layer).classList.toggle("off", !tick.checked));
  }
}

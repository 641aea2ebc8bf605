"use strict";
// What lies under the pointer is said beside it: marks of charts by their aria-label, points of the
// map with their picture. The page is whole without this script.
(function () {
  const tip = document.createElement("div");
  tip.className = "tip";
  tip.setAttribute("role", "status");
  tip.hidden = true;
  document.body.append(tip);

  function showAt(x, y) {
    tip.hidden = false;
    const box = tip.getBoundingClientRect();
    const left = x + 14 + box.width > innerWidth ? x - 14 - box.width : x + 14;
    const top = y + 14 + box.height > innerHeight ? y - 14 - box.height : y + 14;
    tip.style.left = Math.max(4, Math.min(left, innerWidth - box.width - 4)) + "px";
    tip.style.top = Math.max(4, top) + "px";
  }

  function line(kind, text) {
    const element = document.createElement(kind);
    element.textContent = text;
    return element;
  }

  const MARKS = 'svg.chart .role-mark [aria-label], svg.cloud text[aria-label]';
  function overMark(event) {
    const mark = event.target.closest ? event.target.closest(MARKS) : null;
    if (mark && !mark.classList.contains("role-mark")) {
      tip.replaceChildren(line("div", mark.getAttribute("aria-label")));
      showAt(event.clientX, event.clientY);
    } else if (!event.target.closest || !event.target.closest("#map")) {
      tip.hidden = true;
    }
  }
  document.addEventListener("pointermove", overMark);
  document.addEventListener("pointerdown", overMark);
  document.addEventListener("scroll", () => { tip.hidden = true; }, { passive: true });

  const map = document.getElementById("map");
  if (!map) return;
  const data = JSON.parse(document.getElementById("map-data").textContent);
  const ring = document.getElementById("map-ring");
  const dots = [...map.querySelectorAll("path[data-set]")];
  const hidden = new Set();
  const NEAR_PX = 16, SIDE = 80, ACROSS = 20, LARGER = 1.6;

  for (const button of document.querySelectorAll("#map-sets button")) {
    button.disabled = false;
    button.addEventListener("click", () => {
      const set = Number(button.dataset.set);
      const off = button.getAttribute("aria-pressed") === "true";
      button.setAttribute("aria-pressed", String(!off));
      if (off) hidden.add(set); else hidden.delete(set);
      dots[set].style.display = off ? "none" : "";
    });
  }

  function nearest(event) {
    const screen = map.getScreenCTM();
    const { x, y } = new DOMPoint(event.clientX, event.clientY).matrixTransform(screen.inverse());
    let best = -1, least = (NEAR_PX / screen.a) ** 2;
    data.at.forEach(([px, py], at) => {
      const far = (px - x) ** 2 + (py - y) ** 2;
      if (far < least && !hidden.has(data.set[at])) { least = far; best = at; }
    });
    return best;
  }

  function picture(number) {
    const shot = document.createElement("div");
    const inside = number % (ACROSS * ACROSS);
    shot.className = "shot";
    shot.style.backgroundImage = 'url("' + data.sheets[Math.floor(number / (ACROSS * ACROSS))] + '")';
    shot.style.backgroundSize = ACROSS * SIDE * LARGER + "px auto";
    const across = (inside % ACROSS) * SIDE * LARGER, down = Math.floor(inside / ACROSS) * SIDE * LARGER;
    shot.style.backgroundPosition = -across + "px " + -down + "px";
    return shot;
  }

  function overMap(event) {
    const at = nearest(event);
    ring.style.display = at < 0 ? "none" : "";
    if (at < 0) { tip.hidden = true; return; }
    ring.setAttribute("cx", data.at[at][0]);
    ring.setAttribute("cy", data.at[at][1]);
    const parts = [line("b", data.id[at]), line("div", data.said[at])];
    if (data.shot[at] >= 0) parts.unshift(picture(data.shot[at]));
    tip.replaceChildren(...parts);
    showAt(event.clientX, event.clientY);
  }
  map.addEventListener("pointermove", overMap);
  map.addEventListener("pointerdown", overMap);
  map.addEventListener("pointerleave", () => { ring.style.display = "none"; tip.hidden = true; });
})();

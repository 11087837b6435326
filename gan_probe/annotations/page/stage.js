// One sample, large: its boxes, and the pointer that draws them. A box's edges lie between pixels.

import { at, make, picture, rectangles, say } from "./elements.js";

const clamp = (value, low, high) => Math.max(low, Math.min(value, high));

export class Stage {
  constructor(marks, named) {
    this.marks = marks;
    this.named = named; // the object to box, or undefined once the person has been asked for one
    this.index = 0; // the sample
    this.chosen = -1; // its box, by position
    this.drag = null;
    at("overlay").setAttribute("viewBox", `0 0 ${marks.size} ${marks.size}`);
    at("nothing").addEventListener("click", () => this.nothing());
    this.listen();
  }

  get boxes() {
    return this.marks.boxesOf(this.index);
  }

  go(index) {
    this.index = index;
    this.chosen = -1;
    this.show();
  }

  show() {
    const { boxes, marks } = this;
    if (this.chosen >= boxes.length) this.chosen = -1; // an undo may have taken it away
    at("stage-title").textContent = `Sample ${this.index}`;
    const source = picture(this.index);
    if (at("picture").getAttribute("src") !== source) at("picture").src = source;
    const numbers = new Map(marks.now.names.objects.map((name, k) => [name, k + 1]));
    const draft = this.drag?.box;
    at("overlay").replaceChildren(...[...boxes, ...(draft ? [draft] : [])].map((box, k) => {
      const size = marks.size * 0.035;
      const place = { x: box.x + size * 0.3, y: box.y + size * 1.05, "font-size": size };
      const chosen = k === this.chosen || box === draft;
      return make("g", chosen ? { class: "chosen" } : {}, ...rectangles(box), make("text", place, String(numbers.get(box.name))));
    }));
    at("boxes").replaceChildren(...boxes.map((box, k) => this.line(box, k, numbers.get(box.name))));
    at("nothing").hidden = boxes.length > 0;
    at("nothing").setAttribute("aria-pressed", marks.now.boxes.has(this.index));
  }

  line(box, k, number) {
    const name = make("span", {}, make("span", { class: "number" }, String(number)), make("bdi", {}, box.name));
    const place = make("span", { class: "place" }, `${box.x}, ${box.y} · ${box.width} × ${box.height}`);
    const pick = make("button", { type: "button", class: "pick name", "aria-pressed": k === this.chosen }, name, place);
    pick.addEventListener("click", () => {
      this.chosen = k === this.chosen ? -1 : k;
      this.show();
      at("boxes").children[k].firstChild.focus();
    });
    const away = make("button", { type: "button", "aria-label": `Delete box ${k + 1}, ${box.name}` }, "×");
    away.addEventListener("click", () => this.delete(k));
    return make("li", {}, pick, away);
  }

  add(edges) {
    const name = this.named();
    if (name === undefined) return;
    this.chosen = this.boxes.length;
    this.marks.setBoxes(this.index, [...this.boxes, { name, ...edges }]);
    say(`Box of ${name}: ${edges.x}, ${edges.y}, ${edges.width} by ${edges.height}`);
  }

  // A box without a pointer: it begins here and is moved by keys.
  middle() {
    const side = Math.max(1, Math.round(this.marks.size / 4));
    const start = Math.floor((this.marks.size - side) / 2);
    this.add({ x: start, y: start, width: side, height: side });
  }

  delete(k) {
    if (!this.boxes[k]) return;
    const left = this.boxes.filter((_, i) => i !== k);
    this.chosen = -1;
    this.marks.setBoxes(this.index, left.length ? left : null);
    say("Box deleted");
  }

  shift(dx, dy, edge) {
    const box = this.boxes[this.chosen];
    if (!box) return;
    const { size } = this.marks;
    const moved = edge
      ? { ...box, width: clamp(box.width + dx, 1, size - box.x), height: clamp(box.height + dy, 1, size - box.y) }
      : { ...box, x: clamp(box.x + dx, 0, size - box.width), y: clamp(box.y + dy, 0, size - box.height) };
    this.marks.setBoxes(this.index, this.boxes.map((old, k) => (k === this.chosen ? moved : old)));
    say(`${moved.x}, ${moved.y}, ${moved.width} by ${moved.height}`);
  }

  // Say that there is nothing to box, or take that back.
  nothing() {
    if (!this.boxes.length) this.marks.setBoxes(this.index, this.marks.now.boxes.has(this.index) ? null : []);
  }

  listen() {
    const canvas = at("canvas");
    const end = () => { this.drag = null; this.show(); };
    canvas.addEventListener("pointerdown", (event) => {
      if (event.button !== 0) return;
      event.preventDefault();
      document.activeElement?.blur(); // keys are for the box now
      if (this.named() === undefined) return;
      canvas.setPointerCapture(event.pointerId);
      this.drag = { from: this.point(event), box: null };
    });
    canvas.addEventListener("pointermove", (event) => {
      if (!this.drag) return;
      const edges = between(this.drag.from, this.point(event));
      this.drag.box = edges && { name: this.named(), ...edges };
      this.show();
    });
    canvas.addEventListener("pointerup", (event) => {
      if (!this.drag) return;
      const { from } = this.drag;
      const edges = between(from, this.point(event));
      end();
      if (edges) this.add(edges);
      else this.pick(from);
    });
    canvas.addEventListener("pointercancel", end);
  }

  // Where the pointer is, in pixels of the image.
  point(event) {
    const area = at("overlay").getBoundingClientRect();
    const along = (value, start, length) => clamp((value - start) / length, 0, 1) * this.marks.size;
    return [along(event.clientX, area.left, area.width), along(event.clientY, area.top, area.height)];
  }

  // Choose the smallest box under a point.
  pick([x, y]) {
    const inside = this.boxes.map((box, k) => [box.width * box.height, k, box]).filter(([, , box]) =>
      x >= box.x && x <= box.x + box.width && y >= box.y && y <= box.y + box.height);
    this.chosen = inside.sort(([a], [b]) => a - b)[0]?.[1] ?? -1;
    this.show();
  }
}

function between([x0, y0], [x1, y1]) {
  const x = Math.round(Math.min(x0, x1));
  const y = Math.round(Math.min(y0, y1));
  const width = Math.round(Math.max(x0, x1)) - x;
  const height = Math.round(Math.max(y0, y1)) - y;
  return width && height ? { x, y, width, height } : null;
}

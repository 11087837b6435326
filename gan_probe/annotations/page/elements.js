// Elements made of texts and attributes, never of markup: what a name holds stays text.

const SVG = "http://www.w3.org/2000/svg";
const DRAWN = ["svg", "g", "rect", "text"];

export const at = (id) => document.getElementById(id);

export function make(tag, attributes = {}, ...children) {
  const element = DRAWN.includes(tag) ? document.createElementNS(SVG, tag) : document.createElement(tag);
  for (const [key, value] of Object.entries(attributes)) element.setAttribute(key, value);
  element.append(...children);
  return element;
}

// A box in an overlay: a light line on a dark one is seen on any picture.
export function rectangles({ x, y, width, height }) {
  return ["under", "over"].map((layer) => make("rect", { class: layer, x, y, width, height }));
}

// A sample's picture, under the name by which other tools' exports are read.
export function picture(index) {
  return `samples/sample-${String(index).padStart(6, "0")}.png`;
}

// What a screen reader says next.
export function say(text) {
  at("said").textContent = text;
}

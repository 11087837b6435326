// The page: the names to choose from, the grid of samples, and the keyboard.

import { at, make, picture, rectangles, say } from "./elements.js";
import { Marks } from "./marks.js";
import { Stage } from "./stage.js";

const THUMB = 96; // CSS pixels that a sample has at least, by a whole factor
const STAGE = 480; // and at most where it stands large
const BESIDE = 430; // what stands above and below it then
const WORDS = {
  concepts: { word: "concept", list: "Concepts", example: "smiling woman", begin: "Name a concept to begin." },
  objects: { word: "object", list: "Objects", example: "window", begin: "Name an object to begin." },
};

let marks;
let stage;
let mode = "concepts";
let current = 0; // the sample
const chosen = { concepts: 0, objects: 0 }; // the name, by its position
const samples = []; // the grid's buttons and their parts

const name = () => marks.now.names[mode][chosen[mode]];

// --- what is shown

function showSample(index) {
  const { button, overlay, info } = samples[index];
  const boxes = marks.boxesOf(index);
  const numbers = marks.now.names.concepts.flatMap((concept, k) => (marks.ticked(concept, index) ? [k + 1] : []));
  let state = "";
  if (mode === "objects") {
    const many = boxes.length === 1 ? "1 box" : `${boxes.length} boxes`;
    state = boxes.length ? many : marks.now.boxes.has(index) ? "nothing" : "";
    button.removeAttribute("aria-pressed");
  } else {
    state = numbers.join(" ");
    button.setAttribute("aria-pressed", name() !== undefined && marks.ticked(name(), index));
  }
  const words = mode === "objects" ? state : numbers.map((k) => marks.now.names.concepts[k - 1]).join(", ");
  button.setAttribute("aria-label", `Sample ${index}${words && `: ${words}`}`);
  button.setAttribute("aria-current", index === current);
  button.tabIndex = index === current ? 0 : -1;
  info.textContent = state;
  overlay.replaceChildren(...(mode === "objects" ? boxes.flatMap(rectangles) : []));
}

function showNames() {
  const names = marks.now.names[mode];
  const { word, list, example, begin } = WORDS[mode];
  const held = [...at("names").children].indexOf(document.activeElement);
  chosen[mode] = Math.max(0, Math.min(chosen[mode], names.length - 1));
  at("names").setAttribute("aria-label", list);
  at("names").replaceChildren(...names.map((text, k) => {
    const number = make("span", { class: "number" }, k < 9 ? String(k + 1) : "");
    const times = make("span", { class: "count" }, String(marks.count(mode, text)));
    const button = make("button", { type: "button", class: "name", "aria-pressed": k === chosen[mode] });
    button.append(number, make("bdi", {}, text), times);
    button.addEventListener("click", () => choose(k));
    return button;
  }));
  at("names").children[held]?.focus();
  at("name-label").textContent = `New ${word}`;
  at("name").placeholder = example;
  at("rename").disabled = at("remove").disabled = !names.length;
  at("undo").disabled = !marks.history.length;
  for (const button of modes()) button.setAttribute("aria-pressed", button.dataset.mode === mode);
  at("count").textContent = !names.length ? begin : mode === "concepts" ? `Tick those that show “${name()}”.`
    : `${marks.now.boxes.size} of ${samples.length} looked at.`;
}

function showAll() {
  document.body.className = mode;
  showNames();
  samples.forEach((_, index) => showSample(index));
  at("stage").hidden = mode !== "objects";
  stage.show();
}

// A sample stands as large as it can by a whole factor, with its boxes' list in sight.
function fit() {
  const room = Math.min(STAGE, innerHeight - BESIDE, document.documentElement.clientWidth - 32);
  const stageSize = marks.size * Math.max(1, Math.floor(Math.max(room, 240) / marks.size));
  const thumb = Math.min(marks.size * Math.ceil(THUMB / marks.size), 128);
  document.documentElement.style.setProperty("--stage", `${Math.min(stageSize, STAGE)}px`);
  document.documentElement.style.setProperty("--thumb", `${thumb}px`);
}

// --- what is done

const modes = () => document.querySelectorAll("[data-mode]");

function setMode(next) {
  mode = next;
  stage.go(current);
  showAll();
}

function choose(k) {
  if (k >= marks.now.names[mode].length) return;
  chosen[mode] = k;
  showAll();
  say(name());
}

function go(index) {
  if (index < 0 || index >= samples.length) return;
  const before = current;
  current = index;
  showSample(before);
  showSample(current);
  stage.go(current);
  samples[current].button.focus();
}

// The name to mark with; where there is none the person is asked for it.
function named() {
  if (name() === undefined) {
    at("name").focus();
    say(WORDS[mode].begin);
  }
  return name();
}

function tick() {
  if (mode === "objects") stage.nothing();
  else if (named() !== undefined) marks.tick(name(), current);
}

function undo() {
  if (marks.undo()) say("Undone");
}

function listen() {
  for (const button of modes()) button.addEventListener("click", () => setMode(button.dataset.mode));
  at("undo").addEventListener("click", undo);
  at("remove").addEventListener("click", () => marks.remove(mode, name()));
  at("rename").addEventListener("click", () => submitName(true));
  at("add").addEventListener("submit", (event) => {
    event.preventDefault();
    submitName(false);
  });
  at("name").addEventListener("input", () => at("name").setCustomValidity(""));
  document.addEventListener("keydown", key);
  document.addEventListener("keyup", (event) => {
    // a button takes the way up of a key for a click, and `key` has seen it already
    if (event.key === " " && event.target.closest?.("#grid")) event.preventDefault();
  });
  addEventListener("resize", fit);
  addEventListener("beforeunload", (event) => {
    if (!marks.saved || marks.sending) event.preventDefault();
  });
}

function submitName(renaming) {
  const input = at("name");
  const text = input.value.trim();
  const names = marks.now.names[mode];
  const problem = !text ? "Type a name here." : names.includes(text) ? "There is one of this name."
    : /\p{C}|(?! )\p{Z}/u.test(text) ? "Use printable characters." : "";
  input.setCustomValidity(problem);
  if (problem) return input.reportValidity();
  input.value = "";
  if (renaming) return marks.rename(mode, name(), text);
  chosen[mode] = names.length;
  marks.add(mode, text);
  samples[current].button.focus({ preventScroll: true });
}

// --- the keyboard

const ARROWS = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };

function key(event) {
  const letter = event.key.toLowerCase();
  if (event.target.closest?.("input")) {
    if (event.key === "Escape") samples[current].button.focus();
    return;
  }
  if (event.ctrlKey || event.metaKey) {
    if (letter !== "z" || event.shiftKey) return;
    undo();
  } else if (!pressed(event, letter)) return;
  event.preventDefault();
}

function pressed(event, letter) {
  const arrow = ARROWS[event.key];
  const columns = getComputedStyle(at("grid")).gridTemplateColumns.split(" ").length;
  const boxing = mode === "objects";
  if (arrow && event.shiftKey) stage.shift(arrow[0], arrow[1], event.altKey);
  else if (event.altKey) return false;
  else if (arrow) go(current + arrow[0] + arrow[1] * columns);
  else if (event.key === "Home") go(0);
  else if (event.key === "End") go(samples.length - 1);
  else if (letter === "b") setMode("objects");
  else if (letter === "c") setMode("concepts");
  else if (letter === "u") undo();
  else if (letter === "n") at("name").focus();
  else if (/^[1-9]$/.test(letter)) choose(Number(letter) - 1);
  else if (boxing && ["delete", "backspace"].includes(letter)) stage.delete(stage.chosen);
  // the rest are what a button is pressed with
  else if (event.target.closest?.("button") && !event.target.closest("#grid")) return false;
  else if (event.key === " ") tick();
  else if (event.key === "Enter" && boxing) stage.middle();
  else return false;
  return true;
}

// --- the beginning

function build(answer) {
  document.title = `${answer.name} · gan-probe annotate`;
  at("title").textContent = answer.name;
  for (let index = 0; index < answer.count; index++) {
    const overlay = make("svg", { viewBox: `0 0 ${answer.size} ${answer.size}`, "aria-hidden": "true" });
    const info = make("span", { class: "info" });
    const image = make("img", { src: picture(index), alt: "", loading: "lazy", draggable: "false" });
    const frame = make("span", { class: "frame" }, image, overlay);
    const caption = make("span", { class: "caption" }, make("span", { class: "index" }, String(index)), info);
    const button = make("button", { type: "button", class: "sample" }, frame, caption);
    button.addEventListener("click", () => {
      go(index);
      if (mode === "concepts") tick();
    });
    samples.push({ button, overlay, info });
    at("grid").append(make("li", {}, button));
  }
}

function saving(text, bad) {
  at("status").textContent = text;
  at("status").classList.toggle("bad", bad);
}

async function start() {
  const answer = await (await fetch("state")).json();
  marks = new Marks(answer, showAll, saving);
  stage = new Stage(marks, named);
  build(answer);
  listen();
  fit();
  const begun = answer.objects.length || answer.concepts.length;
  if (!answer.concepts.length && begun) mode = "objects";
  showAll();
  saving(begun ? "Saved" : "Nothing marked yet", false);
}

start();

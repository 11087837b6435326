// What is marked, and its way to the disk: every change is kept for undo and saved at once.

const STEPS = 200; // of undo

export class Marks {
  constructor(answer, changed, said) {
    this.size = answer.size;
    this.revision = answer.revision;
    this.changed = changed;
    this.said = said; // (text, bad): how the saving goes
    this.history = [];
    this.now = {
      names: { objects: answer.objects, concepts: answer.concepts.map(([name]) => name) },
      // sample: its boxes; a sample with none was looked at and has none
      boxes: new Map(answer.samples.map(([index, boxes]) => [index, boxes.map(
        ([k, x, y, width, height]) => ({ name: answer.objects[k], x, y, width, height }))])),
      ticks: new Map(answer.concepts.map(([name, samples]) => [name, new Set(samples)])),
    };
    this.saved = true;
    this.sending = false;
  }

  change(edit) {
    const before = structuredClone(this.now);
    edit(this.now);
    this.history.push(before);
    if (this.history.length > STEPS) this.history.shift();
    this.changed();
    this.save();
  }

  undo() {
    if (!this.history.length) return false;
    this.now = this.history.pop();
    this.changed();
    this.save();
    return true;
  }

  boxesOf(index) {
    return this.now.boxes.get(index) ?? [];
  }

  ticked(name, index) {
    return this.now.ticks.get(name)?.has(index) ?? false;
  }

  count(mode, name) {
    if (mode === "concepts") return this.now.ticks.get(name).size;
    return [...this.now.boxes.values()].flat().filter((box) => box.name === name).length;
  }

  add(mode, name) {
    this.change((now) => {
      now.names[mode].push(name);
      if (mode === "concepts") now.ticks.set(name, new Set());
    });
  }

  rename(mode, old, name) {
    this.change((now) => {
      now.names[mode] = now.names[mode].map((known) => (known === old ? name : known));
      if (mode === "concepts") {
        now.ticks.set(name, now.ticks.get(old));
        now.ticks.delete(old);
      } else {
        for (const box of [...now.boxes.values()].flat()) if (box.name === old) box.name = name;
      }
    });
  }

  remove(mode, name) {
    this.change((now) => {
      now.names[mode] = now.names[mode].filter((known) => known !== name);
      now.ticks.delete(mode === "concepts" ? name : null);
      if (mode === "objects") {
        for (const [index, boxes] of now.boxes) {
          const left = boxes.filter((box) => box.name !== name);
          if (left.length || !boxes.length) now.boxes.set(index, left);
          else now.boxes.delete(index); // nobody has said that nothing else is on it
        }
      }
    });
  }

  tick(name, index) {
    this.change((now) => {
      const samples = now.ticks.get(name);
      if (!samples.delete(index)) samples.add(index);
    });
  }

  // Replace a sample's boxes; null says that it was not looked at.
  setBoxes(index, boxes) {
    this.change((now) => {
      if (boxes === null) now.boxes.delete(index);
      else now.boxes.set(index, boxes);
    });
  }

  document() {
    const { names, boxes, ticks } = this.now;
    const place = new Map(names.objects.map((name, k) => [name, k]));
    return {
      revision: this.revision,
      objects: names.objects,
      samples: [...boxes].map(([index, marked]) => [
        index, marked.map((box) => [place.get(box.name), box.x, box.y, box.width, box.height])]),
      concepts: names.concepts.map((name) => [name, [...ticks.get(name)]]),
    };
  }

  // One request at a time, so that the last state is the last to arrive.
  async save() {
    this.saved = false;
    if (this.sending) return;
    this.sending = true;
    while (!this.saved) {
      this.saved = true;
      this.said("Saving …", false);
      const body = JSON.stringify(this.document());
      const problem = await this.send(body);
      if (problem) {
        this.saved = false;
        this.said(`Not saved: ${problem}`, true);
        break;
      }
      this.said("Saved", false);
    }
    this.sending = false;
  }

  async send(body) {
    try {
      const headers = { "Content-Type": "application/json" };
      const response = await fetch("state", { method: "POST", headers, body });
      const answer = await response.json();
      if (!response.ok) return answer.error;
      this.revision = answer.revision;
      return "";
    } catch {
      return "gan-probe annotate has ended; start it again and open its new address";
    }
  }
}

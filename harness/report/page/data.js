// A run as the page has it, and questions about it: the state of an interrupt or of the machine
// after a step. Both are kept as changes from step to step.

class Run {
  constructor(data) {
    this.name = data.name;
    this.lanes = data.lanes;
    this.columns = data.columns;
    this.interrupts = data.interrupts;
    this.steps = data.steps;
    this.arrows = data.arrows.map(([start, end, kind, what, which]) => ({ start, end, kind, what, which }));
    this.loops = data.loops.map(([first, end, period, times]) => ({ first, end, period, times }));
    this.machine = data.machine;
    this.shares = new Map(Object.entries(data.shares).map(([turn, share]) => [Number(turn), share]));
    this.states = this.unrolled(data.states);
    let block = 0;
    this.blocks = this.steps.map((step, i) => (block += i > 0 && step.lane !== this.steps[i - 1].lane ? 1 : 0));
    this.marks = new Map();
    this.steps.forEach((step, i) => step.marks.forEach((mark) => this.marks.set(mark, i)));
    this.at = -1;
    this.values = null;
  }

  // The state of each interrupt after each step: unchanged ones are shared, so this is small.
  unrolled(changes) {
    let now = this.interrupts.map(() => ["-", "-", "-", "-"]);
    return changes.map((list) => {
      if (list.length) {
        now = now.slice();
        for (const [which, ...four] of list) now[which] = four;
      }
      return now;
    });
  }

  // Whether two turns are of one block: what one actor does in a row.
  sameBlock(i, j) {
    return this.blocks[i] === this.blocks[j];
  }

  // All fields of the machine after turn i, and what changed in it: index -> value before.
  machineAt(i) {
    const { begin, after } = this.machine;
    if (this.values === null || i < this.at) {
      this.values = begin.slice();
      this.at = -1;
    }
    let before = new Map();
    if (this.at === i) return { values: this.values, before: this.before };
    while (this.at < i) {
      this.at += 1;
      before = new Map();
      for (const [field, value] of after[this.at]) {
        if (!before.has(field)) before.set(field, this.values[field]);
        this.values[field] = value;
      }
    }
    this.before = before;
    return { values: this.values, before };
  }
}

// Elements, with text and never with markup: what a log says is only ever text.
function make(tag, className, text) {
  const element = document.createElement(tag);
  if (className) element.className = className;
  if (text !== undefined) element.textContent = text;
  return element;
}

function svg(tag, attributes) {
  const element = document.createElementNS("http://www.w3.org/2000/svg", tag);
  for (const name of Object.keys(attributes)) element.setAttribute(name, attributes[name]);
  return element;
}

// The colour of a state's letters.
function stateClass(text) {
  if (text === "-") return "s-none";
  if (text === "ack" || text === "eoi") return "s-a";
  const letters = text.replace(/@\d+|q\d*|d|H/g, "");
  const pending = letters.includes("P"), active = letters.includes("A");
  if (pending && active) return "s-pa";
  if (active) return letters.includes("L") ? "s-pa" : "s-a";
  if (pending) return "s-p";
  return letters.includes("L") ? "s-l" : "s-o";
}

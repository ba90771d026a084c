// The page's controls: which run, which steps, which lanes and interrupts; keys and buttons.

class Story {
  constructor(section, data) {
    this.runs = data.runs.map((run) => new Run(run));
    this.aligned = data.aligned;
    this.mode = "0";
    this.all = false;
    this.hidden = new Set();
    this.own = false;
    this.shownInterrupts = new Set([0]);
    this.picked = { run: this.runs[0], turn: this.startOf(this.runs[0]) };
    this.panel = new Panel();
    this.charts = this.runs.map((run) => new Chart(run, (turn, of) => this.pick(turn, of, false)));
    const place = section.querySelector(".chart");
    this.tools = make("div", "tools");
    this.stage = make("div", "stage");
    this.panes = make("div", "panes");
    this.stage.append(this.panes, this.panel.root);
    place.replaceChildren(this.tools, this.stage);
    section.querySelectorAll("details.alternative").forEach((one) => { one.open = false; });
    this.stage.addEventListener("keydown", (event) => this.key(event));
    this.charts.forEach((chart, n) => chart.scroll.addEventListener("scroll", () => this.follow(n)));
    this.makeTools();
    this.refresh();
    this.pick(this.picked.turn, this.picked.run);
  }

  startOf(run) {
    const first = run.marks.get("first") ?? run.marks.get("break");
    return first ?? Math.max(0, run.steps.findIndex((step) => step.told));
  }

  // -- what is shown ---------------------------------------------------------------------------

  visible(run, turn) {
    const step = run.steps[turn];
    if (this.hidden.has(run.lanes[step.lane].task)) return false;
    if (this.own && !step.marks.length && !step.about.some((which) => this.shownInterrupts.has(which))) return false;
    return this.all || step.told;
  }

  entriesOf(run) {
    const entries = [];
    const ends = new Map(run.loops.map((loop) => [loop.first + loop.period - 1, loop]));
    run.steps.forEach((step, turn) => {
      if (this.visible(run, turn)) entries.push({ turn });
      const loop = ends.get(turn);
      if (loop && !this.all) {
        const last = run.steps[turn].n, first = run.steps[loop.first].n;
        entries.push({ turn: -1, note: `steps ${first}-${last} come ${loop.times} times in a row` });
      }
    });
    return entries;
  }

  alignedEntries() {
    const [left, right] = this.runs;
    const both = [[], []];
    for (const [i, j] of this.aligned) {
      if ((i >= 0 && this.visible(left, i)) || (j >= 0 && this.visible(right, j))) {
        both[0].push({ turn: i });
        both[1].push({ turn: j });
      }
    }
    return both;
  }

  refresh() {
    const beside = this.mode === "both";
    const shown = beside ? [0, 1] : [Number(this.mode)];
    const entries = beside ? this.alignedEntries() : [];
    this.stage.classList.toggle("beside", beside);
    this.panes.replaceChildren(...shown.map((n) => this.charts[n].root));
    this.shown = shown.map((n) => this.charts[n]);
    const lists = shown.map((n, place) => (beside ? entries[place] : this.entriesOf(this.runs[n])));
    const tasks = new Set();
    shown.forEach((n, place) => {
      const { steps, lanes } = this.runs[n];
      for (const { turn } of lists[place]) if (turn >= 0) tasks.add(lanes[steps[turn].lane].task);
    });
    shown.forEach((n, place) => {
      const run = this.runs[n], list = lists[place];
      const lanes = run.lanes.map((_, lane) => lane).filter((lane) => tasks.has(run.lanes[lane].task));
      const interrupts = [...this.shownInterrupts].filter((which) => which < run.interrupts.length).sort((a, b) => a - b);
      this.charts[n].show({ entries: list, lanes, interrupts: beside ? interrupts.slice(0, 1) : interrupts, narrow: beside });
    });
    this.press();
  }

  // -- picking ---------------------------------------------------------------------------------

  pick(turn, run, scroll = true) {
    this.picked = { run, turn };
    this.panel.show(run, turn);
    this.charts.forEach((chart, n) => {
      if (chart.run === run) chart.pick(turn, scroll);
      else if (this.mode === "both") chart.pick(this.counterpart(turn, n), false);
    });
    this.press();
  }

  counterpart(turn, n) {
    const pair = this.aligned.find((one) => one[1 - n] === turn);
    return pair ? pair[n] : -1;
  }

  move(by) {
    const chart = this.shown.find((one) => one.run === this.picked.run) ?? this.shown[0];
    const turns = chart.view.entries.map((one) => one.turn).filter((turn) => turn >= 0);
    if (!turns.length) return;
    let place = turns.indexOf(this.picked.turn);
    if (chart.run !== this.picked.run || place < 0) {
      place = turns.findIndex((turn) => turn > this.picked.turn);
      place = place < 0 ? turns.length : place;
      if (by > 0) place -= 1;
    }
    const next = by === Infinity ? turns.length - 1 : by === -Infinity ? 0 : place + by;
    this.pick(turns[Math.min(Math.max(next, 0), turns.length - 1)], chart.run);
  }

  go(mark) {
    const run = this.shown.some((one) => one.run === this.picked.run) ? this.picked.run : this.shown[0].run;
    const turn = run.marks.get(mark);
    if (turn !== undefined) this.pick(turn, run);
  }

  follow(n) {
    if (this.mode !== "both") return;
    const other = this.charts[1 - n].scroll, here = this.charts[n].scroll;
    if (other.scrollTop !== here.scrollTop) other.scrollTop = here.scrollTop;
  }

  key(event) {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    const keys = {
      ArrowDown: () => this.move(1), j: () => this.move(1), ArrowUp: () => this.move(-1), k: () => this.move(-1),
      Home: () => this.move(-Infinity), End: () => this.move(Infinity),
      PageDown: () => this.move(20), PageUp: () => this.move(-20),
      1: () => this.go("first"), 2: () => this.go("second"), c: () => this.go("cause"), x: () => this.go("break"),
      a: () => this.toggleAll(),
    };
    const action = keys[event.key];
    if (!action) return;
    event.preventDefault();
    action();
  }

  // -- tools -----------------------------------------------------------------------------------

  makeTools() {
    this.buttons = [];
    this.group("step", [
      ["◀", "previous step shown (↑, k)", () => this.move(-1)], ["▶", "next step shown (↓, j)", () => this.move(1)],
      ["|◀", "first (Home)", () => this.move(-Infinity)], ["▶|", "last (End)", () => this.move(Infinity)],
    ]);
    const marks = [["first", "1", "first of the deciding pair (1)"], ["second", "2", "second of the deciding pair (2)"],
      ["cause", "cause", "the cause (c)"], ["break", "break", "where the rule breaks (x)"]];
    const there = marks.filter(([mark]) => this.runs.some((run) => run.marks.has(mark)));
    if (there.length) this.group("go to", there.map(([mark, text, title]) => [text, title, () => this.go(mark)]));
    this.group("show", [
      ["story", "the steps that matter (a)", () => this.setAll(false), () => !this.all],
      ["all steps", "every step (a)", () => this.setAll(true), () => this.all],
    ]);
    if (this.runs.length > 1) {
      this.group("run", [["0", this.runs[0].name], ["1", this.runs[1].name], ["both", "side by side"]].map(([mode, text]) => [
        text, `show: ${text}`, () => { this.mode = mode; this.refresh(); this.pick(this.turnFor(mode), this.runFor(mode)); },
        () => this.mode === mode]));
    }
    const count = this.runs[0].interrupts.length;
    if (count) {
      this.group("interrupts", [...Array(count).keys()].map((which) => [
        this.runs[0].interrupts[which], "show its bands", () => this.toggle(this.shownInterrupts, which),
        () => this.shownInterrupts.has(which)]).concat([[
        "only steps about them", "hide steps that are about none of them",
        () => { this.own = !this.own; this.refresh(); }, () => this.own]]));
    }
    this.group("actors", this.runs[0].lanes.map((lane) => [
      lane.title, `${lane.task} in schedules`, () => this.toggle(this.hidden, lane.task),
      () => !this.hidden.has(lane.task)]));
    this.group("panel", [["changes only", "show only the fields that the step changed", () => {
      this.panel.changedOnly = !this.panel.changedOnly;
      this.panel.show(...this.panel.last);
      this.press();
    }, () => this.panel.changedOnly]]);
  }

  group(label, items) {
    const group = make("span", "group");
    group.append(make("span", "label", label));
    for (const [text, title, action, state] of items) {
      const button = make("button", "", text);
      button.type = "button";
      button.title = title;
      button.addEventListener("click", action);
      group.append(button);
      if (state) this.buttons.push([button, state]);
    }
    this.tools.append(group);
  }

  press() {
    for (const [button, state] of this.buttons) button.setAttribute("aria-pressed", state() ? "true" : "false");
  }

  toggle(set, value) {
    if (set.has(value)) set.delete(value); else set.add(value);
    this.refresh();
  }

  setAll(all) {
    this.all = all;
    this.refresh();
    this.pick(this.picked.turn, this.picked.run);
  }

  toggleAll() { this.setAll(!this.all); }

  runFor(mode) {
    return mode === "both" ? this.picked.run : this.runs[Number(mode)];
  }

  turnFor(mode) {
    if (mode === "both" || this.runs[Number(mode)] === this.picked.run) return this.picked.turn;
    const there = this.counterpart(this.picked.turn, Number(mode));
    return there >= 0 ? there : this.startOf(this.runs[Number(mode)]);
  }

  // For print: all rows of what is shown, or the story where that is too much for paper.
  printing(on) {
    if (on) {
      this.wasAll = this.all;
      if (this.all && this.shown.some((chart) => chart.view.entries.length > ALL_AT_ONCE)) { this.all = false; this.refresh(); }
      this.shown.forEach((chart) => chart.draw(true));
    } else if (this.wasAll !== this.all) { this.all = this.wasAll; this.refresh(); }
  }
}

const stories = [];
for (const block of document.querySelectorAll("script[type='application/json']")) {
  const section = document.getElementById(block.dataset.for);
  const begin = () => { if (!section.dataset.ready) { section.dataset.ready = "yes"; stories.push(new Story(section, JSON.parse(block.textContent))); } };
  if (section.dataset.lazy === undefined) begin();
  else new IntersectionObserver((seen) => { if (seen.some((one) => one.isIntersecting)) begin(); }, { rootMargin: "400px" }).observe(section);
}
window.addEventListener("beforeprint", () => stories.forEach((story) => story.printing(true)));
window.addEventListener("afterprint", () => stories.forEach((story) => story.printing(false)));
window.addEventListener("resize", () => stories.forEach((story) => { story.refresh(); }));

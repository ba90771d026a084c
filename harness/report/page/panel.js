// The machine beside the chart: what the picked step did, the interrupts, and every part's fields.

const NAMES = {
  next: "what each would do next", clock: "clock", pcpu: "physical CPU", signal: "signals of CPU",
  hw_timer: "virtual timer of CPU", hw_ptimer: "physical timer of CPU", channel: "messages from CPU", thread: "thread of VCPU",
  vgic: "vgic of VCPU", vtimer_irq: "vgic_irq of the timer, VCPU", vtimer: "timer context, VCPU",
  bg_timer: "background timer, VCPU", guest: "guest of VCPU", ptimer: "physical timer, VCPU",
  device: "host device", forward: "passthrough device", dist: "emulated distributor", vm: "VM",
};

class Panel {
  constructor() {
    this.root = make("aside", "panel");
    this.root.setAttribute("aria-label", "state of the machine after the picked step");
    this.title = make("h3", "", "");
    this.title.setAttribute("aria-live", "polite");
    this.body = make("div", "in");
    this.changedOnly = false;
    this.root.append(this.title, this.body);
  }

  show(run, turn) {
    const step = run.steps[turn];
    const lane = run.lanes[step.lane];
    this.last = [run, turn];
    this.title.textContent = `step ${step.n}: ${lane.title}, ${step.op}`;
    const parts = [];
    parts.push(make("div", "off", `${step.t} ns, ${step.phase === "search" ? "chosen" : step.phase}; ${run.name}`));
    const facts = [...step.locks, ...step.facts];
    if (facts.length) {
      const list = make("ul");
      for (const fact of facts) list.append(make("li", "", fact));
      parts.push(list);
    }
    parts.push(this.interrupts(run, turn));
    parts.push(this.machine(run, turn));
    this.body.replaceChildren(...parts);
  }

  interrupts(run, turn) {
    const table = make("table");
    const head = table.insertRow();
    head.append(make("th", "", "interrupt"), ...run.columns.map((column) => make("th", "", column)));
    const before = turn ? run.states[turn - 1] : null;
    run.interrupts.forEach((name, which) => {
      const row = table.insertRow();
      row.append(make("td", "f", name));
      run.states[turn][which].forEach((text, c) => {
        const fresh = before ? before[which][c] !== text : text !== "-";
        row.append(make("td", `v${fresh ? " new" : ""} ${stateClass(text)}`, text));
      });
    });
    return table;
  }

  machine(run, turn) {
    if (run.machine.why) return make("p", "off", `The machine's parts are not shown: ${run.machine.why}.`);
    const { values, before } = run.machineAt(turn);
    const table = make("table");
    let part = null;
    run.machine.fields.forEach(([owner, field], i) => {
      const changed = before.has(i) && before.get(i) !== values[i];
      if (this.changedOnly && !changed) return;
      if (owner !== part) {
        part = owner;
        const heading = make("th", "", this.named(owner));
        heading.colSpan = 2;
        table.insertRow().append(heading);
      }
      const row = table.insertRow();
      const name = owner === "next" ? this.taskNamed(run, field) : field;
      const value = make("td", "v");
      if (changed) {
        row.className = "now";
        value.append(make("del", "", before.get(i)), " → ");
      }
      value.append(values[i]);
      row.append(make("td", "f", name), value);
    });
    return table;
  }

  taskNamed(run, task) {
    const lane = run.lanes.find((one) => one.task === task);
    return lane ? lane.title : task;
  }

  named(owner) {
    const found = /^([a-z_]+?)_?(\d*)$/.exec(owner);
    if (!found || !NAMES[found[1]]) return owner;
    return `${NAMES[found[1]]} ${found[2]}`.trim();
  }
}

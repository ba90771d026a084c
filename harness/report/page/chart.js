// A sequence chart of one run: a row per step, lanes for the actors, bands for the interrupts.
// Only the rows in sight are in the document, so that thousands of steps stay quick.

const ROW = 22, NUM = 50, SHARE = 54, SPARE = 30, ALL_AT_ONCE = 400;

class Chart {
  constructor(run, onPick) {
    this.run = run;
    this.onPick = onPick;
    this.view = { entries: [], lanes: [], interrupts: [] };
    this.picked = -1;
    this.drawn = "";
    this.root = make("section", "pane");
    this.root.append(make("h3", "", run.name));
    this.scroll = make("div", "scroll");
    this.scroll.tabIndex = 0;
    this.scroll.setAttribute("role", "group");
    this.scroll.setAttribute("aria-label", `sequence chart: ${run.name}; the text below says the same`);
    this.head = make("div", "head");
    this.rows = make("div", "rows");
    this.scroll.append(this.head, this.rows);
    this.root.append(this.scroll);
    this.scroll.addEventListener("scroll", () => this.draw());
    this.rows.addEventListener("click", (event) => {
      const row = event.target.closest(".row");
      if (row && row.dataset.turn !== undefined) this.onPick(Number(row.dataset.turn), this.run);
    });
  }

  // entries: {turn, note} in order (turn -1: nothing here); lanes and interrupts: which are shown.
  show(view) {
    this.view = view;
    this.laneWidth = view.narrow || view.lanes.length > 14 ? 22 : 32;
    this.lanesWidth = this.laneWidth * view.lanes.length;
    this.cells = this.run.columns.map((name, c) => this.cellWidth(c));
    this.bandWidth = this.cells.reduce((sum, width) => sum + width, 0);
    this.shareWidth = this.run.shares.size ? SHARE : 0;
    const bands = this.bandWidth * view.interrupts.length + this.shareWidth;
    this.textWidth = Math.max(view.narrow ? 170 : 300,
      this.scroll.clientWidth - NUM - this.lanesWidth - bands - 20);
    this.lanePlace = new Map(view.lanes.map((lane, n) => [lane, (n + 0.5) * this.laneWidth]));
    this.rowOf = new Map();
    view.entries.forEach((entry, n) => { if (entry.turn >= 0) this.rowOf.set(entry.turn, n); });
    this.width = NUM + this.lanesWidth + this.textWidth + bands;
    this.rows.style.height = `${view.entries.length * ROW}px`;
    this.rows.style.width = `${this.width}px`;
    this.drawHead();
    this.drawn = "";
    this.draw();
  }

  cellWidth(c) {
    let longest = this.run.columns[c].length;
    for (const which of this.view.interrupts) {
      for (const four of this.run.states) longest = Math.max(longest, four[which][c].length);
    }
    return Math.max(38, longest * 7 + 8);
  }

  drawHead() {
    this.head.replaceChildren();
    this.head.style.width = `${this.width}px`;
    const put = (element, width) => { element.style.width = `${width}px`; this.head.append(element); };
    const step = make("div", "num", "step");
    step.style.textAlign = "right";
    step.style.paddingRight = "8px";
    put(step, NUM);
    for (const lane of this.view.lanes) {
      const { title, task, group } = this.run.lanes[lane];
      const cell = make("div", `lane g-${group}`);
      const text = make("span", "", title);
      cell.title = `${title} (${task} in schedules)`;
      cell.append(text);
      put(cell, this.laneWidth);
    }
    for (const which of this.view.interrupts) {
      const band = make("div", "band");
      const name = make("span", "who", this.run.interrupts[which]);
      name.title = this.run.interrupts[which];
      const four = make("span", "four");
      this.run.columns.forEach((column, c) => {
        const label = make("i", "", column);
        label.style.width = `${this.cells[c]}px`;
        four.append(label);
      });
      band.append(name, four);
      put(band, this.bandWidth);
    }
    if (this.shareWidth) {
      const share = make("div", "share", "fails");
      share.title = "of the executions that go on from there in other ways, how many fail alike";
      put(share, this.shareWidth);
    }
    put(make("div", "what", "what happens"), this.textWidth);
  }

  // Draw the rows in sight, or all of them where they are few or the page is printed.
  draw(all = false) {
    const total = this.view.entries.length;
    let first = 0, end = total;
    if (!all && total > ALL_AT_ONCE) {
      const top = this.scroll.scrollTop - this.head.offsetHeight;
      first = Math.max(0, Math.floor(top / ROW) - SPARE);
      end = Math.min(total, Math.ceil((top + this.scroll.clientHeight) / ROW) + SPARE);
    }
    const key = `${first}-${end}-${this.picked}`;
    if (key === this.drawn) return;
    this.drawn = key;
    const parts = [];
    for (let n = first; n < end; n += 1) parts.push(this.row(n));
    parts.push(this.lanes(first, end));
    this.rows.replaceChildren(...parts);
  }

  row(n) {
    const { turn, note } = this.view.entries[n];
    const row = make("div", "row");
    row.style.top = `${n * ROW}px`;
    const put = (className, text, width) => {
      const cell = make("div", className, text);
      cell.style.width = `${width}px`;
      row.append(cell);
      return cell;
    };
    if (turn < 0) {
      put("num", note ? "⋮" : "", NUM);
      put("", "", this.lanesWidth + this.bandWidth * this.view.interrupts.length + this.shareWidth);
      put("what note", note || "", this.textWidth);
      return row;
    }
    const step = this.run.steps[turn];
    row.dataset.turn = turn;
    if (turn === this.picked) {
      row.classList.add("picked");
      row.setAttribute("aria-current", "step");
    }
    if (step.phase !== "search") row.classList.add("drain");
    for (const mark of step.marks) row.classList.add(`mark-${mark}`);
    put("num", step.n, NUM);
    put("", "", this.lanesWidth);
    this.bands(put, turn, n);
    if (this.shareWidth) this.share(put, turn);
    const what = put("what", "", this.textWidth);
    what.append(make("span", "op", step.op));
    if (step.facts.length) what.append(" ", make("span", "told", step.facts.join("; ")));
    what.title = [step.op, ...step.facts, ...step.locks].join("\n");
    return row;
  }

  bands(put, turn, n) {
    const now = this.run.states[turn];
    const before = this.stateBefore(n);
    for (const which of this.view.interrupts) {
      now[which].forEach((text, c) => {
        const fresh = !before || before[which][c] !== text;
        const name = `cell ${stateClass(text)} ${fresh ? "new" : "same"}${c ? "" : " start"}`;
        put(name, text, this.cells[c]).title = `${this.run.interrupts[which]}, ${this.run.columns[c]}: ${text}`;
      });
    }
  }

  share(put, turn) {
    const [failed, drawn] = this.run.shares.get(turn) ?? [0, 0];
    const cell = put("share", drawn ? `${Math.round((100 * failed) / drawn)} %` : "", this.shareWidth);
    if (!drawn) return;
    const part = Math.round((100 * failed) / drawn);
    cell.style.background = `linear-gradient(to right, var(--share) ${part}%, transparent ${part}%)`;
    cell.title = `${failed} of ${drawn} executions that go on from here fail alike`;
  }

  stateBefore(n) {
    for (let m = n - 1; m >= 0 && m >= n - 3; m -= 1) {
      const { turn } = this.view.entries[m];
      if (turn >= 0) return this.run.states[turn];
    }
    return null;
  }

  // -- lanes, turns and messages ---------------------------------------------------------------

  lanes(first, end) {
    const height = (end - first) * ROW;
    const picture = svg("svg", { class: "lanes", width: this.lanesWidth, height, "aria-hidden": "true" });
    picture.style.left = `${NUM}px`;
    picture.style.top = `${first * ROW}px`;
    const y = (n) => (n - first + 0.5) * ROW;
    for (const lane of this.view.lanes) {
      const x = this.lanePlace.get(lane);
      picture.append(svg("line", { class: "rail", x1: x, x2: x, y1: 0, y2: height }));
    }
    this.turns(picture, first, end, y);
    this.messages(picture, first, end, y);
    this.pair(picture, first, end, y);
    this.badges(picture, first, end, y);
    return picture;
  }

  turns(picture, first, end, y) {
    let last = -1;
    for (let n = first; n < end; n += 1) {
      const { turn } = this.view.entries[n];
      if (turn < 0) { last = -1; continue; }
      const { lane } = this.run.steps[turn];
      const x = this.lanePlace.get(lane);
      if (x === undefined) { last = -1; continue; }
      const group = this.run.lanes[lane].group;
      if (lane === last && this.run.sameBlock(this.view.entries[n - 1].turn, turn)) picture.append(svg("line", { class: `run g-${group}`, x1: x, x2: x, y1: y(n - 1), y2: y(n) }));
      picture.append(svg("circle", { class: `turn g-${group}`, cx: x, cy: y(n), r: 4.5 }));
      last = lane;
    }
  }

  messages(picture, first, end, y) {
    const chosen = this.view.interrupts;
    for (const arrow of this.run.arrows) {
      const from = this.rowOf.get(arrow.start), to = this.rowOf.get(arrow.end);
      if (from === undefined || to === undefined || to < first || from >= end) continue;
      const x1 = this.lanePlace.get(this.run.steps[arrow.start].lane);
      const x2 = this.lanePlace.get(this.run.steps[arrow.end].lane);
      if (x1 === undefined || x2 === undefined) continue;
      const dim = arrow.which >= 0 && !chosen.includes(arrow.which) ? " dim" : "";
      this.arrow(picture, `arrow ${arrow.kind}${dim}`, x1, y(from), x2, y(to), arrow.what);
    }
  }

  arrow(picture, className, x1, y1, x2, y2, what) {
    const side = x2 === x1 ? 0 : Math.sign(x2 - x1);
    const startX = x1 + side * 5, endX = x2 - side * 6;
    const line = svg("path", { class: className, d: `M${startX},${y1} L${endX},${y2}` });
    const title = svg("title", {});
    title.textContent = what;
    line.append(title);
    const angle = Math.atan2(y2 - y1, endX - startX);
    const tip = (turn) => `${endX - 7 * Math.cos(angle + turn)},${y2 - 7 * Math.sin(angle + turn)}`;
    picture.append(line, svg("path", { class: className, d: `M${tip(0.45)} L${endX},${y2} L${tip(-0.45)}` }));
  }

  pair(picture, first, end, y) {
    const one = this.run.marks.get("first"), two = this.run.marks.get("second");
    const from = this.rowOf.get(one), to = this.rowOf.get(two);
    if (from === undefined || to === undefined || Math.max(from, to) < first || Math.min(from, to) >= end) return;
    const x1 = this.lanePlace.get(this.run.steps[one].lane), x2 = this.lanePlace.get(this.run.steps[two].lane);
    if (x1 === undefined || x2 === undefined) return;
    picture.append(svg("path", { class: "pair", d: `M${x1},${y(from)} L${x2},${y(to)}` }));
  }

  badges(picture, first, end, y) {
    const signs = { cause: "C", break: "✗", first: "1", second: "2" };
    const there = new Map();
    for (const mark of Object.keys(signs)) {
      const turn = this.run.marks.get(mark);
      const n = this.rowOf.get(turn);
      if (n === undefined || n < first || n >= end) continue;
      const lane = this.lanePlace.get(this.run.steps[turn].lane);
      if (lane === undefined) continue;
      const x = lane + 15 * (there.get(turn) ?? 0);
      there.set(turn, (there.get(turn) ?? 0) + 1);
      picture.append(svg("circle", { class: `badge ${mark}`, cx: x, cy: y(n), r: 8.5 }));
      const text = svg("text", { class: "badge-text", x, y: y(n) + 4 });
      text.textContent = signs[mark];
      picture.append(text);
    }
  }

  // -- picking ---------------------------------------------------------------------------------

  pick(turn, scroll = true) {
    this.picked = turn;
    const n = this.rowOf.get(turn);
    if (scroll && n !== undefined) this.bringIntoSight(n);
    this.drawn = "";
    this.draw();
  }

  bringIntoSight(n) {
    const head = this.head.offsetHeight;
    const top = n * ROW, room = this.scroll.clientHeight - head - ROW;
    if (top < this.scroll.scrollTop) this.scroll.scrollTop = top - 3 * ROW;
    else if (top > this.scroll.scrollTop + room) this.scroll.scrollTop = top - room + 3 * ROW;
  }
}

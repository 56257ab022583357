"use strict";
// Marks rows of recordings to be left out, and makes the exclude.json that says so. Logs of one folder share a file.
(() => {
  const files = new Map(); // path of an exclude.json -> the markers of its logs
  const MARK_COLOUR = "--c1";

  function element(tag, className, ...children) {
    const made = document.createElement(tag);
    if (className) made.className = className;
    made.append(...children);
    return made;
  }

  function button(text, onClick) {
    const made = element("button", "", text);
    made.type = "button";
    made.addEventListener("click", onClick);
    return made;
  }

  // Ranges of lines are [first, last], sorted, apart from each other.
  function without(ranges, [first, last]) {
    return ranges.flatMap(([a, b]) => {
      if (b < first || a > last) return [[a, b]];
      return [[a, first - 1], [last + 1, b]].filter(([from, to]) => from <= to);
    });
  }

  function withRange(ranges, [first, last]) {
    const near = ranges.filter(([a, b]) => b >= first - 1 && a <= last + 1);
    const joined = [Math.min(first, ...near.map(([a]) => a)), Math.max(last, ...near.map(([, b]) => b))];
    return [...ranges.filter((range) => !near.includes(range)), joined].sort((one, other) => one[0] - other[0]);
  }

  function covers(ranges, [first, last]) {
    return ranges.some(([a, b]) => a <= first && b >= last);
  }

  const words = ([first, last]) => (first === last ? `${first}` : `${first}-${last}`);
  const named = (range) => `line${range[0] === range[1] ? "" : "s"} ${words(range)}`;

  // Text that is copied, with a button for it; where there is no clipboard it is selected.
  function copyable(text) {
    const code = element("code", "", text);
    const copy = button("Copy", async () => {
      try {
        await navigator.clipboard.writeText(text);
        copy.textContent = "Copied";
      } catch {
        getSelection().selectAllChildren(code);
      }
    });
    return element("div", "copyable", element("pre", "", code), copy);
  }

  class Marker {
    constructor(box) {
      this.box = box;
      Object.assign(this, JSON.parse(box.querySelector('script[type="application/json"]').textContent));
      this.lines = this.runs.flatMap(([first, last]) => Array.from({ length: last - first + 1 }, (_, i) => first + i));
      this.ranges = [];
      const section = box.closest("section");
      this.buttons = [...section.querySelectorAll("button.mark")];
      this.charts = [...section.querySelectorAll("figure.chart")].map((figure) => figure.chart).filter(Boolean);
      for (const own of this.buttons) own.addEventListener("click", () => this.toggle([Number(own.dataset.first), Number(own.dataset.last)]));
      const zoomed = box.querySelector(".zoomed");
      for (const chart of this.charts) {
        chart.figure.addEventListener("zoom", () => {
          this.shown = this.linesBetween(...chart.shownX());
          zoomed.disabled = !this.shown;
          zoomed.textContent = this.shown ? `Mark what the chart shows: ${named(this.shown)}` : "Mark what the chart shows";
        });
      }
      zoomed.addEventListener("click", () => this.mark(this.shown));
      const ends = ["first", "last"].map((end) => box.querySelector(`input.${end}`));
      box.querySelector(".named").addEventListener("click", () => {
        const said = ends.map((input) => input.valueAsNumber);
        if (!(said[1] >= 0)) said[1] = said[0]; // one line
        const range = this.inside(said);
        if (range) this.mark(range);
        ends[0].setCustomValidity(range ? "" : `expected lines from ${this.lines[0]} to ${this.lines.at(-1)}, the first one first`);
        ends[0].reportValidity();
      });
      for (const input of ends) input.addEventListener("input", () => ends[0].setCustomValidity(""));
    }

    // The lines between two places of a chart; null if all are, or none.
    linesBetween(low, high) {
      const inside = this.x.flatMap((x, i) => (x >= low && x <= high ? [i * this.step] : []));
      if (!inside.length || inside.length === this.x.length) return null;
      return [this.lines[inside[0]], this.lines[Math.min(inside.at(-1) + this.step, this.lines.length) - 1]];
    }

    // A range cut down to where rows are; null if there are none, or it is no range.
    inside([first, last]) {
      const own = this.lines.filter((line) => line >= first && line <= last);
      return own.length ? [own[0], own.at(-1)] : null;
    }

    toggle(range) {
      if (covers(this.ranges, range)) this.unmark(range);
      else this.mark(range);
    }

    mark(range) {
      this.ranges = withRange(this.ranges, range);
      this.changed();
    }

    unmark(range) {
      this.ranges = without(this.ranges, range);
      this.changed();
    }

    changed() {
      for (const own of this.buttons) {
        own.ariaPressed = String(covers(this.ranges, [Number(own.dataset.first), Number(own.dataset.last)]));
      }
      const bands = this.ranges.map((range) => range.map((line) => this.placeOf(line)));
      for (const chart of this.charts) chart.shade(bands, MARK_COLOUR);
      for (const marker of files.get(this.file)) marker.show();
    }

    placeOf(line) {
      const row = this.lines.findIndex((other) => other >= line);
      return this.x[Math.min(Math.round(row / this.step), this.x.length - 1)];
    }

    count() {
      return this.lines.filter((line) => covers(this.ranges, [line, line])).length;
    }

    show() {
      const content = contentOf(files.get(this.file), this.before);
      const n = this.count();
      const list = element("ul", "", ...this.ranges.map((range) => {
        const take = button("Keep", () => this.unmark(range));
        take.ariaLabel = `Keep ${named(range)}`;
        return element("li", "", `${named(range)} `, take);
      }));
      const blocks = [
        element("p", "", `${n} of ${this.lines.length} rows are marked.`), list,
        element("p", "", "To leave them out of every training, and of whatever else reads the recording, run this where you ran the check-up:"),
        copyable(`${this.command} --exclude ${this.ranges.map(words).join(",")}`),
        element("p", "", `Or save this file as ${this.file}, in place of what may be there; taken away, all rows are back:`),
        copyable(content), saving(content),
      ];
      this.box.querySelector(".marked").replaceChildren(...(n ? blocks : []));
    }
  }

  // What the exclude.json of a folder has to say: what it said before, and what is marked in its logs.
  function contentOf(markers, before) {
    const logs = new Map(Object.entries(before.lines));
    for (const { log, ranges } of markers) {
      if (ranges.length) logs.set(log, ranges.reduce(withRange, (logs.get(log) ?? []).reduce(withRange, [])));
    }
    const lines = [...logs].sort().map(([log, own]) => `${JSON.stringify(log)}: [${own.map(([a, b]) => `[${a}, ${b}]`).join(", ")}]`);
    return `{"lines": {${lines.join(", ")}}, "images": [${before.images.map((name) => JSON.stringify(name)).join(", ")}]}\n`;
  }

  function saving(content) {
    return button("Save exclude.json", () => {
      const link = element("a");
      link.href = URL.createObjectURL(new Blob([content], { type: "application/json" }));
      link.download = "exclude.json";
      link.click();
      setTimeout(() => URL.revokeObjectURL(link.href), 10000);
    });
  }

  for (const box of document.querySelectorAll(".marker")) {
    const marker = new Marker(box);
    files.set(marker.file, [...(files.get(marker.file) ?? []), marker]);
  }
})();

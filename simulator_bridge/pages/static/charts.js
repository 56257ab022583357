"use strict";
// Draws every <figure class="chart"> from the JSON inside it, with uPlot. `charts.draw(figure, spec)` draws one by hand;
// it returns a chart whose `update(spec)` takes new data. A chart tells its figure "zoom" when other x are shown, and
// shades bands of x. Styles are set through the object model: the policy of the
// page allows no style attributes.
const charts = (() => {
  const N_COLOURS = 8;
  const MAX_READOUT = 12; // lines in the box at the cursor
  const PRINT_WIDTH = 680; // CSS pixels that fit on A4 and Letter
  const HINT = "Drag to zoom, double-click to see all. With the keyboard: arrows move, Escape leaves.";
  const INTEGERS = [1, 2, 5, 10, 20, 50, 100, 200, 500, 1000, 2000, 5000, 1e4, 2e4, 5e4, 1e5, 2e5, 5e5, 1e6];
  const SVG = "http://www.w3.org/2000/svg";
  const all = [];

  function colour(name) {
    return getComputedStyle(document.documentElement).getPropertyValue(name).trim();
  }

  function element(tag, className, ...children) {
    const made = document.createElement(tag);
    if (className) made.className = className;
    made.append(...children);
    return made;
  }

  function format(value) {
    if (value === null || value === undefined) return "";
    const size = Math.abs(value);
    if (size !== 0 && (size < 1e-3 || size >= 1e7)) return Number(value.toPrecision(4)).toExponential().replace("e+", "e");
    return String(Number(value.toPrecision(6)));
  }

  // Which entries the legend has, and the colour of each line. Where groups repeat labels (runs, each with training
  // and validation), groups and labels are entries and a group has one colour; else every line is an entry.
  function plan(lines) {
    const grouped = lines.length > 1 && lines.every((line) => line.group);
    const groups = [...new Set(lines.map((line) => line.group))];
    const labels = [...new Set(lines.map((line) => line.label))];
    const isMatrix = grouped && groups.length > 1 && lines.length > labels.length;
    const styles = lines.map((line, i) => {
      const number = isMatrix ? groups.indexOf(line.group) : i;
      const round = Math.floor(number / N_COLOURS);
      return { colour: `--c${number % N_COLOURS}`, dash: dash(line.dashed, round), solid: dash(false, round) };
    });
    const name = (line) => (isMatrix && labels.length > 1 ? `${line.group} \u00b7 ${line.label}` : isMatrix ? line.group : line.label);
    const entries = isMatrix
      ? [...groups.map((group) => ({ text: group, isGroup: true, has: (line) => line.group === group })),
         ...(labels.length > 1 ? labels.map((label) => ({ text: label, has: (line) => line.label === label, isLabel: true })) : [])]
      : lines.map((line) => ({ text: line.label, has: (other) => other === line }));
    return { styles, names: lines.map(name), entries };
  }

  // Colours repeat after eight lines: further ones differ by their dashes.
  function dash(dashed, round) {
    if (round % 2 === 0) return dashed ? [6, 4] : [];
    return dashed ? [2, 4] : [12, 3, 2, 3];
  }

  function swatch(name, pattern) {
    const svg = document.createElementNS(SVG, "svg");
    svg.setAttribute("class", `swatch ${name.replace("--c", "s")}`);
    svg.setAttribute("aria-hidden", "true");
    const line = document.createElementNS(SVG, "line");
    for (const [name, value] of Object.entries({
      x1: "0", x2: "100%", y1: "50%", y2: "50%", "stroke-width": "3", "stroke-dasharray": pattern.map((n) => n / 1.6).join(" "),
    })) line.setAttribute(name, value);
    svg.append(line);
    return svg;
  }

  class Chart {
    constructor(figure, spec) {
      this.figure = figure;
      this.off = new Set(); // texts of legend entries that are toggled off
      this.bands = [];
      this.box = element("div", "plot");
      this.box.tabIndex = 0;
      this.box.setAttribute("role", "group");
      this.readout = element("div", "readout");
      this.readout.hidden = true;
      this.readout.setAttribute("aria-hidden", "true");
      this.spoken = element("div", "hidden-text");
      this.spoken.setAttribute("aria-live", "polite");
      this.legend = element("div", "legend");
      this.legend.setAttribute("role", "group");
      this.legend.setAttribute("aria-label", "Lines");
      this.yLabel = element("p", "y-label");
      figure.append(this.legend, this.yLabel, this.box, this.spoken);
      if (!all.length) figure.append(element("p", "hint", HINT)); // once a page is enough
      this.update(spec);
      this.box.addEventListener("keydown", (event) => this.onKey(event));
      new ResizeObserver(() => this.resize()).observe(this.box);
    }

    // New data, and if the lines are others also a new legend; what is toggled off stays off.
    update(spec) {
      this.spec = spec;
      Object.assign(this, plan(spec.lines));
      this.data = uPlot.join(spec.lines.map((line) => [spec.xs[line.x], line.y]));
      if (!spec.lines.length) this.data = [[]];
      if (this.plot) this.plot.destroy();
      this.box.replaceChildren();
      this.box.setAttribute("aria-label", `${spec.title}: ${spec.yLabel} over ${spec.xLabel}`);
      this.yLabel.textContent = spec.yLabel;
      this.plot = new uPlot(this.options(), this.data, this.box);
      this.box.append(this.readout);
      this.drawLegend();
    }

    options() {
      const spec = this.spec;
      const isHistogram = spec.kind === "histogram";
      const axis = { stroke: () => colour("--faint"), grid: { stroke: () => colour("--grid"), width: 1 },
        ticks: { stroke: () => colour("--grid"), width: 1, size: 5 }, font: "12px system-ui, sans-serif",
        labelFont: "12px system-ui, sans-serif", values: (u, splits) => splits.map(format) };
      return {
        width: this.width(), height: spec.height, legend: { show: false },
        cursor: { y: false, drag: { x: true, y: false }, ...(isHistogram ? { dataIdx: binAt } : {}) },
        scales: { x: { time: false }, y: spec.logY ? { distr: 3, range: logRange } : { range: isHistogram ? fromZero : around } },
        axes: [
          { ...axis, label: spec.xLabel, labelSize: 18, size: 34, space: 60, ...(this.data[0].every(Number.isInteger) ? { incrs: INTEGERS } : {}) },
          { ...axis, ...(spec.logY ? { splits: logSplits, filter: (u, splits) => splits } : {}), size: (u, values) => 14 + 7 * Math.max(3, ...(values ?? []).map((text) => (text ?? "").length)) },
        ],
        series: [{}, ...spec.lines.map((line, i) => this.series(line, i, isHistogram))],
        hooks: {
          setCursor: [() => this.showReadout()],
          setScale: [(u, name) => name === "x" && this.figure.dispatchEvent(new Event("zoom"))],
          drawAxes: [(u) => this.drawBands(u), ...(spec.zeroLine ? [drawZero] : [])],
        },
      };
    }

    // The first and the last x that are shown.
    shownX() {
      return [this.plot.scales.x.min, this.plot.scales.x.max];
    }

    // Shade stretches [first, last] of x in a colour of the page.
    shade(bands, name) {
      this.bands = bands;
      this.bandColour = name;
      this.plot.redraw(false, true);
    }

    drawBands(u) {
      u.ctx.save();
      u.ctx.fillStyle = `${colour(this.bandColour ?? "--c1")}50`; // hexadecimal opacity
      const inside = (x) => Math.min(Math.max(u.valToPos(x, "x", true), u.bbox.left), u.bbox.left + u.bbox.width);
      for (const [first, last] of this.bands) {
        if (last < u.scales.x.min || first > u.scales.x.max) continue;
        u.ctx.fillRect(inside(first), u.bbox.top, Math.max(inside(last) - inside(first), 2 * devicePixelRatio), u.bbox.height);
      }
      u.ctx.restore();
    }

    series(line, i, isHistogram) {
      const style = this.styles[i];
      const stroke = () => colour(style.colour);
      const series = { label: this.names[i], show: this.isShown(line), stroke, width: line.dashed ? 1.5 : 2, dash: style.dash,
        points: { show: line.points || isLonely(line.y), size: 6, fill: stroke, stroke } };
      if (isHistogram) {
        series.paths = uPlot.paths.stepped({ align: 1 });
        series.fill = () => `${colour(style.colour)}30`; // hexadecimal opacity
        series.points = { show: false };
      }
      return series;
    }

    isShown(line) {
      return this.entries.every((entry) => !entry.has(line) || !this.off.has(entry.text));
    }

    drawLegend() {
      const buttons = this.entries.map((entry) => this.button(entry));
      const firstLabel = this.entries.findIndex((entry) => entry.isLabel);
      if (firstLabel > 0) buttons.splice(firstLabel, 0, element("span", "gap"));
      if (this.entries.length > 6) buttons.push(element("span", "gap"), this.everyButton("all", true), this.everyButton("none", false));
      this.legend.replaceChildren(...(this.entries.length > 1 ? buttons : []));
    }

    button(entry) {
      const made = element("button");
      made.type = "button";
      made.ariaPressed = String(!this.off.has(entry.text));
      const style = this.styles[this.spec.lines.findIndex(entry.has)];
      made.append(swatch(entry.isLabel ? "--c7" : style.colour, entry.isGroup ? style.solid : style.dash), entry.text);
      made.addEventListener("click", () => this.toggle(entry.text, this.off.has(entry.text)));
      entry.button = made;
      return made;
    }

    everyButton(text, shown) {
      const made = element("button", "", text);
      made.type = "button";
      made.addEventListener("click", () => {
        for (const entry of this.entries) if (!entry.isLabel) this.toggle(entry.text, shown);
      });
      return made;
    }

    // Show or hide what a legend entry stands for.
    toggle(text, shown) {
      const entry = this.entries.find((other) => other.text === text);
      if (shown) this.off.delete(text);
      else this.off.add(text);
      if (entry.button) entry.button.ariaPressed = String(shown);
      this.spec.lines.forEach((line, i) => {
        if (this.plot.series[i + 1].show !== this.isShown(line)) this.plot.setSeries(i + 1, { show: this.isShown(line) });
      });
      if (entry.isGroup) markToggles(text, shown);
    }

    toggleGroup(group, shown) {
      const isOf = (line) => line.group === group;
      for (const entry of this.entries) {
        if (!entry.isLabel && this.spec.lines.some((line) => entry.has(line) && isOf(line))) this.toggle(entry.text, shown);
      }
    }

    width() {
      return Math.max(this.box.clientWidth, 120);
    }

    resize() {
      if (this.width() !== this.plot.width) this.plot.setSize({ width: this.width(), height: this.spec.height });
    }

    onKey(event) {
      const n = this.data[0].length;
      const now = this.plot.cursor.idx ?? -1;
      const step = event.shiftKey ? Math.max(1, Math.round(n / 20)) : 1;
      const target = { ArrowRight: now + step, ArrowLeft: now - step, Home: 0, End: n - 1, Escape: null }[event.key];
      if (target === undefined || !n) return;
      event.preventDefault();
      if (target === null) return this.plot.setCursor({ left: -10, top: -10 });
      const x = this.data[0][Math.min(Math.max(target, 0), n - 1)];
      this.plot.setCursor({ left: this.plot.valToPos(x, "x"), top: this.plot.bbox.height / devicePixelRatio / 2 });
      this.spoken.textContent = this.readout.textContent;
    }

    showReadout() {
      if (!this.plot) return;
      const { left, idx } = this.plot.cursor;
      const values = left >= 0 && idx !== null && idx !== undefined ? this.valuesAt() : [];
      this.readout.hidden = values.length === 0;
      if (!values.length) return;
      const rows = values.slice(0, MAX_READOUT).map(([i, value]) => element("div", "", swatch(this.styles[i].colour, this.styles[i].dash), `${this.names[i]} `, element("b", "", format(value))));
      if (values.length > MAX_READOUT) rows.push(element("div", "", `and ${values.length - MAX_READOUT} more`));
      this.readout.replaceChildren(element("div", "", this.place(), " "), ...rows);
      const onRight = left > this.plot.bbox.width / devicePixelRatio / 2;
      this.readout.style.top = "8px";
      this.readout.style.left = onRight ? "" : `${this.plot.bbox.left / devicePixelRatio + left + 14}px`;
      this.readout.style.right = onRight ? `${this.plot.width - this.plot.bbox.left / devicePixelRatio - left + 14}px` : "";
    }

    // Index and value of every shown line at the cursor, the largest first, as they lie in the plot.
    valuesAt() {
      const at = this.plot.cursor.idxs;
      return this.spec.lines.map((line, i) => [i, this.plot.series[i + 1].show ? this.data[i + 1][at[i + 1]] : null])
        .filter(([, value]) => value !== null && value !== undefined)
        .sort((a, b) => b[1] - a[1]);
    }

    place() {
      const x = this.data[0];
      const idx = this.plot.cursor.idxs.find((i, series) => series > 0 && i !== null) ?? this.plot.cursor.idx;
      if (this.spec.kind !== "histogram") return `${this.spec.xLabel}: ${format(x[idx])}`;
      return `${this.spec.xLabel}: ${format(x[Math.min(idx, x.length - 2)])} to ${format(x[Math.min(idx + 1, x.length - 1)])}`;
    }
  }

  function isLonely(y) {
    return y.filter((value) => value !== null).length < 2; // a line of one value would not be seen
  }

  function binAt(u, series, closest, x) {
    const bin = x < u.data[0][closest] ? closest - 1 : closest;
    return Math.min(Math.max(bin, 0), Math.max(u.data[0].length - 2, 0));
  }

  function around(u, low, high) {
    return low === null ? [0, 1] : uPlot.rangeNum(low, high, 0.08, true);
  }

  function fromZero(u, low, high) {
    return [0, high > 0 ? high * 1.05 : 1];
  }

  function logRange(u, low, high) {
    if (low === null) return [0.1, 1];
    const margin = Math.max((high / low) ** 0.06, 1.03);
    return [low / margin, high * margin];
  }

  // Marks of a logarithmic axis: powers of ten over many decades, 1-2-5 over a few, even steps within one.
  function logSplits(u, axis, low, high) {
    const marks = [];
    if (high / low < 12) {
      const raw = (high - low) / 6;
      const power = 10 ** Math.floor(Math.log10(raw));
      const step = power * [1, 2, 5, 10].find((factor) => factor * power >= raw);
      for (let mark = Math.ceil(low / step) * step; mark <= high; mark += step) marks.push(mark);
      return marks;
    }
    const factors = high / low > 1000 ? [1] : [1, 2, 5];
    for (let power = Math.floor(Math.log10(low)); power <= Math.log10(high); power += 1) {
      for (const factor of factors) if (factor * 10 ** power >= low && factor * 10 ** power <= high) marks.push(factor * 10 ** power);
    }
    return marks;
  }

  function drawZero(u) {
    const y = u.valToPos(0, "y", true);
    if (y < u.bbox.top || y > u.bbox.top + u.bbox.height) return;
    u.ctx.save();
    u.ctx.strokeStyle = colour("--faint");
    u.ctx.lineWidth = devicePixelRatio;
    u.ctx.beginPath();
    u.ctx.moveTo(u.bbox.left, y);
    u.ctx.lineTo(u.bbox.left + u.bbox.width, y);
    u.ctx.stroke();
    u.ctx.restore();
  }

  function markToggles(group, shown) {
    for (const button of document.querySelectorAll("button.toggle")) {
      if (button.dataset.group === group) button.ariaPressed = String(shown);
    }
  }

  function draw(figure, spec) {
    const chart = new Chart(figure, spec);
    figure.chart = chart;
    all.push(chart);
    return chart;
  }

  function redraw() {
    for (const chart of all) chart.plot.redraw(false, true);
  }

  // On paper the page is light and narrow, whatever the screen is.
  function print(isPrinting) {
    if (isPrinting) document.documentElement.dataset.theme = "light";
    else delete document.documentElement.dataset.theme;
    for (const chart of all) {
      chart.plot.setSize({ width: isPrinting ? Math.min(chart.width(), PRINT_WIDTH) : chart.width(), height: chart.spec.height });
    }
    redraw();
  }

  for (const figure of document.querySelectorAll("figure.chart")) {
    const data = figure.querySelector('script[type="application/json"]');
    if (data) draw(figure, JSON.parse(data.textContent));
  }
  for (const button of document.querySelectorAll("button.toggle")) {
    button.addEventListener("click", () => {
      const shown = button.ariaPressed !== "true";
      for (const chart of all) chart.toggleGroup(button.dataset.group, shown);
      markToggles(button.dataset.group, shown);
    });
  }
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", redraw);
  addEventListener("beforeprint", () => print(true));
  addEventListener("afterprint", () => print(false));
  return { draw };
})();

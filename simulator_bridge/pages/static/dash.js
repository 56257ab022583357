"use strict";
/* What a driver looks at: the camera with steering wheel, throttle and speed over it, and traces that scroll. */

function themeColour(name) {
  return getComputedStyle(document.documentElement).getPropertyValue(name).trim();
}

class Dashboard {
  /* canvas: shows the camera, as wide as the page gives it. */
  constructor(canvas) {
    this.canvas = canvas;
    this.last = [null, {}, null];
    new ResizeObserver(() => this.draw(...this.last)).observe(canvas);
  }

  /* camera: an ImageBitmap, or null. values: steering and modelSteering in [-1, 1] (modelSteering may be null),
     throttle in [-1, 1], speedMph, setSpeedMph (may be null), maxSpeedMph. overlay: an ImageBitmap, or null. */
  draw(camera, values, overlay = null) {
    this.last = [camera, values, overlay];
    const { canvas } = this;
    const scale = window.devicePixelRatio || 1;
    const width = Math.round(canvas.clientWidth * scale);
    const height = Math.round(canvas.clientHeight * scale);
    if (!width || !height) return;
    if (canvas.width !== width || canvas.height !== height) [canvas.width, canvas.height] = [width, height];
    const pen = canvas.getContext("2d");
    pen.fillStyle = "#0b0d10";
    pen.fillRect(0, 0, width, height);
    pen.imageSmoothingQuality = "high";
    if (camera) pen.drawImage(camera, 0, 0, width, height);
    if (camera && overlay) pen.drawImage(overlay, 0, 0, width, height);
    if (values.steering === undefined) return;
    const unit = Math.max(width / 100, 4.2 * scale); // the overlay stays legible on a phone
    this.shade(pen, width, height, unit);
    this.wheel(pen, width / 2, height - 10.5 * unit, 7.5 * unit, values);
    this.pedals(pen, 4 * unit, height - 4 * unit, unit, values.throttle);
    this.speed(pen, width - 3 * unit, height - 4 * unit, unit, values);
  }

  shade(pen, width, height, unit) {
    const shade = pen.createLinearGradient(0, height - 22 * unit, 0, height);
    shade.addColorStop(0, "rgb(0 0 0 / 0%)");
    shade.addColorStop(1, "rgb(0 0 0 / 55%)");
    pen.fillStyle = shade;
    pen.fillRect(0, height - 22 * unit, width, 22 * unit);
  }

  wheel(pen, x, y, radius, { steering, modelSteering }) {
    pen.save();
    pen.translate(x, y);
    pen.lineCap = "round";
    if (modelSteering !== null && modelSteering !== undefined) this.needle(pen, radius * 1.3, modelSteering);
    pen.rotate(steering * Math.PI * 0.75);
    for (const [colour, thickness] of [["rgb(0 0 0 / 60%)", 0.3], ["#ffffff", 0.16]]) {
      pen.strokeStyle = colour;
      pen.lineWidth = radius * thickness;
      pen.beginPath();
      pen.arc(0, 0, radius, 0, 2 * Math.PI);
      for (const angle of [0, Math.PI / 2, Math.PI]) {
        pen.moveTo(0, 0);
        pen.lineTo(radius * Math.cos(angle), radius * Math.sin(angle));
      }
      pen.stroke();
    }
    pen.fillStyle = "#ff8a47"; // the top of the wheel
    pen.beginPath();
    pen.arc(0, -radius, radius * 0.17, 0, 2 * Math.PI);
    pen.fill();
    pen.restore();
  }

  /* Where the model would hold the wheel: a mark outside its rim. */
  needle(pen, radius, steering) {
    pen.save();
    pen.rotate(steering * Math.PI * 0.75);
    pen.beginPath();
    pen.moveTo(0, -radius * 0.9);
    pen.lineTo(-radius * 0.11, -radius * 1.12);
    pen.lineTo(radius * 0.11, -radius * 1.12);
    pen.closePath();
    pen.fillStyle = "#56b4e9";
    pen.strokeStyle = "rgb(0 0 0 / 70%)";
    pen.lineWidth = radius * 0.06;
    pen.stroke();
    pen.fill();
    pen.restore();
  }

  pedals(pen, x, y, unit, throttle) {
    const height = 15 * unit;
    const width = 2.6 * unit;
    const share = Math.min(Math.abs(throttle), 1);
    pen.fillStyle = "rgb(255 255 255 / 25%)";
    pen.fillRect(x, y - height, width, height);
    pen.fillStyle = throttle < 0 ? "#ff6b5e" : "#2cc79a";
    pen.fillRect(x, y - height * share, width, height * share);
    this.text(pen, throttle < 0 ? "brake" : "throttle", x, y + 2.6 * unit, 2.3 * unit, "left");
  }

  speed(pen, x, y, unit, { speedMph, setSpeedMph }) {
    this.text(pen, speedMph.toFixed(1), x, y - 2.4 * unit, 7 * unit, "right", 700);
    const wanted = setSpeedMph === null || setSpeedMph === undefined ? "mph" : `mph, set ${setSpeedMph.toFixed(0)}`;
    this.text(pen, wanted, x, y + 2.6 * unit, 2.3 * unit, "right");
  }

  text(pen, text, x, y, size, align, weight = 500) {
    pen.font = `${weight} ${size}px system-ui, sans-serif`;
    pen.textAlign = align;
    pen.lineWidth = size * 0.12;
    pen.strokeStyle = "rgb(0 0 0 / 70%)";
    pen.lineJoin = "round";
    pen.strokeText(text, x, y);
    pen.fillStyle = "#ffffff";
    pen.fillText(text, x, y);
  }
}

class ScrollingTrace {
  /* root: element to draw in. lines: [{label, colour: "--c0", dashed}]. range: [lowest, highest], or null for what the
     data have, from 0. Shows the last `seconds`. */
  constructor(root, { label, lines, range = null, seconds = 20, heightPx = 130 }) {
    this.seconds = seconds;
    this.times = []; // of the data's first column, which counts back from the newest
    this.data = [[], ...lines.map(() => [])];
    this.root = root;
    const axis = { stroke: () => themeColour("--faint"), grid: { stroke: () => themeColour("--grid"), width: 1 } };
    this.plot = new uPlot(
      {
        width: Math.max(root.clientWidth, 100),
        height: heightPx,
        cursor: { show: false },
        legend: { show: false },
        scales: {
          x: { time: false, range: [-seconds, 0] },
          y: { range: range ? () => range : (_, __, highest) => [0, Math.max(highest * 1.15, 1)] },
        },
        axes: [
          { ...axis, values: (_, ticks) => ticks.map((t) => (t ? `\u2212${-t} s` : "now")), space: 55 },
          { ...axis, size: 48, space: 28 },
        ],
        series: [
          {},
          ...lines.map((line) => ({
            label: line.label,
            stroke: () => themeColour(line.colour),
            width: line.dashed ? 1.5 : 2,
            dash: line.dashed ? [5, 4] : undefined,
            points: { show: false },
            spanGaps: false,
          })),
        ],
      },
      this.data,
      root,
    );
    root.setAttribute("role", "img");
    root.setAttribute("aria-label", label);
    new ResizeObserver(() => this.resize(heightPx)).observe(root);
    matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => this.plot.redraw());
  }

  resize(heightPx) {
    if (this.root.clientWidth) this.plot.setSize({ width: this.root.clientWidth, height: heightPx });
  }

  /* timeS: rising; values: one for each line, null leaves a gap. */
  add(timeS, values) {
    const { times, data } = this;
    if (times.length && timeS <= times[times.length - 1]) return;
    times.push(timeS);
    values.forEach((value, line) => data[line + 1].push(value));
    const n = times.findIndex((time) => time >= timeS - this.seconds) - 1; // one beyond the edge stays
    if (n > 0) for (const column of [times, ...data.slice(1)]) column.splice(0, n);
    data[0] = times.map((time) => time - timeS);
    this.plot.setData(data);
  }

  clear() {
    for (const column of [this.times, ...this.data]) column.length = 0;
    this.plot.setData(this.data);
  }
}

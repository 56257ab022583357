"use strict";
/* The road from above, as an SVG, and the car on it. */

class TrackMap {
  static SVG = "http://www.w3.org/2000/svg";

  constructor(svg) {
    const { points, width_m: width } = JSON.parse(svg.dataset.outline);
    const xs = points.map(([x]) => x);
    const ys = points.map(([, y]) => -y); // y is north, and SVG's goes down
    const margin = width + 6;
    const box = [Math.min(...xs) - margin, Math.min(...ys) - margin];
    const size = [Math.max(...xs) + margin - box[0], Math.max(...ys) + margin - box[1]];
    svg.setAttribute("viewBox", [...box, ...size].join(" "));
    this.scale = Math.max(...size) / 100; // metres that look like one of a map of 100
    const path = points.map(([x, y], i) => `${i ? "L" : "M"}${x} ${-y}`).join("") + "Z";
    svg.append(this.draw("path", { d: path, class: "edge", "stroke-width": 5.5 * this.scale }));
    svg.append(this.draw("path", { d: path, class: "road", "stroke-width": 4 * this.scale }));
    svg.append(this.draw("circle", { cx: points[0][0], cy: -points[0][1], r: 2.2 * this.scale, class: "start" }));
    this.car = this.draw("path", { d: "M4 0L-3 2.6L-1.6 0L-3 -2.6Z", class: "car" });
    svg.append(this.car);
  }

  draw(tag, attributes) {
    const made = document.createElementNS(TrackMap.SVG, tag);
    for (const [name, value] of Object.entries(attributes)) made.setAttribute(name, value);
    return made;
  }

  /* x east, y north in metres; heading counter-clockwise from east in radians. */
  show(x, y, heading) {
    const degrees = (-heading * 180) / Math.PI;
    this.car.setAttribute("transform", `translate(${x} ${-y}) rotate(${degrees}) scale(${1.7 * this.scale})`);
  }
}

"use strict";
// Every <figure class="player">: frames to step through, linked to the charts of its section. A click into a chart, or
// its arrow keys, show the frame there; each chart marks where the player is.
(() => {
  const PERIOD_MS = 100; // from frame to frame while it plays
  const FAR = 10; // frames that an arrow key moves with Shift
  const MAX_CLICK_PX = 4; // more is a drag, which zooms
  const HINT = "A click into a chart below moves it there. With the keyboard: arrows step, with Shift by 10, Space plays.";

  function make(tag, className, text) {
    const made = document.createElement(tag);
    if (className) made.className = className;
    if (text) made.textContent = text;
    return made;
  }

  class Player {
    constructor(figure, data) {
      this.data = data;
      this.now = 0;
      this.image = make("img");
      this.caption = make("p", "player-caption");
      this.slider = make("input");
      Object.assign(this.slider, { type: "range", min: 0, max: data.x.length - 1, step: 1, value: 0, ariaLabel: "frame" });
      this.playButton = this.button("Play", () => this.play(!this.timer));
      const buttons = make("div", "player-buttons");
      buttons.append(this.button("\u2190", () => this.step(-1), "previous frame"), this.playButton,
        this.button("\u2192", () => this.step(1), "next frame"), this.slider);
      figure.tabIndex = 0;
      figure.setAttribute("role", "group");
      figure.setAttribute("aria-label", figure.querySelector("figcaption").textContent);
      figure.append(this.image, this.caption, buttons);
      if (figure === document.querySelector("figure.player")) figure.append(make("p", "hint", HINT)); // once a page
      this.slider.addEventListener("input", () => this.pauseAt(Number(this.slider.value)));
      figure.addEventListener("keydown", (event) => this.onKey(event));
      this.marks = [...figure.closest("section").querySelectorAll("figure.chart")].filter((each) => each.chart).map((each) => this.link(each.chart));
      this.show(0);
    }

    button(text, action, label) {
      const made = make("button", "", text);
      made.type = "button";
      if (label) made.ariaLabel = label;
      made.addEventListener("click", action);
      return made;
    }

    show(number) {
      this.now = Math.min(Math.max(number, 0), this.data.x.length - 1);
      this.image.src = `data:image/jpeg;base64,${this.data.images[this.now]}`;
      this.image.alt = this.data.captions[this.now];
      this.caption.textContent = this.data.captions[this.now];
      this.slider.value = this.now;
      this.slider.ariaValueText = this.data.captions[this.now];
      for (const place of this.marks) place();
    }

    pauseAt(number) {
      this.play(false);
      this.show(number);
    }

    step(by) {
      this.pauseAt(this.now + by);
    }

    play(wanted) {
      clearInterval(this.timer);
      this.timer = wanted ? setInterval(() => this.onTick(), PERIOD_MS) : undefined;
      this.playButton.textContent = wanted ? "Pause" : "Play";
      if (wanted && this.now === this.data.x.length - 1) this.show(0);
    }

    onTick() {
      if (this.now < this.data.x.length - 1) this.show(this.now + 1);
      else this.play(false);
    }

    onKey(event) {
      const by = event.shiftKey ? FAR : 1;
      const target = { ArrowRight: this.now + by, ArrowLeft: this.now - by, Home: 0, End: this.data.x.length - 1 }[event.key];
      if (target !== undefined) this.pauseAt(target);
      else if (event.key === " " && event.target.tagName !== "BUTTON") this.play(!this.timer);
      else return;
      event.preventDefault();
    }

    // The frame nearest to a place on the x axis.
    at(x) {
      const distance = (i) => Math.abs(this.data.x[i] - x);
      return this.data.x.reduce((best, _, i) => (distance(i) < distance(best) ? i : best), 0);
    }

    // Follow a chart, and mark our place in it; returns what moves the mark.
    link(chart) {
      const over = () => chart.plot.over;
      const mark = make("div", "player-mark");
      const place = () => {
        const x = chart.plot.valToPos(this.data.x[this.now], "x");
        mark.hidden = !(x >= 0 && x <= over().clientWidth);
        mark.style.left = `${x}px`;
        if (mark.parentNode !== over()) over().append(mark);
      };
      const follow = () => this.pauseAt(this.at(chart.plot.posToVal(chart.plot.cursor.left, "x")));
      let pressed = null;
      chart.box.addEventListener("pointerdown", (event) => (pressed = event.clientX), true);
      chart.box.addEventListener("click", (event) => {
        if (pressed === null || Math.abs(event.clientX - pressed) > MAX_CLICK_PX || !over().contains(event.target)) return;
        this.pauseAt(this.at(chart.plot.posToVal(event.clientX - over().getBoundingClientRect().left, "x")));
      });
      chart.box.addEventListener("keydown", (event) => {
        if (event.key !== "Escape" && chart.plot.cursor.left >= 0 && event.defaultPrevented) follow();
      });
      (chart.plot.hooks.draw ??= []).push(place); // drawn anew: zoomed, or of another size
      return place;
    }
  }

  for (const figure of document.querySelectorAll("figure.player")) {
    figure.player = new Player(figure, JSON.parse(figure.querySelector('script[type="application/json"]').textContent));
  }
})();

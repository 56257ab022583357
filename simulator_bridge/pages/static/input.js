"use strict";
/* A person's hands: arrow keys or WASD, touch, a gamepad -> steering, throttle and brake. Uses nothing but the browser.

   const input = new DrivingInput(root, { onChange: (hands) => ... });
   input.read() -> { steering, throttle, brake, active, device }
     steering  -1 (left) to 1 (right); with keys it runs to the stop and back in 0.05 each 20 ms, as in Udacity's simulator
     throttle, brake  0 to 1
     active    something is held; else all is at rest, or on its way back
     device    "keyboard", "touch", "gamepad" or null
   onChange is called 25 times a second while anything is held or moves, and once when all has come to rest.
   input.enabled = false releases everything, and leaves the keys to the page.
   input.reach = 0.5 lets keys turn the wheel half as far, half as fast: at speed more is too much.

   Touch: elements under `root` marked data-drive="steer" (drag sideways, from wherever the finger lands),
   data-drive="throttle" and data-drive="brake" (hold). A mouse works them, too. Their CSS needs `touch-action: none`.
   Everything is released when the window loses the focus or is hidden. */

class DrivingInput {
  static RAMP_PER_S = 2.5; // of the steering under keys: 0.05 every 20 ms
  static RELEASE_PER_S = 5; // of the steering when a finger has let go
  static DEAD_ZONE = 0.12; // of a stick
  static TICK_MS = 40;
  static KEYS = {
    ArrowLeft: "left", KeyA: "left", ArrowRight: "right", KeyD: "right",
    ArrowUp: "throttle", KeyW: "throttle", ArrowDown: "brake", KeyS: "brake",
  };

  constructor(root, { onChange = () => {} } = {}) {
    this.root = root;
    this.onChange = onChange;
    this.isEnabled = true;
    this.reach = 1;
    this.keys = new Set(); // codes that are down
    this.fingers = new Map(); // pointer id -> { part, element, from, value }
    this.steering = 0;
    this.device = null;
    this.steeredAt = performance.now();
    this.timer = null;
    this.listeners = new AbortController();
    this.listen();
  }

  get enabled() {
    return this.isEnabled;
  }

  set enabled(isEnabled) {
    if (isEnabled === this.isEnabled) return;
    this.isEnabled = isEnabled;
    if (!isEnabled) this.release();
  }

  read() {
    const pad = this.gamepad();
    const fingers = [...this.fingers.values()];
    const held = (part) => fingers.some((finger) => finger.part === part);
    const down = (name) => [...this.keys].some((code) => DrivingInput.KEYS[code] === name);
    const turning = fingers.find((finger) => finger.part === "steer");
    if (fingers.length) this.device = "touch";
    else if (this.keys.size) this.device = "keyboard";
    else if (pad.active) this.device = "gamepad";
    this.steer(turning, Number(down("right")) - Number(down("left")), pad.steering);
    const active = this.isEnabled && (fingers.length > 0 || this.keys.size > 0 || pad.active);
    return {
      steering: this.steering,
      throttle: held("throttle") || down("throttle") ? 1 : pad.throttle,
      brake: held("brake") || down("brake") ? 1 : pad.brake,
      active,
      device: active ? this.device : null,
    };
  }

  /* Let go of everything. */
  release() {
    this.keys.clear();
    for (const finger of this.fingers.values()) finger.element.classList.remove("held");
    this.fingers.clear();
    this.wake();
  }

  close() {
    this.listeners.abort();
    clearInterval(this.timer);
  }

  steer(finger, direction, stick) {
    const now = performance.now();
    const passed = Math.min((now - this.steeredAt) / 1000, 0.2);
    this.steeredAt = now;
    if (finger) {
      this.steering = finger.value;
    } else if (direction) {
      if (this.steering * direction < 0) this.steering = 0; // the other key: the wheel snaps to the middle
      const turned = this.steering + direction * DrivingInput.RAMP_PER_S * this.reach * passed;
      this.steering = Math.max(-this.reach, Math.min(this.reach, turned));
    } else if (stick) {
      this.steering = stick;
    } else {
      const rate = this.device === "keyboard" ? DrivingInput.RAMP_PER_S * this.reach : DrivingInput.RELEASE_PER_S;
      this.steering = Math.sign(this.steering) * Math.max(0, Math.abs(this.steering) - rate * passed);
    }
  }

  gamepad() {
    const rest = { steering: 0, throttle: 0, brake: 0, active: false };
    if (!this.isEnabled || !navigator.getGamepads) return rest;
    for (const pad of navigator.getGamepads()) {
      if (!pad || !pad.connected) continue;
      const steering = DrivingInput.beyondDeadZone(pad.axes[0] ?? 0);
      const throttle = pad.buttons[7]?.value ?? 0; // right trigger of a standard gamepad
      const brake = pad.buttons[6]?.value ?? 0; // left trigger
      if (steering || throttle > 0.05 || brake > 0.05) return { steering, throttle, brake, active: true };
    }
    return rest;
  }

  static beyondDeadZone(value) {
    const beyond = Math.max(0, Math.abs(value) - DrivingInput.DEAD_ZONE) / (1 - DrivingInput.DEAD_ZONE);
    return Math.sign(value) * Math.min(beyond, 1);
  }

  listen() {
    const on = (target, type, handle) => target.addEventListener(type, handle, { signal: this.listeners.signal });
    on(window, "keydown", (event) => this.onKey(event, true));
    on(window, "keyup", (event) => this.onKey(event, false));
    on(window, "blur", () => this.release());
    on(window, "gamepadconnected", () => this.wake());
    on(document, "visibilitychange", () => document.hidden && this.release());
    for (const element of this.root.querySelectorAll("[data-drive]")) {
      on(element, "pointerdown", (event) => this.onFinger(event, element));
      on(element, "pointermove", (event) => this.onDrag(event));
      for (const type of ["pointerup", "pointercancel", "lostpointercapture"]) on(element, type, (event) => this.onLift(event));
      on(element, "contextmenu", (event) => event.preventDefault()); // a finger held down shall not ask for one
    }
  }

  onKey(event, isDown) {
    if (!(event.code in DrivingInput.KEYS)) return;
    if (!isDown) this.keys.delete(event.code);
    else {
      const isTyping = event.target instanceof Element && event.target.closest("input, select, textarea, [contenteditable], .plot");
      if (!this.isEnabled || isTyping || event.ctrlKey || event.altKey || event.metaKey) return;
      event.preventDefault(); // no scrolling
      if (this.keys.has(event.code)) return; // it repeats
      this.keys.add(event.code);
    }
    this.wake();
  }

  onFinger(event, element) {
    if (!this.isEnabled) return;
    event.preventDefault();
    element.setPointerCapture(event.pointerId);
    element.classList.add("held");
    this.fingers.set(event.pointerId, { part: element.dataset.drive, element, from: event.clientX, value: 0 });
    this.wake();
  }

  onDrag(event) {
    const finger = this.fingers.get(event.pointerId);
    if (!finger || finger.part !== "steer") return;
    const reach = Math.max(60, finger.element.clientWidth * 0.4); // pixels to the stop
    finger.value = Math.max(-1, Math.min(1, (event.clientX - finger.from) / reach));
  }

  onLift(event) {
    const finger = this.fingers.get(event.pointerId);
    if (!finger) return;
    finger.element.classList.remove("held");
    this.fingers.delete(event.pointerId);
    this.wake();
  }

  /* Report now, and go on until all is at rest. */
  wake() {
    this.tick();
    this.timer ??= setInterval(() => this.tick(), DrivingInput.TICK_MS);
  }

  tick() {
    const hands = this.read();
    this.onChange(hands);
    const hasGamepad = this.isEnabled && [...(navigator.getGamepads?.() ?? [])].some((pad) => pad);
    if (!hands.active && hands.steering === 0 && !hasGamepad) {
      clearInterval(this.timer);
      this.timer = null;
    }
  }
}

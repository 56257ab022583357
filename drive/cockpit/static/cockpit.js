"use strict";
/* The cockpit: shows the state of a car, sends a person's commands. */

(() => {
  const DRIVE_MS = 50; // from one command of a driving person to the next; the car stops if none comes for 0.5 s
  const NOTICE_MS = 6000;
  const SETTLED_MS = 1000; // a second key press or click this soon after a change stops, and never drives on
  const MODES = {
    autonomy: ["The model drives", "Model"],
    paused: ["Stopped", "Stopped"],
    takeover: ["A person drives", "Person"],
  };
  const OVERLAYS = { saliency: "what it looks at", segmentation: "what it sees" }; // over the camera, one at a time
  const $ = (id) => document.getElementById(id);
  let state = null; // the newest
  let self = null; // number of this page
  let timer = null; // while we drive
  let noticeTimer = null;
  let tracedCar = null;
  let shown = { car: null, mode: null, at: 0 }; // who has control, and since when this page shows it

  const dashboard = new Dashboard($("camera"));
  const traces = {
    steering: new ScrollingTrace($("trace-steering"), {
      label: "Steering over the last 20 seconds, applied and the model's, right is up",
      lines: [{ label: "model", colour: "--c0", dashed: true }, { label: "applied", colour: "--c1" }],
      range: [-1, 1],
    }),
    speed: new ScrollingTrace($("trace-speed"), {
      label: "Speed over the last 20 seconds, mph", lines: [{ label: "speed", colour: "--c2" }], range: [0, 32],
    }),
    answer: new ScrollingTrace($("trace-answer"), {
      label: "Milliseconds to an answer over the last 20 seconds", lines: [{ label: "answer", colour: "--c3" }],
    }),
  };
  const hands = new DrivingInput($("hands"));
  hands.enabled = false;

  const connection = new LiveConnection("/cockpit/live", {
    onUpdate: async (newest, pictures, viewer) => {
      [state, self] = [newest, viewer];
      const [camera, overlay] = await Promise.all([bitmap(pictures.camera), bitmap(pictures.overlay)]);
      if (state === null) return; // the connection went in the meantime
      show(camera, overlay);
    },
    onNotice: notice,
    onStatus: (isConnected) => {
      if (isConnected) {
        if (shownOverlay()) connection.send({ do: "overlay", shows: shownOverlay() });
        return;
      }
      state = null;
      letGo();
      enable();
      $("connection").dataset.level = "lost";
      $("connection").textContent = "No connection to the drive server, trying again";
    },
  });

  function bitmap(blob) {
    return blob ? createImageBitmap(blob) : null;
  }

  /* Sends a command about the car that is shown. */
  function ask(command) {
    return state !== null && state.car !== null && connection.send({ ...command, car: state.car });
  }

  function show(camera, overlay) {
    const { drive, who } = state;
    showConnection(state.connection);
    showCars();
    showWho(who);
    $("empty").hidden = camera !== null;
    const values = drive
      ? { steering: drive.steering, modelSteering: drive.model_steering, throttle: drive.throttle,
          speedMph: drive.speed_mph, setSpeedMph: who && !who.model_decides_on_speed ? who.set_speed_mph : null }
      : {};
    dashboard.draw(camera, values, overlay);
    if (drive) trace(drive);
    showNow(drive);
    showLap(state.progress);
    showMarks(state.marks);
    enable();
  }

  function showConnection({ level, text, hint }) {
    set($("connection"), text);
    $("connection").dataset.level = level;
    set($("hint"), hint);
    $("hint").hidden = !hint;
  }

  function showCars() {
    const { cars, car } = state;
    $("cars").hidden = cars.length < 2;
    const key = cars.map((one) => one.number).join();
    if ($("cars").dataset.key !== key) {
      $("cars").dataset.key = key;
      $("cars").replaceChildren(...cars.map(({ number }) => {
        const button = document.createElement("button");
        button.type = "button";
        button.textContent = `Car ${number}`;
        button.dataset.car = number;
        button.addEventListener("click", () => connection.send({ do: "watch", car: number }));
        return button;
      }));
    }
    for (const button of $("cars").children) button.ariaPressed = String(Number(button.dataset.car) === car);
  }

  function showWho(who) {
    const isOurs = isDriving();
    const mode = who ? who.mode : null;
    if (shown.car !== state.car || shown.mode !== mode) shown = { car: state.car, mode, at: performance.now() };
    let text = who ? MODES[who.mode][0] : "No car to drive";
    if (isOurs) text = "You drive";
    if (who && who.reason) text += `: ${who.reason}`;
    set($("who"), text);
    $("badge").hidden = !who;
    if (who) {
      $("badge").dataset.mode = who.mode;
      set($("badge"), isOurs ? "You" : MODES[who.mode][1]);
      if (document.activeElement !== $("speed")) $("speed").value = who.set_speed_mph;
      set($("speed-mph"), who.model_decides_on_speed && who.mode === "autonomy" ? "model's" : `${Number($("speed").value)} mph`);
      $("hold").checked = who.holds_speed;
    }
    if (!isOurs && timer !== null) letGo();
    if (isOurs && timer === null) hold();
  }

  function trace(drive) {
    if (tracedCar !== state.car) for (const one of Object.values(traces)) one.clear();
    tracedCar = state.car;
    traces.steering.add(drive.at_s, [drive.model_steering, drive.steering]);
    traces.speed.add(drive.at_s, [drive.speed_mph]);
    traces.answer.add(drive.at_s, [drive.answer_ms]);
  }

  function showNow(drive) {
    if (!drive) return facts($("now"), []);
    const { record, corrections, viewers, overlay } = state;
    const lines = [
      ["steering, applied / model", `${signed(drive.steering)} / ${signed(drive.model_steering)}`],
      ...told(drive.told, state.who),
      ["answer, typical / slowest of 60", `${number(drive.answer_p50_ms)} / ${number(drive.answer_max_ms)} ms`],
      ["frames", drive.frames.toLocaleString("en")],
    ];
    if (record.folder) {
      const how = record.failed ? `failed: ${record.failed}` : `${record.rows.toLocaleString("en")} rows${record.on ? "" : ", off"}`;
      lines.push(["recorded", how]);
    }
    lines.push(["takeovers saved", `${corrections.saved} (${corrections.rows} rows)`]);
    if (corrections.saved) lines.push(["saved in", corrections.folder]);
    if (corrections.current_rows) lines.push(["this takeover", `${corrections.current_rows} rows`]);
    lines.push(["pages that watch", viewers]);
    if (overlay.failure) lines.push([OVERLAYS[overlay.shows], overlay.failure]);
    return facts($("now"), lines);
  }

  /* What the model tells of the car and the road; nothing, if it is not one that does. */
  function told({ lateral_m: lateral, bearing_deg: bearing, road, doubt }, who) {
    const lines = [];
    const isAside = (value) => value.toFixed(1) !== "0.0" && value.toFixed(1) !== "-0.0";
    if (lateral !== null) lines.push(["where it sees the car", isAside(lateral) ? `${side(lateral, 1, " m")} of the middle` : "in the middle"]);
    if (bearing !== null) lines.push(["where it aims", isAside(bearing) ? side(bearing, 1, "\u00b0") : "straight ahead"]);
    if (road !== null) lines.push(["as its driver would steer", signed(road)]);
    if (doubt !== null) lines.push(["doubt", `${doubt.toFixed(1)}, ${doubting(doubt, who ? who.speed_share : 1)}`]);
    return lines;
  }

  /* A doubt in words: 1 is that of the strangest of a hundred images of the training. */
  function doubting(doubt, share) {
    if (share < 1) return `so ${Math.round(100 * share)} % of the speed`;
    return doubt <= 1 ? "as in its training" : "new to it";
  }

  function showLap(progress) {
    $("lap-section").hidden = !progress;
    if (!progress) return;
    facts($("lap"), [
      ["track", progress.track],
      ["lap", `${Math.min(progress.laps_done + 1, progress.laps_wanted)} of ${progress.laps_wanted}, ${Math.round(100 * progress.lap_share)} %`],
      ["score so far", progress.score.toFixed(1)],
      ["autonomy", `${progress.autonomy.toFixed(1)} %`],
      ["interventions", progress.interventions],
      ["wheels off the road", progress.off_road],
      ["from the line", side(progress.cte_m, 2, " m")],
      ["simulated time", `${progress.time_s.toFixed(0)} s`],
    ]);
  }

  function showMarks({ n, newest }) {
    $("marks-section").hidden = n === 0;
    if ($("marks").dataset.n === String(n)) return;
    $("marks").dataset.n = n;
    $("marks").start = n;
    $("marks").replaceChildren(...newest.map((mark) => {
      const line = document.createElement("li");
      const lap = mark.progress ? `, lap ${mark.progress.laps_done + 1} at ${Math.round(100 * mark.progress.lap_share)} %` : "";
      line.textContent = `${mark.time.slice(11, 19)} car ${mark.car}, ${mark.speed_mph.toFixed(1)} mph, steering ${signed(mark.steering_angle)}${lap}`;
      return line;
    }));
  }

  /* Which buttons make sense now. */
  function enable() {
    const who = state && state.who;
    const { mode } = who || {};
    const [driving, record] = [isDriving(), state && state.record];
    for (const id of ["stop", "mark", "record"]) $(id).disabled = !who;
    enableOverlays(who);
    $("resume").disabled = !who || mode === "autonomy";
    $("take").disabled = !who || (mode === "takeover" && !driving);
    $("take").ariaPressed = String(driving);
    set($("take").lastChild, driving ? "Give it back" : "Take over");
    const isRecording = Boolean(record && record.on);
    $("record").ariaPressed = String(isRecording);
    set($("record").lastChild, isRecording ? clock(record.seconds) : "Record");
    $("record").title = record && record.folder ? `into ${record.folder}` : "";
    $("recorded").hidden = !isRecording;
    if (isRecording) set($("recorded"), clock(record.seconds));
    $("speed").disabled = $("hold").disabled = !who;
    $("hands").dataset.on = $("keys").dataset.on = String(driving);
  }

  function enableOverlays(who) {
    for (const id of Object.keys(OVERLAYS)) $(id).disabled = !who || id in state.overlay.unavailable;
    if (!state) return; // all else stays as it is without a connection
    const { shows, unavailable } = state.overlay;
    for (const id of Object.keys(OVERLAYS)) {
      $(id).title = unavailable[id] || "";
      $(id).ariaPressed = String(id === shows);
    }
    $("no-segmentation").hidden = !unavailable.segmentation;
    $("below").dataset.shows = shows;
  }

  /* What is laid over the camera, by the buttons. */
  function shownOverlay() {
    return Object.keys(OVERLAYS).find((id) => $(id).ariaPressed === "true") || null;
  }

  function layOver(id) {
    connection.send({ do: "overlay", shows: shownOverlay() === id ? null : id });
  }

  function isDriving() {
    return Boolean(state && state.who && state.who.mode === "takeover" && state.who.page === self);
  }

  /* Starts to send, many times a second, how we drive. */
  function hold() {
    hands.enabled = true;
    if (document.activeElement.matches("input")) document.activeElement.blur(); // the arrows are the wheel's now
    timer = setInterval(() => {
      const { steering, throttle, brake } = hands.read();
      ask({ do: "drive", steering, throttle, brake });
    }, DRIVE_MS);
  }

  function letGo() {
    hands.enabled = false;
    clearInterval(timer);
    timer = null;
  }

  function facts(list, lines) {
    const key = lines.map(([name]) => name).join();
    if (list.dataset.key !== key) {
      list.dataset.key = key;
      list.replaceChildren(...lines.map(([name]) => {
        const row = document.createElement("div");
        const [term, value] = [document.createElement("dt"), document.createElement("dd")];
        term.textContent = name;
        row.append(term, value);
        return row;
      }));
    }
    lines.forEach(([, value], i) => set(list.children[i].lastChild, String(value)));
  }

  /* Sets a text only if it is another one: a screen reader reads out what changes. */
  function set(element, text) {
    if (element.textContent !== text) element.textContent = text;
  }

  function signed(value) {
    return (value < 0 ? "\u2212" : "+") + Math.abs(value).toFixed(3);
  }

  /* How far to the left, which is positive, or to the right. */
  function side(value, digits, unit) {
    return `${Math.abs(value).toFixed(digits)}${unit} ${value >= 0 ? "left" : "right"}`;
  }

  function number(value) {
    return value === null ? "?" : value.toFixed(1);
  }

  function clock(seconds) {
    return `${Math.floor(seconds / 60)}:${String(Math.floor(seconds % 60)).padStart(2, "0")}`;
  }

  function notice(text) {
    set($("notice"), text);
    $("notice").hidden = false;
    clearTimeout(noticeTimer);
    noticeTimer = setTimeout(() => { $("notice").hidden = true; }, NOTICE_MS);
  }

  /* Whether what the page shows has been so for long enough that a person means it, and not what was there before. */
  function isSettled() {
    return performance.now() - shown.at > SETTLED_MS;
  }

  function takeOrGiveBack() {
    if (!isDriving()) ask({ do: "take over" });
    else if (isSettled()) ask({ do: "give back" });
  }

  const buttons = {
    stop: () => ask({ do: "pause" }),
    resume: () => ask({ do: "resume" }),
    take: takeOrGiveBack,
    mark: () => ask({ do: "mark" }),
    record: () => ask({ do: "record", on: $("record").ariaPressed !== "true" }),
    saliency: () => layOver("saliency"),
    segmentation: () => layOver("segmentation"),
  };
  const keys = { KeyG: "resume", KeyT: "take", KeyM: "mark", KeyR: "record", KeyL: "saliency", KeyV: "segmentation" };
  for (const [id, act] of Object.entries(buttons)) $(id).addEventListener("click", act);
  document.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.altKey || event.metaKey) return;
    const id = keys[event.code];
    if (id) {
      if (event.repeat || $(id).disabled) return;
      buttons[id]();
    } else if (event.code === "Space") {
      if (event.target.matches("[type=checkbox]:focus-visible")) return; // reached by Tab: there is no other key for it
      if (!event.repeat) stopOrGo();
    } else return;
    event.preventDefault();
  });
  /* Space stops whatever has the focus: a button that has it is pressed by Enter. */
  document.addEventListener("keyup", (event) => {
    if (event.code === "Space" && event.target.matches("button")) event.preventDefault();
  });
  function stopOrGo() {
    ask({ do: shown.mode === "paused" && isSettled() ? "resume" : "pause" });
  }
  $("speed").addEventListener("input", () => {
    set($("speed-mph"), `${$("speed").value} mph`);
    ask({ do: "set speed", mph: Number($("speed").value) });
  });
  $("hold").addEventListener("change", () => ask({ do: "hold speed", on: $("hold").checked }));
  /* A page without the focus does not drive. */
  function leave() {
    if (isDriving()) ask({ do: "pause" });
  }
  window.addEventListener("blur", leave);
  document.addEventListener("visibilitychange", () => { if (document.hidden) leave(); });
})();

"use strict";
/* The page: shows the newest state, sends how a person drives and what they click. */

const page = { state: null, panel: "record", leaves: false, noticed: null, noticeTimer: null };
const map = new TrackMap($("map"));
const canvas = $("camera").getContext("2d");

const live = new LiveConnection("/drive/live", {
  onUpdate: show,
  onNotice: (text, kind) => notice(text, kind),
  onStatus: (isConnected) => {
    $("lost").hidden = isConnected;
    document.body.classList.toggle("offline", !isConnected);
  },
});
const input = new DrivingInput(document, {
  onChange: ({ steering, throttle, brake, active }) => live.send({ input: [steering, throttle, brake, active] }),
});

async function show(state, pictures, viewer) {
  const before = page.state;
  if (before?.world && state.world.track !== before.world.track) return location.reload(); // another map
  page.state = state;
  if (pictures.camera && pictures.camera.size) {
    const image = await createImageBitmap(pictures.camera);
    canvas.imageSmoothingQuality = "high";
    canvas.drawImage(image, 0, 0, 640, 320);
    image.close();
  }
  const { car, lap } = state;
  map.show(car.x, car.y, car.heading);
  setText("speed", car.speed_mph.toFixed(0));
  $("wheel").style.transform = `rotate(${(car.steering_angle * 120).toFixed(1)}deg)`;
  setText("lap", `lap ${lap.laps + 1} · ${percent(Math.min(lap.share, 1))} · ${minutes(lap.time_s)}`);
  $("stage").classList.toggle("recording", state.recording.is_on);
  $("stage").classList.toggle("off-road", car.wheels_out > 0);
  setText("badge", badge(state, viewer));
  if (before?.step !== state.step) {
    choose(before?.step === "drive" && !page.leaves ? "drive" : state.step); // stopping the model leaves its panel there
    page.leaves = false;
  }
  input.reach = state.key_reach;
  updateControl();
  worldPanel.draw(state);
  recordPanel.draw(state);
  trainPanel.draw(state);
  drivePanel.draw(state);
  if (state.notice && state.notice.number !== page.noticed) {
    if (page.noticed !== null || before) notice(state.notice.text, state.notice.kind);
    page.noticed = state.notice.number;
  }
  setText("real-time", state.real_time ? `${state.real_time.frames_per_s} pictures/s, ${state.real_time.real_time_factor} x real time` : "");
}

function badge({ step, recording, driving, training, improvement, driver }, viewer) {
  if (isOn(improvement)) return "the expert corrects it";
  if (step === "drive") return driving?.status === "driving" ? `the model drives, ${driving.speed_mph} mph` : "starting…";
  if (step === "train") return training?.status === "running" ? "training" : "";
  if (driver !== null && driver !== viewer) return "another page is driving";
  return recording.is_on ? `${minutes(recording.seconds)} recorded` : "";
}

function notice(text, kind) {
  const line = $("notice");
  line.textContent = text;
  line.className = `notice ${kind}`;
  line.hidden = false;
  clearTimeout(page.noticeTimer);
  page.noticeTimer = setTimeout(() => (line.hidden = true), 6000);
}

/* Show a panel; what the simulator does changes only by the buttons in it, and by going back to the wheel. */
function choose(panel) {
  page.panel = panel;
  for (const section of document.querySelectorAll("section[data-panel]")) section.hidden = section.dataset.panel !== panel;
  for (const button of document.querySelectorAll(".steps button")) {
    button.setAttribute("aria-current", button.dataset.panel === panel ? "step" : "false");
  }
  updateControl();
}

/* Keys and fingers drive only where the panel for it is seen. */
function updateControl() {
  input.enabled = page.state?.step === "record" && page.panel === "record";
  document.body.classList.toggle("at-the-wheel", input.enabled);
}

function goTo(panel) {
  page.leaves = panel === "record" && page.state !== null && page.state.step !== "record";
  if (page.leaves) live.send({ do: "drive_manually" });
  else choose(panel);
}

function act(message) {
  if (!live.send(message)) notice("There is no connection to the simulator.", "error");
}

function onClick(id, handle) {
  $(id).addEventListener("click", (event) => {
    handle();
    event.currentTarget.blur(); // the keys are for driving again
  });
}

for (const button of document.querySelectorAll(".steps button")) button.addEventListener("click", () => goTo(button.dataset.panel));
for (const button of document.querySelectorAll("[data-goto]")) button.addEventListener("click", () => goTo(button.dataset.goto));
for (const button of document.querySelectorAll(".take-back")) {
  button.addEventListener("click", () => act({ do: "delete_last", seconds: Number(button.dataset.seconds) }));
}
onClick("record", () => act({ do: "record", on: !page.state.recording.is_on }));
onClick("put-back", () => act({ do: "reset_car" }));
onClick("train", () => act({ do: "train", arch: $("arch").value, epochs: Number($("epochs").value) }));
onClick("stop-training", () => act({ do: "stop" }));
onClick("drive", () => act({ do: "drive", mph: Number($("mph").value) }));
onClick("improve", () => act({ do: "improve" }));
onClick("stop-driving", () => act({ do: "stop" }));
for (const id of ["track", "weather"]) {
  $(id).addEventListener("change", () => {
    act({ do: "change_world", track: $("track").value, weather: $("weather").value });
    $(id).blur();
  });
}
$("limit").addEventListener("input", () => act({ do: "limit", mph: Number($("limit").value) }));
$("limit").addEventListener("change", () => $("limit").blur());
$("mph").addEventListener("input", () => setText("mph-shown", `${$("mph").value} mph`));

addEventListener("keydown", (event) => {
  const isTyping = event.target instanceof Element && event.target.closest("input, select, textarea");
  if (isTyping || event.repeat || event.ctrlKey || event.altKey || event.metaKey || page.state?.step !== "record") return;
  if (event.code === "KeyR") act({ do: "record", on: !page.state.recording.is_on });
  if (event.code === "Backspace") act({ do: "delete_last", seconds: 5 });
});
addEventListener("touchstart", () => document.body.classList.add("touch"), { once: true, passive: true });

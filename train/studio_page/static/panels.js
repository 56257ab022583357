"use strict";
/* The three panels beside the picture: each draws its part of the state, and only what has changed. */

const $ = (id) => document.getElementById(id);

function setText(id, text) {
  const element = $(id);
  if (element.textContent !== text) element.textContent = text;
}

function percent(share) {
  return `${Math.round(share * 100)} %`;
}

function minutes(seconds) {
  const whole = Math.max(0, Math.round(seconds));
  return `${Math.floor(whole / 60)}:${String(whole % 60).padStart(2, "0")}`;
}

const worldPanel = {
  draw({ world, training, improvement }) {
    $("world").hidden = !world;
    if (!world) return;
    for (const [id, names] of [["track", world.tracks], ["weather", world.weathers]]) {
      const select = $(id);
      if (!select.options.length) for (const name of names) select.add(new Option(name.split("/").at(-1), name));
      if (document.activeElement !== select) select.value = world[id];
      select.disabled = isOn(training) || isOn(improvement);
    }
  },
};

const recordPanel = {
  shown: "",

  draw({ recording, quality, limit_mph: limit, step }) {
    const button = $("record");
    button.setAttribute("aria-pressed", String(recording.is_on));
    setText("record", recording.is_on ? "Stop recording" : recording.rows ? "Record more" : "Record");
    button.disabled = step !== "record";
    for (const other of document.querySelectorAll(".take-back")) other.disabled = !recording.rows || step !== "record";
    $("put-back").disabled = step !== "record";
    if (document.activeElement !== $("limit")) $("limit").value = limit;
    setText("limit-mph", `${$("limit").value} mph`);
    setText("folder", recording.folder);
    const seen = JSON.stringify(quality);
    if (seen !== this.shown) this.drawQuality(quality);
    this.shown = seen;
  },

  drawQuality(quality) {
    const verdict = $("verdict");
    verdict.className = quality.is_enough ? "good" : "open";
    verdict.textContent = !quality.rows ? "Record two laps" : quality.is_enough ? "Enough for a first model" : "Not enough yet";
    const lines = quality.rows ? quality.advice : [
      { text: "Press Record and drive in the middle of the road.", is_good: true },
      { text: "Two laps are a good start; delete what went wrong.", is_good: true },
    ];
    $("advice").replaceChildren(...lines.map(({ text, is_good: isGood }) => {
      const item = document.createElement("li");
      item.className = !quality.rows ? "hint-line" : isGood ? "good" : "open";
      item.textContent = text;
      return item;
    }));
    const turning = quality.rows ? 1 - quality.straight : 0;
    const shares = { left: turning * quality.left, straight: quality.rows ? quality.straight : 0, right: turning * (1 - quality.left) };
    let at = 0;
    for (const [name, share] of Object.entries(shares)) {
      const bar = $("balance").querySelector(`.s-${name}`);
      bar.setAttribute("x", at * 100);
      bar.setAttribute("width", share * 100);
      at += share;
      setText(`share-${name}`, quality.rows ? `${name} ${percent(share)}` : "");
    }
    $("balance").toggleAttribute("hidden", !quality.rows);
    for (const next of document.querySelectorAll('[data-goto="train"]')) next.classList.toggle("main", quality.is_enough);
  },
};

/* Whether a job has not ended yet. */
function isOn(job) {
  return Boolean(job && !["done", "stopped", "failed"].includes(job.status));
}

const trainPanel = {
  chart: null,
  shown: "",

  draw({ training, networks, recording, quality, improvement }) {
    this.offer(networks);
    const isTraining = isOn(training);
    $("train").disabled = recording.rows === 0 || isTraining || isOn(improvement); // each keeps its place: a second click never undoes the first
    setText("train", training ? "Train again" : "Train");
    $("stop-training").disabled = !isTraining || training.status === "stopping";
    for (const id of ["arch", "epochs"]) {
      $(id).disabled = isTraining;
      if (isTraining) $(id).value = training[id]; // another page may have started it
    }
    $("passed").hidden = !isTraining;
    const seen = JSON.stringify([training, recording.rows === 0, quality.is_enough]);
    if (seen === this.shown) return;
    this.shown = seen;
    $("loss").hidden = !training;
    if (!training) {
      const text = !recording.rows ? "Record some driving first." : quality.is_enough ? "" : "The recording is short: it will do for a try.";
      setText("training-status", "");
      setText("training-text", text);
      setText("command", "python train/clone.py RECORDING --output MODEL.h5");
      return;
    }
    const next = document.querySelector('[data-goto="drive"]');
    next.classList.toggle("main", training.has_model);
    $("passed").value = training.passed / training.epochs;
    setText("command", training.command);
    setText("training-status", this.headline(training));
    setText("training-text", this.text(training));
    this.drawLoss(training);
  },

  offer(networks) {
    if ($("arch").options.length) return;
    for (const name of networks.names) {
      $("arch").add(new Option(networks.pretrained.includes(name) ? `${name}, pretrained` : name, name));
    }
    $("epochs").value = networks.epochs;
  },

  headline(training) {
    const verdict = training.result?.verdict;
    const at = Math.min(Math.floor(training.passed) + 1, training.epochs);
    return {
      starting: "Getting ready…",
      running: `Epoch ${at} of ${training.epochs}`,
      stopping: "Stopping, saving the best…",
      done: verdict?.is_good ? "Done: it is ready to drive" : `Done, but it ${verdict?.level}`,
      stopped: training.has_model ? "Stopped: the best so far is saved" : "Stopped",
      failed: "That did not work",
    }[training.status];
  },

  text(training) {
    if (training.problem) return training.problem;
    if (training.result) {
      const { validation, baselines, best_epoch: best } = training.result;
      const zero = baselines["always zero"];
      const versus = zero ? `; baseline, always zero: ${zero.mse.toFixed(4)}` : "";
      const { is_good: isGood, text } = training.result.verdict;
      return `${isGood ? "" : `${text} `}Validation error, best epoch (${best}): ${validation.mse.toFixed(4)}${versus}. ${training.model}, ${minutes(training.seconds)} min.`;
    }
    if (training.passed > 0 && training.status === "running") {
      const left = (training.seconds / training.passed) * (training.epochs - training.passed);
      return `${minutes(training.seconds)} min so far, about ${minutes(left)} more. The simulator rests meanwhile.`;
    }
    return training.status === "starting" ? "Reading the recording and building the network takes some seconds." : "";
  },

  drawLoss({ steps, curve }) {
    const spec = {
      title: "Training and validation error", xLabel: "epoch", yLabel: "mean squared error", height: 220, logY: true,
      xs: [steps.map(([x]) => x), curve.map(([x]) => x)],
      lines: [
        { label: "training", x: 0, y: steps.map(([, y]) => positive(y)) },
        { label: "validation", x: 1, y: curve.map(([, , y]) => positive(y)), points: true },
      ],
    };
    if (!steps.length) return;
    if (this.chart) this.chart.update(spec);
    else this.chart = charts.draw($("loss"), spec);
  },
};

function positive(value) {
  return value > 0 ? value : null; // a logarithm's axis has no place for others
}

const drivePanel = {
  draw({ driving, models, lap, training, improvement }) {
    const isTraining = isOn(training);
    const isImproving = isOn(improvement);
    $("drive").disabled = !models.length || Boolean(driving) || isTraining || isImproving;
    $("improve").disabled = !training?.has_model || isTraining || isImproving;
    setText("improve", improvement ? "Correct it once more" : "Let the expert correct it");
    setText("improving", this.improving(improvement));
    $("stop-driving").disabled = !driving && !isImproving;
    setText("mph-shown", `${$("mph").value} mph`);
    $("mph").disabled = Boolean(driving);
    $("driving-facts").hidden = !driving;
    const isHere = ["127.0.0.1", "localhost", "[::1]"].includes(location.hostname); // the server answers to no other
    $("cockpit").hidden = !driving?.server || !isHere;
    if (driving?.server) $("cockpit").firstChild.href = driving.server;
    if (!driving) {
      const verdict = training?.model === models.at(-1) ? training?.result?.verdict : null;
      const isBad = verdict && !verdict.is_good;
      setText("driving-status", models.length ? `${models.at(-1)} ${isBad ? verdict.level : "is ready"}` : "Train a model first");
      return;
    }
    setText("driving-status", driving.status === "starting" ? "The drive server is starting…" : `${driving.model} drives`);
    this.facts({
      "autonomy": `${lap.autonomy_percent.toFixed(1)} %`,
      "laps": `${lap.laps}`,
      "put back": `${lap.interventions} times`,
      "off the line, mean": `${lap.mean_abs_cte_m.toFixed(2)} m`,
      "last lap": lap.last_lap_s === null ? "–" : `${lap.last_lap_s.toFixed(1)} s`,
    });
  },

  /* What a round of corrections is doing, or has done. */
  improving(improvement) {
    if (!improvement) return "";
    const { status, said } = improvement;
    return {
      running: said || "Getting ready…",
      stopping: "Stopping…",
      done: said,
      stopped: `Stopped. ${said}`,
      failed: `That did not work: ${said}`,
    }[status];
  },

  facts(values) {
    const list = $("driving-facts");
    if (!list.children.length) {
      for (const name of Object.keys(values)) {
        const row = document.createElement("div");
        row.append(document.createElement("dt"), document.createElement("dd"));
        row.firstChild.textContent = name;
        list.append(row);
      }
    }
    Object.values(values).forEach((text, i) => {
      const cell = list.children[i].lastChild;
      if (cell.textContent !== text) cell.textContent = text;
    });
  },
};

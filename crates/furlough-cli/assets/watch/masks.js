// The units that are off in a run's latest step.
import { color } from "/charts.js";

const byId = (id) => document.getElementById(id);
const BREAK = 700; // ms between two questions to the server, at least

/** Kinds of dropout that switch no unit off. */
const OTHERWISE = {
  gaussian: "Gaussian dropout multiplies each unit by noise; none is off.",
  dropconnect: "DropConnect leaves out weights, and no unit is off.",
  concrete: "Concrete dropout turns units down by degrees, at rates that it learns; none is quite off.",
};

let wanted = ""; // what is to be shown: a run and a step
let shown = ""; // what the picture is of
let latest = null;
let waiting = 0;
let last = 0;

/** Shows the dropped units of `run`, whose color is `slot`, when it is further than what is shown. */
export function showDropped(run, slot) {
  byId("dropped").hidden = !run || run.step == null;
  if (byId("dropped").hidden) {
    wanted = shown = "";
    return;
  }
  const otherwise = OTHERWISE[run.recipe?.dropout_kind];
  if (otherwise) {
    clearTimeout(waiting);
    wanted = shown = "";
    latest = null;
    byId("dropped-run").textContent = run.name;
    byId("dropped-about").textContent = otherwise;
    byId("layers").replaceChildren();
    return;
  }
  const key = `${run.id}:${run.step}`;
  wanted = key;
  if (key === shown) {
    draw(slot);
    return;
  }
  clearTimeout(waiting);
  waiting = setTimeout(() => ask(run, slot, key), Math.max(0, last + BREAK - performance.now()));
}

async function ask(run, slot, key) {
  last = performance.now();
  try {
    const answer = await fetch(`/dropped/${run.id}`);
    const told = answer.ok && (await answer.json());
    if (!told || wanted.split(":")[0] !== key.split(":")[0]) return; // another run came into focus meanwhile
    latest = { run, ...told };
    shown = key;
    tell();
    draw(slot);
  } catch {
    // The server has ended, which the page says elsewhere.
  }
}

function about({ step, examples, of_step, sharing }) {
  const groups = { "per-example": "each with masks of its own", batch: "all with the same masks" };
  const rows = of_step
    ? `the first ${examples.length} examples of its batch`
    : `examples 0 to ${examples.length - 1} of the data`;
  return `In step ${step.toLocaleString("en")}, the latest saved one: a row for each of ${rows}, ${
    groups[sharing] ?? `${sharing} of them with the same masks`
  }. Gaps are units that are off.`;
}

function tell() {
  byId("dropped-run").textContent = latest.run.name;
  byId("dropped-about").textContent = latest.layers.length ? about(latest) : "This network has no dropout.";
  const layers = latest.layers.map((layer) => {
    const box = document.createElement("div");
    box.className = "layer";
    const line = document.createElement("p");
    const name = layer.layer === 0 ? "features" : `hidden layer ${layer.layer}`;
    const mean = layer.off.reduce((sum, off) => sum + off, 0) / layer.off.length;
    const texts = [
      `${name}, p = ${+layer.p.toPrecision(3)}`,
      `${mean.toFixed(1)} of ${layer.units} off on average (${((100 * mean) / layer.units).toFixed(1)} %)`,
    ];
    line.append(...[...texts, ""].map((text) => Object.assign(document.createElement("span"), { textContent: text })));
    const canvas = document.createElement("canvas");
    canvas.setAttribute("role", "img");
    canvas.setAttribute("aria-label", texts.join(": "));
    box.append(line, canvas);
    return box;
  });
  byId("layers").replaceChildren(...layers);
}

function draw(slot) {
  if (!latest) return;
  const on = color.slot(slot ?? 0);
  const canvases = byId("layers").querySelectorAll("canvas");
  latest.layers.forEach((layer, index) => drawLayer(canvases[index], layer, on));
}

function drawLayer(canvas, layer, on) {
  const scale = devicePixelRatio || 1;
  const width = Math.round(canvas.clientWidth * scale);
  const told = layer.masks[0].length * 4;
  const least = 2 * scale;
  const units = Math.min(layer.units, told, Math.floor(width / least));
  const cell = Math.min(8 * scale, width / units);
  const height = Math.max(3 * scale, Math.min(8 * scale, cell));
  canvas.width = width;
  canvas.height = Math.round(height * layer.masks.length);
  canvas.previousSibling.lastChild.textContent = units < layer.units ? `the first ${units} are drawn` : "";
  canvas.style.height = `${canvas.height / scale}px`;
  const pen = canvas.getContext("2d");
  pen.fillStyle = on;
  const gap = cell > 4 * scale ? scale : 0.35 * scale;
  layer.masks.forEach((digits, row) => {
    for (let unit = 0; unit < units; unit += 1) {
      const off = (parseInt(digits[unit >> 2], 16) >> (unit & 3)) & 1;
      if (!off) pen.fillRect(unit * cell, row * height, cell - gap, height - gap);
    }
  });
}

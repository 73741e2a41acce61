// The list of runs.
import { color, evalAccuracy, evalLoss, evalSplit, inUnits } from "/charts.js";

const collator = new Intl.Collator("en", { numeric: true });
export const naturally = (a, b) => collator.compare(a, b);

const text = (value) => (Array.isArray(value) ? value.join(", ") : `${value}`);
const KEYS_TOLD = 4;
const SHORT = {
  hidden: (value) => (value.length ? value.join("-") : "no hidden layer"),
  dropout: (value) => `p ${text(value)}`,
  input_dropout: (value) => `input p ${value}`,
  data: (value) => value,
  activation: (value) => value,
  dropout_kind: (value) => value,
};
/** A value in few words, which stay on one line. */
const short = (key, value) => (SHORT[key]?.(value) ?? `${key.replaceAll("_", " ")} ${text(value)}`).replaceAll(" ", "\u00a0");

/** Gives each run its `about`: the recipe's values that are not the same for all runs; or, where all are, the most telling. */
export function describe(runs) {
  const recipes = runs.map((run) => run.recipe).filter(Boolean);
  const keys = [...new Set(recipes.flatMap(Object.keys))];
  const differing = keys.filter((key) => new Set(recipes.map((recipe) => JSON.stringify(recipe[key]))).size > 1);
  for (const run of runs) {
    const { recipe } = run;
    if (!recipe) {
      run.about = "";
    } else if (differing.length === 0) {
      const telling = ["data", "hidden", "dropout"].filter((key) => recipe[key].length);
      run.about = telling.map((key) => short(key, recipe[key])).join(" · ");
    } else {
      const told = differing.filter((key) => recipe[key] !== undefined).slice(0, KEYS_TOLD);
      run.about = told.map((key) => short(key, recipe[key])).join(" · ");
    }
  }
}

/** Whether a run has the words of a filter, spaces of all kinds being equal. */
export const fits = (run, filter) => `${run.name} ${run.about} ${run.state}`.toLowerCase().replaceAll("\u00a0", " ").includes(filter);

const rows = new Map(); // id → the elements of a run in the list

function element(tag, className, parent) {
  const made = document.createElement(tag);
  if (className) made.className = className;
  parent?.append(made);
  return made;
}

function makeRow(run, { toggle, focus }) {
  const item = element("li");
  const box = element("input", "", item);
  box.type = "checkbox";
  const name = element("button", "name", item);
  name.type = "button";
  const row = { item, box, name };
  row.score = element("span", "score", item);
  row.about = element("span", "about", item);
  row.state = element("span", "state", item);
  row.progress = element("progress", "", item);
  row.problem = element("p", "problem", item);
  box.addEventListener("change", () => toggle(run.id));
  name.addEventListener("click", () => focus(run.id));
  return row;
}

const set = (node, key, value) => { if (node[key] !== value) node[key] = value; };

function fillRow(row, run, page) {
  const slot = page.drawn.get(run.id);
  const last = run.rows.at(-1);
  const of = run.recipe?.epochs;
  row.item.classList.toggle("focus", run.id === page.focus);
  if (slot === undefined) row.item.style.removeProperty("--color");
  else row.item.style.setProperty("--color", color.name(slot));
  set(row.box, "checked", slot !== undefined);
  row.box.setAttribute("aria-label", `draw ${run.name}`);
  set(row.name, "textContent", run.name);
  set(row.name, "title", run.name);
  const accuracy = evalAccuracy(last) ?? last?.train_accuracy;
  const loss = evalLoss(last) ?? last?.train_loss;
  set(row.score, "textContent", accuracy != null ? `${(100 * accuracy).toFixed(1)} %` : loss != null ? (inUnits(loss, run) ?? loss).toPrecision(4) : "");
  set(row.score, "title", evalAccuracy(last) != null ? `${evalSplit(run)} accuracy` : run.target ? `${evalSplit(run)} RMSE of ${run.target.name}` : "");
  set(row.about, "textContent", run.about);
  set(row.about, "title", run.about);
  const at = run.state === "finished" || !of ? "" : ` ${run.rows.length}/${of}`;
  set(row.state, "textContent", run.state + at);
  set(row.state, "className", `state ${run.state}`);
  set(row.progress, "hidden", run.state !== "running");
  set(row.progress, "max", of ?? 1);
  set(row.progress, "value", Math.min(run.rows.length, of ?? 1));
  row.progress.setAttribute("aria-label", `epochs of ${run.name}`);
  set(row.problem, "textContent", run.problem ?? "");
  set(row.problem, "hidden", !run.problem);
}

/** Brings the list up to date. */
export function drawList(list, page, actions) {
  for (const [id, row] of rows) {
    if (page.runs.has(id)) continue;
    row.item.remove();
    rows.delete(id);
  }
  const order = (a, b) => (b.state === "running") - (a.state === "running") || naturally(a.name, b.name);
  let before = null;
  for (const run of [...page.runs.values()].sort(order)) {
    if (!rows.has(run.id)) rows.set(run.id, makeRow(run, actions));
    const row = rows.get(run.id);
    fillRow(row, run, page);
    set(row.item, "hidden", !fits(run, page.filter));
    const place = before ? before.nextSibling : list.firstChild;
    if (place !== row.item) list.insertBefore(row.item, place);
    before = row.item;
  }
}

// What the page knows, and who is told when it changes.
import { Chart, color, evalAccuracy, evalLoss, evalSplit, inUnits } from "/charts.js";
import { showDropped } from "/masks.js";
import { describe, drawList, fits, naturally } from "/runs.js";

const byId = (id) => document.getElementById(id);
const MOST_FOLLOWED = 6;

const page = {
  runs: new Map(), // id → head with `rows`, its epochs, and `about`, what sets it apart
  drawn: new Map(), // id → which color
  follow: true,
  focus: null, // whose figures are told
  chosen: false, // whether the user brought it into focus
  filter: "",
};

const share = (value) => (value == null ? "–" : `${(100 * value).toFixed(1)} %`);
const small = (value) => (value == null ? "–" : value.toPrecision(4));
const compact = new Intl.NumberFormat("en", { notation: "compact", maximumSignificantDigits: 3 });
const rate = (run, row) => (run.examples && row.seconds > 0 ? run.examples / row.seconds : null);
const named = (run, evaluated, train, format) => {
  const parts = [evaluated == null ? null : `${evalSplit(run)} ${format(evaluated)}`, train == null ? null : `train ${format(train)}`];
  return parts.filter(Boolean).join(" · ");
};

const charts = [
  new Chart(byId("accuracy"), {
    lines: [evalAccuracy, (row) => row.train_accuracy],
    axis: (value) => `${+(100 * value).toFixed(2)} %`,
    tell: (run, row) => named(run, evalAccuracy(row), row.train_accuracy, share),
  }),
  new Chart(byId("rmse"), {
    lines: [(row, run) => inUnits(evalLoss(row), run), (row, run) => inUnits(row.train_loss, run)],
    axis: (value) => compact.format(value),
    tell: (run, row) => named(run, inUnits(evalLoss(row), run), inUnits(row.train_loss, run), small),
  }),
  new Chart(byId("loss"), {
    lines: [evalLoss, (row) => row.train_loss],
    axis: (value) => `${+value.toPrecision(6)}`,
    tell: (run, row) => named(run, evalLoss(row), row.train_loss, small),
  }),
  new Chart(byId("rate"), {
    lines: [(row, run) => rate(run, row)],
    axis: (value) => compact.format(value),
    tell: (run, row) => (rate(run, row) == null ? "" : compact.format(rate(run, row))),
    zero: true,
  }),
];

/** Takes in an update, as `catalog.rs` writes it. */
function take(update) {
  if (update.reset) {
    const before = page.runs;
    page.runs = new Map();
    // The same folders may have other numbers now, if it is another server.
    const same = update.heads.every((head) => !before.has(head.id) || before.get(head.id).name === head.name);
    if (!same) page.drawn.clear();
    byId("root").textContent = update.root;
    document.title = `${update.root} – Furlough`;
  }
  for (const head of update.heads) {
    page.runs.set(head.id, { rows: [], ...page.runs.get(head.id), ...head });
  }
  for (const { run, from, rows } of update.epochs) {
    const known = page.runs.get(run);
    if (known) known.rows = known.rows.slice(0, from).concat(rows);
  }
  update.gone.forEach((id) => page.runs.delete(id));
  if (update.heads.length || update.gone.length) describe([...page.runs.values()]);
  redraw();
}

/** The runs that train, and the latest beside them. */
function followed() {
  const order = (a, b) => (b.state === "running") - (a.state === "running") || b.changed - a.changed || naturally(a.name, b.name);
  return [...page.runs.values()].sort(order).slice(0, MOST_FOLLOWED).map((run) => run.id);
}

/** Draws these runs; each keeps its color as long as it is drawn. */
function choose(ids) {
  const wanted = new Set(ids);
  for (const id of page.drawn.keys()) if (!wanted.has(id)) page.drawn.delete(id);
  const taken = new Set(page.drawn.values());
  for (const id of wanted) {
    if (page.drawn.has(id)) continue;
    let slot = 0;
    while (taken.has(slot)) slot += 1;
    taken.add(slot);
    page.drawn.set(id, slot);
  }
}

/** Unless the user chose a run that is still drawn, the one in focus is one that trains, as long as one does. */
function refocus() {
  const drawn = [...page.drawn.keys()].map((id) => page.runs.get(id));
  const now = drawn.find((run) => run.id === page.focus);
  if (now && (page.chosen || now.state === "running")) return;
  const latest = (a, b) => b.changed - a.changed;
  const next = drawn.filter((run) => run.state === "running").sort(latest)[0] ?? now ?? drawn.sort(latest)[0];
  Object.assign(page, { focus: next?.id ?? null, chosen: false });
}

function update() {
  if (page.follow) choose(followed());
  else choose([...page.drawn.keys()].filter((id) => page.runs.has(id)));
  refocus();
  const some = page.runs.size > 0;
  byId("empty").hidden = some;
  byId("pictures").hidden = !some;
  byId("filter").hidden = page.runs.size < 8;
  byId("follow").setAttribute("aria-pressed", page.follow);
  byId("count").textContent = some ? page.runs.size : "";
  drawList(byId("runs"), page, { toggle, focus });
  const drawn = [...page.drawn].map(([id, slot]) => ({ run: page.runs.get(id), slot, focus: id === page.focus }));
  byId("split").textContent = [...new Set(drawn.map(({ run }) => evalSplit(run)))].sort().join(" or ") || "test";
  if (some) charts.forEach((chart) => chart.draw(drawn));
  showDropped(page.runs.get(page.focus), page.drawn.get(page.focus));
}

let asked = false;
function redraw() {
  if (asked) return;
  asked = true;
  requestAnimationFrame(() => {
    asked = false;
    update();
  });
}

function toggle(id) {
  page.follow = false;
  const ids = [...page.drawn.keys()];
  choose(page.drawn.has(id) ? ids.filter((other) => other !== id) : [...ids, id]);
  redraw();
}

function focus(id) {
  Object.assign(page, { focus: id, chosen: true });
  if (!page.drawn.has(id)) {
    page.follow = false;
    choose([...page.drawn.keys(), id]);
  }
  redraw();
}

byId("follow").addEventListener("click", () => { Object.assign(page, { follow: true, chosen: false }); redraw(); });
byId("all").addEventListener("click", () => {
  page.follow = false;
  choose([...page.runs.values()].filter((run) => fits(run, page.filter)).map((run) => run.id));
  redraw();
});
byId("none").addEventListener("click", () => { page.follow = false; choose([]); redraw(); });
byId("filter").addEventListener("input", (event) => { page.filter = event.target.value.toLowerCase(); redraw(); });
matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => {
  color.forget();
  charts.forEach((chart) => chart.rebuild());
  redraw();
});
addEventListener("resize", redraw);

const link = (state, text) => {
  byId("link").dataset.state = state;
  byId("link").textContent = text;
};
const source = new EventSource("/events");
source.addEventListener("open", () => link("live", "live"));
source.addEventListener("error", () => link("lost", "furlough watch has ended"));
source.addEventListener("message", (event) => take(JSON.parse(event.data)));

// Makes the curves of a report answer the mouse, the finger and the arrow keys. Without it the page has the same curves as pictures and tables.
/* global uPlot */

const HEIGHT = 280;
const scheme = matchMedia("(prefers-color-scheme: dark)");
const style = (name) => getComputedStyle(document.documentElement).getPropertyValue(name).trim();

// "--train" is a color of the page, anything else a color as it is.
const color = (name) => (name.startsWith("--") ? style(name) : name);

function figure(value, percent) {
  if (value == null) return "–";
  if (percent) return (100 * value).toFixed(2) + " %";
  const size = Math.abs(value);
  return size !== 0 && (size < 1e-3 || size >= 1e5) ? value.toExponential(3) : value.toFixed(4);
}

function ticks(values, percent) {
  const step = values.length > 1 ? Math.abs(values[1] - values[0]) : 1;
  const scaled = percent ? 100 * step : step;
  // As many decimals as the step has: 0.25 has two.
  let decimals = 0;
  while (decimals < 6 && Math.abs(scaled * 10 ** decimals - Math.round(scaled * 10 ** decimals)) > 1e-6) decimals += 1;
  return values.map((value) => {
    if (value == null) return "";
    if (percent) return (100 * value).toFixed(decimals) + " %";
    return Math.abs(value) >= 1e5 || (value !== 0 && Math.abs(value) < 1e-4) ? value.toExponential(0) : value.toFixed(decimals);
  });
}

// One button a curve: its name, its value under the cursor, and whether it is drawn.
function legend(place, chart, toggle) {
  const outputs = chart.series.map((series, index) => {
    const button = document.createElement("button");
    button.type = "button";
    button.className = "key";
    button.setAttribute("aria-pressed", "true");
    button.title = "Show or hide this curve";
    const swatch = document.createElement("i");
    swatch.className = series.dash ? "swatch dash" : "swatch";
    swatch.style.setProperty("--swatch", series.color.startsWith("--") ? `var(${series.color})` : series.color);
    const name = document.createElement("span");
    name.textContent = series.name;
    const value = document.createElement("b");
    button.append(swatch, name, value);
    button.onclick = () => {
      const shown = button.getAttribute("aria-pressed") !== "true";
      button.setAttribute("aria-pressed", String(shown));
      toggle(index + 1, shown);
    };
    place.append(button);
    return value;
  });
  return (index) =>
    outputs.forEach((output, number) => {
      output.textContent = index == null ? "" : figure(chart.series[number].values[index], chart.percent);
    });
}

function options(chart, width, sync, tell) {
  const axis = { stroke: style("--pale"), grid: { stroke: style("--grid"), width: 1 }, ticks: { show: false }, font: "12px system-ui, sans-serif" };
  const points = chart.x.length <= 40;
  return {
    width,
    height: HEIGHT,
    legend: { show: false },
    cursor: { sync: { key: sync }, drag: { x: true, y: false }, points: { size: 8 }, y: false },
    scales: { x: { time: false, range: chart.x.length === 1 ? [chart.x[0] - 1, chart.x[0] + 1] : undefined }, y: chart.log ? { distr: 3 } : chart.percent ? {} : { range: (_, least, most) => [Math.min(0, least), most > 0 ? 1.05 * most : 1] } },
    axes: [
      { ...axis, size: 34, gap: 6, incrs: [1, 2, 5, 10, 20, 50, 100, 200, 500, 1000, 2000, 5000, 10000] },
      { ...axis, size: 56, gap: 6, values: (_, values) => ticks(values, chart.percent) },
    ],
    series: [
      {},
      ...chart.series.map((series) => ({
        stroke: color(series.color),
        width: 2,
        dash: series.dash ? [6, 4] : undefined,
        spanGaps: false,
        points: { show: points, size: 6, fill: color(series.color) },
      })),
    ],
    hooks: { setCursor: [(plot) => tell(plot.cursor.idx)] },
  };
}

function draw(holder) {
  const chart = JSON.parse(holder.querySelector("script").textContent);
  const canvas = document.createElement("div");
  canvas.className = "canvas";
  canvas.tabIndex = 0;
  canvas.setAttribute("role", "application");
  canvas.setAttribute("aria-label", `${chart.title}. The left and right arrow keys read the values.`);
  const keys = document.createElement("div");
  keys.className = "keys";
  const at = document.createElement("p");
  at.className = "at";
  const spoken = document.createElement("p");
  spoken.className = "unseen";
  spoken.setAttribute("aria-live", "polite");
  holder.append(canvas, keys, at, spoken);

  let plot;
  const hidden = new Set();
  const values = legend(keys, chart, (index, show) => {
    hidden[show ? "delete" : "add"](index);
    plot.setSeries(index, { show });
  });
  const last = chart.x.length - 1;
  const tell = (index) => {
    const place = index ?? last;
    values(place);
    at.textContent = `${chart.xlabel} ${chart.x[place]}${index == null ? " (last)" : ""}`;
  };
  const make = () => {
    plot?.destroy();
    const width = canvas.clientWidth || 320;
    plot = new uPlot(options(chart, width, holder.dataset.sync, tell), [chart.x, ...chart.series.map((series) => series.values)], canvas);
    hidden.forEach((index) => plot.setSeries(index, { show: false }));
    tell(null);
  };
  make();
  scheme.addEventListener("change", make);
  new ResizeObserver(() => plot.width !== canvas.clientWidth && canvas.clientWidth > 0 && plot.setSize({ width: canvas.clientWidth, height: HEIGHT })).observe(canvas);

  canvas.addEventListener("keydown", (event) => {
    const now = plot.cursor.idx ?? last;
    const to = { ArrowLeft: now - 1, ArrowRight: now + 1, Home: 0, End: last }[event.key];
    if (to === undefined) return;
    event.preventDefault();
    const index = Math.min(last, Math.max(0, to));
    // Its hooks run, and the other charts follow.
    plot.setCursor({ left: plot.valToPos(chart.x[index], "x"), top: 0 }, true, true);
    const said = chart.series.map((series) => `${series.name} ${figure(series.values[index], chart.percent)}`);
    spoken.textContent = `${chart.xlabel} ${chart.x[index]}: ${said.join(", ")}`;
  });
}

document.documentElement.classList.add("live");
document.querySelectorAll(".plot").forEach(draw);

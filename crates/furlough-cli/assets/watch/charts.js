// Curves over the epochs, drawn by uPlot.
/* global uPlot */

const COLORS = 8;
const seen = new Map();

/** The page's colors, as a canvas wants them. */
export const color = {
  name: (slot) => `var(--c${slot % COLORS})`,
  /** What a CSS variable comes to in the present scheme. */
  of(variable) {
    if (!seen.has(variable)) {
      const probe = document.createElement("i");
      probe.style.color = `var(${variable})`;
      document.body.append(probe);
      seen.set(variable, getComputedStyle(probe).color);
      probe.remove();
    }
    return seen.get(variable);
  },
  slot: (slot) => color.of(`--c${slot % COLORS}`),
  forget: () => seen.clear(),
};

/** The figures of the full network; an older log calls those of held-out examples `test_…` too. */
export const evalLoss = (row) => row?.val_loss ?? row?.test_loss;
export const evalAccuracy = (row) => row?.val_accuracy ?? row?.test_accuracy;

/** A loss as an error in the target's units, where one column of numbers is predicted. */
export const inUnits = (loss, run) => (run.target == null || loss == null ? null : run.target.deviation * Math.sqrt(loss));

/** Which examples these figures are of. */
export const evalSplit = (run) => (run.recipe?.folds == null ? "test" : "validation");

const fade = (rgb) => rgb.replace(/^rgb\((.*)\)$/, "rgba($1, 0.55)");

export class Chart {
  /** `lines` say what to draw of an epoch, the first as a whole line and the second dashed; `tell` puts an epoch into words. */
  constructor(figure, { lines, axis, tell, zero = false }) {
    Object.assign(this, { figure, lines, axis, tell, zero, drawn: [], plot: null, key: "" });
    this.box = figure.querySelector(".chart");
    this.said = figure.querySelector("output");
  }

  /** Draws these runs, each with its color's number. */
  draw(drawn) {
    // What has no figures in any run, such as the accuracy of a regression, is not shown at all.
    const any = (line) => drawn.some(({ run }) => run.rows.some((row) => line(row, run) != null));
    this.figure.hidden = drawn.some(({ run }) => run.rows.length) && !this.lines.some(any);
    if (this.figure.hidden) return;
    this.drawn = drawn;
    const key = drawn.map(({ run, slot, focus }) => `${run.id}:${slot}:${focus}`).join();
    const width = this.box.clientWidth;
    if (!this.plot || key !== this.key) this.build(key, width);
    else if (this.plot.width !== width) this.plot.setSize({ width, height: this.plot.height });
    this.plot.setData(this.data());
    this.say();
  }

  rebuild() {
    this.plot?.destroy();
    this.plot = null;
  }

  /** The run in focus comes last, so that it lies on top. */
  inOrder() {
    return [...this.drawn].sort((a, b) => a.focus - b.focus);
  }

  data() {
    const longest = Math.max(1, ...this.drawn.map(({ run }) => run.rows.length));
    const epochs = Array.from({ length: longest }, (_, index) => index + 1);
    const column = (run, line) => epochs.map((_, index) => (run.rows[index] ? line(run.rows[index], run) : null));
    return [epochs, ...this.inOrder().flatMap(({ run }) => this.lines.map((line) => column(run, line)))];
  }

  build(key, width) {
    this.rebuild();
    this.key = key;
    const several = this.drawn.length > 1;
    const series = ({ run, slot, focus }, index) => {
      const ink = color.slot(slot);
      const wide = focus || !several;
      return {
        label: `${run.name} ${index ? "train" : evalSplit(run)}`,
        stroke: index || (several && !focus && this.drawn.length > 3) ? fade(ink) : ink,
        width: index ? 1.25 : wide ? 2.25 : 1.5,
        dash: index ? [5, 4] : undefined,
        points: { size: 5, show: (plot) => plot.data[0].length < 3 },
      };
    };
    const font = `12px ${getComputedStyle(document.body).fontFamily}`;
    const lines = { stroke: color.of("--line"), width: 1 };
    const axis = { stroke: color.of("--soft"), font, grid: lines, ticks: { ...lines, size: 4 } };
    const zero = { y: { range: (plot, low, high) => [0, (high || 1) * 1.08] } };
    this.plot = new uPlot(
      {
        width,
        height: parseInt(getComputedStyle(this.box).minHeight, 10),
        padding: [8, 10, 0, 0],
        legend: { show: false },
        cursor: { sync: { key: "epochs", setSeries: false }, y: false, drag: { x: false, y: false }, points: { size: 6 } },
        scales: { x: { time: false, range: (plot, low, high) => [1, Math.max(2, high)] }, ...(this.zero ? zero : {}) },
        axes: [
          { ...axis, grid: { show: false }, size: 28, incrs: [1, 2, 5, 10, 20, 50, 100, 200, 500, 1000, 2000, 5000, 10000] },
          { ...axis, size: 54, values: (plot, values) => values.map(this.axis) },
        ],
        series: [{}, ...this.inOrder().flatMap((line) => this.lines.map((_, index) => series(line, index)))],
        hooks: { setCursor: [() => this.say()] },
      },
      this.data(),
      this.box,
    );
  }

  /** The focused run's figures where the cursor is, or its last. */
  say() {
    const run = this.drawn.find(({ focus }) => focus)?.run;
    const index = this.plot?.cursor.idx;
    const row = run && (index == null ? run.rows.at(-1) : run.rows[index]);
    const told = row ? this.tell(run, row) : "";
    this.said.textContent = told ? `epoch ${row.epoch}: ${told}` : "";
  }
}

// Looks at `furlough watch` with a real browser and fails if something is not as it should be.
//
//     node scripts/watch_browser.mjs URL [FOLDER]
//
// FOLDER is for pictures of the page. FURLOUGH_PLAYWRIGHT names a folder whose node_modules has playwright-core, and FURLOUGH_BROWSER the browser
// [chromium, from PATH]. It says `ready` when the page shows what is there, then waits for a run named `late` to come, says `running`,
// waits for it to stop, says `stopped`, waits for the server to end, and says `done`. Whoever started it (crates/furlough-cli/tests/watch_browser.rs) sees to that.
import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { createRequire } from "node:module";
import { resolve } from "node:path";

const [url, folder] = process.argv.slice(2);
const require = createRequire(resolve(process.env.FURLOUGH_PLAYWRIGHT ?? ".", "package.json"));
const { chromium } = require("playwright-core");
const named = process.env.FURLOUGH_BROWSER ?? "chromium";
const executablePath = named.includes("/") ? named : execFileSync("which", [named], { encoding: "utf8" }).trim();

const browser = await chromium.launch({ executablePath, args: ["--no-sandbox", "--disable-gpu"] });
const faults = [];

async function open(options) {
  const page = await (await browser.newContext(options)).newPage();
  page.on("console", (message) => message.type() === "error" && faults.push(message.text()));
  page.on("pageerror", (error) => faults.push(`${error}`));
  page.on("request", (request) => request.url().startsWith(url) || faults.push(`asked for ${request.url()}`));
  await page.goto(url);
  await page.waitForSelector('#link[data-state="live"]');
  await page.waitForSelector("#runs li");
  return page;
}

/** How much of a canvas is drawn on, from 0 to 1. */
const drawn = (page, selector) =>
  page.waitForFunction((selector) => {
    const canvas = document.querySelector(selector);
    if (!canvas?.width || !canvas.height) return false;
    const pixels = canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height).data;
    let inked = 0;
    for (let at = 3; at < pixels.length; at += 4) inked += pixels[at] > 0;
    return inked / (canvas.width * canvas.height) > 0.004;
  }, selector);

const picture = async (page, name) => folder && page.screenshot({ path: `${folder}/${name}.png`, fullPage: true });

async function whole(page) {
  for (const chart of ["accuracy", "loss", "rate"]) await drawn(page, `#${chart} canvas`);
  await drawn(page, "#layers .layer canvas");
  const wide = await page.evaluate(() => [document.documentElement.scrollWidth, innerWidth]);
  assert.ok(wide[0] <= wide[1], `${wide[0]} pixels in a window of ${wide[1]}`);
}

const page = await open({ viewport: { width: 1360, height: 900 }, colorScheme: "light" });
await whole(page);
await picture(page, "light");

// Every control has a name.
const nameless = await page.evaluate(() =>
  [...document.querySelectorAll("button, input, canvas[role], progress")]
    .filter((node) => !(node.getAttribute("aria-label") || node.textContent.trim()))
    .map((node) => node.outerHTML),
);
assert.deepEqual(nameless, []);

// What is drawn is the user's choice.
const colors = () => page.evaluate(() => document.querySelectorAll("#runs input:checked").length);
const before = await colors();
assert.ok(before > 0);
await page.click("#runs li:first-child input");
await page.waitForSelector('#follow[aria-pressed="false"]');
assert.equal(await colors(), before - 1);
await page.click("#none");
// What is held out is called validation, here and everywhere.
const told = (words, text) => page.waitForFunction(([id, text]) => document.querySelector(id).textContent.includes(text), [words, text]);
await page.waitForFunction(() => !document.querySelector("#runs input:checked"));
await page.click('#runs .name[title="a-fold"]');
await told("#split", "validation");
await told("#accuracy output", ": validation ");
await told("#loss output", ": validation ");
assert.equal(await page.getAttribute('#runs li:has(.name[title="a-fold"]) .score', "title"), "validation accuracy");
await picture(page, "validation");
await page.click('#runs li:has(.name[title="plain"]) input');
await told("#split", "test or validation");
await page.click("#none");
await page.waitForFunction(() => !document.querySelector("#runs input:checked"));
await page.click("#runs li:last-child .name");
await page.waitForSelector("#runs li:last-child.focus input:checked");
const name = await page.textContent("#runs li:last-child .name");
await page.waitForFunction((name) => document.querySelector("#dropped-run").textContent === name, name);
await page.click("#all");
await page.waitForFunction(() => !document.querySelector("#runs input:not(:checked)"));
await page.click("#follow");

// The figures under the pointer are told.
const box = await page.locator("#accuracy .u-over").boundingBox();
await page.mouse.move(box.x + 1, box.y + box.height / 2);
await page.waitForFunction(() => /^epoch 1: test [\d.]+ % · train [\d.]+ %$/.test(document.querySelector("#accuracy output").textContent));
await page.waitForFunction(() => document.querySelector("#loss output").textContent.startsWith("epoch 1: "));
await page.mouse.move(0, 0);

const dark = await open({ viewport: { width: 1360, height: 900 }, colorScheme: "dark" });
await whole(dark);
await picture(dark, "dark");
const phone = await open({ viewport: { width: 390, height: 844 }, deviceScaleFactor: 2, isMobile: true, hasTouch: true });
await whole(phone);
await picture(phone, "phone");

console.log("ready");
const late = (rest) => `#runs li:has(.name[title="late"]) ${rest}`;
await page.waitForSelector(late(".state.running"), { timeout: 60_000 });
// Whoever follows is shown the one that trains.
await page.waitForFunction(() => document.querySelector("#dropped-run").textContent === "late");
await picture(page, "running");
console.log("running");
await page.waitForSelector(late(".state.stopped"), { timeout: 60_000 });
await page.waitForSelector(late("input:checked"));
console.log("stopped");
assert.deepEqual(faults, []);
await page.waitForSelector('#link[data-state="lost"]', { timeout: 60_000 });
console.log("done");
await browser.close();

// Opens the HTML report in Chromium and uses it as a reader would.
// Usage: node browser.mjs REPORT.html HOSTILE.html MANY.html [FOLDER FOR PICTURES]
import assert from 'node:assert/strict';
import { createRequire } from 'node:module';
import { pathToFileURL } from 'node:url';

const { chromium } = createRequire(process.cwd() + '/')('playwright-core');
const [report, hostile, many, pictures] = process.argv.slice(2);
const browser = await chromium.launch({
  executablePath: process.env.CHROMIUM || '/usr/bin/chromium',
  args: ['--no-sandbox', '--disable-gpu'],
});

// A page that records every request and every complaint.
async function open(file, options = {}) {
  const context = await browser.newContext({ viewport: { width: 1280, height: 1000 }, ...options });
  const page = await context.newPage();
  const trouble = [];
  page.on('console', (message) => { if (['error', 'warning'].includes(message.type())) trouble.push(message.text()); });
  page.on('pageerror', (error) => trouble.push(String(error)));
  page.on('dialog', (dialog) => { trouble.push('dialog: ' + dialog.message()); dialog.dismiss(); });
  const url = pathToFileURL(file).href;
  page.on('request', (request) => { if (request.url() !== url) trouble.push('request: ' + request.url()); });
  await page.goto(url);
  return { page, trouble, close: async () => { assert.deepEqual(trouble, [], file); await context.close(); } };
}

async function step(name, work) {
  const begun = Date.now();
  await work();
  console.log(`ok ${name} (${Date.now() - begun} ms)`);
}

const visible = (page) => page.locator('#timeline .ev:not([hidden])').count();

await step('the answer, its picture and its parts are there', async () => {
  const { page, close } = await open(report);
  assert.match(await page.locator('h1').innerText(), /\S/);
  assert.ok(await page.locator('figure.picture svg[role=img]').first().isVisible());
  for (const id of ['causes', 'attempts', 'timeline', 'ruled-out', 'coverage', 'inputs']) {
    assert.equal(await page.locator(`section#${id}`).count(), 1, id);
  }
  await close();
});

await step('the timeline narrows by host, phase, attempt, cause and text', async () => {
  const { page, close } = await open(report);
  const all = await visible(page);
  assert.ok(all > 10);
  for (const name of ['h', 'p', 'a', 'c']) {
    const options = await page.locator(`#filter [name=${name}] option`).all();
    assert.ok(options.length > 1, name);
    await page.locator(`#filter [name=${name}]`).selectOption({ index: 1 });
    await page.waitForTimeout(150);
    const some = await visible(page);
    assert.ok(some > 0 && some < all, `${name}: ${some} of ${all}`);
    assert.match(await page.locator('#filter output').innerText(), new RegExp(`^${some} of ${all} rows$`));
    await page.locator('#filter [type=reset]').click();
    await page.waitForTimeout(50);
    assert.equal(await visible(page), all);
  }
  await page.locator('#filter [name=q]').fill('36870');
  await page.waitForTimeout(150);
  const found = await visible(page);
  assert.ok(found > 0 && found < all);
  await close();
});

await step('the timeline zooms by buttons, keys and dragging, and shows all again', async () => {
  const { page, close } = await open(report);
  const all = await visible(page);
  const span = () => page.locator('#span').innerText();
  const whole = await span();
  const button = (name) => page.locator(`#zoom button[data-zoom=${name}]`);
  for (let n = 0; n < 3; n += 1) await button('in').click();
  const some = await visible(page);
  assert.ok(some < all && (await span()) !== whole, `${some} of ${all}`);
  await button('all').click();
  assert.equal(await visible(page), all);
  assert.equal(await span(), whole);
  await page.locator('#strip').focus();
  await page.keyboard.press('+');
  assert.ok((await visible(page)) < all);
  await page.keyboard.press('0');
  assert.equal(await visible(page), all);
  // The last tenth of the strip holds the last records and not the first.
  const box = await page.locator('#strip').boundingBox();
  await page.mouse.move(box.x + box.width * 0.9, box.y + 10);
  await page.mouse.down();
  await page.mouse.move(box.x + box.width - 2, box.y + 12, { steps: 4 });
  await page.mouse.up();
  const late = await visible(page);
  assert.ok(late > 0 && late < all, `${late} of ${all}`);
  assert.equal(await page.locator('#timeline .ev').first().isVisible(), false);
  // Another choice keeps the span; a link to a record outside of it shows the record.
  await page.locator('#filter [name=h]').selectOption({ index: 1 });
  await page.waitForTimeout(150);
  assert.ok((await visible(page)) <= late);
  const first = await page.locator('#timeline details.ev').first().getAttribute('id');
  await page.evaluate((id) => { location.hash = id; }, first);
  await page.waitForTimeout(150);
  assert.ok(await page.locator(`[id="${first}"]`).isVisible());
  assert.equal(await visible(page), all);
  await close();
});

await step('a record opens by click and by keyboard, and a link leads to it', async () => {
  const { page, close } = await open(report);
  const first = page.locator('#timeline details.ev').first();
  await first.locator('summary').click();
  assert.ok(await first.locator('dl').isVisible());
  const second = page.locator('#timeline details.ev').nth(1);
  await second.locator('summary').focus();
  await page.keyboard.press('Enter');
  assert.ok(await second.locator('dl').isVisible());
  const link = page.locator('#causes a.rec').first();
  const target = (await link.getAttribute('href')).slice(1);
  await link.click();
  await page.waitForTimeout(100);
  assert.ok(await page.locator(`[id="${target}"]`).evaluate((row) => row.open));
  await close();
});

await step('an attempt opens and shows its own records', async () => {
  const { page, close } = await open(report);
  const attempt = page.locator('details.attempt').nth(1);
  await attempt.locator('summary').first().click();
  assert.ok(await attempt.locator('svg').isVisible());
  const all = await visible(page);
  await attempt.locator('button.pick').click();
  await page.waitForTimeout(150);
  assert.ok((await visible(page)) < all);
  await close();
});

await step('without scripts every record is there and no dead form', async () => {
  const { page, close } = await open(report, { javaScriptEnabled: false });
  assert.equal(await page.locator('#filter').isVisible(), false);
  assert.equal(await page.locator('button:visible').count(), 0);
  assert.ok((await page.locator('#timeline .ev').count()) > 10);
  await close();
});

await step('hostile text stays text', async () => {
  const { page, close } = await open(hostile);
  assert.equal(await page.evaluate(() => window.hacked), undefined);
  const ours = await page.evaluate(() => ({
    scripts: document.scripts.length,
    styles: document.querySelectorAll('style, link').length,
    loads: document.querySelectorAll('img, iframe, object, embed, video, audio, base').length,
    handlers: [...document.querySelectorAll('*')].filter((e) => [...e.attributes].some((a) => /^on|^style$/i.test(a.name))).length,
    links: [...document.links].filter((a) => !/^(https:|file:)/.test(a.href)).length,
    steering: /[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u200b-\u200f\u202a-\u202e\u2066-\u2069]/.test(document.body.innerText),
  }));
  assert.deepEqual(ours, { scripts: 1, styles: 1, loads: 0, handlers: 0, links: 0, steering: false });
  assert.match(await page.locator('body').innerText(), /<script>window\.hacked/);
  await close();
});

await step('no part is wider than the screen, whatever its size', async () => {
  for (const width of [320, 390, 768, 1280]) {
    for (const file of [report, hostile]) {
      const { page, close } = await open(file, { viewport: { width, height: 800 } });
      await page.evaluate(() => document.querySelectorAll('details').forEach((d) => { d.open = true; }));
      const wide = await page.evaluate(() => {
        const within = (e) => { for (; e; e = e.parentElement) if (['auto', 'hidden', 'clip'].includes(getComputedStyle(e).overflowX)) return true; };
        const all = [...document.querySelectorAll('body *')].filter((e) => e.getBoundingClientRect().right > innerWidth + 1 && !within(e));
        return document.documentElement.scrollWidth > innerWidth ? all.slice(0, 5).map((e) => `${e.tagName}.${e.className}`) : [];
      });
      assert.deepEqual(wide, [], `${file} at ${width}`);
      await close();
    }
  }
});

await step('everything that can be pressed has a name, headings are in order', async () => {
  const { page, close } = await open(report);
  const bad = await page.evaluate(() => {
    const wrong = [];
    const named = (e) => e.textContent.trim() || e.ariaLabel || e.labels?.length || e.title;
    document.querySelectorAll('a, button, input, select, summary').forEach((e) => { if (!named(e) && !e.closest('[hidden]')) wrong.push(e.outerHTML.slice(0, 80)); });
    document.querySelectorAll('svg').forEach((e) => { if (!e.getAttribute('aria-label')) wrong.push('svg'); });
    let last = 0;
    document.querySelectorAll('h1, h2, h3, h4').forEach((e) => { const n = Number(e.tagName[1]); if (n > last + 1) wrong.push(`h${last} then h${n}: ${e.innerText}`); last = n; });
    const ids = [...document.querySelectorAll('[id]')].map((e) => e.id);
    if (new Set(ids).size !== ids.length) wrong.push('an id stands twice');
    if (!document.documentElement.lang || !document.title) wrong.push('no language or title');
    return wrong;
  });
  assert.deepEqual(bad, []);
  await close();
});

await step('colours have contrast enough, light and dark', async () => {
  for (const colorScheme of ['light', 'dark']) {
    const { page, close } = await open(report, { colorScheme });
    await page.evaluate(() => document.querySelectorAll('#causes details, .attempt:nth-child(-n+3)').forEach((d) => { d.open = true; }));
    const low = await page.evaluate(() => {
      const rgb = (text) => (text.match(/[\d.]+/g) || []).map(Number);
      const light = ([r, g, b]) => [r, g, b].map((v) => { v /= 255; return v <= 0.03928 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4; })
        .reduce((sum, v, at) => sum + v * [0.2126, 0.7152, 0.0722][at], 0);
      const behind = (e) => { for (; e; e = e.parentElement) { const c = rgb(getComputedStyle(e).backgroundColor); if (c.length === 3 || c[3] > 0) return c; } return [255, 255, 255]; };
      const wrong = new Set();
      document.querySelectorAll('main *:not(svg *), header *').forEach((e) => {
        if (![...e.childNodes].some((n) => n.nodeType === 3 && n.data.trim()) || !e.checkVisibility()) return;
        const [a, b] = [light(rgb(getComputedStyle(e).color)), light(behind(e))];
        const ratio = (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05);
        if (ratio < 4.5) wrong.add(`${e.tagName}.${e.className} ${ratio.toFixed(2)}`);
      });
      return [...wrong];
    });
    assert.deepEqual(low, [], colorScheme);
    await close();
  }
});

await step('thousands of rows open and narrow quickly', async () => {
  const begun = Date.now();
  const { page, close } = await open(many);
  const loaded = Date.now() - begun;
  const rows = await visible(page);
  assert.ok(rows > 4000, `${rows} rows`);
  const narrow = await page.evaluate(async () => {
    const box = document.querySelector('#filter [name=q]');
    box.value = 'record 17';
    const from = performance.now();
    box.dispatchEvent(new Event('input', { bubbles: true }));
    await new Promise((done) => setTimeout(done, 61));
    await new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)));
    return performance.now() - from;
  });
  console.log(`   ${rows} rows: opened in ${loaded} ms, narrowed in ${Math.round(narrow)} ms`);
  assert.ok(loaded < 15000 && narrow < 4000);
  await close();
});

if (pictures) {
  for (const colorScheme of ['light', 'dark']) {
    for (const width of [1280, 390]) {
      const { page, close } = await open(report, { colorScheme, viewport: { width, height: 1200 } });
      await page.locator('details.attempt').nth(1).evaluate((d) => { d.open = true; });
      await page.locator('#timeline details.ev').nth(3).evaluate((d) => { d.open = true; });
      await page.screenshot({ path: `${pictures}/${width}-${colorScheme}.png`, fullPage: true });
      for (const id of ['attempts', 'timeline', 'coverage']) {
        await page.locator(`#${id}`).evaluate((part) => part.scrollIntoView());
        await page.waitForTimeout(300);
        await page.screenshot({ path: `${pictures}/${width}-${colorScheme}-${id}.png` });
      }
      await close();
    }
  }
  const { page, close } = await open(report);
  await page.pdf({ path: `${pictures}/print.pdf`, format: 'A4', printBackground: true });
  await close();
}
await browser.close();

'use strict';
(() => {
  const form = document.getElementById('filter');
  const rows = Array.from(document.querySelectorAll('#timeline .ev'));
  const told = form.querySelector('output');
  const texts = new Map();
  const wanted = new Map();
  let zoom = null;
  const text = (row) => {
    if (!texts.has(row)) texts.set(row, row.textContent.toLowerCase());
    return texts.get(row);
  };
  const narrow = () => {
    const want = Object.fromEntries(new FormData(form));
    const words = want.q.toLowerCase().split(/\s+/).filter(Boolean);
    let shown = 0;
    for (const row of rows) {
      const of = row.dataset;
      const others = (!want.h || of.h === want.h) && (!want.p || of.p === want.p) &&
        (!want.a || (want.a === '-' ? of.a === undefined : of.a === want.a)) &&
        (!want.c || (of.c || '').split(' ').includes(want.c)) &&
        words.every((word) => text(row).includes(word));
      const fits = others && (!zoom || zoom.holds(row));
      wanted.set(row, others);
      row.hidden = !fits;
      shown += fits ? 1 : 0;
    }
    if (zoom) zoom.draw();
    told.textContent = shown === rows.length ? shown + ' rows' : shown + ' of ' + rows.length + ' rows';
  };
  const open = () => {
    const at = location.hash.length > 1 && document.getElementById(decodeURIComponent(location.hash.slice(1)));
    if (!at) return;
    for (let up = at; up; up = up.parentElement) if (up.tagName === 'DETAILS') up.open = true;
    if (at.hidden) { form.reset(); if (zoom) zoom.all(); narrow(); }
    at.scrollIntoView();
    const focus = at.querySelector('summary');
    if (focus) focus.focus({ preventScroll: true });
  };
  // The strip: rows by time in lanes. A span of it is chosen by dragging, by buttons or by keys.
  const strip = () => {
    const box = document.getElementById('zoom');
    const svg = document.getElementById('strip');
    const times = rows.map((row) => Number(row.dataset.t));
    const [first, last] = [Math.min(...times), Math.max(...times)];
    if (rows.length < 2 || first === last) return null;
    box.hidden = false;
    const hosts = Array.from(form.elements.h.options).slice(1);
    const grave = (row) => row.classList.contains('cited') ? 2 : /l-(error|critical|warning)/.test(row.className) ? 1 : 0;
    const marks = rows.map((row, at) => ({ row, t: times[at], lane: Number(row.dataset.h), grave: grave(row) }));
    const LANE = 22;
    let [from, to] = [first, last];
    let drag = null;
    const put = (name, attributes, words) => {
      const part = document.createElementNS('http://www.w3.org/2000/svg', name);
      for (const key in attributes) part.setAttribute(key, attributes[key]);
      if (words) part.textContent = words;
      svg.append(part);
      return part;
    };
    const left = () => Math.min(140, svg.clientWidth / 4);
    const scale = () => (svg.clientWidth - left() - 10) / (to - from);
    const x = (t) => left() + 4 + (t - from) * scale();
    const time = (at) => Math.min(to, Math.max(from, from + (at - left() - 4) / scale()));
    const draw = () => {
      svg.replaceChildren();
      svg.setAttribute('height', hosts.length * LANE + 4);
      hosts.forEach((host, at) => {
        put('line', { class: 'lane', x1: 0, x2: svg.clientWidth, y1: (at + 1) * LANE, y2: (at + 1) * LANE });
        const name = host.textContent.split('.')[0];
        const room = Math.floor(left() / 8);
        put('text', { x: 4, y: at * LANE + 15 }, name.length > room ? name.slice(0, room - 1) + '…' : name);
      });
      const cells = new Map();
      let shown = [];
      for (const mark of marks) {
        if (!wanted.get(mark.row) || mark.t < from || mark.t > to) continue;
        shown.push(mark);
        const key = mark.lane + ':' + Math.round(x(mark.t) / 4);
        const cell = cells.get(key) || { lane: mark.lane, at: Math.round(x(mark.t) / 4) * 4, grave: 0, count: 0 };
        cell.grave = Math.max(cell.grave, mark.grave);
        cell.count += 1;
        cells.set(key, cell);
      }
      for (const cell of cells.values()) {
        const height = Math.min(16, 6 + 2.5 * Math.log2(cell.count));
        put('rect', {
          class: ['d-dot', 'd-err', 'd-cited'][cell.grave], x: cell.at - 1.5, width: 3, rx: 1,
          y: cell.lane * LANE + 11 - height / 2, height,
        });
      }
      if (drag) put('rect', { class: 'chosen', x: Math.min(drag.from, drag.to), width: Math.abs(drag.to - drag.from), y: 0, height: hosts.length * LANE + 4 });
      shown = shown.sort((a, b) => a.t - b.t).map((mark) => mark.row.querySelector('time').textContent);
      const ends = shown.length ? shown[0] + (shown.length > 1 ? ' to ' + shown[shown.length - 1] : '') : 'no record in this span';
      document.getElementById('span').textContent = ends;
    };
    const set = (start, end) => {
      const width = Math.min(last - first, Math.max(1, end - start));
      from = Math.max(first, Math.min(start, last - width));
      to = from + width;
      narrow();
    };
    const steps = {
      in: () => set(from + (to - from) / 4, to - (to - from) / 4),
      out: () => set(from - (to - from) / 2, to + (to - from) / 2),
      left: () => set(from - (to - from) / 2, to - (to - from) / 2),
      right: () => set(from + (to - from) / 2, to + (to - from) / 2),
      all: () => set(first, last),
    };
    const keys = { '+': 'in', '=': 'in', '-': 'out', ArrowLeft: 'left', ArrowRight: 'right', 0: 'all', Home: 'all' };
    for (const button of box.querySelectorAll('button')) button.addEventListener('click', steps[button.dataset.zoom]);
    svg.addEventListener('keydown', (event) => {
      if (!keys[event.key] || event.ctrlKey || event.metaKey || event.altKey) return;
      event.preventDefault();
      steps[keys[event.key]]();
    });
    const at = (event) => event.clientX - svg.getBoundingClientRect().left;
    svg.addEventListener('pointerdown', (event) => {
      drag = { from: at(event), to: at(event) };
      svg.setPointerCapture(event.pointerId);
    });
    svg.addEventListener('pointermove', (event) => {
      if (drag) { drag.to = at(event); draw(); }
    });
    const done = (event) => {
      const chosen = drag;
      drag = null;
      if (!chosen) return;
      const [start, end] = [chosen.from, chosen.to].map(time).sort((a, b) => a - b);
      if (event.type === 'pointerup' && Math.abs(chosen.to - chosen.from) > 5) set(start, end); else draw();
    };
    svg.addEventListener('pointerup', done);
    svg.addEventListener('pointercancel', done);
    svg.addEventListener('dblclick', steps.all);
    new ResizeObserver(draw).observe(svg);
    return {
      draw,
      holds: (row) => { const t = Number(row.dataset.t); return t >= from && t <= to; },
      all: () => { [from, to] = [first, last]; },
    };
  };
  let waits = 0;
  form.addEventListener('input', () => { clearTimeout(waits); waits = setTimeout(narrow, 60); });
  form.addEventListener('reset', () => { if (zoom) zoom.all(); setTimeout(narrow); });
  form.addEventListener('submit', (event) => event.preventDefault());
  for (const button of document.querySelectorAll('.pick')) {
    button.hidden = false;
    button.addEventListener('click', () => {
      form.reset();
      form.elements.a.value = button.dataset.attempt;
      narrow();
      document.getElementById('timeline').scrollIntoView();
      form.elements.a.focus({ preventScroll: true });
    });
  }
  form.hidden = rows.length === 0;
  zoom = strip();
  if (zoom) narrow();
  addEventListener('hashchange', open);
  open();
})();

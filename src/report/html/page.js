'use strict';
(() => {
  const form = document.getElementById('filter');
  const rows = Array.from(document.querySelectorAll('#timeline .ev'));
  const told = form.querySelector('output');
  const texts = new Map();
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
      const fits = (!want.h || of.h === want.h) && (!want.p || of.p === want.p) &&
        (!want.a || (want.a === '-' ? of.a === undefined : of.a === want.a)) &&
        (!want.c || (of.c || '').split(' ').includes(want.c)) &&
        words.every((word) => text(row).includes(word));
      row.hidden = !fits;
      shown += fits ? 1 : 0;
    }
    told.textContent = shown === rows.length ? shown + ' rows' : shown + ' of ' + rows.length + ' rows';
  };
  const open = () => {
    const at = location.hash.length > 1 && document.getElementById(decodeURIComponent(location.hash.slice(1)));
    if (!at) return;
    for (let up = at; up; up = up.parentElement) if (up.tagName === 'DETAILS') up.open = true;
    if (at.hidden) { form.reset(); narrow(); }
    at.scrollIntoView();
    const focus = at.querySelector('summary');
    if (focus) focus.focus({ preventScroll: true });
  };
  let waits = 0;
  form.addEventListener('input', () => { clearTimeout(waits); waits = setTimeout(narrow, 60); });
  form.addEventListener('reset', () => setTimeout(narrow));
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
  addEventListener('hashchange', open);
  open();
})();

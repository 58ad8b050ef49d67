"use strict";
(() => {
  const root = document.documentElement;
  const all = (selector, within = document) => [...within.querySelectorAll(selector)];
  const findings = all(".f");
  const form = document.getElementById("filter");
  const announcement = document.getElementById("announcement");
  const shown = document.getElementById("shown");
  const texts = new Map();

  const themes = ["auto", "light", "dark"];
  const button = document.getElementById("theme");
  const setTheme = (theme) => {
    root.dataset.theme = theme;
    button.textContent = `Theme: ${theme}`;
  };
  const remembered = () => {
    try {
      return localStorage.getItem("trueup-theme");
    } catch {
      return null;
    }
  };
  button.hidden = false;
  setTheme(themes.includes(remembered()) ? remembered() : "auto");
  button.addEventListener("click", () => {
    const next = themes[(themes.indexOf(root.dataset.theme) + 1) % themes.length];
    setTheme(next);
    try {
      localStorage.setItem("trueup-theme", next);
    } catch {
      // Browsers may refuse storage to a page opened as a file.
    }
  });

  const copy = async (text, place) => {
    try {
      await navigator.clipboard.writeText(text);
      return true;
    } catch {
      const range = document.createRange();
      range.selectNodeContents(place);
      getSelection().removeAllRanges();
      getSelection().addRange(range);
      return document.execCommand("copy");
    }
  };
  const kinds = { CODE: "command", PRE: "query", SPAN: "next step" };
  for (const place of all(".f code, .f pre, .f .step")) {
    const one = document.createElement("button");
    one.type = "button";
    one.className = "copy";
    one.textContent = "Copy";
    const what = kinds[place.tagName];
    one.setAttribute("aria-label", `Copy the ${what}`);
    one.addEventListener("click", async () => {
      const done = await copy(place.textContent, place);
      one.textContent = done ? "Copied" : "Selected";
      announcement.textContent = done ? `The ${what} is copied.` : `The ${what} is selected; copy it by hand.`;
      setTimeout(() => {
        one.textContent = "Copy";
        announcement.textContent = "";
      }, 2000);
    });
    place.after(one);
  }

  const textOf = (finding) => {
    if (!texts.has(finding)) texts.set(finding, finding.textContent.toLowerCase());
    return texts.get(finding);
  };
  // A card may hold the same finding of several subjects.
  const countOf = (finding) => Number(finding.dataset.count || 1);
  const ruleOf = (finding) => finding.querySelector("h5 a").textContent;
  const wanted = () => ({
    rule: form.elements.rule.value,
    severity: form.elements.severity.value,
    text: form.elements.text.value.trim(),
  });
  const apply = () => {
    const { rule, severity, text } = wanted();
    const needle = text.toLowerCase();
    const isActive = Boolean(rule || severity || text);
    let count = 0;
    for (const one of findings) {
      one.hidden =
        (rule && ruleOf(one) !== rule) ||
        (severity && !one.classList.contains(severity)) ||
        (needle && !textOf(one).includes(needle)) ||
        false;
      if (!one.hidden) count += countOf(one);
    }
    for (const place of all(".fold:has(.f), .story, .chain")) {
      const left = place.querySelectorAll(".f:not([hidden])").length;
      place.hidden = left === 0;
      if (place.matches("details") && isActive && left) place.open = true;
    }
    for (const line of all(".quiet")) line.hidden = isActive;
    shown.textContent = `${count} of ${findings.reduce((sum, one) => sum + countOf(one), 0)} findings shown`;
  };
  const keep = () => {
    const query = new URLSearchParams(Object.entries(wanted()).filter(([, value]) => value));
    history.replaceState(null, "", query.toString() ? `#${query}` : location.pathname + location.search);
  };
  const reveal = (id) => {
    const target = document.getElementById(id);
    if (!target) return;
    if (target.closest("[hidden]") && form) {
      for (const name of ["rule", "severity", "text"]) form.elements[name].value = "";
      apply();
    }
    for (let place = target.closest("details"); place; place = place.parentElement.closest("details")) place.open = true;
    target.scrollIntoView();
    target.tabIndex = -1;
    target.focus({ preventScroll: true });
  };
  const follow = () => {
    const hash = location.hash.slice(1);
    if (hash.startsWith("f-")) return reveal(hash);
    if (!form || (hash && !hash.includes("="))) return;
    const query = new URLSearchParams(hash);
    for (const name of ["rule", "severity"]) {
      const field = form.elements[name];
      const value = query.get(name) || "";
      // A link may name a rule without findings in this report: then show nothing, not everything.
      if (value && ![...field.options].some((one) => one.value === value)) field.add(new Option(value, value));
      field.value = value;
    }
    form.elements.text.value = query.get("text") || "";
    apply();
  };
  if (form) {
    form.hidden = false;
    form.addEventListener("submit", (event) => event.preventDefault());
    form.addEventListener("input", () => {
      apply();
      keep();
    });
    form.addEventListener("reset", () =>
      setTimeout(() => {
        apply();
        keep();
      }),
    );
    apply();
  }
  addEventListener("hashchange", follow);
  follow();

  const days = document.getElementById("days");
  days.scrollLeft = days.scrollWidth;

  let closed = [];
  addEventListener("beforeprint", () => {
    closed = all("details:not([open])");
    for (const one of closed) one.open = true;
  });
  addEventListener("afterprint", () => {
    for (const one of closed) one.open = false;
  });
})();

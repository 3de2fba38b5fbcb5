// What made a number: the proof of its artifact, in a dialogue. Proofs are loaded when first asked for.
"use strict";

(() => {
  const here = document.currentScript.src;
  const make = (tag, properties = {}, ...children) => {
    const element = Object.assign(document.createElement(tag), properties);
    element.append(...children);
    return element;
  };
  const dialogue = make("dialog", { className: "l2o-record" });
  document.body.append(dialogue);
  dialogue.onclick = (event) => { if (event.target === dialogue) dialogue.close(); };
  const trail = [];

  const loaded = (edition) => new Promise((done, failed) => {
    if (window.L2O_RECORDS && window.L2O_RECORDS[edition]) return done(window.L2O_RECORDS[edition]);
    const script = make("script", { src: new URL(`data/records.${edition}.js`, here).href });
    script.onload = () => done(window.L2O_RECORDS[edition]);
    script.onerror = () => failed(new Error(`no proofs of ${edition}`));
    document.head.append(script);
  });

  const row = (name, ...content) => make("tr", {}, make("th", { textContent: name, scope: "row" }), make("td", {}, ...content));
  const code = (text) => make("code", { textContent: text });
  const command = (text) => {
    const button = make("button", { type: "button", textContent: "copy", className: "l2o-copy" });
    button.onclick = () => navigator.clipboard?.writeText(text).then(() => { button.textContent = "copied"; });
    return make("div", { className: "l2o-command" }, code(text), button);
  };

  window.l2oShowRecord = async (edition, path) => {
    const records = await loaded(edition);
    const [at, sha256, status] = records.files[path] || [];
    const close = make("button", { type: "button", textContent: "×", title: "Close", className: "l2o-close" });
    close.onclick = () => dialogue.close();
    const body = [close, make("h3", {}, code(path), " ", make("span", { className: `l2o-status ${status}`, textContent: status || "no proof" }))];
    if (trail.length) {
      const back = make("button", { type: "button", textContent: "← back", className: "l2o-back" });
      back.onclick = () => window.l2oShowRecord(...trail.splice(-2, 2)[0]);
      body.splice(1, 0, back);
    }
    trail.push([edition, path]);
    if (at === undefined) body.push(make("p", { textContent: "No proof lies beside it." }));
    else body.push(table(records, records.jobs[at], edition, sha256));
    dialogue.replaceChildren(...body);
    if (!dialogue.open) dialogue.showModal();
    dialogue.scrollTop = 0;
  };
  dialogue.addEventListener("close", () => { trail.length = 0; });

  function table(records, job, edition, sha256) {
    const inputs = job.inputs.map(([role, path, key]) => {
      const known = path && records.files[path];
      const link = make("button", { type: "button", className: "l2o-link", textContent: path });
      link.onclick = () => window.l2oShowRecord(edition, path);
      return make("div", {}, `${role}: `, known ? link : code(path), " ", make("small", { textContent: key.slice(0, 12) }));
    });
    const sources = make("details", {}, make("summary", { textContent: `${job.sources.length} pieces of code, by hash` }));
    for (const at of job.sources) {
      const [name, hash] = records.sources[at];
      sources.append(make("div", {}, code(name), " ", make("small", { textContent: hash.slice(0, 12) })));
    }
    const libraries = Object.entries(job.libraries).map(([name, version]) => `${name} ${version}`).join(", ");
    return make("table", {},
      row("made by", ...job.commands.map(command)),
      row("job", code(job.name)),
      row("key", code(job.key)),
      row("SHA-256", code(sha256)),
      row("parameters", make("pre", { textContent: JSON.stringify(job.parameters, null, 1) })),
      row("inputs", ...(inputs.length ? inputs : ["none"])),
      row("libraries", libraries || "none"),
      row("sources", sources));
  }

  document.addEventListener("click", (event) => {
    const button = event.target.closest(".l2o-made");
    if (button) window.l2oShowRecord(button.dataset.edition, button.dataset.record);
  });
})();

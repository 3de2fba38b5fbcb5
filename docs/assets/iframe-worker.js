// Pages from file: may start no worker, which the search needs: a hidden frame does its work.
"use strict";

if (location.protocol === "file:") {
  window.Worker = class extends EventTarget {
    constructor(address) {
      super();
      const frame = document.createElement("iframe");
      frame.hidden = true;
      const start = () => {
        document.body.append(frame);
        const inside = frame.contentWindow;
        this.inside = inside;
        inside.postMessage = (data) => {
          const event = new MessageEvent("message", { data });
          this.dispatchEvent(event);
          this.onmessage?.(event);
        };
        inside.importScripts = async (...addresses) => {
          for (const each of addresses) await load(inside.document, each);
        };
        return load(inside.document, address);
      };
      const load = (page, source) => new Promise((done, failed) => {
        const script = page.createElement("script");
        Object.assign(script, { src: source, onload: done, onerror: failed });
        page.body.append(script);
      });
      this.frame = frame;
      this.ready = document.body ? start() : new Promise((done) => addEventListener("DOMContentLoaded", () => done(start())));
    }
    postMessage(data) {
      const inside = () => this.inside.dispatchEvent(new this.inside.MessageEvent("message", { data: structuredClone(data) }));
      this.ready.then(inside);
    }
    terminate() { this.frame.remove(); }
  };
}

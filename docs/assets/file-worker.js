// The site's search runs in a Worker, and a browser starts none for a page that was opened from the file system. There
// a hidden frame runs the same script instead: its window takes the place of the worker's scope.
if (location.protocol === "file:") {
  window.Worker = class {
    onmessage = null;
    onerror = null;
    #frame = document.createElement("iframe");
    #deliver = null;
    #unsent = [];

    constructor(url) {
      this.#frame.hidden = true;
      this.#frame.srcdoc = "";
      this.#frame.onload = () => this.#run(new URL(url, location.href).href);
      document.body.append(this.#frame);
    }

    #run(url) {
      const scope = this.#frame.contentWindow;
      scope.postMessage = (data) => setTimeout(() => this.onmessage?.({ data }));
      const script = scope.document.createElement("script");
      script.onload = () => {
        this.#deliver = (data) => setTimeout(() => scope.onmessage?.({ data }));
        this.#unsent.splice(0).forEach(this.#deliver);
      };
      script.onerror = () => this.onerror?.(new ErrorEvent("error", { message: url }));
      script.src = url;
      scope.document.body.append(script);
    }

    postMessage(data) {
      this.#deliver ? this.#deliver(data) : this.#unsent.push(data);
    }

    terminate() {
      this.#frame.remove();
    }
  };
}

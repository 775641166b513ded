// Whether there is still a kernel behind the screen. JupyterLab tells a widget of its notebook's kernel, and each host
// that keeps to the widgets' protocol tells when a model's connection is cut.
const GONE = ["dead", "terminating", "restarting", "autorestarting"];

// Calls `gone` once, when the kernel that the screen was made by has ended; returns what stops listening.
export const whenKernelEnds = (model, gone) => {
  const session = model.widget_manager?.context?.sessionContext;
  const stops = [];
  const ended = () => { stop(); gone(); };
  const stop = () => { for (const one of stops.splice(0)) one(); };
  const hear = (signal, slot) => {
    if (!signal || typeof signal.connect !== "function") return;
    signal.connect(slot);
    stops.push(() => signal.disconnect(slot));
  };
  hear(session?.statusChanged, (_, status) => { if (GONE.includes(status)) ended(); });
  hear(session?.kernelChanged, (_, change) => { if (change?.oldValue) ended(); });
  model.on("comm_live_update", ended);
  stops.push(() => model.off("comm_live_update", ended));
  return stop;
};

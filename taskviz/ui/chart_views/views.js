// Remembers how far a reader zoomed into each chart whose key begins as told, and reports it.
//
// Streamlit takes a chart with new data for another element: it builds the chart anew and forgets
// the zoom. The server draws the next one with the ranges that were reported here.
const watchers = new WeakMap()

function range(event, axis) {
  const whole = event[`${axis}.range`]
  if (Array.isArray(whole)) return whole.slice(0, 2)
  const low = event[`${axis}.range[0]`]
  const high = event[`${axis}.range[1]`]
  return low === undefined || high === undefined ? null : [low, high]
}

class Watcher {
  constructor() {
    this.bound = new WeakSet()
    this.views = {}
    this.timer = setInterval(() => this.scan(), 200)
  }

  update({ data, setStateValue }) {
    this.prefix = data.prefix
    this.report = () => setStateValue("views", this.views)
    this.scan()
  }

  scan() {
    for (const holder of document.querySelectorAll(`[class*="st-key-${this.prefix}"]`)) {
      const chart = holder.querySelector(".js-plotly-plot")
      if (!chart || typeof chart.on !== "function" || this.bound.has(chart)) continue
      this.bound.add(chart)
      const key = [...holder.classList].find(name => name.startsWith("st-key-")).slice(7)
      chart.on("plotly_relayout", event => this.changed(key, event))
    }
  }

  changed(key, event) {
    const view = { ...(this.views[key] ?? {}) }
    for (const axis of ["xaxis", "yaxis"]) {
      const found = range(event, axis)
      if (found) view[axis] = found
      if (event[`${axis}.autorange`]) delete view[axis]
    }
    this.views = { ...this.views, [key]: view }
    this.report()
  }
}

export default function (component) {
  const root = component.parentElement
  if (!watchers.has(root)) watchers.set(root, new Watcher())
  watchers.get(root).update(component)
  return () => {
    clearInterval(watchers.get(root)?.timer)
    watchers.delete(root)
  }
}

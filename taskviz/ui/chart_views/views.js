// Brings charts up to date in place, and remembers how far a reader zoomed into each.
//
// Streamlit takes a chart with new data for another element: it would build the chart anew and
// forget the zoom. So the server hands the newest figures here, and Plotly (which Streamlit puts
// on the window with the first chart) changes what differs. The zoom is reported too: where a
// chart has to be built anew, the server draws it with these ranges.
const watchers = new WeakMap()
const AXES = ["xaxis", "yaxis"]

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
    this.drawn = new WeakMap()
    this.views = {}
    this.figures = {}
    this.timer = setInterval(() => this.scan(), 200)
  }

  update({ data, setStateValue }) {
    this.prefix = data.prefix
    this.figures = data.figures
    this.tell = setStateValue
    for (const key of Object.keys(this.views)) {
      if (this.figures[key] && this.views[key].kind !== this.figures[key].kind) {
        delete this.views[key]
      }
    }
    this.scan()
  }

  // Charts that outlive this keep its listeners: nothing may be told any more.
  end() {
    clearInterval(this.timer)
    this.tell = () => {}
  }

  scan() {
    for (const holder of document.querySelectorAll(`[class*="st-key-${this.prefix}"]`)) {
      const chart = holder.querySelector(".js-plotly-plot")
      if (!chart || typeof chart.on !== "function") continue
      const key = [...holder.classList].find(name => name.startsWith("st-key-")).slice(7)
      if (!this.bound.has(chart)) {
        this.bound.add(chart)
        chart.on("plotly_relayout", event => this.changed(key, event))
      }
      if (this.figures[key]) this.redraw(chart, key, this.figures[key])
    }
  }

  redraw(chart, key, { spec, alt }) {
    // Not under the reader's hand.
    if (this.drawn.get(chart) === spec || !chart._fullLayout || chart._dragging) return
    if (typeof window.Plotly?.react !== "function") return
    this.drawn.set(chart, spec)
    const figure = JSON.parse(spec)
    const { width, height } = chart.layout
    const layout = { ...figure.layout, width, height }
    for (const axis of AXES) {
      const ends = this.views[key]?.[axis]
      if (ends) layout[axis] = { ...layout[axis], range: ends, autorange: false }
    }
    // The event lets Streamlit know the figure, so that a window of another size gets the same.
    window.Plotly.react(chart, figure.data, layout).then(() => chart.emit("plotly_redraw"))
    chart.closest('[data-testid="stPlotlyChart"]')?.setAttribute("aria-label", alt)
    if (!this.able) {
      this.able = true
      this.tell("redraws", true)
    }
  }

  changed(key, event) {
    const view = { ...(this.views[key] ?? { kind: this.figures[key]?.kind }) }
    let zoomed = false
    for (const axis of AXES) {
      const found = range(event, axis)
      if (found) view[axis] = found
      if (event[`${axis}.autorange`]) delete view[axis]
      zoomed ||= Boolean(found) || event[`${axis}.autorange`] !== undefined
    }
    if (!zoomed) return
    this.views = { ...this.views, [key]: view }
    this.tell("views", this.views)
  }
}

export default function (component) {
  const root = component.parentElement
  if (!watchers.has(root)) watchers.set(root, new Watcher())
  watchers.get(root).update(component)
  return () => {
    watchers.get(root)?.end()
    watchers.delete(root)
  }
}

// Keys: g and a letter lead to a page, ? lists all keys. One listener for the whole document,
// however often the element is mounted.
const WAIT = 1500
const state = { data: null, asked: 0, box: null, started: false }

function typing(target) {
  return target.closest?.("input, textarea, select, [contenteditable=true], [role=textbox], [role=grid]")
}

function rows(box, title, pairs) {
  const heading = document.createElement("h2")
  heading.textContent = title
  const list = document.createElement("dl")
  for (const [key, words] of pairs) {
    const term = document.createElement("dt")
    const mark = document.createElement("kbd")
    mark.textContent = key
    term.append(mark)
    const meaning = document.createElement("dd")
    meaning.textContent = words
    list.append(term, meaning)
  }
  box.append(heading, list)
}

function build() {
  const box = document.createElement("dialog")
  box.className = "taskviz-keys"
  box.setAttribute("aria-label", "Keys")
  const pages = state.data.pages.map(page => [`g ${page.key}`, page.title])
  rows(box, "Go to a page", [...pages, ["?", "this list"]])
  rows(box, "Everywhere", state.data.elsewhere)
  const close = document.createElement("button")
  close.type = "button"
  close.textContent = "Close"
  close.addEventListener("click", () => box.close())
  box.append(close)
  const style = document.createElement("style")
  style.textContent = `
    dialog.taskviz-keys { border-radius: 8px; border: 1px solid; padding: 1.25rem 1.5rem;
      max-width: min(34rem, 90vw); max-height: 85vh; overflow: auto; font: inherit; line-height: 1.4 }
    dialog.taskviz-keys::backdrop { background: rgba(6, 15, 18, 0.5) }
    dialog.taskviz-keys h2 { font-size: 1rem; margin: 0.25rem 0 0.5rem; padding: 0 }
    dialog.taskviz-keys dl { display: grid; grid-template-columns: max-content 1fr;
      gap: 0.25rem 1rem; margin: 0 0 1rem }
    dialog.taskviz-keys dd { margin: 0 }
    dialog.taskviz-keys kbd { font: inherit; font-weight: 600 }
    dialog.taskviz-keys button { font: inherit; color: inherit; background: none;
      border: 1px solid; border-radius: 8px; padding: 0.3rem 0.9rem; cursor: pointer }`
  box.append(style)
  document.body.append(box)
  return box
}

function list() {
  state.box ??= build()
  const { style } = state.box
  style.background = state.data.dark ? "#18242a" : "#ffffff"
  style.color = state.data.dark ? "#e6eef0" : "#060f12"
  if (state.box.open) state.box.close()
  else state.box.showModal()
}

function ours(event) {
  const other = event.ctrlKey || event.metaKey || event.altKey || event.defaultPrevented
  return !other && !typing(event.target)
}

function pressed(event) {
  state.asked = 0
  if (!ours(event)) return
  if (event.key === "?") {
    event.preventDefault()
    list()
  } else if (event.key === "g" && !state.box?.open) {
    state.asked = Date.now()
  }
}

// The second key, before anybody else hears it: alone it may mean something to Streamlit.
function second(event) {
  const waited = Date.now() - state.asked
  if (!state.asked || waited > WAIT || event.key === "Shift" || !ours(event)) return
  const page = state.data.pages.find(p => p.key === event.key)
  const links = [...document.querySelectorAll('[data-testid="stSidebarNav"] a')]
  const link = page && links.find(a => a.textContent.trim().endsWith(page.title))
  if (!link) return
  state.asked = 0
  event.preventDefault()
  event.stopImmediatePropagation()
  link.click()
}

function mend() {
  const items = document.querySelectorAll('[data-testid="stSidebarNavItems"]:not([role])')
  for (const part of items) part.setAttribute("role", "presentation")
  const inner = '[data-testid="stSidebarNavItems"][role] li:not([role])'
  for (const item of document.querySelectorAll(inner)) item.setAttribute("role", "presentation")
}

export default function ({ data }) {
  state.data = data
  if (!state.started) {
    state.started = true
    document.addEventListener("keydown", pressed)
    window.addEventListener("keydown", second, true)
    let planned = false
    new MutationObserver(() => {
      if (planned) return
      planned = true
      requestAnimationFrame(() => {
        planned = false
        mend()
      })
    }).observe(document.body, { childList: true, subtree: true })
  }
  mend()
}

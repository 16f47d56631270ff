// A column a group, a card a task. Draws what the server says and reports moves and locks; every
// name goes in as text, never as markup.
const boards = new WeakMap()

function make(tag, classes, text) {
  const node = document.createElement(tag)
  if (classes) node.className = classes
  if (text !== undefined) node.textContent = text
  return node
}

function lockIcon(locked) {
  const space = "http://www.w3.org/2000/svg"
  const icon = document.createElementNS(space, "svg")
  icon.setAttribute("viewBox", "0 0 16 16")
  icon.setAttribute("aria-hidden", "true")
  const shackle = document.createElementNS(space, "path")
  shackle.setAttribute("d", locked ? "M5 7V5a3 3 0 0 1 6 0v2" : "M5 7V4.5a3 3 0 0 1 5.8-1")
  shackle.setAttribute("fill", "none")
  shackle.setAttribute("stroke", "currentColor")
  shackle.setAttribute("stroke-width", "1.6")
  const body = document.createElementNS(space, "rect")
  for (const [name, value] of Object.entries({ x: 3.5, y: 7, width: 9, height: 6.5, rx: 1.2 })) {
    body.setAttribute(name, String(value))
  }
  body.setAttribute("fill", "currentColor")
  icon.append(shackle, body)
  return icon
}

class Board {
  constructor(root) {
    this.columns = root.querySelector(".columns")
    this.live = root.querySelector(".live")
    this.focus = null // the card that the keyboard is on: task and column
    this.dragged = null
    this.said = null
    this.waiting = false
  }

  update(component) {
    this.data = component.data
    this.send = component.setTriggerValue
    this.waiting = false
    const held = this.columns.getRootNode().activeElement
    const inside = held && this.columns.contains(held)
    const scrolled = new Map(
      [...this.columns.querySelectorAll("ul")].map(list => [list.dataset.column, list.scrollTop])
    )
    const host = this.columns.parentElement
    host.classList.toggle("compact", Boolean(this.data.compact))
    for (const [name, value] of Object.entries(this.data.colours)) {
      host.style.setProperty(`--${name}`, value)
    }
    this.columns.replaceChildren(
      ...this.data.columns.map((column, index) => this.column(column, index)),
      ...(this.data.may_add ? [this.newColumn()] : [])
    )
    for (const list of this.columns.querySelectorAll("ul")) {
      list.scrollTop = scrolled.get(list.dataset.column) ?? 0
    }
    this.rove()
    if (inside || this.refocus) this.current()?.focus({ preventScroll: false })
    this.refocus = false
    if (this.data.said && this.data.revision !== this.said) {
      this.said = this.data.revision
      this.live.textContent = this.data.said
    }
  }

  column(column, index) {
    const box = make("section", "column")
    box.style.setProperty("--group", column.colour)
    const title = make("header")
    title.append(make("span", "letter", column.letter), make("span", "count", column.count))
    if (column.cost) title.append(make("span", "count", column.cost))
    const list = make("ul")
    list.setAttribute("aria-label", `Group ${column.letter}, ${column.count}`)
    list.dataset.column = String(index)
    list.append(...column.cards.map(card => this.card(card, index)))
    box.append(title, list)
    this.target(box, index)
    return box
  }

  newColumn() {
    const box = make("section", "column new")
    box.append(make("span", "plus", "+"), make("span", "hint", "New group"))
    box.setAttribute("aria-label", "New group")
    this.target(box, this.data.columns.length)
    return box
  }

  card(card, index) {
    const item = make("li", "card")
    item.dataset.task = card.task
    item.dataset.column = String(index)
    item.tabIndex = -1
    item.draggable = !card.locked
    item.classList.toggle("locked", card.locked)
    item.setAttribute("aria-label", card.spoken)
    item.title = card.spoken
    const line = make("div", "line")
    line.append(make("span", "name", card.task))
    const lock = make("button", "lock")
    lock.type = "button"
    lock.tabIndex = -1
    lock.setAttribute("aria-pressed", String(card.locked))
    lock.setAttribute("aria-label", `${card.locked ? "Unlock" : "Lock"} ${card.task}`)
    lock.append(lockIcon(card.locked))
    lock.onclick = event => {
      event.stopPropagation()
      this.lock(card.task)
    }
    line.append(lock)
    const numbers = make("div", "numbers")
    numbers.append(make("span", "score", card.score))
    if (card.change) numbers.append(make("span", `change ${card.sense}`, card.change))
    if (card.served) numbers.append(make("span", "served", `served by ${card.served}`))
    item.append(line, numbers)
    item.onfocus = () => {
      this.focus = { task: card.task, column: index }
      this.rove()
    }
    item.onkeydown = event => this.key(event, card, index)
    item.ondragstart = event => {
      this.dragged = { task: card.task, from: index }
      event.dataTransfer.effectAllowed = "move"
      event.dataTransfer.setData("text/plain", card.task)
      item.classList.add("held")
    }
    item.ondragend = () => {
      this.dragged = null
      item.classList.remove("held")
      for (const box of this.columns.querySelectorAll(".over")) box.classList.remove("over")
    }
    return item
  }

  target(box, index) {
    box.ondragover = event => {
      if (!this.dragged || this.dragged.from === index) return
      event.preventDefault()
      event.dataTransfer.dropEffect = "move"
      box.classList.add("over")
    }
    box.ondragleave = event => {
      if (!box.contains(event.relatedTarget)) box.classList.remove("over")
    }
    box.ondrop = event => {
      event.preventDefault()
      box.classList.remove("over")
      const held = this.dragged
      this.dragged = null
      if (held) this.move(held.task, held.from, index)
    }
  }

  key(event, card, index) {
    if (event.target !== event.currentTarget) return
    if (event.ctrlKey || event.metaKey || event.altKey) return
    const count = this.data.columns.length
    let target = null
    if (event.key === "ArrowLeft") target = index - 1
    else if (event.key === "ArrowRight") target = index + 1
    else if (event.key === "+") target = count
    else if (/^[a-zA-Z]$/.test(event.key)) {
      target = this.data.columns.findIndex(c => c.letter === event.key.toUpperCase())
    } else if (event.key === "ArrowDown" || event.key === "ArrowUp") {
      const next = event.key === "ArrowDown" ? "nextElementSibling" : "previousElementSibling"
      event.currentTarget[next]?.focus()
    } else if (event.key === " " || event.key === "Enter") {
      this.refocus = true
      this.lock(card.task)
    } else return
    event.preventDefault()
    event.stopPropagation()
    if (target === null || target === index) return
    if (card.locked) {
      this.live.textContent = `${card.task} is locked. Press Space to unlock it.`
    } else if (target < 0 || target > count || (target === count && !this.data.may_add)) {
      this.live.textContent = this.data.no_more
    } else {
      this.refocus = true
      this.move(card.task, index, target)
    }
  }

  move(task, from, to) {
    if (from === to || this.waiting) return
    this.waiting = true
    this.focus = { task, column: to }
    // At once on the screen; the server answers with the scores.
    const item = this.find(task, from)
    const list = this.columns.querySelector(`ul[data-column="${to}"]`)
    if (item && list) {
      item.classList.add("moved")
      list.append(item)
      if (this.refocus) item.focus()
    }
    this.send("moved", { task, from, to, revision: this.data.revision })
  }

  lock(task) {
    this.send("locked", { task, revision: this.data.revision })
  }

  find(task, column) {
    return [...this.columns.querySelectorAll(".card")].find(
      item => item.dataset.task === task && (column === null || item.dataset.column === `${column}`)
    )
  }

  current() {
    const { task, column } = this.focus ?? {}
    return (
      (task !== undefined && (this.find(task, column) ?? this.find(task, null))) ||
      this.columns.querySelector(".card")
    )
  }

  rove() {
    for (const item of this.columns.querySelectorAll(".card[tabindex='0']")) item.tabIndex = -1
    const item = this.current()
    if (item) item.tabIndex = 0
  }
}

export default function (component) {
  const root = component.parentElement
  if (!boards.has(root)) boards.set(root, new Board(root))
  boards.get(root).update(component)
  return () => boards.delete(root)
}

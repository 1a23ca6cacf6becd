// Building elements without a framework and without HTML strings: whatever
// people write arrives in the page as text.
type Child = Node | string | false | undefined | null;

interface Attributes {
  class?: string | undefined;
  text?: string;
  on?: { [type: string]: (event: never) => void };
  [name: string]: unknown;
}

export function h<K extends keyof HTMLElementTagNameMap>(
  tag: K,
  attributes: Attributes = {},
  ...children: Child[]
): HTMLElementTagNameMap[K] {
  const element = document.createElement(tag);
  setAttributes(element, attributes);
  add(element, children);
  return element;
}

function setAttributes(element: HTMLElement, attributes: Attributes): void {
  for (const [name, value] of Object.entries(attributes)) {
    if (value === undefined || value === false || value === null) continue;
    if (name === "text") element.textContent = String(value);
    else if (name === "on") {
      for (const [type, fn] of Object.entries(value as Record<string, EventListener>)) {
        element.addEventListener(type, fn);
      }
    } else element.setAttribute(name, value === true ? "" : String(value));
  }
}

export function add(parent: Node, children: readonly Child[]): void {
  for (const child of children) {
    if (child === undefined || child === null || child === false) continue;
    parent.appendChild(typeof child === "string" ? document.createTextNode(child) : child);
  }
}

// Puts exactly these children into the parent, moving only what must move.
export function place(parent: Element, children: readonly Element[]): void {
  const wanted = new Set<Element>(children);
  for (const old of [...parent.children]) if (!wanted.has(old)) old.remove();
  let at: Element | null = parent.firstElementChild;
  for (const child of children) {
    if (child === at) at = at.nextElementSibling;
    else parent.insertBefore(child, at);
  }
}

// Runs fn once, soon, however often it is asked for; also in a hidden page.
export function batched(fn: () => void): () => void {
  let waiting = false;
  return () => {
    if (waiting) return;
    waiting = true;
    setTimeout(() => {
      waiting = false;
      fn();
    }, 8);
  };
}

// A key that belongs to an input method, such as the Enter that takes a word. Safari ends
// the composition before that key is down: only the key's code tells there.
export function composing(event: KeyboardEvent): boolean {
  return event.isComposing || event.keyCode === 229;
}

let lastId = 0;

export function uniqueId(stem: string): string {
  return `${stem}-${++lastId}`;
}

// A text field with a list of choices: fixed ones, filtered as one types, or ones that are asked for.
// With fixed choices only these are valid; with asked-for ones any text is.
import { html, useEffect, useRef, useState } from "../../vendor/preact.js";

const ASK_AFTER_MS = 200;

/** The choices for `text`: the matching fixed ones, or what `load(text)` says once typing has paused. */
function useFound({ choices, load, text, isOpen }) {
  const [loaded, setLoaded] = useState({ choices: [], state: "waiting" });
  useEffect(() => {
    if (!load || !isOpen) return undefined;
    let wanted = true;
    const timer = setTimeout(async () => {
      const answer = await load(text);
      if (wanted) setLoaded(answer ? { choices: answer, state: "ready" } : { choices: [], state: "failed" });
    }, ASK_AFTER_MS);
    return () => {
      wanted = false;
      clearTimeout(timer);
    };
  }, [text, isOpen]);
  if (load) return loaded;
  return { choices: choices.filter(({ name }) => name.toLowerCase().includes(text.toLowerCase())), state: "ready" };
}

const NOTES = {
  waiting: "Loading the choices…",
  failed: "The choices could not be loaded.",
  ready: "Nothing matches.",
};

export function Combobox({ ids, value, choices = null, load = null, placeholder, onChange }) {
  const [text, setText] = useState(() => choices?.find((choice) => choice.value === value)?.name ?? value ?? "");
  const [isOpen, setOpen] = useState(false);
  // null: nobody has walked the list yet.
  const [walked, setWalked] = useState(null);
  const list = useRef(null);
  const picked = choices?.some((choice) => choice.value === value && choice.name === text);
  const found = useFound({ choices, load, text: picked ? "" : String(text), isOpen });
  const count = found.choices.length;
  // An empty field with free text has nothing chosen, so that Enter can run the command without it.
  const index = walked === null && !choices && !text ? -1 : Math.min(walked ?? 0, count - 1);
  useEffect(() => list.current?.querySelector(".active")?.scrollIntoView({ block: "nearest" }), [index]);

  function type(event) {
    const typed = event.target.value;
    setText(typed);
    setOpen(true);
    setWalked(null);
    const exact = choices?.find(({ name }) => name.toLowerCase() === typed.trim().toLowerCase());
    onChange(choices ? exact?.value : typed);
  }

  function pick(choice) {
    setText(choice.name);
    setOpen(false);
    onChange(choice.value);
  }

  function onKeyDown(event) {
    if (!isOpen) {
      if (event.key === "ArrowDown") setOpen(true);
      return;
    }
    const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    const chosen = found.choices[index];
    if (step && count) setWalked(index < 0 && step < 0 ? count - 1 : (index + step + count) % count);
    else if (event.key === "Enter" && chosen) pick(chosen);
    else if (event.key === "Escape") setOpen(false);
    else {
      if (event.key === "Tab" && chosen && text) pick(chosen);
      return;
    }
    event.preventDefault();
  }

  return html`
    <div class="combobox">
      <input class="option-input" ...${ids} role="combobox" autocomplete="off" aria-expanded=${isOpen}
        aria-controls=${`${ids.id}-list`}
        aria-activedescendant=${isOpen && index >= 0 ? `${ids.id}-${index}` : undefined}
        value=${text} placeholder=${placeholder} onInput=${type} onKeyDown=${onKeyDown}
        onFocus=${() => setOpen(true)} onBlur=${() => setOpen(false)} onClick=${() => setOpen(true)} />
      ${
        isOpen &&
        html`
        <div class="options above" id=${`${ids.id}-list`} role="listbox" ref=${list}>
          ${found.choices.map(
            (choice, at) => html`
            <div key=${String(choice.value)} id=${`${ids.id}-${at}`} role="option" aria-selected=${at === index}
              class=${`option${at === index ? " active" : ""}`}
              onPointerDown=${(event) => event.preventDefault()} onClick=${() => pick(choice)}>${choice.name}</div>`,
          )}
          ${!found.choices.length && html`<p class="nothing">${NOTES[found.state]}</p>`}
        </div>`
      }
    </div>`;
}

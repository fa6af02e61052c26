// The page's one state, immutable, and how components follow the part of it that they show.
// Knows nothing of Discord: a change is a function from one state to the next.
import {
  Component,
  createContext,
  createElement,
  useContext,
  useLayoutEffect,
  useRef,
  useState,
} from "../vendor/preact.js";

export class Store {
  #listeners = new Set();

  constructor(state) {
    this.state = state;
  }

  update(change) {
    const next = change(this.state);
    if (next === this.state) return;
    this.state = next;
    for (const listener of [...this.#listeners]) listener();
  }

  /** Calls `listener` after every change; returns the function that stops it. */
  subscribe(listener) {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }
}

/** Carries {store, api, ...actions} to every component. */
export const AppContext = createContext(null);

export const useApp = () => useContext(AppContext);

/** What `select` picks from the state; the component renders again only when the picked value is another one. */
export function useSelect(select) {
  const { store } = useApp();
  const [, renderAgain] = useState(0);
  const picked = select(store.state);
  const latest = useRef(null);
  latest.current = { select, picked };
  useLayoutEffect(() => {
    const check = () => {
      const { select, picked } = latest.current;
      if (select(store.state) !== picked) renderAgain((count) => count + 1);
    };
    check();
    return store.subscribe(check);
  }, [store]);
  return picked;
}

/** A component that renders again only when one of its properties is another value. */
export function memo(component) {
  return class extends Component {
    shouldComponentUpdate(next) {
      const keys = new Set([...Object.keys(next), ...Object.keys(this.props)]);
      return [...keys].some((key) => next[key] !== this.props[key]);
    }

    render(props) {
      return createElement(component, props);
    }
  };
}

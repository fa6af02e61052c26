// Short notices in a corner: what happened and what to do, gone by themselves after a while.
const SHOWN_MS = 8_000;

export function toastActions({ store }) {
  let lastId = 0;

  const dismissToast = (id) =>
    store.update((state) => ({ ...state, toasts: state.toasts.filter((toast) => toast.id !== id) }));

  function toast(text, kind = "info") {
    lastId += 1;
    const id = lastId;
    store.update((state) => ({ ...state, toasts: [...state.toasts.slice(-3), { id, text, kind }] }));
    setTimeout(() => dismissToast(id), SHOWN_MS);
  }

  /** Runs `work`; a failure becomes a toast. Resolves to whether it succeeded. */
  async function attempt(work) {
    try {
      await work();
      return true;
    } catch (error) {
      toast(error.message, "error");
      return false;
    }
  }

  return { toast, dismissToast, attempt };
}

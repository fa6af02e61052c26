// What lies over the page: one dialog and one menu at a time, and the channel drawer on a narrow screen.
import { toggleTheme } from "../theme.js";

export function overlayActions({ store }) {
  const set = (change) => store.update((state) => ({ ...state, ...change }));

  return {
    /** `dialog` is {kind, ...properties of that dialog}. */
    openDialog: (dialog) => set({ dialog, menu: null }),
    closeDialog: () => set({ dialog: null }),
    /** `menu` is {x, y, label, items}; an item is {label, icon, run, danger?, heading?}. */
    openMenu: (menu) => set({ menu: { ...menu, opener: document.activeElement } }),
    closeMenu() {
      const { menu } = store.state;
      if (!menu) return;
      set({ menu: null });
      menu.opener?.focus({ preventScroll: true });
    },
    setDrawer: (drawerOpen) => set({ drawerOpen }),
    changeTheme: () => set({ theme: toggleTheme() }),
    announce: (announcement) => set({ announcement }),
  };
}

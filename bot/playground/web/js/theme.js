// Light or dark: what the system asks for until the person chooses otherwise; the choice is kept.
const KEY = "cogitor.theme";

const systemTheme = () => (matchMedia("(prefers-color-scheme: light)").matches ? "light" : "dark");

export const currentTheme = () => document.documentElement.dataset.theme ?? systemTheme();

export function applyStoredTheme() {
  const stored = localStorage.getItem(KEY);
  if (stored) document.documentElement.dataset.theme = stored;
}

export function toggleTheme() {
  const theme = currentTheme() === "dark" ? "light" : "dark";
  document.documentElement.dataset.theme = theme;
  localStorage.setItem(KEY, theme);
  return theme;
}

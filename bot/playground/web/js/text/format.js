// Times, sizes and counts as people read them.
const LOCALE = "en-GB";

const clock = new Intl.DateTimeFormat(LOCALE, { hour: "2-digit", minute: "2-digit" });
const shortDate = new Intl.DateTimeFormat(LOCALE, { day: "2-digit", month: "2-digit", year: "numeric" });
const longDate = new Intl.DateTimeFormat(LOCALE, { day: "numeric", month: "long", year: "numeric" });
const fullDate = new Intl.DateTimeFormat(LOCALE, { dateStyle: "full", timeStyle: "short" });
const relative = new Intl.RelativeTimeFormat(LOCALE, { numeric: "auto" });

const DAY_MS = 86_400_000;
const UNITS = [
  ["year", 365 * 86_400],
  ["month", 30 * 86_400],
  ["week", 7 * 86_400],
  ["day", 86_400],
  ["hour", 3_600],
  ["minute", 60],
  ["second", 1],
];

export const formatClock = (time) => clock.format(time);
export const formatDay = (time) => longDate.format(time);
export const formatFull = (time) => fullDate.format(time);

const startOfDay = (time) => new Date(time).setHours(0, 0, 0, 0);

/** "Today at 14:02", "Yesterday at 14:02", else the date and the time. */
export function formatWhen(time, now = Date.now()) {
  const days = Math.round((startOfDay(now) - startOfDay(time)) / DAY_MS);
  if (days === 0) return `Today at ${clock.format(time)}`;
  if (days === 1) return `Yesterday at ${clock.format(time)}`;
  return `${shortDate.format(time)}, ${clock.format(time)}`;
}

/** "in 5 minutes", "2 hours ago". */
export function formatRelative(time, now = Date.now()) {
  const seconds = Math.round((time - now) / 1000);
  const [unit, size] = UNITS.find(([, size]) => Math.abs(seconds) >= size) ?? UNITS.at(-1);
  return relative.format(Math.trunc(seconds / size), unit);
}

const styles = {
  t: { timeStyle: "short" },
  T: { timeStyle: "medium" },
  d: { dateStyle: "short" },
  D: { dateStyle: "long" },
  f: { dateStyle: "long", timeStyle: "short" },
  F: { dateStyle: "full", timeStyle: "short" },
};

/** A <t:…> timestamp in its style (Discord, "Timestamp Styles"); R is relative to `now`. */
export function formatTimestamp(seconds, style = "f", now = Date.now()) {
  const time = seconds * 1000;
  if (Number.isNaN(new Date(time).getTime())) return "Invalid date";
  return style === "R" ? formatRelative(time, now) : new Intl.DateTimeFormat(LOCALE, styles[style]).format(time);
}

export function formatBytes(bytes) {
  if (bytes < 1024) return `${bytes} bytes`;
  if (bytes < 1024 ** 2) return `${(bytes / 1024).toFixed(bytes < 10_240 ? 1 : 0)} KB`;
  return `${(bytes / 1024 ** 2).toFixed(1)} MB`;
}

export const formatCount = (count, one, many = `${one}s`) =>
  `${count.toLocaleString(LOCALE)} ${count === 1 ? one : many}`;

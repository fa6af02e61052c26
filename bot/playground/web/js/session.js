// Who speaks in this tab and which channel is open: both live in the address, so that two tabs may be two
// people and a reload comes back to the same place. The form is #/<username>/<channel id>.
const LAST_USER = "cogitor.user";

/** The place the address names: {username, channelId}, each null where it says nothing. */
export function readPlace() {
  const [, username, channelId] = location.hash.split("/").map(decodeURIComponent);
  return { username: username || sessionStorage.getItem(LAST_USER), channelId: channelId || null };
}

export function writePlace({ username, channelId }, { replace = false } = {}) {
  sessionStorage.setItem(LAST_USER, username);
  const hash = `#/${encodeURIComponent(username)}${channelId ? `/${channelId}` : ""}`;
  if (hash === location.hash) return;
  history[replace ? "replaceState" : "pushState"](null, "", hash);
}

/** The address of the same channel as seen by another person. */
export const placeOf = (username, channelId) => `#/${encodeURIComponent(username)}${channelId ? `/${channelId}` : ""}`;

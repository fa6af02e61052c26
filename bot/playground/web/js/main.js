// The page's beginning: finds out who speaks in this tab, builds that person's session and draws it.
// Another name in the address ends the session and begins the other person's.
import { Api } from "./api.js";
import { createApp } from "./app.js";
import { readPlace } from "./session.js";
import { AppContext } from "./store.js";
import { applyStoredTheme } from "./theme.js";
import { html, render } from "../vendor/preact.js";
import { Page } from "./view/page.js";

const root = document.getElementById("app");

function showFailure(error) {
  render(
    html`<div class="boot" role="alert"><p>${error.message}</p>
      <button class="button primary" onClick=${() => location.reload()}>Try again</button></div>`,
    root,
  );
}

async function begin() {
  const { username, channelId } = readPlace();
  const start = await new Api(null).get("/start");
  const me = start.users.find((user) => user.username === username) ?? start.users[0];
  const app = createApp(start, me);
  await app.loadChannels();
  await app.openFirst(channelId);
  root.replaceChildren();
  render(html`<${AppContext.Provider} key=${me.id} value=${app}><${Page} /><//>`, root);
  return app;
}

async function main() {
  applyStoredTheme();
  let app = await begin();
  // One change at a time: switching twice quickly must not leave two sessions alive.
  let changing = Promise.resolve();
  addEventListener("hashchange", () => {
    changing = changing
      .then(async () => {
        const { username, channelId } = readPlace();
        if (username === app.store.state.me.username) {
          await app.openChannel(channelId, { replace: true });
          return;
        }
        app.close();
        render(null, root);
        app = await begin();
      })
      .catch(showFailure);
  });
}

main().catch(showFailure);

// A message's interactive parts: rows of buttons and selects, and the layout parts of Components V2.
import { html } from "../../vendor/preact.js";
import { Markdown, Spoiler } from "../markdown/view.js";
import { ComponentType } from "../state/discord.js";
import { FileCard, localUrl } from "./attachments.js";
import { Button } from "./button.js";
import { MessageSelect } from "./select.js";
import { useApp } from "../store.js";

function Row({ component, message }) {
  return html`<div class="component-row"
    role="group">${component.components.map((each, index) => html`<${Part} key=${each.custom_id ?? index}
    component=${each} message=${message} />`)}</div>`;
}

function Section({ component, message }) {
  return html`
    <div class="section">
      <div class="section-text">${component.components.map((each, index) => html`<${Part} key=${index} component=${each}
        message=${message} />`)}</div>
      ${component.accessory && html`<${Part} component=${component.accessory} message=${message} />`}
    </div>`;
}

const colourOf = (accent) =>
  accent === null || accent === undefined ? undefined : `#${accent.toString(16).padStart(6, "0")}`;

function Container({ component, message }) {
  const parts = component.components.map(
    (each, index) => html`<${Part} key=${each.custom_id ?? index} component=${each} message=${message} />`,
  );
  const box = html`<div class=${`container${component.accent_color ? " accented" : ""}`}
    style=${{ "--accent": colourOf(component.accent_color) }}>${parts}</div>`;
  return component.spoiler ? html`<${Spoiler} block label="Hidden section. Activate to show.">${box}<//>` : box;
}

/** The message's file that a component refers to, by what the server resolved or by attachment://name. */
function mediaOf(media, message) {
  const name = media?.url?.startsWith("attachment://") ? media.url.slice("attachment://".length) : null;
  const file = message.attachments?.find((each) => each.filename === name || each.id === media?.attachment_id);
  return { file, url: localUrl(file?.url ?? media?.url ?? "") };
}

function Picture({ media, message, description, spoiler, className }) {
  const { store } = useApp();
  const { url } = mediaOf(media, message);
  if (!url) return html`<span class=${`${className} no-picture`}>This picture lies outside of the playground.</span>`;
  const label = description || "Picture";
  const show = () => store.update((state) => ({ ...state, lightbox: { url, label } }));
  const picture = html`<button class=${`image ${className}`} aria-label=${`Enlarge: ${label}`} onClick=${show}>
    <img src=${url} alt=${label} loading="lazy" /></button>`;
  return spoiler ? html`<${Spoiler} block label="Hidden picture. Activate to show.">${picture}<//>` : picture;
}

function Gallery({ component, message }) {
  return html`<div
    class="gallery">${component.items.map((item, index) => html`<${Picture} key=${index} ...${item} message=${message}
    className="tile" />`)}</div>`;
}

function File({ component, message }) {
  const { file, url } = mediaOf(component.file, message);
  if (!url) return null;
  const known = { filename: component.name ?? file?.filename ?? "file", size: component.size ?? file?.size ?? 0 };
  const card = html`<${FileCard} file=${known} url=${url} />`;
  return component.spoiler ? html`<${Spoiler} block label="Hidden file. Activate to show.">${card}<//>` : card;
}

function Part({ component, message }) {
  switch (component.type) {
    case ComponentType.ROW:
      return html`<${Row} component=${component} message=${message} />`;
    case ComponentType.BUTTON:
      return html`<${Button} component=${component} message=${message} />`;
    case ComponentType.STRING_SELECT:
    case ComponentType.USER_SELECT:
    case ComponentType.ROLE_SELECT:
    case ComponentType.MENTIONABLE_SELECT:
    case ComponentType.CHANNEL_SELECT:
      return html`<${MessageSelect} component=${component} message=${message} />`;
    case ComponentType.SECTION:
      return html`<${Section} component=${component} message=${message} />`;
    case ComponentType.TEXT:
      return html`<${Markdown} text=${component.content} />`;
    case ComponentType.THUMBNAIL:
      return html`<${Picture} ...${component} message=${message} className="thumbnail" />`;
    case ComponentType.GALLERY:
      return html`<${Gallery} component=${component} message=${message} />`;
    case ComponentType.FILE:
      return html`<${File} component=${component} message=${message} />`;
    case ComponentType.SEPARATOR:
      return html`<hr
        class=${`separator${component.spacing === 2 ? " large" : ""}${component.divider === false ? " invisible" : ""}`} />`;
    case ComponentType.CONTAINER:
      return html`<${Container} component=${component} message=${message} />`;
    default:
      return html`<p class="failure">This page does not know components of type ${component.type}.</p>`;
  }
}

export function Components({ message }) {
  if (!message.components?.length) return null;
  return html`<div
    class="components">${message.components.map((each, index) => html`<${Part} key=${each.id ?? index} component=${each}
    message=${message} />`)}</div>`;
}

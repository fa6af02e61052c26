// Embeds: a box with a coloured edge, its title, text, fields and footer.
import { html } from "../../vendor/preact.js";
import { Markdown } from "../markdown/view.js";
import { formatWhen } from "../text/format.js";
import { localUrl } from "./attachments.js";

const cssColour = (colour) => (colour ? `#${colour.toString(16).padStart(6, "0")}` : undefined);

function Field({ name, value, inline }) {
  return html`<div class=${`embed-field${inline ? " inline" : ""}`}><b><${Markdown} text=${name} /></b>
    <${Markdown} text=${value} /></div>`;
}

function Title({ title, url }) {
  const isWebUrl = /^https?:\/\//.test(url ?? "");
  const link = html`<a href=${url} target="_blank" rel="noopener noreferrer nofollow">${title}</a>`;
  return html`<p class="embed-title">${isWebUrl ? link : title}</p>`;
}

function Embed({ embed }) {
  const { title, description, url, author, fields = [], footer, timestamp, color, image } = embed;
  const picture = image && localUrl(image.url);
  const foot = [footer?.text, timestamp && formatWhen(Date.parse(timestamp))].filter(Boolean).join(" · ");
  return html`
    <div class="embed" style=${{ "--embed-colour": cssColour(color) }}>
      ${author && html`<p class="embed-author">${author.name}</p>`}
      ${title && html`<${Title} title=${title} url=${url} />`}
      ${description && html`<${Markdown} text=${description} />`}
      <div class="embed-fields">${fields.map((field) => html`<${Field} ...${field} />`)}</div>
      ${picture && html`<img class="embed-image" src=${picture} alt="" />`}
      ${foot && html`<p class="embed-footer">${foot}</p>`}
    </div>`;
}

export function Embeds({ embeds }) {
  if (!embeds?.length) return null;
  const boxes = embeds.map((embed, index) => html`<${Embed} key=${index} embed=${embed} />`);
  return html`<div class="embeds">${boxes}</div>`;
}

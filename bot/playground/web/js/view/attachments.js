// A message's files: images in place, text with a preview that unfolds, anything else as a card to download.
// A file whose name begins with SPOILER_ stays hidden until it is asked for.
import { html, useEffect, useState } from "../../vendor/preact.js";
import { hasFlag, MessageFlag } from "../state/discord.js";
import { Code, languageOf } from "../markdown/code.js";
import { Spoiler } from "../markdown/view.js";
import { useApp } from "../store.js";
import { formatBytes } from "../text/format.js";
import { Icon } from "./icon.js";

const PREVIEW_LINES = 8;
const MOST_PREVIEWED_BYTES = 300_000;
const TEXT_EXTENSIONS = new Set(
  (
    "txt md markdown py js mjs ts tsx jsx json yml yaml toml ini cfg c h cpp hpp cc cs java kt go rs rb php sh bash " +
    "sql htm html css scss xml csv log diff patch swift lua pl r scala hs ex exs erl dart tex dockerfile makefile"
  ).split(" "),
);

/** Only files that this playground serves are shown; their host may be written otherwise than this page's. */
export function localUrl(url) {
  if (!URL.canParse(url, location.href)) return null;
  const { pathname, search } = new URL(url, location.href);
  return pathname.startsWith("/play/attachments/") ? pathname + search : null;
}

const isImage = (file) => file.content_type?.startsWith("image/") && !file.content_type.includes("svg");

const extensionOf = (file) => file.filename.split(".").at(-1).toLowerCase();

const isText = (file) =>
  /^(text\/|application\/(json|xml|javascript))/.test(file.content_type ?? "") ||
  TEXT_EXTENSIONS.has(extensionOf(file));

function Image({ file, url }) {
  const { store } = useApp();
  const label = file.description || file.filename;
  const size = file.width && file.height ? { width: file.width, height: file.height } : {};
  return html`
    <button class="image" aria-label=${`Enlarge ${label}`}
      onClick=${() => store.update((state) => ({ ...state, lightbox: { url, label } }))}>
      <img src=${url} alt=${label} loading="lazy" ...${size} />
    </button>`;
}

export function FileCard({ file, url }) {
  return html`
    <div class="file-card">
      <${Icon} name="file" />
      <span class="file-facts"><a href=${url} download=${file.filename}>${file.filename}</a><small>
        ${formatBytes(file.size ?? 0)}</small></span>
      <a class="icon-button" href=${url} download=${file.filename} title="Download"
        aria-label=${`Download ${file.filename}`}><${Icon} name="download" /></a>
    </div>`;
}

function useText(url) {
  const [text, setText] = useState(null);
  useEffect(() => {
    const abort = new AbortController();
    fetch(url, { signal: abort.signal })
      .then((response) => (response.ok ? response.text() : null))
      .then(setText)
      .catch(() => setText(null));
    return () => abort.abort();
  }, [url]);
  return text;
}

function TextFile({ file, url }) {
  const text = useText(url);
  const [unfolded, setUnfolded] = useState(false);
  if (text === null) return html`<${FileCard} file=${file} url=${url} />`;
  const lines = text.replace(/\n$/, "").split("\n");
  const more = lines.length - PREVIEW_LINES;
  const shown = unfolded ? lines : lines.slice(0, PREVIEW_LINES);
  return html`
    <div class="text-file">
      <pre tabindex="0" aria-label=${`Preview of ${file.filename}`}>
        <${Code} code=${shown.join("\n")} language=${languageOf(file.filename)} /></pre>
      <div class="text-file-foot">
        ${
          more > 0 &&
          html`
          <button class="text-link unfold" aria-expanded=${unfolded} onClick=${() => setUnfolded(!unfolded)}>
            <${Icon} name="chevron" />${unfolded ? "Show less" : `Show ${more} more ${more === 1 ? "line" : "lines"}`}
          </button>`
        }
        <span class="file-name"><a href=${url} download=${file.filename}>${file.filename}</a>
          <small>${formatBytes(file.size)}</small>
          <a class="icon-button" href=${url} download=${file.filename} title="Download"
            aria-label=${`Download ${file.filename}`}><${Icon} name="download" /></a></span>
      </div>
    </div>`;
}

function Attachment({ file }) {
  const url = localUrl(file.url);
  if (!url)
    return html`<p class="failure"><${Icon} name="warning" />
      ${file.filename} lies outside of the playground and is not shown.</p>`;
  const previewed = isText(file) && file.size <= MOST_PREVIEWED_BYTES;
  const Shown = isImage(file) ? Image : previewed ? TextFile : FileCard;
  const view = html`<${Shown} file=${file} url=${url} />`;
  if (!file.filename.startsWith("SPOILER_")) return view;
  return html`<${Spoiler} block label=${`${file.filename}, hidden. Activate to show.`}>${view}<//>`;
}

export function Attachments({ message }) {
  // A message made of components shows its files only where a component refers to them.
  if (!message.attachments?.length || hasFlag(message, MessageFlag.COMPONENTS_V2)) return null;
  return html`<div
    class="attachments">${message.attachments.map((file) => html`<${Attachment} key=${file.id} file=${file}
    />`)}</div>`;
}

// The files that go out with the next message: previews, names, and a way to take each out again.
import { html, useEffect, useMemo } from "../../vendor/preact.js";
import { formatBytes } from "../text/format.js";
import { Icon } from "./icon.js";

function Preview({ file }) {
  const isImage = file.type.startsWith("image/");
  const url = useMemo(() => (isImage ? URL.createObjectURL(file) : null), [file]);
  useEffect(() => () => url && URL.revokeObjectURL(url), [url]);
  return url ? html`<img src=${url} alt="" />` : html`<${Icon} name="file" />`;
}

export function UploadTray({ files, onChange }) {
  if (!files.length) return null;
  const spoiler = (file) => {
    const name = file.name.startsWith("SPOILER_") ? file.name.slice("SPOILER_".length) : `SPOILER_${file.name}`;
    onChange(files.map((each) => (each === file ? new File([file], name, { type: file.type }) : each)));
  };
  return html`
    <ul class="upload-tray" aria-label="Files to send">
      ${files.map(
        (file, index) => html`
        <li key=${`${file.name}-${index}`} class="upload">
          <span class="upload-preview"><${Preview} file=${file} /></span>
          <span class="name">${file.name}</span><small>${formatBytes(file.size)}</small>
          <span class="upload-buttons">
            <button class="icon-button" aria-pressed=${file.name.startsWith("SPOILER_")} title="Hide behind a spoiler"
              aria-label=${`Hide ${file.name} behind a spoiler`} onClick=${() => spoiler(file)}>
              <${Icon} name="eye" />
            </button>
            <button class="icon-button" title="Remove" aria-label=${`Remove ${file.name}`}
              onClick=${() => onChange(files.filter((each) => each !== file))}><${Icon} name="trash" /></button>
          </span>
        </li>`,
      )}
    </ul>`;
}

// Files that are dragged over the page can be dropped anywhere on it.
import { html, useEffect, useState } from "../../vendor/preact.js";
import { Icon } from "./icon.js";

const carriesFiles = (event) => event.dataTransfer?.types.includes("Files");

export function DropZone({ onFiles }) {
  const [over, setOver] = useState(false);
  useEffect(() => {
    const onDragOver = (event) => {
      if (!carriesFiles(event)) return;
      event.preventDefault();
      setOver(true);
    };
    const onDragLeave = (event) => event.relatedTarget === null && setOver(false);
    const onDrop = (event) => {
      if (!carriesFiles(event)) return;
      event.preventDefault();
      setOver(false);
      onFiles(event.dataTransfer.files);
    };
    const listeners = { dragover: onDragOver, dragleave: onDragLeave, drop: onDrop };
    for (const [name, listener] of Object.entries(listeners)) addEventListener(name, listener);
    return () => {
      for (const [name, listener] of Object.entries(listeners)) removeEventListener(name, listener);
    };
  });
  return over && html`<div class="drop-zone"><p><${Icon} name="file" />Drop the files to attach them.</p></div>`;
}

// A block of code, highlighted, with a button that copies it.
import hljs from "../../vendor/highlight.js";
import { html, useMemo } from "../../vendor/preact.js";
import { useApp } from "../store.js";
import { Icon } from "../view/icon.js";

const MOST_HIGHLIGHTED = 100_000;

/** highlight.js escapes the code it is given, so its output is the page's one piece of ready HTML. */
function highlighted(code, language) {
  if (!language || code.length > MOST_HIGHLIGHTED || !hljs.getLanguage(language)) return null;
  return { __html: hljs.highlight(code, { language, ignoreIllegals: true }).value };
}

export function Code({ code, language }) {
  const markup = useMemo(() => highlighted(code, language), [code, language]);
  return markup
    ? html`<code class="hljs" dangerouslySetInnerHTML=${markup} />`
    : html`<code class="hljs">${code}</code>`;
}

export function CodeBlock({ code, language }) {
  const { copyText } = useApp();
  return html`
    <div class="code-block">
      <pre tabindex="0" aria-label=${language ? `Code, ${language}` : "Code"}>
        <${Code} code=${code} language=${language} /></pre>
      <button class="icon-button copy" title="Copy code" aria-label="Copy code" onClick=${() => copyText(code)}>
        <${Icon} name="copy" /></button>
    </div>`;
}

/** The language that a file's name suggests, as highlight.js knows it; empty when it knows none. */
export function languageOf(filename) {
  const extension = filename.split(".").at(-1).toLowerCase();
  return hljs.getLanguage(extension) ? extension : "";
}

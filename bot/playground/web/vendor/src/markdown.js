// Discord's markdown as parser rules, and simple-markdown's machinery to run and extend them.
export { SimpleMarkdown, rules } from "discord-markdown-parser";

// The bot's commands as a person picks them: one entry a command, subcommand or menu command, and only those that
// this person may use. Pure.
import { CommandType, OptionType } from "../state/discord.js";

// What every member may do in the playground's server: view, send (also in threads), react, attach, embed, read
// history, use application commands, start threads, mention everyone, change their nickname (Discord, "Permissions").
const MEMBER_BITS = [6, 10, 11, 14, 15, 16, 17, 18, 26, 31, 35, 36, 37, 38, 40, 46];
const MEMBER_PERMISSIONS = MEMBER_BITS.reduce((all, bit) => all | (1n << BigInt(bit)), 0n);
const DM_CONTEXT = 1;
const GUILD_CONTEXT = 0;

function isAllowed(command, me) {
  const needed = command.default_member_permissions;
  if (me.admin || needed === null || needed === undefined) return true;
  const bits = BigInt(needed);
  return bits !== 0n && (bits & ~MEMBER_PERMISSIONS) === 0n;
}

function worksHere(command, inGuild) {
  if (command.contexts) return command.contexts.includes(inGuild ? GUILD_CONTEXT : DM_CONTEXT);
  return inGuild || command.dm_permission !== false;
}

const isGroup = (option) => option.type === OptionType.SUBCOMMAND || option.type === OptionType.GROUP;

/** The runnable paths of one command: itself, or each of its subcommands. */
function leaves(command, options = command.options ?? [], path = [command.name], description = command.description) {
  const nested = options.filter(isGroup);
  if (!nested.length) return [{ command, path, name: path.join(" "), description, options }];
  return nested.flatMap((option) => leaves(command, option.options ?? [], [...path, option.name], option.description));
}

const usable = ({ commands, me, inGuild }, type) =>
  commands.filter(
    (command) =>
      (command.type ?? CommandType.CHAT_INPUT) === type && isAllowed(command, me) && worksHere(command, inGuild),
  );

export const slashCommands = (scope) =>
  usable(scope, CommandType.CHAT_INPUT)
    .flatMap((command) => leaves(command))
    .sort((a, b) => (a.name < b.name ? -1 : 1));

export const messageCommands = (scope) => usable(scope, CommandType.MESSAGE);

/** The commands that match what was typed after "/": those that begin with it first, then those that contain it. */
export function filterCommands(entries, query) {
  const wanted = query.trim().toLowerCase();
  const starts = entries.filter((entry) => entry.name.startsWith(wanted));
  const contains = entries.filter(
    (entry) => !entry.name.startsWith(wanted) && `${entry.name} ${entry.description}`.toLowerCase().includes(wanted),
  );
  return [...starts, ...contains];
}

// The numbers of Discord's protocol that the page needs, under their names (Discord, "Message Resource",
// "Channel Resource", "Component Reference", "Application Commands").
export const ChannelType = { TEXT: 0, DM: 1, NEWS_THREAD: 10, PUBLIC_THREAD: 11, PRIVATE_THREAD: 12, FORUM: 15 };

export const MessageType = {
  DEFAULT: 0,
  CHANNEL_NAME_CHANGE: 4,
  PINNED: 6,
  JOINED: 7,
  THREAD_CREATED: 18,
  REPLY: 19,
  COMMAND: 20,
  THREAD_STARTER: 21,
  CONTEXT_COMMAND: 23,
};

export const MessageFlag = { EPHEMERAL: 1 << 6, LOADING: 1 << 7, COMPONENTS_V2: 1 << 15 };

export const ComponentType = {
  ROW: 1,
  BUTTON: 2,
  STRING_SELECT: 3,
  TEXT_INPUT: 4,
  USER_SELECT: 5,
  ROLE_SELECT: 6,
  MENTIONABLE_SELECT: 7,
  CHANNEL_SELECT: 8,
  SECTION: 9,
  TEXT: 10,
  THUMBNAIL: 11,
  GALLERY: 12,
  FILE: 13,
  SEPARATOR: 14,
  CONTAINER: 17,
  LABEL: 18,
  FILE_UPLOAD: 19,
  RADIO_GROUP: 21,
  CHECKBOX_GROUP: 22,
  CHECKBOX: 23,
};

export const ButtonStyle = { PRIMARY: 1, SECONDARY: 2, SUCCESS: 3, DANGER: 4, LINK: 5 };

export const CommandType = { CHAT_INPUT: 1, USER: 2, MESSAGE: 3 };

export const OptionType = {
  SUBCOMMAND: 1,
  GROUP: 2,
  STRING: 3,
  INTEGER: 4,
  BOOLEAN: 5,
  USER: 6,
  CHANNEL: 7,
  ROLE: 8,
  MENTIONABLE: 9,
  NUMBER: 10,
  ATTACHMENT: 11,
};

export const InteractionType = { COMMAND: 2, COMPONENT: 3, AUTOCOMPLETE: 4, MODAL_SUBMIT: 5 };

export const isThread = (channel) =>
  channel.type >= ChannelType.NEWS_THREAD && channel.type <= ChannelType.PRIVATE_THREAD;

export const hasFlag = (message, flag) => ((message.flags ?? 0) & flag) !== 0;

/** Snowflakes as strings, in order of time: longer is later, then digit by digit. */
export const compareIds = (a, b) => a.length - b.length || (a < b ? -1 : Number(a > b));

/** The moment a snowflake was made, in milliseconds (Discord, "Snowflakes"). */
export const snowflakeTime = (id) => Number(BigInt(id) >> 22n) + 1_420_070_400_000;

// The state a tab begins with, from what the server says at the start.
const byId = (items) => Object.fromEntries(items.map((item) => [item.id, item]));

export function initialState(start, me) {
  return {
    me,
    users: byId([...start.users, { ...start.bot, bot: true }]),
    people: start.users,
    bot: start.bot,
    botOnline: start.bot.online ?? true,
    guilds: start.guilds,
    commands: start.commands,
    limits: start.limits,
    model: start.model,
    notice: start.notice,
    channels: {},
    channelId: null,
    timelines: {},
    unread: {},
    firstUnread: {},
    typing: {},
    drafts: {},
    notices: {},
    failures: {},
    pending: {},
    dismissed: {},
    editingId: null,
    modal: null,
    dialog: null,
    menu: null,
    toasts: [],
    lightbox: null,
    theme: null,
    announcement: "",
    connection: "connecting",
    drawerOpen: false,
  };
}

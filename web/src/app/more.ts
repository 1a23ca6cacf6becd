// What is seldom needed, as one file of its own: see later.ts.
export { blocksDialog } from "./blocks-dialog.ts";
export { directoryDialog } from "./directory.ts";
export { deactivateDialog } from "./deactivate.ts";
export { keysDialog } from "./keys-dialog.ts";
export { actsDialog, holdDialog, purgeDialog, reportDialog, reportsDialog } from "./moderation.ts";
export { passkeysDialog } from "./passkeys-dialog.ts";
export { profileCard } from "./profile-card.ts";
export { profileDialog } from "./profile-dialog.ts";
export { aboutRoom } from "./room-about.ts";
export { createRoomDialog } from "./room-create.ts";
export { invitesDialog } from "./room-invites.ts";
export { membersDialog } from "./room-members.ts";
export { roomSettingsDialog } from "./room-settings.ts";
export { sessionsDialog } from "./sessions-dialog.ts";
